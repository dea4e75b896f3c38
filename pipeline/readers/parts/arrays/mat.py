"""MAT files up to version 7, by scipy."""

from pathlib import Path
from typing import Any

from pipeline.readers.parts.arrays.files import Store, no_variable, numbers, unfit
from pipeline.readers.parts.mat5 import check_mat

NUMBERS = {
    "double",
    "single",
    *(f"{u}int{b}" for u in ("", "u") for b in (8, 16, 32, 64)),
}
READ = {*NUMBERS, "logical", "char", "cell", "struct"}


def open_mat(where: str, path: Path) -> Store:
    """Open a MAT file; only variables that are asked for are loaded."""
    import scipy.io

    check_mat(path, where)
    listed = {
        name: (shape, kind)
        for name, shape, kind in scipy.io.whosmat(path)
        if not name.startswith("__")
    }

    def value(name: str) -> Any:
        """Read a variable, or a field of a struct."""
        top, *rest = name.split(".")
        if top not in listed:
            raise no_variable(where, name, list(listed))
        if (kind := listed[top][1]) not in READ:
            raise unfit(where, name, f"of MATLAB's class {kind}")
        found = scipy.io.loadmat(path, variable_names=[top], simplify_cells=True)[top]
        for field in rest:
            if not isinstance(found, dict) or field not in found:
                fields = list(found) if isinstance(found, dict) else []
                raise no_variable(where, name, [f"{top}.{each}" for each in fields])
            found, top = found[field], f"{top}.{field}"
        return _plain(where, name, found)

    shapes = {n: shape for n, (shape, kind) in listed.items() if kind in NUMBERS}
    return Store(
        where,
        shapes,
        tuple(f"{n} ({kind})" for n, (_, kind) in listed.items() if n not in shapes),
        lambda name: numbers(where, name, value(name)),
        value,
    )


def _plain(where: str, name: str, found: Any) -> Any:
    """Refuse objects and functions, which scipy keeps without running them."""
    from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque

    if isinstance(found, dict):
        raise unfit(where, name, "a struct with " + ", ".join(found))
    if isinstance(found, MatlabFunction | MatlabObject | MatlabOpaque):
        raise unfit(where, name, "an object or a function of MATLAB")
    return found
