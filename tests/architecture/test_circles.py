"""No module imports itself through others, be it inside a function."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest


def circle(*packages: str) -> list[str]:
    """A circle of imports; those for annotations alone do not count."""
    graph = grimp.build_graph(
        *packages, exclude_type_checking_imports=True, cache_dir=None
    )
    imports = {
        module: graph.find_modules_directly_imported_by(module)
        for module in graph.modules
    }
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_there_is_no_circle_of_imports() -> None:
    assert circle("pipeline", "stages") == []


@pytest.mark.parametrize(
    ("source", "closes"),
    [
        ("from ring import a\n", True),
        ("def f():\n    import ring.a\n", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import ring.a\n",
         False),
    ],
)  # fmt: skip
def test_a_circle_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, closes: bool
) -> None:
    package = tmp_path / "ring"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "a.py").write_text("from ring.b import x\n")
    (package / "b.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert set(circle("ring")) == ({"ring.a", "ring.b"} if closes else set())
