"""Template in integers."""

from pipeline.encoders.parts.octaves import MEAN_BITS
from pipeline.encoders.template import UNIT, Template
from pipeline.errors import ConfigError
from pipeline.front_end.beat_design import BeatForm, integer_detector
from pipeline.front_end.code_design import CodeInput
from pipeline.kernels.front_end.beats import n_words

LIMIT = 2**30
"""The bound of a phase's sum with its more binary digits: differences fit 32 bits."""


def integers(encoder: Template, given: CodeInput) -> BeatForm:
    """Choose the detector's integers; the code's are those of its settings.

    Raises
    ------
    ConfigError
        The sum of a phase does not fit its word.
    DataError
    """
    finder, frame = integer_detector(encoder, given), encoder.frame(given.sfreq)
    sums = given.largest * UNIT * frame.width * 2**MEAN_BITS
    if sums > LIMIT:
        raise ConfigError(
            "encoder: phase_s",
            f"{encoder.phase_s:g} s, {frame.width} samples of up to "
            f"{given.largest:.3g} RMS",
            expected=f"up to {frame.width * LIMIT / sums:.3g} samples in 32 bits",
            remedy="shorten phase_s, or signal.scale.tau_s",
        )
    waiting = frame.lag // (finder.constants.reach + 1) + 2
    settings = {
        "before": [frame.before],
        "width of a phase": [frame.width],
        "phases": [frame.n_phases],
        "lag": [frame.lag],
        "threshold": [round(encoder.threshold * UNIT * frame.width)],
        "shift": [encoder.shift],
        "warm-up": [encoder.warm_up],
        "waiting": [waiting],
    }
    return BeatForm(
        encoder,
        finder,
        settings,
        given.n_channels,
        given.n_channels * len(encoder.features(("",))),
        frame.lag + frame.before + frame.n_phases,
        n_words(finder.constants) + 1 + 3 + waiting,
    )
