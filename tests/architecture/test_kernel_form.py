"""All compiled loops of `pipeline/kernels` have one form; a deviation is named.

Loops are written out in every kernel, because numba keeps no loop on disk that is given
its formula as a function. Nothing but this test keeps them alike:

- what is compiled is decorated, by `compiled` (a loop, called from Python), `inlined`
  (a formula of a loop) or `implements` (the formula of a type of constants);
- it takes arrays and numbers by position, has no closure, allocates outside loops, and
  a loop changes arrays and returns nothing;
- numbers of one precision stay so: no literal turns singles into doubles, and nothing
  in a device's integers divides into fractions;
- a neuron goes through steps, then windows, then neurons, backwards for gradients, and
  writes its trace only where there is one;
- every formula has its equation in the docstring, and an oracle in plain Python or
  torch.
"""

import ast
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

KERNELS = Path(__file__).parents[2] / "pipeline" / "kernels"
PATHS = sorted(path for path in KERNELS.rglob("*.py") if path.name != "compiling.py")

COMPILERS = ("compiled", "inlined", "implements")
FORBIDDEN = (
    ast.FunctionDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.GeneratorExp, ast.Try, ast.With, ast.Raise, ast.Yield, ast.Global, ast.Dict,
    ast.Set, ast.JoinedStr, ast.Starred,
)  # fmt: skip
"""What is slow or unlike in compiled code, or needs a closure."""

ALLOCATES = ("empty", "zeros", "ones", "full", "flatnonzero", "copy")
FORWARD = ["currents", "state", "constants", "options", "spikes", "trace"]
BACKWARD = [
    "grad_spikes",
    "grad_state",
    "trace",
    "state",
    "constants",
    "options",
    "surrogate",
    "grad_currents",
    "grad_constants",
]
STEP = ["current", "state", "constants", "options"]
IN_ANY_ORDER = {"parallel": "no step needs another step's result"}
"""Neurons whose gradients do not go backwards, with the reason."""

DRIVERS = {
    "encoders": ("encoders/stepwise.py", "advance"),
    "front_end": ("front_end/events.py", "advance"),
    "rules": ("rules/learning.py", "update"),
}
"""Where the signature of a folder's formulas stands."""

ORACLES = {
    "front_end/integer.py": ("front_end/plain.py", "plain_prepared"),
    "neurons/recurrent_rows.py": ("neurons/recurrent.py", "plain_run"),
    "rules/learning.py": ("rules/pair.py", "plain_learn"),
    "rules/three_variable.py": ("rules/pair.py", "plain_learn"),
    "front_end/events.py": ("front_end/codes/delta.py", "plain"),
}
"""Where the oracle of a module lies that has none itself."""


def deviations(source: str, place: str) -> list[str]:
    """Name what is not in the form; `place` is the path below the folder of kernels."""
    tree = ast.parse(source)
    functions = [
        (node, how)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and (how := _compiler(node))
    ]
    found = chain(
        _compiled_elsewhere(tree),
        _choices(tree),
        *(_signature(node, how) for node, how in functions),
        *(_body(node) for node, _ in functions),
        *(_numbers(node, place) for node, _ in functions),
        *(
            _formula(node, tree, place)
            for node, how in functions
            if how == COMPILERS[2]
        ),
        _documents(tree, place) if functions else (),
        _neuron(tree, place) if place.startswith("neurons/") else (),
    )
    return list(found)


def _compiler(node: ast.FunctionDef) -> str:
    names = (_name(each) for each in node.decorator_list)
    return next((name for name in names if name in COMPILERS), "")


def _name(node: ast.AST) -> str:
    """Give the last name of what is called or read."""
    match node:
        case ast.Call(func=inner):
            return _name(inner)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def _arguments(node: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in node.args.args]


def _compiled_elsewhere(tree: ast.Module) -> Iterator[str]:
    """Only `compiling.py` asks numba to compile, and only by a decorator."""
    decorators = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for each in node.decorator_list
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "numba":
            yield f"line {node.lineno}: compile by `compiled` or `inlined`, not numba"
        if isinstance(node, ast.Import) and node.names[0].name == "numba":
            yield f"line {node.lineno}: compile by `compiled` or `inlined`, not numba"
        is_call = isinstance(node, ast.Call) and id(node) not in decorators
        if is_call and isinstance(node.func, ast.Name) and node.func.id in COMPILERS:
            yield f"line {node.lineno}: decorate the function instead"


