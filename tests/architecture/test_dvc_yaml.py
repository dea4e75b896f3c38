"""dvc.yaml says what the code does: its deps are the imports, its params the reads."""

import importlib
import re
from pathlib import Path
from typing import Any

import grimp
import pytest
from ruamel.yaml import YAML

from pipeline.components import available, find
from pipeline.config import SECTIONS

ROOT = Path(__file__).parents[2]
STAGES: dict[str, dict[str, Any]] = YAML(typ="safe").load(
    (ROOT / "dvc.yaml").read_text()
)["stages"]

NO_EFFECT_ON_RESULTS = {
    "pipeline",
    "pipeline.errors",  # wording
    "pipeline.axes",  # names of array axes
    "pipeline.components",  # how names become classes
    "pipeline.config",  # refuses or accepts; the settings themselves are params
    "pipeline.parallel",  # how many at a time
    "pipeline.provenance",  # what is kept
    "pipeline.tracking",  # a view of the files
}

GRAPH = grimp.build_graph("pipeline", "stages", cache_dir=None)


def in_code(declared: str) -> bool:
    """Whether a dep is code rather than data."""
    return declared.startswith(("pipeline/", "stages/"))


def covered(path: str, declared: list[str]) -> bool:
    """Whether a file is among the deps, or in a folder that is."""
    return any(path == dep or path.startswith(f"{dep}/") for dep in declared)


def source_path(module: str) -> str:
    """Give the source of a module, relative to the root."""
    path = Path(*module.split("."))
    if (ROOT / path).is_dir():
        return str(path / "__init__.py")
    return f"{path}.py"


def reachable(module: str) -> set[str]:
    """Follow imports, but not through modules that cannot change a result."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in seen or name in NO_EFFECT_ON_RESULTS or name == "stages":
            continue
        seen.add(name)
        waiting += GRAPH.find_modules_directly_imported_by(name)
    return seen


@pytest.mark.parametrize("stage", STAGES)
def test_deps_cover_every_import(stage: str) -> None:
    declared = STAGES[stage]["deps"]
    missing = sorted(
        source_path(module)
        for module in reachable(f"stages.{stage}")
        if not source_path(module).endswith("__init__.py")
        and not covered(source_path(module), declared)
        and not covered(source_path(module), by_item(declared))
    )
    assert not missing, f"dvc.yaml: {stage}: deps lack {missing}"


def by_item(declared: list[str]) -> list[str]:
    """Deps that name a component by the matrix item, for each component there is."""
    return [
        re.sub(r"\$\{item\.(\w+)\}", name, dep)
        for dep in declared
        if "${item." in dep and in_code(dep)
        for name in available(dep.split("/")[1])
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_every_code_dep_is_used(stage: str) -> None:
    sources = {source_path(module) for module in reachable(f"stages.{stage}")}
    named = [dep for dep in STAGES[stage]["deps"] if in_code(dep)]
    # What `find` imports by name is declared by hand: the components and their helpers.
    by_name = ("sources", "readers", "encoders", "neurons", "networks", "meters")
    idle = [
        dep
        for dep in named
        if not dep.startswith(tuple(f"pipeline/{kind}" for kind in by_name))
        and dep not in sources_of_components(stage)
        and not any(path == dep or path.startswith(f"{dep}/") for path in sources)
    ]
    assert not idle, f"dvc.yaml: {stage}: nothing imports {idle}"


def sources_of_components(stage: str) -> set[str]:
    """Sources that the components a stage depends on import."""
    kinds = [
        dep.split("/")[1]
        for dep in STAGES[stage]["deps"]
        if in_code(dep) and (ROOT / "pipeline" / dep.split("/")[1] / "base.py").exists()
    ]
    found: set[str] = set()
    for kind in kinds:
        for name in available(kind):
            modules = reachable(f"pipeline.{kind}.{name}")
            found |= {source_path(module) for module in modules}
            found |= {str(Path(source_path(module)).parent) for module in modules}
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_what_components_import_is_declared(stage: str) -> None:
    declared = STAGES[stage]["deps"]
    missing = sorted(
        path
        for path in sources_of_components(stage)
        if path.endswith(".py")
        and not path.endswith("__init__.py")
        and not covered(path, declared)
        and not covered(path, by_item(declared))
    )
    assert not missing, f"dvc.yaml: {stage}: components import {missing}"


@pytest.mark.parametrize("stage", STAGES)
def test_params_are_what_the_stage_reads(stage: str) -> None:
    declared = {
        re.sub(r"\$\{item\.(\w+)\}", r"{\1}", param)
        for param in STAGES[stage]["params"]
    }
    reads = set(importlib.import_module(f"stages.{stage}").SECTIONS)
    assert declared == reads


@pytest.mark.parametrize("stage", STAGES)
def test_declared_sections_exist(stage: str) -> None:
    known = {re.sub(r"\*", "{}", section) for section in SECTIONS}
    for param in STAGES[stage]["params"]:
        section = re.sub(r"\$\{item\.\w+\}", "{}", param)
        assert any(k == section or k.startswith(f"{section}.") for k in known) or (
            section.rpartition(".")[0] in known
        ), param


def test_every_section_is_read_by_a_stage() -> None:
    declared = {
        re.sub(r"\$\{item\.\w+\}", "*", param)
        for stage in STAGES.values()
        for param in stage["params"]
    }
    unread = [
        section
        for section in SECTIONS
        if not any(section == d or section.startswith(f"{d}.") for d in declared)
    ]
    assert not unread, f"no stage reads {unread}"


@pytest.mark.parametrize(
    "kind", ["sources", "readers", "encoders", "neurons", "networks", "meters"]
)
def test_every_file_is_one_component(kind: str) -> None:
    for name in available(kind):
        assert find(kind, name).__doc__


def test_the_stage_files_are_the_stages() -> None:
    files = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    assert files == set(STAGES)
