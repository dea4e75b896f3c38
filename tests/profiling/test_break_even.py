"""Break-even rates against closed forms, and against the counts of another rate."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.profiling.break_even import break_even
from pipeline.profiling.counts import Counted, Neurons, Synapses
from pipeline.profiling.describing import describe
from pipeline.profiling.energy import estimates
from pipeline.profiling.words import SynapseStore

TABLE = "horowitz_45nm_int8"
STORE = SynapseStore(weights=100)


def bill(counted: Counted) -> dict[str, Any]:
    return {
        "counted": describe(counted),
        "estimated": estimates(counted, None, "int8"),
    }


def snn(rate: float, input_acs: int = 1_000, updates: int = 100) -> Counted:
    """Hidden neurons of which each spike meets 50 weights."""
    fired = round(rate * updates)
    return Counted(
        n_windows=1,
        window_s=1.0,
        synapses=(
            Synapses("in", input_acs, 10_000, False, 100, 0, store=STORE),
            Synapses("out", 50 * fired, 5_000, False, 100, 0, hidden=True, store=STORE),
        ),
        neurons=(Neurons("hidden", updates, updates, updates, fired),),
        parameters=0,
        footprint_bytes=0,
    )


def ann(macs: int) -> Counted:
    return replace(
        snn(0),
        synapses=(Synapses("all", macs, 10_000, True, 100, 0, store=STORE),),
        neurons=(Neurons("hidden", 0, 0, 100, 60),),
    )


# 1000 accumulates and 100 updates: 30 + 320 pJ; at rate 1, 50·100 more accumulates.
FIXED, SLOPE, MAC = 350.0, 150.0, 0.23


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.9])
@pytest.mark.parametrize("macs", [1_600, 1_800, 2_000])
def test_the_closed_form(rate: float, macs: int) -> None:
    result = break_even(bill(snn(rate)), bill(ann(macs)), TABLE)
    energy, budget = FIXED + SLOPE * rate, MAC * macs
    assert result["ratio"] == pytest.approx(energy / budget)
    assert result["rate"] == pytest.approx(rate)
    assert result["break_even_rate"] == pytest.approx((budget - FIXED) / SLOPE)
    assert result["fixed_ratio"] == pytest.approx(FIXED / budget)


@pytest.mark.parametrize("table", ["horowitz_45nm_int8", "memory_45nm_int8"])
def test_at_the_break_even_rate_both_cost_the_same(table: str) -> None:
    budget = replace(ann(0), synapses=snn(0.4).synapses, neurons=snn(0.4).neurons)
    result = break_even(bill(snn(0.9)), bill(budget), table)
    assert result["break_even_rate"] == pytest.approx(0.4)


def test_above_break_even_it_says_so() -> None:
    result = break_even(bill(snn(0.9)), bill(ann(1_600)), TABLE)
    assert result["sentence"] == (
        "at its 0.9 spikes a neuron and step it takes 1.3 times the energy of its "
        "matched int8 ANN; below 0.12 it would take less"
    )


def test_below_break_even_it_says_when_that_ends() -> None:
    sentence = break_even(bill(snn(0.1)), bill(ann(1_600)), TABLE)["sentence"]
    assert sentence.endswith("it takes 0.99 times the energy of its matched int8 ANN; "
                         "above 0.12 it would take more")  # fmt: skip


def test_where_the_fixed_part_alone_costs_more_no_rate_would_do() -> None:
    result = break_even(bill(snn(0.5)), bill(ann(1_000)), TABLE)
    assert result["break_even_rate"] is None
    assert "without hidden spikes, too, it would take" in result["sentence"]
    assert "1.5 times as much" in result["sentence"]


def test_some_cost_less_at_any_rate() -> None:
    result = break_even(bill(snn(0.5)), bill(ann(9_000)), TABLE)
    assert result["break_even_rate"] > 1
    assert result["sentence"].endswith("it would take less at any rate")


def test_silence_has_no_slope() -> None:
    result = break_even(bill(snn(0.0)), bill(ann(9_000)), TABLE)
    assert result["break_even_rate"] is None
    assert "do not fire" in result["sentence"]


def test_spikes_a_synapse_and_a_use() -> None:
    result = break_even(bill(snn(0.4)), bill(ann(1_600)), TABLE)
    assert result["spikes_per_synapse"] == pytest.approx((1_000 + 50 * 40) / 200)
    assert result["spikes_per_use"] == pytest.approx((1_000 + 50 * 40) / 15_000)


def test_what_is_absent_stays_absent() -> None:
    assert "graded" in break_even(bill(snn(0.4)), bill(ann(1_600)), "loihi")["absent"]
    assert break_even({"absent": "why"}, bill(ann(1)), TABLE) == {"absent": "why"}
    assert "no spiking" in break_even(bill(ann(5)), bill(ann(5)), TABLE)["absent"]
    unknown = break_even(bill(snn(0.4)), bill(ann(5)), "abacus")
    assert unknown == {"absent": "it is not billed by this table"}
