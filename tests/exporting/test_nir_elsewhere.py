"""Exported networks in other simulators, where these are installed."""

from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import nir
import numpy as np
import pytest
import torch

from pipeline.exporting import nir as target
from tests.docs.examples import load
from tests.exporting.test_nir import spikes, trained, watched

NEEDED = {"snntorch": "nirtorch", "norse": "norse"}
DT = 0.05
SAME = 1e-3  # share of spikes that may differ: single precision, at the threshold


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load("nir_elsewhere")


def exported(neuron: str, network: str, path: Path) -> tuple[Any, Any, nir.NIRGraph]:
    made, shape = trained(neuron, network, DT)
    target.write(made, shape, path, about={})
    return made, shape, nir.read(path)


@pytest.mark.filterwarnings("ignore:nirtorch.load is being deprecated")
@pytest.mark.parametrize("neuron", ["leaky, to zero", "parametric", "multisynaptic"])
@pytest.mark.parametrize("reader", NEEDED)
def test_another_simulator_makes_the_same_spikes(
    example: ModuleType, reader: str, neuron: str, tmp_path: Path
) -> None:
    """Thresholds and time constants differ from neuron to neuron."""
    pytest.importorskip(NEEDED[reader], reason=f"{NEEDED[reader]} is not installed")
    made, shape, graph = exported(neuron, "dense", tmp_path / "network.nir")
    chosen = example.READERS[reader]
    module = chosen.load(example.translated(graph, chosen), shape.dt)
    found = example.run(module, spikes().float())
    (*_, expected), logits = watched(made, spikes())
    assert 0.01 < expected.mean() < 0.9
    assert (found.numpy() != expected).mean() < SAME
    decided = made.head(found.double()).argmax(1)
    np.testing.assert_array_equal(decided, logits.argmax(1))


class Pure(torch.nn.Module):
    """A node of NIR without a state."""

    def __init__(self, node: Any) -> None:
        super().__init__()
        self.node = node

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        match self.node:
            case nir.Scale():
                return x * self.value("scale")
            case nir.Threshold():
                return (x > self.value("threshold")).double()
            case nir.Affine():
                return x @ self.value("weight").T + self.value("bias")
        return x @ self.value("weight").T

    def value(self, name: str) -> torch.Tensor:
        return torch.as_tensor(np.array(getattr(self.node, name)), dtype=torch.double)


class Stateful(Pure):
    """A node of NIR with a state, which makes exact steps."""

    def forward(self, x: torch.Tensor, state: Any = None) -> Any:
        if isinstance(self.node, nir.Delay):
            steps = round(self.node.delay[0] / DT)
            past = state or [torch.zeros_like(x)] * steps
            return past[0], [*past[1:], x]
        v = torch.zeros_like(x) if state is None else state
        if isinstance(self.node, nir.LI | nir.LIF):
            kept = torch.exp(-DT / self.value("tau"))
            v = kept * v + (1 - kept) * self.value("r") * x
        else:
            v = v + DT * self.value("r") * x
        if isinstance(self.node, nir.LI | nir.I):
            return v, v
        fired = (v > self.value("v_threshold")).double()
        return fired, v * (1 - fired)


NODES = {
    **dict.fromkeys((nir.Scale, nir.Threshold, nir.Affine, nir.Linear), Pure),
    **dict.fromkeys((nir.LI, nir.LIF, nir.I, nir.IF, nir.Delay), Stateful),
}


@pytest.mark.parametrize(
    ("neuron", "network"),
    [
        ("leaky", "dense"),
        ("fractional", "recurrent"),
        ("adaptive", "convolutional, strides"),
        ("leaky, to zero", "recurrent, stride"),
        ("leaky", "strides, traces"),
    ],
)
def test_nirtorch_runs_every_graph_without_being_told_which_edges_are_late(
    neuron: str, network: str, tmp_path: Path
) -> None:
    """Its graphs, loops and states; the equations of the nodes are ours."""
    nirtorch = pytest.importorskip("nirtorch", reason="nirtorch is not installed")
    made, *_ = exported(neuron, network, tmp_path / "network.nir")
    path, state = tmp_path / "network.nir", None
    module = nirtorch.nir_to_torch(path, NODES, dtype=torch.double)
    for step in spikes():
        found, state = module(step, state)
    with torch.no_grad():
        expected = made(spikes())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_step_by_euler_s_rule_is_the_exact_one(example: ModuleType) -> None:
    tau, theta = np.array([0.004, 0.02, 0.1]), np.array([0.5, 1.0, 2.0])
    neurons = nir.LIF(tau, np.array([3.0, 1, 2]), 0 * tau, theta, 0 * tau)
    rng, dt = np.random.default_rng(0), 0.01
    currents = rng.normal(1, 2, (200, 3))
    kept = np.exp(-dt / tau)
    for reader in example.READERS.values():
        other, factor = example.euler(neurons, dt, reader)
        step = (reader.dt or dt) / other.tau
        exact = by_euler = np.zeros(3)
        fired = np.zeros(3)
        for current in currents:
            exact = kept * exact + (1 - kept) * neurons.r * current
            by_euler = by_euler + step * (other.r * factor * current - by_euler)
            np.testing.assert_allclose(by_euler, exact / theta, rtol=1e-12)
            assert ((by_euler > other.v_threshold) == (exact > theta)).all()
            fired += exact > theta
            exact = np.where(exact > theta, neurons.v_reset, exact)
            by_euler = np.where(by_euler > 1, other.v_reset, by_euler)
        assert (fired > 5).all()


@pytest.mark.parametrize(
    ("neuron", "network", "reason"),
    [
        ("leaky", "dense", "_layer_1_membrane is a LI, which is not read"),
        ("leaky, to zero", "recurrent", "recurrent weights"),
        ("leaky, to zero", "convolutional, strides", "a IF, which is not read"),
    ],
)
def test_what_no_reader_reads_is_refused(
    example: ModuleType, neuron: str, network: str, reason: str, tmp_path: Path
) -> None:
    *_, graph = exported(neuron, network, tmp_path / "network.nir")
    with pytest.raises(ValueError, match=reason):
        example.translated(graph, example.READERS["norse"])


def test_the_example_compares_spikes_and_decisions(example: ModuleType) -> None:
    """With a reader that knows our network, and one that is deaf."""
    made, shape = trained("leaky, to zero", "dense", 0.01)
    made = made.float()
    windows = SimpleNamespace(first=torch.arange(8), spikes=lambda rows: spikes())
    fold = SimpleNamespace(
        network=made,
        shape=shape,
        decisions=lambda role: SimpleNamespace(head=lambda n: n),
        load=lambda table: windows,
    )

    class Ours(torch.nn.Module):
        def forward(self, step: torch.Tensor, state: Any) -> Any:
            state = state or [()] * len(made.layers)
            values, after = step[None], []
            for layer, one in zip(made.layers, state, strict=True):
                values, *last = layer(values, None, *one)
                after.append(last)
            return values[0], after

    class Deaf(torch.nn.Module):
        def forward(self, step: torch.Tensor, state: Any) -> Any:
            return step.new_zeros(len(step), made.layers[-1].unrolled.width), None

    ours = example.Reader(lambda graph, dt: Ours(), None, np.ones_like)
    found = example.compared(fold, ours, 8)
    assert found.startswith("0 of ")
    assert "8 of 8 decisions are the same" in found
    deaf = example.Reader(lambda graph, dt: Deaf(), None, np.ones_like)
    n_spikes = int(example.here(made, spikes().float()).sum())
    assert example.compared(fold, deaf, 8).startswith(f"{n_spikes} of {n_spikes} ")
