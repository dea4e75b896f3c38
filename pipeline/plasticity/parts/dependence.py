"""The dependence of changes on the weight, as numbers for compiled loops."""

from typing import TYPE_CHECKING

from pipeline.kernels.rules.learning import Additive, PowerLaw, float32s

if TYPE_CHECKING:
    from pipeline.plasticity.pair import Pair


def weight_dependence(rule: "Pair") -> Additive | PowerLaw:
    """Prepare the changes of a pair rule; warns if the additive one is unbalanced."""
    if rule.dependence == "additive":
        rule.warn_if_unbalanced()
        return Additive(*float32s(rule.a_plus, rule.a_minus, rule.w_max))
    a_plus = rule.a_plus * rule.w_ref ** (1 - rule.mu)
    return PowerLaw(*float32s(a_plus, rule.a_minus, rule.w_max, rule.mu))
