"""Dense and recurrent networks: their weights, branches, read-outs and memory."""

from typing import Any

import pytest
import snntorch
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.export import Dim

from pipeline.components import find
from pipeline.errors import ConfigError, DataError
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.parts.heads import RateHead
from pipeline.networks.parts.layers import Recurrent as RecurrentNeurons
from pipeline.networks.parts.scaled import branch_mask
from pipeline.networks.parts.stack import Stack
from pipeline.networks.parts.step_heads import CountHead, MembraneHead
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.polynomial import Polynomial
from pipeline.neurons.relu import Relu

SHAPE = Shape(n_steps=50, n_features=6, n_classes=3, dt=0.01)
NETWORKS = ["convolutional", "dense", "recurrent"]


class Branched(Leaky):
    """Leaky neurons that add up the currents of three branches."""

    @property
    def inputs(self) -> int:
        return 3

    def build(self, shape: tuple[int, ...], *, dt: float) -> Any:
        return _Branched(shape[0], dt=dt)


class _Branched(nn.Module):
    def __init__(self, width: int, *, dt: float) -> None:
        super().__init__()
        self.width = width
        self.inner = Leaky().build((width,), dt=dt)

    def initial_state(self, current: Tensor) -> tuple[Tensor, ...]:
        return self.inner.initial_state(current)

    def forward(self, current: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        outputs, *last = self.run(current[None], *state)
        return outputs[0], *last

    def run(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        return self.inner.run(currents.unflatten(2, (3, self.width)).sum(2), *state)


def spikes(n_steps: int = 50, batch: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(n_steps, batch, 6, generator=generator) < 0.3).float()


def build(settings: Any, neuron: Any, shape: Shape = SHAPE) -> Stack:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        stack = settings.build(shape, neuron)
    for layer in stack.layers:
        weights = getattr(layer.weights, "weight", None)
        if weights is not None:
            weights.data *= 3
    return stack


@pytest.mark.parametrize("read_out", ["rates", "count", "membrane"])
@pytest.mark.parametrize("neuron", [Leaky(), Polynomial(), Relu(), Branched()], ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_any_neuron_fits_any_network(name: str, neuron: Any, read_out: str) -> None:
    network = build(find("networks", name)(read_out=read_out, bins=4), neuron)
    logits = network(spikes())
    assert logits.shape == (4, 3)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    without = [n for n, p in network.named_parameters() if p.grad is None]
    assert not without
    single = network.eval()(spikes()[:, :1])
    torch.testing.assert_close(single, network(spikes())[:1])


def test_a_dense_network_is_its_layers_step_by_step() -> None:
    network = build(Dense(units=(7, 5), read_out="count"), Leaky()).eval()
    states: list[Any] = [(), ()]
    fired = []
    for step in spikes():
        values = step
        for k, layer in enumerate(network.layers):
            values, *states[k] = layer.unrolled.neurons(
                layer.weights(values), *states[k]
            )
        fired.append(values)
    expected = network.head.linear(torch.stack(fired).mean(0))
    assert torch.stack(fired).any()
    torch.testing.assert_close(network(spikes()), expected)


@pytest.mark.parametrize("neuron", [Leaky(), Polynomial()], ids=str)
def test_a_recurrent_layer_is_its_neurons_step_by_step(neuron: Any) -> None:
    layer = RecurrentNeurons(neuron, 6, dt=0.01)
    layer.recurrent.weight.data *= 3
    currents = 0.3 + 0.6 * torch.randn(30, 4, 6, generator=torch.manual_seed(0))
    outputs, last, membrane = layer(currents)
    before, state, expected = torch.zeros(4, 6), [], []
    for current in currents:
        before, *state = layer.neurons(current + layer.recurrent(before), *state)
        expected.append(before)
    assert torch.equal(outputs, torch.stack(expected))
    assert torch.equal(last, outputs[-1])
    torch.testing.assert_close(membrane, state[0])


def test_the_plain_backend_gives_the_same_recurrent_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = build(Recurrent(), Leaky()).eval()
    monkeypatch.setenv("BIOSPIKE_NEURONS", "torch")
    plain = build(Recurrent(), Leaky()).eval()
    torch.testing.assert_close(compiled(spikes()), plain(spikes()))


def test_every_input_reaches_one_branch_of_every_neuron() -> None:
    mask = branch_mask(10, 4, 3).reshape(3, 4, 10)
    assert (mask.sum(0) == 1).all()
    assert set(mask.sum(2).flatten().tolist()) == {3.0, 4.0}
    assert not torch.equal(mask[:, 0], mask[:, 1])


@pytest.mark.parametrize("name", NETWORKS)
def test_masked_weights_change_nothing_and_stay(name: str) -> None:
    network = build(find("networks", name)(bins=4), Branched()).eval()
    before = network(spikes())
    masks = {n: b for n, b in network.named_buffers() if n.endswith("mask")}
    assert len(masks) == 2
    for path, mask in masks.items():
        weight = network.get_parameter(path.replace("mask", "weight"))
        weight.data += 100 * (1 - mask)
    torch.testing.assert_close(network(spikes()), before)
    assert set(masks) <= set(network.state_dict())


@pytest.mark.parametrize("name", ["dense", "recurrent"])
@pytest.mark.parametrize("read_out", ["rates", "count", "membrane"])
@pytest.mark.parametrize("neuron", [Leaky(), Polynomial(), Branched()], ids=str)
def test_recomputing_gives_the_same_gradients(
    name: str, read_out: str, neuron: Any
) -> None:
    settings = find("networks", name)(units=(9, 8), read_out=read_out, dropout=0.4)
    gradients = []
    for recompute in (False, True):
        again = settings.model_copy(update={"recompute": recompute})
        network = build(again, neuron).double()
        torch.manual_seed(9)
        logits = network(spikes().double())
        logits.square().sum().backward()
        after = torch.rand(1)
        gradients.append([logits, after, *(p.grad for p in network.parameters())])
    torch.testing.assert_close(gradients[1], gradients[0])


@pytest.mark.parametrize("name", ["dense", "recurrent"])
def test_recomputing_keeps_only_states(name: str) -> None:
    kept = {}
    for recompute in (False, True):
        for n_steps in (64, 1024):
            settings = find("networks", name)(recompute=recompute, read_out="count")
            network, sizes = build(settings, Leaky()), {}

            def pack(tensor: Tensor, sizes: dict[int, int] = sizes) -> Tensor:
                storage = tensor.untyped_storage()
                sizes[storage.data_ptr()] = storage.nbytes()
                return tensor

            values = spikes(n_steps)
            with torch.autograd.graph.saved_tensors_hooks(pack, lambda x: x):
                logits = network(values)
            given = values.untyped_storage()
            kept[recompute, n_steps] = sum(sizes.values()) - given.nbytes()
            assert logits.requires_grad
    assert kept[False, 1024] > 12 * kept[False, 64]
    assert kept[True, 1024] < kept[False, 1024] / 8


def test_a_state_does_not_keep_all_outputs_alive() -> None:
    layer = RecurrentNeurons(Leaky(), 6, dt=0.01)
    outputs, *state = layer(torch.rand(30, 4, 6))
    assert torch.equal(state[0], outputs[-1])
    assert state[0].untyped_storage().nbytes() == 4 * 6 * 4


def test_dropout_silences_neurons_for_full_windows() -> None:
    network = build(Dense(units=(40,), read_out="count", dropout=0.5), Leaky())
    seen: list[Tensor] = []
    layer = network.layers[0]
    layer.register_forward_hook(lambda _m, _i, out: seen.append(out[0]))
    layer.unrolled.register_forward_hook(lambda _m, _i, out: seen.append(out[0]))
    network(spikes())
    fired, passed = seen
    assert set(passed.unique().tolist()) == {0.0, 2.0}
    lost = fired.sum(0) != passed.sum(0) / 2
    assert torch.equal(passed.any(0), fired.any(0) & ~lost)
    assert 0.2 < lost.float().mean() < 0.7


def test_heads_by_hand() -> None:
    outputs = spikes(11)
    rates = RateHead(6, 3, n_read=11, bins=4, dropout=0.5).eval()
    pieces = outputs.tensor_split(4)
    expected = rates.linear(torch.cat([piece.mean(0) for piece in pieces], 1))
    assert torch.equal(rates(outputs), expected)
    count = CountHead(6, 3, n_read=11)
    torch.testing.assert_close(count(outputs), count.linear(outputs.mean(0)))
    membrane = MembraneHead(6, 3, dt=0.02)
    u = torch.zeros(4, 3)
    alpha = torch.exp(torch.tensor(-0.02 / 0.1))
    for step in outputs:
        u = alpha * u + (1 - alpha) * membrane.linear(step)
    torch.testing.assert_close(membrane(outputs), u)


@pytest.mark.parametrize("neuron", [Relu(), Leaky()], ids=str)
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("read_out", ["rates", "count", "membrane"])
def test_without_layers_the_head_reads_the_spikes(
    read_out: str, recompute: bool, neuron: Any
) -> None:
    settings = Dense(units=[], read_out=read_out, bins=4, recompute=recompute)
    network = build(settings, neuron)
    torch.testing.assert_close(network.eval()(spikes()), network.head(spikes()))
    membranes = read_out == "membrane"
    width = 6 * 4 if read_out == "rates" else 6
    n_parameters = 3 * width + 3 + 3 * membranes
    assert sum(p.numel() for p in network.parameters()) == n_parameters
    assert not membranes or network.head.membranes.dt == SHAPE.dt
    logits = network.train()(spikes())
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    assert all(p.grad is not None for p in network.parameters())


def test_dropout_without_layers_silences_features_for_full_windows() -> None:
    network = build(Dense(units=(), read_out="count", dropout=0.5), Relu())
    seen: list[Tensor] = []
    network.head.linear.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    values = torch.ones(50, 40, 6)
    network(values)
    ((outputs,),) = seen
    assert set(outputs.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(outputs, outputs[:1].expand_as(outputs))
    assert 0.3 < (outputs[0] == 0).float().mean() < 0.7
    assert not torch.equal(outputs[0, 0], outputs[0, 1])
    network.eval()(values)
    assert torch.equal(seen[1][0], values)


@pytest.mark.parametrize(
    ("name", "setting"), [("recurrent", "units"), ("convolutional", "channels")]
)
def test_other_networks_need_a_layer(name: str, setting: str) -> None:
    with pytest.raises(ValidationError, match="at least 1 item"):
        find("networks", name)(**{setting: []})


@pytest.mark.parametrize("head", ["rates", "count", "membrane"])
def test_heads_read_windows_in_pieces(head: str) -> None:
    network = build(Dense(read_out=head, bins=4), Leaky()).eval()
    outputs = torch.rand(11, 4, 64)
    readings, start = [], 0
    for piece in outputs.tensor_split([2, 3, 9]):
        readings.append(network.head.read(piece, start, 11))
        start += len(piece)
    torch.testing.assert_close(network.head.logits(readings), network.head(outputs))


def test_steps_give_logits_at_every_step() -> None:
    network = build(Dense(read_out="count"), Leaky()).eval()
    steps = network.steps(spikes())
    assert steps.shape == (50, 4, 3)
    torch.testing.assert_close(steps.mean(0), network(spikes()))
    network = build(Dense(read_out="membrane"), Leaky()).eval()
    assert torch.equal(network.steps(spikes())[-1], network(spikes()))


@pytest.mark.parametrize("recompute", [False, True])
def test_neurons_that_run_away_are_named_by_layer_and_step(recompute: bool) -> None:
    network = build(Dense(recompute=recompute), Leaky())
    values = spikes()
    values[37, 1, 2] = float("nan")
    with pytest.raises(UnstableError, match="layer 1, step 37: ") as caught:
        network(values)
    assert caught.value.step == 37
    network.layers[1].weights.weight.data[0, 0] = torch.nan
    with pytest.raises(UnstableError, match="layer 2, step 0"):
        network(spikes())


@pytest.mark.parametrize("name", NETWORKS)
def test_windows_without_steps_are_refused_in_a_sentence(name: str) -> None:
    settings = find("networks", name)(bins=4)
    with pytest.raises(DataError, match="windows of 0 steps"):
        build(settings, Leaky())(spikes(0))
    nothing = Shape(n_steps=0, n_features=6, n_classes=3, dt=0.01)
    with pytest.raises(ConfigError, match="0 steps leave 0 to read out, for 4 bins"):
        settings.build(nothing, Leaky())


def test_the_membranes_of_classes_know_the_strides() -> None:
    settings = Convolutional(read_out="membrane")
    assert settings.build(SHAPE, Leaky()).head.membranes.dt == pytest.approx(0.08)


@pytest.mark.parametrize("backend", ["compiled", "torch", "snntorch"])
@pytest.mark.parametrize("settings", [Dense(units=(7,)), Recurrent(units=(7,))])
def test_every_backend_names_the_same_step(
    settings: Any, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_NEURONS", backend)
    network, broken = build(settings, Leaky(reset_gradient=False)), spikes()
    broken[7, 1, 2] = float("nan")
    with pytest.raises(UnstableError, match="layer 1, step 7: "):
        network(broken)


def test_a_recurrent_layer_runs_snntorchs_neurons_when_asked_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BIOSPIKE_NEURONS", "snntorch")
    called = []
    forward = snntorch.Leaky.forward

    def counted(*arguments: Any) -> Any:
        called.append(1)
        return forward(*arguments)

    monkeypatch.setattr(snntorch.Leaky, "forward", counted)
    build(Recurrent(units=(7,)), Leaky(reset_gradient=False))(spikes())
    assert len(called) == 50


def test_a_recurrent_layer_refuses_the_state_of_other_windows() -> None:
    layer = RecurrentNeurons(Leaky(), 7, dt=0.01)
    currents = torch.rand(5, 4, 7)
    _, *state = layer(currents)
    with pytest.raises(DataError, match="a state of shapes"):
        layer(currents[:, :2], *state)


def test_windows_shorter_than_their_segments_are_refused() -> None:
    network = build(Dense(units=(7,), bins=8), Leaky())
    with pytest.raises(DataError, match="leave 7 steps"):
        network(spikes(7))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("read_out", ["rates", "count"])
def test_networks_export_with_a_free_batch(name: str, read_out: str) -> None:
    settings = find("networks", name)(read_out=read_out, bins=5)
    network = build(settings, Polynomial()).eval()
    free = ({1: Dim("batch", min=1)},)
    exported = torch.export.export(network, (spikes(),), dynamic_shapes=free)
    for batch in (1, 6):
        inputs = spikes(batch=batch)
        torch.testing.assert_close(exported.module()(inputs), network(inputs))


@pytest.mark.parametrize("name", ["dense", "recurrent"])
def test_counting_networks_export_with_free_time_too(name: str) -> None:
    network = build(find("networks", name)(read_out="count"), Polynomial()).eval()
    free = ({0: Dim("time", min=1), 1: Dim("batch", min=1)},)
    exported = torch.export.export(network, (spikes(),), dynamic_shapes=free)
    for steps in (20, 70):
        inputs = spikes(steps)
        torch.testing.assert_close(exported.module()(inputs), network(inputs))
