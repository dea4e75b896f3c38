"""Functions and modules stay short."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_FUNCTION, LONGEST_MODULE = 60, 300
SOURCES = sorted(
    path for folder in ("pipeline", "stages") for path in (ROOT / folder).rglob("*.py")
)


def too_long(source: str, most: int) -> dict[str, int]:
    """Lines of each function of more lines than `most`, docstring and all."""
    functions = (
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lines = {each.name: (each.end_lineno or 0) - each.lineno + 1 for each in functions}
    return {name: number for name, number in lines.items() if number > most}


def test_a_long_function_is_found() -> None:
    source = "def f():\n    a = 1\n    return a\n\n\ndef g(): ...\n"
    assert too_long(source, 2) == {"f": 3}
    assert not too_long(source, 3)


def test_no_function_is_longer_than_a_page() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): long
        for path in SOURCES
        if (long := too_long(path.read_text("utf-8"), LONGEST_FUNCTION))
    }
    assert not found


def test_no_module_is_too_long() -> None:
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert not {
        path.relative_to(ROOT).as_posix(): number
        for path, number in lines.items()
        if number > LONGEST_MODULE
    }
