"""The words of errors and their commands, read off the syntax tree of all code."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
STAGES = set(YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"])
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
ERROR = re.compile(r"(Config|Data|Machine|Measurement|Pipeline|Inexpressible)Error")
UNWANTED = re.compile(
    r"\b(told|tells?|said|says?|heard|hears?|speaks?|whole)\b"
    r"|Input should be|\(\?|\\[dws]\b|\^\["
)
VALUE = "…"
"""Stands in a text for what is known when it is written."""


def commands() -> set[str]:
    """The commands of `biospike`, as its own help lists them."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    listed = done.stdout.partition("COMMAND\n")[2].partition("options:")[0]
    return set(re.findall(r"^    ([a-z-]+)", listed, re.M))


def text_of(node: ast.AST) -> str:
    """All literal text below a node, with a sign for each value."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.FormattedValue):
        return VALUE + text_of(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    return "\n".join(filter(None, map(text_of, ast.iter_child_nodes(node))))


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Find the texts that errors are made of, and those of the constants they name."""
    tree = ast.parse(source)
    constants = {
        target.id: text_of(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ERROR.fullmatch(
            getattr(node.func, "id", getattr(node.func, "attr", ""))
        ):
            yield node.lineno, text_of(node)
            for part in ast.walk(node):
                if isinstance(part, ast.Name) and part.id in constants:
                    yield node.lineno, constants[part.id]


def faults(text: str, known: set[str]) -> list[str]:
    """Describe what is wrong with a text."""
    found = [match[0] for match in UNWANTED.finditer(text)]
    printed = (
        (r"dvc repro(?: -\w+)* ([a-z]+)\b", STAGES),
        (r"`biospike ([a-z-]+)", known),
        (r"`make ([a-z-]+)", TARGETS),
        (r"stages/run ([a-z]+)", STAGES),
    )
    for pattern, names in printed:
        found += [name for name in re.findall(pattern, text) if name not in names]
    return found


def test_errors_are_in_plain_words_and_print_commands_that_exist() -> None:
    known, n_texts, wrong = commands(), 0, []
    for path in [*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("stages/*.py")]:
        for line, text in messages(path.read_text()):
            n_texts += 1
            wrong += [f"{path.name}:{line}: {each}" for each in faults(text, known)]
    assert wrong == []
    assert n_texts > 200


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ('DataError(x, "is told")', "told"),
        ('DataError(x, "Input should be a number")', "Input should be"),
        (r'ConfigError(x, expected="^[a-z]+$")', "^["),
        (r'ConfigError(x, expected=r"one of \d")', r"\d"),
        ('DataError(x, remedy=f"run `dvc repro -s -f trian@{cell}`")', "trian"),
        ('DataError(x, remedy="`biospike chekc x`" if a else "")', "chekc"),
        ('DataError(x, remedy="`biospike new-data x`")', "new-data"),
        ('DataError(x, remedy="run `make tests`")', "tests"),
        ('errors.MachineError(x, remedy=f"{a}stages/run ingset x")', "ingset"),
        ('A = "run `dvc repro igest@x`"\nDataError(x, remedy=A)', "igest"),
    ],
)
def test_a_planted_fault_is_found(call: str, fault: str) -> None:
    found = [faults(text, {"check", "new-dataset"}) for _, text in messages(call)]
    assert [fault] in found
