"""A neuron is added by the files that CONTRIBUTING.md names, and no other is edited."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADDED = Path(__file__).parent / "neuron"


def added() -> set[str]:
    files = {path for path in ADDED.rglob("drift.*") if "__pycache__" not in path.parts}
    return {path.relative_to(ADDED).as_posix() for path in files}


def test_these_are_the_files_that_contributing_names() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| a neuron.*", text, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(pipeline/\S+)`", row)}
    assert named == {name.replace("drift", "NAME") for name in added()}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this checkout with a new neuron.

    Compiled modules come along, and stay valid, as times are copied too.
    """
    for name in ("pipeline", "tests/exporting"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in added():
        assert not (tmp_path / name).exists()
        shutil.copy(ADDED / name, tmp_path / name)
    return tmp_path


def test_a_new_neuron_trains_runs_in_integers_and_c_and_leaves_as_nir(
    checkout: Path,
) -> None:
    script = Path(__file__).parent / "walk.py"
    done = subprocess.run(
        [sys.executable, script, checkout / "made"],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    if "C" not in done.stdout.split():
        pytest.skip("no gcc or make here: C was not tried")
    assert done.stdout == "training int8 C NIR\n"
