"""Neurons in NIR's primitives.

A reader that steps by dt, with every signal constant within a step, turns NIR's
τ·dv/dt = −v + r·i into v ← β·v + (1 − β)·r·i with β = exp(−dt/τ), exactly and for any
τ. Our membranes take currents with a gain g, u ← β·u + g·i, so r = g / (1 − β).

NIR's LIF sets the membrane to a value when it fires. That is our reset to zero, at once
or in the next step, because nothing reads the membrane in between. It is not our reset
by subtraction: a LIF, which snnTorch writes for it, loses the overshoot, and spikes
with it. Subtraction is a loop from the spikes into the membrane, which NIR's nodes can
express.
"""

from collections.abc import Callable, Sequence

import nir
import numpy as np
from torch import nn

from pipeline.exporting.parts.circuit import Circuit, InexpressibleError, Sources
from pipeline.exporting.parts.neuron_values import Neurons, read_neurons
from pipeline.neurons.parts.layer import NeuronLayer

Currents = Sequence[Sources]
"""For each input of the neurons, the nodes whose sum it takes."""

Added = tuple[Sources, str]
"""For each input, the node that takes it; and the node of the spikes."""


def add_neurons(
    circuit: Circuit, name: str, layer: nn.Module, currents: Currents
) -> Added:
    """Add a layer of neurons.

    Parameters
    ----------
    circuit : Circuit
    name : str
    layer : nn.Module
        The result of `Neuron.build`.
    currents : sequence of tuple of str
        For each input of the neurons, the nodes whose sum it takes.

    Returns
    -------
    entries : tuple of str
        For each input, the node that takes it: where recurrent currents go too.
    spikes : str
        The node that gives out spikes.

    Raises
    ------
    InexpressibleError
        NIR cannot express such neurons.
    """
    if not isinstance(layer, NeuronLayer):
        kind = type(layer).__name__
        raise InexpressibleError(name, f"is a {kind}: NIR has no rectified units")
    neurons = read_neurons(name, layer)
    if (kernel := layer.kernel.name) in INEXPRESSIBLE:
        raise neurons.refuse(INEXPRESSIBLE[kernel])
    if kernel not in EXPRESSIBLE:
        raise neurons.refuse(f"the kernel '{kernel}' is not written in NIR's nodes")
    return EXPRESSIBLE[kernel](circuit, neurons, currents)


def _add_leaky(circuit: Circuit, neurons: Neurons, currents: Currents) -> Added:
    subtract, zero, at_once, *_ = neurons.options
    if zero:
        return _add_zeroed(circuit, neurons, currents)
    if subtract and at_once:
        return _add_subtracted_at_once(circuit, neurons, currents)
    name, (_, threshold) = neurons.name, neurons.constants
    tau, (inputs,) = neurons.quantities["tau_mem_s"], currents
    membrane = circuit.integrate(f"{name}_membrane", tau, neurons.gain, inputs)
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    if subtract:
        reset = circuit.scale(f"{name}_reset", -threshold / neurons.gain, (spikes,))
        circuit.close(reset, membrane)
    return (membrane,), spikes


def _add_zeroed(circuit: Circuit, neurons: Neurons, currents: Currents) -> Added:
    tau, rest = neurons.quantities["tau_mem_s"], np.zeros_like(neurons.gain)
    threshold, r = neurons.constants[1], neurons.gain / circuit.rise(tau)
    node = nir.LIF(tau, r, v_leak=rest, v_threshold=threshold, v_reset=rest)
    spikes = circuit.add(f"{neurons.name}_spikes", node, currents[0])
    return (spikes,), spikes


def _add_subtracted_at_once(
    circuit: Circuit, neurons: Neurons, currents: Currents
) -> Added:
    """Add neurons whose spikes subtract θ in the same step.

    A membrane v that never resets and the sum q of its resets, which leaks as fast,
    leave v − q. Where even that is above θ, after a large current, the next step takes
    another θ off before it asks who fires, as snnTorch does:

        v[t] = β·v[t−1] + g·i[t]          s[t] = H(v[t] − β·q[t−1] − θ·r[t−1] − θ)
        q[t] = β·q[t−1] + θ·s[t]          r[t] = H(v[t] − q[t] − θ)
    """
    name, (beta, threshold) = neurons.name, neurons.constants
    tau, (inputs,) = neurons.quantities["tau_mem_s"], currents
    membrane = circuit.integrate(f"{name}_membrane", tau, neurons.gain, inputs)
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    resets = circuit.integrate(f"{name}_resets", tau, threshold, (spikes,))
    circuit.close(circuit.scale(f"{name}_leaked", -beta, (resets,)), spikes)
    taken = circuit.scale(f"{name}_taken", -np.ones_like(beta), (resets,))
    above = circuit.fire(f"{name}_above", threshold, (membrane, taken))
    circuit.close(circuit.scale(f"{name}_again", -threshold, (above,)), spikes)
    return (membrane,), spikes


