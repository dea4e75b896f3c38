"""The text of an entry: what is written is what is read, whatever its texts hold."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.proposal import text
from pipeline.proposal.facts import Chosen

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=30)
SIGNS = st.sampled_from(
    ["12:30", "yes", "null", "~", "1e3", "0x1f", "a: b", "# no", "- a", "[x", "'", '"',
     "2024-01-01", "on", "1_000", "@a", "%b", " c ", "", "é", "=", "<<", "? x", "!t"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6).map(lambda x: round(x, 6))
    | TEXT
    | SIGNS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT | SIGNS, inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)


def parsed(written: str) -> Any:
    return YAML(typ="safe").load(written)


@settings(max_examples=60)
@given(VALUES)
def test_a_value_in_one_line_is_read_as_it_was(value: Any) -> None:
    written = text.flow({"key": value})
    assert "\n" not in written
    assert parsed(written) == {"key": value}


@settings(max_examples=20)
@given(
    parts=st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, min_size=1), min_size=1),
    why=st.text(max_size=200),
    indent=st.integers(0, 6),
)
def test_an_entry_is_read_as_its_parts_whatever_their_reasons_say(
    parts: dict[str, dict[str, Any]], why: str, indent: int
) -> None:
    chosen = {
        part: {key: Chosen(value, "found", why) for key, value in inner.items()}
        for part, inner in parts.items()
    }
    written = text.entry("mine", chosen, indent)
    assert parsed(written) == {"mine": parts}
    comments = [line for line in written.splitlines() if line.strip().startswith("#")]
    assert len(comments) >= sum(len(inner) for inner in parts.values())


def test_long_reasons_and_values_are_folded() -> None:
    names = [f"a channel called {k}" for k in range(30)]
    part = {"channels": Chosen(names, "found", "as the files state " * 20)}
    written = text.entry("mine", {"reader": part}, 2)
    assert max(map(len, written.splitlines())) < 1.2 * text.WIDTH
    assert parsed(written)["mine"]["reader"]["channels"] == names


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of two sections, whose entry is not looked at."""
    monkeypatch.setattr(config, "load", lambda path: None)
    return tmp_path / "params.yaml"


ENTRY = {"card": {"title": Chosen("t", "default", "w")}}


@pytest.mark.parametrize(
    "before",
    [
        "seed: 1\ndatasets:\n  one:\n    a: 1\n",
        "seed: 1\ndatasets:\n  one:\n    a: 1",
        "datasets:\n    one: {a: 1}\n\n# what follows\nseed: 1\n",
        "datasets:\n  one:\n    a: 1\n\n\nseed: 1\n",
        "datasets:\r\n  one:\r\n    a: 1\r\nseed: 1\r\n",
    ],
)
def test_an_entry_is_added_below_the_last_one(params: Path, before: str) -> None:
    params.write_bytes(before.encode())
    text.add(params, "two", ENTRY)
    after = params.read_bytes().decode()
    found = parsed(after)
    assert found == {**parsed(before), "datasets": {**parsed(before)["datasets"],
                     "two": {"card": {"title": "t"}}}}  # fmt: skip
    kept = [line for line in after.splitlines() if line in before.splitlines()]
    assert [line for line in kept if line] == [
        line for line in before.splitlines() if line
    ]
    assert ("\r\n" in after) == ("\r\n" in before)
    assert after.count("\n") == after.count("\r\n") or "\r\n" not in after


def test_entries_in_braces_are_left_alone(params: Path) -> None:
    params.write_text("datasets: {one: {a: 1}}\n")
    with pytest.raises(ConfigError, match="the entries stand in braces"):
        text.add(params, "two", ENTRY)
    assert params.read_text() == "datasets: {one: {a: 1}}\n"


@pytest.mark.parametrize(
    ("grid", "word", "expected"),
    [
        ("  dataset: [a, 'b']  # run\n", "add", "  dataset: [a, b, mine]  # run\n"),
        ("  dataset: [a,\n    b]\n", "only", "  dataset: [mine]\n"),
        ("  dataset: []\n", "add", "  dataset: [mine]\n"),
        ("  dataset:\n  - a  # one\n", "add", "  dataset:\n  - a  # one\n  - mine\n"),
        ("  dataset:\n    - a\n    - b\n", "only", "  dataset:\n    - mine\n"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_grid_takes_the_name_and_keeps_its_comments(
    params: Path, grid: str, word: str, expected: str, ending: str
) -> None:
    around = "grid:\n", "  model: [lif]\ndatasets:\n  a: {b: 1}\n"
    params.write_text(around[0] + grid + around[1], newline=ending)
    text.add(params, "mine", ENTRY, word)
    content = params.read_bytes().decode()
    assert content.count("\n") == content.count(ending)
    written = content.replace(ending, "\n")
    assert written.startswith(around[0] + expected + around[1])
    assert parsed(written)["datasets"]["mine"] == {"card": {"title": "t"}}
