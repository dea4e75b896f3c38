"""The Learnable Neuron Model: it starts as LIF and learns another map."""

import pytest
import torch
from torch import Tensor

from pipeline.neurons.leaky import Leaky
from pipeline.neurons.polynomial import Polynomial
from pipeline.testing import check_neuron

DT = 0.01


def _currents(steps: int = 80) -> Tensor:
    generator = torch.Generator().manual_seed(3)
    return 0.3 * torch.randn(steps, 4, 5, generator=generator) + 0.2


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
def test_every_reset_keeps_the_contract(reset: str) -> None:
    check_neuron(Polynomial(reset=reset))


@pytest.mark.parametrize("learned_per", ["layer", "neuron"])
def test_sharing_keeps_the_contract(learned_per: str) -> None:
    check_neuron(Polynomial(learned_per=learned_per))


def test_it_starts_as_leaky_bit_for_bit() -> None:
    settings = {"tau_mem_s": 0.03, "threshold": 0.7}
    ours = Polynomial(**settings).build((5,), dt=DT).run(10 * _currents())
    leaky = Leaky(**settings).build((5,), dt=DT).run(10 * _currents())
    for one, other in zip(ours, leaky, strict=True):
        assert torch.equal(one, other)


def test_it_learns_a_map_that_no_leaky_neuron_has() -> None:
    """Learn f(u) = 0.1 + 0.8·u − 0.3·u² + 0.05·u³ from single steps."""
    wanted = {"a0": 0.1, "a2": -0.3, "a3": 0.05}
    u = torch.linspace(-2, 2, 200)[:, None].expand(200, 5)
    target = 0.1 + 0.8 * u - 0.3 * u**2 + 0.05 * u**3
    errors = {}
    for model in (Polynomial(reset="none"), Leaky(reset="none")):
        layer = model.build((5,), dt=DT)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.03)
        for _ in range(400):
            _, after = layer.run(torch.zeros(1, 200, 5), u)
            loss = ((after - target) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        errors[type(model).__name__] = loss.item()
        if isinstance(model, Polynomial):
            learned = layer.quantities()
    assert errors["Polynomial"] < 1e-4 < errors["Leaky"]
    for name, value in wanted.items():
        torch.testing.assert_close(
            learned[name], torch.full((5,), value), atol=0.01, rtol=0
        )


def test_its_arithmetic_is_not_free() -> None:
    assert Polynomial().multiplications == 4
    assert Leaky().multiplications == 1
