"""What the `biospike` command prints of the last report."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from pipeline import __main__, config, files, tracking
from pipeline.errors import ConfigError, MachineError
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


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two cells of the grid that were trained here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BIOSPIKE_TRACKING", raising=False)
    names = [f"ecg_demo-delta-{model}" for model in ("lif", "ann")]
    for name in names:
        files.save_json(files.folder("runs", name) / "run.json", {})
    monkeypatch.setattr(config, "load", lambda: config.Params(PARAMS))
    return names


PARAMS = {
    "grid": {"dataset": ["ecg_demo"], "encoder": ["delta"], "model": ["lif", "ann"]}
}


@pytest.mark.parametrize("n_logged", [0, 1, 2])
def test_publish_fails_unless_all_is_logged(
    runs: list[str], monkeypatch: pytest.MonkeyPatch, n_logged: int
) -> None:
    asked: list[str] = []

    def publish(cell: str) -> bool:
        asked.append(cell)
        return len(asked) <= n_logged

    monkeypatch.setattr(tracking, "publish", publish)
    if n_logged == 2:
        __main__.publish(argparse.Namespace())
    else:
        with pytest.raises(MachineError, match=f"{n_logged} of 2 cells are logged"):
            __main__.publish(argparse.Namespace())
    assert asked == runs[: n_logged + 1]  # a store that does not answer is asked once


def test_publish_with_tracking_off_logs_nothing_and_fails(
    runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    with pytest.raises(ConfigError, match="BIOSPIKE_TRACKING: it is off"):
        __main__.publish(argparse.Namespace())
