"""Which tests are likely to see a change: those closest to its module by imports."""

import ast
from collections.abc import Iterable
from pathlib import Path

import grimp

FAR = 2
"""Tests are chosen that import a module at most by so many others."""

By = dict[str, set[str]]
"""Modules, and those that import them."""


def importers(packages: Iterable[str]) -> By:
    """Say of each module of our packages which others import it."""
    graph = grimp.build_graph(*packages, cache_dir=None)
    return {
        module: set(graph.find_modules_that_directly_import(module))
        for module in graph.modules
    }


def closest(path: str, by: By, tests: dict[str, set[str]]) -> list[str]:
    """Order test files, the likeliest to see a change first.

    A test of the module's own name comes first, then tests by how many imports lie
    between, of equals those of the folder of the same name.

    Parameters
    ----------
    path : str
        Of the changed file.
    by : By
    tests : dict
        What each test file imports.
    """
    steps = distances(module_of(path), by)
    named, folder = Path(path).stem.strip("_"), Path(path).parent.name

    def rank(test: str) -> tuple[bool, int, bool, str]:
        near = min(steps.get(module, FAR + 1) for module in tests[test])
        other = Path(test).stem.removeprefix("test_") != named
        return other, near, Path(test).parent.name != folder, test

    close = [test for test in tests if tests[test] & steps.keys()]
    return sorted(close, key=rank)


def module_of(path: str) -> str:
    """Name the module of a file."""
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def distances(module: str, by: By) -> dict[str, int]:
    """Count the imports between modules and one that they use, up to `FAR`."""
    steps, edge = {module: 0}, {module}
    for step in range(1, FAR + 1):
        edge = {other for one in edge for other in by.get(one, ())} - steps.keys()
        steps |= dict.fromkeys(edge, step)
    return steps


def imported(root: Path, by: By) -> dict[str, set[str]]:
    """Say of each test file which of our modules it imports, or walks by their kind."""
    found = {}
    for path in sorted(root.glob("tests/**/test_*.py")):
        tree = ast.parse(path.read_bytes())
        names, kinds = set(_names(tree)), set(_kinds(tree))
        walked = {module for module in by if kinds & set(module.split(".")[1:])}
        found[path.relative_to(root).as_posix()] = names & by.keys() | walked
    return {test: modules for test, modules in found.items() if modules}


def _names(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)


def _kinds(tree: ast.AST) -> Iterable[str]:
    """Name the folders whose components a test asks for: `available("neurons")`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(
                func=ast.Name(id="available"), args=[ast.Constant(value=kind)]
            ):
                yield str(kind)
