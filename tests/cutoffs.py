"""Networks and windows that are decided early, for tests."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.quantization.network import IntegerNetwork, rebuild
from pipeline.training.batches import Windows

N_STEPS, DT = 45, 0.01
NETWORKS: dict[str, Any] = {
    "convolutional": Convolutional(channels=(4, 5), kernels=(4, 3), strides=(2, 2)),
    "ann": Convolutional(channels=(4, 5), kernels=(4, 3), strides=(2, 2)),
    "dense": Dense(units=(6,), bins=5),
    "count": Dense(units=(6,), read_out="count"),
    "membrane": Recurrent(units=(6,), read_out="membrane"),
    "linear": Dense(units=(), bins=4),
    "linear count": Dense(units=(), read_out="count"),
    "competitive": Competitive(units=6, delays=2, bins=4),
    "reward": Competitive(units=6, delays=2, bins=4, reward={}),
}


def build(name: str) -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        neuron = Relu() if name == "ann" else Leaky(threshold=0.3)
        if name in ("competitive", "reward"):
            neuron = Leaky()
        network = NETWORKS[name].build(Shape(N_STEPS, 3, 3, DT), neuron).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Linear) and not layer.weight.requires_grad:
            layer.weight.uniform_(0, 1)
    return network


def integers() -> IntegerNetwork:
    """Make a network in integers: 3 features, stride 2, 5 neurons, 4 segments."""
    rng = np.random.default_rng(6)

    def ints(low: int, high: int, *shape: int) -> Tensor:
        return torch.from_numpy(rng.integers(low, high, shape))

    tensors = {
        "layers.0.weights.convolution.weight": ints(-60, 90, 5, 3, 4).to(torch.int8),
        "layers.0.unrolled.beta": torch.full((5,), 29000),
        "layers.0.unrolled.bias": torch.zeros(5),
        "layers.0.unrolled.threshold": torch.full((5,), 100),
        "head.linear.weight": ints(-90, 90, 3, 20).to(torch.int8),
        "head.bias": ints(-50, 50, 3),
        "head.multiplier": torch.full((3,), 700),
    }
    neurons = {"kind": "leaky", "dt": 2 * DT, "shift": 0, "reset": "subtract"}
    layer = {"weights": {"kind": "convolution", "stride": 2}, "neurons": neurons}
    head = {"n_read": 22, "bins": 4, "shift": 4, "scale": 0.5}
    return rebuild(tensors, {"layers": [layer], "head": head})


def windows(seed: int, n_steps: int = N_STEPS, number: int = 80) -> Windows:
    rng = np.random.default_rng(seed)
    targets = np.arange(number) % 3
    rate = np.full((number, n_steps, 3), 0.15)
    rate[np.arange(number), :, targets] = 0.45
    trains = (rng.random(rate.shape) < rate).reshape(-1, 3).astype(np.uint8)
    first = torch.arange(number) * n_steps
    return Windows(
        torch.from_numpy(trains), first, torch.from_numpy(targets), n_steps, DT
    )
