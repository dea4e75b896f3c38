"""Accuracy against energy of what was tried, drawn for the page and for MLflow."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import __main__, tradeoffs
from pipeline.errors import DataError
from pipeline.report import tradeoffs as report
from pipeline.tracking import sweep


def run(accuracy: float, energy: float, weight: str, **more: Any) -> dict[str, Any]:
    return {
        "cell": "ecg_demo-delta-lif",
        "run_key": f"{accuracy}{energy}{weight}",
        "encoder": "delta",
        "model": "lif",
        "balanced_accuracy": accuracy,
        "low": accuracy - 0.05,
        "high": accuracy + 0.05,
        "energy_uj": energy,
        "settings": {"model": "lif", "sparsity.hoyer_weight": weight},
        "upstream": "same",
        "data_digest": "same",
        **more,
    }


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An empty checkout; lists what MLflow would keep."""
    monkeypatch.chdir(tmp_path)
    calls: list[Any] = []
    monkeypatch.setattr(sweep, "keep", lambda *given: calls.append(given))
    monkeypatch.setattr(tradeoffs, "refresh", lambda: calls.append("page"))
    return calls


def known(monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any]) -> None:
    table = pd.DataFrame(rows, columns=list(run(0, 0, "")))
    monkeypatch.setattr(sweep, "points", lambda dataset: table)


def test_all_comparable_runs_are_drawn_and_tabulated(
    kept: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    known(
        monkeypatch,
        run(0.8, 0.3, "0.0"),
        run(0.7, 0.1, "0.1"),
        run(0.6, 0.2, "0.2"),  # beaten in both
        run(0.75, 0.25, "0.3", low=np.nan, high=np.nan),  # decided early
        run(0.9, np.nan, "0.4"),  # no int8
        run(0.95, 0.01, "0.5", upstream="other windows"),
    )
    path = tradeoffs.draw("ecg_demo")
    assert path == Path("data/tradeoffs/ecg_demo.svg")
    shown = report.shown("ecg_demo")
    assert shown is not None
    assert "</svg>" in shown.svg
    table = pd.read_csv(path.with_suffix(".csv"))
    assert table["energy_uj"].tolist() == [0.1, 0.2, 0.25, 0.3]
    assert table["front"].tolist() == [True, False, True, True]
    names = ["hoyer weight 0.1", "hoyer weight 0.2", "hoyer weight 0.3", "as it is"]
    assert table["name"].tolist() == names
    assert not {"settings", "upstream", "data_digest"} & set(table.columns)
    assert kept == [("ecg_demo", path, path.with_suffix(".csv")), "page"]


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (run(0.8, 0.3, "0.0"),),
        (run(0.8, 0.3, "0.0"), run(0.9, np.nan, "0.1")),
        (run(0.8, 0.3, "0.0"), run(0.9, 0.1, "0.1", data_digest="other spikes")),
    ],
)
def test_one_run_is_no_tradeoff(
    kept: list[Any], monkeypatch: pytest.MonkeyPatch, rows: tuple[dict[str, Any], ...]
) -> None:
    known(monkeypatch, *rows)
    with pytest.raises(DataError, match=f"{min(len(rows), 1)} finished runs with"):
        tradeoffs.draw("ecg_demo")
    assert kept == []
    assert report.shown("ecg_demo") is None


def test_the_command_reports_where_it_is(
    kept: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    known(monkeypatch, run(0.8, 0.3, "0.0"), run(0.7, 0.1, "0.1"))
    shutil.copy(Path(__file__).with_name("params.yaml"), "params.yaml")
    arguments = __main__.parser().parse_args(["tradeoff", "ecg_demo"])
    arguments.do(arguments)
    assert "wrote data/tradeoffs/ecg_demo.svg" in capsys.readouterr().err
