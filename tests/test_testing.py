"""The checks catch encoders and learning rules that break the contract."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import testing
from pipeline.encoders.delta import Delta
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.parts.learner import Learner
from pipeline.plasticity.parts.state import LearningState
from pipeline.testing import check_encoder, check_rule


def test_a_check_is_imported_when_it_is_asked_for() -> None:
    code = "import sys; from pipeline.testing import check_reader, check_source; "
    code += "sys.exit(bool({'torch', 'mne', 'pandas'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="check_nothing"):
        testing.__getattr__("check_nothing")


class Forgetful(Delta):
    """Starts anew with each chunk."""

    def encode(self, chunk: Any, state: Any) -> Any:
        rng = np.random.default_rng()
        return super().encode(chunk, self.initial_state(len(chunk), 250.0, rng))


class Prophetic(Delta):
    """Looks one sample ahead."""

    def encode(self, chunk: Any, state: Any) -> Any:
        return super().encode(np.roll(chunk, -1, axis=1), state)


class Clairvoyant(Delta):
    """Scales by the full chunk's maximum."""

    def encode(self, chunk: Any, state: Any) -> Any:
        return super().encode(chunk / np.abs(chunk).max(initial=1), state)


class Careless(Delta):
    """Writes into the state that it was given."""

    def encode(self, chunk: Any, state: Any) -> Any:
        spikes, after = super().encode(chunk, state)
        state.values[:] = after.values
        return spikes, state


class Boastful(Delta):
    """Promises a decoding that it does not keep."""

    def decode_bound(self) -> float:
        return self.threshold / 2


class Impatient(Delta):
    """Forgets what it knows where a chunk is empty."""

    def encode(self, chunk: Any, state: Any) -> Any:
        if not chunk.size:
            rng = np.random.default_rng()
            state = self.initial_state(len(chunk), 250.0, rng)
        return super().encode(chunk, state)


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
        (Impatient(), "chunks end|empty chunk"),
        (Misnamed(), "expected"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_encoder_is_caught(encoder: Delta, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_encoder(encoder)


class Amnesic(Learner):
    """Forgets its traces between pieces of a train."""

    def learn(self, state: LearningState, *trains: Any) -> None:
        for trace in state.traces[0]:
            trace[:] = 0
        super().learn(state, *trains)


class Moody(Learner):
    """Never does the same twice."""

    def learn(self, state: LearningState, *trains: Any) -> None:
        super().learn(state, *trains)
        state.weights[0, 0] = np.random.default_rng().random()


class Boundless(Learner):
    """Knows no largest weight."""

    def learn(self, state: LearningState, *trains: Any) -> None:
        super().learn(state, *trains)
        state.weights[state.weights == 1] = 2


class Explosive(Learner):
    """Makes NaN of a weight that falls to 0."""

    def learn(self, state: LearningState, *trains: Any) -> None:
        super().learn(state, *trains)
        state.weights[state.weights == 0] = np.nan


class Restless(Learner):
    """Learns without a step."""

    def learn(self, state: LearningState, *trains: Any) -> None:
        super().learn(state, *trains)
        state.weights *= np.float32(0.99 if len(trains[0]) == 0 else 1)


class Lossy(Learner):
    """Saves all but the traces."""

    def save(self, path: Path, state: LearningState) -> None:
        silent = self.start(np.zeros((self.n_pre, self.n_post), np.float32)).traces
        super().save(path, replace(state, traces=silent))


class Meddling(Learner):
    """Changes what it was given."""

    def learn(self, state: LearningState, pre: Any, post: Any, rewards: Any) -> None:  # type: ignore[override]
        super().learn(state, pre, post, rewards)
        post[:] = False


class Idle(Learner):
    """Only keeps the time."""

    def learn(self, state: LearningState, pre: Any, post: Any, rewards: Any) -> None:  # type: ignore[override]
        self.check_state(state)


class Trusting(Learner):
    """Takes any weights."""

    def start(self, weights: Any, thresholds: Any = 1.0) -> LearningState:
        state = super().start(np.zeros((self.n_pre, self.n_post), np.float32))
        return replace(state, weights=weights)


class Permissive(Learner):
    """Takes any state."""

    def learn(self, state: LearningState, *trains: Any) -> None:
        if len(state.weights) == self.n_pre:
            super().learn(state, *trains)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (Amnesic, "trains are cut"),
        (Moody, "two runs"),
        (Boundless, "leave 0 to 1"),
        (Explosive, "finite"),
        (Restless, "no steps"),
        (Lossy, "saved and loaded"),
        (Meddling, "trains that it was given"),
        (Idle, "learns nothing"),
        (Trusting, "takes NaN weights"),
        (Permissive, "state of another size"),
    ],
)
def test_a_broken_rule_is_caught(
    kind: type[Learner], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(rule: Pair, n_pre: int, n_post: int, *, dt: float) -> Learner:
        return kind((rule,), n_pre, n_post, dt=dt)

    check_rule(Pair())
    monkeypatch.setattr(Pair, "build", build)
    with pytest.raises(AssertionError, match=complaint):
        check_rule(Pair())
