"""Sigma-delta in integers."""

from pipeline.encoders.sigma_delta import SigmaDelta
from pipeline.front_end.code_design import CodeInput, EventCode, bits_of, refuse_moving
from pipeline.kernels.front_end.codes import sigma_delta as kernel


def integers(encoder: SigmaDelta, given: CodeInput) -> EventCode:
    """Choose the fraction bits of the sum, which stays below two thresholds.

    Raises
    ------
    ConfigError
    """
    refuse_moving(encoder)
    threshold = encoder.threshold
    bits = bits_of(2 * threshold, threshold, "threshold")
    code = kernel.SigmaDelta(bits, round(threshold * 2**bits))
    return EventCode(code, given.n_channels, 1, kernel.N_WORDS)
