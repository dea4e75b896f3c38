"""What the `biospike` command prints of the last report."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from pipeline import __main__, files
from pipeline.runs import INT8_HEADLINE


def cell(name: str, int8: dict[str, Any]) -> dict[str, Any]:
    accuracy = {"value": 0.9125, "low": 0.8, "high": 0.95}
    rounded = {"value": 0.8765, "low": 0.7, "high": 0.9}
    metrics = {"balanced_accuracy": accuracy, "int8": {"balanced_accuracy": rounded}}
    return {
        "cell": name,
        "metrics": metrics,
        "uj_per_window": 0.06543,
        "energy": {"int8": int8},
    }


BILLED = {"estimated": {INT8_HEADLINE: {"energy_uj_per_window": 0.2345}}}


def test_a_cells_numbers_are_those_of_both_networks() -> None:
    floats = ("0.912", "0.800 to 0.950", "0.0654")
    assert __main__.summary_numbers(cell("a", BILLED)) == (*floats, "0.876", "0.234")
    none = cell("a", {"absent": "exponentials"})
    del none["metrics"]["int8"]
    assert __main__.summary_numbers(none) == (*floats, "absent", "absent")
    none["metrics"]["balanced_accuracy"]["low"] = None
    assert __main__.summary_numbers(none)[1] == "absent"


def test_the_summary_has_a_row_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    cells = [cell("ecg_demo-delta-lif", BILLED), cell("b", {"absent": "exponentials"})]
    details = {"cells": cells, "interval": {"confidence": 0.95}}
    files.save_json(files.folder("report", "details.json"), details)
    __main__.summary(argparse.Namespace())
    rows = capsys.readouterr().out.splitlines()
    (first,) = [row for row in rows if "ecg_demo-delta-lif" in row]
    assert "0.876" in first
    assert "0.234" in first
