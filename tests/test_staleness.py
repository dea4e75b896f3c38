"""What has changed since a cell's stages ran: code, settings, inputs, by name."""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline import cells, config, entries, files, staleness
from pipeline.errors import ConfigError
from pipeline.grid import Cell

ROOT = Path(__file__).parents[1]
CELL = Cell("ecg_demo", "delta", "lif")
SECTIONS = {"train": ("models.lif", "training"), "encode": ("encoders.delta", "seed")}
DEEP = "pipeline.kernels.neurons.leaky"
Lock = dict[str, Any]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def described() -> dict[str, tuple[Path, dict[str, Any]]]:
    """The code of each stage of the cell as it is."""
    params = config.read(ROOT / "params.yaml")
    found = {}
    for stage, n_names in staleness.AXES.items():
        names = dict(list(CELL._asdict().items())[:n_names])
        code = entries.describe(params, stage, names)
        found[stage] = entries.code_path(stage, names), code
    return found


@pytest.fixture
def lock(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    described: dict[str, tuple[Path, dict[str, Any]]],
) -> Lock:
    """A checkout where every stage has run, and its `dvc.lock`."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    params, stages = config.read(), {}
    monkeypatch.setattr(
        entries, "describe", lambda _, stage, names: described[stage][1]
    )
    for stage, n_names in staleness.AXES.items():
        name = "-".join(CELL[:n_names])
        path, code = described[stage]
        files.save_json(path, code)
        made, table = Path("data", stage, name), Path("data", stage, f"{name}.csv")
        made.mkdir(parents=True)
        table.write_text("1\n")
        read = {section: params.plain(section) for section in SECTIONS.get(stage, ())}
        stages[f"{stage}@{name}"] = {
            "deps": [
                {"path": "data/checksums", "md5": "f00.dir"},
                {"path": str(path), "md5": md5(path)},
                {"path": str(table), "md5": md5(table)},
                {"path": "data/fetch/ecg_demo", "md5": "fetch.dir"},
            ],
            "params": {"params.yaml": read},
            "outs": [{"path": str(made), "md5": f"{stage}.dir"}],
        }
    Path("data/checksums").mkdir()
    (tmp_path / "data/runs" / str(CELL)).mkdir(parents=True)
    (tmp_path / "data/runs" / str(CELL) / "run.json").write_text("{}")
    return {"stages": stages}


@pytest.fixture
def changed(lock: Lock) -> Callable[[], dict[str, staleness.StageStatus]]:
    """Write the lock, and look; gives the stages that are stale."""

    def look() -> dict[str, staleness.StageStatus]:
        YAML(typ="safe").dump(lock, Path("dvc.lock"))
        found = staleness.of_cell(CELL, config.read())
        assert [each.target.partition("@")[0] for each in found] == [*staleness.AXES]
        return {e.target.partition("@")[0]: e for e in found if e.is_stale}

    return look


Look = Callable[[], dict[str, staleness.StageStatus]]


def then(lock: Lock, stage: str, key: str) -> dict[str, Any]:
    """Find the code, or another file, among what a stage read."""
    (target,) = (name for name in lock["stages"] if name.startswith(f"{stage}@"))
    deps = lock["stages"][target]["deps"]
    (found,) = (each for each in deps if key in each["path"])
    return found  # type: ignore[no-any-return]


def keep_other_code(lock: Lock, stage: str, home: Path) -> None:
    """Let a stage have run with another leaky kernel, which DVC's cache still has."""
    dep = then(lock, stage, "data/code")
    code = files.load_json(Path(dep["path"]))
    code["modules"][DEEP] = "0" * 64
    files.save_json(Path("other.json"), code)
    dep["md5"] = md5(Path("other.json"))
    kept = home / "files" / "md5" / dep["md5"][:2] / dep["md5"][2:]
    kept.parent.mkdir(parents=True)
    Path("other.json").rename(kept)


def test_nothing_has_changed_where_nothing_has(changed: Look) -> None:
    assert changed() == {}


