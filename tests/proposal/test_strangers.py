"""Three strangers' folders, from flags to a trained cell, without a look at YAML."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline import config, entries, files
from pipeline.inspection import check
from pipeline.proposal import command
from stages import Stage, encode, fetch, ingest, prepare, train
from tests.proposal.strangers import FOLDERS

ROOT = Path(__file__).parents[2]
MODEL = "linear"
Run = Callable[[Any], str]


@pytest.fixture
def propose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Run]:
    """Write a folder and propose its entry; gives what runs a stage on it."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    text = text.replace("\n  epochs: 10\n", "\n  epochs: 3\n")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("BIOSPIKE_TRACKING", "off")
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(name: str) -> Run:
        write, flags = FOLDERS[name]
        write(tmp_path / "disk" / name)
        console = Console(file=io.StringIO())
        given = flags | {"grid": "only"}
        command.run(f"{tmp_path}/disk/{name}", None, given, console)
        params = config.load()
        assert params.plain("grid.dataset") == [name]
        every = {"dataset": name, "encoder": "delta", "model": MODEL}

        def stage(module: Any) -> str:
            title = module.__name__.rpartition(".")[2]
            n_names = {"encode": 2, "train": 3}.get(title, 1)
            names = dict(list(every.items())[:n_names])
            files.save_json(entries.code_path(title, names), {})
            done: str = module.main(Stage(title, names, module.SECTIONS, params))
            return done

        return stage

    return run


@pytest.mark.parametrize("name", FOLDERS)
def test_check_has_no_error_in_what_is_proposed(
    name: str, propose: Callable[[str], Run]
) -> None:
    propose(name)(fetch)
    checked = check.check(config.load(), name)
    assert checked.verdict == "yes"
    errors = [f.title for f in checked.findings if f.severity == "error"]
    assert errors == []


def test_the_entry_trains_a_cell(propose: Callable[[str], Run]) -> None:
    stage = propose("lab")
    for module in (fetch, ingest, prepare, encode, train):
        stage(module)
    path = files.folder("runs", f"lab-delta-{MODEL}") / "predictions.parquet"
    found = files.load_table(path)
    assert set(found["label"]) == {"fist", "open"}
    assert (found["label"] == found["predicted"]).mean() > 0.9
