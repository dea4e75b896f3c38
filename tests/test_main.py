"""What the `biospike` command prints, asks for and refuses."""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import __main__, cells, config, files, summary, tracking, tradeoffs
from pipeline.checkout import check_here
from pipeline.errors import ConfigError, DataError, MachineError
from pipeline.grid import Grid
from pipeline.runs import INT8_HEADLINE


def cell(name: str, int8: dict[str, Any], near: bool = False) -> dict[str, Any]:
    accuracy = {"value": 0.9125, "low": 0.8, "high": 0.95}
    rounded = {"value": 0.8765, "low": 0.7, "high": 0.9}
    metrics: dict[str, Any] = {"balanced_accuracy": accuracy, "subjects": 9}
    metrics["int8"] = {"balanced_accuracy": rounded}
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
    assert summary.summary_numbers(billed) == (*floats, "0.876", "0.234")
    none = cell("a-b-c", {"absent": "exponentials"})
    del none["metrics"]["int8"]
    assert summary.summary_numbers(none) == (*floats, "absent", "absent")
    none["metrics"]["balanced_accuracy"]["low"] = None
    assert summary.summary_numbers(none)[1] == "absent"


def test_the_summary_has_a_row_a_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    absent = {"absent": "exponentials"}
    cells = [cell("ecg_demo-delta-lif", BILLED), cell("b-delta-lif", absent, near=True)]
    details = {"cells": cells, "interval": {"confidence": 0.95}}
    files.save_json(files.folder("report", "details.json"), details)
    summary.show()
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
    cells[0]["metrics"]["subjects"] = 0
    files.save_json(files.folder("report", "details.json"), details)
    summary.show()
    marked = "ecg_demo: nobody knows who was recorded: no clinical result"
    assert capsys.readouterr().out.splitlines()[0] == marked


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
    "grid": {
        "dataset": ["ecg_demo"],
        "encoder": ["delta"],
        "model": ["lif", "ann"],
        "audit": {"dataset": [], "encoder": [], "model": []},
    }
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


Command = Callable[..., tuple[int, str]]
COMMANDS = (
    "add",
    "cells",
    "check",
    "encode",
    "export",
    "measure",
    "new-dataset",
    "publish",
    "schema",
    "show",
    "summary",
    "tradeoff",
    "ui",
)


@pytest.fixture
def biospike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run the command in a checkout with our settings and no results."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copy(Path(__file__).parents[1] / name, name)
    monkeypatch.setattr(__main__.stopping, "install", lambda: None)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["biospike", *words])
        code = 0
        try:
            __main__.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def make(cell: str, *stages: str, accuracy: float = 0.8765) -> None:
    """Write what the stages make of a cell, as far as it is looked at."""
    for stage in stages:
        folder, name = cells.MADE[stage]
        content = {"balanced_accuracy": {"value": accuracy}}
        files.save_json(files.folder(folder, cell) / name, content)


def test_the_cells_are_listed_with_what_is_missing(biospike: Command) -> None:
    make("ecg_demo-delta-lif", "train", "evaluate", "profile")
    make("ecg_demo-delta-ann", "train", "profile")
    make("old-delta-lif", "train")
    code, printed = biospike("cells")
    assert code == 0
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines()}
    assert rows["ecg_demo-delta-lif"] == ["yes", "yes", "yes", "0.876"]
    assert rows["ecg_demo-delta-ann"] == ["yes", "-", "yes"]
    assert rows["emg_demo-delta-lif"] == ["-", "-", "-"]
    lines = [line.strip() for line in printed.splitlines()]
    assert "dvc repro evaluate@ecg_demo-delta-ann" in lines
    assert "dvc repro evaluate@emg_demo-delta-lif profile@emg_demo-delta-lif" in lines
    assert not any("@ecg_demo-delta-lif" in line for line in lines)
    (others,) = [line for line in lines if "not in the grid" in line]
    assert others.endswith(": old-delta-lif")
    assert max(map(len, lines[:17])) <= 80


def test_in_a_new_checkout_one_cell_is_the_example(biospike: Command) -> None:
    _, printed = biospike("cells")
    commands = [line for line in printed.splitlines() if "dvc repro" in line]
    assert [line.strip() for line in commands] == [
        "dvc repro",
        "dvc repro evaluate@ecg_demo-delta-lif profile@ecg_demo-delta-lif",
        "dvc repro train@ecg_demo-delta-lif",
    ]
    assert "not in the grid" not in printed


def test_where_nothing_is_missing_no_command_is_listed(biospike: Command) -> None:
    grid: Grid = config.read().read("grid")
    for cell in grid.cells():
        make(str(cell), "train", "evaluate", "profile")
    assert "dvc repro" not in biospike("cells")[1]


def test_every_target_that_is_listed_is_one_of_dvc(biospike: Command) -> None:
    """`cells` names the stages of dvc.yaml, whose matrix makes the cells."""
    from ruamel.yaml import YAML

    stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
    for stage, (folder, _) in cells.MADE.items():
        assert list(stages[stage]["matrix"]) == ["dataset", "encoder", "model"]
        assert stages[stage]["outs"][0].startswith(f"data/{folder}/")


