"""A cell of random weights in memory, and streams that do what a test wants."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.components import find
from pipeline.errors import DataError
from pipeline.live.streams import About, Chunk
from pipeline.networks.base import Shape
from pipeline.networks.parts.heads import At
from pipeline.preparation.causal import process
from pipeline.preparation.signals import SignalSettings, design

SFREQ, CHANNELS, LABELS, N_STEPS = 250.0, ("a", "b"), ("calm", "busy", "late"), 50
SIGNAL = {"l_freq": 2, "h_freq": 40, "sfreq": 125, "scale": {"tau_s": 1, "floor": 1e-6}}
CONVOLUTIONAL = {"name": "convolutional", "channels": [6], "kernels": [4],
                 "strides": [3], "bins": 4}  # fmt: skip


def announced(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[Any, Any]:
    """Open a stream of two channels over the Lab Streaming Layer itself.

    Gives its outlet and our inlet, which wait for each other. Skips the test where the
    library is not installed, or nothing can be announced.
    """
    pylsl = pytest.importorskip("pylsl")
    from pipeline.live import lsl

    monkeypatch.setattr(lsl, "LOOK_S", 0.5)
    monkeypatch.setattr(lsl, "LOST_S", 1.5)
    info = pylsl.StreamInfo(name, "ECG", 2, SFREQ, "float32", name)
    info.set_channel_labels(["a", "b"])
    info.set_channel_units(["microvolts", "microvolts"])
    outlet = pylsl.StreamOutlet(info)
    try:
        inlet = lsl.LslSource(name, None).open()
    except DataError:
        pytest.skip("no multicast here")
    inlet.pull()
    outlet.wait_for_consumers(2.0)
    return outlet, inlet


def volts(seconds: float = 8.0, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 3e-6, (2, round(seconds * SFREQ))).cumsum(1)


def component(kind: str, settings: dict[str, Any]) -> Any:
    own = {key: value for key, value in settings.items() if key != "name"}
    return find(kind, settings["name"]).model_validate(own)


def fold(
    network: dict[str, Any] = CONVOLUTIONAL,
    encoder: dict[str, Any] | None = None,
    memory_s: float | None = None,
) -> Any:
    """A fold whose weights a seed draws; all that a live decider reads of one."""
    made = component("networks", network)
    code = component("encoders", encoder or {"name": "delta", "threshold": 0.3})
    shape = Shape(N_STEPS, len(code.features(CHANNELS)), len(LABELS), 1 / 125)
    with torch.random.fork_rng():
        torch.manual_seed(4)
        built = made.build(shape, component("neurons", {"name": "leaky"})).eval()
    cell = SimpleNamespace(
        name="toy-code-net",
        labels=LABELS,
        network=made,
        encoder=code,
        memory_s=memory_s,
        run={"settings": {"signal": SIGNAL, "seed": 5}},
    )
    return SimpleNamespace(cell=cell, network=built, shape=shape)


def spikes(which: Any, samples: np.ndarray, sfreq: float = SFREQ) -> Tensor:
    """Prepare and encode a recording in one piece: (time, 1, feature)."""
    plan = design(SignalSettings.model_validate(SIGNAL), sfreq)
    code = which.cell.encoder.on(CHANNELS)
    prepared, _ = process(samples, None, plan)
    rng = np.random.default_rng(0)
    bits, _ = code.encode(prepared, code.initial_state(2, plan.sfreq, rng))
    lag = round(plan.delay_s * 125) + round(code.delay_s(125) * 125)
    return torch.from_numpy(bits[:, lag:].T.astype(np.float32))[:, None]


def in_one_piece(which: Any, samples: np.ndarray, every: int) -> np.ndarray:
    """Decide at every so many steps, as testing decides; (decision, class)."""
    train, network = spikes(which, samples), which.network
    found = []
    with torch.no_grad():
        for stop in range(every, len(train) + 1, every):
            first = 0
            if which.cell.network.restarts == "windows":
                window = torch.zeros(N_STEPS, *train.shape[1:])
                seen = train[max(stop - N_STEPS, 0) : stop]
                window[N_STEPS - len(seen) :] = seen
                found.append(network(window))
                continue
            if limit := which.cell.memory_s:
                first = _start(stop, every, round(limit * 125))
            n_steps = -(-(stop - first) // network.stride) * network.stride
            if first + n_steps > len(train):
                break
            at = At(torch.tensor([0]), torch.tensor([stop - first]))
            found.append(network.decide([train[first : first + n_steps]], at))
    return torch.cat(found).softmax(1).numpy()


def _start(stop: int, every: int, limit: int) -> int:
    """Where a network began that starts anew every `limit` steps."""
    part = (stop - 1) // limit
    if not part:
        return 0
    first = next(s for s in range(every, stop + 1, every) if (s - 1) // limit == part)
    return max(first - N_STEPS, 0)


class Script:
    """Streams that give what is written down, one after the other.

    A chunk is given, an exception is raised, a number is what the clock goes on by.
    """

    def __init__(self, *streams: tuple[About, list[Any]]) -> None:
        self.streams = list(streams)
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def open(self) -> "Script":
        self.about, self.left = self.streams.pop(0)
        return self

    def pull(self) -> Chunk | None:
        if not self.left:
            return None
        item = self.left.pop(0)
        if isinstance(item, float):
            self.now_s += item
            return Chunk(np.empty((self.about.n_channels, 0)), np.empty(0))
        if isinstance(item, Exception):
            raise item
        assert isinstance(item, Chunk)
        return item
