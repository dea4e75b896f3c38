"""Messages about settings that pydantic refuses, in the terms of `params.yaml`.

pydantic's own texts name Python types, regular expressions and branches of unions; here
each refusal names the setting, what stands there, and what may stand there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

SHOWN = 60
"""Characters of a value that a message shows."""

EXPECTED = {
    "bool": "true or false",
    "dict": "a mapping: {key: value, key: value}",
    "finite": "a finite number",
    "float": "a number",
    "int": "an integer",
    "list": "a list: [first, second]",
    "model": "settings below it, each `key: value`",
    "path": "a path",
    "string": "a text",
    "tuple": "a list: [first, second]",
}
"""The expected value, by the first word of pydantic's name of an error."""

BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
    "multiple_of": ("multiple_of", "a multiple of"),
}
"""The limit of a number in an error's context, and the word for it."""

KINDS = {
    "array": EXPECTED["list"],
    "boolean": EXPECTED["bool"],
    "integer": EXPECTED["int"],
    "number": EXPECTED["float"],
    "object": EXPECTED["model"],
    "string": EXPECTED["string"],
}
"""The expected value, by JSON schema's name of a type."""

Keys = tuple[int | str, ...]


def did_you_mean(name: str, allowed: Sequence[str]) -> str:
    """Name what was probably meant, or what is allowed."""
    folded = {each.casefold(): each for each in allowed}
    close = get_close_matches(name.casefold(), folded, n=1)
    if close:
        return f"did you mean '{folded[close[0]]}'?"
    words = (each if re.search(r"\w$", each) else f"'{each}'" for each in allowed)
    return "one of " + ", ".join(words) if allowed else "nothing: there is none"


def explain(error: ValidationError, validator: Any, settings: Any) -> tuple[str, str]:
    """Describe what was found where in refused settings, and what is allowed.

    Parameters
    ----------
    error : ValidationError
    validator : type
        What refused them.
    settings : object
        What was refused, as it stands in the file.
    """
    schema = TypeAdapter(validator).json_schema()
    found: dict[str, str] = {}
    expected: dict[str, list[str]] = {}
    for problem in _separate(error.errors(include_url=False)):
        keys = _keys(problem, settings, schema)
        value = _value(settings, keys, problem["input"])
        place, what, right = _words(problem, keys, value, schema)
        found.setdefault(place, what)
        expected.setdefault(place, []).extend(right)
    several = len(found) > 1
    rights = {
        place: " or ".join(dict.fromkeys(each))
        for place, each in expected.items()
        if each
    }
    lines = (f"{p}: {each}" if several else each for p, each in rights.items())
    return "; ".join(found.values()), "; ".join(lines)


