"""Joined: several codes side by side, each of the channels that it is given."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import (
    Field,
    PrivateAttr,
    SkipValidation,
    field_validator,
    model_serializer,
    model_validator,
)

from pipeline.axes import Samples, SpikeBits
from pipeline.components import Settings, chosen
from pipeline.encoders.base import Beats, Encoder
from pipeline.encoders.delta import Delta
from pipeline.errors import ConfigError
from pipeline.wording import did_you_mean

States = tuple[Any, ...]
"""The state of each part."""


class Part(Settings):
    """A code and its channels, written `{name: rhythm, channels: [MLII], ...}`.

    Parameters
    ----------
    encoder : Encoder
    channels : tuple of str or None
        None: all.
    """

    encoder: Annotated[Encoder[Any], SkipValidation, *chosen("encoders")]
    channels: Annotated[
        tuple[str, ...] | None, Field(min_length=1, description="Default: all.")
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _separate(cls, settings: Any) -> Any:
        """Take the channels out of what are otherwise the encoder's settings."""
        if not isinstance(settings, Mapping) or "encoder" in settings:
            return settings
        encoder = {key: each for key, each in settings.items() if key != "channels"}
        return {"encoder": encoder, "channels": settings.get("channels")}

    @model_serializer(mode="wrap")
    def _together(self, serialize: Any) -> dict[str, Any]:
        """Write it as it is read."""
        settings = serialize(self)
        return {**settings["encoder"], "channels": settings["channels"]}


