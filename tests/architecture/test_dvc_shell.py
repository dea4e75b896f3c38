"""What DVC hands to the shell, whatever a data set, encoder or model is called."""

import shlex
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
HOSTILE = ["x; touch y #", "$(touch y)", "it's\n`touch y`"]
AXES = {"dataset": "datasets", "encoder": "encoders", "model": "models"}


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The commands of our dvc.yaml for a grid of hostile names."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    shutil.copy(ROOT / ".dvcignore", tmp_path)
    sections = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    for axis, kind in AXES.items():
        entry = sections[kind][sections["grid"][axis][0]]
        sections[kind] = dict.fromkeys(HOSTILE, entry)
        sections["grid"][axis] = HOSTILE
    YAML(typ="safe").dump(sections, tmp_path / "params.yaml")
    repo = Repo.init(no_scm=True)
    return {stage.name: str(stage.cmd) for stage in repo.index.stages}


def test_every_name_is_one_word_of_the_shell(commands: dict[str, str]) -> None:
    per_axes = {0: 0, 1: 0, 2: 0, 3: 0}
    for name, command in commands.items():
        stage, *words = shlex.split(command)[1:]
        assert stage == name.partition("@")[0]
        assert words[::2] == [f"--{axis}" for axis in AXES][: len(words) // 2]
        assert set(words[1::2]) <= set(HOSTILE)
        per_axes[len(words) // 2] += 1
    n = len(HOSTILE)
    assert per_axes[1] % n == per_axes[2] % n**2 == per_axes[3] % n**3 == 0
    assert min(per_axes.values()) > 0
