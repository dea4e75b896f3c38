"""A small cell in a checkout of its own."""

import shutil
from pathlib import Path

import pytest

from pipeline.origins import lock
from tests import raw_cell


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the cell; to be copied."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("made"))
        raw_cell.write()
        return Path.cwd()


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, in which the test works."""
    shutil.copytree(made, tmp_path / "checkout")
    monkeypatch.chdir(tmp_path / "checkout")
    lock._stages.cache_clear()
    return tmp_path / "checkout"
