"""Discrete QIF: what its two critical points do."""

import pytest
import torch
from torch import Tensor

from pipeline.neurons.quadratic import Quadratic
from pipeline.testing import check_neuron

DT = 0.01


def _free_run(model: Quadratic, start: float, steps: int) -> tuple[Tensor, list[float]]:
    """Let one membrane go without input from u = start; gives spikes and u."""
    layer = model.build((1,), dt=DT)
    u1 = float(layer.quantities()["u1"])
    state = (torch.full((1, 1), start - u1),)
    spikes, course = [], []
    for _ in range(steps):
        fired, *state = layer(torch.zeros(1, 1), *state)
        spikes.append(fired)
        course.append(state[0].item() + u1)
    return torch.stack(spikes), course


@pytest.mark.parametrize(("u1", "u2"), [(0.0, 0.5), (-0.4, 0.3), (0.1, 0.9)])
def test_below_the_unstable_point_it_falls_to_rest(u1: float, u2: float) -> None:
    spikes, course = _free_run(Quadratic(u1=u1, u2=u2), u2 - 0.01, 300)
    assert not spikes.any()
    assert course[-1] == pytest.approx(u1, abs=1e-3)


@pytest.mark.parametrize(("u1", "u2"), [(0.0, 0.5), (-0.4, 0.3), (0.1, 0.9)])
def test_above_it_rises_by_itself_and_fires_once(u1: float, u2: float) -> None:
    spikes, course = _free_run(Quadratic(u1=u1, u2=u2), u2 + 0.01, 300)
    assert spikes.sum() == 1
    assert course[-1] == pytest.approx(u1, abs=1e-3)


def test_the_papers_example() -> None:
    """a = 0.25, u1 = 0, u2 = 0.5: one step is u + 0.25·u·(u − 0.5)."""
    tau = -DT / torch.log(torch.tensor(1 - 0.25 * 0.5)).item()
    model = Quadratic(tau_mem_s=tau, u1=0.0, u2=0.5)
    assert float(model.build((1,), dt=DT).quantities()["a"]) == pytest.approx(0.25)
    for u in (-0.5, 0.2, 0.5, 0.8):
        _, (after,) = _free_run(model, u, 1)
        assert after == pytest.approx(u + 0.25 * u * (u - 0.5), abs=1e-6)


def test_the_points_keep_their_order_whatever_is_learned() -> None:
    layer = Quadratic().build((6,), dt=DT)
    with torch.no_grad():
        for values in layer.learned.values():
            values += torch.linspace(-5, 3, 6)
    points = layer.quantities()
    assert (points["u1"] < points["u2"]).all()
    assert (points["u1"] < 1.0).all()
    beta = layer.constants()[0]
    assert ((beta >= 0) & (beta < 1)).all()


def test_the_contract_holds_elsewhere() -> None:
    check_neuron(Quadratic(u1=-0.3, u2=0.2, learned_per="layer"))


def test_points_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="u1 < u2"):
        Quadratic(u1=0.6, u2=0.5)
