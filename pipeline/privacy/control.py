r"""Planted controls: what an audit must find, and what it must not.

A *memoriser* stores every decision of its training set, as a probabilistic neural
network does: with the stored decisions x_i and their classes c_i

.. math:: p(c|x) = \frac{\sum_{i: c_i = c} e^{-|x - x_i|^2 / 2h^2}}
    {\sum_i e^{-|x - x_i|^2 / 2h^2}}

x are the spikes counted in bins; h is half of the median distance of a decision to the
nearest one of another person. It has the training sets of the networks, and an audit
that does not detect it is blind. The other control claims of non-members that some of
them are members: what it finds above 0.5 is no membership.

References
----------
D. F. Specht, "Probabilistic neural networks", Neural Networks 3(1), 1990.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

Features = Float[np.ndarray, "decision feature"]

AT_ONCE = 512
"""Decisions whose distances to all others are held at a time."""


def memorise(
    features: Features,
    targets: Int[np.ndarray, " decision"],
    persons: Int[np.ndarray, " decision"],
    stored: Bool[np.ndarray, "model decision"],
) -> Float[np.ndarray, "model decision"]:
    """Compute the confidence of memorisers in the true classes.

    Parameters
    ----------
    features : array, shape (decision, feature)
    targets, persons : array, shape (decision,)
    stored : array, shape (model, decision), bool
        The training set of each memoriser.
    """
    pieces = np.split(np.arange(len(targets)), range(AT_ONCE, len(targets), AT_ONCE))
    nearest = []
    for rows in pieces:
        apart = persons[rows, None] != persons
        distances = _squared_distances(features, rows)
        nearest.append(np.sqrt(np.where(apart, distances, np.inf).min(axis=1)))
    width = max(float(np.median(np.concatenate(nearest))) / 2, 1e-6)
    confidences = np.empty(stored.shape)
    for rows in pieces:
        right = targets[rows, None] == targets
        distances = _squared_distances(features, rows)
        for model, kept in enumerate(stored):
            exponent = -distances[:, kept] / (2 * width**2)
            weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
            agreeing = np.where(right[:, kept], weight, 0).sum(axis=1)
            confidences[model, rows] = agreeing / weight.sum(axis=1)
    return confidences


def claimed(
    member: Bool[np.ndarray, "model person"], rng: np.random.Generator
) -> Float[np.ndarray, "model person"]:
    """Claim of half of the non-members of each network that they are members.

    Returns
    -------
    claim : array, shape (model, person)
        1 of the claimed, 0 of the others, NaN of the members.
    """
    claim = np.full(member.shape, np.nan)
    for model, row in enumerate(member):
        out = rng.permutation(np.flatnonzero(~row))
        claim[model, out] = np.arange(len(out)) < len(out) // 2
    return claim


def _squared_distances(
    features: Features, rows: Int[np.ndarray, " row"]
) -> Float[np.ndarray, "row decision"]:
    """Compute the squared distances of some decisions to all."""
    squares = (features**2).sum(axis=1)
    found = squares[rows, None] + squares - 2 * features[rows] @ features.T
    found[np.arange(len(rows)), rows] = 0
    return np.asarray(np.maximum(found, 0))
