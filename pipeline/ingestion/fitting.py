"""Checks that the parts of a data set's entry fit together, before any file is read."""

import re
from collections.abc import Iterator, Mapping

from pipeline.components import did_you_mean
from pipeline.ingestion.codes import AAMI
from pipeline.ingestion.values import IN_FILES, Value, Values
from pipeline.patterns import fields_of
from pipeline.readers.base import Reader
from pipeline.sources.base import Source

Problem = tuple[str, str, str]
"""The setting, what was found there, and what was expected."""


def unfit(
    labels: Mapping[str, str], source: Source, reader: Reader, values: Values
) -> Iterator[Problem]:
    """Look for values that the files or the labels of a data set do not have.

    Parameters
    ----------
    labels : mapping of str to str
        The classes.
    source : Source
    reader : Reader
    values : Values
    """
    values = values.with_classes(labels)
    fields = list(dict.fromkeys(f for p in source.pattern for f in fields_of(p)))
    for place, value in _by_place(values):
        if value.place in IN_FILES - reader.origins:
            allowed = sorted(reader.origins | {"field", "sidecar", "constant"})
            found = f"from is '{value.place}', which the reader's files do not have"
            yield place, found, "one of " + ", ".join(allowed)
        elif value.place == "field" and value.key not in fields:
            found = f"the source's pattern has no field '{value.key}'"
            yield place, found, did_you_mean(value.key, fields)
        for name in re.findall(r"\{([^{}]*)\}", value.file or ""):
            if name not in (*fields, "stem"):
                found = f"the source's pattern has no field '{name}'"
                yield f"{place}.file", found, did_you_mean(name, [*fields, "stem"])
    if len(labels) < 2:
        yield "labels", "one class alone", "two classes or more"
    if values.label.place == "constant" and not values.label.classes(values.label.key):
        yield "values.label.key", "gives no class", "one of " + ", ".join(labels)
    if values.label.map is not None:
        yield from _unfit_classes(values.label.map, labels)


def _unfit_classes(
    codes: Mapping[str, str], labels: Mapping[str, str]
) -> Iterator[Problem]:
    """Look for classes that a map misspells, or that none of its codes gives."""
    place = "values.label.map"
    given = list(dict.fromkeys(codes.values()))
    for name in given:
        if codes != AAMI and name not in labels:
            found = f"'{name}' is not among the labels"
            yield place, found, did_you_mean(name, list(labels))
    for name in labels:
        if name not in given:
            yield place, f"no code gives the label '{name}'", did_you_mean(name, given)


def _by_place(values: Values) -> Iterator[tuple[str, Value]]:
    """List a data set's values with the settings that they stand in."""
    yield "values.label", values.label
    yield "values.person", values.person
    for name, number in values.numbers.items():
        yield f"values.numbers.{name}", number
