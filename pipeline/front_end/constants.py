"""From the coefficients of a design to integers that cannot overflow."""

import math

import numpy as np

from pipeline.errors import ConfigError
from pipeline.kernels.front_end.state import COEFFICIENT_BITS, RAIL, Constants
from pipeline.preparation.causal import Design

UNIT_V = 4.5 / 24 / RAIL
"""A converter's unit: 4.5 V reference, gain 24, 24 bits; 22.35 nV."""

SECTION_LIMIT = 2**29
"""The bound of a section's output: a sum of four such values fits 32 bits."""

SIGNAL_LIMIT = 2**28
"""The bound of the resampled signal: the root has 28 bits at least."""

MARGIN = 0.98
"""The part of a limit that is used: the rest is for rounding."""

POWER_LIMIT = 2**63

SMALLEST_FLOOR = 16
"""Fewest units of the signal in the smallest scale, which is itself rounded to one."""

DECAYED = 1e-9
"""An impulse response ends where it is this part of its start."""

LONGEST = 2**20
"""Samples of the longest impulse response that is computed."""


def integer_constants(plan: Design, n_channels: int) -> Constants:
    """Choose fraction bits and round the coefficients.

    Parameters
    ----------
    plan : Design
    n_channels : int

    Raises
    ------
    ConfigError
        The signal is resampled to a higher rate, or a number would not fit its word.
    """
    if plan.up > plan.down:
        raise ConfigError(
            "signal.sfreq",
            f"{plan.up}/{plan.down} of the recorded rate",
            expected="at most the recorded rate: one step a sample on a device",
            remedy="leave sfreq out",
        )
    sections, taps = integer_sections(plan.sections), _integer_taps(plan)
    gains = section_gains(sections)
    largest = RAIL * signal_gain(sections, taps)
    fraction = _fraction([RAIL * gain for gain in gains], largest)
    rest, rest_bits = _rest(sections)
    signal_bound = largest * 2.0**fraction
    return Constants(
        fraction=fraction,
        sections=sections,
        rest=rest,
        rest_bits=rest_bits,
        taps=taps,
        down=plan.down,
        **_scale_constants(plan, n_channels, fraction, signal_bound),
    )


def section_gains(sections: np.ndarray) -> list[float]:
    """Bound the input and each section's output, for inputs within ±1."""
    return [1.0, *(float(np.abs(r).sum()) for r in _responses(sections))]


def signal_gain(sections: np.ndarray, taps: np.ndarray) -> float:
    """Bound the resampled signal, for inputs within ±1."""
    response = [np.ones(1), *_responses(sections)][-1]
    phases = taps / 2.0**COEFFICIENT_BITS
    return max(float(np.abs(np.convolve(response, phase)).sum()) for phase in phases)


def _responses(sections: np.ndarray) -> list[np.ndarray]:
    """Compute the impulse response after each section."""
    from scipy import signal as sp

    impulse = np.zeros(_response_length(sections))
    impulse[0] = 1
    responses = []
    for b0, b1, b2, c1, c2 in sections / 2.0**COEFFICIENT_BITS:
        impulse = sp.lfilter([b0, b1, b2], [1, -c1, -c2], impulse)
        responses.append(impulse)
    return responses


def _response_length(sections: np.ndarray) -> int:
    """Count the samples after which the impulse response has decayed.

    Raises
    ------
    ConfigError
        A pole lies on the unit circle, or so near that rounding may have moved it.
    """
    parts = sections / 2.0**COEFFICIENT_BITS
    radius = max((np.abs(np.roots([1, -s[3], -s[4]])).max() for s in parts), default=0)
    length = math.log(DECAYED) / math.log(radius) if 0 < radius < 1 else 0
    if radius >= 1 or length > LONGEST:
        raise ConfigError(
            "signal.l_freq",
            f"a filter whose slowest pole has radius {radius:.9g}",
            expected=f"one that forgets within {LONGEST} samples",
            remedy="raise l_freq, or leave it out",
        )
    return int(length) + 3


def integer_sections(sections: np.ndarray) -> np.ndarray:
    """Round b₀, b₁, b₂, −a₁, −a₂; zeros at 0 or half the rate stay there.

    Parameters
    ----------
    sections : array, shape (section, 6)
        As scipy gives them.

    Returns
    -------
    rounded : array, shape (section, 5), int64
        With 30 fraction bits.
    """
    rounded = np.empty((len(sections), 5), np.int64)
    for row, (b0, b1, b2, _, a1, a2) in zip(rounded, sections, strict=True):
        first = round(b0 * 2**COEFFICIENT_BITS)
        ratios = b1 / b0, b2 / b0
        row[:3] = (
            first,
            *(first * round(r) if r == round(r) else round(r * first) for r in ratios),
        )
        # The sum of all three determines a slow pole: round that sum, not the last.
        row[3] = round(-a1 * 2**COEFFICIENT_BITS)
        row[4] = (
            2**COEFFICIENT_BITS - row[3] - round((1 + a1 + a2) * 2**COEFFICIENT_BITS)
        )
    return rounded


