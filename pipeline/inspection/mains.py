"""Findings about the mains: a notch unlike the recordings, and hum."""

from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.inspection.findings import Finding, percents
from pipeline.inspection.measuring import Recordings, Seen
from pipeline.inspection.spectra import MAINS
from pipeline.preparation.signals import SignalSettings

HUM = 10.0
"""Times that a line of the mains stands above its neighbours."""
HUM_SHARE = 0.05
"""Share of the power that a line has before it is reported."""
OTHER_HUM = 4.0
"""Times that the other mains' line stands higher than the stated one's."""

Hums = Mapping[str, Mapping[float, tuple[float, float]]]


def of_mains(seen: Recordings, settings: SignalSettings) -> Iterator[Finding]:
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
