"""Random networks of snnTorch's neurons, counted by NeuroBench and by us.

NeuroBench pins older versions of what we use, so it is not installed with us: this runs
in an environment of its own, which besides neurobench needs what counting needs and
pytest: `pip install neurobench==2.3.0 snntorch==1.0.0 numba pandas pydantic jaxtyping
scipy pytest pytest-timeout`, then
`python -m pytest tests/profiling/test_neurobench.py`.
"""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("neurobench", reason="NeuroBench lives in another environment")

import snntorch
from neurobench.benchmarks import Benchmark
from neurobench.metrics.static import (
    ConnectionSparsity,
    Footprint,
    ParameterCount,
)
from neurobench.metrics.workload import (
    ActivationSparsity,
    MembraneUpdates,
    SynapticOperations,
)
from neurobench.models import SNNTorchModel
from torch.utils.data import DataLoader, TensorDataset

from pipeline.profiling.operations import count

pytestmark = pytest.mark.filterwarnings("ignore")  # NeuroBench's own

NEURONS: dict[str, Callable[[], nn.Module]] = {
    "leaky": lambda: snntorch.Leaky(0.9, init_hidden=True),
    "synaptic": lambda: snntorch.Synaptic(0.8, 0.9, init_hidden=True),
    "lapicque": lambda: snntorch.Lapicque(beta=0.9, init_hidden=True),
}
STATES = {"leaky": 1, "synaptic": 2, "lapicque": 1}


class Perceptron(nn.Module):
    """Random layers whose neurons keep their states."""

    def __init__(self, make: Callable[[], nn.Module], sizes: list[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in pairwise(sizes):
            linear = nn.Linear(n_in, n_out)
            linear.weight.data *= 20 * (torch.rand_like(linear.weight) < 0.7)
            layers += [linear, make()]
        self.layers = nn.ModuleList(layers)

    def forward(self, spikes: Tensor) -> Tensor:
        for layer in self.layers[1::2]:
            layer.reset_mem()
        outputs = []
        for step in spikes.unbind(0):
            values = step
            for layer in self.layers:
                values = layer(values)
            outputs.append(values)
        return torch.stack(outputs)


class Model(SNNTorchModel):
    """Gives the network its spikes with the time first."""

    def __call__(self, data: Tensor) -> Tensor:
        return self.net(data.transpose(0, 1)).transpose(0, 1)


STATIC, WORKLOAD = (
    [ConnectionSparsity, Footprint, ParameterCount],
    [ActivationSparsity, MembraneUpdates, SynapticOperations],
)


def by_neurobench(network: nn.Module, spikes: Tensor) -> dict[str, object]:
    labels = torch.zeros(spikes.shape[1])
    windows = TensorDataset(spikes.transpose(0, 1), labels)
    data = DataLoader(windows, batch_size=len(labels))
    with torch.no_grad():
        return Benchmark(Model(network), data, [], [], [STATIC, WORKLOAD]).run(
            quiet=True
        )


@pytest.mark.parametrize("name", NEURONS)
@pytest.mark.parametrize("sizes", [[12, 32, 5], [7, 9, 11, 3]], ids=str)
def test_what_neurobench_has_right(name: str, sizes: list[int]) -> None:
    torch.manual_seed(len(sizes))
    network = Perceptron(NEURONS[name], sizes).eval()
    spikes = (torch.rand(20, 4, sizes[0]) < 0.3).float()
    counted, peer = count(network, spikes, dt=1e-3), by_neurobench(network, spikes)
    n = counted.n_windows
    assert counted.spikes > 0
    assert peer["SynapticOperations"] == {
        "Effective_MACs": 0,
        "Effective_ACs": counted.effective_acs / n,
        "Dense": counted.dense_operations / n,
    }
    assert peer["ActivationSparsity"] == pytest.approx(counted.activation_sparsity)
    sparsity = pytest.approx(counted.connection_sparsity, abs=5e-5)
    assert peer["ConnectionSparsity"] == sparsity
    assert peer["ParameterCount"] == counted.parameters
    # Before the first run it is right; after one, the states of the last batch are in.
    states = 4 * STATES[name] * 4 * sum(sizes[1:])
    assert peer["Footprint"] == counted.footprint_bytes
    assert Footprint()(Model(network)) == counted.footprint_bytes + states
    # It leaves out updates after which the membrane is what it was.
    assert peer["MembraneUpdates"] <= counted.membrane_updates / n


def test_updates_that_change_nothing_are_left_out_there() -> None:
    network = Perceptron(NEURONS["leaky"], [6, 4]).eval()
    network.layers[0].bias.data.zero_()
    silence = torch.zeros(20, 3, 6)
    counted, peer = count(network, silence, dt=1e-3), by_neurobench(network, silence)
    assert counted.membrane_updates / 3 == 20 * 4
    assert peer["MembraneUpdates"] == 4
