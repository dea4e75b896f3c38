"""Findings about samples: held, rectified, humming, flat or interrupted signals."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from pipeline.inspection.findings import Finding, percents
from pipeline.inspection.mains import of_mains
from pipeline.inspection.measuring import SHARES, Recordings, Seen
from pipeline.inspection.pauses import of_pauses
from pipeline.preparation.signals import SignalSettings

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
FLAT_SHARE, CLIPPED_SHARE = 0.5, 0.02


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
        lambda: of_mains(voltages, settings),
        lambda: _flat_and_clipped(voltages),
        lambda: of_pauses(seen),
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
