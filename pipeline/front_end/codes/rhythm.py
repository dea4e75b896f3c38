"""Rhythm in integers."""

from pipeline.encoders.parts.octaves import OCTAVE
from pipeline.encoders.rhythm import LONGEST_S, PARTS, Rhythm
from pipeline.front_end.beat_design import BeatForm, integer_detector
from pipeline.front_end.code_design import CodeInput
from pipeline.kernels.front_end.beats import n_words

N_MEANS = 6
"""Words of a channel beside the detector's and a mean for each reference."""


def integers(encoder: Rhythm, given: CodeInput) -> BeatForm:
    """Choose the detector's integers; the code's are those of its settings.

    Raises
    ------
    ConfigError
    DataError
    """
    finder = integer_detector(encoder, given)
    fractions = [round(fraction * PARTS) for fraction in encoder.fractions]
    settings = {
        "longest interval": [round(LONGEST_S * given.sfreq)],
        "cells": [encoder.cells],
        "cell width": [round(encoder.width_octaves * OCTAVE)],
        "spread cells": [encoder.spread_cells],
        "shifts": [len(encoder.shifts), *encoder.shifts],
        "fractions": [len(fractions), *fractions],
    }
    return BeatForm(
        encoder,
        finder,
        settings,
        given.n_channels,
        given.n_channels * len(encoder.features(("",))),
        n_words(finder.constants) + 1 + N_MEANS + len(encoder.shifts),
    )
