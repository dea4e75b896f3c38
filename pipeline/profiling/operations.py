"""Count what a network does, in integers, by NeuroBench's definitions.

A synaptic operation is one nonzero input meeting one nonzero weight. It is an
accumulate (AC) where all inputs of the layer are −1, 0 or 1, and a multiply-accumulate
(MAC) otherwise. What an input meets does not depend on the data, so each layer keeps a
fan-out per input element, and a batch costs one product of counts.

References
----------
.. [1] J. Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing
   algorithms and systems", Nature Communications 16, 2025.
"""

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from pipeline.errors import MeasurementError
from pipeline.networks._heads import Integrator, SegmentRates
from pipeline.networks._layers import (
    MaskedConvolution,
    MaskedLinear,
    Recurrent,
    Unrolled,
    weight_of,
)
from pipeline.networks._plastic import Competing
from pipeline.profiling.counts import Counted, Neurons, Synapses


def count(network: nn.Module, spikes: Tensor, *, dt: float) -> Counted:
    """Run windows through a network and count what it does.

    A linear read-out of spike rates is counted as an event-driven device does it: it is
    linear in the spikes, so each spike adds one row of weights and nothing is
    multiplied. A read-out of graded rates is one MAC per rate and weight.

    Parameters
    ----------
    network : nn.Module
        Maps spikes to logits. It is not changed.
    spikes : Tensor, shape (time, batch, feature)
        The windows, along the batch.
    dt : float
        Seconds a step.

    Raises
    ------
    MeasurementError
        A layer has parameters and is of no kind that is counted here.
    """
    network = deployed(network)
    _refuse_uncounted(network)
    synapses, neurons = list(_synapses(network)), list(_neurons(network))
    # The hooks live on a copy and end with it.
    for tally in (*synapses, *neurons):
        tally.watch()
    with torch.no_grad():
        network(spikes)
    return Counted(
        n_windows=spikes.shape[1],
        window_s=spikes.shape[0] * dt,
        synapses=tuple(tally.result() for tally in synapses),
        neurons=tuple(layer.result() for layer in neurons),
        parameters=sum(p.numel() for p in network.parameters()),
        footprint_bytes=_footprint(network),
    )


def deployed(network: nn.Module) -> nn.Module:
    """Copy a network as it would run on a device.

    It evaluates, its masks are in its weights, and so is its normalisation.
    """
    network = deepcopy(network).eval()
    for parent in list(network.modules()):
        for name, layer in list(parent.named_children()):
            if isinstance(layer, MaskedLinear | MaskedConvolution):
                setattr(parent, name, _unmasked(layer))
    for parent in list(network.modules()):
        for (name, layer), (next_name, norm) in pairwise(list(parent.named_children())):
            if isinstance(layer, nn.Conv1d) and isinstance(norm, nn.BatchNorm1d):
                setattr(parent, name, fuse_conv_bn_eval(layer, norm))
                setattr(parent, next_name, nn.Identity())
    return network


def _unmasked(layer: MaskedLinear | MaskedConvolution) -> nn.Linear | nn.Conv1d:
    """Make the same layer with zeros where the mask hides weights."""
    plain: nn.Linear | nn.Conv1d
    if isinstance(layer, MaskedConvolution):
        sizes = layer.in_channels, layer.out_channels, layer.kernel_size[0]
        plain = nn.Conv1d(*sizes, layer.stride[0], bias=False)
    else:
        has_bias = layer.bias is not None
        plain = nn.Linear(layer.in_features, layer.out_features, bias=has_bias)
        plain.bias = layer.bias
    plain.weight = nn.Parameter(weight_of(layer).detach())
    return plain.eval()


