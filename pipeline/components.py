"""Settings, and the one rule by which a name in `params.yaml` becomes a class.

The component called NAME of a kind is the only subclass of that kind's base class that
`pipeline/<kind>/<NAME>.py` names. There is no registry: a new file is a new component.
"""

import importlib
import pkgutil
from difflib import get_close_matches
from functools import cache

from pydantic import BaseModel, ConfigDict

from pipeline.errors import ConfigError


class Settings(BaseModel):
    """Frozen settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Component(Settings):
    """A part that `params.yaml` chooses by name: its fields are its settings."""


def available(kind: str) -> list[str]:
    """Names of the components of a kind, sorted."""
    package = importlib.import_module(f"pipeline.{kind}")
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(n for n in names if n != "base" and not n.startswith("_"))


def did_you_mean(name: str, allowed: list[str]) -> str:
    """Say what was probably meant, or what is allowed."""
    close = get_close_matches(name, allowed, n=1)
    return f"did you mean '{close[0]}'?" if close else "one of " + ", ".join(allowed)


@cache
def find(kind: str, name: str) -> type[Component]:
    """Find the one component in `pipeline/<kind>/<name>.py`.

    Parameters
    ----------
    kind : str
        A folder of `pipeline`: sources, readers, encoders, neurons, networks, meters.
    name : str
        The file's name without `.py`.

    Raises
    ------
    ConfigError
        There is no such file, or it does not name exactly one component.
    """
    if name not in (names := available(kind)):
        raise ConfigError(
            f"params.yaml: {kind}",
            f"there is no '{name}'",
            expected=did_you_mean(name, names),
            remedy=f"correct the name, or add pipeline/{kind}/{name}.py",
        )
    module = importlib.import_module(f"pipeline.{kind}.{name}")
    base = _base_class(kind)
    named = {
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    }
    if len(named) != 1:
        raise ConfigError(
            f"pipeline/{kind}/{name}.py",
            f"{len(named)} subclasses of {base.__name__}",
            expected="exactly one",
            remedy="keep one component a file",
        )
    return named.pop()


def _base_class(kind: str) -> type[Component]:
    """Find the kind's contract: the component defined in `pipeline/<kind>/base.py`."""
    module = importlib.import_module(f"pipeline.{kind}.base")
    (base,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Component)
        and value.__module__ == module.__name__
    )
    return base
