"""What the report answers first: the best model, and whether it matters."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from pipeline.plots.scores import scores
from pipeline.report import answers
from pipeline.report.references import references

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
    clock = {"difference": 0.3, "low": 0.2, "high": 0.4, "p": 0.002, "near": False}
    clock |= {"best": "trees", "trees": {"value": 0.5}}
    bill = {"memory_45nm_int8": {"energy_uj_per_window": 1.0 if spiking else 4.0}}
    return {
        "cell": f"ecg-delta-{model}",
        "encoder": "delta",
        "model": model,
        "spiking": spiking,
        "matched_ann": "ecg-delta-ann" if spiking else None,
        "run": {"settings": {"network": network, "neuron": {"name": neuron}}},
        "metrics": {
            "balanced_accuracy": accuracy,
            "clock": clock,
            "subjects": 6,
            "classes": {},
        },
        "energy": {"int8": {"estimated": bill}},
        **more,
    }


def paired(first: str, second: str, difference: float | None, p: float | None) -> Plain:
    """A paired test with an interval of 10 points, the reason where there is none."""
    models = {"encoder": "delta", "models": [first, second], "difference": difference}
    ends = (None, None) if p is None else (difference - 0.05, difference + 0.05)
    interval = dict(zip(("low", "high"), ends, strict=True))
    reason = "" if p is not None else "unknown persons"
    return models | interval | {"p_holm": p, "p": p and p / 2, "reason": reason}


def answered(cells: list[Plain], tests: list[Plain]) -> Plain:
    return answers.shown(cells, tests, confidence=0.95)


def rows_of(answer: Plain) -> dict[str, tuple[str, str, float]]:
    return {
        row["title"]: (row["role"], row["group"], row["difference"])
        for row in [*answer["rows"], *filter(None, [answer.get("clock")])]
    }


LIF, ANN = cell("lif", 0.8), cell("ann", 0.78, "relu")
READ_OUT = cell("linear", 0.6, "relu", LINEAR)


def test_the_best_model_stands_beside_the_ann_of_its_own_network() -> None:
    other, plain = cell("aann", 0.7, "relu"), cell("alif", 0.6, matched_ann=None)
    chosen = references(LIF, [other, plain, LIF, ANN, cell("blif", 0.5)])
    assert [(each["model"], role) for each, role in chosen] == [
        ("ann", "ANN"), ("blif", "LIF")
    ]  # fmt: skip


def test_no_model_is_best_that_no_test_distinguishes_from_another() -> None:
    tests = [paired("ann", "lif", -0.02, 0.4), paired("lif", "linear", 0.2, 0.0004)]
    answer = answered([LIF, READ_OUT, ANN], tests)
    assert answer["headline"] == "No model is shown to be best."
    assert answer["details"] == (
        "lif has the highest balanced accuracy, 80.0 % (95 % interval over 6 "
        "persons: 60.0 to 90.0 %), without a significant difference from ann (78.0 %). "
        "lif is better than the clock, which sees no signal (50.0 %, p = "
        "0.002)."
    )
    assert rows_of(answer) == {
        "ann": ("ANN", "level", 0.02),
        "linear": ("linear read-out", "better", 0.2),
        "clock": ("no signal", "better", 0.3),
    }
    ann = answer["rows"][0]
    assert (ann["low"], ann["high"]) == pytest.approx((-0.03, 0.07))
    assert (ann["p"], ann["p_alone"]) == (0.4, 0.2)
    assert answer["energy"] == (
        "Of these models it also takes the least energy, an estimated 1 µJ a window in "
        "int8 with memory. In int8, lif takes an estimated 0.25 times the energy of "
        "ann (the same network without spikes; memory included)."
    )
    assert answer["level"] == ["ecg-delta-lif", "ecg-delta-ann"]


def test_the_best_model_is_better_than_all_others_of_its_encoder() -> None:
    tests = [paired("ann", "lif", -0.1, 0.01), paired("lif", "linear", 0.2, 0.0004)]
    answer = answered([LIF, READ_OUT, ANN], tests)
    assert answer["headline"] == "lif is best."
    assert (
        "to 90.0 %), and is better than each of the 2 others; than the closest, ann, "
        "by +10.0 points. lif is better than the clock"
    ) in answer["details"]
    assert answer["level"] == ["ecg-delta-lif"]
    assert "than the other; than" in answered([LIF, ANN], tests)["details"]
    other = cell("x", 0.7) | {"encoder": "rate"}
    answer = answered([LIF, ANN, other], tests)
    assert answer["headline"] == "delta · lif is best of the models with delta."
    assert "Models with other encoders are not tested" in answer["details"]


def test_few_persons_are_a_reason_for_no_difference() -> None:
    few = cell("lif", 0.8)
    few["metrics"] |= {"subjects": 5}
    answer = answered([few, ANN], [paired("lif", "ann", 0.02, 0.06)])
    why = "from ann (78.0 %); with fewer than 6 persons no test can find one."
    assert why in answer["details"]


def test_a_model_may_be_worse_on_the_windows_that_both_predicted() -> None:
    answer = answered([LIF, ANN], [paired("lif", "ann", -0.1, 0.01)])
    assert answer["headline"] == "No model is shown to be best."
    assert "but is worse than ann (78.0 %)." in answer["details"]
    assert rows_of(answer)["ann"] == ("ANN", "worse", -0.1)
    assert answer["level"] == ["ecg-delta-lif"]


def test_a_best_model_without_spikes_stands_beside_the_best_with_them() -> None:
    best, stdp = cell("ann", 0.9, "relu"), cell("stdp", 0.85, matched_ann=None)
    tests = [paired("ann", "lif", 0.1, 0.2), paired("ann", "stdp", 0.05, 0.3)]
    answer = answered([LIF, best, stdp], tests)
    assert rows_of(answer)["lif"] == ("LIF", "level", 0.1)
    assert rows_of(answer)["stdp"] == ("highest with spikes", "level", 0.05)
    assert "In int8, lif takes" in answer["energy"]  # stdp has no such network beside


def test_of_many_models_some_are_named() -> None:
    models = [cell(f"m{k}", 0.7 - k / 100) for k in range(5)]
    tests = [paired("lif", f"m{k}", 0.1, 0.2) for k in range(5)]
    text = answered([LIF, *models], tests)["details"]
    assert "from m0 (70.0 %), m1 (69.0 %), m2 (68.0 %) and 2 more." in text


def test_one_model_alone_is_compared_with_the_clock_only() -> None:
    answer = answered([LIF], [])
    assert "no other model of its encoder was evaluated." in answer["details"]
    assert answer["energy"] == ""
    assert list(rows_of(answer)) == ["clock"]
    assert answer["level"] == []


def test_models_of_another_encoder_are_no_rivals() -> None:
    answer = answered([LIF, ANN | {"encoder": "rate"}], [])
    assert "Models with other encoders are not tested against it." in answer["details"]
    assert list(rows_of(answer)) == ["clock"]


def test_unknown_persons_have_no_interval_and_no_test() -> None:
    accuracy = {"value": 0.8, "low": None, "high": None, "reason": "no interval: none"}
    unknown = cell("lif", 0.8)
    unknown["metrics"] |= {"balanced_accuracy": accuracy, "subjects": 0}
    unknown["metrics"]["clock"] |= {"p": None, "low": None, "high": None}
    answer = answered([unknown, ANN], [paired("ann", "lif", None, None)])
    for text in (
        "80.0 % (no interval: none); its difference from the others is not tested: "
        "unknown persons.",
        "lif is above the clock, which sees no signal (50.0 %, not tested).",
    ):
        assert text in answer["details"]
    assert list(rows_of(answer)) == ["clock"]
    assert answer["level"] == []


@pytest.mark.parametrize(
    ("difference", "p", "verdict", "group"),
    [
        (0.02, 0.3, "is not shown to be better than the clock", "level"),
        (-0.2, 0.01, "is worse than the clock", "worse"),
        (-0.2, 0.3, "is not shown to be better than the clock", "level"),
        (0.2, None, "is not shown to be better than the clock", "level"),
    ],
)
def test_the_clock_may_be_as_good(
    difference: float, p: float | None, verdict: str, group: str
) -> None:
    near = cell("lif", 0.8)
    near["metrics"]["clock"] |= {"difference": difference, "p": p, "near": True}
    answer = answered([near], [])
    assert answer["headline"].startswith(f"Nothing to compare. lif {verdict}")
    assert rows_of(answer)["clock"] == ("no signal", group, difference)


def test_an_absent_accuracy_has_its_reason() -> None:
    absent = {"value": None, "low": None, "high": None, "reason": "undefined: nothing"}
    none = cell("lif", None)
    none["metrics"]["balanced_accuracy"] = absent
    answer = answered([none], [])
    reason = "No model has a balanced accuracy: undefined: nothing."
    assert (answer["headline"], answer["rows"], answer["level"]) == (reason, [], [])
    text = answered([none, ANN], [])["details"]
    assert text.startswith("ann has the highest")


@pytest.mark.parametrize("bill", [{"absent": "no int8"}, {"estimated": {}}])
def test_no_ratio_without_both_energies(bill: Plain) -> None:
    without = LIF | {"energy": {"int8": bill}}
    assert answered([without, ANN], [])["energy"] == ""
    assert answered([LIF, ANN | {"energy": {"int8": bill}}], [])["energy"] == ""


def test_the_cheapest_of_those_without_a_difference_is_named() -> None:
    linear = READ_OUT | {"energy": {"int8": {"estimated": {
        "memory_45nm_int8": {"energy_uj_per_window": 0.016}}}}}  # fmt: skip
    level = [paired("lif", "linear", 0.2, 0.3), paired("ann", "lif", -0.02, 0.4)]
    energy = answered([LIF, ANN, linear], level)["energy"]
    assert energy.startswith(
        "Of these models linear takes the least energy, an estimated 0.016 µJ a window "
        "in int8 with memory; lif takes 62 times that."
    )
    large = linear | {"energy": {"int8": {"estimated": {
        "memory_45nm_int8": {"energy_uj_per_window": 123.4}}}}}  # fmt: skip
    many = LIF | {"energy": {"int8": {"estimated": {
        "memory_45nm_int8": {"energy_uj_per_window": 55_600.0}}}}}  # fmt: skip
    energy = answered([many, large], level)["energy"]
    assert "an estimated 120 µJ a window" in energy
    assert energy.endswith("lif takes 450 times that.")
    worse = [paired("lif", "linear", 0.2, 0.01), paired("ann", "lif", -0.02, 0.4)]
    assert "linear" not in answered([LIF, ANN, linear], worse)["energy"]


def test_the_hardest_class_is_that_with_the_lowest_f1() -> None:
    def row(f1: float | None) -> Plain:
        return {"f1": {"value": f1}, "sensitivity": {"value": 1.0}}

    classes = {"N": row(0.9), "S": row(0.4), "V": row(0.6), "F": row(None)}
    lif = LIF | {"metrics": LIF["metrics"] | {"classes": classes}}
    found = answered([lif, ANN], [])["hardest"]
    assert (found["label"], found["f1"]["value"]) == ("S", 0.4)
    assert answered([LIF], [])["hardest"] is None


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