class _SynapseTally:
    """Counts what the inputs of one layer of weights meet.

    Of a read-out of spike rates, `pool` is what makes the rates, and the inputs are
    the spikes that go into it.
    """

    def __init__(
        self, name: str, layer: nn.Conv1d | nn.Linear, pool: SegmentRates | None = None
    ) -> None:
        self.name, self.layer, self.pool = name, layer, pool
        # Copied before there are hooks: a probe must not count as an input.
        self.marked = [_marked(layer, layer.weight != 0)]
        self.marked += [_marked(layer, torch.ones_like(layer.weight))]
        self.fan_outs: dict[torch.Size, list[Tensor]] = {}
        self.effective = self.dense = 0
        self.graded = False

    def watch(self) -> None:
        """Count every call; the hook ends with the layer's copy."""
        source = self.pool or self.layer
        source.register_forward_pre_hook(lambda _, inputs: self.see(inputs[0]))

    def see(self, inputs: Tensor) -> None:
        """Count one call."""
        values = self._batch_first(inputs)
        shape = values.shape[1:]
        if shape not in self.fan_outs:
            self.fan_outs[shape] = [self._fan_out(m, shape) for m in self.marked]
        effective, dense = self.fan_outs[shape]
        self.effective += int(((values != 0).sum(0) * effective).sum())
        self.dense += len(values) * int(dense.sum())
        self.graded |= not bool(((values == 0) | (values.abs() == 1)).all())

    def result(self) -> Synapses:
        """Give what was counted."""
        weight = self.layer.weight
        zeros = weight.numel() - int(weight.count_nonzero())
        return Synapses(
            self.name, self.effective, self.dense, self.graded, weight.numel(), zeros
        )

    def _batch_first(self, values: Tensor) -> Tensor:
        if self.pool:
            return values.transpose(0, 1)
        if isinstance(self.layer, nn.Linear):
            return values.reshape(-1, values.shape[-1])
        return values

    def _fan_out(self, marked: nn.Module, shape: torch.Size) -> Tensor:
        """Count the marked weights that each element of one input meets."""
        if self.pool:
            return _pooled_fan_out(self.pool, marked, shape)
        return _fan_out(marked, shape)


class _RecurrentTally(_SynapseTally):
    """Counts what the outputs of neurons meet in their own layer, a step later."""

    def __init__(self, name: str, source: Recurrent) -> None:
        super().__init__(name, source.recurrent)
        self.source = source

    def watch(self) -> None:
        """Count every window; before its first step nothing was put out."""

        def heard(_: nn.Module, inputs: object, results: tuple[Tensor, ...]) -> None:
            outputs = results[0]
            self.see(torch.cat([torch.zeros_like(outputs[:1]), outputs[:-1]]))

        self.source.register_forward_hook(heard)


class _NeuronTally:
    """Counts what the neurons of one layer give out."""

    def __init__(self, name: str, source: Unrolled) -> None:
        self.name, self.source = name, source
        self.outputs = self.nonzero = 0

    def watch(self) -> None:
        """Count every call."""
        self.source.register_forward_hook(lambda _, __, results: self.see(results[0]))

    def see(self, outputs: Tensor) -> None:
        """Count one call."""
        self.outputs += outputs.numel()
        self.nonzero += int(outputs.count_nonzero())

    def result(self) -> Neurons:
        """Give what was counted; only spiking neurons have membranes."""
        updates = self.outputs if self.source.spiking else 0
        multiplications = updates * self.source.multiplications
        return Neurons(self.name, updates, multiplications, self.outputs, self.nonzero)


class _MembraneTally:
    """Counts updates of membranes that never fire: nothing is put out."""

    def __init__(self, name: str, source: Integrator) -> None:
        self.name, self.source = name, source
        self.updates = 0

    def watch(self) -> None:
        """Count every call."""
        self.source.register_forward_pre_hook(lambda _, inputs: self.see(inputs[0]))

    def see(self, currents: Tensor) -> None:
        """Count one call."""
        self.updates += currents.numel()

    def result(self) -> Neurons:
        """Give what was counted: one multiplication, the leak, an update."""
        return Neurons(self.name, self.updates, self.updates, 0, 0)


