"""Mutants: where they come from, which tests see them, and what is reported."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation import __main__, running
from tests.mutation.choosing import closest, distances, imported, importers, module_of
from tests.mutation.drawing import Mutant, drawn, mutants_of
from tests.mutation.running import Copy, copied

ROOT = Path(__file__).parents[2]

SOURCE = '''"""A docstring with 1 and 2."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

LIMIT: "Decimal | int" = 3


def clipped(values: list[int]) -> list[int]:
    """Clip at 3, unless not any(values)."""
    if not any(values) or len(values) == 7:
        raise ValueError(f"nothing of {len(values) + 1}")
    kept = [min(value, LIMIT) for value in values]
    kept[0] += 1
    print("é", kept[0] > 0)
    return kept
'''

EITHER = "not any(values) or len(values) == 7"

TESTS = """
from toy.core import clipped


def test_clipped() -> None:
    assert clipped([1, 9]) == [2, 3]
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a checkout of a package of one module, with one test that misses much.

    Its tests need none of pytest's plugins, which take longest to start.
    """
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    root = tmp_path / "tree"
    for name, text in {
        "toy/__init__.py": "",
        "toy/core.py": SOURCE,
        "toy/above.py": "from toy.core import clipped\n\nfound = clipped([1])\n",
        "tests/toy/test_core.py": TESTS,
        "tests/toy/test_above.py": "from toy import above\n\ndef test_it(): above\n",
        "tests/toy/test_other.py": "def test_nothing() -> None: ...\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def _changes(source: str = SOURCE) -> dict[tuple[int, str, str], str]:
    """Say what the tree becomes by each mutant: line, before, after."""
    found = mutants_of("toy/core.py", source.encode())
    return {
        (m.line, m.before, m.after): m.applied(source.encode()).decode() for m in found
    }


def test_every_kind_of_change_is_drawn_where_code_runs() -> None:
    assert set(_changes()) == {
        (8, "3", "(4)"),
        (8, "3", "(2)"),
        (13, EITHER, f"({EITHER.replace('or', 'and')})"),
        (13, "not any(values)", "(any(values))"),
        (13, "any(values)", "(all(values))"),
        (13, "len(values) == 7", "(len(values) != 7)"),
        (13, "7", "(8)"),
        (13, "7", "(6)"),
        (14, 'raise ValueError(f"nothing of {len(values) + 1}")', "pass"),
        (15, "min(value, LIMIT)", "(max(value, LIMIT))"),
        (16, "kept[0] += 1", "pass"),
        (16, "0", "(1)"),
        (16, "0", "(-1)"),
        (16, "1", "(2)"),
        (16, "1", "(0)"),
        (17, 'print("é", kept[0] > 0)', "pass"),
        (17, "kept[0] > 0", "(kept[0] >= 0)"),
        (17, "0", "(1)"),
        (17, "0", "(-1)"),
    }  # fmt: skip


def test_a_mutant_changes_its_place_alone() -> None:
    for (line, before, after), changed in _changes().items():
        ast.parse(changed)
        ours, theirs = SOURCE.splitlines(), changed.splitlines()
        differ = [n for n, pair in enumerate(zip(ours, theirs, strict=True), 1)
                  if pair[0] != pair[1]]  # fmt: skip
        assert differ == [line]
        assert after in theirs[line - 1]
        assert before in ours[line - 1]


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("a and b", "(a or b)"),
        ("a + b", "(a - b)"),
        ("a * b", "(a / b)"),
        ("a is not b", "(a is b)"),
        ("a in b", "(a not in b)"),
        ("a < b <= c", "(a <= b <= c)"),
        ("a < b <= c", "(a < b < c)"),
        ("x.amax(1)", "(x.amin(1))"),
        ("x.all()", "(x.any())"),
        ("True", "(False)"),
        ("0.5", "(1.5)"),
    ],
)
def test_expressions_become(code: str, changed: str) -> None:
    assert f"y = {changed}" in _changes(f"y = {code}").values()


def test_all_our_code_still_parses_when_it_is_changed() -> None:
    sample = drawn(ROOT, ["pipeline"], 300, 5)
    assert len(sample) == 300
    for mutant in sample:
        ast.parse(mutant.applied((ROOT / mutant.path).read_bytes()))


def test_a_sample_follows_from_its_seed(tree: Path) -> None:
    samples = [drawn(tree, ["toy"], 5, seed) for seed in (1, 1, 2)]
    assert samples[0] == samples[1] != samples[2]
    assert len(set(samples[0])) == 5
    everything = drawn(tree, ["toy", "toy/core.py"], 1000, 1)
    assert len(everything) == len(set(everything)) > 15
    assert {mutant.path for mutant in everything} == {"toy/core.py", "toy/above.py"}


def test_a_mutant_is_shown_with_its_line() -> None:
    (found,) = (
        m for m in mutants_of("a.py", b"y = f(\n    1,\n) > z") if ">" in m.before
    )
    assert str(found) == "a.py:1: f( 1, ) > z → (f(1) >= z)  in  y = f("


def test_the_closest_tests_come_first(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tree))
    by = importers(["toy"])
    assert distances("toy.core", by) == {"toy.core": 0, "toy.above": 1}
    tests = imported(tree, by)
    assert closest("toy/core.py", by, tests) == [
        "tests/toy/test_core.py",
        "tests/toy/test_above.py",
    ]
    assert closest("toy/above.py", by, tests) == ["tests/toy/test_above.py"]
    assert module_of("toy/__init__.py") == "toy"


def test_mutants_of_a_kind_of_component_are_seen_by_the_test_of_all(
    tree: Path,
) -> None:
    walk = 'from toy.walk import available\n\nfor name in available("kinds"): ...\n'
    (tree / "tests/toy/test_walk.py").write_text(walk)
    by = {"toy.kinds": set(), "toy.kinds.one": set(), "toy.walk": set()}
    found = imported(tree, by)["tests/toy/test_walk.py"]
    assert found == {"toy.walk", "toy.kinds", "toy.kinds.one"}


ONLY = ("tests/toy/test_core.py",)


@pytest.mark.parametrize(("line", "kind"), [(16, "killed"), (17, "survived")])
def test_what_became_of_a_mutant_is_reported(tree: Path, line: int, kind: str) -> None:
    found = mutants_of("toy/core.py", SOURCE.encode())
    mutant = next(m for m in found if m.line == line and m.after == "pass")
    assert Copy(tree).judge(mutant, ONLY) == running.Outcome(mutant, kind, ONLY)
    assert (tree / "toy/core.py").read_text() == SOURCE


def test_a_mutant_that_never_ends_times_out(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "SLACK_S", 1.0)
    at = SOURCE.encode().index(b"kept = [min")
    mutant = Mutant("toy/core.py", 15, at, at, "", "while True: values\n    ", "")
    assert Copy(tree).judge(mutant, ONLY).kind == "timed out"
    assert (tree / "toy/core.py").read_text() == SOURCE


def test_tests_that_fail_on_sound_code_kill_nothing(tree: Path) -> None:
    (tree / "tests/toy/test_core.py").write_text("def test_it(): assert False\n")
    mutant = mutants_of("toy/core.py", SOURCE.encode())[0]
    outcome = Copy(tree).judge(mutant, ONLY)
    assert (outcome.kind, outcome.tests) == ("untested", ())


def test_a_file_is_put_back_when_the_work_is_interrupted(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, mutant = Copy(tree), mutants_of("toy/core.py", SOURCE.encode())[0]
    copy.judge(mutant, ONLY)

    def interrupted(*_: object) -> int:
        assert (tree / "toy/core.py").read_text() != SOURCE
        raise KeyboardInterrupt

    monkeypatch.setattr(copy, "_status", interrupted)
    with pytest.raises(KeyboardInterrupt):
        copy.judge(mutant, ONLY)
    assert (tree / "toy/core.py").read_text() == SOURCE


def test_a_copy_has_what_git_knows_and_would_add(tree: Path, tmp_path: Path) -> None:
    (tree / ".gitignore").write_text("/data/\n")
    (tree / "data").mkdir()
    (tree / "data" / "patient.csv").touch()
    subprocess.run(["git", "add", "toy"], cwd=tree, check=True)
    (tree / "toy" / "above.py").unlink()
    copied(tree, tmp_path / "copy")
    found = {p.relative_to(tmp_path / "copy").as_posix()
             for p in (tmp_path / "copy").rglob("*.*") if p.is_file()}  # fmt: skip
    assert found == {
        ".gitignore", "toy/__init__.py", "toy/core.py", "tests/toy/test_core.py",
        "tests/toy/test_above.py", "tests/toy/test_other.py",
    }  # fmt: skip


def test_the_command_prints_all_and_fails_for_a_survivor(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(tree))
    monkeypatch.setattr(__main__, "ROOT", tree)
    monkeypatch.setattr(__main__, "PACKAGES", ("toy",))
    monkeypatch.setattr(
        sys, "argv", ["mutation", "--n", "3", "--seed", "4", "toy/core.py"]
    )
    failed = __main__.main()
    *lines, counts = capsys.readouterr().out.splitlines()
    kinds = [line.split()[0] for line in lines]
    assert sorted(kinds) == ["killed", "survived", "survived"]
    assert counts == "1 killed, 2 survived"
    assert failed == 1
    assert (tree / "toy/core.py").read_text() == SOURCE