@pytest.mark.parametrize(
    "words", [("export", "CELL", "--target", "nir"), ("measure", "CELL")]
)
@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("ecg_demo-delta-lfi", "did you mean 'ecg_demo-delta-lif'?"),
        ("old-delta-lf", "did you mean 'old-delta-lif'?"),
        ("nonsense", "one of the 16 that `biospike cells` lists"),
        ("ecg_demo-delta-ann", "run `dvc repro train@ecg_demo-delta-ann`"),
    ],
)
def test_a_cell_that_is_not_there_is_refused(
    biospike: Command, words: tuple[str, ...], cell: str, message: str
) -> None:
    make("old-delta-lif", "train")
    code, printed = biospike(*(cell if word == "CELL" else word for word in words))
    assert code == 2
    assert message in printed


def test_a_trained_cell_is_taken_in_the_grid_or_not(biospike: Command) -> None:
    make("old-delta-lif", "train")
    make("ecg_demo-delta-lif", "train")
    for cell in ("old-delta-lif", "ecg_demo-delta-lif"):
        cells.check_trained(cell)
    with pytest.raises(DataError, match="has not been trained here"):
        cells.check_trained("ecg_demo-delta-ann")


def test_the_tradeoff_is_of_a_data_set_that_there_is(
    biospike: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tradeoffs, "draw", lambda dataset: f"{dataset}.svg")
    make("old-delta-lif", "train")
    for dataset in ("ecg_demo", "mitdb", "old"):
        code, printed = biospike("tradeoff", dataset)
        assert (code, f"wrote {dataset}.svg" in printed) == (0, True)
    code, printed = biospike("tradeoff", "ecgdemo")
    assert code == 2
    assert "did you mean 'ecg_demo'?" in printed


def test_check_knows_which_data_set_was_meant(biospike: Command) -> None:
    code, printed = biospike("check", "ecg_dmo")
    assert code == 2
    assert "did you mean 'ecg_demo'?" in printed
    assert biospike("check") == (0, "params.yaml is valid, 15 cells\n")


def test_without_a_command_the_help_is_printed(biospike: Command) -> None:
    code, printed = biospike()
    assert code == 2
    assert "usage: biospike" in printed
    assert all(f"\n    {command}" in printed for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example(biospike: Command, command: str) -> None:
    code, printed = biospike(command, "--help")
    assert code == 0
    assert f"\n  biospike {command}" in printed
    ending = printed.partition("example")[2]
    assert any(
        f"\nIt {verb}" in ending for verb in ("prints", "writes", "logs", "opens")
    )
    assert not {"told", "said", "whole", "heard"} & set(printed.split())


@pytest.mark.parametrize(
    "words", [("cells",), ("check",), ("summary",), ("publish",), ("tradeoff", "x")]
)
def test_in_another_folder_a_command_reports_it(
    biospike: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    checkout = Path.cwd()
    below = checkout / "docs" / "examples"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    code, printed = biospike(*words)
    assert code == 2
    printed = "".join(printed.split())
    assert f"thefolder{below}:thereisnoparams.yamlandnodvc.yaml" in printed
    assert f"`cd{checkout}`" in printed
    assert list(below.iterdir()) == []


def test_a_folder_with_one_of_the_two_files_is_no_checkout(biospike: Command) -> None:
    check_here()
    Path("params.yaml").unlink()
    with pytest.raises(ConfigError, match=r"there is no params\.yaml, so") as caught:
        check_here()
    assert caught.value.remedy.startswith("`cd` to your checkout")


def test_publish_without_runs_says_how_to_get_one(
    biospike: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIOSPIKE_TRACKING", raising=False)
    monkeypatch.setattr(tracking, "publish", lambda cell: pytest.fail(cell))
    files.save_json(files.folder("runs", "old-delta-lif") / "run.json", {})
    code, printed = biospike("publish")
    printed = " ".join(printed.split())
    assert code == 2
    assert "data/runs: holds no run of the grid" in printed
    assert "run `dvc repro` or `dvc pull` first" in printed


def test_publish_logs_the_grids_trained_cells_in_its_order(
    biospike: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BIOSPIKE_TRACKING", raising=False)
    logged: list[str] = []

    def publish(cell: str) -> bool:
        logged.append(cell)
        return True

    monkeypatch.setattr(tracking, "publish", publish)
    trained = ["ecg_demo-delta-lif", "ecg_demo-delta-ann", "old-delta-lif"]
    for name in reversed(trained):
        files.save_json(files.folder("runs", name) / "run.json", {})
    code, printed = biospike("publish")
    grid = [str(cell) for cell in __main__.grid_cells(config.load())]
    expected = [cell for cell in grid if cell in trained]
    assert (code, logged) == (0, expected)
    assert len(logged) == 2
    assert printed.splitlines() == [f"published {cell}" for cell in expected]
