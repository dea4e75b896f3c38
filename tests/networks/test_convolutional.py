"""The convolutional network: causal, streaming in principle, small, and matched."""

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.errors import ConfigError
from pipeline.networks.base import Shape
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.parts.heads import SegmentRates
from pipeline.networks.parts.layers import CausalConvolution, Unrolled
from pipeline.neurons.base import Neuron
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu

SHAPE = Shape(n_steps=120, n_features=4, n_classes=3, dt=1 / 120)
SMALL = Convolutional(channels=(6, 8), kernels=(7, 5), strides=(4, 2), bins=5)


def _spikes(n_steps: int = 120, batch: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return (torch.rand(n_steps, batch, 4, generator=generator) < 0.2).float()


def _ready(neuron: Neuron) -> nn.Module:
    """Build the small network with norms that have seen spikes."""
    network = SMALL.build(SHAPE, neuron)
    for _ in range(50):
        network(_spikes())
    return network.eval()


def _outputs(network: nn.Module, spikes: torch.Tensor) -> list[torch.Tensor]:
    """Collect what every layer of neurons puts out over a window."""
    seen: list[torch.Tensor] = []
    layers = [m for m in network.modules() if isinstance(m, Unrolled)]
    hooks = [
        m.register_forward_hook(lambda _m, _i, out: seen.append(out[0])) for m in layers
    ]
    with torch.no_grad():
        network(spikes)
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize("neuron", [Leaky(), Relu()])
@pytest.mark.parametrize("n_steps", [120, 119])
def test_logits_read_the_rates_of_every_segment_that_strides_leave(
    neuron: Neuron, n_steps: int
) -> None:
    network, spikes = _ready(neuron), _spikes(n_steps)
    last = _outputs(network, spikes)[-1]
    assert len(last) == n_steps // 8
    rates = [segment.mean(0) for segment in last.tensor_split(5)]
    head = network.head.linear
    expected = torch.cat(rates, dim=1) @ head.weight.T + head.bias
    torch.testing.assert_close(network(spikes), expected)


@pytest.mark.parametrize("neuron", [Leaky(), Relu()])
def test_nothing_after_a_time_changes_what_was_before(neuron: Neuron) -> None:
    network = _ready(neuron)
    spikes = _spikes()
    changed = spikes.clone()
    changed[57:] = 1 - changed[57:]
    for stride, before, after in zip(
        (4, 8), _outputs(network, spikes), _outputs(network, changed), strict=True
    ):
        complete = 57 // stride
        assert before.shape[0] == 120 // stride
        assert torch.equal(before[:complete], after[:complete])
        assert not torch.equal(before[complete:], after[complete:])


def test_an_output_step_sees_the_input_step_that_completes_it() -> None:
    layer = CausalConvolution(1, 1, kernel=7, stride=4).eval()
    nn.init.ones_(layer.convolution.weight)
    spikes = torch.zeros(40, 1, 1)
    spikes[19] = 1
    currents = layer(spikes).flatten()
    touched = (currents != currents[0]).nonzero().flatten().tolist()
    assert touched == [4, 5]


def test_both_models_have_the_same_topology_and_size() -> None:
    spiking, matched = SMALL.build(SHAPE, Leaky()), SMALL.build(SHAPE, Relu())
    shapes = {k: v.shape for k, v in matched.state_dict().items()}
    common = {k: v.shape for k, v in spiking.state_dict().items() if k in shapes}
    assert common == shapes
    assert set(spiking.state_dict()) - set(shapes) == {
        f"layers.{layer}.unrolled.neurons.learned.{name}"
        for layer in (0, 1)
        for name in ("log_tau", "log_threshold")
    }


def test_the_default_fits_a_small_device() -> None:
    network = Convolutional().build(Shape(400, 20, 5, 0.008), Leaky())
    assert sum(p.numel() for p in network.parameters()) <= 20_000


def test_deeper_layers_keep_their_time_constant_in_seconds() -> None:
    network = SMALL.build(SHAPE, Leaky(tau_mem_s=0.1))
    layers = [layer.unrolled.neurons for layer in network.layers]
    first, second = (layer.constants()[0, 0].item() for layer in layers)
    assert first**2 == pytest.approx(second)
    assert first == pytest.approx(2.718281828 ** (-4 / 120 / 0.1))


def test_spikes_are_binary_and_every_parameter_learns() -> None:
    network = SMALL.build(SHAPE, Leaky())
    spikes = _outputs(network, _spikes())
    assert all(set(out.unique().tolist()) == {0.0, 1.0} for out in spikes)
    logits = network(_spikes())
    assert logits.shape == (3, 3)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
    assert all(p.grad.abs().sum() > 0 for p in network.parameters())


def test_the_norm_folds_into_the_kernel() -> None:
    layer = CausalConvolution(4, 6, kernel=7, stride=4)
    layer(_spikes())
    layer.eval()
    fused = CausalConvolution(4, 6, kernel=7, stride=4)
    fused.convolution = fuse_conv_bn_eval(layer.convolution, layer.norm)
    fused.norm = nn.Identity()
    torch.testing.assert_close(fused(_spikes()), layer(_spikes()))


def test_rates_are_counts_over_the_length_of_a_segment() -> None:
    spikes = _spikes(n_steps=11)
    rates = SegmentRates(3)(spikes).reshape(3, 3, 4)
    for segment, (start, stop) in enumerate([(0, 4), (4, 8), (8, 11)]):
        counts = spikes[start:stop].sum(0)
        torch.testing.assert_close(rates[:, segment] * (stop - start), counts)


def test_short_windows_are_refused_in_a_sentence() -> None:
    with pytest.raises(ConfigError, match=r"30 steps leave 3 .* for 5 bins"):
        SMALL.build(Shape(30, 4, 3, 0.01), Leaky())


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": (8,)},
        {"kernels": (3, 5)},
        {"strides": (4, 0)},
        {"bins": 0},
        {"channels": (), "kernels": (), "strides": ()},
    ],
)
def test_layers_that_do_not_fit_together_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Convolutional(**{**SMALL.model_dump(), **wrong})
