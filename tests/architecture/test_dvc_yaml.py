"""dvc.yaml matches the code: deps, params and outs are what a stage touches."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.components import KINDS, available, find
from pipeline.config import SECTIONS
from pipeline.entries import CHOICES, code_path

ROOT = Path(__file__).parents[2]
STAGES: dict[str, dict[str, Any]] = YAML(typ="safe").load(
    (ROOT / "dvc.yaml").read_text()
)["stages"]
AXES = ("dataset", "encoder", "model")


def outs(stage: str) -> dict[str, dict[str, Any]]:
    """The outputs of a stage, with their flags."""
    listed = STAGES[stage].get("outs", []) + STAGES[stage].get("metrics", [])
    return {
        name: flags
        for out in listed
        for name, flags in (out.items() if isinstance(out, dict) else [(out, {})])
    }


@pytest.mark.parametrize("stage", CHOICES)
def test_a_stage_depends_on_the_digest_of_its_own_code(stage: str) -> None:
    items = {axis: f"${{item.{axis}}}" for axis in AXES}
    own = code_path(stage, items).as_posix()
    code = [dep for dep in STAGES[stage]["deps"] if dep.startswith("data/code")]
    assert code == [own]
    sources = ("pipeline", "stages")
    assert not [dep for dep in STAGES[stage]["deps"] if dep.startswith(sources)]


def test_the_digests_depend_on_all_that_they_are_made_of() -> None:
    deps = {"params.yaml", "own", "pipeline", "stages", "requirements.lock"}
    assert set(STAGES["code"]["deps"]) == deps
    assert "params" not in STAGES["code"]


def test_only_what_a_missing_folder_must_not_remove_is_kept() -> None:
    kept = [s for s in STAGES for flags in outs(s).values() if flags.get("persist")]
    assert kept == ["inventory", "fetch"]


def test_folders_are_looked_into_at_every_run() -> None:
    assert [s for s in STAGES if STAGES[s].get("always_changed")] == ["inventory"]
    assert "data/inventory/${item.dataset}.json" in STAGES["fetch"]["deps"]


def test_raw_files_are_hashed_and_never_copied() -> None:
    assert outs("fetch")["data/raw/${item.dataset}"]["cache"] is False


@pytest.mark.parametrize("stage", CHOICES)
def test_params_are_the_sections_that_the_stage_may_read(stage: str) -> None:
    declared = {
        re.sub(r"\$\{item\.(\w+)\}", r"{\1}", param)
        for param in STAGES[stage]["params"]
    }
    assert declared == set(importlib.import_module(f"stages.{stage}").SECTIONS)


@pytest.mark.parametrize("stage", CHOICES)
def test_declared_sections_exist(stage: str) -> None:
    known = {re.sub(r"\*", "{}", section) for section in SECTIONS}
    for param in STAGES[stage]["params"]:
        section = re.sub(r"\$\{item\.\w+\}", "{}", param)
        assert any(k == section or k.startswith(f"{section}.") for k in known), param


def test_every_section_is_read_by_one_stage_and_seed_by_who_draws() -> None:
    declared = [
        re.sub(r"\$\{item\.\w+\}", "*", param)
        for stage in STAGES.values()
        for param in stage.get("params", [])
    ]
    for section in SECTIONS:
        readers = [d for d in declared if section == d or section.startswith(f"{d}.")]
        assert readers, f"no stage reads {section}"
        if section not in ("seed", "evaluation"):
            assert len(readers) == 1, f"{section} is read by several stages"


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_is_one_component(kind: str) -> None:
    for name in available(kind):
        assert find(kind, name).__doc__


def test_the_stage_files_are_the_stages() -> None:
    files = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert files == set(STAGES) == {"code", "inventory", *CHOICES}
