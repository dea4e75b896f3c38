"""The compiled cache belongs to one version of the sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.kernels import compiling


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    compiling._folder.cache_clear()
    yield
    compiling._folder.cache_clear()


def test_it_lies_in_a_folder_of_the_sources_digest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    beside = Path(compiling._folder())
    assert beside.parent == Path(compiling.__file__).parent / "__pycache__"
    compiling._folder.cache_clear()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert Path(compiling._folder()) == tmp_path / beside.name


def test_other_sources_have_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    before = compiling._folder()
    compiling._folder.cache_clear()
    (tmp_path / "compiling.py").write_text("other")
    monkeypatch.setattr(compiling, "__file__", str(tmp_path / "compiling.py"))
    other = compiling._folder()
    assert other != before
    compiling._folder.cache_clear()
    (tmp_path / "neurons").mkdir()
    (tmp_path / "neurons" / "leaky.py").write_text("a formula")
    assert compiling._folder() != other


def test_a_locked_folder_sends_it_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(compiling.os, "access", lambda *_: False)
    assert Path(compiling._folder()).parent == tmp_path / ".cache" / "biospike"
