"""What every spike code does."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Generic, Self, TypeVar

import numpy as np

from pipeline.axes import PackedBits, Samples, SpikeBits
from pipeline.components import Component
from pipeline.errors import DataError

State = TypeVar("State")

Beats = tuple[int, ...]
"""Samples since the start of a segment, rising."""


class Encoder(Component, Generic[State]):
    """A causal, fit-free spike code of a continuous signal.

    A chunk and the state left by the chunk before give the chunk's spikes and the next
    state: any division of a recording into chunks gives the same spikes, and nothing
    after time t changes a spike before t.
    """

    values: ClassVar[tuple[float, ...] | None] = None
    """The only values that a signal may have; None: any."""

    @property
    def own_name(self) -> str:
        """Name the encoder as `params.yaml` does."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def is_oracle(self) -> bool:
        """Whether it needs annotations to encode: no device could."""
        return False

    def on(self, channels: tuple[str, ...], annotated: Beats | None = None) -> Self:
        """Fit the code to a segment of a recording, before it encodes that.

        Only codes that name channels in their settings, and oracles, need it.

        Parameters
        ----------
        channels : tuple of str
            Of the signal.
        annotated : tuple of int, optional
            The segment's annotated beats, samples since its start, rising.
        """
        return self

    @abstractmethod
    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name the rows of the spike train, such as `MLII+` and `MLII-`."""

    def feature_channels(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        """Name the channel that each row of the spike train encodes."""
        width = len(self.features(("channel",)))
        return tuple(channel for channel in channels for _ in range(width))

    def named_parts(self, n_features: int) -> tuple[tuple[str, int], ...]:
        """List the codes that it joins, each with its features; alone it is the one.

        Parameters
        ----------
        n_features : int
            Rows of the spike train.
        """
        return ((self.own_name, n_features),)

    @abstractmethod
    def initial_state(
        self, n_channels: int, sfreq: float, rng: np.random.Generator
    ) -> State:
        """Make the state before the first sample.

        Parameters
        ----------
        n_channels : int
        sfreq : float
            Samples per second, for settings in seconds.
        rng : Generator
            Stochastic codes draw from it.
        """

    def refuse_foreign(self, state: object, n_channels: int) -> None:
        """Refuse what other settings remember, or what is known of other channels.

        For codes whose states have `settings`, the encoder that made them, and
        `n_channels`.

        Raises
        ------
        DataError
        """
        settings = getattr(state, "settings", None)
        if settings is not self and settings != self:
            raise self.foreign()
        known = getattr(state, "n_channels", None)
        if known != n_channels:
            raise DataError(
                f"the encoder {self.own_name}",
                f"a chunk of {n_channels} channels",
                expected=f"{known}, as in the chunks before",
                remedy="keep one state for each recording",
            )

    def foreign(self) -> DataError:
        """State that a state is not one of this encoder's."""
        return DataError(
            f"the encoder {self.own_name}",
            "the state of other settings",
            expected=f"a state that came of {self!r}",
            remedy="begin with the initial_state of the encoder that encodes",
        )

    @abstractmethod
    def encode(self, chunk: Samples, state: State) -> tuple[SpikeBits, State]:
        """Encode one chunk.

        Parameters
        ----------
        chunk : array, shape (channel, time), float32
            The scaled signal.
        state : State
            What the chunk before returned. It is not changed.

        Returns
        -------
        spikes : array, shape (feature, time), bool
        state : State
        """

    def encode_packed(self, chunk: Samples, state: State) -> tuple[PackedBits, State]:
        """Encode one chunk to bits, eight steps to a byte; see `encode`.

        A code whose kernel packs by itself overrides it.
        """
        spikes, state = self.encode(chunk, state)
        return np.packbits(spikes, axis=1), state

    @abstractmethod
    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        """Estimate the signal, (channel, time), from all spikes since the start."""

    def delay_s(self, sfreq: float) -> float:
        """Delay of the code behind the signal, seconds."""
        return 0.0

    def decode_delays_s(self, n_channels: int, sfreq: float) -> tuple[float, ...]:
        """Delay of each decoded channel behind the signal, seconds.

        By default that of the code; a decoder with a filter of its own adds to it.
        """
        return (self.delay_s(sfreq),) * n_channels

    def decode_bound(self) -> float | None:
        """Bound `decode`'s error on a slow signal that starts at 0; None: no bound."""
        return None

    def operations(self) -> Mapping[str, int] | None:
        """Count the operations on one sample of one channel, at most; None: not known.

        Kinds are `addition` (a comparison is one), `multiplication` and whatever else a
        cost table may name.
        """
        return None

    def operations_per_step(self, n_features: int) -> Mapping[str, int] | None:
        """Count the operations on one sample of all channels; None: not known.

        Parameters
        ----------
        n_features : int
            Rows of the spike train.
        """
        operations = self.operations()
        n_channels = n_features // len(self.features(("channel",)))
        return operations and {k: n_channels * n for k, n in operations.items()}