def _add_adaptive(circuit: Circuit, neurons: Neurons, currents: Currents) -> Added:
    """Add membrane and recovery, each an integrator that the other feeds.

    With m = u − θ·s, or u without a reset, both are linear in u, s and w:

        u[t] = β·u[t−1] + g·i[t] − β·θ·s[t−1] − (1 − β)·w[t−1]
        w[t] = ρ·w[t−1] + A·u[t] + (B − A·θ)·s[t]
    """
    subtract, zero, *_ = neurons.options
    if zero:
        raise neurons.refuse(
            "their recovery takes the membrane, which is reset to zero, and NIR's LIF "
            "does not give its membrane out",
            remedy="reset: subtract, or none",
        )
    name, (beta, threshold, _, a, b) = neurons.name, neurons.constants
    tau, (inputs,) = neurons.quantities["tau_mem_s"], currents
    tau_w = neurons.quantities["tau_recovery_s"]
    gain = neurons.gain
    membrane = circuit.integrate(f"{name}_membrane", tau, gain, inputs)
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    driven = (
        circuit.scale(f"{name}_from_membrane", a, (membrane,)),
        circuit.scale(f"{name}_from_spikes", b - subtract * a * threshold, (spikes,)),
    )
    recovery = circuit.integrate(f"{name}_recovery", tau_w, np.ones_like(tau_w), driven)
    held_back = -circuit.rise(tau) / gain
    circuit.close(circuit.scale(f"{name}_held", held_back, (recovery,)), membrane)
    if subtract:
        reset = circuit.scale(f"{name}_reset", -beta * threshold / gain, (spikes,))
        circuit.close(reset, membrane)
    return (membrane,), spikes


def _add_adaptive_threshold(
    circuit: Circuit, neurons: Neurons, currents: Currents
) -> Added:
    """Add s[t] = H(u[t] − β_a·a[t−1] − θ) and a[t] = ρ·a[t−1] + s[t]."""
    if any(neurons.options[:2]):
        raise neurons.refuse(
            "their reset multiplies spikes with a threshold that moves, and NIR has "
            "no product of two signals",
            remedy="reset: none",
        )
    name, (_, threshold, _, jump) = neurons.name, neurons.constants
    tau, (inputs,) = neurons.quantities["tau_mem_s"], currents
    tau_a = neurons.quantities["tau_adaptation_s"]
    one = np.ones_like(tau)
    membrane = circuit.integrate(f"{name}_membrane", tau, neurons.gain, inputs)
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    adaptation = circuit.integrate(f"{name}_adaptation", tau_a, one, (spikes,))
    circuit.close(circuit.scale(f"{name}_raised", -jump, (adaptation,)), spikes)
    return (membrane,), spikes


def _add_dendritic(circuit: Circuit, neurons: Neurons, currents: Currents) -> Added:
    """Add an integrator a branch, whose sum the membrane integrates."""
    name, (_, gain, threshold, *_) = neurons.name, neurons.constants
    taus = neurons.quantities["tau_branch_s"]
    branches = tuple(
        circuit.integrate(f"{name}_branch_{k}", tau, circuit.rise(tau), inputs)
        for k, (tau, inputs) in enumerate(zip(taus, currents, strict=True))
    )
    tau = neurons.quantities["tau_mem_s"]
    membrane = circuit.integrate(f"{name}_membrane", tau, gain, branches)
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    circuit.close(
        circuit.scale(f"{name}_reset", -threshold / gain, (spikes,)), membrane
    )
    return branches, spikes


def _add_multisynaptic(circuit: Circuit, neurons: Neurons, currents: Currents) -> Added:
    if len(neurons.constants) > 2:
        raise neurons.refuse(
            "several thresholds share a membrane that is reset to zero, and NIR's LIF "
            "does not give its membrane out",
            remedy="thresholds: 1",
        )
    return _add_zeroed(circuit, neurons, currents)


def _add_fractional(circuit: Circuit, neurons: Neurons, currents: Currents) -> Added:
    """Add u[t] = i[t] + Σ a_j·u[t−j] − θ·s[t−1]: the membrane's past back into it."""
    name, (threshold, newest, *older) = neurons.name, neurons.constants
    membrane = circuit.scale(f"{name}_membrane", neurons.gain, currents[0])
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    # Each loop back is one step late by itself.
    back = [
        circuit.scale(f"{name}_last", newest / neurons.gain, (membrane,)),
        circuit.scale(f"{name}_reset", -threshold / neurons.gain, (spikes,)),
    ]
    for steps, weight in enumerate(older, 1):
        past = circuit.delay(f"{name}_delay_{steps}", steps, len(weight), (membrane,))
        back.append(
            circuit.scale(f"{name}_past_{steps}", weight / neurons.gain, (past,))
        )
    for source in back:
        circuit.close(source, membrane)
    return (membrane,), spikes


def _add_parallel(circuit: Circuit, neurons: Neurons, currents: Currents) -> Added:
    """Add s[t] = H(Σ w_i·x[t − i·d] − θ): delays, and no membrane."""
    name, (threshold, newest, *older) = neurons.name, neurons.constants
    dilation = int(neurons.options[0])
    current = circuit.scale(f"{name}_current", neurons.gain, currents[0])
    weighed = [circuit.scale(f"{name}_newest", newest, (current,))]
    for number, weight in enumerate(older, 1):
        steps = number * dilation
        past = circuit.delay(f"{name}_delay_{steps}", steps, len(weight), (current,))
        weighed.append(circuit.scale(f"{name}_past_{steps}", weight, (past,)))
    return (current,), circuit.fire(f"{name}_spikes", threshold, weighed)


EXPRESSIBLE: dict[str, Callable[[Circuit, Neurons, Currents], Added]] = {
    "leaky": _add_leaky,
    "adaptive": _add_adaptive,
    "adaptive_threshold": _add_adaptive_threshold,
    "dendritic": _add_dendritic,
    "fractional": _add_fractional,
    "multisynaptic": _add_multisynaptic,
    "parallel": _add_parallel,
}
"""By kernel, how its neurons are added."""

INEXPRESSIBLE = {
    "polynomial": "their membrane is a polynomial of itself, and NIR's are linear",
    "izhikevich": "their membrane is quadratic in itself, and NIR's are linear",
    "complementary": "their reset is a sigmoid of a second state, and NIR has none",
    "resonate": "their spikes damp the membrane by a product of two signals, and NIR "
    "has none",
    "sigma_delta": "they send graded changes, and NIR's thresholds give 0 or 1",
}
"""By kernel, why NIR has no equations for its neurons."""
