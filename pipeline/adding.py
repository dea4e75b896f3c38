"""A component of another package as one of this checkout's: a file of two lines.

They are its docstring and `from PACKAGE.NAME import CLASS as CLASS`. The module there
and the file here have one name, by which a component knows itself.
"""

import importlib
import inspect
from pathlib import Path

from pipeline.components import KINDS, base_class, did_you_mean, file_of
from pipeline.errors import ConfigError
from pipeline.files import replacing

COMMAND = "biospike add"
FORM = "package.name:Class"
TEXT = '''"""{name}, from {package}."""

from {module} import {cls} as {cls}
'''


def add_component(kind: str, target: str) -> Path:
    """Write the file that makes a class of another package a component here.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    target : str
        `package.name:Class`; `params.yaml` calls it by the name.

    Returns
    -------
    path : Path
        The file, in this folder.

    Raises
    ------
    ConfigError
        The class cannot be imported or is none of the kind, or its name is taken.
    """
    if kind not in KINDS:
        raise _refused(f"there is no kind '{kind}'", did_you_mean(kind, KINDS))
    module, cls = _imported(target)
    base = base_class(kind)
    if not issubclass(cls, base) or inspect.isabstract(cls):
        lacks = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        found = f"lacks {lacks}" if lacks else f"is no {base.__name__}"
        expected = f"a complete subclass of {base.__module__}.{base.__name__}"
        raise _refused(f"{target} {found}", expected)
    package, _, name = module.rpartition(".")
    path = Path(file_of(kind, name))
    if path.exists() or name == "base":
        raise _refused(f"there is {path} already", "a module with another name")
    text = TEXT.format(name=name, package=package, module=module, cls=cls.__name__)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def _imported(target: str) -> tuple[str, type]:
    """Import the class that `package.module:Class` names."""
    module, _, name = target.partition(":")
    if not name.isidentifier() or "." not in module or module.startswith("pipeline."):
        raise _refused(f"'{target}' names no class of another package", FORM)
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, SyntaxError, ValueError) as error:
        problem = f"{target} cannot be imported ({type(error).__name__}: {error})"
        expected = "a package that is installed where biospike is"
        raise _refused(problem, expected) from error
    if not isinstance(found, type):
        raise _refused(f"{target} is no class", FORM)
    return module, found


def _refused(found: str, expected: str) -> ConfigError:
    remedy = f"`{COMMAND} --help` has examples"
    return ConfigError(COMMAND, found, expected=expected, remedy=remedy)
