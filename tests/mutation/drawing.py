"""Where code can be broken, and how: small changes that tests should notice."""

import ast
import random
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

SWAPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
}  # fmt: skip
"""Operators, and what stands for them in a mutant."""

NAMES = {"min": "max", "max": "min", "any": "all", "all": "any"}
NAMES |= {"amin": "amax", "amax": "amin", "minimum": "maximum", "maximum": "minimum"}
"""Functions and methods, and what stands for them in a mutant."""


@dataclass(frozen=True)
class Mutant:
    """A change of one place in one file.

    Parameters
    ----------
    path : str
        Of the file, below the root of the tree.
    line : int
        From 1.
    start, stop : int
        Bytes of the file that are replaced.
    before, after : str
        The code there, and what replaces it.
    code : str
        The full line, without its indentation.
    """

    path: str
    line: int
    start: int
    stop: int
    before: str
    after: str
    code: str

    def applied(self, source: bytes) -> bytes:
        """Change the file's bytes."""
        return source[: self.start] + self.after.encode() + source[self.stop :]

    def __str__(self) -> str:
        before, after = (" ".join(code.split()) for code in (self.before, self.after))
        return f"{self.path}:{self.line}: {before} → {after}  in  {self.code}"


def drawn(root: Path, places: Sequence[str], n: int, seed: int) -> list[Mutant]:
    """Draw mutants of Python files without replacement; one seed, one sample.

    Parameters
    ----------
    root : Path
        Of the tree.
    places : sequence of str
        Files and folders below it.
    n : int
        At most so many.
    seed : int
    """
    everything = [
        mutant for path in _files(root, places) for mutant in _all(root, path)
    ]
    return random.Random(seed).sample(everything, min(n, len(everything)))


def _files(root: Path, places: Sequence[str]) -> list[Path]:
    files: set[Path] = set()
    for place in places:
        files |= (
            {root / place}
            if place.endswith(".py")
            else {*root.glob(f"{place}/**/*.py")}
        )
    return sorted(files)


def _all(root: Path, path: Path) -> list[Mutant]:
    return mutants_of(path.relative_to(root).as_posix(), path.read_bytes())


def mutants_of(path: str, source: bytes) -> list[Mutant]:
    """List the mutants of a file, in the order of its lines."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found = []
    for node, after in _changes(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        stop = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        before = source[start:stop].decode()
        code = lines[node.lineno - 1].decode().strip()
        found.append(Mutant(path, node.lineno, start, stop, before, after, code))
    return sorted(found, key=lambda mutant: (mutant.start, mutant.stop, mutant.after))


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """Find every place and what replaces it."""
    for node in _living(tree):
        if isinstance(node, ast.expr):
            for changed in _expressions(node):
                yield node, f"({ast.unparse(changed)})"
        elif isinstance(node, ast.stmt) and _removable(node):
            yield node, "pass"


def _living(node: ast.AST) -> Iterator[ast.AST]:
    """Walk what runs: no annotations of types, and no code within formatted strings.

    Python 3.11 does not know where in its line a part of a formatted string stands.
    """
    yield node
    for name, value in ast.iter_fields(node):
        if isinstance(node, ast.JoinedStr) or name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _for_types(child):
                yield from _living(child)


def _for_types(node: ast.AST) -> bool:
    """Whether code is there for the type checker only."""
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    """Give what may stand for an expression."""
    match node:
        case ast.Compare(ops=operators):
            for place, operator in enumerate(operators):
                changed = deepcopy(node)
                changed.ops[place] = _swap(operator)
                yield changed
        case ast.BoolOp(op=operator) | ast.BinOp(op=operator):
            if type(operator) in SWAPPED:
                changed = deepcopy(node)
                changed.op = _swap(operator)
                yield changed
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            if name in NAMES:
                yield _renamed(node, NAMES[name])


def _swap(operator: ast.AST) -> ast.AST:
    return SWAPPED[type(operator)]()


def _renamed(call: ast.Call, name: str) -> ast.Call:
    """Call another function or method with the same arguments."""
    changed = deepcopy(call)
    if isinstance(changed.func, ast.Name):
        changed.func.id = name
    elif isinstance(changed.func, ast.Attribute):
        changed.func.attr = name
    return changed


def _removable(node: ast.stmt) -> bool:
    """Whether a statement does something, and can go without a name going with it."""
    match node:
        case ast.Expr(value=ast.Constant()):
            return False
        case ast.Assign(targets=[ast.Subscript() | ast.Attribute()]):
            return True
        case _:
            kinds = ast.Expr, ast.AugAssign, ast.Raise, ast.Continue, ast.Break
            return isinstance(node, kinds)
