"""YAML that cannot be read is refused with its place, whatever is wrong with it."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import yaml_text
from pipeline.errors import ConfigError

ROOT = Path(__file__).parents[1]
PARAMS = (ROOT / "tests" / "params.yaml").read_text(encoding="utf-8")
SIGNS = "{}[]:,#&*!|>'\"%@`-? \t\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "params.yaml"


def refused(path: Path, text: str | bytes) -> ConfigError:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        yaml_text.load(path)
    return caught.value


@pytest.mark.parametrize(
    ("text", "line", "column", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' stands twice"),
        ("a: 'x\nb: 1\n", 1, 4, "the quote that begins here is not closed"),
        ('a: "\\q"\n', 1, 5, "a backslash within"),
        ("a: [1, 2\nb: 3\n", 1, 4, "the list that begins here"),
        ("a: {b: 1\nc: 2\n", 1, 4, "the mapping that begins here"),
        ("a: 1\n\tb: 2\n", 2, 1, "a tab indents the line"),
        ("a: @b\n", 1, 4, "begins with a sign of YAML's own"),
        ("a: *b\n", 1, 4, "an alias"),
        ("a: 1\n---\nb: 2\n", 2, 1, "a second document begins"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "does not fit those above it"),
        ("a: !x 1\n", 1, 4, "a tag"),
        ("a: 2024-13-01\n", 1, 4, "a date that is none"),
        ("a: 1\nb: \x07\n", 2, 4, "a character that nobody sees"),
    ],
)
def test_a_fault_is_named_with_its_line_and_column(
    path: Path, text: str, line: int, column: int, found: str
) -> None:
    error = refused(path, text)
    assert error.where == f"{path}, line {line}, column {column}"
    assert found in error.found
    assert f"the line: {text.splitlines()[line - 1].rstrip()!r}" in error.found
    assert error.expected
    assert error.remedy == f"correct {path}"


def test_bytes_of_another_encoding_are_named(path: Path) -> None:
    error = refused(path, b"a: 1\nname: M\xfcller\n")
    assert error.where.endswith("line 2, column 8")
    assert "byte 12 (0xfc) is not UTF-8" in error.found
    assert "Müller" in error.found  # as Latin-1 would read it


def test_a_missing_file_is_refused_with_the_way_back(path: Path) -> None:
    with pytest.raises(ConfigError, match=f"git checkout {path}"):
        yaml_text.load(path)


def test_a_long_line_is_cut(path: Path) -> None:
    error = refused(path, f"a: [{'1, ' * 200}\nb: 1")
    assert len(error.found.splitlines()[-1]) < yaml_text.LONGEST_LINE + 20
    assert error.found.rstrip("'").endswith("…")


def fault(path: Path) -> ConfigError | None:
    try:
        yaml_text.load(path)
    except ConfigError as error:
        return error
    return None


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), n=st.integers(1, 4))
def test_a_file_with_a_few_odd_signs_is_read_or_refused_at_a_place(
    path: Path, seed: int, n: int
) -> None:
    rng = random.Random(seed)
    text = PARAMS
    for _ in range(n):
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(SIGNS) + text[at + rng.randrange(2) :]
    path.write_text(text, encoding="utf-8")
    error = fault(path)
    if error is None:
        return
    assert error.where.startswith(f"{path}, line ")
    line = int(error.where.partition("line ")[2].partition(",")[0])
    assert 1 <= line <= text.count("\n") + 1
    assert error.expected
    assert "the line: " in error.found
