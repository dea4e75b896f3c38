"""Encoders and models in a line each, from their docstrings and settings."""

import inspect
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from pydantic_core import to_jsonable_python

from pipeline.components import Component, find

Plain = dict[str, Any]

ORACLES = {
    ("restart", "blocks"): "networks restart where annotated blocks begin",
    ("beats", "annotated"): "beats are where annotations place them",
}
"""Settings that make a component an oracle, and what is given to it."""
UNITS = {"s": "s", "hz": "Hz"}
"""Units by the last part of a setting's name."""


def shown(cells: Sequence[Plain]) -> list[Plain]:
    """Explain each encoder, then each model, once, in the order of the cells.

    Returns
    -------
    lines : list of dict
        `name`, what it `is`, and `text`.
    """
    encoders = {cell["encoder"]: encoder(cell) for cell in cells}
    models = {cell["model"]: model(cell) for cell in cells}
    return [
        {"name": name, "is": kind, "text": text}
        for kind, lines in (("encoder", encoders), ("model", models))
        for name, text in lines.items()
        if text
    ]


def encoder(cell: Plain) -> str:
    """Explain a cell's encoder."""
    return described(cell, "encoder")


def model(cell: Plain) -> str:
    """Explain a cell's network and, if it has any, its neurons."""
    network = cell["run"]["settings"]["network"]
    if network.get("units") == []:
        return "A linear read-out of the encoder's spikes, without hidden layers."
    name = network.get("name")  # of an older version there may be none
    if name and getattr(find("networks", name), "own_neurons", False):
        return described(cell, "network")
    return f"{described(cell, 'network')} Neurons: {described(cell, 'neuron')}"


def described(cell: Plain, part: str) -> str:
    """Write a component's first line, and its settings that are not the default's."""
    given = dict(cell["run"]["settings"].get(part, {}))
    if "name" not in given:
        return ""
    component = find(f"{part}s", given.pop("name"))
    first = (inspect.getdoc(component) or "").partition("\n")[0].replace("`", "")
    values = settings(component, given)
    line = f"{first.rstrip('.')} ({', '.join(values)})." if values else first
    return " ".join([line, *oracles(given)])


def oracles(given: object) -> list[str]:
    """Explain what settings, or some inside them, give that no device has."""
    if isinstance(given, list):
        return list(dict.fromkeys(chain.from_iterable(map(oracles, given))))
    if not isinstance(given, dict):
        return []
    own = [
        f"An oracle: {ORACLES[pair]}, which no device has."
        for pair in given.items()
        if isinstance(pair[1], str) and pair in ORACLES
    ]
    return list(dict.fromkeys([*own, *oracles(list(given.values()))]))


def settings(component: type[Component], given: Mapping[str, Any]) -> list[str]:
    """Write the settings that are plain values and not the component's defaults.

    They are not validated, for an older version may have made the run.
    """
    defaults = {
        key: to_jsonable_python(field.get_default(call_default_factory=True))
        for key, field in component.model_fields.items()
        if not field.is_required()
    }
    return [
        _named(key, value)
        for key, each in given.items()
        if (key not in defaults or each != defaults[key]) and (value := _short(each))
    ]


def _named(key: str, value: str) -> str:
    """Name a setting's value, with the unit that its key ends in."""
    words, _, last = key.rpartition("_")
    if last not in UNITS:
        return f"{key.replace('_', ' ')} {value}"
    return f"{words.replace('_', ' ')} {value} {UNITS[last]}"


def _short(value: object) -> str:
    """Write a value, the values of a list, or the names of components; else nothing."""
    if isinstance(value, list):
        return " + ".join(filter(None, map(_short, value)))
    if isinstance(value, dict):
        return str(value.get("name", ""))
    return "" if value is None else f"{value}"