class Joined(Encoder[States]):
    """The features of several codes, one under the other.

    ::

        spikes[t] = (part_1[t], part_2[t], …)

    Each part encodes all channels or those that its `channels` name, with a seeded
    generator of its own. The code's delay is that of its slowest part. The others are
    not delayed: their spikes of a sample come earlier than those of the slowest.
    `decode` gives each channel as the first part that has it does.
    """

    parts: Annotated[
        tuple[Part, ...],
        Field(min_length=1, description="The codes, each with its channels."),
    ] = (Part(encoder=Delta()),)

    _channels: tuple[str, ...] | None = PrivateAttr(default=None)

    @field_validator("parts")
    @classmethod
    def _refuse_nested(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        if any(isinstance(part.encoder, Joined) for part in parts):
            raise ValueError("joined in joined; list its parts here instead")
        return parts

    @property
    def is_oracle(self) -> bool:
        """Whether a part is one."""
        return any(part.encoder.is_oracle for part in self.parts)

    def on(self, channels: tuple[str, ...], annotated: Beats | None = None) -> "Joined":
        """Find the parts' channels in a signal's.

        Raises
        ------
        ConfigError
            A part names a channel that is not there.
        """
        fitted = []
        for part, rows in zip(self.parts, _rows(self.parts, channels), strict=True):
            own = tuple(channels[row] for row in rows)
            encoder = part.encoder.on(own, annotated)
            fitted.append(part.model_copy(update={"encoder": encoder}))
        joined = self.model_copy(update={"parts": tuple(fitted)})
        joined._channels = channels
        return joined

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name the parts' rows; where names would repeat, with the part's number.

        Raises
        ------
        ConfigError
            A part names a channel that is not there.
        """
        rows = _rows(self.parts, channels)
        names = [
            (place, name)
            for place, (part, own) in enumerate(zip(self.parts, rows, strict=True), 1)
            for name in part.encoder.features(tuple(channels[row] for row in own))
        ]
        if len({name for _, name in names}) == len(names):
            return tuple(name for _, name in names)
        return tuple(f"{place} {name}" for place, name in names)

    def feature_channels(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name the channels of the parts' rows.

        Raises
        ------
        ConfigError
            A part names a channel that is not there.
        """
        return tuple(
            channel
            for part, own in zip(self.parts, _rows(self.parts, channels), strict=True)
            for channel in part.encoder.feature_channels(
                tuple(channels[row] for row in own)
            )
        )

    def named_parts(self, n_features: int) -> tuple[tuple[str, int], ...]:
        """List the parts, each with its features, in their order."""
        n_channels = self._n_channels(n_features)
        return tuple(
            (part.encoder.own_name, _n_own(part, n_channels) * _width(part))
            for part in self.parts
        )

    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> States:
        """Make the parts' states, each with a child of the generator."""
        rows = self._rows_of(n_channels)
        each = zip(self.parts, rows, rng.spawn(len(self.parts)), strict=True)
        return tuple(
            part.encoder.initial_state(len(own), sfreq, child)
            for part, own, child in each
        )

    def encode(self, chunk: Samples, state: States) -> tuple[SpikeBits, States]:
        """Encode one chunk by every part.

        Raises
        ------
        DataError
            The state is that of other settings, or of other channels.
        """
        if not isinstance(state, tuple) or len(state) != len(self.parts):
            raise self.foreign()
        each = zip(self.parts, self._rows_of(len(chunk)), state, strict=True)
        encoded = [part.encoder.encode(chunk[rows], own) for part, rows, own in each]
        spikes = np.concatenate([spikes for spikes, _ in encoded])
        return spikes, tuple(after for _, after in encoded)

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Estimate each channel by the first part that has it; others are 0."""
        n_channels = self._n_channels(len(spikes))
        signal = np.zeros((n_channels, spikes.shape[1]), np.float32)
        rows = self._rows_of(n_channels)
        ends = np.cumsum(
            [_width(p) * len(r) for p, r in zip(self.parts, rows, strict=True)]
        )
        owned = np.split(spikes, ends[:-1])
        # From last to first: what an earlier part gives replaces what a later one gave.
        for part, own, its in reversed(list(zip(self.parts, rows, owned, strict=True))):
            signal[own] = part.encoder.decode(its, sfreq)
        return signal

    def delay_s(self, sfreq: float) -> float:
        """Give the delay of the slowest part."""
        return max(part.encoder.delay_s(sfreq) for part in self.parts)

    def decode_delays_s(self, n_channels: int, sfreq: float) -> tuple[float, ...]:
        """Give each channel's, by the first part that has it; others have 0."""
        delays_s = [0.0] * n_channels
        each = list(zip(self.parts, self._rows_of(n_channels), strict=True))
        for part, own in reversed(each):
            its = part.encoder.decode_delays_s(len(own), sfreq)
            for row, delay_s in zip(own, its, strict=True):
                delays_s[row] = delay_s
        return tuple(delays_s)

    def decode_bound(self) -> float | None:
        """Give the first part's bound, if it has all channels."""
        first = self.parts[0]
        return first.encoder.decode_bound() if first.channels is None else None

    def operations_per_step(self, n_features: int) -> Mapping[str, int] | None:
        """Add the parts' operations; None if those of one are not known."""
        n_channels, total = self._n_channels(n_features), Counter[str]()
        for part in self.parts:
            n_own = _n_own(part, n_channels)
            operations = part.encoder.operations_per_step(n_own * _width(part))
            if operations is None:
                return None
            total.update(operations)
        return total

    def _rows_of(self, n_channels: int) -> list[list[int]]:
        """List the channels of each part; without names they are numbers."""
        return _rows(self.parts, self._channels or tuple(map(str, range(n_channels))))

    def _n_channels(self, n_features: int) -> int:
        """Give how many channels the parts without `channels` have."""
        named = sum(len(p.channels) * _width(p) for p in self.parts if p.channels)
        every = sum(_width(part) for part in self.parts if part.channels is None)
        if self._channels or not every:
            return len(
                self._channels or {n for p in self.parts for n in p.channels or ()}
            )
        return (n_features - named) // every


def _n_own(part: Part, n_channels: int) -> int:
    """Count the channels of a part of a signal with so many."""
    return n_channels if part.channels is None else len(part.channels)


def _width(part: Part) -> int:
    """Give the features of one channel."""
    return len(part.encoder.features(("",)))


def _rows(parts: tuple[Part, ...], channels: tuple[str, ...]) -> list[list[int]]:
    """Find the channels of each part."""
    for part in parts:
        for name in part.channels or ():
            if name not in channels:
                raise ConfigError(
                    "params.yaml: encoders.*.parts",
                    f"the signal has no channel '{name}'",
                    expected=did_you_mean(name, channels),
                    remedy="correct the part's `channels`, or leave it out for all",
                )
    return [[channels.index(name) for name in p.channels or channels] for p in parts]
