"""`params.yaml` as frozen, bounded settings.

Every section of the file has one settings class, named in `pipeline.sections`. `load`
reads the file and validates all of it before any work starts; `Params.read` then gives
a stage one section.
"""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError

from pipeline import yaml_text
from pipeline.components import available, find
from pipeline.errors import ConfigError
from pipeline.ingestion.codes import names
from pipeline.ingestion.fitting import unfit
from pipeline.names import FORM, entry_fault, entry_faults, suggested
from pipeline.sections import SECTIONS, left_out
from pipeline.wording import did_you_mean, explain, shown

PARAMS = Path("params.yaml")

OnBadRecording = Literal["raise", "skip"]
Labels = Annotated[dict[str, str], Field(min_length=1), BeforeValidator(names)]
"""The classes in order, each with its longer name."""

ENTRIES = ("datasets", "encoders", "models")
"""Sections that hold entries, each with a name of its own."""

RENAMED = {"edf": "mne", "bids": "mne"}
"""Components that have another name now."""


class Params:
    """The sections of one `params.yaml`."""

    def __init__(self, sections: Mapping[str, Any], *, path: Path = PARAMS) -> None:
        self._sections = sections
        self._path = path

    def read(self, section: str) -> Any:
        """Validate one section, such as `datasets.ecg_demo.signal`.

        Raises
        ------
        ConfigError
            The section is missing, or a setting in it cannot be used.
        """
        schema, settings = self._schema(section, self.plain(section))
        try:
            return TypeAdapter(schema).validate_python(settings)
        except ValidationError as error:
            found, expected = explain(error, schema, settings)
            raise self._error(section, found, expected) from None

    def plain(self, section: str) -> Any:
        """Read one section as it stands in the file, or what it is if it is left out.

        Raises
        ------
        ConfigError
            The section is missing.
        """
        value: Any = self._sections
        *_, last = keys = section.split(".")
        for key in keys:
            if not isinstance(value, Mapping) or key not in value:
                default = left_out(_pattern(section), value)
                if key == last and default is not None:
                    return default
                raise self._error(section, "is missing", f"a section '{key}'")
            value = value[key]
        return value

    def names(self, kind: str) -> list[str]:
        """Usable names that `datasets`, `encoders` or `models` defines."""
        return [str(name) for name in self._defined(kind) if not entry_fault(name)]

    def _defined(self, kind: str) -> list[object]:
        entries = self._sections.get(kind)
        return list(entries) if isinstance(entries, Mapping) else []

    def problems(self) -> Iterator[ConfigError]:
        """Check the entire file and yield what is wrong with it."""
        for kind in ENTRIES:
            if not self._defined(kind):
                found = f"is {shown(self._sections.get(kind))}"
                yield self._error(kind, found, "entries, each a name with its settings")
        yield from self._unfit_names()
        yield from self._unknown_keys()
        for pattern in SECTIONS:
            for section in self._expand(pattern):
                try:
                    self.read(section)
                except ConfigError as problem:
                    yield problem
        yield from self._unfit_parts()
        yield from self._unfit_loss()
        for name in self.names("datasets"):
            yield from self._unfit_values(name)
        yield from self._undefined_names()

    def _schema(self, section: str, value: Any) -> tuple[Any, Any]:
        """Find the class that validates a section, and the part of it to validate."""
        home, _, name = SECTIONS[_pattern(section)].partition(":")
        if home != "component":
            return getattr(importlib.import_module(home), name), value
        if not isinstance(value, Mapping) or "name" not in value:
            choice = "name: " + " | ".join(available(name))
            raise self._error(section, "does not name its component", choice)
        chosen = str(value["name"])
        if now := RENAMED.get(chosen):
            raise self._error(section, f"'{chosen}' is no name", f"now '{now}'")
        if chosen not in (names := available(name)):
            raise self._error(
                f"{section}.name",
                f"there is no '{chosen}'",
                did_you_mean(chosen, names),
                f"correct the name, or add pipeline/{name}/{chosen}.py",
            )
        rest = {key: setting for key, setting in value.items() if key != "name"}
        return find(name, chosen), rest

    def _expand(self, pattern: str) -> list[str]:
        """Fill the `*` of a pattern with the names that the file defines."""
        if "*" not in pattern:
            return [pattern]
        kind = pattern.partition(".")[0]
        return [pattern.replace("*", name) for name in self.names(kind)]

    def _unfit_names(self) -> Iterator[ConfigError]:
        """Look for names of entries that some tool on the way does not take."""
        for kind in ENTRIES:
            for name, fault in entry_faults(self._defined(kind)):
                write = suggested(name, kind[:-1])
                write += "_2" * (write == name)
                remedy = f"write it {write}, here and in grid"
                yield self._error(kind, f"the name {name!r}: {fault}", FORM, remedy)

    def _unknown_keys(self) -> Iterator[ConfigError]:
        """Look for keys that no section knows, such as a misspelled one."""
        yield from self._strangers("", self._sections, _tops())
        for kind in ("datasets", "models"):
            known = [p.rpartition(".")[2] for p in SECTIONS if p.startswith(kind)]
            for name in self.names(kind):
                yield from self._strangers(
                    f"{kind}.{name}", self.plain(f"{kind}.{name}"), known
                )

    def _strangers(
        self, place: str, value: Any, known: list[str]
    ) -> Iterator[ConfigError]:
        keys = value if isinstance(value, Mapping) else {}
        for key in keys:
            if key not in known:
                yield self._error(
                    f"{place}.{key}".lstrip("."),
                    "is not a setting",
                    did_you_mean(str(key), known),
                )

    def _unfit_parts(self) -> Iterator[ConfigError]:
        """Look for neurons and savings that their network does not take."""
        for name in self.names("models"):
            try:
                network, neuron, sparsity, privacy = (
                    self.read(f"models.{name}.{part}")
                    for part in ("network", "neuron", "sparsity", "privacy")
                )
                training = self.read("training")
            except ConfigError:
                continue  # it is among the problems already
            pairs = (network, neuron), (sparsity, network), (training, network)
            for settings, *parts in *pairs, (privacy, network, training, sparsity):
                try:
                    settings.check(*parts)
                except ConfigError as problem:
                    where = problem.where.replace("*", name)
                    yield ConfigError(where, problem.found, expected=problem.expected)

    def _unfit_loss(self) -> Iterator[ConfigError]:
        """Look for networks of the grid that run on and are to learn at every step.

        Of a training segment, most steps have no label.
        """
        try:
            training, grid = self.read("training"), self.read("grid")
            chosen = [name for name in self.names("models") if name in grid.model]
            networks = {name: self.read(f"models.{name}.network") for name in chosen}
        except ConfigError:
            return  # it is among the problems already
        for name, network in networks.items():
            runs_on = network.restarts != "windows"
            if training.loss == "tet" and runs_on and network.read_out != "rates":
                yield self._error(
                    f"models.{name}.network.restart",
                    f"{network.restarts}, but training.loss is tet, which learns from "
                    "the logits at every step of a window",
                    "restart: windows",
                    "set restart to windows, or training.loss to cross_entropy",
                )

    def _unfit_values(self, dataset: str) -> Iterator[ConfigError]:
        """Look for values of a data set that its files or its labels do not have."""
        parts = ("labels", "source", "reader", "values")
        try:
            read = [self.read(f"datasets.{dataset}.{part}") for part in parts]
        except ConfigError:
            return  # it is among the problems already
        for place, found, expected in unfit(*read):
            yield self._error(f"datasets.{dataset}.{place}", found, expected)

    def _undefined_names(self) -> Iterator[ConfigError]:
        """Look for names in the grid that nothing defines."""
        try:
            grid = self.read("grid")
        except ConfigError:
            return  # it is among the problems already
        for axis in ("dataset", "encoder", "model"):
            defined = self.names(f"{axis}s")
            for name in getattr(grid, axis):
                if defined and name not in defined:
                    yield self._error(
                        f"grid.{axis}",
                        f"'{name}' is not defined",
                        did_you_mean(name, defined),
                    )

    def _error(
        self, section: str, found: str, expected: str, remedy: str = ""
    ) -> ConfigError:
        return ConfigError(
            f"{self._path}: {section}",
            found,
            expected=expected,
            remedy=remedy or f"correct {self._path}",
        )


