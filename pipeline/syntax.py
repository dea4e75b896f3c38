"""The meaning of a source file: its syntax without comments, and the names it uses.

Reading a file this way takes ten times as long as reading its bytes. So what was read
is remembered on disk, by the SHA-256 of the bytes, which makes it right for good.
"""

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.errors import MachineError, PipelineError
from pipeline.files import replacing

ROOT = Path(__file__).parents[1]
TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """The meaning of a source file.

    Parameters
    ----------
    meaning : str
        SHA-256 of its syntax tree without docstrings.
    imports : tuple of str
        Modules it imports, and names that may be modules.
    needed : tuple of str
        Those of them that must be modules.
    strings : tuple of str
        Its string constants that could be the name of a file.
    is_kernel : bool
        Whether a neuron may name it as its kernel.
    """

    meaning: str
    imports: tuple[str, ...]
    needed: tuple[str, ...]
    strings: tuple[str, ...]
    is_kernel: bool


@cache
def read(path: Path) -> Source:
    """Read what counts of a source file; what was read once is remembered on disk."""
    raw = path.read_bytes()
    key = hashlib.sha256(raw).hexdigest()
    if key not in (memory := _memory()):
        memory[key] = asdict(_parse(raw, path))
    kept = memory[key]
    lists = {name: tuple(kept[name]) for name in ("imports", "needed", "strings")}
    return Source(**{**kept, **lists})


def _parse(raw: bytes, path: Path) -> Source:
    try:
        tree = ast.parse(raw)
        needed, maybe = _imports(tree)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise PipelineError(
            place(path) + (f", line {line}" if line else ""),
            f"is not valid Python: {getattr(error, 'msg', error)}",
            remedy="correct the file, or bring it back from git",
        ) from None
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return Source(
        meaning=hashlib.sha256(repr(_meaning(tree)).encode()).hexdigest(),
        imports=tuple(sorted(needed | maybe)),
        needed=tuple(sorted(needed)),
        strings=tuple(sorted(filter(_could_be_a_file, texts))),
        is_kernel="KERNEL" in _assigned(tree),
    )


def _assigned(tree: ast.Module) -> set[str]:
    """List the names that a module gives values to."""
    plain = (node for node in tree.body if isinstance(node, ast.Assign))
    targets = [target for node in plain for target in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _could_be_a_file(text: str) -> bool:
    return bool(re.fullmatch(r"[a-zA-Z0-9][\w.-]*", text))


def _imports(tree: ast.Module) -> tuple[set[str], set[str]]:
    """List modules that are imported to run, and names that may be modules.

    What a module imports for annotations alone does not count, unless it shows these
    names lazily, by a function `__getattr__`.
    """
    lazy = any(getattr(node, "name", "") == "__getattr__" for node in tree.body)
    needed: set[str] = set()
    maybe: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _is_type_checking(node.test) and not lazy:
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            needed |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise SyntaxError("a relative import; name the module in full")
        elif isinstance(node, ast.ImportFrom) and node.module:
            needed.add(node.module)
            maybe |= {f"{node.module}.{alias.name}" for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return needed, maybe


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _meaning(node: Any) -> Any:
    """Turn a syntax tree into nested tuples, without docstrings and empty fields.

    What is empty is left out because newer versions of Python add fields.
    """
    if isinstance(node, list):
        return tuple(_meaning(each) for each in node if not _is_docstring(each))
    if not isinstance(node, ast.AST):
        return node
    fields = (
        (name, _meaning(value))
        for name, value in ast.iter_fields(node)
        if value is not None and value != []
    )
    return (type(node).__name__, *fields)


def _is_docstring(node: Any) -> bool:
    """Whether a statement is a string alone."""
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


@cache
def _memory() -> dict[str, dict[str, Any]]:
    """Load what is remembered of sources, by the SHA-256 of their bytes."""
    try:
        memory = json.loads(_memory_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return dict(memory)


@contextmanager
def remembering() -> Iterator[None]:
    """Keep on disk what is read in the block, if it is new and there is room."""
    n_known = len(_memory())
    yield
    if len(memory := _memory()) == n_known:
        return
    path = _memory_path()
    with suppress(OSError, MachineError):
        for old in path.parent.glob("meanings-*.json"):
            old.unlink()
        with replacing(path) as partial:
            partial.write_text(json.dumps(memory), encoding="utf-8")


def _memory_path() -> Path:
    """Name the file of this version of the rules, beside the compiled modules."""
    rules = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    name = f"meanings-{sys.implementation.cache_tag}-{rules}.json"
    return ROOT / "pipeline" / "__pycache__" / name


@cache
def file_meaning(path: Path) -> str:
    """Digest a file that is not Python, without the comments of YAML and templates."""
    if path.suffix == ".yaml":
        from ruamel.yaml import YAML

        content = json.dumps(YAML(typ="safe").load(path), sort_keys=True).encode()
    elif path.suffix == ".j2":
        content = TEMPLATE_COMMENT.sub("", path.read_text(encoding="utf-8")).encode()
    else:
        content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()


def place(path: Path) -> str:
    """Name a file as a message does: relative to the checkout, if it is in it."""
    inside = path.is_relative_to(ROOT)
    return path.relative_to(ROOT).as_posix() if inside else str(path)
