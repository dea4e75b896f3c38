"""Neurons with dendritic branches, each with its own memory, in integers."""

import torch
from torch import Tensor

from pipeline.kernels.neurons.dendritic import BETAS, GAIN, THRESHOLD
from pipeline.networks.parts.layers import Unrolled
from pipeline.neurons.parts.layer import UpdateWords
from pipeline.quantization.arithmetic import LEAK_BITS, fitting, rounded
from pipeline.quantization.bounds import as_integers, finest, fits, settled
from pipeline.quantization.neurons.base import (
    MOST_SHIFT,
    IntegerNeurons,
    Quantised,
    columns,
    leaks,
    with_short_leaks,
)
from pipeline.quantization.scales import FAINT, LinearMap, channel_scales, safe

TAUS = "log_tau", "log_tau_branch"


class IntegerDendritic(IntegerNeurons):
    """Membranes that add up branches, all in one unit a neuron.

    ::

        d_k[t] = rounded(β_k·d_k[t−1], 15) + (i_k[t] ≪ up_k) + bias_k
        r[t]   = v[t−1] > θ
        v[t]   = rounded(α·v[t−1], 15) + Σ_k d_k[t] − r[t]·θ
        s[t]   = v[t] > θ

    Sum i_k of neuron n of N is number k·N + n. The gains of branch and membrane are in
    the weights. So those of a slow branch are small, and have steps of their own: a
    power of two finer than the neuron's coarsest, which `up` takes back.
    """

    kind = "dendritic"
    TENSORS = ("beta", "threshold", "branch_beta", "bias", "up")
    SHARED = ("branches",)
    STATES = ("membrane", "branch")
    A_BRANCH = ("branch_beta", "bias", "up", "branch")
    LEAKS = ("beta", "branch_beta")
    spiking, multiplications = True, 0

    @property
    def branches(self) -> int:
        """Sums that each neuron takes."""
        return int(self.constants["branches"])

    @classmethod
    def weight_steps(cls, rows: Tensor, neurons: Unrolled) -> Tensor:
        """Give steps that are powers of two apart, times the gains of the branches."""
        alone = LinearMap("", rows, rows.new_zeros(len(rows)), most=1)
        _, layer = with_short_leaks(alone, neurons, *TAUS)
        with torch.no_grad():
            constants = layer.constants()
        gains, n_branches = branch_gains(constants), len(constants) - BETAS
        driven = alone.times(gains)
        coarsest, finer = branch_steps(driven, constants[THRESHOLD], n_branches)
        return coarsest * 2.0**-finer / gains

    @classmethod
    def quantise(cls, inputs: LinearMap, neurons: Unrolled, scale: float) -> Quantised:
        """Express each membrane and its branches in one unit, a part of all steps."""
        inputs, layer = with_short_leaks(inputs, neurons, *TAUS)
        constants = layer.constants()
        (alphas, _, thresholds), betas = constants[:BETAS], constants[BETAS:]
        inputs = inputs.times(branch_gains(constants))
        coarsest, finer = branch_steps(inputs, thresholds, len(betas))
        alpha, beta = leaks(alphas), leaks(betas.flatten())

        def attempt(shift: int) -> Quantised | None:
            """Make the layer with a shift; None if a value may overflow."""
            bits = finer.clamp(max=shift)
            weights, charges = inputs.quantised(coarsest * 2.0**-bits)
            unit, up = coarsest * 2.0**-shift, as_integers(shift - bits)
            bias = as_integers(inputs.bias / unit)
            threshold = as_integers(thresholds / unit[: layer.shape[0]])
            rows = zip(charges, up, bias, beta, strict=True)
            branches = [branch_peak(*row) for row in rows]
            if not fits([*branches, *membrane_peaks(branches, alpha, threshold)]):
                return None
            tensors = columns(
                beta=alpha, threshold=threshold, branch_beta=beta, bias=bias, up=up
            )
            return weights, cls(tensors, dt=layer.dt, branches=len(betas))

        return finest(inputs.name, MOST_SHIFT + int(finer.max()), attempt)

    def update_words(self) -> UpdateWords:
        """Count the membrane and the branches, each with its own constants."""
        own = sum(name in self.A_BRANCH for name in self.TENSORS)
        constants = len(self.TENSORS) - own + own * self.branches
        n = 1 + self.branches
        return UpdateWords(n, n, n, constants=constants, bits=8)

    def forward(self, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Turn sums (time, batch, branch·neuron) into spikes and the last state."""
        alpha, threshold, beta, bias, up = self.wide()
        apart = currents.shape[1], self.branches, self.width
        rest = currents.new_zeros(1 + self.branches, apart[0], self.width)
        membrane, *several = (state[0] if state else rest).unbind(0)
        branch = torch.stack(several, 1).flatten(1)
        spikes = []
        for current in currents.unbind(0):
            branch = rounded(beta * branch, LEAK_BITS) + (current << up) + bias
            branch = fitting(branch, "dendritic neurons: branch")
            before = membrane > threshold
            membrane = rounded(alpha * membrane, LEAK_BITS) - before * threshold
            membrane = membrane + branch.reshape(apart).sum(1)
            membrane = fitting(membrane, "dendritic neurons: membrane")
            spikes.append((membrane > threshold).long())
        branches = branch.reshape(apart).unbind(1)
        return torch.stack(spikes), torch.stack([membrane, *branches])


def branch_gains(constants: Tensor) -> Tensor:
    """Compute what a current adds to a membrane, (branch·neuron,): (1 − β)·(1 − α)·R.

    Parameters
    ----------
    constants : Tensor, shape (constant, neuron)
        Of the kernel.
    """
    return ((1 - constants[BETAS:]) * constants[GAIN]).flatten()


def branch_steps(
    inputs: LinearMap, thresholds: Tensor, branches: int
) -> tuple[Tensor, Tensor]:
    """Choose the steps of the weights of all branches: coarsest·2^−finer.

    The largest weight of a branch is at least 64 of its steps, if the neuron's coarsest
    weights are less than 2¹² times as large.

    Returns
    -------
    coarsest : Tensor, shape (branch·neuron,), float64
        The largest step of the branch's neuron.
    finer : Tensor, shape (branch·neuron,), float64
        Bits.
    """
    own = channel_scales(inputs.weights, inputs.bias)
    largest = own.reshape(branches, -1).amax(0).maximum(thresholds / FAINT)
    coarsest = largest.repeat(branches)
    finer = (coarsest / safe(own)).log2().floor().clamp(0, MOST_SHIFT)
    return coarsest, torch.where(own > 0, finer, 0)


def branch_peak(charge: int, up: int, bias: int, beta: int) -> int:
    """Bound a branch."""
    return settled((charge << up) + abs(bias), beta)


def membrane_peaks(
    branches: list[int], alpha: list[int], threshold: list[int]
) -> list[int]:
    """Bound membranes, which all branches of a neuron drive at most to their bounds."""
    width = len(alpha)
    return [
        settled(sum(branches[n::width]) + abs(threshold[n]), alpha[n])
        for n in range(width)
    ]
