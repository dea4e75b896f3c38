"""Findings about samples: held, rectified, humming, flat or interrupted signals."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from pipeline.inspection.findings import Finding, named, percents
from pipeline.inspection.measuring import SHARES, Seen
from pipeline.inspection.spectra import MAINS
from pipeline.preparation.signals import SignalSettings

Recordings = Mapping[str, Seen]

HELD_SHARE = 0.4
"""Share of samples that repeat all channels: a real signal seldom does."""
HELD_ALONE = 0.75
"""The same where one channel was recorded, which may repeat by chance."""
COARSE = 2.0
"""Usual change in least steps: below, samples repeat for want of digits."""
STRAIGHT_SHARE = 0.45
"""Share of samples on the line through their neighbours: every second, or more."""
EMPTY_ABOVE = 0.8
"""Share of half the rate that a spectrum should reach at least."""
SKEWED = 0.2
"""Quantile skewness of an envelope; that of EMG is near 0."""
VERY_SKEWED = 0.35
SLOW_SHARE = 0.8
"""Share of an envelope's power in slow waves, at least."""
HUM = 10.0
"""Times that a line of the mains stands above its neighbours."""
HUM_SHARE = 0.05
"""Share of the power that a line has before it is reported."""
OTHER_HUM = 4.0
"""Times that the other mains' line stands higher than the stated one's."""
FLAT_SHARE, CLIPPED_SHARE = 0.5, 0.02
HALF_SAMPLE = 0.5
"""A shorter pause is none."""
JUMP_S = 3600.0
"""A pause so long is perhaps a clock that was set."""


def of_signals(seen: Recordings, settings: SignalSettings) -> list[Finding]:
    """Judge what was measured of all recordings; events are no signals to be mended.

    Parameters
    ----------
    seen : mapping of str to Seen
    settings : SignalSettings
        How the signals will be prepared.
    """
    voltages = {name: s for name, s in seen.items() if "stim" not in s.types}
    judges: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _held(voltages),
        lambda: _upsampled(voltages, settings),
        lambda: _envelopes(voltages),
        lambda: _mains(voltages, settings),
        lambda: _flat_and_clipped(voltages),
        lambda: _pauses(seen),
    )
    return [finding for judge in judges for finding in judge()]


def _held(seen: Recordings) -> Iterator[Finding]:
    """Look for samples that repeat the one before in all channels."""
    found = {name: s.steady_share for name, s in seen.items() if _is_held(s)}
    if found:
        yield Finding(
            "warning",
            "Held signal",
            f"{percents([*found.values()])} of the samples repeat the one before in "
            "all channels: the true rate is lower than the stated one",
            tuple(found),
            "state the true sfreq in the reader (for a table with `held: true`), or "
            "resample by signal.sfreq",
        )


def _is_held(seen: Seen) -> bool:
    if seen.hold > 1:
        return True
    least = HELD_SHARE if len(seen.channels) > 1 else HELD_ALONE
    fine = np.nanmax(seen.coarseness, initial=0) >= COARSE
    return seen.steady_share >= least and bool(fine)


def _upsampled(seen: Recordings, settings: SignalSettings) -> Iterator[Finding]:
    """Look for interpolated samples, and for spectra that end early."""
    straight = {
        name: s.straight_share
        for name, s in seen.items()
        if s.straight_share >= STRAIGHT_SHARE
    }
    if straight:
        yield Finding(
            "warning",
            "Interpolated signal",
            f"{percents([*straight.values()])} of the samples lie on the straight line "
            "between their neighbours in all channels: they were not recorded",
            tuple(straight),
            "set signal.sfreq to the rate that was recorded, or use the original files",
        )
    edges = {name: float(np.median(s.spectra.edge_hz)) for name, s in seen.items()}
    early = {
        name: edge
        for name, edge in edges.items()
        if edge < EMPTY_ABOVE * seen[name].sfreq / 2
    }
    if early:
        yield _early(early, seen, settings)


