"""The compiled cache belongs to one version of the sources."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.kernels import compiling as _compile


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    _compile._folder.cache_clear()
    yield
    _compile._folder.cache_clear()


def test_it_lies_in_a_folder_of_the_sources_digest(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    beside = Path(_compile._folder())
    assert beside.parent == Path(_compile.__file__).parent / "__pycache__"
    _compile._folder.cache_clear()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert Path(_compile._folder()) == tmp_path / beside.name


def test_other_sources_have_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    before = _compile._folder()
    _compile._folder.cache_clear()
    (tmp_path / "_compile.py").write_text("other")
    monkeypatch.setattr(_compile, "__file__", str(tmp_path / "_compile.py"))
    assert _compile._folder() != before


def test_a_locked_folder_sends_it_home(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(_compile.os, "access", lambda *_: False)
    assert Path(_compile._folder()).parent == tmp_path / ".cache" / "biospike"
