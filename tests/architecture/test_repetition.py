"""No two places share more than 12 lines alike, but for the loops of the kernels.

Comments, docstrings and X
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
MOST = 12
"""Lines that two places may share, one after the other."""

FOLDERS = ("pipeline", "stages", "benchmarks", "docs", "tests")
LEFT_OUT = ROOT / "pipeline" / "kernels"

IMPORT = re.compile(r"^(?:from|import) [^(\n]*(?:\([^)]*\))?.*$", re.MULTILINE)
DOCSTRING = re.compile(r'^\s*r?"""(?:[^"]|"(?!""))*"""$', re.MULTILINE)


def lines_of(source: str) -> list[str]:
    """Give the lines that count; `ruff format` writes all code in one form."""
    rest = DOCSTRING.sub("", IMPORT.sub("", source))
    lines = (line.strip() for line in rest.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def repetitions(sources: Mapping[str, str], most: int = MOST) -> list[tuple[str, ...]]:
    """Name the places, `name: first line alike`, that share more than `most` lines."""
    places = defaultdict(list)
    for name, source in sources.items():
        lines = lines_of(source)
        for first in range(len(lines) - most):
            places["\n".join(lines[first : first + most + 1])].append((name, first))
    alike = (found for found in places.values() if len(_apart(found, most)) > 1)
    pairs: dict[frozenset[str], list[tuple[str, int]]] = {}
    for found in alike:
        pairs.setdefault(frozenset(name for name, _ in found), found)
    return [
        tuple(f"{name}: {lines_of(sources[name])[first]}" for name, first in found)
        for found in pairs.values()
    ]


def _apart(found: Iterable[tuple[str, int]], most: int) -> list[tuple[str, int]]:
    """Leave out places that overlap one before: a line that repeats itself."""
    kept: list[tuple[str, int]] = []
    for name, first in found:
        if not kept or kept[-1][0] != name or first - kept[-1][1] > most:
            kept.append((name, first))
    return kept


def test_no_two_places_share_more_than_a_dozen_lines() -> None:
    paths = (p for folder in FOLDERS for p in sorted((ROOT / folder).rglob("*.py")))
    sources = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in paths
        if not path.is_relative_to(LEFT_OUT)
    }
    assert "stages/train.py" in sources
    assert repetitions(sources) == []


def test_a_repetition_is_found_and_named() -> None:
    body = "".join(f"    total += value[{k}]\n" for k in range(MOST + 1))
    one = f'def a(value):\n    """Add up."""\n{body}'
    other = f"import x\n\n\ndef b(value):\n    # Another comment.\n\n{body}"
    found = repetitions({"one.py": one, "other.py": other})
    assert found == [("one.py: total += value[0]", "other.py: total += value[0]")]
    twelve = body.rpartition("    total")[0]
    assert repetitions({"one.py": one, "other.py": f"def b(value):\n{twelve}"}) == []


def test_a_repetition_within_one_file_is_found_and_a_long_table_is_none() -> None:
    body = "".join(f"    total += value[{k}]\n" for k in range(MOST + 1))
    twice = f"def a(value):\n{body}\n\ndef b(value):\n{body}"
    assert len(repetitions({"twice.py": twice})) == 1
    assert repetitions({"zeros.py": "x = 0\n" * (MOST + 5)}) == []
