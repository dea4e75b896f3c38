import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nir
import numpy as np
import pytest
import torch
from torch import nn

from pipeline.components import available, find
from pipeline.exporting import nir as target
from pipeline.networks.base import Shape
from pipeline.networks.parts.head_maps import RateMap
from pipeline.networks.parts.heads import At, Head, RateHead
from pipeline.neurons.parts.circuit import InexpressibleError

STEPS, WINDOWS, FEATURES, CLASSES = 50, 8, 6, 4

NEURONS: dict[str, tuple[str, dict[str, Any]]] = {
    "leaky": ("leaky", {}),
    "leaky, at once": ("leaky", {"reset_delay": False}),
    "leaky, to zero": ("leaky", {"reset": "zero"}),
    "leaky, to zero at once": ("leaky", {"reset": "zero", "reset_delay": False}),
    "leaky, no reset": ("leaky", {"reset": "none"}),
    "parametric": ("parametric", {}),
    "parametric, subtracting": ("parametric", {"reset": "subtract"}),
    "adaptive": ("adaptive", {"reset": "subtract"}),
    "adaptive, no reset": ("adaptive", {"reset": "none"}),
    "adaptive threshold": ("adaptive_threshold", {"reset": "none"}),
    "dendritic": ("dendritic", {"branches": 3, "resistance": 5.0}),
    "multisynaptic": ("multisynaptic", {"thresholds": 1}),
    "fractional": ("fractional", {"taps": 5}),
    "parallel": ("parallel", {}),
    "parallel, apart": ("parallel", {"dilation": 3, "multiplication_free": True}),
}
NETWORKS: dict[str, tuple[str, dict[str, Any]]] = {
    "dense": ("dense", {"units": (20, 15)}),
    "recurrent": ("recurrent", {"units": (20, 15), "read_out": "count"}),
    "recurrent, membrane": ("recurrent", {"units": (20,), "read_out": "membrane"}),
    "convolutional": (
        "convolutional",
        {"channels": (20, 15), "kernels": (3, 4), "strides": (1, 1), "bins": 3},
    ),
    "convolutional, strides": (
        "convolutional",
        {"channels": (20, 15), "kernels": (5, 3), "strides": (3, 2), "bins": 3},
    ),
    "recurrent, stride": (
        "recurrent",
        {"units": (20, 15), "kernel": 6, "stride": 4, "read_out": "membrane"},
    ),
}

STRIDES = {"channels": (10, 12), "kernels": (4, 5), "strides": (2, 3)}
READ_OUTS = {
    "traces": ("dense", {"units": (20,), "read_out": "traces", "traces": 3}),
    "rates": ("dense", {"units": (20,), "bins": 3}),
    "count": ("recurrent", {"units": (20,), "read_out": "count"}),
    "membrane": ("dense", {"units": (20,), "read_out": "membrane"}),
    "strides, rates": ("convolutional", STRIDES | {"bins": 3}),
    "strides, count": ("convolutional", STRIDES | {"read_out": "count"}),
    "strides, traces": ("convolutional", STRIDES | {"read_out": "traces", "traces": 3}),
    "strides, membrane": ("convolutional", STRIDES | {"read_out": "membrane"}),
}


