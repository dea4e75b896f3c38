"""Step-forward in integers."""

from pipeline.encoders.delta import Delta
from pipeline.front_end.code_design import CodeInput, EventCode, bits_of, refuse_moving
from pipeline.kernels.front_end.codes import delta as kernel


def integers(encoder: Delta, given: CodeInput) -> EventCode:
    """Choose the fraction bits of the reference: it may pass x / s by a threshold.

    Raises
    ------
    ConfigError
    """
    refuse_moving(encoder)
    threshold = encoder.threshold
    bits = bits_of(given.largest + threshold, threshold, "threshold")
    code = kernel.StepForward(bits, round(threshold * 2**bits))
    return EventCode(code, given.n_channels, 1, kernel.N_WORDS)
