"""Digests of the code that a stage uses: its import closure.

A closure starts at a stage and at the components that its entry in `params.yaml`
chooses. It follows every import, also those inside functions, and what a component
names by a string: its kernel and its integer form, and the templates, tables and
sources beside a module. Comments, docstrings and formatting do not count, nor do
modules that change no result.

Generic code imports single components only to distinguish them. Such an import does not
count, for a component takes part only where an entry chooses it or another one uses it:
so a new equation in one neuron is a new digest for the models with that neuron alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pipeline import syntax
from pipeline.components import KINDS, Component, package_of
from pipeline.errors import PipelineError
from pipeline.syntax import Source

LOCK = "requirements.lock"
OURS = ("pipeline", "stages")
NO_EFFECT = (
    "pipeline.axes",  # names of array axes
    "pipeline.card",  # settings count by their values
    "pipeline.checkout",  # where a command starts
    "pipeline.cluster",  # on which machine
    "pipeline.cluster_worker",
    "pipeline.components",  # how names become classes
    "pipeline.config",  # refuses or accepts; settings count by their values
    "pipeline.digests",
    "pipeline.ending",  # wording
    "pipeline.entries",
    "pipeline.errors",  # wording
    "pipeline.locks",  # who works
    "pipeline.machine",  # wording
    "pipeline.parallel",  # how many at a time
    "pipeline.real_names",  # wording, in terminals
    "pipeline.remaining",  # wording
    "pipeline.sections",  # settings count by their values
    "pipeline.stopping",
    "pipeline.syntax",
    "pipeline.tracking",  # a view of the files
    "pipeline.wording",
    "pipeline.yaml_text",  # refuses or accepts
    "stages",  # how a stage starts; each stage itself counts
)
"""Modules that change no result."""

PARTS = "parts"
"""Folder of what the components of a kind are made of."""

DISTRIBUTIONS = {"sklearn": "scikit-learn", "ruamel": "ruamel-yaml"}
"""Packages whose name on PyPI differs from the name they are imported by."""

LOCKED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def describe(stage: str, components: Iterable[Component] = ()) -> dict[str, Any]:
    """Describe the code that a stage uses with the components that are chosen.

    Parameters
    ----------
    stage : str
        Its name: the file's in `stages/`.
    components : iterable of Component
        Those that its entry chooses.

    Returns
    -------
    code : dict
        `modules` and `files`, with the digest of each; `packages` of third parties with
        their locked versions.

    Raises
    ------
    PipelineError
        A source file is missing, or is not valid Python.
    """
    chosen = set(modules_of(components))
    ours = {*OURS, *(name.partition(".")[0] for name in chosen)}
    with syntax.remembering():
        modules = _closure({f"stages.{stage}", *chosen}, ours, _counts)
        sources = {name: syntax.read(path) for name, path in modules.items()}
    files = {path for name in modules for path in _files_named(modules[name])}
    return {
        "modules": {name: source.meaning for name, source in sources.items()},
        "files": {syntax.place(path): syntax.file_meaning(path) for path in files},
        "packages": _packages(sources.values(), ours),
    }


def modules_of(components: Iterable[Component]) -> Iterator[str]:
    """List the modules of components, and those that their settings name."""
    for component in components:
        yield type(component).__module__
        yield from component.named_modules


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """List the modules, files and packages in which two descriptions differ."""
    parts = ("modules", "files", "packages")
    every = {(part, name) for d in (before, now) for part in parts for name in d[part]}
    return sorted(
        name for part, name in every if before[part].get(name) != now[part].get(name)
    )


class Needs(NamedTuple):
    """What it takes to run some modules elsewhere.

    Parameters
    ----------
    files : dict of str to Path
        Sources, by their place below a folder on Python's path.
    packages : dict of str to str
        Locked versions of what they import of third parties.
    """

    files: dict[str, Path]
    packages: dict[str, str]


def needs(roots: Iterable[str]) -> Needs:
    """List what modules need to run: all that they import, and that imports in turn.

    Parameters
    ----------
    roots : iterable of str
        Modules: where a program starts, and the components that it finds by name.
    """
    ours = {*OURS, *(name.partition(".")[0] for name in roots)}
    with syntax.remembering():
        modules = _closure(set(roots), ours, lambda *_: True)
        sources = [syntax.read(path) for path in modules.values()]
    for name in list(modules):
        parts = name.split(".")
        parents = (".".join(parts[:n]) for n in range(1, len(parts)))
        modules |= {each: path for each in parents if (path := _file_of(each))}
    found: dict[str, Path] = {}
    for name, path in modules.items():
        place = PurePosixPath(*name.split("."))
        place = place if path.name == "__init__.py" else place.parent
        beside = [path, *_files_named(path)]
        found |= {str(place / each.relative_to(path.parent)): each for each in beside}
    return Needs(found, _packages(sources, ours))


def _closure(
    roots: set[str], ours: set[str], counts: Callable[[str, str], bool]
) -> dict[str, Path]:
    """Follow imports that count, and kernels' names; gives each module's file."""
    found: dict[str, Path] = {}
    waiting = sorted(roots)
    while waiting:
        name = waiting.pop()
        if name in found or not (path := _file_of(name)):
            continue
        found[name] = path
        source = syntax.read(path)
        _refuse_missing(path, source, ours)
        waiting += [
            other
            for other in (*source.imports, *_named(name, source))
            if other.partition(".")[0] in ours and counts(name, other)
        ]
    return found


def _counts(importer: str, imported: str) -> bool:
    """Whether an import counts: generic code only distinguishes components."""
    if imported in NO_EFFECT or imported.startswith("pipeline.tracking."):
        return False
    is_generic = _is_ours(importer) and not _is_chosen_by_name(importer)
    return not (is_generic and _is_chosen_by_name(imported))


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in OURS


@cache
def _is_chosen_by_name(name: str) -> bool:
    """Whether a module is a component, or the kernel of a neuron."""
    for package in map(package_of, KINDS):
        if name.startswith(f"{package}."):
            own, *_ = name.removeprefix(f"{package}.").split(".")
            return own not in ("base", PARTS)
    path = _file_of(name) if name.startswith("pipeline.kernels.") else None
    return path is not None and syntax.read(path).is_kernel


def _named(name: str, source: Source) -> list[str]:
    """List the kernels and integer forms that the strings of a component name."""
    if not _is_chosen_by_name(name):
        return []
    modules = (
        f"pipeline.{folder}.neurons.{text}"
        for folder in ("kernels", "quantization")
        for text in source.strings
    )
    return [module for module in modules if _file_of(module)]


@cache
def _files_named(module: Path) -> list[Path]:
    """List files beside a module that its strings name, and those in named folders."""
    found: list[Path] = []
    for text in syntax.read(module).strings:
        path = module.parent / text
        if path.is_file() and path.suffix != ".py":
            found.append(path)
        elif path.is_dir() and not (path / "__init__.py").exists():
            inside = (each for each in path.rglob("*") if each.suffix != ".pyc")
            found += [each for each in inside if each.is_file()]
    return found


@cache
def _file_of(name: str) -> Path | None:
    """Find a module's file; None if the name is a class or a function."""
    if _is_ours(name):
        path = syntax.ROOT.joinpath(*name.split("."))
        both = path.with_suffix(".py"), path / "__init__.py"
        return next((candidate for candidate in both if candidate.is_file()), None)
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def _refuse_missing(path: Path, source: Source, ours: set[str]) -> None:
    for name in source.needed:
        if name.partition(".")[0] in ours and not _file_of(name):
            raise PipelineError(
                syntax.place(path),
                f"imports {name}, and there is no such module",
                remedy="bring the file back, or remove the import",
            )


def _packages(sources: Iterable[Source], ours: set[str]) -> dict[str, str]:
    """Give the locked version of every third-party package that is imported."""
    locked = _locked_versions()
    imported = {name.partition(".")[0] for each in sources for name in each.imports}
    names = {DISTRIBUTIONS.get(n, n.replace("_", "-")) for n in imported - ours}
    return {name: locked[name] for name in sorted(names) if name in locked}


@cache
def _locked_versions() -> dict[str, str]:
    pairs = LOCKED.findall((syntax.ROOT / LOCK).read_text(encoding="utf-8"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}
