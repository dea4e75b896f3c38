"""A recording prepared piece by piece: its length costs no memory."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from pipeline.axes import Precise, Samples
from pipeline.errors import DataError
from pipeline.preparation.signals import SignalSettings, design
from pipeline.signals import Signal

if TYPE_CHECKING:
    import mne

    from pipeline.preparation.causal import Design

PIECE_VALUES = 1 << 19
"""Recorded values (channels times samples) prepared at once: a buffer of their file."""


@dataclass(frozen=True)
class Preparation:
    """A recording that is prepared piece by piece.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        With the chosen channels alone.
    design : Design
    starts : tuple of int
        First recorded sample of each segment.
    where : str
        The recording's name, for messages.
    """

    raw: "mne.io.BaseRaw"
    design: "Design"
    starts: tuple[int, ...]
    where: str

    @property
    def ends(self) -> tuple[int, ...]:
        """Recorded sample after the last of each segment."""
        return (*self.starts[1:], self.raw.n_times)

    @property
    def n_samples(self) -> tuple[int, ...]:
        """Prepared samples of each segment."""
        from pipeline.preparation.causal import outputs

        bounds = zip(self.starts, self.ends, strict=True)
        return tuple(outputs(stop - start, self.design) for start, stop in bounds)

    @property
    def segments(self) -> tuple[int, ...]:
        """First prepared sample of each segment."""
        return tuple(accumulate(self.n_samples[:-1], initial=0))

    @property
    def about(self) -> Signal:
        """The prepared signal without its samples."""
        names, plan = tuple(self.raw.ch_names), self.design
        none, units = np.empty((len(names), 0), np.float32), ("1",) * len(names)
        return Signal(none, plan.sfreq, names, units, plan.delay_s, self.segments)

    def pieces(self) -> Iterator[Samples]:
        """Prepare pieces of one length; every segment starts anew.

        Raises
        ------
        DataError
            A sample is not a number.
        """
        from pipeline.preparation.causal import process

        step = max(1, PIECE_VALUES // len(self.raw.ch_names))
        for first, end in zip(self.starts, self.ends, strict=True):
            state = None
            for start in range(first, end, step):
                chunk = self.raw.get_data(start=start, stop=min(start + step, end))
                self._refuse_not_finite(chunk, start)
                piece, state = process(chunk, state, self.design)
                yield piece

    def _refuse_not_finite(self, chunk: Precise, start: int) -> None:
        bad = ~np.isfinite(chunk)
        if not bad.any():
            return
        channel = bad.any(axis=1).argmax()
        sample = start + int(bad[channel].argmax())
        at_s = sample / self.raw.info["sfreq"]
        raise DataError(
            f"{self.where}, channel {self.raw.ch_names[channel]}",
            f"sample {sample}, at {at_s:.3f} s, is not a number",
            expected="finite samples: a causal filter would carry NaN to the end",
            remedy="leave the channel out by signal.channels, or mend the recording",
        )


def plan_recording(
    raw: "mne.io.BaseRaw",
    settings: SignalSettings,
    starts: tuple[int, ...] = (0,),
    *,
    where: str,
) -> Preparation:
    """Choose a recording's channels and design its filters.

    Parameters
    ----------
    raw : mne.io.BaseRaw
    settings : SignalSettings
    starts : tuple of int
        First sample of each segment.
    where : str
        The recording's name, for messages.

    Raises
    ------
    ConfigError
        The settings do not fit the recording's sampling rate.
    DataError
        A channel is not there.
    """
    picked = _pick(raw, settings.channels, where)
    plan = design(settings, float(picked.info["sfreq"]))
    return Preparation(picked, plan, starts, where)


def prepare_recording(
    raw: "mne.io.BaseRaw",
    settings: SignalSettings,
    starts: tuple[int, ...] = (0,),
    *,
    where: str,
) -> Signal:
    """Prepare a recording in memory; parameters and faults as of `plan_recording`."""
    preparation = plan_recording(raw, settings, starts, where=where)
    samples = np.concatenate(list(preparation.pieces()), axis=1)
    return replace(preparation.about, samples=samples)


def _pick(
    raw: "mne.io.BaseRaw", channels: tuple[str, ...] | None, where: str
) -> "mne.io.BaseRaw":
    """Keep the channels asked for, in the order asked for."""
    if channels is None:
        return raw
    try:
        return raw.copy().pick(list(channels))
    except ValueError:
        raise DataError(
            where,
            f"has no channels {', '.join(channels)}",
            expected=f"names or types among {', '.join(raw.ch_names)}",
            remedy="correct signal.channels in params.yaml",
        ) from None