def load(path: Path = PARAMS) -> Params:
    """Read a `params.yaml` and refuse all of it if anything in it is wrong.

    Raises
    ------
    ConfigError
        With every problem that was found.
    """
    params = read(path)
    _refuse(list(params.problems()))
    return params


def read(path: Path = PARAMS) -> Params:
    """Read a `params.yaml`, whose sections are validated when they are asked for.

    It is for stages that run after the stage `code`, which has validated all of it.

    Raises
    ------
    ConfigError
        It cannot be read, or is not a mapping.
    """
    sections = yaml_text.load(path)
    if not isinstance(sections, Mapping):
        raise ConfigError(
            str(path),
            f"is {'empty' if sections is None else 'not a mapping of sections'}",
            expected=f"the sections {', '.join(_tops())}, each with a colon",
            remedy=f"correct {path}, or bring it back: `git checkout {path}`",
        )
    return Params(sections, path=path)


def _refuse(problems: list[ConfigError]) -> None:
    if not problems:
        return
    if len(problems) == 1:
        raise problems[0]
    raise ConfigError(
        f"{len(problems)} problems", "\n" + "\n".join(str(p) for p in problems)
    )


def _tops() -> list[str]:
    """List the sections that the file has at its left edge."""
    return sorted({pattern.partition(".")[0] for pattern in SECTIONS})


def _pattern(section: str) -> str:
    """Find the pattern in `SECTIONS` that a section's path follows."""
    if section in SECTIONS:
        return section
    kind, _, *rest = section.split(".")
    return ".".join([kind, "*", *rest])
