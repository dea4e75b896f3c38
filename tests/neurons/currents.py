"""Currents to try neurons on."""

import torch


def noisy(scale: float = 0.6, *, steps: int = 200) -> torch.Tensor:
    """Normal noise around 0.3, (time, batch, neuron)."""
    generator = torch.Generator().manual_seed(7)
    return 0.3 + scale * torch.randn(steps, 3, 5, generator=generator)
