"""Leads that are perhaps inverted or swapped: recordings against the others of a set.

Both are guesses from a comparison, and notes: a person's heart may lie otherwise.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from pipeline.inspection.findings import Finding
from pipeline.inspection.measuring import Seen

FEWEST = 5
"""Recordings below which nothing is usual."""
UPRIGHT = 0.6
"""Usual skewness of QRS complexes from which a lead has a sign."""
INVERTED = 0.6
"""So much of the usual skewness, with the other sign, is inverted."""
AGAINST = 0.3
"""So much of it is clearly the other sign."""
MOST_OPPOSITE = 0.1
"""Share of recordings with the other sign, above which a lead has no usual sign."""
OPPOSITE = -0.3
"""Projection on the usual correlations below which a channel is inverted."""
GAIN_ECG, GAIN_EEG = 3.0, 0.25
"""The least gain in similarity to the usual recording that marks a swap."""
REMEDY = "look at the signals; correct the reader's channels, or leave it out"


def of_leads(seen: Mapping[str, Seen]) -> list[Finding]:
    """Compare each recording's leads with those of the others."""
    commonest = _alike(seen)
    if len(commonest) < FEWEST:
        return []
    kinds = set(next(iter(commonest.values())).types)
    if kinds == {"ecg"}:
        return [*_inverted_ecg(commonest), *_swapped_ecg(commonest)]
    n_channels = len(next(iter(commonest.values())).channels)
    if kinds == {"eeg"} and n_channels > 3:
        return [*_eeg(commonest)]
    return []


def _alike(seen: Mapping[str, Seen]) -> dict[str, Seen]:
    """Keep the recordings that have the commonest channels."""
    groups: dict[tuple[str, ...], dict[str, Seen]] = {}
    for name, each in seen.items():
        groups.setdefault(each.channels, {})[name] = each
    return max(groups.values(), key=len, default={})


def _inverted_ecg(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    """Look for QRS complexes that point the other way than in most recordings."""
    skew = np.array([each.spectra.qrs_skew for each in seen.values()])
    usual = np.median(skew, axis=0)
    channels = next(iter(seen.values())).channels
    most = max(1, MOST_OPPOSITE * len(seen))
    ratio = skew / np.where(usual == 0, np.inf, usual)
    signed = (np.abs(usual) > UPRIGHT) & ((ratio < -AGAINST).sum(axis=0) <= most)
    found = [
        f"{name} {channels[k]}"
        for name, row in zip(seen, ratio, strict=True)
        for k in np.flatnonzero(signed)
        if row[k] < -INVERTED
    ]
    if found:
        yield Finding(
            "note",
            "Perhaps an inverted lead",
            "the QRS complexes point the other way than in most recordings",
            tuple(found),
            REMEDY,
        )


def _swapped_ecg(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    """Look for two leads whose QRS complexes are those of each other."""
    skew = np.array([each.spectra.qrs_skew for each in seen.values()])
    usual = np.median(skew, axis=0)
    spread = np.maximum(1.48 * np.median(np.abs(skew - usual), axis=0), 0.5)
    channels = next(iter(seen.values())).channels
    found = []
    for name, row in zip(seen, skew, strict=True):
        for i, j in combinations(range(len(channels)), 2):
            here = np.abs(row[[i, j]] - usual[[i, j]]) / spread[[i, j]]
            there = np.abs(row[[j, i]] - usual[[i, j]]) / spread[[i, j]]
            if here.min() > 1 and here.sum() - there.sum() > GAIN_ECG > there.sum():
                found.append(f"{name} {channels[i]} and {channels[j]}")
    yield from _swapped(found, "the QRS complexes of one look like those of the other")


def _eeg(seen: Mapping[str, Seen]) -> Iterator[Finding]:
    """Look for channels that go with others than in most recordings."""
    patterns = np.array([each.spectra.correlation for each in seen.values()])
    if not patterns.size:
        return
    usual = np.median(patterns, axis=0)
    channels = next(iter(seen.values())).channels
    inverted, swapped = [], []
    for name, pattern in zip(seen, patterns, strict=True):
        projection = _projections(pattern, usual)
        worst = int(projection.argmin())
        if projection[worst] < OPPOSITE:
            inverted.append(f"{name} {channels[worst]}")
        best = max(
            combinations(range(len(channels)), 2),
            key=lambda pair: _gain(pattern, usual, *pair),
        )
        if _gain(pattern, usual, *best) > GAIN_EEG:
            swapped.append(f"{name} {channels[best[0]]} and {channels[best[1]]}")
    if inverted:
        yield Finding(
            "note",
            "Perhaps an inverted lead",
            "the channel goes against those that it goes with in most recordings",
            tuple(inverted),
            REMEDY,
        )
    yield from _swapped(swapped, "each goes with the channels that the other should")


def _projections(pattern: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """Project each channel's correlations on the usual ones; 1 if they are equal."""
    alone = np.eye(len(usual))
    products = (pattern * usual - alone).sum(axis=1)
    squares = (np.square(usual) - alone).sum(axis=1)
    projections: np.ndarray = products / np.where(squares > 0, squares, np.inf)
    return projections


def _gain(pattern: np.ndarray, usual: np.ndarray, i: int, j: int) -> float:
    """Compute how much nearer to the usual correlations a swap of two channels is.

    0 unless the swap halves the distance.
    """
    others = np.delete(np.arange(len(usual)), [i, j])
    own, wanted = pattern[[i, j]][:, others], usual[[i, j]][:, others]
    here = np.abs(own - wanted).mean(axis=1).sum()
    there = np.abs(own[::-1] - wanted).mean(axis=1).sum()
    return float(here - there) if there < here / 2 else 0.0


def _swapped(found: list[str], what: str) -> Iterator[Finding]:
    if found:
        yield Finding("note", "Perhaps swapped leads", what, tuple(found), REMEDY)
