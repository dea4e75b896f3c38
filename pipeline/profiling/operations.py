"""Count a network's operations, in integers, by NeuroBench's definitions.

A synaptic operation is one nonzero input meeting one nonzero weight. It is an
accumulate (AC) where all inputs of the layer are −1, 0 or 1, and a multiply-accumulate
(MAC) otherwise. What an input meets does not depend on the data, so each layer keeps a
fan-out per input element, and all windows cost one product of counts.

References
----------
.. [1] J. Yik et al., "The NeuroBench framework for benchmarking neuromorphic computing
   algorithms and systems", Nature Communications 16, 2025.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from pipeline.errors import MeasurementError
from pipeline.networks.parts.deployed import deployed
from pipeline.networks.parts.heads import SegmentRates
from pipeline.networks.parts.layers import Unrolled
from pipeline.networks.parts.step_heads import Integrator
from pipeline.networks.parts.stepped import SteppedModule
from pipeline.profiling import snntorch as _snntorch
from pipeline.profiling.counts import Counted
from pipeline.profiling.neuron_tallies import (
    MembraneTally,
    NeuronTally,
    NeuronWatch,
    PoolTally,
    ReadingTally,
    RescalingTally,
    TraceTally,
)
from pipeline.profiling.synapse_tallies import (
    InhibitionTally,
    RecurrentTally,
    SynapseTally,
    SynapseWatch,
)
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.read_outs import IntegerHead
from pipeline.quantization.traces import IntegerTraces

READING = "reading"
"""What the name of the work ends with that a read-out does for a decision alone."""


def count(network: nn.Module, spikes: Tensor, *, dt: float) -> Counted:
    """Run windows through a network and count its operations.

    A linear read-out of spike rates is counted as an event-driven device does it: it is
    linear in the spikes, so each spike adds one row of weights and nothing is
    multiplied. A read-out of graded rates is one MAC per rate and weight.

    Parameters
    ----------
    network : nn.Module
        Maps spikes to logits: one of ours, in floating point or integers, or any module
        of linear maps, convolutions over time and snnTorch's neurons that its forward
        steps through time. It is not changed.
    spikes : Tensor, shape (time, batch, feature)
        The windows, along the batch.
    dt : float
        Seconds a step.

    Raises
    ------
    MeasurementError
        A layer has parameters, or is of neurons, and of no kind that is counted here.
    """
    return count_batches(network, [spikes], dt=dt)


def count_batches(
    network: nn.Module, batches: Iterable[Tensor], *, dt: float
) -> Counted:
    """Do as `count`, over batches of windows of one length.

    Raises
    ------
    MeasurementError
        As for `count`, or there is no batch.
    """
    with _snntorch.copyable(network):
        network = deployed(network)
    _snntorch.forget(network)
    synapses, neurons = _tallies(network)
    _refuse_uncounted(network)
    # The hooks live on a copy and end with it.
    for at_weights in synapses:
        at_weights.watch()
    for at_neurons in neurons:
        at_neurons.watch()
    n_windows, n_steps = 0, 0
    with torch.no_grad():
        for spikes in batches:
            network(spikes)
            n_steps, n_windows = len(spikes), n_windows + spikes.shape[1]
    if not n_windows:
        raise MeasurementError(
            "counting", "there are no windows", expected="at least one"
        )
    return Counted(
        n_windows=n_windows,
        window_s=n_steps * dt,
        synapses=tuple(tally.result() for tally in synapses),
        neurons=tuple(layer.result() for layer in neurons),
        parameters=_parameters(network),
        footprint_bytes=sum(t.numel() * t.element_size() for t in _kept(network)),
    )


def _tallies(network: nn.Module) -> tuple[list[SynapseWatch], list[NeuronWatch]]:
    """Set a tally at every layer, in the order of the network."""
    synapses: list[SynapseWatch] = []
    neurons: list[NeuronWatch] = []
    passed: list[nn.Module] = []
    for name, module in network.named_modules():
        synapses += _synapses(name, module, passed)
        neurons += _neurons(name, module, passed)
        if _is_passed(module) and not _is_own(module, passed):
            passed.append(module)
    return synapses, neurons


def _is_own(module: nn.Module, passed: list[nn.Module]) -> bool:
    """Whether it is a part of the recurrent layer just passed."""
    match passed:
        case [*_, Unrolled(recurrent_weights=nn.Linear()) as layer]:
            return module in (layer.recurrent_weights, layer.neurons)
    return False


def _is_passed(module: nn.Module) -> bool:
    """Whether the counting of later layers depends on it."""
    layers = nn.Conv1d | nn.Linear | SegmentRates | Unrolled
    known = isinstance(module, layers) and not isinstance(module, SteppedModule)
    return known or _snntorch.is_neuron(module)


def _synapses(
    name: str, module: nn.Module, passed: list[nn.Module]
) -> Iterator[SynapseWatch]:
    hidden = any(_is_passed(m) and not isinstance(m, SegmentRates) for m in passed)
    match module, passed:
        case Unrolled(recurrent_weights=nn.Linear() as weights), _:
            yield RecurrentTally(f"{name}.recurrent", module, weights)
        case Unrolled(inhibition=float() as inhibition), _:
            yield InhibitionTally(f"{name}.inhibition", module, inhibition)
        case nn.Module(), _ if _snntorch.is_one_to_one(module):
            yield _snntorch.OneToOneTally(name, module)
        case nn.Linear(), _ if _is_own(module, passed):
            return
        # The first layer takes spikes; later ones take the outputs of neurons.
        case nn.Linear(), (
            [SegmentRates() as pool]
            | [*_, Unrolled(spiking=True), SegmentRates() as pool]
        ):
            yield SynapseTally(name, module, hidden=hidden, pool=pool)
        case nn.Linear(), [*_, SegmentRates()]:
            yield SynapseTally(name, module, hidden=hidden, of_sums=True)
        case nn.Conv1d() | nn.Linear(), _:
            yield SynapseTally(name, module, hidden=hidden)


def _neurons(
    name: str, module: nn.Module, passed: list[nn.Module]
) -> Iterator[NeuronWatch]:
    match module, passed:
        case SteppedModule(), _:
            return
        case Unrolled(), _ if not _is_own(module, passed):
            yield NeuronTally(name, module)
        case Integrator(), _:
            yield MembraneTally(name, module)
        case IntegerHead(), _:
            yield RescalingTally(name, module)
        case IntegerTraces(), _:
            yield TraceTally(name, module)
            yield ReadingTally(f"{name}.{READING}", module)
        case SegmentRates(), [*_, Unrolled(spiking=False)]:
            yield PoolTally(name, module)
        case nn.Module(), _ if _snntorch.is_neuron(module):
            yield _snntorch.SteppedTally(name, module)


def _refuse_uncounted(network: nn.Module) -> None:
    """Refuse a network with parameters or neurons that nothing here counts."""
    counted = {
        part
        for module in network.modules()
        if isinstance(module, Unrolled | Integrator)
        and not isinstance(module, SteppedModule)
        for part in module.modules()
    }
    for name, module in network.named_modules():
        known = module in counted or isinstance(module, nn.Conv1d | nn.Linear)
        known |= _snntorch.is_neuron(module) or _snntorch.is_one_to_one(module)
        learns = any(True for _ in module.parameters(recurse=False))
        if not known and (learns or _snntorch.is_any_neuron(module)):
            raise MeasurementError(
                f"layer {name}",
                f"is a {type(module).__name__}"
                + (" with parameters" if learns else ""),
                expected="convolutions, linear maps, their normalisation, and neurons",
                remedy="write in pipeline/profiling/operations.py how to count it",
            )


def _kept(network: nn.Module) -> Iterator[Tensor]:
    """List a network's memory on a device: parameters, and buffers other than state."""
    yield from network.parameters()
    for name, buffer in network.named_buffers():
        if not _snntorch.is_state(network, name):
            yield buffer


def _parameters(network: nn.Module) -> int:
    """Count the learned numbers; for integer networks, all stored numbers."""
    integers = isinstance(network, IntegerNetwork)
    return sum(
        t.numel() for t in (_kept(network) if integers else network.parameters())
    )
