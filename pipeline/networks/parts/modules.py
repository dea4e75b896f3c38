"""Modules that people wrote themselves: where they lie, and how they are imported.

A place is written `package.module:Class`. It is looked for where Python looks, and in
the folder `own` of the checkout, which DVC watches. To find a file imports nothing.
"""

import importlib
import inspect
import re
import sys
from collections.abc import Mapping
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigError
from pipeline.syntax import ROOT

if TYPE_CHECKING:
    from torch import nn

OWN = ROOT / "own"
"""Packages of the checkout that belong to its user."""

FORM = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
WHERE = "params.yaml: models.*.network.module"
WATCHED = ("own", "pipeline", "stages")
"""Folders of the checkout that the stage `code` depends on."""


def placed(place: str) -> str:
    """Refuse a place that is none, or where no source file lies.

    Raises
    ------
    ValueError
    """
    if not FORM.fullmatch(place):
        raise ValueError("a place such as my_package.nets:Net")
    module = place.partition(":")[0]
    if source_of(module) is None:
        raise ValueError(
            f"a module that is installed or lies in {OWN.name}/; "
            f"there is no source of {module}"
        )
    return place


def source_of(module: str) -> Path | None:
    """Find a module's source file without importing its packages; None: none."""
    if str(OWN) not in sys.path:
        sys.path.append(str(OWN))
    importlib.invalidate_caches()
    folders, origin, name = None, None, ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(part, folders) or _hooked(name, folders)
        if spec is None:
            return None
        folders = list(spec.submodule_search_locations or [])
        origin = spec.origin
    return Path(origin) if origin and origin.endswith(".py") else None


def _hooked(name: str, folders: list[str] | None) -> ModuleSpec | None:
    """Ask the finders that packages add to Python, as some editable installs do."""
    for finder in sys.meta_path:
        if finder is not PathFinder and (spec := finder.find_spec(name, folders)):
            return spec
    return None


def check_watched(place: str) -> None:
    """Refuse a module of the checkout whose changes DVC would not see.

    Raises
    ------
    ConfigError
    """
    source = source_of(place.partition(":")[0])
    if source is None or not source.is_relative_to(ROOT):
        return
    first, *_ = source.relative_to(ROOT).parts
    if first in WATCHED or "site-packages" in source.parts:
        return
    raise ConfigError(
        WHERE,
        f"{source.relative_to(ROOT)} lies where DVC does not see that it changes",
        expected=f"a package in {OWN.name}/, or an installed one",
        remedy=f"move it to {OWN.name}/; its name stays as it is",
    )


def imported(place: str) -> "type[nn.Module]":
    """Import a class of torch's modules.

    Raises
    ------
    ConfigError
        Its module cannot be imported, or it is no such class.
    """
    from torch import nn

    name, _, cls = place.partition(":")
    source_of(name)
    try:
        found = getattr(importlib.import_module(name), cls)
    except AttributeError:
        raise ConfigError(
            WHERE,
            f"{name} has no {cls}",
            expected="the name of a class in it",
            remedy="correct the name behind the colon",
        ) from None
    except Exception as error:
        raise ConfigError(
            WHERE,
            f"{name} cannot be imported ({type(error).__name__}: {error})",
            expected="a module that can be imported here",
            remedy="correct it; install what it needs",
        ) from error
    if not (inspect.isclass(found) and issubclass(found, nn.Module)):
        raise ConfigError(
            WHERE,
            f"{place} is no class of torch.nn.Module",
            expected="a subclass of torch.nn.Module",
            remedy="name the class, not an object or a function",
        )
    return found


def made(
    place: str, n_inputs: int, n_outputs: int, options: Mapping[str, Any]
) -> "nn.Module":
    """Make a module: `Class(n_inputs, n_outputs, **options)`, or `Class(**options)`.

    Raises
    ------
    ConfigError
        It takes neither, or fails.
    """
    cls = imported(place)
    signature = inspect.signature(cls)
    for sizes in ((n_inputs, n_outputs), ()):
        try:
            signature.bind(*sizes, **options)
        except TypeError as error:
            fault = str(error)
            continue
        try:
            return cls(*sizes, **options)
        except Exception as error:
            raise ConfigError(
                WHERE,
                f"{place} cannot be made ({type(error).__name__}: {error})",
                expected=f"a network of {n_inputs} inputs and {n_outputs} outputs",
                remedy="correct its __init__, or models.*.network.options",
            ) from error
    given = "".join(f", {name}=…" for name in options)
    raise ConfigError(
        WHERE,
        f"{place}{signature} does not take its sizes and options ({fault})",
        expected=f"__init__(self, n_inputs, n_outputs{given}), or without the sizes",
        remedy="correct its __init__, or models.*.network.options",
    )
