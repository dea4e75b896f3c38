r"""Attacks on membership: scores of decisions, from confidences alone.

p is the probability that a network gives to the true class of a decision x. The
references of a target θ are all networks but itself and its twin; those that were not
trained on the person of x are OUT. Each attack gives a score, the higher the likelier
that the person is a member of the target's training set:

.. math::

    \text{confidence} &= p_θ(x) \\
    \text{reference} &= \operatorname{mean}_{θ' \text{ OUT}}
        \big( 1[p_θ(x) > p_{θ'}(x)] + ½ \, 1[p_θ(x) = p_{θ'}(x)] \big) \\
    \text{RMIA} &= \operatorname{mean}_z 1\big[ r(x) / r(z) > 1 \big], \quad
        r(x) = \frac{p_θ(x)}{\frac{1+a}{2} \bar p_\text{OUT}(x) + \frac{1-a}{2}} \\
    \text{trajectory} &= \text{a logistic regression of } -\log p_θ(x)
        \text{ after each epoch}

z are decisions of the population, on which no network is trained. `a` is the one of 0,
0.1, … 1 with the highest AUC in an attack on the target's twin, whose members the
attacker is given. The trajectory's regression learns from the references, whose members
the attacker knows; it is given the networks after each epoch, as nobody outside of a
training is: a bound of what its losses reveal, not a likely attack.

References
----------
.. [1] S. Zarifzadeh et al., "Low-cost high-power membership inference attacks", ICML
   2024; github.com/privacytrustlab/ml_privacy_meter.
.. [2] J. Ye et al., "Enhanced membership inference attacks against machine learning
   models", CCS 2022 (confidence and reference).
.. [3] Y. Liu et al., "Membership inference attacks by exploiting loss trajectory", CCS
   2022.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.privacy.membership import twin

Confidences = Float[np.ndarray, "model decision"]
Member = Bool[np.ndarray, "model decision"]
"""Whether the person of a decision is in the training set of a network."""
Scores = Float[np.ndarray, " decision"]
Population = Float[np.ndarray, "model population"]
"""Confidences in decisions of persons on whom no network is trained."""

OFFLINE_A = tuple(k / 10 for k in range(11))
"""Values of `a` that are tried."""

SMALLEST = 1e-12
"""Confidences below count as this in a loss, and where they divide."""


def references(target: int, n_models: int) -> list[int]:
    """List the networks that a target is compared with."""
    return [k for k in range(n_models) if k not in (target, twin(target))]


def by_confidence(p: Confidences, target: int) -> Scores:
    """Score each decision by the target's confidence in its true class."""
    scores: Scores = p[target]
    return scores


def by_reference(p: Confidences, member: Member, target: int) -> Scores:
    """Score each decision by the share of OUT references that the target beats.

    Where a reference is equally confident it counts half.
    """
    others = references(target, len(p))
    beaten = (p[target] > p[others]) + 0.5 * (p[target] == p[others])
    return _mean_out(beaten, member[others])


def by_rmia(
    p: Confidences,
    member: Member,
    z: Float[np.ndarray, "model population"],
    target: int,
) -> Scores:
    """Score each decision by RMIA, with `a` from an attack on the target's twin.

    Parameters
    ----------
    p : array, shape (model, decision)
        Confidences.
    member : array, shape (model, decision), bool
    z : array, shape (model, population)
    target : int
    """
    other = twin(target)

    def success(a: float) -> float:
        """Rank the twin's decisions: a rising function of the AUC."""
        return float(rankdata(rmia(p, member, z, other, a))[member[other]].sum())

    return rmia(p, member, z, target, max(OFFLINE_A, key=success))


def rmia(
    p: Confidences, member: Member, z: Population, target: int, a: float
) -> Scores:
    """Score each decision by RMIA with a given `a`; parameters as of `by_rmia`."""
    others = references(target, len(p))
    ratio = p[target] / _offline(_mean_out(p[others], member[others]), a)
    ratio_z = np.sort(z[target] / _offline(z[others].mean(axis=0), a))
    beaten: Scores = np.searchsorted(ratio_z, ratio, side="left") / len(ratio_z)
    return beaten


def by_trajectory(
    p: Float[np.ndarray, "model epoch decision"], member: Member, target: int
) -> Scores:
    """Score each decision by how its loss went from epoch to epoch.

    Parameters
    ----------
    p : array, shape (model, epoch, decision)
        Confidences after each epoch.
    member : array, shape (model, decision), bool
    target : int
    """
    losses = -np.log(np.maximum(p, SMALLEST))
    others = references(target, len(p))
    known = np.concatenate([losses[k].T for k in others])
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(known, member[others].ravel())
    scores: Scores = model.decision_function(losses[target].T)
    return scores


def _offline(mean_out: Scores, a: float) -> Scores:
    """Approximate p(x) by networks that were not trained on x."""
    return np.maximum((1 + a) / 2 * mean_out + (1 - a) / 2, SMALLEST)


def _mean_out(values: Float[np.ndarray, "model decision"], member: Member) -> Scores:
    """Average over the networks not trained on the person of a decision."""
    mean: Scores = np.average(values, axis=0, weights=~member)
    return mean
