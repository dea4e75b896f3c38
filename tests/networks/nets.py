"""Networks of snnTorch's layers, as people write them; and some that are not right."""

from collections.abc import Callable
from typing import Any

import snntorch
import torch
from snntorch import utils
from torch import Tensor, nn

N_HIDDEN = 11

LAYERS: dict[str, Callable[..., Any]] = {
    "leaky": lambda width, **o: snntorch.Leaky(0.9, **o),
    "leaky learned": lambda width, **o: snntorch.Leaky(
        torch.full((width,), 0.8), learn_beta=True, learn_threshold=True, **o
    ),
    "synaptic": lambda width, **o: snntorch.Synaptic(0.7, 0.9, **o),
    "alpha": lambda width, **o: snntorch.Alpha(0.9, 0.7, **o),
    "lapicque": lambda width, **o: snntorch.Lapicque(beta=0.9, threshold=0.05, **o),
    "rleaky": lambda width, **o: snntorch.RLeaky(0.9, linear_features=width, **o),
    "rleaky one to one": lambda width, **o: snntorch.RLeaky(
        0.9, all_to_all=False, V=torch.full((width,), 0.3), **o
    ),
    "rsynaptic": lambda width, **o: snntorch.RSynaptic(
        0.7, 0.9, linear_features=width, **o
    ),
}
"""How each of snnTorch's layers is made, of so many neurons."""


class Hidden(nn.Sequential):
    """Layers with hidden states, a step at a time."""

    def __init__(self, n_inputs: int, n_outputs: int, layer: str = "leaky") -> None:
        make = LAYERS[layer]
        super().__init__(
            nn.Linear(n_inputs, N_HIDDEN),
            make(N_HIDDEN, init_hidden=True),
            nn.Linear(N_HIDDEN, n_outputs),
            make(n_outputs, init_hidden=True, output=True),
        )


class Looping(nn.Module):
    """The form of snnTorch's tutorials: all steps, states begun in `forward`."""

    def __init__(self, n_inputs: int, n_outputs: int, layer: str = "leaky") -> None:
        super().__init__()
        self.fc1, self.fc2 = (
            nn.Linear(n_inputs, N_HIDDEN),
            nn.Linear(N_HIDDEN, n_outputs),
        )
        self.lif1, self.lif2 = LAYERS[layer](N_HIDDEN), LAYERS[layer](n_outputs)

    def forward(self, spikes: Tensor) -> tuple[Tensor, Tensor]:
        states = [_begun(self.lif1), _begun(self.lif2)]
        fired, membranes = [], []
        for step in spikes.unbind(0):
            one, states[0] = _step(self.lif1, self.fc1(step), states[0])
            two, states[1] = _step(self.lif2, self.fc2(one), states[1])
            fired.append(two)
            membranes.append(states[1][-1])
        return torch.stack(fired), torch.stack(membranes)


def _begun(layer: Any) -> tuple[Tensor, ...]:
    begun = layer.reset_mem()
    return begun if isinstance(begun, tuple) else (begun,)


def _step(layer: Any, current: Tensor, state: tuple[Tensor, ...]) -> Any:
    """Recurrent layers count the spikes of the step before among their states."""
    results = layer(current, *state)
    return results[0], results if hasattr(layer, "spk") else results[1:]


class Passing(nn.Module):
    """States come in and go out, as those of snnTorch's own layers do."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = (
            nn.Linear(n_inputs, N_HIDDEN),
            nn.Linear(N_HIDDEN, n_outputs),
        )
        self.lif1, self.lif2 = snntorch.Leaky(0.9), snntorch.Leaky(0.8)

    def forward(
        self, spikes: Tensor, mem1: Tensor | None, mem2: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        one, mem1 = self.lif1(self.fc1(spikes), mem1)
        two, mem2 = self.lif2(self.fc2(one), mem2)
        return two, mem1, mem2


class First(nn.Sequential):
    """One layer, whose membranes come with its spikes."""

    def __init__(self, n_inputs: int, n_outputs: int, layer: str = "leaky") -> None:
        neurons = LAYERS[layer](n_outputs, init_hidden=True, output=True)
        super().__init__(nn.Linear(n_inputs, n_outputs), neurons)


class Resetting(Looping):
    """It calls snnTorch's own reset before every window."""

    def forward(self, spikes: Tensor) -> tuple[Tensor, Tensor]:
        utils.reset(self)
        return super().forward(spikes)


class Fixed(Hidden):
    """Its sizes are its own."""

    def __init__(self) -> None:
        super().__init__(5, 3)


class Forgetting(nn.Module):
    """Zeros for a state at every call."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(n_inputs, n_outputs), snntorch.Leaky(0.9)

    def forward(self, spikes: Tensor) -> Tensor:
        current = self.fc(spikes)
        fired, _ = self.lif(current, torch.zeros_like(current))
        return torch.as_tensor(fired)


class Keeping(Hidden):
    """A state that is no layer's."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs)
        self.seen: list[Tensor] = []

    def forward(self, spikes: Tensor) -> Any:
        self.seen.append(spikes)
        return super().forward(spikes)


class Averaging(nn.Module):
    """A trace of its own, which no call gives back."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(n_inputs, n_outputs), snntorch.Leaky(0.9)
        self.register_buffer("trace", torch.zeros(n_inputs))

    def forward(self, spikes: Tensor) -> Tensor:
        self.trace = 0.9 * self.trace + spikes.mean(0)
        fired, _ = self.lif(self.fc(self.trace.expand_as(spikes)))
        return torch.as_tensor(fired)


class Mixing(nn.Module):
    """Windows side by side inhibit each other."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.fc, self.lif = nn.Linear(n_inputs, n_outputs), snntorch.Leaky(0.9)

    def forward(self, spikes: Tensor) -> Tensor:
        current = self.fc(spikes)
        _, membrane = self.lif(current - current.mean(0))
        return torch.as_tensor(membrane)


class Silent(nn.Linear):
    """No neurons."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs)


class Long(nn.Module):
    """Neurons of a kind that is not known."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.lstm = snntorch.SLSTM(n_inputs, n_outputs, init_hidden=True)

    def forward(self, spikes: Tensor) -> Tensor:
        return torch.as_tensor(self.lstm(spikes))


class Lost(Hidden):
    """It gives one column too many."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        super().__init__(n_inputs, n_outputs + 1)


class Broken(Hidden):
    """It cannot be made."""

    def __init__(self, n_inputs: int, n_outputs: int) -> None:
        raise RuntimeError("no such file: weights.pt")


def function(n_inputs: int, n_outputs: int) -> nn.Module:
    """Not a class."""
    return Hidden(n_inputs, n_outputs)
