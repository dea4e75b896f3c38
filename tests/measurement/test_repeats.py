"""Net energy of repeats and its interval, in closed form."""

import pytest

from pipeline.measurement.repeats import Repeat, summary

QUIET = {"energy_j_per_window", "low", "high", "confidence", "repeats", "windows"}


def repeats(*net_j: float, idle_w: float = 10.0) -> list[Repeat]:
    """2 s idle, then 4 s of work that takes some joules more than idling."""
    return [Repeat(2 * idle_w, 2.0, 4 * idle_w + net, 4.0) for net in net_j]


def test_idling_is_subtracted_exactly() -> None:
    energy = summary(repeats(3.0, 3.0, 3.0), 6)
    assert energy["energy_j_per_window"] == energy["low"] == energy["high"] == 0.5
    assert (energy["idle_w"], energy["seconds"]) == (10.0, 4.0)
    assert (energy["repeats"], energy["windows"], energy["confidence"]) == (3, 6, 0.95)
    assert energy.keys() == QUIET | {"idle_w", "seconds"}


def test_each_repeat_has_its_own_idling() -> None:
    energy = summary([*repeats(3.0, idle_w=5.0), *repeats(3.0, idle_w=50.0)], 1)
    assert energy["energy_j_per_window"] == energy["low"] == 3.0


def test_the_interval_is_students() -> None:
    """Tabled: t = 4.3027 for two degrees of freedom, two-sided 95 %."""
    energy = summary(repeats(1.0, 2.0, 3.0), 1)
    half = 4.302653 / 3**0.5
    assert energy["energy_j_per_window"] == pytest.approx(2)
    assert energy["low"] == pytest.approx(2 - half, rel=1e-6)
    assert energy["high"] == pytest.approx(2 + half, rel=1e-6)


@pytest.mark.parametrize(
    ("net", "notes"),
    [
        ((-1.0, 1.5), ["the interval includes 0: it may be idling alone"]),
        (
            (-2.0, -2.0),
            ["negative: it took less than idling, so the machine was not quiet"],
        ),
    ],
    ids=["around 0", "negative"],
)
def test_nothing_is_clipped(net: tuple[float, ...], notes: list[str]) -> None:
    energy = summary(repeats(*net), 1, ["first"])
    assert energy["energy_j_per_window"] == pytest.approx(sum(net) / 2)
    assert energy["low"] < 0
    assert energy["notes"] == ["first", *notes]