def _separate(problems: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out that a list is too short, where that is for an entry which is wrong."""
    places = [problem["loc"] for problem in problems]
    for problem in problems:
        place = problem["loc"]
        below = any(len(p) > len(place) and p[: len(place)] == place for p in places)
        if not (problem["type"] == "too_short" and below):
            yield problem


def _words(
    problem: ErrorDetails, keys: Keys, value: Any, schema: dict[str, Any]
) -> tuple[str, str, list[str]]:
    """Give the place of a problem, what was found there, and what was expected."""
    place = ".".join(map(str, keys)) or "the value"
    kind, context = problem["type"], problem.get("ctx", {})
    about = _described(schema, keys)
    if kind == "extra_forbidden":
        known = sorted(_properties(schema, keys[:-1]))
        return place, f"{place} is not a setting", [did_you_mean(str(keys[-1]), known)]
    if kind == "missing":
        kind = KINDS.get(_field(schema, keys).get("type", ""), "a value")
        return place, f"{place} is missing", [f"{kind} ({about})" if about else kind]
    if kind.startswith("union_tag"):
        return _choice(problem, keys, value, schema)
    if kind in ("value_error", "renamed"):
        reason = problem["msg"].removeprefix("Value error, ")
        if isinstance(value, Mapping):
            return place, f"{place}: {reason}" if keys else reason, []
        return place, f"{place} is {shown(value)}", [reason]
    right = _right(kind, context, value, problem["msg"])
    if kind == "string_pattern_mismatch":
        right, about = about or right, ""
    return (
        place,
        f"{place} is {shown(value)}",
        [f"{right} ({about})" if about else right],
    )


def _choice(
    problem: ErrorDetails, keys: Keys, value: Any, schema: dict[str, Any]
) -> tuple[str, str, list[str]]:
    """Explain settings that do not name their kind, or name an unknown one."""
    key = problem["ctx"]["discriminator"].strip("'")
    place = ".".join(map(str, (*keys, key)))
    tags = [tag for each in _choices(schema, keys) for tag in each["mapping"]]
    if problem["type"] == "union_tag_not_found":
        return place, f"{place} is missing", ["one of " + ", ".join(tags)]
    given = value[key]
    return place, f"{place} is {shown(given)}", [did_you_mean(str(given), tags)]


def _right(kind: str, context: Mapping[str, Any], value: Any, message: str) -> str:
    """Describe what a setting may be."""
    first = kind.partition("_")[0]
    if kind == "literal_error":
        return did_you_mean(str(value), re.findall("'([^']*)'", context["expected"]))
    if kind in BOUNDS:
        key, word = BOUNDS[kind]
        return f"{word} {context[key]:g}"
    if kind in ("string_too_short", "string_too_long"):
        return _sized("characters", context)
    if kind in ("too_short", "too_long"):
        return _sized("entries", context)
    if kind == "string_pattern_mismatch":
        return "a text of another form"
    if first == "string" and isinstance(value, bool | int | float):
        return f'a text, in quotes: "{shown(value)}"'
    return EXPECTED.get(first) or message.removeprefix("Input should be ")


def _sized(what: str, context: Mapping[str, Any]) -> str:
    """Describe how many characters or entries there may be."""
    least = context.get("min_length")
    if least == 1:
        return (
            "a text that is not empty" if what == "characters" else "at least one entry"
        )
    if least is not None:
        return f"at least {least} {what}"
    most = context["max_length"]
    return f"at most {most} {what if most > 1 else what.removesuffix('s')}"


def shown(value: object) -> str:
    """Write a value as YAML does, cut where it is long."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _keys(problem: ErrorDetails, settings: Any, schema: dict[str, Any]) -> Keys:
    """Keep of an error's location what stands in the file: no branch of a union."""
    keys: list[int | str] = []
    here, may_be_tag = settings, True
    for n_done, key in enumerate(problem["loc"], 1):
        if may_be_tag and any(key in c["mapping"] for c in _choices(schema, keys)):
            may_be_tag = False
            continue
        below = _below(here, key)
        absent = n_done == len(problem["loc"]) and problem["type"] == "missing"
        if below or absent:
            keys.append(key)
            here, may_be_tag = (below[0] if below else None), True
    return tuple(keys)


def _value(settings: Any, keys: Keys, otherwise: Any) -> Any:
    """Find what stands in the file, which a validator may have changed since."""
    for key in keys:
        below = _below(settings, key)
        if not below:
            return otherwise
        settings = below[0]
    return settings


def _below(value: Any, key: int | str) -> list[Any]:
    """Give what a mapping or a list holds at a key, in a list; empty if nothing."""
    if isinstance(value, Mapping):
        return [each for name, each in value.items() if str(name) == str(key)][:1]
    if isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
        return [value[key]]
    return []


def _described(schema: dict[str, Any], keys: Keys) -> str:
    """Give the description of a field from its settings class."""
    return str(_field(schema, keys).get("description", ""))


def _field(schema: dict[str, Any], keys: Keys) -> dict[str, Any]:
    fields = _properties(schema, keys[:-1]) if keys else {}
    return dict(fields.get(str(keys[-1]), {})) if keys else {}


def _properties(schema: dict[str, Any], keys: Keys) -> dict[str, Any]:
    """Collect the settings that there may be at a place, of all branches."""
    branches = _at(schema, keys)
    return {k: v for b in branches for k, v in b.get("properties", {}).items()}


def _choices(schema: dict[str, Any], keys: Sequence[int | str]) -> list[dict[str, Any]]:
    """Collect how settings at a place name their kind."""
    return [b["discriminator"] for b in _at(schema, keys) if "discriminator" in b]


def _at(schema: dict[str, Any], keys: Sequence[int | str]) -> list[dict[str, Any]]:
    """Collect the schema of a place, from all branches that lead there."""
    branches = list(_branches(schema, schema))
    for key in keys:
        below = (_step(branch, key) for branch in branches)
        branches = [b for each in below for b in _branches(schema, each)]
    return branches


def _step(branch: Mapping[str, Any], key: int | str) -> Any:
    if key in (properties := branch.get("properties", {})):
        return properties[key]
    return branch.get("items" if isinstance(key, int) else "additionalProperties")


def _branches(schema: dict[str, Any], branch: Any) -> Iterator[dict[str, Any]]:
    """Follow references, and list the branches of a choice."""
    if not isinstance(branch, dict):
        return
    if name := branch.get("$ref", "").rpartition("/")[2]:
        yield from _branches(schema, schema["$defs"][name])
        return
    yield branch
    for choice in (*branch.get("anyOf", ()), *branch.get("oneOf", ())):
        yield from _branches(schema, choice)
