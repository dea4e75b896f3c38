"""Counters at neurons and read-outs, which count while windows run through.

A tally hooks into one layer of a copy of the network, and its hook ends with the copy.
"""

from typing import Protocol

from torch import Tensor, nn

from pipeline.networks.parts.heads import SegmentRates
from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.step_heads import Integrator
from pipeline.profiling.counts import Neurons
from pipeline.profiling.nonzero import NonzeroCounts
from pipeline.profiling.stores import neuron_store
from pipeline.profiling.words import NeuronStore
from pipeline.quantization.read_outs import IntegerHead
from pipeline.quantization.traces import IntegerTraces


class NeuronWatch(Protocol):
    """A counter of updates, outputs, rescalings or additions to accumulators."""

    def watch(self) -> None:
        """Begin."""

    def result(self) -> Neurons:
        """Give what was counted."""


class NeuronTally:
    """Counts the outputs of the neurons of one layer."""

    def __init__(self, name: str, source: Unrolled) -> None:
        self.name, self.source = name, source
        self.store = neuron_store(source)
        self.outputs = 0
        self.counts = NonzeroCounts()

    def watch(self) -> None:
        """Count every call."""
        self.source.register_forward_hook(lambda _, __, results: self.see(results[0]))

    def see(self, outputs: Tensor) -> None:
        """Count one call."""
        self.outputs += outputs.numel()
        self.counts.add(outputs.reshape(-1, outputs.shape[-1]))

    def result(self) -> Neurons:
        """Give what was counted; only spiking neurons have membranes."""
        updates = self.outputs if self.source.spiking else 0
        updated = self.outputs // self.source.width
        return Neurons(
            self.name,
            updates,
            updates * self.source.multiplications,
            self.outputs,
            int(self.counts.nonzero().sum()),
            graded=self.counts.graded(),
            rescalings=self.outputs * self.source.rescales,
            shifted_additions=updated * self.source.shifted_additions(),
            store=self.store,
        )


class _OutputTally:
    """Counts the values that go into one layer, or come out of it."""

    def __init__(self, name: str, source: nn.Module) -> None:
        self.name, self.source = name, source
        self.values = 0

    def see(self, values: Tensor) -> None:
        """Count one call."""
        self.values += values.numel()


class MembraneTally(_OutputTally):
    """Counts updates of membranes that never fire: there is no output."""

    source: Integrator

    def watch(self) -> None:
        """Count every call."""
        self.source.register_forward_pre_hook(lambda _, inputs: self.see(inputs[0]))

    def result(self) -> Neurons:
        """Give what was counted: one multiplication, the leak, an update."""
        width = self.source.learned["log_tau"].numel()
        store = NeuronStore(width, 1, 1, 1, constants=1)
        return Neurons(self.name, self.values, self.values, 0, 0, store=store)


class TraceTally(_OutputTally):
    """Counts the updates of traces in integers; there is no output."""

    source: IntegerTraces

    def watch(self) -> None:
        """Count every call."""
        self.source.linear.register_forward_hook(lambda _, __, sums: self.see(sums))

    def result(self) -> Neurons:
        """Give what was counted: a leak by shifted additions, an update."""
        width = self.source.linear.out_features
        additions = self.values // width * self.source.shifted_additions()
        store = NeuronStore(width, 1, 1, 1, constants=2)
        return Neurons(
            self.name, self.values, 0, 0, 0, shifted_additions=additions, store=store
        )


class ReadingTally(_OutputTally):
    """Counts the multiplications that add up traces to logits, a decision."""

    source: IntegerTraces

    def watch(self) -> None:
        """Count every window: it is decided once, at its end."""
        self.source.linear.register_forward_hook(lambda _, __, sums: self.see(sums[-1]))

    def result(self) -> Neurons:
        """Give what was counted: one a trace; its state and multiplier are read."""
        store = NeuronStore(self.source.linear.out_features, constants=2)
        return Neurons(self.name, 0, 0, 0, 0, rescalings=self.values, store=store)


class PoolTally(_OutputTally):
    """Counts graded outputs that are added to the accumulators of a read-out."""

    source: SegmentRates

    def watch(self) -> None:
        """Count every call."""
        self.source.register_forward_pre_hook(lambda _, inputs: self.see(inputs[0]))

    def __init__(self, name: str, source: SegmentRates) -> None:
        super().__init__(name, source)
        self.counts = NonzeroCounts()

    def see(self, values: Tensor) -> None:
        """Count one call."""
        self.counts.add(values.reshape(-1, values.shape[-1]))

    def result(self) -> Neurons:
        """Give what was counted."""
        nonzero = self.counts.nonzero()
        store = NeuronStore(accumulators=len(nonzero) * self.source.bins)
        return Neurons(
            self.name, 0, 0, 0, 0, accumulated=int(nonzero.sum()), store=store
        )


class RescalingTally(_OutputTally):
    """Counts the multiplications that turn a read-out's sums into logits."""

    source: IntegerHead

    def watch(self) -> None:
        """Count every call."""
        self.source.linear.register_forward_hook(lambda _, __, sums: self.see(sums))

    def result(self) -> Neurons:
        """Give what was counted: one a class; bias and multiplier are read."""
        store = NeuronStore(self.source.linear.out_features, constants=2)
        return Neurons(self.name, 0, 0, 0, 0, rescalings=self.values, store=store)
