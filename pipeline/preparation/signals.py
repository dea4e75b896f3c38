"""The settings of preparing a signal, and their filters."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from pipeline.components import Settings
from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from pipeline.preparation.causal import Design

ORDER = 2
"""Order of the Butterworth prototype; the band-pass has twice as many poles."""

NOTCH_QUALITY = 30.0
"""Notch frequency over its -3 dB bandwidth."""

LARGEST_RATIO = 1000
"""Largest term of the ratio of two sampling rates."""

Hertz = Annotated[float, Field(gt=0, le=100_000)]


class Scale(Settings):
    """The running scale that a signal is divided by."""

    tau_s: Annotated[
        float, Field(gt=0, le=3600, description="time constant of the RMS, seconds")
    ]
    floor: Annotated[
        float, Field(gt=0, description="smallest scale, in the recording's SI unit")
    ]
    shared: Annotated[
        bool,
        Field(description="one scale for all channels: keeps their proportions"),
    ] = False
    profile_s: Annotated[
        float | None,
        Field(gt=0, le=86400, description="with shared: time constant of each "
              "channel's own share, by which it is divided as well, seconds; null: no "
              "share"),
    ] = None  # fmt: skip

    @model_validator(mode="after")
    def _shares_of_a_shared_scale(self) -> Self:
        if self.profile_s is not None and not self.shared:
            raise ValueError("profile_s without shared: true, whose shares it follows")
        return self


class SignalSettings(Settings):
    """The steps from a recording to a prepared signal."""

    channels: Annotated[
        tuple[str, ...] | None,
        Field(min_length=1, description="channel names or MNE types; null: all"),
    ] = None
    l_freq: Annotated[
        Hertz | None, Field(description="lower edge of the pass band, Hz")
    ] = None
    h_freq: Annotated[
        Hertz | None, Field(description="upper edge of the pass band, Hz")
    ] = None
    notch: Annotated[Hertz | None, Field(description="mains frequency, Hz")] = None
    sfreq: Annotated[
        Hertz | None, Field(description="rate after resampling, Hz; null: as recorded")
    ] = None
    scale: Annotated[
        Scale | None, Field(description="the running scale; null: values as they are")
    ]

    @model_validator(mode="after")
    def _edges_in_order(self) -> Self:
        rising = (self.l_freq, self.h_freq, self.sfreq and self.sfreq / 2)
        edges = [edge for edge in rising if edge is not None]
        if edges != sorted(set(edges)):
            raise ValueError("l_freq < h_freq < sfreq / 2 does not hold")
        return self


def design(settings: SignalSettings, sfreq: float) -> "Design":
    """Compute the coefficients for recordings of one sampling rate.

    Parameters
    ----------
    settings : SignalSettings
    sfreq : float
        Rate of the recording, Hz.

    Raises
    ------
    ConfigError
        A frequency does not fit below half the sampling rate, or the two rates have no
        simple ratio.
    """
    from pipeline.preparation.causal import Design, anti_alias

    target = settings.sfreq or sfreq
    up, down = _ratio(target, sfreq)
    taps, scale = anti_alias(up, down), settings.scale
    return Design(
        sections=_sections(settings, sfreq),
        taps=taps,
        up=up,
        down=down,
        scaled=scale is not None,
        decay=_decay(scale.tau_s if scale else None, target),
        floor=scale.floor if scale else 1.0,
        shared=scale.shared if scale else False,
        profile=_decay(scale.profile_s if scale else None, target),
        sfreq=target,
        delay_s=(len(taps) - 1) / (2 * up * sfreq),
    )


def _decay(tau_s: float | None, sfreq: float) -> float:
    """Give the weight of the past after a sample; 0 of nothing."""
    return 0.0 if tau_s is None else float(np.exp(-1 / (tau_s * sfreq)))


def _sections(settings: SignalSettings, sfreq: float) -> np.ndarray:
    """Design band-pass and notch as second-order sections."""
    from scipy import signal as sp

    edges = {key: getattr(settings, key) for key in ("l_freq", "h_freq", "notch")}
    _check_edges(edges, sfreq)
    low, high, mains = edges.values()
    parts = []
    if low and high:
        parts.append(sp.butter(ORDER, (low, high), "bandpass", output="sos", fs=sfreq))
    elif low:
        parts.append(sp.butter(ORDER, low, "highpass", output="sos", fs=sfreq))
    elif high:
        parts.append(sp.butter(ORDER, high, "lowpass", output="sos", fs=sfreq))
    if mains:
        parts.append(sp.tf2sos(*sp.iirnotch(mains, NOTCH_QUALITY, fs=sfreq)))
    return np.concatenate(parts) if parts else np.empty((0, 6))


def _check_edges(edges: dict[str, float | None], sfreq: float) -> None:
    for key, edge in edges.items():
        if edge is not None and edge >= sfreq / 2:
            raise ConfigError(
                f"signal.{key}",
                f"{edge:g} Hz, in a recording of {sfreq:g} samples per second",
                expected=f"less than {sfreq / 2:g} Hz",
                remedy=f"lower {key}, or leave it out",
            )


def _ratio(target: float, sfreq: float) -> tuple[int, int]:
    """Find the two rates' ratio in lowest terms."""
    ratio = Fraction(target / sfreq).limit_denominator(LARGEST_RATIO)
    # Recordings keep their rate in float32.
    exact = np.isclose(float(ratio) * sfreq, target, rtol=1e-6, atol=0)
    if ratio.numerator > LARGEST_RATIO or not exact:
        raise ConfigError(
            "signal.sfreq",
            f"{target:g} Hz, from a recording of {sfreq:.9g} samples per second",
            expected=f"a ratio of integers up to {LARGEST_RATIO}",
            remedy="choose a rate in a simple ratio to the recorded one",
        )
    return ratio.numerator, ratio.denominator
