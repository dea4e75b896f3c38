"""No module imports another package's private module, nor a private name."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("pipeline", "stages", "benchmarks", "tests", "docs")
    for path in (ROOT / folder).rglob("*.py")
)


def private_imports(source: str, package: str) -> list[str]:
    """List what a module of a package imports that is private to another one."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found += [name for name in names if _is_private(name, package)]
    return found


def _is_private(name: str, package: str) -> bool:
    parts = name.split(".")
    if parts[0] not in ("pipeline", "stages", "tests"):
        return False
    private = (k for k, p in enumerate(parts) if p[0] == "_" and p[:2] != "__")
    first = next(private, None)
    if first is None:
        return False
    owner = ".".join(parts[:first])
    return not f"{package}.".startswith(f"{owner}.")


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_imports_public_names(path: Path) -> None:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    assert not private_imports(path.read_text(encoding="utf-8"), package)


def test_a_private_import_is_found() -> None:
    source = "from pipeline.a._b import c\nimport pipeline.a._d\nfrom x import _y"
    found = ["pipeline.a._b.c", "pipeline.a._d"]
    assert private_imports(source, "pipeline.e") == found
    assert not private_imports(source, "pipeline.a")
    assert not private_imports("import pipeline.__main__", "tests")
    assert private_imports("from pipeline.a import _b", "tests") == ["pipeline.a._b"]