class _InhibitionTally:
    """Counts what spikes take from the membranes of all other neurons of a layer."""

    def __init__(self, name: str, source: Competing) -> None:
        self.name, self.source = name, source
        self.effective = self.dense = 0

    def watch(self) -> None:
        """Count every window."""
        self.source.register_forward_hook(lambda _, __, results: self.see(results[0]))

    def see(self, outputs: Tensor) -> None:
        """Count one call: a spike reaches everyone but its own neuron."""
        others = self.source.width - 1
        inhibits = self.source.population.inhibition > 0
        self.effective += int(outputs.count_nonzero()) * others * inhibits
        self.dense += outputs.numel() * others

    def result(self) -> Synapses:
        """Give what was counted; all share one weight."""
        silent = int(self.source.population.inhibition == 0)
        return Synapses(
            self.name, self.effective, self.dense, graded=False, weights=1,
            zero_weights=silent,
        )  # fmt: skip


def _synapses(network: nn.Module) -> Iterator[_SynapseTally | _InhibitionTally]:
    passed: list[nn.Module] = []
    for name, module in network.named_modules():
        match module, passed:
            case Recurrent(), _:
                yield _RecurrentTally(f"{name}.recurrent", module)
            case Competing(), _:
                yield _InhibitionTally(f"{name}.inhibition", module)
            case nn.Linear(), [*_, Recurrent(recurrent=own)] if own is module:
                continue
            # Before the first layer are spikes; after one, whatever its neurons give.
            case nn.Linear(), (
                [SegmentRates() as pool]
                | [*_, Unrolled(spiking=True), SegmentRates() as pool]
            ):
                yield _SynapseTally(name, module, pool)
            case nn.Conv1d() | nn.Linear(), _:
                yield _SynapseTally(name, module)
        if isinstance(module, nn.Conv1d | nn.Linear | SegmentRates | Unrolled):
            passed.append(module)


def _neurons(network: nn.Module) -> Iterator[_NeuronTally | _MembraneTally]:
    for name, module in network.named_modules():
        if isinstance(module, Unrolled):
            yield _NeuronTally(name, module)
        if isinstance(module, Integrator):
            yield _MembraneTally(name, module)


def _marked(layer: nn.Conv1d | nn.Linear, marks: Tensor) -> nn.Conv1d | nn.Linear:
    """Copy a layer with 1 for each marked weight, 0 for others, and no bias."""
    copy = deepcopy(layer).double()
    copy.weight = nn.Parameter(marks.double(), requires_grad=False)
    copy.bias = None
    return copy


def _fan_out(marked: nn.Module, shape: torch.Size) -> Tensor:
    """Differentiate the sum of a marked layer's outputs; borders come out exact."""
    probe = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(marked(probe).sum(), probe)
    return slope[0].round().long()


def _pooled_fan_out(pool: SegmentRates, marked: nn.Module, shape: torch.Size) -> Tensor:
    """Count the classes that a spike at each step and channel has a weight on."""

    def read_out(spikes: Tensor) -> Tensor:
        rates = pool.forward(spikes.unsqueeze(1))
        classes: Tensor = marked(rates)
        return classes[0]

    slopes = torch.func.jacrev(read_out)(torch.zeros(shape, dtype=torch.float64))
    reached: Tensor = (slopes != 0).sum(0)
    return reached


def _refuse_uncounted(network: nn.Module) -> None:
    """Refuse a network with parameters in layers that nothing here counts."""
    counted = {m for tally in _neurons(network) for m in tally.source.modules()}
    for name, module in network.named_modules():
        known = module in counted or isinstance(module, nn.Conv1d | nn.Linear)
        if not known and any(True for _ in module.parameters(recurse=False)):
            raise MeasurementError(
                f"layer {name}",
                f"is a {type(module).__name__} with parameters",
                expected="convolutions, linear maps, their normalisation, and neurons",
                remedy="teach pipeline/profiling/operations.py to count it",
            )


def _footprint(network: nn.Module) -> int:
    tensors = [*network.parameters(), *network.buffers()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
