"""Estimated energy: the published costs times the counts, by hand."""

import pytest

from pipeline.profiling.counts import Counted, Neurons, Synapses
from pipeline.profiling.energy import TABLES, encoder_energy, estimate

TABLE = TABLES["horowitz_45nm_fp32"]
COUNTED = Counted(
    n_windows=10,
    window_s=0.5,
    synapses=(
        Synapses("first", 3_000, 9_000, False, 90, 0),
        Synapses("second", 200, 9_000, True, 90, 0),
    ),
    neurons=(Neurons("neurons", 700, 2_100, 700, 70),),
    parameters=180,
    footprint_bytes=720,
)


def test_a_window_by_hand() -> None:
    bill = estimate(COUNTED, None, TABLE)
    expected = (3_000 * 0.9 + (200 + 2_100) * 4.6) / 10 * 1e-12
    assert bill["energy_j_per_window"] == pytest.approx(expected)
    assert bill["energy_uj_per_window"] == pytest.approx(expected * 1e6)
    assert bill["energy_j_per_second"] == pytest.approx(2 * expected)
    assert sum(bill["parts_j_per_window"].values()) == pytest.approx(expected)


def test_the_table_is_horowitzs() -> None:
    assert TABLE.joules == {"addition": 0.9e-12, "multiplication": 3.7e-12}
    assert "10.1109/ISSCC.2014.6757323" in estimate(COUNTED, None, TABLE)["source"]


def test_the_encoder_stands_apart() -> None:
    with_encoder = estimate(COUNTED, {"addition": 1_000}, TABLE)
    without = estimate(COUNTED, None, TABLE)
    assert with_encoder["energy_j_per_window"] == without["energy_j_per_window"]
    assert with_encoder["encoder"]["energy_j_per_window"] == pytest.approx(0.9e-9)


def test_what_has_no_cost_is_absent_with_its_reason() -> None:
    assert "does not state" in encoder_energy(None, TABLE)["absent"]
    dice = encoder_energy({"random number": 5, "addition": 1}, TABLE)
    assert dice == {"absent": "the source gives no cost of a random number"}
