"""Files, functions and classes of ours that the pages name are there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
NAMED = re.compile(r"`([\w.]+)` in `((?:pipeline|stages|tests)/[\w/]+\.py)`")
FILE = re.compile(r"`((?:pipeline|stages|tests|benchmarks)/[\w/.-]*\w/?)`")


def missing(text: str) -> list[str]:
    """List what a page names and is not there; NAME stands for any."""
    found = [
        path
        for path in FILE.findall(text)
        if "NAME" not in path and not (ROOT / path).exists()
    ]
    for name, path in NAMED.findall(text):
        if "NAME" in path:
            continue
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        if name.partition(".")[0] not in _defined(tree):
            found.append(f"{name} in {path}")
    return found


def _defined(tree: ast.Module) -> set[str]:
    names = {getattr(node, "name", "") for node in tree.body}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
        names |= {each.id for each in targets if isinstance(each, ast.Name)}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_what_a_page_names_is_there(page: Path) -> None:
    assert missing(page.read_text(encoding="utf-8")) == []


def test_what_is_not_there_is_found() -> None:
    text = "`nothing` in `pipeline/spikes.py`, `Spikes` in `pipeline/spikes.py`, "
    text += "`pipeline/gone.py`, `pipeline/readers/NAME.py`"
    assert missing(text) == ["pipeline/gone.py", "nothing in pipeline/spikes.py"]
