"""Send-on-delta in integers."""

from pipeline.encoders.send_on_delta import SendOnDelta
from pipeline.front_end.code_design import CodeInput, EventCode, bits_of, refuse_moving
from pipeline.kernels.front_end.codes import send_on_delta as kernel


def integers(encoder: SendOnDelta, given: CodeInput) -> EventCode:
    """Choose the fraction bits of the base, which never passes x / s, and of a turn.

    Raises
    ------
    ConfigError
    """
    refuse_moving(encoder)
    threshold, turn = encoder.threshold, encoder.threshold * (1 + encoder.hysteresis)
    bits = bits_of(given.largest + turn, threshold, "threshold")
    units = round(threshold * 2**bits), round(turn * 2**bits)
    code = kernel.SendOnDelta(bits, encoder.most, *units)
    return EventCode(code, given.n_channels, encoder.most, kernel.N_WORDS)
