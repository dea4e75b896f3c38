"""`biospike experiments`: what DVC knows, in a table that fits a terminal."""

import json
import subprocess
from typing import Any

import pytest

from pipeline import experiments
from pipeline.errors import ConfigError, DataError, MachineError

PATH = "data/metrics/{}.json"


def row(rev: str, name: str | None, threshold: float, **cells: float) -> dict[str, Any]:
    """A row of `dvc exp show --json`: a state with a setting and its metrics."""
    metrics = {
        PATH.format(cell.replace("_in_", "-")): {"data": {"balanced_accuracy": value}}
        for cell, value in cells.items()
    }
    metrics[PATH.format("lost")] = {"error": {"type": "FileNotFoundError"}}
    params = {
        "params.yaml": {"data": {"encoders": {"delta": {"threshold": threshold}}}}
    }
    data = {"params": params, "metrics": metrics}
    return {"rev": rev, "name": name, "data": data, "experiments": None}


def answer(*tried: dict[str, Any]) -> list[dict[str, Any]]:
    """The folder, the commit, and its experiments."""
    folder = row("workspace", None, 0.5, ecg_in_lif=0.9, ecg_in_ann=0.8)
    commit = row("abc", "main", 0.5, ecg_in_lif=0.9)
    commit["experiments"] = [{"revs": [each], "name": each["name"]} for each in tried]
    return [folder, commit]


def answering(monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str = "") -> None:
    """Let DVC print something."""
    ended = subprocess.CompletedProcess([], 0, stdout, stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)


def test_experiments_stand_side_by_side(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tried = [row(f"{k}f", f"exp-{k}", k / 10, ecg_in_lif=0.7 + k / 100) for k in (3, 1)]
    answering(monkeypatch, json.dumps(answer(*tried)))
    monkeypatch.setenv("COLUMNS", "120")
    experiments.show("balanced_accuracy", last=1)
    title, _, head, ann, lif, *rest = capsys.readouterr().out.splitlines()
    assert title == "balanced_accuracy"
    assert head.split() == ["cell", "main", "this", "folder", "exp-3"]
    assert ann.split() == ["ecg-ann", "–", "0.800", "–"]
    assert lif.split() == ["ecg-lif", "0.900", "0.900", "0.730"]
    assert rest == [
        "exp-3: encoders.delta.threshold: 0.5 → 0.3",
        "1 more: --last 2",
    ]


def test_a_new_and_a_removed_setting_are_changes() -> None:
    before = experiments.Experiment("a", {"x": 1, "y": 2}, {})
    after = experiments.Experiment("b", {"y": 2, "z": 3}, {})
    assert experiments.changes(before, after) == ["x: 1 → None", "z: None → 3"]


def test_what_failed_has_no_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = row("1f", "bad", 0.3, ecg_in_lif=0.9)
    failed["error"] = {"type": "", "msg": "Experiment run failed"}
    unread = {"rev": "2f", "name": "gone", "data": None, "experiments": None}
    answered = answer(failed, unread)
    answered[1]["experiments"].append({"revs": None, "name": "queued"})
    answering(monkeypatch, json.dumps(answered))
    experiments.show("balanced_accuracy", last=5)
    *_, lif, bad, change, gone = capsys.readouterr().out.splitlines()
    assert lif.split() == ["ecg-lif", "0.900", "0.900", "–", "–"]
    assert bad == "bad: failed: Experiment run failed"
    assert change == "bad: encoders.delta.threshold: 0.5 → 0.3"
    assert gone == "gone: failed: its params.yaml cannot be read"


def test_nothing_to_show_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="did you mean 'macro_f1'"):
        experiments.show("macro-f1", last=5)
    empty = [row("workspace", None, 0.5), row("abc", "main", 0.5)]
    answering(monkeypatch, json.dumps(empty))
    with pytest.raises(DataError, match="no cell has metrics"):
        experiments.show("low", last=5)
    answering(monkeypatch, "[]")
    with pytest.raises(DataError, match="has no commit"):
        experiments.show("low", last=5)
    answering(monkeypatch, "", "ERROR: you are not inside of a DVC repository\n")
    with pytest.raises(MachineError, match="not inside of a DVC repository"):
        experiments.show("low", last=5)
