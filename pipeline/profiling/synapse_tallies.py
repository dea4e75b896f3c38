"""Counters at weights, which count while windows run through the network.

A tally hooks into one layer of a copy of the network, and its hook ends with the copy.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from pipeline.networks.parts.heads import SegmentRates
from pipeline.networks.parts.layers import Unrolled
from pipeline.profiling.counts import Synapses
from pipeline.profiling.fan_out import Weights, fan_out, pooled_fan_out
from pipeline.profiling.nonzero import NonzeroCounts
from pipeline.profiling.stores import INT8, is_int8, sources_of, synapse_store
from pipeline.profiling.words import SynapseStore


class SynapseWatch(Protocol):
    """A counter of synaptic operations."""

    def watch(self) -> None:
        """Begin."""

    def result(self) -> Synapses:
        """Give what was counted."""


class SynapseTally:
    """Counts the weights that the inputs of one layer meet.

    Where the layer reads out spike rates, `pool` computes the rates, and the inputs
    are the spikes that enter it.
    """

    def __init__(
        self,
        name: str,
        layer: Weights,
        *,
        hidden: bool,
        pool: SegmentRates | None = None,
        of_sums: bool = False,
    ) -> None:
        self.name, self.layer, self.pool, self.hidden = name, layer, pool, hidden
        self.value_bits = INT8 if is_int8(layer) and not of_sums else 32
        self.counts: dict[torch.Size, NonzeroCounts] = {}
        self.outputs = 0

    def watch(self) -> None:
        """Count every call."""
        if self.pool:
            self.pool.register_forward_pre_hook(lambda _, inputs: self.see(inputs[0]))
        self.layer.register_forward_hook(self._called)

    def _called(self, _: nn.Module, inputs: tuple[Tensor, ...], sums: Tensor) -> None:
        if not self.pool:
            self.see(inputs[0])
        self.outputs += sums.numel()

    def see(self, inputs: Tensor) -> None:
        """Count one call."""
        values = self._batch_first(inputs)
        self.counts.setdefault(values.shape[1:], NonzeroCounts()).add(values)

    def result(self) -> Synapses:
        """Give what was counted."""
        weight = self.layer.weight.detach()
        marks = weight != 0
        effective = dense = 0
        for shape, seen in self.counts.items():
            effective += int((seen.nonzero() * self._fan_out(marks, shape)).sum())
            every = self._fan_out(torch.ones_like(marks), shape)
            dense += seen.rows * int(every.sum())
        return Synapses(
            self.name,
            effective,
            dense,
            any(seen.graded() for seen in self.counts.values()),
            weights=weight.numel(),
            zero_weights=weight.numel() - int(marks.sum()),
            inputs=sum(seen.rows * n.numel() for n, seen in self.counts.items()),
            nonzero=sum(int(seen.nonzero().sum()) for seen in self.counts.values()),
            outputs=self.outputs,
            biases=0 if self.layer.bias is None else self.outputs,
            hidden=self.hidden,
            store=self._store(),
        )

    def _store(self) -> SynapseStore:
        if self.pool:
            sources = self.layer.weight.shape[1] // self.pool.bins
        else:
            sources = sources_of(self.layer)
        bits = self.value_bits
        return synapse_store(self.layer, sources=sources, value_bits=bits)

    def _batch_first(self, values: Tensor) -> Tensor:
        if self.pool:
            return values.transpose(0, 1)
        if isinstance(self.layer, nn.Linear):
            return values.reshape(-1, values.shape[-1])
        return values

    def _fan_out(self, marks: Tensor, shape: torch.Size) -> Tensor:
        """Count the marked weights that each element of one input meets."""
        if self.pool:
            return pooled_fan_out(self.pool, marks, shape)
        return fan_out(self.layer, marks, shape)


class RecurrentTally(SynapseTally):
    """Counts the recurrent weights that a layer's outputs meet one step later."""

    def __init__(self, name: str, source: Unrolled, weights: nn.Linear) -> None:
        super().__init__(name, weights, hidden=True)
        self.source = source

    def watch(self) -> None:
        """Count every window; before its first step there is no output."""

        def see_recurrent(
            _: nn.Module, inputs: object, results: tuple[Tensor, ...]
        ) -> None:
            """Count the recurrent input that outputs make."""
            outputs = results[0]
            self.see(outputs[:-1])
            self.counts[outputs.shape[2:]].rows += outputs.shape[1]
            steps = outputs.shape[:2].numel()
            self.outputs += steps * self.layer.weight.shape[0]

        self.source.register_forward_hook(see_recurrent)


class InhibitionTally:
    """Counts the inhibition by each spike of all other neurons of a layer."""

    def __init__(self, name: str, source: Unrolled, inhibition: float) -> None:
        self.name, self.source, self.inhibition = name, source, inhibition
        self.counts = NonzeroCounts()

    def watch(self) -> None:
        """Count every window."""
        self.source.register_forward_hook(lambda _, __, results: self.see(results[0]))

    def see(self, outputs: Tensor) -> None:
        """Count one call: a spike reaches everyone but its own neuron."""
        self.counts.add(outputs.reshape(-1, self.source.width))

    def result(self) -> Synapses:
        """Give what was counted; all share one weight, which stays in a register."""
        inhibits = self.inhibition > 0
        others = self.source.width - 1
        spikes, outputs = (
            int(self.counts.nonzero().sum()),
            self.counts.rows * self.source.width,
        )
        return Synapses(
            self.name,
            effective=spikes * others * inhibits,
            dense=outputs * others,
            graded=False,
            weights=1,
            zero_weights=int(not inhibits),
            inputs=outputs,
            nonzero=spikes,
            hidden=True,
            store=SynapseStore(1, self.source.width, self.source.width),
        )
