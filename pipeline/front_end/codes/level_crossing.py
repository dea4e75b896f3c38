"""Level crossing in integers."""

from pipeline.encoders.level_crossing import LevelCrossing
from pipeline.front_end.code_design import CodeInput, EventCode, bits_of
from pipeline.kernels.front_end.codes import level_crossing as kernel


def integers(encoder: LevelCrossing, given: CodeInput) -> EventCode:
    """Choose the fraction bits of the level, which may begin beyond x / s.

    Raises
    ------
    ConfigError
    """
    spacing = encoder.spacing
    bits = bits_of(given.largest + spacing, spacing, "spacing")
    code = kernel.LevelCrossing(bits, encoder.most, round(spacing * 2**bits))
    return EventCode(code, given.n_channels, encoder.most, kernel.N_WORDS)
