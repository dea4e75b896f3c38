"""Settings, and the one rule by which a name in `params.yaml` becomes a class.

The component called NAME of a kind is the one concrete subclass of that kind's base
class that `<NAME>.py` in the kind's folder defines or, if it defines none, imports.
There is no registry: a new file is a new component.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from pipeline.errors import ConfigError
from pipeline.wording import did_you_mean as did_you_mean
from pipeline.wording import explain

KINDS = (
    "sources",
    "readers",
    "encoders",
    "neurons",
    "plasticity",
    "networks",
    "meters",
    "exporting",
)
"""Kinds of components; the files of a folder of `pipeline` are those of a kind."""

INSIDE = {"meters": "measurement.meters"}
"""Kinds whose folder lies inside another one."""


class Settings(BaseModel):
    """Frozen settings; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Component(Settings):
    """A part that `params.yaml` chooses by name: its fields are its settings."""

    renamed: ClassVar[Mapping[str, str]] = {}
    """The settings that replace those of earlier versions."""

    @property
    def named_modules(self) -> tuple[str, ...]:
        """Modules that its settings name, whose code counts as its own does."""
        return ()

    @model_validator(mode="before")
    @classmethod
    def _refuse_renamed(cls, settings: Any) -> Any:
        given = settings if isinstance(settings, Mapping) else {}
        problems = [
            InitErrorDetails(
                type=PydanticCustomError("renamed", f"instead of {key}: {now}"),
                loc=(key,),
                input="an old setting",
            )
            for key, now in cls.renamed.items()
            if key in given
        ]
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, problems)
        return settings


def _on_the_web(address: str) -> str:
    if not address.startswith(("https://", "http://")) or " " in address:
        raise ValueError("an address that begins with https:// or http://")
    return address


Address = Annotated[str, AfterValidator(_on_the_web)]
"""An address on the web, which a page may link and a source may ask."""


def available(kind: str) -> list[str]:
    """List the names of the components of a kind, sorted.

    A folder there, such as `parts`, holds what components are made of.
    """
    package = importlib.import_module(package_of(kind))
    modules = pkgutil.iter_modules(package.__path__)
    return sorted(m.name for m in modules if m.name != "base" and not m.ispkg)


def package_of(kind: str) -> str:
    """Name the package whose modules are the components of a kind."""
    return f"pipeline.{INSIDE.get(kind, kind)}"


@cache
def find(kind: str, name: str) -> type[Component]:
    """Find the one component in the file of its name, in its kind's folder.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
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
            remedy=f"correct the name, or add {file_of(kind, name)}",
        )
    module = _import(kind, name)
    base = base_class(kind)
    classes = {
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, base)
        and not inspect.isabstract(value)
    }
    own = {value for value in classes if value.__module__ == module.__name__}
    if len(named := own or classes) != 1:
        raise ConfigError(
            file_of(kind, name),
            f"{len(named)} components of the kind {base.__name__}",
            expected="exactly one",
            remedy="keep one component a file",
        )
    return named.pop()


def _import(kind: str, name: str) -> ModuleType:
    """Import the file of a component, or explain why it cannot be imported."""
    try:
        return importlib.import_module(f"{package_of(kind)}.{name}")
    except (ImportError, SyntaxError) as error:
        raise ConfigError(
            file_of(kind, name),
            f"cannot be imported ({type(error).__name__}: {error})",
            remedy="correct the file, or bring it back from git",
        ) from error


def file_of(kind: str, name: str) -> str:
    """Name the file of a component, for messages."""
    return f"{package_of(kind).replace('.', '/')}/{name}.py"


def chosen(kind: str) -> tuple[BeforeValidator, PlainSerializer]:
    """Let a setting be a component that its own `name` chooses.

    It is for `Annotated[Kind, *chosen("kind")]`.
    """

    def make(value: Any) -> Any:
        """Turn a mapping with a name into the component."""
        if isinstance(value, Component):
            return value
        if not isinstance(value, Mapping) or "name" not in value:
            raise ValueError("name: " + " | ".join(available(kind)))
        try:
            component = find(kind, str(value["name"]))
        except ConfigError as error:
            raise ValueError(f"{error.found}; {error.expected}") from None
        rest = {key: each for key, each in value.items() if key != "name"}
        try:
            return component(**rest)
        except ValidationError as error:
            found, expected = explain(error, component, rest)
            raise ValueError(f"{value['name']}: {found}; {expected}") from None

    return BeforeValidator(make), PlainSerializer(_named)


def _named(component: Component) -> dict[str, Any]:
    """Give a component's settings with its name."""
    name = type(component).__module__.rpartition(".")[2]
    return {"name": name, **component.model_dump(mode="json")}


def base_class(kind: str) -> type[Component]:
    """Find the kind's contract: the component that `base.py` in its folder defines."""
    module = importlib.import_module(f"{package_of(kind)}.base")
    (base,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Component)
        and value.__module__ == module.__name__
    )
    return base
