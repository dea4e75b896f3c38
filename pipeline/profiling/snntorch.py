"""Networks of snnTorch's neurons, whose own `forward` steps through time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import snntorch
from torch import Tensor, nn

from pipeline.profiling.counts import Neurons
from pipeline.profiling.nonzero import NonzeroCounts
from pipeline.profiling.words import NeuronStore

MODELS: dict[type[Any], tuple[int, int]] = {
    snntorch.Leaky: (1, 1),
    snntorch.Synaptic: (2, 2),
    snntorch.Lapicque: (1, 2),
    snntorch.Alpha: (3, 3),
}
"""The neurons that are counted: state variables, and multiply-accumulates an update."""

STATES = ("mem", "syn", "syn_exc", "syn_inh", "spk")
"""Buffers that hold state: no part of a network's footprint."""


def is_neuron(module: nn.Module) -> bool:
    """Whether it is a layer of neurons of a kind that is counted."""
    return type(module) in MODELS


def is_any_neuron(module: nn.Module) -> bool:
    """Whether it is a layer of snnTorch's neurons, counted or not."""
    return isinstance(module, snntorch.SpikingNeuron)


def is_state(network: nn.Module, name: str) -> bool:
    """Whether a buffer of a network, by its name, is state of such a layer."""
    owner, _, own = name.rpartition(".")
    return own in STATES and isinstance(
        network.get_submodule(owner), snntorch.SpikingNeuron
    )


@contextmanager
def copyable(network: nn.Module) -> Iterator[None]:
    """Let a network be copied after training, when its states are parts of a graph."""
    kept = [
        (module, name, state)
        for module in network.modules()
        if isinstance(module, snntorch.SpikingNeuron)
        for name, state in list(module.named_buffers(recurse=False))
        if not state.is_leaf
    ]
    for module, name, state in kept:
        setattr(module, name, state.detach())
    yield
    for module, name, state in kept:
        setattr(module, name, state)


def forget(network: nn.Module) -> None:
    """Begin anew: reset the state that neurons keep between calls."""
    for module in network.modules():
        if is_neuron(module):
            neurons: Any = module
            neurons.reset_mem()


class SteppedTally:
    """Counts the outputs of one layer of snnTorch's neurons, step by step."""

    def __init__(self, name: str, source: nn.Module) -> None:
        self.name, self.source = name, source
        self.outputs = self.width = 0
        self.counts = NonzeroCounts()

    def watch(self) -> None:
        """Count every step."""
        self.source.register_forward_hook(lambda _, __, results: self.see(results))

    def see(self, results: Tensor | tuple[Tensor, ...]) -> None:
        """Count one step: spikes come alone, or before the state."""
        outputs = results[0] if isinstance(results, tuple) else results
        self.width = outputs[0].numel()
        self.outputs += outputs.numel()
        self.counts.add(outputs)

    def result(self) -> Neurons:
        """Give what was counted."""
        variables, multiplications = MODELS[type(self.source)]
        own = sum(
            value.numel() // self.width
            for value in self._constants()
            if value.numel() >= self.width > 1
        )
        store = NeuronStore(self.width, variables, variables, variables, constants=own)
        return Neurons(
            self.name,
            self.outputs,
            self.outputs * multiplications,
            self.outputs,
            int(self.counts.nonzero().sum()),
            graded=self.counts.graded(),
            store=store,
        )

    def _constants(self) -> Iterator[Tensor]:
        """List the tensors that are not state."""
        yield from self.source.parameters()
        for name, value in self.source.named_buffers():
            if name not in STATES:
                yield value