def _early(
    edges: Mapping[str, float], seen: Recordings, settings: SignalSettings
) -> Finding:
    """Report that spectra end early; it matters where the pass band goes beyond."""
    low, high = min(edges.values()), max(edges.values())
    span = f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
    rates = sorted({seen[name].sfreq for name in edges})
    half = ", ".join(f"{rate / 2:g}" for rate in rates)
    what = (
        f"next to nothing above {span} Hz, where {half} Hz would fit: the signal was "
        "filtered, or brought up from a lower rate"
    )
    asked = settings.h_freq or (settings.sfreq or min(rates)) / 2
    if asked <= low:
        return Finding("note", "Spectrum ends early", what, tuple(edges))
    return Finding(
        "warning",
        "Spectrum ends early",
        f"{what}; the pass band goes up to {asked:g} Hz",
        tuple(edges),
        f"set signal.h_freq to at most {low:.0f}, and sfreq to match",
    )


def _envelopes(seen: Recordings) -> Iterator[Finding]:
    """Look for rectified or smoothed EMG where the raw signal is expected."""
    found = tuple(name for name, s in seen.items() if _is_envelope(s))
    if found:
        yield Finding(
            "warning",
            "Rectified EMG",
            "the signal has one sign, or leans to one side: an envelope rather than "
            "raw EMG, which swings evenly about zero",
            found,
            "use the raw recordings; a band-pass made for raw EMG leaves little of an "
            "envelope",
        )


def _is_envelope(seen: Seen) -> bool:
    """Whether most EMG channels look like the size of a signal, not like one."""
    emg = [k for k, kind in enumerate(seen.types) if kind == "emg"]
    if not emg:
        return False
    levels = dict(zip(SHARES, seen.quantiles[emg].T, strict=True))
    width = levels[0.9] - levels[0.1]
    lean = levels[0.9] + levels[0.1] - 2 * levels[0.5]
    skew = lean / np.where(width > 0, width, np.inf)
    slow = seen.spectra.slow_share[emg] > SLOW_SHARE
    one_sided = (levels[0.0] >= 0) & (width > 0)
    is_one = (one_sided & ((skew > SKEWED) | slow)) | (skew > VERY_SKEWED)
    return bool(np.median(is_one) > 0.5)


def _mains(seen: Recordings, settings: SignalSettings) -> Iterator[Finding]:
    """Compare the mains in the signals with what is stated and filtered."""
    stated = {s.line_freq for s in seen.values() if s.line_freq}
    if settings.notch and stated and settings.notch not in stated:
        lines = " and ".join(f"{line:g}" for line in sorted(stated))
        yield Finding(
            "warning",
            "Two mains frequencies",
            f"`signal.notch` is {settings.notch:g} Hz, the recordings state {lines} Hz",
            ("signal.notch", "reader.line_freq"),
            "set both to the mains where it was recorded",
        )
    expected = settings.notch or next(iter(stated), None)
    hums = {name: _hums(s) for name, s in seen.items()}
    if expected in MAINS:
        yield from _other_mains(hums, expected)
    yield from _unfiltered(hums, settings)


def _hums(seen: Seen) -> dict[float, tuple[float, float]]:
    """Give the median height over the channels of each line, and its share."""
    spectra = seen.spectra
    return {
        line: (float(np.median(height)), float(np.median(share)))
        for line, height, share in zip(
            MAINS, spectra.hum.T, spectra.hum_share.T, strict=True
        )
        if np.isfinite(height).all()
    }


Hums = Mapping[str, Mapping[float, tuple[float, float]]]


def _other_mains(hums: Hums, expected: float) -> Iterator[Finding]:
    """Look for hum at the frequency of other countries, in most recordings."""
    (other,) = (line for line in MAINS if line != expected)
    found = [
        name
        for name, lines in hums.items()
        if other in lines
        and lines[other][0] > HUM
        and lines[other][0] > OTHER_HUM * lines.get(expected, (0.0, 0.0))[0]
    ]
    if 2 * len(found) > len(hums):
        yield Finding(
            "warning",
            "Hum of other mains",
            f"a line at {other:g} Hz and none at {expected:g} Hz, which notch or "
            "line_freq states",
            tuple(found),
            f"set signal.notch, and the reader's line_freq, to {other:g}; or the rate "
            "of the files is not the stated one",
        )


