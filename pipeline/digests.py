"""What a stage computes, as digests of the code it uses: its import closure.

A closure starts at a stage and at the components that its entry in `params.yaml`
chooses. It follows every import, also those inside functions, and what a component
names by a string: its kernel, and the templates, tables and sources beside a module.
Comments, docstrings and formatting do not count, nor do modules that change no result.

Generic code imports single components only to tell them apart. Such an import does not
count, for a component takes part only where an entry chooses it or another one uses it:
so a new equation in one neuron is a new digest for the models with that neuron alone.
"""

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.components import KINDS, Component
from pipeline.errors import PipelineError
from pipeline.files import replacing

ROOT = Path(__file__).parents[1]
LOCK = "requirements.lock"
OURS = ("pipeline", "stages")
NO_EFFECT = (
    "pipeline.axes",  # names of array axes
    "pipeline.components",  # how names become classes
    "pipeline.config",  # refuses or accepts; settings count by their values
    "pipeline.digests",
    "pipeline.entries",
    "pipeline.errors",  # wording
    "pipeline.parallel",  # how many at a time
    "pipeline.tracking",  # a view of the files
    "stages",  # how a stage starts; each stage itself counts
)
"""Modules that change no result."""

DISTRIBUTIONS = {"sklearn": "scikit-learn", "ruamel": "ruamel-yaml"}
"""Packages whose name on PyPI differs from the name they are imported by."""

LOCKED = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
TEMPLATE_COMMENT = re.compile(r"\{#.*?#\}", re.DOTALL)


@dataclass(frozen=True)
class Source:
    """What counts of a source file.

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


def describe(stage: str, components: Iterable[Component] = ()) -> dict[str, Any]:
    """Describe the code that a stage uses with the components that are chosen.

    Parameters
    ----------
    stage : str
        Its name: the file's in `stages/`.
    components : iterable of Component
        Those that its entry chooses.

    Returns
    -------
    code : dict
        `modules` and `files`, with the digest of each; `packages` of third parties with
        their locked versions.

    Raises
    ------
    PipelineError
        A source file is missing, or is not valid Python.
    """
    n_known = len(_memory())
    chosen = {type(component).__module__ for component in components}
    roots = (*OURS, *(name.partition(".")[0] for name in chosen))
    modules = _closure({f"stages.{stage}", *chosen}, set(roots))
    files = {path for name in modules for path in _files_named(modules[name])}
    _remember(n_known)
    return {
        "modules": {name: _read(path).meaning for name, path in modules.items()},
        "files": {_place(path): _file_meaning(path) for path in files},
        "packages": _packages(modules.values(), set(roots)),
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """List the modules, files and packages in which two descriptions differ."""
    parts = ("modules", "files", "packages")
    every = {(part, name) for d in (before, now) for part in parts for name in d[part]}
    return sorted(
        name for part, name in every if before[part].get(name) != now[part].get(name)
    )


def _closure(roots: set[str], ours: set[str]) -> dict[str, Path]:
    """Follow imports and kernels' names; gives each module's file."""
    found: dict[str, Path] = {}
    waiting = sorted(roots)
    while waiting:
        name = waiting.pop()
        if name in found or _has_no_effect(name) or not (path := _file_of(name)):
            continue
        found[name] = path
        source = _read(path)
        _refuse_missing(path, source, ours)
        waiting += [
            other
            for other in (*source.imports, *_kernels_named(name, source))
            if other.partition(".")[0] in ours and _counts(name, other)
        ]
    return found


def _has_no_effect(name: str) -> bool:
    whole = name in NO_EFFECT
    return whole or name.startswith(("pipeline.tracking.", "pipeline.config."))


def _counts(importer: str, imported: str) -> bool:
    """Whether an import counts: generic code only tells components apart."""
    is_generic = _is_ours(importer) and not _is_chosen_by_name(importer)
    return not (is_generic and _is_chosen_by_name(imported))


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] in OURS


def _is_chosen_by_name(name: str) -> bool:
    """Whether a module is a component, or the kernel of a neuron."""
    package, kind, *rest = [*name.split("."), "", ""][:4]
    if package != "pipeline" or not rest[0] or rest[0].startswith("_"):
        return False
    if kind in KINDS:
        return rest[0] != "base"
    path = _file_of(name) if kind == "kernels" else None
    return path is not None and _read(path).is_kernel


def _kernels_named(name: str, source: Source) -> list[str]:
    """List the kernels whose names stand as strings in a component."""
    if not _is_chosen_by_name(name):
        return []
    kernels = (f"pipeline.kernels.{text}" for text in source.strings)
    return [kernel for kernel in kernels if _file_of(kernel)]


def _files_named(module: Path) -> Iterator[Path]:
    """List files beside a module that its strings name, and those in named folders."""
    for text in _read(module).strings:
        path = module.parent / text
        if path.is_file() and path.suffix != ".py":
            yield path
        elif path.is_dir() and not (path / "__init__.py").exists():
            inside = (each for each in path.rglob("*") if each.suffix != ".pyc")
            yield from (each for each in inside if each.is_file())


@cache
def _file_of(name: str) -> Path | None:
    """Find a module's file; None if the name is a class or a function."""
    if _is_ours(name):
        path = ROOT.joinpath(*name.split("."))
        both = path.with_suffix(".py"), path / "__init__.py"
        return next((candidate for candidate in both if candidate.is_file()), None)
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.has_location and spec.origin else None


def _refuse_missing(path: Path, source: Source, ours: set[str]) -> None:
    for name in source.needed:
        if name.partition(".")[0] in ours and not _file_of(name):
            raise PipelineError(
                _place(path),
                f"imports {name}, and there is no such module",
                remedy="bring the file back, or remove the import",
            )


def _place(path: Path) -> str:
    inside = path.is_relative_to(ROOT)
    return path.relative_to(ROOT).as_posix() if inside else str(path)


def _packages(paths: Iterable[Path], ours: set[str]) -> dict[str, str]:
    """Give the locked version of every third-party package that is imported."""
    locked = _locked_versions()
    tops = {name.partition(".")[0] for path in paths for name in _read(path).imports}
    known = {DISTRIBUTIONS.get(top, top.replace("_", "-")) for top in tops - ours}
    return {name: locked[name] for name in sorted(known) if name in locked}


@cache
def _locked_versions() -> dict[str, str]:
    pairs = LOCKED.findall((ROOT / LOCK).read_text(encoding="utf-8"))
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


@cache
def _read(path: Path) -> Source:
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
            _place(path) + (f", line {line}" if line else ""),
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
    """List modules that are imported to run, and names that may be modules."""
    needed: set[str] = set()
    maybe: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and _is_type_checking(node.test):
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
    standard = sys.stdlib_module_names
    outside = [
        {name for name in names if name.partition(".")[0] not in standard}
        for names in (needed, maybe)
    ]
    return outside[0], outside[1]


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


def _remember(n_known: int) -> None:
    """Keep what has been read, unless that is nothing new or there is no room."""
    if len(memory := _memory()) == n_known:
        return
    path = _memory_path()
    with suppress(OSError):
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
def _file_meaning(path: Path) -> str:
    """Digest a file that is no Python, without the comments of YAML and templates."""
    if path.suffix == ".yaml":
        from ruamel.yaml import YAML

        content = json.dumps(YAML(typ="safe").load(path), sort_keys=True).encode()
    elif path.suffix == ".j2":
        content = TEMPLATE_COMMENT.sub("", path.read_text(encoding="utf-8")).encode()
    else:
        content = path.read_bytes()
    return hashlib.sha256(content).hexdigest()
