"""Adaptive leaky integrate-and-fire by the symplectic Euler rule, in integers."""

import math
from itertools import count

import numpy as np
import torch
from torch import Tensor

from pipeline.kernels.neurons.adaptive import SUBTRACT, ZERO
from pipeline.networks.parts.layers import Unrolled
from pipeline.quantization.arithmetic import LEAK_BITS, WORD, fitting, rounded
from pipeline.quantization.bounds import ONE, as_integers, finest, fits
from pipeline.quantization.neurons.base import (
    MOST_SHIFT,
    IntegerNeurons,
    Quantised,
    columns,
    leaks,
    reset_name,
    with_short_leaks,
)
from pipeline.quantization.scales import LinearMap, channel_scales

ONE_BY_ONE = 512
"""Powers of a matrix that are computed each."""

SMALL = 0.1
"""The largest sum of a row, from which powers of a matrix are bounded by this one."""

MARGIN = 1.001
"""What bounds computed in doubles are enlarged by."""


class IntegerAdaptive(IntegerNeurons):
    """Leaky integrate-and-fire with a slow recovery, both in the membrane's unit.

    ::

        u[t] = rounded(β·(m[t−1] + w[t−1]), 15) − w[t−1] + (i[t] ≪ shift) + bias
        s[t] = u[t] > θ
        m[t] = 0, or u[t] − θ, where s[t], by the reset; else u[t]
        w[t] = rounded(ρ·w[t−1], 15) + rounded(A·m[t], 15) + B·s[t]

    The first line is β·m − (1 − β)·w with one product.
    """

    kind = "adaptive"
    TENSORS = ("beta", "bias", "threshold", "rho", "from_membrane", "from_spike")
    SHARED = ("reset", "shift")
    STATES = ("membrane", "recovery")
    LEAKS = ("beta", "rho")
    spiking, multiplications = True, 1

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express membrane and recovery in the unit of the weights, or a part."""
        inputs, layer = with_short_leaks(inputs, neurons, "log_tau", "log_tau_recovery")
        betas, thresholds, rhos, gains, jumps = layer.constants()
        offsets = inputs.bias.abs() + thresholds + jumps
        scales = channel_scales(inputs.weights, offsets)
        weights, charges = inputs.quantised(scales)
        beta, rho, gain = leaks(betas), leaks(rhos), as_integers(gains * ONE)
        reset = reset_name(layer.options[SUBTRACT], layer.options[ZERO])
        grown = [linear_growth(*row) for row in zip(beta, rho, gain, strict=True)]

        def attempt(shift: int) -> IntegerAdaptive | None:
            """Make the neurons with so many fraction bits, if no number overflows."""
            units = scales * 2.0**-shift
            bias, threshold, jump = (
                as_integers(v / units) for v in (inputs.bias, thresholds, jumps)
            )
            driven = [(c << shift) + abs(b) for c, b in zip(charges, bias, strict=True)]
            rows = zip(driven, beta, threshold, rho, gain, jump, grown, strict=True)
            peaks = [adaptive_peak(reset, *row) for row in rows]
            if not fits([*peaks, *gain]):
                return None
            tensors = columns(
                beta=beta, bias=bias, threshold=threshold,
                rho=rho, from_membrane=gain, from_spike=jump,
            )  # fmt: skip
            return IntegerAdaptive(tensors, dt=layer.dt, shift=shift, reset=reset)

        return weights, finest(inputs.name, MOST_SHIFT, attempt)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, neuron) into spikes and the last state."""
        beta, bias, threshold, rho, gain, jump = self.wide()
        shift, reset = self.constants["shift"], self.constants["reset"]
        rest = torch.zeros_like(currents[:1].expand(2, *currents.shape[1:]))
        membrane, recovery = (state[0] if state else rest).unbind(0)
        spikes = []
        for current in currents.unbind(0):
            both = fitting(membrane + recovery, "adaptive neurons: sum")
            membrane = rounded(beta * both, LEAK_BITS) - recovery
            membrane = membrane + (current << shift) + bias
            membrane = fitting(membrane, "adaptive neurons: membrane")
            fired = membrane > threshold
            if reset == "zero":
                membrane = membrane.masked_fill(fired, 0)
            elif reset == "subtract":
                membrane = membrane - fired * threshold
            recovery = rounded(rho * recovery, LEAK_BITS) + fired * jump
            recovery = recovery + rounded(gain * membrane, LEAK_BITS)
            recovery = fitting(recovery, "adaptive neurons: recovery")
            spikes.append(fired.long())
        return torch.stack(spikes), torch.stack([membrane, recovery])


def adaptive_peak(
    reset: str,
    driven: int,
    beta: int,
    threshold: int,
    rho: int,
    gain: int,
    jump: int,
    growth: np.ndarray,
) -> int:
    """Bound membrane, recovery, and their sum.

    Without a reset to zero, membrane and recovery are linear in inputs of bounded size,
    of which the spikes are some. With it, a membrane is never above its threshold, from
    which the recovery's upper, the membrane's lower and the recovery's lower bound
    follow, one after the other.

    Parameters
    ----------
    reset : str
    driven : int
        The most that a step adds to the membrane.
    beta, threshold, rho, gain, jump : int
    growth : array, shape (2, 2)
        As `linear_growth` gives it.
    """
    if reset == "zero":
        return _reset_peak(driven, beta, threshold, rho, gain, jump)
    if not np.isfinite(growth).all():
        return WORD
    taken = driven + abs(threshold) + 1
    added = np.array([taken, taken * abs(gain) / ONE + abs(jump) + 2])
    membrane, recovery = growth @ added
    return int(np.ceil(MARGIN * (membrane + recovery + taken)))


def _reset_peak(
    driven: int, beta: int, threshold: int, rho: int, gain: int, jump: int
) -> int:
    top, kept, held = abs(threshold), ONE - abs(beta), ONE - abs(rho)
    rise = max(abs(gain) * top / ONE, abs(jump)) + 2
    highest = rise * ONE / held
    lowest = (driven + 1) * ONE / kept + highest
    least = (abs(gain) * lowest / ONE + 2) * ONE / held
    return math.ceil(MARGIN * (lowest + max(highest, least) + top + driven + 1))


def linear_growth(beta: int, rho: int, gain: int) -> np.ndarray:
    """Bound what membrane and recovery keep of all that was ever added to them.

    ::

        (m, w) ← M·(m, w) + added,   M = ((β, β − 1), (A·β, ρ − A·(1 − β)))
        |(m, w)| ≤ Σₖ |Mᵏ|·|added|,  the sum over all k

    The sum ends where powers have become small: from there on they shrink at least as
    they did until there.

    Returns
    -------
    growth : array, shape (2, 2)
    """
    b, r, a = beta / ONE, rho / ONE, gain / ONE
    step = np.array([[b, b - 1], [a * b, r - a * (1 - b)]])
    power, total = np.eye(2), np.zeros((2, 2))
    for number in count():
        left = float(np.abs(power).sum(1).max())
        if left <= SMALL:
            break
        if total.max() > WORD:
            return np.full((2, 2), np.inf)
        # The first powers one by one; then as many again as there are.
        slow = number >= ONE_BY_ONE
        total = total + np.abs(power) @ (total if slow else np.eye(2))
        power = power @ (power if slow else step)
    more: np.ndarray = total + left / (1 - left) * total.sum(0).max()
    return more
