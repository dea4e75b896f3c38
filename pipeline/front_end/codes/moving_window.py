"""Moving window in integers."""

from pipeline.encoders.moving_window import MovingWindow
from pipeline.front_end.code_design import CodeInput, EventCode, bits_of, refuse_moving
from pipeline.kernels.front_end.codes import moving_window as kernel


def integers(encoder: MovingWindow, given: CodeInput) -> EventCode:
    """Choose the fraction bits of samples: the sum of a window fits.

    Raises
    ------
    ConfigError
    """
    refuse_moving(encoder)
    threshold, length = encoder.threshold, encoder.length(given.sfreq)
    bits = bits_of((given.largest + threshold) * length, threshold, "threshold")
    code = kernel.MovingWindow(bits, length, round(threshold * 2**bits))
    return EventCode(code, given.n_channels, 1, kernel.WINDOW + length)
