"""Networks of snnTorch's neurons, whose own `forward` steps through time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import snntorch
from snntorch._neurons import rleaky, rsynaptic
from torch import Tensor, nn

from pipeline.networks.parts.stepped import STATES
from pipeline.profiling.counts import Neurons, Synapses
from pipeline.profiling.nonzero import NonzeroCounts
from pipeline.profiling.words import NeuronStore, SynapseStore

MODELS: dict[type[Any], tuple[int, int]] = {
    snntorch.Leaky: (1, 1),
    snntorch.Synaptic: (2, 2),
    snntorch.Lapicque: (1, 2),
    snntorch.Alpha: (3, 3),
    snntorch.RLeaky: (1, 1),
    snntorch.RSynaptic: (2, 2),
}
"""The neurons that are counted: state variables, and multiply-accumulates an update."""


def is_neuron(module: nn.Module) -> bool:
    """Whether it is a layer of neurons of a kind that is counted."""
    return type(module) in MODELS


def is_any_neuron(module: nn.Module) -> bool:
    """Whether it is a layer of snnTorch's neurons, counted or not."""
    return isinstance(module, snntorch.SpikingNeuron)


def is_state(network: nn.Module, name: str) -> bool:
    """Whether a buffer of a network, by its name, is state of such a layer.

    State is no part of a network's footprint.
    """
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
        own = dict(self.source.named_parameters(recurse=False))
        yield from (value for name, value in own.items() if name != "V")
        for name, value in self.source.named_buffers():
            if name not in STATES:
                yield value


ONE_TO_ONE = (rleaky.RecurrentOneToOne, rsynaptic.RecurrentOneToOne)


def is_one_to_one(module: nn.Module) -> bool:
    """Whether it is the weight of each neuron on itself, of recurrent neurons."""
    return isinstance(module, ONE_TO_ONE)


class OneToOneTally:
    """Counts spikes that meet their own neuron's weight, a step later."""

    def __init__(self, name: str, source: nn.Module) -> None:
        self.name, self.source = name, source
        self.counts = NonzeroCounts()
        self.values = 0

    def watch(self) -> None:
        """Count every step."""
        self.source.register_forward_hook(lambda _, inputs, __: self.see(inputs[0]))

    def see(self, spikes: Tensor) -> None:
        """Count one step."""
        self.values += spikes.numel()
        self.counts.add(spikes)

    def result(self) -> Synapses:
        """Give what was counted; one weight may serve all neurons."""
        weights: Any = self.source.V
        nonzero = self.counts.nonzero()
        marks = (weights != 0).to(nonzero.dtype)
        width = nonzero.numel()
        return Synapses(
            self.name,
            effective=int((nonzero * marks).sum()),
            dense=self.values,
            graded=self.counts.graded(),
            weights=weights.numel(),
            zero_weights=int((weights == 0).sum()),
            inputs=self.values,
            nonzero=int(nonzero.sum()),
            outputs=self.values,
            hidden=True,
            store=SynapseStore(weights.numel(), width, width),
        )
