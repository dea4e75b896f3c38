"""The checks catch encoders that break the contract."""

from typing import Any

import numpy as np
import pytest

from pipeline.encoders.delta import Delta
from pipeline.testing import check_encoder


class Forgetful(Delta):
    """Starts anew with each chunk."""

    def encode(self, chunk: Any, state: Any) -> Any:
        return super().encode(chunk, np.full_like(state, np.nan))


class Prophetic(Delta):
    """Looks one sample ahead."""

    def encode(self, chunk: Any, state: Any) -> Any:
        return super().encode(np.roll(chunk, -1, axis=1), state)


class Clairvoyant(Delta):
    """Scales by the whole chunk's maximum."""

    def encode(self, chunk: Any, state: Any) -> Any:
        return super().encode(chunk / np.abs(chunk).max(initial=1), state)


class Careless(Delta):
    """Writes into the state that it was given."""

    def encode(self, chunk: Any, state: Any) -> Any:
        spikes, state[:] = super().encode(chunk, state)
        return spikes, state


class Boastful(Delta):
    """Promises a decoding that it does not keep."""

    def decode_bound(self) -> float:
        return self.threshold / 2


class Misnamed(Delta):
    """Names one feature a channel."""

    def features(self, channels: tuple[str, ...]) -> tuple[str, ...]:
        return channels


@pytest.mark.parametrize(
    ("encoder", "complaint"),
    [
        (Forgetful(), "chunks end"),
        (Prophetic(), "chunks end"),
        (Clairvoyant(), "chunks end|earlier spikes"),
        (Careless(), "changes the state"),
        (Boastful(), "bound"),
        (Misnamed(), "expected"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_encoder_is_caught(encoder: Delta, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_encoder(encoder)