def test_a_module_is_named_after_the_code_was_described_anew(
    lock: Lock, changed: Look
) -> None:
    keep_other_code(lock, "train", Path(".dvc/cache"))
    (stage,) = changed().values()
    assert (stage.target, stage.code) == (f"train@{CELL}", (DEEP,))
    assert not stage.settings
    assert not stage.inputs


def test_the_cache_may_lie_elsewhere(lock: Lock, changed: Look, tmp_path: Path) -> None:
    keep_other_code(lock, "profile", tmp_path / "disk")
    Path(".dvc").mkdir()
    assert changed()["profile"].code[0].startswith("unknown: DVC's cache lacks")
    Path(".dvc/config.local").write_text(f"[cache]\n    dir = {tmp_path / 'disk'}\n")
    assert changed()["profile"].code == (DEEP,)


def test_a_setting_is_named_with_what_it_was_and_is(lock: Lock, changed: Look) -> None:
    read = lock["stages"][f"train@{CELL}"]["params"]["params.yaml"]
    read["training"] = {**read["training"], "epochs": 3, "gone": True}
    neuron = read["models.lif"]["neuron"]
    read["models.lif"] = {**read["models.lif"], "neuron": {**neuron, "name": "relu"}}
    now = config.read().plain("training.epochs")
    assert changed()["train"].settings == (
        "models.lif.neuron.name: 'relu', now 'leaky'",
        f"training.epochs: 3, now {now}",
        "training.gone: true, now empty",
    )


def test_files_and_folders_made_anew_are_named(lock: Lock, changed: Look) -> None:
    Path("data/evaluate", f"{CELL}.csv").write_text("2\n")
    then(lock, "clock", "data/fetch/ecg_demo")["md5"] = "older.dir"
    found = changed()
    assert found["evaluate"].inputs == (f"data/evaluate/{CELL}.csv",)
    assert found["clock"].inputs == ("data/fetch/ecg_demo",)
    assert set(found) == {"evaluate", "clock"}


def test_what_has_not_run_here_is_no_change(lock: Lock, changed: Look) -> None:
    del lock["stages"]["encode@ecg_demo-delta"]
    Path("data/profile", str(CELL)).rmdir()
    assert {name for name, each in changed().items() if not each.has_run} == {
        "encode",
        "profile",
    }
    Path("dvc.lock").unlink()
    found = staleness.of_cell(CELL, config.read())
    assert not any(each.has_run for each in found)


def test_a_stage_of_another_grid_counts_where_it_ran(lock: Lock, changed: Look) -> None:
    found = staleness.of_cell(CELL, config.read())
    changed()
    again = staleness.of_cell(CELL, config.read())
    assert [each.target for each in again][-1] == f"audit@{CELL}"
    assert all("audit" not in each.target for each in found)  # there was no lock yet
    del lock["stages"][f"audit@{CELL}"]
    YAML(typ="safe").dump(lock, Path("dvc.lock"))
    left = [each.target for each in staleness.of_cell(CELL, config.read())]
    assert left == [each.target for each in again][:-1]


def test_a_cell_whose_names_are_gone_is_refused(changed: Look) -> None:
    with pytest.raises(ConfigError, match="there is no model 'liff'"):
        staleness.of_cell(CELL._replace(model="liff"), config.read())


def test_the_stages_are_those_of_dvc_yaml() -> None:
    stages = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    axes = {name: [*each.get("matrix", ())] for name, each in stages.items()}
    cell_stages = {name: found for name, found in axes.items() if found}
    assert cell_stages == {
        name: [*Cell._fields[:count]] for name, count in staleness.AXES.items()
    }


def test_the_command_prints_a_line_a_change(
    lock: Lock, changed: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_other_code(lock, "train", Path(".dvc/cache"))
    Path("data/evaluate", f"{CELL}.csv").write_text("2\n")
    changed()
    cells.show_changes(str(CELL), config.read())
    rows = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert f"train     code: {DEEP}" in rows
    assert f"evaluate  made anew: data/evaluate/{CELL}.csv" in rows
    assert "fetch     nothing" in rows
    assert any(row.startswith(f"`dvc repro evaluate@{CELL}") for row in rows)
