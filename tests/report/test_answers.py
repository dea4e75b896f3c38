"""What the report answers first: the best model, and whether it matters."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from pipeline.plots.scores import scores
from pipeline.report import answers

Plain = dict[str, Any]
CONVOLUTIONAL = {"name": "convolutional"}
LINEAR = {"name": "dense", "units": []}


def cell(
    model: str,
    value: float | None,
    neuron: str = "leaky",
    network: Plain = CONVOLUTIONAL,
    **more: Any,
) -> Plain:
    """What the answer reads of a cell; by default of 6 persons, above the clock."""
    spiking = neuron != "relu" and network != LINEAR
    accuracy = {"value": value, "low": 0.6, "high": 0.9}
    clock = {"difference": 0.3, "p": 0.002, "near": False}
    bill = {"memory_45nm_int8": {"energy_uj_per_window": 1.0 if spiking else 4.0}}
    return {
        "cell": f"ecg-delta-{model}",
        "encoder": "delta",
        "model": model,
        "spiking": spiking,
        "matched_ann": "ecg-delta-ann" if spiking else None,
        "run": {"settings": {"network": network, "neuron": {"name": neuron}}},
        "metrics": {"balanced_accuracy": accuracy, "clock": clock, "subjects": 6},
        "energy": {"int8": {"estimated": bill}},
        **more,
    }


def paired(first: str, second: str, difference: float | None, p: float | None) -> Plain:
    """A paired test, the reason where there is none."""
    models = {"encoder": "delta", "models": [first, second], "difference": difference}
    return models | {"p_holm": p, "reason": "" if p is not None else "unknown persons"}


def answered(cells: list[Plain], tests: list[Plain]) -> tuple[str, list[str]]:
    found = answers.shown(cells, tests, confidence=0.95)
    return " ".join(found["sentences"]), found["level"]


LIF, ANN = cell("lif", 0.8), cell("ann", 0.78, "relu")
READ_OUT = cell("linear", 0.6, "relu", LINEAR)


def test_the_best_model_is_compared_with_each_reference() -> None:
    tests = [paired("ann", "lif", -0.02, 0.4), paired("lif", "linear", 0.2, 0.0004)]
    text, level = answered([LIF, READ_OUT, ANN], tests)
    assert text == (
        "delta · lif has the highest balanced accuracy, 80.0 % (95 % interval over 6 "
        "persons: 60.0 to 90.0 %). Paired tests: better than linear (linear read-out, "
        "+20.0 points, corrected p < 0.001); no significant difference from ann (ANN, "
        "+2.0 points, corrected p = 0.400). It is better than the clock, which sees no "
        "signal (+30.0 points, p = 0.002). In int8, lif takes an estimated 0.25 times "
        "the energy of ann (the same network without spikes; memory included)."
    )
    assert level == ["ecg-delta-lif", "ecg-delta-ann"]


def test_a_model_may_be_worse_on_the_windows_that_both_predicted() -> None:
    text, level = answered([LIF, ANN], [paired("lif", "ann", -0.1, 0.01)])
    assert "Paired tests: worse than ann (ANN, −10.0 points, corrected" in text
    assert level == ["ecg-delta-lif"]


def test_a_best_model_without_spikes_stands_beside_the_best_with_them() -> None:
    best, stdp = cell("ann", 0.9, "relu"), cell("stdp", 0.85, matched_ann=None)
    tests = [paired("ann", "lif", 0.1, 0.2), paired("ann", "stdp", 0.05, 0.3)]
    text, _ = answered([LIF, best, stdp], tests)
    assert "lif (leaky integrate-and-fire, +10.0" in text
    assert "stdp (the most accurate with spikes, +5.0" in text
    assert "In int8, lif takes" in text  # stdp has no network without spikes beside it


def test_one_model_alone_is_compared_with_the_clock_only() -> None:
    text, level = answered([LIF], [])
    assert "aired tests" not in text
    assert "int8" not in text
    assert text.endswith("sees no signal (+30.0 points, p = 0.002).")
    assert level == []


def test_models_of_another_encoder_are_no_rivals() -> None:
    text, _ = answered([LIF, ANN | {"encoder": "rate"}], [])
    assert "ann" not in text


def test_unknown_persons_have_no_interval_and_no_test() -> None:
    accuracy = {"value": 0.8, "low": None, "high": None, "reason": "no interval: none"}
    clock = {"difference": 0.3, "p": None, "near": False}
    unknown = cell("lif", 0.8, metrics={"balanced_accuracy": accuracy, "clock": clock})
    text, level = answered([unknown, ANN], [paired("ann", "lif", None, None)])
    assert "80.0 % (no interval: none)." in text
    assert "Its difference from the other models is not tested: unknown persons" in text
    assert "It is above the clock, which sees no signal (not tested, +30.0" in text
    assert level == []


@pytest.mark.parametrize(
    ("difference", "p", "verdict"),
    [
        (0.02, 0.3, "It has no significant difference from the clock"),
        (-0.2, 0.01, "It is worse than the clock"),
        (-0.2, 0.3, "It has no significant difference from the clock"),
    ],
)
def test_the_clock_may_be_as_good(difference: float, p: float, verdict: str) -> None:
    clock = {"difference": difference, "p": p, "near": True}
    near = cell("lif", 0.8, metrics=LIF["metrics"] | {"clock": clock})
    assert verdict in answered([near], [])[0]


def test_an_absent_accuracy_has_its_reason() -> None:
    absent = {"value": None, "low": None, "high": None, "reason": "undefined: nothing"}
    none = cell("lif", None, metrics=LIF["metrics"] | {"balanced_accuracy": absent})
    assert answered([none], []) == (
        "No model has a balanced accuracy: undefined: nothing.",
        [],
    )
    assert answered([none, ANN], [])[0].startswith("delta · ann has the highest")


@pytest.mark.parametrize("bill", [{"absent": "no int8"}, {"estimated": {}}])
def test_no_ratio_without_both_energies(bill: Plain) -> None:
    without = LIF | {"energy": {"int8": bill}}
    assert "energy" not in answered([without, ANN], [])[0]
    assert "energy" not in answered([LIF, ANN | {"energy": {"int8": bill}}], [])[0]


def test_models_are_drawn_from_the_highest_to_the_lowest() -> None:
    rows = [
        {"title": "a", "spiking": True, "value": 0.6, "low": 0.5, "high": 0.7},
        {"title": "b $x$", "spiking": False, "value": 0.8, "low": None, "high": None},
        {"title": "c", "spiking": True, "value": None, "low": None, "high": None},
    ]
    drawn = scores(rows, chance=0.5, clock=0.55)
    assert drawn
    assert ElementTree.fromstring(drawn.svg).tag.endswith("svg")
    assert re.search(r"b \$x\$ 80\.0; a 60\.0 \(50\.0 to 70\.0\); guess", drawn.alt)
    assert "the best clock 55.0" in drawn.alt
    assert scores(rows[2:], chance=0.5, clock=0.55) is None
