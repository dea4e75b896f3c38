"""The constants of a device's front end as a C header."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from pipeline.front_end.chain import FrontEnd
from pipeline.kernels.front_end.state import Constants

HEADER = """\
/* The front end's design in integers; front_end.c explains each. Generated. */
#ifndef BIOSPIKE_FRONT_END_CONSTANTS_H
#define BIOSPIKE_FRONT_END_CONSTANTS_H

{lines}

#endif
"""

INDENT = "    "


def front_end_constants(front_end: FrontEnd) -> str:
    """Write `front_end_constants.h`.

    Parameters
    ----------
    front_end : FrontEnd

    Returns
    -------
    header : str
    """
    k = front_end.constants
    lines = [
        f"/* {front_end.n_channels} channels; {front_end.recorded_sfreq:.9g} samples, "
        f"{front_end.sfreq:.9g} steps a second. */",
        *_numbers({"CHANNELS": front_end.n_channels}),
        *_numbers({"SPIKE_BYTES": front_end.spike_bytes}),
        *_numbers({"SETTLING": front_end.settling_steps}),
        "",
        *_sections(k),
        "",
        *_taps(k),
        "",
        *_numbers(_scale(k)),
    ]
    return HEADER.format(lines="\n".join(lines))


def _numbers(numbers: dict[str, Any]) -> list[str]:
    return [f"#define BIOSPIKE_{name} {number}" for name, number in numbers.items()]


def _scale(k: Constants) -> dict[str, Any]:
    """Name the constants of the running scale."""
    return {
        "SHARED": k.shared,
        "DECAY": _word(k.decay),
        "SETTLED": _word(k.settled),
        "POWER_SHIFT": k.power_shift,
        "MEAN_SHIFT": k.mean_shift,
        "GAIN": _word(k.gain),
        "GAIN_SHIFT": k.gain_shift,
        "FLOOR": k.floor,
        "LEAST": _word(k.least),
    }


def _word(number: int) -> str:
    return f"UINT32_C({number})"


def _sections(k: Constants) -> list[str]:
    """Write the filter as a list that is expanded in place."""
    parts = [_section(n, row.tolist()) for n, row in enumerate(k.sections)]
    return [
        *_numbers({"FRACTION": k.fraction, "SECTIONS": len(k.sections)}),
        *_list("EACH_SECTION(SECTION)", parts, ""),
        *_numbers({"REST_BITS": k.rest_bits}),
        *_list("REST", [str(gain) for gain in [*k.rest.tolist(), 0]], ","),
    ]


def _section(number: int, row: Sequence[int]) -> str:
    """Write a section in the form with the fewest multiplications."""
    b0, b1, b2, c1, c2 = row
    factors = [b // b0 for b in (b1, b2)] if b0 else []
    if factors and [b0 * n for n in factors] == [b1, b2]:
        numerator = f"EVEN({b0}, {factors[0]}, {factors[1]})"
    elif b0 == b2:
        numerator = f"NOTCH({b0}, {b1})"
    else:
        numerator = f"GENERAL({b0}, {b1}, {b2})"
    return f"SECTION({number}, {numerator}, {c1}, {c2})"


def _taps(k: Constants) -> list[str]:
    """Write the anti-alias filter: folded in its middle, or a row for each phase."""
    up, taps = k.taps.shape
    lines = _numbers({"UP": up, "DOWN": k.down, "TAPS": taps})
    if taps == 1:
        return lines
    if up == 1:
        folded = [str(tap) for tap in folded_taps(k.taps[0], k.down)]
        return lines + _list("FOLDED_TAPS", folded, ",")
    rows = ["{" + ", ".join(map(str, row[::-1].tolist())) + "}" for row in k.taps]
    return lines + _list("PHASES", rows, ",")


def folded_taps(taps: np.ndarray, down: int) -> list[int]:
    """Keep half of a symmetric filter, without the taps that are 0, and the middle one.

    Raises
    ------
    ValueError
        It is not symmetric, or has no zeros each `down` taps from its middle.
    """
    middle = len(taps) // 2
    half = taps[: middle + 1]
    if (taps != taps[::-1]).any() or middle % down or half[:-1:down].any():
        raise ValueError("no filter of `causal.anti_alias`")
    return [int(h) for n, h in enumerate(half) if n % down or n == middle]


def _list(name: str, parts: Iterable[str], comma: str) -> list[str]:
    """Define a list over several lines."""
    joined = f"{comma} \\\n{INDENT}".join(_wrapped(parts, comma))
    return [f"#define BIOSPIKE_{name} \\\n{INDENT}{joined}"]


def _wrapped(parts: Iterable[str], comma: str) -> list[str]:
    """Join short parts to lines of up to 80 characters."""
    lines: list[str] = []
    for part in parts:
        if lines and comma and len(lines[-1]) + len(part) < 80:
            lines[-1] += f"{comma} {part}"
        else:
            lines.append(part)
    return lines