def _integer_taps(plan: Design) -> np.ndarray:
    """Round the anti-alias filter's taps; one row a phase, the newest sample first."""
    rounded = np.rint(plan.taps * 2.0**COEFFICIENT_BITS).astype(np.int64)
    rows = [rounded[phase :: plan.up] for phase in range(plan.up)]
    padded = [np.pad(row, (0, len(rows[0]) - len(row))) for row in rows]
    return np.ascontiguousarray(padded)


def _fraction(section_bounds: list[float], signal_bound: float) -> int:
    """Choose as many fraction bits as the largest signals leave free."""
    room = MARGIN * min(
        SECTION_LIMIT / max(section_bounds), SIGNAL_LIMIT / signal_bound
    )
    fraction = math.floor(math.log2(room))
    if fraction < 0:
        raise ConfigError(
            "signal",
            f"filters that can make a sample {signal_bound / RAIL:.3g} times as large",
            expected=f"at most {MARGIN * SIGNAL_LIMIT / RAIL:.3g} times",
            remedy="widen the pass band",
        )
    return fraction


def _rest(sections: np.ndarray) -> tuple[np.ndarray, int]:
    """Compute each section's gain for a constant, as finely as 32 bits can."""
    one = 2**COEFFICIENT_BITS
    gains = [s[:3].sum() / (one - s[3:].sum()) for s in sections]
    bits = COEFFICIENT_BITS - max([0, *(math.frexp(g)[1] for g in gains)])
    return np.array([round(g * 2**bits) for g in gains], np.int64), bits


def _scale_constants(
    plan: Design, n_channels: int, fraction: int, signal_bound: float
) -> dict[str, int]:
    """Choose the bits of the running mean of squares, and the gain of its root.

    With S in units of 2^(power_shift + mean_shift) squares, √S as 2^(15 − z/2)·r for a
    root r of 17 bits and z leading zeros, and √w alike, the scale is
    κ·2^32·r_S / r_w, shifted by half the difference of the leading zeros.
    """
    new = -math.expm1(math.log(plan.decay)) if plan.decay else 1.0
    mean_shift = math.ceil(math.log2(n_channels)) if plan.shared else 0
    power_shift = _power_shift(signal_bound, new)
    joined = 2**mean_shift / n_channels if plan.shared else 1.0
    kappa = 2**power_shift * math.sqrt(joined * new)
    mantissa, exponent = math.frexp(kappa)
    gain = min(round(mantissa * 2**32), 2**32 - 1)
    floor = round(plan.floor / UNIT_V * 2**fraction)
    least = min(int((floor / 2**power_shift) ** 2 / joined), 2**32 - 1)
    constants = {
        "decay": min(round(plan.decay * 2**32), 2**32 - 1),
        "settled": 2**32 - max(2**16, math.ceil(2 / new)),
        "power_shift": power_shift,
        "mean_shift": mean_shift,
        "shared": int(plan.shared),
        "gain": gain,
        "gain_shift": -2 - exponent,
        "floor": floor,
        "least": least,
    }
    _check_floor(plan, constants)
    return constants


def _power_shift(signal_bound: float, new: float) -> int:
    """Choose how many bits to drop before squaring: as few as the sum allows."""
    largest = math.sqrt(MARGIN * POWER_LIMIT * new)
    return max(0, math.ceil(math.log2(signal_bound / (largest - 1))))


def _check_floor(plan: Design, constants: dict[str, int]) -> None:
    """Refuse a smallest scale that is no more than a few units."""
    floor, least = constants["floor"], constants["least"]
    zeros = 64 - least.bit_length()
    shift = constants["gain_shift"] + zeros // 2
    if floor >= SMALLEST_FLOOR and least >= 1 and shift < 32:
        return
    raise ConfigError(
        "signal.scale.floor",
        f"{plan.floor:g} V, {plan.floor / UNIT_V:.3g} units of the converter",
        expected=f"much more than {UNIT_V:.3g} V: no converter measures less",
        remedy="raise the floor, or shorten tau_s",
    )
