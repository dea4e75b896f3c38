"""Estimated energy: the published costs times the counts, by hand."""

from dataclasses import replace

import pytest

from pipeline.profiling.cost_tables import tables, tables_for
from pipeline.profiling.counts import Counted, Neurons, Synapses
from pipeline.profiling.energy import encoder_energy, estimate, estimates
from pipeline.profiling.words import NeuronStore, SynapseStore

FP32 = tables()["horowitz_45nm_fp32"]
INT8 = tables()["horowitz_45nm_int8"]
COUNTED = Counted(
    n_windows=10,
    window_s=0.5,
    synapses=(
        Synapses("first", 3_000, 9_000, False, 90, 0),
        Synapses("second", 200, 9_000, True, 90, 0, hidden=True),
    ),
    neurons=(
        Neurons("neurons", 700, 2_100, 700, 70, rescalings=40, shifted_additions=1_900),
    ),
    parameters=180,
    footprint_bytes=720,
)
SPIKES_ONLY = replace(
    COUNTED,
    synapses=(COUNTED.synapses[0], replace(COUNTED.synapses[1], graded=False)),
    neurons=(Neurons("neurons", 700, 700, 700, 70),),
)


def test_a_window_by_hand() -> None:
    bill = estimate(COUNTED, None, FP32)
    expected = (3_000 * 0.9 + (200 + 2_100) * 4.6) / 10 * 1e-12
    assert bill["energy_j_per_window"] == pytest.approx(expected)
    assert bill["energy_uj_per_window"] == pytest.approx(expected * 1e6)
    assert bill["energy_j_per_second"] == pytest.approx(2 * expected)
    assert sum(bill["parts_j_per_window"].values()) == pytest.approx(expected)


def test_integers_by_hand_membranes_in_their_own_width() -> None:
    parts = estimate(COUNTED, None, INT8)["parts_j_per_window"]
    assert parts == pytest.approx(
        {
            "accumulates": 300 * 0.03e-12,
            "multiply_accumulates": 20 * 0.23e-12,
            "membrane_updates": 210 * 3.2e-12 + 190 * 0.2e-12,
            "rescalings": 4 * 3.2e-12,
        }
    )


def test_without_hidden_spikes_by_hand() -> None:
    bill = estimate(COUNTED, None, FP32)
    expected = (3_000 * 0.9 + 2_100 * 4.6) / 10 * 1e-12
    assert bill["without_hidden_spikes_j_per_window"] == pytest.approx(expected)


def test_what_has_no_cost_is_named() -> None:
    assert estimate(COUNTED, None, FP32)["not_billed"] == [
        "rescalings",
        "spikes",
        "addresses",
        "memory",
    ]


def test_memory_by_hand() -> None:
    """Small memories cost 10 pJ for 64 bits; weights here fill 32 kB, at 20 pJ."""
    counted = replace(
        COUNTED,
        synapses=(
            Synapses(
                "first", 3_000, 9_000, False, 32_768, 0,
                inputs=640, outputs=50, biases=50,
                store=SynapseStore(32_768, 8, 5, weight_bits=8, value_bits=8),
            ),
        ),
        neurons=(
            Neurons(
                "neurons", 700, 700, 700, 70, store=NeuronStore(5, 2, 2, 2, constants=3)
            ),
        ),
    )  # fmt: skip
    parts = estimate(counted, None, tables()["memory_45nm_int8"])["parts_j_per_window"]
    bit = 10e-12 / 64 / 10  # of ten windows
    assert {k: v for k, v in parts.items() if "memory" in k} == pytest.approx(
        {
            "memory_weights": 2 * bit * 3_000 * 8,
            "memory_biases": bit * 50 * 32,
            "memory_sums": bit * 2 * 50 * 32,
            "memory_spikes": bit * (9_000 // 5 + 700),
            "memory_states": bit * 2 * 700 * 2 * 32,
            "memory_constants": bit * 700 * 3 * 32,
        }
    )
    assert parts["addresses"] == pytest.approx(300 * 0.1e-12)


def test_loihi_and_the_survey_by_hand() -> None:
    loihi, survey = (
        estimate(SPIKES_ONLY, None, tables()[name]) for name in ("loihi", "survey")
    )
    expected = (3_200 * 23.6 + 700 * 81 + 70 * 1.7) / 10 * 1e-12
    assert loihi["energy_j_per_window"] == pytest.approx(expected)
    # E_syn 0.1; E_leak 3.1 + 0.1 and E_thr 0.1
    expected = (3_200 * 0.1 + 700 * 3.3) / 10 * 1e-12
    assert survey["energy_j_per_window"] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["loihi", "survey"])
def test_tables_of_spikes_do_not_bill_graded_values(name: str) -> None:
    bill = estimate(COUNTED, None, tables()[name])
    assert "graded values" in bill["absent"]
    assert "energy_uj_per_window" not in bill


def test_neurons_that_a_chip_does_not_have_are_not_billed() -> None:
    polynomial = replace(SPIKES_ONLY, neurons=COUNTED.neurons)
    assert "equations" in estimate(polynomial, None, tables()["loihi"])["absent"]
    assert "absent" not in estimate(polynomial, None, tables()["survey"])


def test_nothing_spikes_nothing_is_billed_by_spikes() -> None:
    linear = replace(SPIKES_ONLY, neurons=())
    assert "no spiking" in estimate(linear, None, tables()["survey"])["absent"]


@pytest.mark.parametrize("numbers", ["float32", "int8"])
def test_every_table_for_such_numbers_is_billed(numbers: str) -> None:
    billed = estimates(SPIKES_ONLY, None, numbers)  # type: ignore[arg-type]
    assert list(billed) == list(tables_for(numbers))  # type: ignore[arg-type]
    assert all(bill["energy_uj_per_window"] > 0 for bill in billed.values())


def test_the_encoder_stands_apart() -> None:
    with_encoder = estimate(COUNTED, {"addition": 1_000}, FP32)
    without = estimate(COUNTED, None, FP32)
    assert with_encoder["energy_j_per_window"] == without["energy_j_per_window"]
    assert with_encoder["encoder"] == pytest.approx(
        {"energy_j_per_window": 0.9e-9, "energy_j_per_second": 1.8e-9}
    )


def test_what_has_no_cost_is_absent_with_its_reason() -> None:
    assert "does not state" in encoder_energy(None, FP32, 1)["absent"]
    dice = encoder_energy({"random number": 5, "addition": 1}, FP32, 1)
    assert dice == {"absent": "the source gives no cost of: random number"}