def _unfiltered(hums: Hums, settings: SignalSettings) -> Iterator[Finding]:
    """Look for hum within the pass band that no notch takes out."""
    for line in MAINS:
        inside = (settings.l_freq or 0) < line < (settings.h_freq or np.inf)
        if settings.notch == line or not inside:
            continue
        none = (0.0, 0.0)
        shares = {name: lines.get(line, none)[1] for name, lines in hums.items()}
        heights = {name: lines.get(line, none)[0] for name, lines in hums.items()}
        found = tuple(n for n in hums if shares[n] > HUM_SHARE and heights[n] > HUM)
        if found:
            yield Finding(
                "note",
                "Mains hum",
                f"{percents([shares[n] for n in found])} of the power is at {line:g} "
                "Hz, within the pass band, and no notch takes it out",
                found,
                f"set signal.notch to {line:g}",
            )


def _flat_and_clipped(seen: Recordings) -> Iterator[Finding]:
    """Look for channels that stand still or meet the end of the converter."""
    for kind, attribute, least, what in (
        ("Flat channel", "flat_share", FLAT_SHARE, "do not change for 0.2 s or more"),
        ("Clipped channel", "clipped_share", CLIPPED_SHARE, "stand at the extreme"),
    ):
        shares = {
            f"{name} {channel}": float(share)
            for name, s in seen.items()
            for channel, share in zip(s.channels, getattr(s, attribute), strict=True)
            if share > least
        }
        if shares:
            yield Finding(
                "warning",
                kind,
                f"{percents([*shares.values()])} of the samples {what}",
                tuple(shares),
                "leave the channel or the recording out, or mend the recording",
            )


def _pauses(seen: Recordings) -> Iterator[Finding]:
    """Look for pauses, and for some so long that a clock was perhaps set."""
    meeting = {name: n for name, s in seen.items() if (n := _meeting(s))}
    if meeting:
        yield Finding(
            "note",
            "Segments that meet",
            f"{sum(meeting.values()):,} segments follow the one before at once; "
            "filters and windows start anew in each",
            tuple(meeting),
        )
    each_s = {name: _pauses_s(s) for name, s in seen.items()}
    pauses = {name: each for name, each in each_s.items() if len(each)}
    if pauses:
        total = sum(len(each) for each in pauses.values())
        lost = sum(float(each.sum()) for each in pauses.values())
        yield Finding(
            "note",
            "Pauses",
            f"{total} pauses, {lost:.3g} s in all; filters and windows start anew "
            "after each",
            tuple(pauses),
        )
    jumps = {
        name: each
        for name, each in pauses.items()
        if each.max() > JUMP_S or each.min() < 0
    }
    if jumps:
        longest = [each[np.abs(each).argmax()] for each in jumps.values()]
        lengths = named([f"{pause:.0f} s" for pause in longest])
        yield Finding(
            "warning",
            "Jump of the clock",
            f"a pause of {lengths}: the clock was perhaps set while it was recorded",
            tuple(jumps),
            "compare with the protocol; labels after it may lie elsewhere",
        )


def _pauses_s(seen: Seen) -> np.ndarray:
    """Give how long nothing was recorded before later segments, seconds."""
    between = _between_s(seen)
    pauses: np.ndarray = between[np.abs(between) * seen.sfreq > HALF_SAMPLE]
    return pauses


def _meeting(seen: Seen) -> int:
    """Count the segments that follow the one before without a pause."""
    return int((np.abs(_between_s(seen)) * seen.sfreq <= HALF_SAMPLE).sum())


def _between_s(seen: Seen) -> np.ndarray:
    """Give the time from the end of each segment to the next one, seconds."""
    start = np.array([segment.start for segment in seen.segments])
    onset = np.array([segment.onset_s for segment in seen.segments])
    between: np.ndarray = np.diff(onset) - np.diff(start) / seen.sfreq
    return between
