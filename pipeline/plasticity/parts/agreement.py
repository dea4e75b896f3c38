"""Whether rules that change the same weights agree about them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.plasticity.base import Rule


def disagreement(rules: "Sequence[Rule]") -> str:
    """Describe how rules disagree about weights; empty if they do not."""
    bounds = {rule.heaviest: rule for rule in rules if rule.heaviest is not None}
    kinds = {rule.weight_type: rule for rule in rules if rule.heaviest is not None}
    if len(bounds) > 1:
        found = (f"{type(rule).__name__} {w:g}" for w, rule in bounds.items())
        return "w_max differs: " + ", ".join(found)
    if len(kinds) > 1:
        found = (f"{type(rule).__name__} {k.__name__}" for k, rule in kinds.items())
        return "weights are kept as different types: " + ", ".join(found)
    return ""