class Reader:
    """Steps through a NIR file as its metadata state; arrays are (batch, channel).

    It shares nothing with what writes the file: NIR's equations, `dt`, `late_edges`.
    """

    def __init__(self, path: Path) -> None:
        self.graph = nir.read(path)
        self.dt = float(self.graph.metadata["dt"])
        self.late = {tuple(e) for e in json.loads(self.graph.metadata["late_edges"])}
        # By name, as NIRTorch does: each edge that is not late goes to a later node.
        numbered = sorted(set(self.graph.nodes) - {"input", "output"})
        self.order = ["input", *numbered, "output"]
        for source, end in set(self.graph.edges) - self.late:
            assert self.order.index(source) < self.order.index(end)
        self.edges: dict[str, list[tuple[str, bool]]] = {n: [] for n in self.order}
        for edge in self.graph.edges:
            self.edges[edge[1]].append((edge[0], tuple(edge) in self.late))

    def run(self, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Give what every node gave out, (time, batch, channel), without its number."""
        self.states: dict[str, Any] = {}
        seen: dict[str, list[np.ndarray]] = {name: [] for name in self.order}
        last: dict[str, np.ndarray] = {}
        for step in inputs:
            now: dict[str, np.ndarray] = {}
            for name in self.order:
                total: Any = step if name == "input" else 0.0
                for source, is_late in self.edges[name]:
                    total = total + (last if is_late else now).get(source, 0.0)
                now[name] = self._step(name, self.graph.nodes[name], total)
                seen[name].append(now[name])
            last = now
        return {n.lstrip("0123456789_"): np.stack(v) for n, v in seen.items()}

    def _step(self, name: str, node: nir.NIRNode, total: np.ndarray) -> np.ndarray:
        state = self.states.get(name, 0.0)
        match node:
            case nir.Input() | nir.Output():
                return total
            case nir.Scale():
                return total * node.scale
            case nir.Linear():
                return total @ node.weight.T
            case nir.Affine():
                return total @ node.weight.T + node.bias
            case nir.Threshold():
                return (total > node.threshold).astype(float)
            case nir.I():
                self.states[name] = state + self.dt * node.r * total
                return self.states[name]
            case nir.IF():
                v = state + self.dt * node.r * total
                self.states[name] = np.where(v > node.v_threshold, node.v_reset, v)
                return (v > node.v_threshold).astype(float)
            case nir.LI():
                self.states[name] = self._leak(node, state, total)
                return self.states[name]
            case nir.LIF():
                v = self._leak(node, state, total)
                self.states[name] = np.where(v > node.v_threshold, node.v_reset, v)
                return (v > node.v_threshold).astype(float)
            case nir.Delay():
                (steps,) = {round(delay / self.dt) for delay in node.delay.tolist()}
                past = self.states.get(name, [np.zeros_like(total)] * steps)
                self.states[name] = [*past[1:], total]
                return past[0]
        raise NotImplementedError(type(node).__name__)

    def _leak(self, node: Any, v: Any, total: np.ndarray) -> np.ndarray:
        kept = np.exp(-self.dt / node.tau)
        return node.v_leak + kept * (v - node.v_leak) + (1 - kept) * node.r * total


def trained(neuron: str, network: str, dt: float) -> tuple[nn.Module, Shape]:
    """Make a network whose every parameter has moved, other for every neuron."""
    generator = torch.Generator().manual_seed(20260101)
    torch.manual_seed(20260101)
    name, settings = NEURONS[neuron]
    cells = find("neurons", name).model_validate({"learned_per": "neuron", **settings})
    name, settings = (NETWORKS | READ_OUTS)[network]
    shape = Shape(STEPS, FEATURES, CLASSES, dt)
    built: Any = find("networks", name).model_validate(settings)
    made: nn.Module = built.build(shape, cells).double().eval()
    with torch.no_grad():
        for name, values in made.named_parameters():
            noise = torch.randn(values.shape, generator=generator, dtype=values.dtype)
            loud = 3 if "weights" in name and values.dim() > 1 else 1
            values.copy_(loud * (values + 0.3 * noise))
        for module in made.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.running_mean.normal_(generator=generator)
                module.running_var.uniform_(0.5, 2, generator=generator)
    return made, shape


def spikes() -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return (torch.rand(STEPS, WINDOWS, FEATURES, generator=generator) < 0.3).double()


def watched(network: Any, inputs: torch.Tensor) -> tuple[list[np.ndarray], np.ndarray]:
    """Run a network; gives each layer's spikes, and the logits."""
    seen: list[np.ndarray] = []
    for layer in network.layers:
        layer.unrolled.register_forward_hook(
            lambda module, given, found: seen.append(found[0].numpy())
        )
    with torch.no_grad():
        logits = network(inputs).numpy()
    return seen, logits


def check_round_trip(neuron: str, network: str, dt: float, path: Path) -> None:
    made, shape = trained(neuron, network, dt)
    target.write(made, shape, path, about={})
    layers, logits = watched(made, spikes())
    reader = Reader(path)
    read = reader.run(spikes().numpy())
    every = 1
    for number, expected in enumerate(layers, 1):
        every *= made.get_submodule(f"layers.{number - 1}").stride
        found = read[f"layer_{number}_spikes"]
        ticks = np.arange(STEPS) % every == every - 1
        np.testing.assert_array_equal(found[ticks], expected)
        assert not found[~ticks].any()
    assert 0.001 < layers[0].mean() < 0.9
    assert "the last of n_steps steps" in reader.graph.metadata["logits"]
    assert reader.graph.metadata["stride"] == every
    np.testing.assert_allclose(read["output"][-1], logits, rtol=0, atol=1e-12)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("neuron", NEURONS)
def test_file_gives_the_same_spikes_and_logits(
    neuron: str, network: str, tmp_path: Path
) -> None:
    check_round_trip(neuron, network, 0.01, tmp_path / "network.nir")


def test_traces_are_a_bank_of_membranes(tmp_path: Path) -> None:
    check_round_trip("leaky", "traces", 0.01, tmp_path / "network.nir")


@pytest.mark.parametrize("read_out", READ_OUTS)
def test_a_stream_has_the_logits_of_every_decision(
    read_out: str, tmp_path: Path
) -> None:
    """Over two and a half windows without a restart, from the first step on."""
    made, shape = trained("leaky", read_out, 0.01)
    target.write(made, shape, tmp_path / "network.nir", about={})
    n_steps = 5 * STEPS // 2 // made.stride * made.stride
    stream = torch.cat([spikes(), 1 - spikes(), spikes()])[:n_steps]
    reader = Reader(tmp_path / "network.nir")
    output = reader.run(stream.numpy())["output"]
    stops = torch.tensor([1, STEPS // 2, STEPS, STEPS + 1, 2 * STEPS, n_steps])
    changes = (-(-stops // made.stride) * made.stride - 1).numpy()
    for row in (0, WINDOWS - 1):
        at = At(torch.full_like(stops, row), stops)
        with torch.no_grad():
            expected = made.decide([stream], at).numpy()
        np.testing.assert_allclose(
            output[changes, row], expected, rtol=0, atol=1e-7
        )  # the share of a window that is not there yet has single precision
    constant = (np.diff(output, axis=0) == 0).all((1, 2))
    assert constant[np.arange(1, n_steps) % made.stride != made.stride - 1].all()
    assert "Of a stream" in reader.graph.metadata["logits"]


@pytest.mark.parametrize("dt", [0.001, 0.008, 0.1])
@pytest.mark.parametrize("neuron", ["leaky", "leaky, at once", "leaky, to zero"])
def test_any_step(neuron: str, dt: float, tmp_path: Path) -> None:
    check_round_trip(neuron, "dense", dt, tmp_path / "network.nir")


def test_times_and_thresholds_are_exact_for_every_neuron(tmp_path: Path) -> None:
    made, shape = trained("leaky, to zero", "dense", 0.008)
    target.write(made, shape, tmp_path / "network.nir", about={})
    graph = nir.read(tmp_path / "network.nir")
    (node,) = (n for k, n in graph.nodes.items() if k.endswith("layer_1_spikes"))
    learned = made.get_submodule("layers.0.unrolled.neurons").learned
    assert len(set(node.tau)) == 20
    np.testing.assert_array_equal(node.tau, learned["log_tau"].exp().detach())
    threshold = learned["log_threshold"].exp().detach()
    np.testing.assert_array_equal(node.v_threshold, threshold)
    assert float(graph.metadata["dt"]) == 0.008


def test_single_precision_differs_only_at_the_threshold(tmp_path: Path) -> None:
    made, shape = trained("leaky", "dense", 0.01)
    target.write(made.float(), shape, tmp_path / "network.nir", about={})
    layers, _ = watched(made, spikes().float())
    found = Reader(tmp_path / "network.nir").run(spikes().numpy())["layer_1_spikes"]
    assert (found != layers[0]).mean() < 1e-3


def test_a_lif_in_its_place_would_lose_spikes() -> None:
    """Why reset by subtraction is a loop here, and not NIR's LIF."""
    made, _ = trained("leaky", "dense", 0.01)
    (subtracted, *_), _ = watched(made, spikes())
    for layer in made.layers:
        layer.unrolled.neurons.options = (0.0, 1.0, *layer.unrolled.neurons.options[2:])
    (zeroed, *_), _ = watched(made, spikes())
    assert zeroed.sum() < 0.9 * subtracted.sum()


@pytest.mark.parametrize(
    ("neuron", "settings", "reason"),
    [
        ("polynomial", {}, "polynomial of itself"),
        ("quadratic", {}, "itself"),
        ("izhikevich", {}, "quadratic in itself"),
        ("complementary", {}, "sigmoid"),
        ("resonate", {}, "product of two signals"),
        ("sigma_delta", {}, "graded"),
        ("multisynaptic", {}, "several thresholds"),
        ("adaptive", {}, "does not give its membrane out"),
        ("adaptive_threshold", {}, "no product of two signals"),
        ("relu", {}, "no rectified units"),
    ],
)
def test_neurons_that_nir_cannot_express_say_so(
    neuron: str, settings: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    shape = Shape(STEPS, FEATURES, CLASSES, 0.01)
    built: Any = find("networks", "dense").model_validate({"units": (5,)})
    made = built.build(shape, find("neurons", neuron).model_validate(settings))
    with pytest.raises(InexpressibleError, match=reason) as caught:
        target.write(made, shape, tmp_path / "network.nir", about={})
    assert "layer_1" in caught.value.where
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("neuron", available("neurons"))
def test_every_neuron_leaves_or_says_why_not(neuron: str, tmp_path: Path) -> None:
    shape = Shape(STEPS, FEATURES, CLASSES, 0.01)
    built: Any = find("networks", "recurrent").model_validate({"units": (5,)})
    made = built.build(shape, find("neurons", neuron)()).double().eval()
    path = tmp_path / "network.nir"
    try:
        target.write(made, shape, path, about={})
    except InexpressibleError:
        return
    (expected,), _ = watched(made, 5 * spikes())
    found = Reader(path).run(5 * spikes().numpy())["layer_1_spikes"]
    np.testing.assert_array_equal(found, expected)


def test_neurons_that_fire_at_rest_wait_for_their_tick(tmp_path: Path) -> None:
    """A threshold that has become negative fires without any input."""
    made, shape = trained("parallel", "convolutional, strides", 0.01)
    with torch.no_grad():
        for name, values in made.named_parameters():
            if name.endswith("threshold"):
                values[::2] = -0.5
    target.write(made, shape, tmp_path / "network.nir", about={})
    (first, second), _ = watched(made, spikes())
    read = Reader(tmp_path / "network.nir").run(spikes().numpy())
    assert first[:, :, ::2].mean() > first[:, :, 1::2].mean()
    for found, expected, every in (
        (read["layer_1_spikes"], first, 3),
        (read["layer_2_spikes"], second, 6),
    ):
        np.testing.assert_array_equal(found[every - 1 :: every], expected)
        assert found.sum() == expected.sum()


def test_a_clock_is_one_neuron_that_a_constant_drives(tmp_path: Path) -> None:
    made, shape = trained("leaky", "convolutional, strides", 0.01)
    target.write(made, shape, tmp_path / "network.nir", about={})
    reader = Reader(tmp_path / "network.nir")
    clocks = [n for n in reader.graph.nodes.values() if isinstance(n, nir.IF)]
    assert [clock.v_threshold.tolist() for clock in clocks] == [[2.5], [1.5]]
    read = reader.run(spikes().numpy())
    for name, every in (("clock_3", 3), ("clock_6", 6)):
        expected = np.arange(STEPS) % every == every - 1
        np.testing.assert_array_equal(read[name].all((1, 2)), expected)


def test_competition_is_refused(tmp_path: Path) -> None:
    shape = Shape(STEPS, FEATURES, CLASSES, 0.01)
    built: Any = find("networks", "competitive").model_validate({"bins": 4})
    made = built.build(shape, find("neurons", "leaky")())
    with pytest.raises(InexpressibleError, match="its neurons compete"):
        target.write(made, shape, tmp_path / "network.nir", about={})
    assert not list(tmp_path.iterdir())


class LaterRates(Head):
    """A read-out that someone else wrote: it states which linear map of rates it is."""

    def __init__(self, head: RateHead) -> None:
        super().__init__()
        self.own = head

    @property
    def rate_map(self) -> RateMap:
        return self.own.rate_map

    def read(self, outputs: torch.Tensor, start: int, n_steps: int) -> torch.Tensor:
        return self.own.read(outputs, start, n_steps)

    def logits(self, readings: Sequence[torch.Tensor]) -> torch.Tensor:
        return self.own.logits(readings)


def test_a_read_out_is_written_by_what_it_states_of_itself(tmp_path: Path) -> None:
    made: Any
    made, shape = trained("leaky", "dense", 0.01)
    target.write(made, shape, tmp_path / "one.nir", about={})
    made.head = LaterRates(made.head)
    target.write(made, shape, tmp_path / "two.nir", about={})
    first, second = (tmp_path / n for n in ("one.nir", "two.nir"))
    assert first.read_bytes() == second.read_bytes()


def test_an_unknown_network_is_refused(tmp_path: Path) -> None:
    shape = Shape(STEPS, FEATURES, CLASSES, 0.01)
    with pytest.raises(InexpressibleError, match="a Linear has no counterpart"):
        target.write(nn.Linear(6, 4), shape, tmp_path / "network.nir", about={})


def test_the_same_bytes_every_time(tmp_path: Path) -> None:
    made, shape = trained("leaky", "recurrent", 0.01)
    before = {k: v.clone() for k, v in made.state_dict().items()}
    for name in ("one.nir", "two.nir"):
        target.write(made, shape, tmp_path / name, about={"cell": "a-b-c"})
    first, second = (tmp_path / n for n in ("one.nir", "two.nir"))
    assert first.read_bytes() == second.read_bytes()
    assert all(torch.equal(before[k], v) for k, v in made.state_dict().items())
    about = nir.read(first).metadata["about"]
    assert json.loads(about) == {"cell": "a-b-c"}
