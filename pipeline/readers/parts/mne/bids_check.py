"""A check that a BIDS tree and the file it describes agree on rate, length and unit."""

import math
from collections.abc import Collection, Sequence

from pipeline.errors import DataError
from pipeline.readers.base import Check, either, unchecked_if
from pipeline.readers.parts.mne.bids import Sidecars, positive
from pipeline.readers.parts.select import FileSignal
from pipeline.readers.parts.units import volts

SAME_RATE = 1e-3
"""Relative difference below which a sidecar's rounded rate is that of the file."""
SAME_LENGTH = 0.01
"""Relative difference below which a sidecar's length is that of the file."""
ROUNDED_S = 1.0
"""The most by which a length that is stated in full seconds may differ."""


def check_sidecars(
    side: Sidecars,
    where: str,
    signals: Sequence[FileSignal],
    lengths_s: Sequence[float],
    unchecked: Collection[Check],
) -> tuple[str, ...]:
    """Compare what the sidecars state with what the file states.

    Parameters
    ----------
    side : Sidecars
    where : str
        The file.
    signals : sequence of FileSignal
        Those that are channels, as the file has them.
    lengths_s : sequence of float
        Of the samples, and with the pauses between them.
    unchecked : collection of str
        The reader's setting.

    Returns
    -------
    remarks : tuple of str
        What differs, if it is not to be checked.

    Raises
    ------
    DataError
        Something differs.
    """
    found = [*_rates(side, signals), *_lengths(side, lengths_s), *_units(side, signals)]
    if not found or "rate" in unchecked:
        return tuple(f"{ours} by the file, {theirs}" for ours, theirs in found)
    (ours, theirs), more = found[0], len(found) - 1
    raise DataError(
        where,
        f"{ours} by the file, {theirs}" + f", and {more} more such" * bool(more),
        expected="the same in the recording and in the files that describe it",
        remedy=either(
            "correct whichever is wrong",
            unchecked_if("the recording is right", "rate"),
        ),
    )


def _rates(side: Sidecars, signals: Sequence[FileSignal]) -> list[tuple[str, str]]:
    found = []
    stated = positive(side.facts.get("SamplingFrequency"))
    for signal in signals:
        row = side.row(signal.name) or {}
        own = positive(row.get("sampling_frequency"))
        rate = signal.sfreq or 0
        if own and not math.isclose(own, rate, rel_tol=SAME_RATE):
            found.append(
                (f"{signal.name} at {rate:g} Hz", f"{own:g} Hz by channels.tsv")
            )
    rate = signals[0].sfreq or 0
    if stated and not math.isclose(stated, rate, rel_tol=SAME_RATE):
        found.insert(0, (f"{rate:g} Hz", f"{stated:g} Hz by its sidecar"))
    return found


def _lengths(side: Sidecars, lengths_s: Sequence[float]) -> list[tuple[str, str]]:
    stated = positive(side.facts.get("RecordingDuration"))
    if stated is None:
        return []
    rounded = ROUNDED_S if stated.is_integer() else 0.0
    near = max(SAME_LENGTH * stated, rounded)
    if any(abs(length_s - stated) <= near for length_s in lengths_s):
        return []
    return [(f"lasts {lengths_s[0]:g} s", f"{stated:g} s by its sidecar")]


def _units(side: Sidecars, signals: Sequence[FileSignal]) -> list[tuple[str, str]]:
    found = []
    for signal in signals:
        stated = (side.row(signal.name) or {}).get("units", "")
        ours, theirs = volts(signal.unit), volts(stated)
        if ours and theirs and not math.isclose(ours, theirs):
            found.append(
                (f"{signal.name} in {signal.unit}", f"{stated} by channels.tsv")
            )
    return found
