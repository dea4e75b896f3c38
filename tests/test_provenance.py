"""A file's digest of code follows the imports."""

from pathlib import Path

import pytest

from pipeline import provenance


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package in which `a` imports `b`, and `b` imports `c` inside a function."""
    folder = tmp_path / "pipeline"
    folder.mkdir()
    sources = {
        "a": "from pipeline.b import thing\nimport os\n",
        "b": "def thing():\n    from pipeline import c\n    return c\n",
        "c": "from pipeline.a import thing\n",
        "stranger": "pass\n",
    }
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "__init__.py").write_text("")
    monkeypatch.setattr(provenance, "PACKAGE", folder)
    return folder


def digest(module: str) -> str:
    provenance.code_digest.cache_clear()
    return provenance.code_digest(module)


@pytest.mark.parametrize("name", ["a", "b", "c", "__init__"])
def test_a_change_in_any_import_counts(package: Path, name: str) -> None:
    before = digest("pipeline.a")
    (package / f"{name}.py").write_text("# changed\n")
    assert digest("pipeline.a") != before


def test_other_modules_do_not_count(package: Path) -> None:
    before = digest("pipeline.a")
    (package / "stranger.py").write_text("# changed\n")
    assert digest("pipeline.a") == before


def test_the_encoder_reaches_its_kernel() -> None:
    reached = provenance._with_imports("pipeline.encoders.delta")
    assert "pipeline.kernels.step_forward" in reached
    assert "pipeline.encoders.rate" not in reached
