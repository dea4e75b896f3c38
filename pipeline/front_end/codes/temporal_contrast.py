"""Temporal contrast in integers."""

import math

from pipeline.encoders.temporal_contrast import TemporalContrast
from pipeline.errors import ConfigError
from pipeline.front_end.code_design import (
    FEWEST_UNITS,
    LIMIT,
    CodeInput,
    EventCode,
    bits_of,
    refuse_moving,
)
from pipeline.kernels.front_end.codes import temporal_contrast as kernel

FACTOR_LIMIT = 2**16
"""The bound of f²·2^F."""

PRODUCT_BITS = 62
"""The bound of squares times f²·2^F, and of their sum."""


def integers(encoder: TemporalContrast, given: CodeInput) -> EventCode:
    """Choose the fraction bits of samples; with a factor, sums of squares fit 64 bits.

    Raises
    ------
    ConfigError
    """
    refuse_moving(encoder)
    factor = encoder.factor
    if factor is None:
        threshold = encoder.threshold
        bits = bits_of(2 * given.largest + threshold, threshold, "threshold")
        code = kernel.TemporalContrast(bits, round(threshold * 2**bits), 0, 0, 0)
    else:
        code = _running(factor, encoder.tau_s * given.sfreq, given.largest)
    return EventCode(code, given.n_channels, 1, kernel.N_WORDS)


def _running(
    factor: float, tau_steps: float, largest: float
) -> kernel.TemporalContrast:
    """Choose what a running threshold needs.

    With differences within ±2·largest, |d| − m lies within ±4·largest.

    Raises
    ------
    ConfigError
        The square of the factor would have too few units.
    """
    longest = max(1, round(-1 / math.expm1(-1 / tau_steps)))
    room = 2 ** (PRODUCT_BITS / 2) / math.sqrt(max(FACTOR_LIMIT, longest))
    bits = bits_of(4 * largest * LIMIT / room, 1.0, "factor")
    finest = math.floor(math.log2(FACTOR_LIMIT / max(factor, 1) ** 2))
    factor_bits = min(16, finest)
    units = round(factor**2 * 2**factor_bits)
    if factor and units < FEWEST_UNITS:
        raise ConfigError(
            "encoder: factor",
            f"{factor:g}, whose square has {units} units",
            expected=f"0, or a square of at least {FEWEST_UNITS} units",
            remedy="raise it, or set it to 0",
        )
    return kernel.TemporalContrast(bits, 0, longest, factor_bits, units)