def _choices(tree: ast.Module) -> Iterator[str]:
    """What is chosen by type divides as everything else, and says that it chooses."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id != "overload":
            continue
        options = {each.arg: ast.unparse(each.value) for each in node.keywords}
        if options != {"jit_options": "EXACT"}:
            yield f"line {node.lineno}: overload with jit_options=EXACT"


def _signature(node: ast.FunctionDef, how: str) -> Iterator[str]:
    arguments = node.args
    others = (arguments.vararg, arguments.kwarg, *arguments.kwonlyargs)
    if any(others) or arguments.defaults:
        yield f"{node.name}: take arguments by position, without defaults"
    kinds = {ast.unparse(each.annotation or ast.Name("")) for each in arguments.args}
    if kinds - {"Any"}:
        yield f"{node.name}: annotate arguments as Any: numba finds their types"
    returns = ast.unparse(node.returns) if node.returns else ""
    if how == "compiled" and returns != "None":
        yield f"{node.name}: fill arrays that are given, and return None"
    if returns == "None" and any(
        isinstance(each, ast.Return) and each.value for each in ast.walk(node)
    ):
        yield f"{node.name}: returns a value, and is annotated as None"


def _body(node: ast.FunctionDef) -> Iterator[str]:
    for inner in ast.walk(node):
        if inner is not node and isinstance(inner, FORBIDDEN):
            kind = type(inner).__name__
            yield f"{node.name}: {kind} in line {inner.lineno}; write the loop out"
        for inside in ast.walk(inner) if isinstance(inner, ast.For | ast.While) else ():
            if isinstance(inside, ast.Call) and _name(inside) in ALLOCATES:
                yield f"{node.name}: allocates in a loop, line {inside.lineno}"


def _numbers(node: ast.FunctionDef, place: str) -> Iterator[str]:
    """Keep a precision; the codes of encoders alone count in doubles throughout."""
    if place.startswith("encoders/"):
        return
    in_integers = place.startswith(("front_end/", "fixed_point"))
    for inner in ast.walk(node):
        match inner:
            case ast.Constant(value=float() as value):
                yield f"{node.name}: {value} is a double; give it the arrays' precision"
            case ast.Call() if _name(inner) in ALLOCATES[:4] and len(inner.args) < 2:
                yield f"{node.name}: state the type of `{ast.unparse(inner)}`"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()) if in_integers:
                yield f"{node.name}: divides into fractions, line {inner.lineno}"


def _formula(node: ast.FunctionDef, tree: ast.Module, place: str) -> Iterator[str]:
    """A formula is of a NamedTuple beside it, and takes what its driver gives."""
    (kind,) = (d.args[0] for d in node.decorator_list if isinstance(d, ast.Call))
    classes = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
    own = classes.get(_name(kind))
    if own is None or [_name(base) for base in own.bases] != ["NamedTuple"]:
        yield f"{node.name}: {_name(kind)} must be a NamedTuple in this file"
    path, stub = DRIVERS[place.partition("/")[0]]
    driver = ast.parse((KERNELS / path).read_text(encoding="utf-8"))
    wanted = next(_arguments(f) for f in _functions(driver) if f.name == stub)
    if _arguments(node) != wanted:
        yield f"{node.name}: takes {wanted}, as `{stub}` in {path}"


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef))


def _documents(tree: ast.Module, place: str) -> Iterator[str]:
    """Each formula has an equation and an oracle."""
    compilers = {how for node in _functions(tree) if (how := _compiler(node))}
    is_formula = "implements" in compilers or _kernel(tree) is not None
    if is_formula and "::" not in (ast.get_docstring(tree) or ""):
        yield "write the equation into the docstring, as a block after `::`"
    if compilers == {"inlined"}:
        return
    names = {getattr(node, "name", "") for node in tree.body}
    path, oracle = ORACLES.get(place, (place, ""))
    if oracle:
        other = ast.parse((KERNELS / path).read_text(encoding="utf-8"))
        if oracle not in {node.name for node in _functions(other)}:
            yield f"{path} has no oracle {oracle}"
    elif not any(name == "step" or "plain" in name.lower() for name in names):
        yield "write the oracle: `step` of a neuron, `plain_…` of anything else"


def _kernel(tree: ast.Module) -> ast.Call | None:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="KERNEL")], value=ast.Call() as call):
                return call
    return None


def _neuron(tree: ast.Module, place: str) -> Iterator[str]:
    """A neuron is a step, and a pair of loops in one order."""
    kernel, stem = _kernel(tree), Path(place).stem
    if kernel is None:
        return
    made = [ast.unparse(each) for each in kernel.args]
    if made[:4] != [repr(stem), "step", "_forward", "_backward"]:
        yield f"KERNEL must be SequenceKernel('{stem}', step, _forward, _backward)"
    functions = {node.name: node for node in _functions(tree)}
    wanted = {"step": STEP, "_forward": FORWARD, "_backward": BACKWARD}
    for name, arguments in wanted.items():
        if name not in functions or _arguments(functions[name]) != arguments:
            yield f"{name} must take {', '.join(arguments)}"
        elif name != "step":
            yield from _order(functions[name], stem)
    if "_forward" in functions:
        yield from _unguarded(functions["_forward"])


def _order(node: ast.FunctionDef, stem: str) -> Iterator[str]:
    """Steps are the outermost loop, neurons the innermost, of numbers without units."""
    loops = [each for each in ast.walk(node) if isinstance(each, ast.For)]
    for loop in loops:
        inner = [each for each in ast.walk(loop) if isinstance(each, ast.For)][1:]
        if any(_name(each.target) == "t" for each in inner):
            yield f"{node.name}: steps t must be the outermost loop"
        if _name(loop.target) == "n" and inner:
            yield f"{node.name}: neurons n must be the innermost loop"
        if _name(loop.target) == "n":
            yield from _literals(node, loop)
    steps = [loop for loop in loops if _name(loop.target) == "t"]
    backwards = [ast.unparse(loop.iter).endswith("- 1, -1, -1)") for loop in steps]
    wanted = node.name == "_backward" and stem not in IN_ANY_ORDER
    if not steps or any(each != wanted for each in backwards):
        yield f"{node.name}: steps t must go {'backwards' if wanted else 'forwards'}"


def _literals(node: ast.FunctionDef, loop: ast.For) -> Iterator[str]:
    """An integer among singles makes doubles; it may only be an index."""
    allowed = {
        id(inside)
        for part in ast.walk(loop)
        for index in ([part.slice] if isinstance(part, ast.Subscript) else [])
        for inside in ast.walk(index)
    }
    for test in (part.test for part in ast.walk(loop) if isinstance(part, ast.IfExp)):
        allowed |= {id(inside) for inside in ast.walk(test)}
    for part in chain.from_iterable(map(ast.walk, loop.body)):
        if isinstance(part, ast.Constant) and id(part) not in allowed:
            yield f"{node.name}: {part.value} in the loop over neurons makes doubles"


def _unguarded(node: ast.FunctionDef) -> Iterator[str]:
    """The trace is empty where no gradient is wanted."""
    guarded = {
        id(inside)
        for test in ast.walk(node)
        if isinstance(test, ast.If) and ast.unparse(test.test) == "trace.shape[0]"
        for inside in ast.walk(test)
    }
    for part in ast.walk(node):
        is_trace = isinstance(part, ast.Name) and part.id == "trace"
        if is_trace and id(part) not in guarded:
            yield f"_forward: `if trace.shape[0]:` before line {part.lineno}"


@pytest.mark.parametrize("path", PATHS, ids=lambda p: str(p.relative_to(KERNELS)))
def test_a_kernel_has_the_form_of_all(path: Path) -> None:
    place = path.relative_to(KERNELS).as_posix()
    assert deviations(path.read_text(encoding="utf-8"), place) == []


LEAKY, DELTA, PAIR = "neurons/leaky.py", "front_end/codes/delta.py", "rules/pair.py"
BREAKS = [
    (LEAKY, "@compiled\ndef _forward", "@numba.njit\ndef _forward", "numba"),
    (LEAKY, "KERNEL =", "_fast = compiled(step)\nKERNEL =", "decorate"),
    (LEAKY, "trace: Any\n) -> None", "trace: Any = 0\n) -> None", "position"),
    (LEAKY, "options: Any, spikes", "options: float, spikes", "Any"),
    (LEAKY, "options: Any, spikes", "spikes: Any, options", "must take"),
    (LEAKY, "                membrane[n] = u\n",
     "                membrane[n] = u\n    return None if trace else 0\n",
     "returns a value"),
    (LEAKY, "reset = one if membrane[n]", "reset = 1.0 if membrane[n]",
     "1.0 is a double"),
    (LEAKY, "fired[n] = one if u", "fired[n] = 1 if u", "makes doubles"),
    (LEAKY, "            membrane, current, fired =",
     "            room = np.empty(3, zero)\n            membrane, current, fired =",
     "allocates in a loop"),
    (LEAKY, "    beta, threshold = constants[0], constants[1]\n    for",
     "    beta, threshold = [c for c in constants]\n    for", "ListComp"),
    (LEAKY, "grad_spikes.shape[0] - 1, -1, -1)", "grad_spikes.shape[0])",
     "go backwards"),
    (LEAKY, "for t in range(currents.shape[0]):\n        for b in",
     "for b in range(currents.shape[0]):\n        for t in", "outermost"),
    (LEAKY, "                    if trace.shape[0]:\n"
     "                        trace[1", "                    if at_once:\n"
     "                        trace[1", "if trace.shape[0]"),
    (LEAKY, '"leaky", step, _forward', '"leak", step, _forward', "KERNEL"),
    (LEAKY, "over a complete sequence.\n\n::", "over a sequence.\n\n:",
     "equation"),
    (DELTA, "error > reach", "error / 2 > reach", "fractions"),
    (DELTA, "(NamedTuple)", "", "must be a NamedTuple"),
    (DELTA, "level: Any, scale: Any", "scale: Any, level: Any",
     "as `advance` in front_end/events.py"),
    (DELTA, "def plain(", "def slow(", "oracle"),
    (PAIR, "def _update(rule: Any,", "def _update(rules: Any,", "`update`"),
    (PAIR, "        sources[i] += now.pre[i]\n",
     "        sources[i] += now.pre[i] * 1.0\n", "1.0 is a double"),
    (PAIR, "class Pair",
     "@overload(advance)\ndef _choose(x: Any) -> Any:\n    return None\n\n\nclass Pair",
     "EXACT"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "sound", "broken", "says"), BREAKS)
def test_a_deviation_is_named(place: str, sound: str, broken: str, says: str) -> None:
    source = (KERNELS / place).read_text(encoding="utf-8")
    assert source.count(sound)
    found = deviations(source.replace(sound, broken, 1), place)
    assert any(says in each for each in found), found
