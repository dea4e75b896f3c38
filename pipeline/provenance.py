"""Which code made a file: a kept file's digest holds it beside settings and inputs."""

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


@cache
def code_digest(module: str) -> str:
    """Compute the SHA-256 of a module and of every pipeline module it imports.

    Imports inside functions count too, however deep: a file kept from an earlier run
    must be made again when any code that shaped it has changed.
    """
    digest = hashlib.sha256()
    for name, path in sorted(_with_imports(module).items()):
        digest.update(f"{name}\x1f".encode() + path.read_bytes())
    return digest.hexdigest()


def _with_imports(module: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and (path := _source(name)):
            found[name] = path
            waiting += _imports(path)
    return found


def _source(name: str) -> Path | None:
    """Find a module's file; None if the name is a class or a function.

    Names in `pipeline` are looked up without importing what is around them.
    """
    if _is_ours(name):
        path = PACKAGE.parent.joinpath(*name.split("."))
        both = path.with_suffix(".py"), path / "__init__.py"
        return next((candidate for candidate in both if candidate.is_file()), None)
    spec = importlib.util.find_spec(name)
    return Path(spec.origin) if spec and spec.origin else None


def _imports(path: Path) -> list[str]:
    """List the names in `pipeline` that a source file imports."""
    names = []
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module]
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return [name for name in names if _is_ours(name)]


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE.name
