"""The model card: what the most accurate network is, and is not, fit for."""

from typing import Any

import pandas as pd
import pytest

from pipeline.report import card, findings
from tests.privacy.made import GUARANTEE

Plain = dict[str, Any]


@pytest.fixture(autouse=True)
def persons(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pd.DataFrame({"balanced_accuracy": [0.5, 0.75, 1.0]})
    monkeypatch.setattr(findings, "subjects", lambda cell: table)


def dataset(**more: Any) -> Plain:
    return {
        "title": "Holter",
        "licence": "CC0",
        "hours": 2.5,
        "recordings": 3,
        "channels": [2],
        "sfreq": [250.0],
        "subjects": 40,
        "windows": {"N": 1200, "V": 30},
        "label_names": {"N": "normal"},
        "missing": [],
        "numbers": {"age": [21.0, 80.0]},
        **more,
    }


def cell(
    scheme: str = "cross_subject", source: str = "folder", **metrics: Any
) -> Plain:
    accuracy = {"value": 0.8, "low": 0.7, "high": 0.9}
    neuron = {"name": "leaky", "tau_mem_s": 0.02}
    settings = {"network": {"name": "convolutional"}, "neuron": neuron, "seed": 7}
    settings |= {"source": {"name": source}, "folds": {"scheme": scheme}}
    found = {"N": 0.9, "V": 0.4}
    return {
        "cell": "ecg-delta-lif",
        "encoder": "delta",
        "model": "lif",
        "labels": ["N", "V"],
        "run": {"settings": settings, "folds": [{"epochs": 9}], "run_key": "ab" * 32},
        "energy": {"counted": {"synapses": 1234, "footprint_bytes": 5600}, "int8": {}},
        "subgroups": [],
        "metrics": {
            "balanced_accuracy": accuracy,
            "subjects": 40,
            "int8": {"balanced_accuracy": {"value": 0.79}},
            "classes": {k: {"sensitivity": {"value": v}} for k, v in found.items()},
            "clock": {"near": False},
            **metrics,
        },
    }


def rows(here: Plain, model: Plain) -> dict[str, str]:
    shown = card.shown(here, model, confidence=0.95)
    return {row["term"]: row["text"] for row in shown["rows"]}


def test_a_card_states_what_is_known() -> None:
    text = rows(dataset(), cell())
    assert "Leaky integrate-and-fire" in text["Model"]
    assert "1,234 synapses, 5.6 kB in float32" in text["Model"]
    assert (
        "scheme cross_subject), seed 7, at most 9 epochs; run abab" in text["Training"]
    )
    assert "1,200 normal and 30 V. Licence: CC0." in text["Data"]
    assert text["Persons"] == (
        "40. Nobody is both trained on and tested in a fold. Stated: age 21 to 80."
    )
    assert "no medical device" in text["Intended use"]
    assert text["Scores"] == (
        "Balanced accuracy 80.0 % (95 % interval over 40 persons: 70.0 to 90.0 %); in "
        "int8 79.0 %; of a person 50.0 % at least, 75.0 % in the median, 100.0 % at "
        "most."
    )


def test_a_card_declares_the_delay_of_a_network_that_runs_on() -> None:
    for restart, delay_s, declared in (
        ("never", 0.056, " read up to 56 ms after its moment"),
        ("blocks", 0.056, " read up to 56 ms after its moment"),
        ("never", 0.0, ""),
        ("windows", 0.056, ""),  # of a window, the last steps may be lost instead
    ):
        model = cell()
        model["run"]["settings"]["network"]["restart"] = restart
        model["run"]["folds"] = [{"epochs": 9, "delay_s": delay_s}] * 2
        text = rows(dataset(), model)["Model"]
        assert declared in text
        assert ("It runs on" in text) is bool(declared)
    assert "It runs on" not in rows(dataset(), cell())["Model"]


def test_a_card_does_not_promise_what_is_not_known() -> None:
    unknown = rows(dataset(subjects=0, numbers={}), cell())
    assert unknown["Persons"] == "Unknown: nobody knows who was recorded."
    sessions = rows(dataset(numbers={}), cell("cross_session"))
    assert sessions["Persons"] == (
        "40. A person who is tested has other sessions in training. Nothing else is "
        "stated."
    )
    absent = {"value": None, "low": None, "high": None, "reason": "undefined: none"}
    text = rows(dataset(), cell(balanced_accuracy=absent))
    assert text["Scores"] == "None: undefined: none"


def test_limits_follow_from_the_findings() -> None:
    lines = card.limits(dataset(), cell())
    assert lines == [
        "Less than half is found of V (40 %).",
        "One seed: another one gives other networks and other figures.",
        "Energy is estimated from counted operations; no device was measured.",
    ]
    few = dataset(subjects=5, missing=[{"recording": "r1"}])
    model = cell(source="synthetic_ecg", absent={"F": "no"}, clock={"near": True})
    model["run"]["settings"]["network"]["restart"] = "blocks"
    model["energy"]["int8"] = {"absent": "exponentials"}
    text = " ".join(card.limits(few, model))
    for part in (
        "simulated", "5 persons: intervals are wide", "1 recording could not",
        "An oracle", "Not evaluated: F.", "better than the clock",
        "No int8 network: exponentials.",
    ):  # fmt: skip
        assert part in text


def test_a_reader_knows_the_caveats_before_any_number() -> None:
    plain = dataset(detector=None)
    assert card.caveats(plain, cell()) == [
        "Nobody is both trained on and tested in a fold.",
        "One seed.",
    ]
    oracle = cell("cross_session", "synthetic_ecg")
    oracle["run"]["settings"]["windows"] = {"kind": "beats", "beats": "annotated"}
    detected = dataset(detector={"sensitivity": 0.984})
    assert card.caveats(detected, oracle) == [
        "The recordings are simulated.",
        "An oracle: beats are where annotations place them, which no device has. A "
        "detector finds 98.4 %.",
        "A person who is tested has other sessions in training.",
        "One seed.",
    ]
    unknown = card.caveats(dataset(detector=None, subjects=0), cell())
    assert "Nobody knows who was recorded." in unknown


def test_strengths_of_a_local_rules_read_out_are_no_epochs() -> None:
    local = cell()
    local["run"]["settings"]["network"] = {"name": "convolutional", "rules": []}
    assert "at most 9 strengths of the read-out's" in rows(dataset(), local)["Training"]
    assert "at most 9 epochs" in rows(dataset(), cell())["Training"]


def test_a_card_states_what_is_certified_and_nothing_else() -> None:
    protected = cell()
    assert "ertified" not in str(card.shown(dataset(), protected, confidence=0.95))
    other = GUARANTEE | {"epsilon": 2.9, "delta": 7e-4, "persons": 140, "noise": 9.0}
    protected["run"]["folds"] = [
        {"fold": 0, "epochs": 9, "privacy": other},
        {"fold": 1, "epochs": 9, "privacy": GUARANTEE},
    ]
    rows = card.shown(dataset(), protected, confidence=0.95)["rows"]
    (training,) = (row["text"] for row in rows if row["term"] == "Training")
    assert "ε = 3.00, δ = 7.0e-04 for a person of the training role" in training
    largest = "Fold 1 has the largest ε: 300 steps, each of 8 of 150 persons on average"
    assert f"{largest}, noise of {GUARANTEE['noise']:.2f} clips" in training
