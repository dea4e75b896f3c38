"""Early exit: decide windows before their end, where validation allows it.

The network's running logits are read at a few moments, which
`pipeline.training.early` chooses. A window stops at the first moment m where

::

    gap[m] = top1 − top2 of the running logits > β

and otherwise runs to its end. One β serves all moments. It is the smallest value, 0 or
a gap that occurs, for which

::

                  windows of k that stop early and are decided as k
    mean over k   ─────────────────────────────────────────────────   ≥ agreement
                            windows of k that stop early

over classes k and the validation windows; here the windows of class k are those that
the full window decides as k. Classes of which no window stops early are left out. If
no β stops a window early and reaches the agreement, no window is cut. Every class has
the same weight, or the rare classes would not count: a network that expects the common
class before it has seen a beat agrees with itself in most windows.

References
----------
.. [1] D. Wu, G. Jin, H. Yu, X. Yi, X. Huang, "Optimizing event-driven spiking neural
   network with regularization and cutoff", Frontiers in Neuroscience 19, 2025,
   arXiv:2301.09522 (the gap of the top two; the rule for β is ours).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.networks.parts.stack import Stack
from pipeline.training.batches import Windows
from pipeline.training.early import Moments, Running, moments, running
from pipeline.training.settings import CutoffSettings


@dataclass(frozen=True)
class Early:
    """A cutoff, calibrated on validation windows and applied to test windows.

    Parameters
    ----------
    beta : float, int or None
        None: no window is cut.
    asked : float
        The agreement required.
    upheld : dict of str to (float or None)
        The agreement in `validation` and `test`; None if no window stops early.
    when : Moments
    at : array, shape (window,)
        Each test window's moment, from 0.
    early, late, targets : array, shape (window,)
        Decisions with and without the cutoff, and the true classes.
    """

    beta: float | None
    asked: float
    upheld: dict[str, float | None]
    when: Moments
    at: np.ndarray
    early: np.ndarray
    late: np.ndarray
    targets: np.ndarray

    @property
    def ends(self) -> np.ndarray:
        """The last moment of each test window, at which it stops without a cutoff."""
        return np.full_like(self.at, len(self.when.steps) - 1)


def decide_early(
    network: Stack, validation: Windows, test: Windows, settings: CutoffSettings
) -> Early:
    """Calibrate a cutoff on validation windows, and apply it to test windows.

    Parameters
    ----------
    network : Stack
        Of floats or integers.
    validation, test : Windows
        Of one length.
    settings : CutoffSettings
    """
    when = moments(network, test)
    known = running(network, validation, when)
    beta = calibrated(known, settings.agreement)
    tested = running(network, test, when)
    at = stops(tested.gaps, beta)
    upheld = {
        "validation": agreement(known, stops(known.gaps, beta)),
        "test": agreement(tested, at),
    }
    return Early(
        beta,
        settings.agreement,
        upheld,
        when,
        at,
        decided(tested, at),
        tested.decisions[-1],
        test.targets.cpu().numpy(),
    )


def summarised(folds: Sequence[Early]) -> dict[str, Any]:
    """Summarise the early decisions of all folds, one network a fold, in plain values.

    Returns
    -------
    summary : dict
        `folds`, each with `beta` (None: no window is cut), and `agreement`, in
        `validation` and `test`; `asked`; and over the test windows of all folds:
        `moments`, each with the `share` of windows that stop there, `steps_share` (of
        all steps), and `balanced_accuracy`, `with` and `without`.
    """
    when = folds[0].when
    at, early, late, targets = (
        np.concatenate([getattr(fold, name) for fold in folds])
        for name in ("at", "early", "late", "targets")
    )
    shares = np.bincount(at, minlength=len(when.steps)) / len(at)
    return {
        "asked": folds[0].asked,
        "folds": [{"beta": fold.beta, "agreement": fold.upheld} for fold in folds],
        "moments": [
            {"steps": steps, "share": float(share)}
            for steps, share in zip(when.steps, shares, strict=True)
        ],
        "steps_share": float(np.take(when.steps, at).mean() / when.steps[-1]),
        "balanced_accuracy": {
            "with": _balanced(early, targets),
            "without": _balanced(late, targets),
        },
    }


def calibrated(known: Running, asked: float) -> float | int | None:
    """Find the smallest β that reaches the required agreement; None if no β does.

    A window stops at moment m for β from its highest gap before m up to gap[m], if that
    is higher. So each window is a few intervals of β, and counts over all of them
    change only at their ends.
    """
    gaps, late = known.gaps[:-1], known.decisions[-1]
    highest = np.maximum.accumulate(gaps, 0)
    low = np.concatenate([np.zeros_like(gaps[:1]), highest[:-1]])
    stopping = gaps > low
    betas, place = np.unique(
        np.concatenate([low[stopping], gaps[stopping]]), return_inverse=True
    )
    right = (known.decisions[:-1] == late)[stopping]
    of_class = np.broadcast_to(late, gaps.shape)[stopping]
    ratios = []
    for k in np.unique(late):
        mine = np.concatenate([of_class == k, -1.0 * (of_class == k)])
        stopped = np.bincount(place, mine, len(betas)).cumsum()
        agreeing = np.bincount(place, mine * np.tile(right, 2), len(betas)).cumsum()
        ratios.append(np.where(stopped > 0, agreeing / np.maximum(stopped, 1), np.nan))
    enough = _mean_there(np.array(ratios)) >= asked
    return betas[enough].min().item() if enough.any() else None


def _mean_there(values: np.ndarray) -> np.ndarray:
    """Average over the first axis, without NaN; NaN where every value is NaN."""
    there = ~np.isnan(values)
    total = np.where(there, values, 0).sum(0)
    return np.where(there.any(0), total / np.maximum(there.sum(0), 1), np.nan)


def stops(gaps: np.ndarray, beta: float | int | None) -> np.ndarray:
    """Give the moment at which each window stops, (window,), from 0."""
    last = len(gaps) - 1
    if beta is None:
        return np.full(gaps.shape[1], last)
    over = gaps[:-1] > beta
    return np.where(over.any(0), over.argmax(0) if last else 0, last)


def agreement(answers: Running, at: np.ndarray) -> float | None:
    """Compute the share of early decisions that the full window confirms.

    The mean over classes, as for β; None if no window stops early.
    """
    early, late = at < len(answers.decisions) - 1, answers.decisions[-1]
    upheld = decided(answers, at) == late
    shares = [upheld[early & (late == k)].mean() for k in np.unique(late[early])]
    return float(np.mean(shares)) if shares else None


def decided(answers: Running, at: np.ndarray) -> np.ndarray:
    """Give the decision at each window's moment, (window,)."""
    taken: np.ndarray = np.take_along_axis(answers.decisions, at[None], 0)[0]
    return taken


def _balanced(predicted: np.ndarray, targets: np.ndarray) -> float:
    """Compute the balanced accuracy: the mean recall of the classes."""
    right = predicted == targets
    return float(np.mean([right[targets == k].mean() for k in np.unique(targets)]))
