"""`python -m tests.branches`: what `coverage run` has seen, file by file, worst first.

What numba compiles runs where coverage does not see it. So these functions of
`pipeline/kernels` are left out, and no others: decorated by `compiled`, `inlined` or
`implements`; handed to `compiled` or `njit`; or what an `overload` gives. Their
reference implementations, which they equal bit for bit in tests, are counted.
"""

import ast
import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

from coverage import Coverage

KERNELS = Path(__file__).parents[1] / "pipeline" / "kernels"
COMPILERS = {"compiled", "inlined", "implements", "njit"}
WORST = 30
"""Files that are listed."""


def main() -> int:
    """Print the worst files and the total; the exit status is 2 if that is too low."""
    coverage = Coverage()
    for headers in left_out().values():
        for header in headers:
            coverage.exclude(re.escape(header))
    coverage.load()
    table, numbers = io.StringIO(), io.StringIO()
    # Tests add modules to copies of the checkout, whose sources are gone by now.
    coverage.report(file=table, ignore_errors=True)
    print("\n".join(table.getvalue().splitlines()[: 2 + WORST]))
    with redirect_stdout(numbers):
        coverage.json_report(outfile="-", ignore_errors=True)
    totals = json.loads(numbers.getvalue())["totals"]
    seen = 100 * totals["covered_branches"] / totals["num_branches"]
    least = float(str(coverage.get_option("report:fail_under")))
    n_branches = totals["num_branches"]
    print(f"{seen:.1f} % of {n_branches} branches, at least {least:g} % wanted")
    return 0 if seen >= least else 2


def left_out() -> dict[str, list[str]]:
    """Give the compiled functions of each kernel, by its path in the folder of all."""
    return {
        path.relative_to(KERNELS).as_posix(): compiled_headers(path.read_text())
        for path in sorted(KERNELS.rglob("*.py"))
    }


def compiled_headers(source: str) -> list[str]:
    """Give the text of each compiled function from `def` to its colon."""
    tree = ast.parse(source)
    names = {name for node in ast.walk(tree) for name in _compiled(node)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [_header(source, node) for node in functions if node.name in names]


def _compiled(node: ast.AST) -> Iterator[str]:
    """Name what a piece of code makes numba compile."""
    match node:
        case ast.FunctionDef(name=name, decorator_list=decorators):
            used = {_called(decorator) for decorator in decorators}
            if used & COMPILERS:
                yield name
            if "overload" in used:
                yield from _given(node)
        case ast.Call(args=[ast.Name(id=name)]) if _called(node.func) in COMPILERS:
            yield name


def _called(node: ast.expr) -> str:
    """Name the function that makes or is a decorator: `njit` of `numba.njit(…)`."""
    match node:
        case ast.Call(func=inner):
            return _called(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _given(chooser: ast.FunctionDef) -> Iterator[str]:
    """Name what a function gives that chooses others: what it names and calls not."""
    inside = [node for each in chooser.body for node in ast.walk(each)]
    called = [node.func for node in inside if isinstance(node, ast.Call)]
    for node in inside:
        if isinstance(node, ast.Name) and node not in called:
            yield node.id


def _header(source: str, node: ast.FunctionDef) -> str:
    lines = source.splitlines()[node.lineno - 1 : node.body[0].lineno - 1]
    last = max(n for n, line in enumerate(lines) if line.endswith(":"))
    return "\n".join(lines[: last + 1])


if __name__ == "__main__":
    raise SystemExit(main())
