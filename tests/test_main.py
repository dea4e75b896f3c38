"""What the `biospike` command prints of the last report."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from pipeline import __main__, files
from pipeline.runs import INT8_HEADLINE


def cell(name: str, int8: dict[str, Any], near: bool = False) -> dict[str, Any]:
    accuracy = {"value": 0.9125, "low": 0.8, "high": 0.95}
    rounded = {"value": 0.8765, "low": 0.7, "high": 0.9}
    metrics = {"balanced_accuracy": accuracy, "int8": {"balanced_accuracy": rounded}}
    trees = {"value": 0.6543, "low": 0.6, "high": 0.7}
    metrics |= {
        "prior": {"value": 0.25},
        "clock": {"best": "trees", "trees": trees, "near": near},
    }
    dataset, encoder, model = name.split("-")
    return {
        "cell": name,
        "dataset": dataset,
        "encoder": encoder,
        "model": model,
        "metrics": metrics,
        "uj_per_window": 0.06543,
        "energy": {"int8": int8},
    }


BILLED = {"estimated": {INT8_HEADLINE: {"energy_uj_per_window": 0.2345}}}


def test_a_cells_numbers_are_those_of_both_networks() -> None:
    floats = ("0.912", "0.800 to 0.950", "0.0654")
    billed = cell("a-b-c", BILLED)
    assert __main__.summary_numbers(billed) == (*floats, "0.876", "0.234")
    none = cell("a-b-c", {"absent": "exponentials"})
    del none["metrics"]["int8"]
    assert __main__.summary_numbers(none) == (*floats, "absent", "absent")
    none["metrics"]["balanced_accuracy"]["low"] = None
    assert __main__.summary_numbers(none)[1] == "absent"


def test_the_summary_has_a_row_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    absent = {"absent": "exponentials"}
    cells = [cell("ecg_demo-delta-lif", BILLED), cell("b-delta-lif", absent, near=True)]
    details = {"cells": cells, "interval": {"confidence": 0.95}}
    files.save_json(files.folder("report", "details.json"), details)
    __main__.summary(argparse.Namespace())
    rows = capsys.readouterr().out.splitlines()
    (first,) = [row for row in rows if "ecg_demo-delta-lif" in row]
    assert "0.876" in first
    assert "0.234" in first
    (clock,) = [row for row in rows if "ecg_demo clock" in row]
    assert clock.split()[2:] == ["0.654", "0.600", "to", "0.700"]
    (prior,) = [row for row in rows if "ecg_demo prior" in row]
    assert prior.split()[2:] == ["0.250"]
    assert rows[0].startswith("b: The place in the recording alone, without any signal")
    assert "delta · lif (91.2 %) is not shown to be better" in " ".join(rows[:3])
    assert not any(row.startswith("ecg_demo:") for row in rows)
