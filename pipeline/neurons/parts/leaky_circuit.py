"""The leaky kernel in NIR's primitives.

NIR's LIF sets the membrane to a value when it fires, which is our reset to zero. It is
not our reset by subtraction: a LIF, which snnTorch writes for it, loses the overshoot,
and spikes with it. Subtraction is a loop from the spikes into the membrane, which NIR's
nodes can express.
"""

import numpy as np

from pipeline.neurons.parts.circuit import Added, Circuit, Currents, LayerValues


def add_leaky(circuit: Circuit, values: LayerValues, currents: Currents) -> Added:
    """Add leaky neurons with any reset of the kernel."""
    subtract, zero, at_once, *_ = values.options
    if zero:
        return add_zeroed(circuit, values, currents)
    if subtract and at_once:
        return _add_subtracted_at_once(circuit, values, currents)
    name, (_, threshold) = values.name, values.constants
    tau, (inputs,) = values.quantities["tau_mem_s"], currents
    membrane = circuit.integrate(f"{name}_membrane", tau, inputs, values.gain)
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    if subtract:
        reset = circuit.scale(f"{name}_reset", -threshold / values.gain, (spikes,))
        circuit.close(reset, membrane)
    return (membrane,), spikes


def add_zeroed(circuit: Circuit, values: LayerValues, currents: Currents) -> Added:
    """Add leaky neurons whose spikes reset the membrane to zero."""
    tau, (inputs,) = values.quantities["tau_mem_s"], currents
    spikes = circuit.fire_to_zero(
        f"{values.name}_spikes", tau, values.constants[1], inputs, values.gain
    )
    return (spikes,), spikes


def _add_subtracted_at_once(
    circuit: Circuit, values: LayerValues, currents: Currents
) -> Added:
    """Add neurons whose spikes subtract θ in the same step.

    A membrane v that never resets and the sum q of its resets, which leaks as fast,
    leave v − q. Where even that is above θ, after a large current, the next step takes
    another θ off before it asks who fires, as snnTorch does:

        v[t] = β·v[t−1] + g·i[t]          s[t] = H(v[t] − β·q[t−1] − θ·r[t−1] − θ)
        q[t] = β·q[t−1] + θ·s[t]          r[t] = H(v[t] − q[t] − θ)
    """
    name, (beta, threshold) = values.name, values.constants
    tau, (inputs,) = values.quantities["tau_mem_s"], currents
    membrane = circuit.integrate(f"{name}_membrane", tau, inputs, values.gain)
    spikes = circuit.fire(f"{name}_spikes", threshold, (membrane,))
    resets = circuit.integrate(f"{name}_resets", tau, (spikes,), threshold)
    circuit.close(circuit.scale(f"{name}_leaked", -beta, (resets,)), spikes)
    taken = circuit.scale(f"{name}_taken", -np.ones_like(beta), (resets,))
    above = circuit.fire(f"{name}_above", threshold, (membrane, taken))
    circuit.close(circuit.scale(f"{name}_again", -threshold, (above,)), spikes)
    return (membrane,), spikes
