"""What `make coverage` counts: every branch but those of compiled loops."""

import re
import sys
from pathlib import Path

import pytest
from coverage import Coverage

from tests import branches
from tests.branches import compiled_headers, left_out

KERNEL = '''"""A kernel."""

from numba import njit
from numba.extending import overload


@compiled
def _forward(
    currents: Any, spikes: Any
) -> None:
    # A loop:  of steps
    for t in range(3):
        spikes[t] = 1


@inlined
def formula(x: Any) -> Any:
    return x if x else 1


@implements(Pair)
def _update(rule: Any) -> None:
    """One step."""


def choose_by(kind: Any) -> Any:
    return kind


@overload(formula, jit_options={})
def _choose(x: Any) -> Any:
    kinds = {int: _of_int}
    return kinds.get(x) if choose_by(x) else _of_float


def _of_int(x: Any) -> Any:
    return 1 if x else 2


def _of_float(x: Any) -> Any:
    return 3 if x else 4


def _loop(x: Any) -> None:
    while x: x = 0


fast = njit(cache=True)(_loop)


def plain_forward(x: Any) -> Any:
    return 3 if x else 4
'''
COMPILED = ["_forward", "formula", "_update", "_of_int", "_of_float", "_loop"]


def _names(headers: list[str]) -> list[str]:
    return [header.split()[1].partition("(")[0] for header in headers]


def test_what_numba_compiles_is_found_and_nothing_else() -> None:
    assert _names(compiled_headers(KERNEL)) == COMPILED
    assert compiled_headers(KERNEL)[0] == (
        "def _forward(\n    currents: Any, spikes: Any\n) -> None:"
    )


def test_coverage_leaves_out_these_functions(tmp_path: Path) -> None:
    path = tmp_path / "kernel.py"
    path.write_text(KERNEL)
    coverage = Coverage(data_file=None, config_file=False)
    for header in compiled_headers(KERNEL):
        coverage.exclude(re.escape(header))
    _, statements, excluded, *_ = coverage.analysis2(str(path))
    lines = KERNEL.splitlines()
    counted = "\n".join(lines[n - 1] for n in statements)
    assert "def plain_forward" in counted
    assert "kinds = {int: _of_int}" in counted
    assert "for t in range(3):" not in counted
    assert all(f"def {name}(" not in counted for name in COMPILED)
    assert {"    while x: x = 0", "    return 3 if x else 4"} <= {
        lines[n - 1] for n in excluded
    }


def test_of_our_kernels_no_reference_is_left_out() -> None:
    found = {path: _names(headers) for path, headers in left_out().items()}
    assert found["neurons/leaky.py"] == ["_forward", "_backward"]
    assert not any("plain" in name for names in found.values() for name in names)
    assert sum(map(bool, found.values())) > 20


@pytest.mark.parametrize(("calls", "status"), [("f(0); f(1)", 0), ("f(0)", 2)])
def test_too_few_branches_fail(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    calls: str,
    status: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"branching_{status}"
    Path(f"{name}.py").write_text(f"def f(x):\n    if x:\n        x = 2\n\n{calls}\n")
    settings = "[run]\nbranch = true\ndata_file = data\n[report]\nfail_under = 90\n"
    Path(".coveragerc").write_text(settings)
    coverage = Coverage(include=[f"{name}.py"])
    with coverage.collect():
        __import__(name)
    coverage.save()
    del sys.modules[name]
    assert branches.main() == status
    table = capsys.readouterr().out
    assert f"{100 if not status else 50}.0 % of 2 branches, at least 90 %" in table
    assert name in table
