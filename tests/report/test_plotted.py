"""The tables and templates of `dvc plots`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from ruamel.yaml import YAML

from pipeline import files
from pipeline.report import plotted

ROOT = Path(__file__).parents[2]
CELLS = ("a-delta-lif", "a-delta-ann")


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, pd.DataFrame]:
    """The tables of two cells, the second of which has no energy."""
    monkeypatch.chdir(tmp_path)
    history = pd.DataFrame(
        {"fold": [0, 0], "epoch": [1, 2], "validation_balanced_accuracy": [0.5, 0.6]}
    )
    confusion = pd.DataFrame(
        {
            "label": ["N", "N", "V", "V"],
            "predicted": ["N", "V", "N", "V"],
            "windows": [3, 1, 0, 0],
        }
    )
    for cell in CELLS:
        files.save_csv(files.folder("runs", cell) / "history.csv", history)
        files.save_csv(files.folder("metrics", cell) / "confusion.csv", confusion)
    accuracy = {"balanced_accuracy": {"value": 0.8}}
    common = {"dataset": "a", "metrics": accuracy}
    cells = [
        {"cell": CELLS[0], "model": "lif", "uj_per_window": 0.1, **common},
        {"cell": CELLS[1], "model": "ann", "uj_per_window": None, **common},
    ]
    plotted.write(cells, Path("plots"))
    return {path.stem: pd.read_csv(path) for path in Path("plots").iterdir()}


def test_all_cells_are_in_one_table(tables: dict[str, pd.DataFrame]) -> None:
    assert tables["learning"]["cell"].tolist() == [*CELLS[:1] * 2, *CELLS[1:] * 2]
    assert tables["energy"]["cell"].tolist() == [CELLS[0]]
    shares = tables["confusion"].query("cell == 'a-delta-ann'")["share"]
    assert shares.tolist() == [0.75, 0.25, 0, 0]


def test_dvc_finds_the_columns_and_templates(tables: dict[str, pd.DataFrame]) -> None:
    plots: list[dict[str, Any]] = YAML(typ="safe").load(ROOT / "dvc.yaml")["plots"]
    drawn = {Path(path).stem: plot for each in plots for path, plot in each.items()}
    assert set(drawn) == set(tables)
    for name, plot in drawn.items():
        assert {plot["x"], plot["y"]} <= set(tables[name])
        text = (ROOT / ".dvc/plots" / f"{plot['template']}.json").read_text()
        fields = set(fields_of(json.loads(text))) - {"rev"}
        drawn_from = {field for field in fields if not field.startswith("<DVC_")}
        assert drawn_from
        assert drawn_from <= set(tables[name])


def fields_of(spec: Any) -> Iterator[str]:
    """The columns that a template names."""
    for key, value in spec.items() if isinstance(spec, dict) else enumerate(spec):
        if key == "field":
            yield value
        elif isinstance(value, dict | list):
            yield from fields_of(value)
