"""The settings of `params.yaml` as JSON schema, for editors, and as tables, for people.

Both are made of the settings classes, so neither can say what is not so.
"""

import importlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from pipeline.components import KINDS, available, base_class, find
from pipeline.schema_words import ALSO, EXAMPLES, INLINE, LIST, UNITS
from pipeline.sections import OPTIONAL, SECTIONS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

SIGNS = {
    "minimum": "≥",
    "exclusiveMinimum": ">",
    "maximum": "≤",
    "exclusiveMaximum": "<",
}
"""Bounds, by JSON schema's names."""

PLAIN = {"sources": "folder", "readers": "mne"}
"""The component of a kind that leaves the settings of all as they are."""

NAMED: Schema = {"required": ["name"], "additionalProperties": True}
"""A component in another one's settings."""

PARTS = ("source", "reader", "values", "signal", "windows", "folds")
"""Parts of a data set's entry whose keys the table lists."""


def text(*, as_table: bool) -> str:
    """Write the table, or the schema."""
    return table() if as_table else json.dumps(json_schema(), indent=1) + "\n"


def json_schema() -> Schema:
    """Describe a complete `params.yaml`."""
    definitions: Schema = {}
    top: Schema = {"type": "object", "properties": {}, "additionalProperties": False}
    for pattern, home in SECTIONS.items():
        place = top
        *above, last = pattern.split(".")
        for key in above:
            place = _inside(place, key)
        own = _section(home, definitions)
        if last == "*":
            place["additionalProperties"] = own
            continue
        place["properties"][last] = own
        if pattern not in OPTIONAL:
            place.setdefault("required", []).append(last)
    head = {"$schema": DRAFT, "title": "params.yaml of biospike"}
    return {**head, **top, "$defs": definitions}


def _inside(place: Schema, key: str) -> Schema:
    """Go to what lies below a key, or below any (`*`)."""
    below: Schema = {"type": "object", "properties": {}, "additionalProperties": False}
    if key != "*":
        found: Schema = place["properties"].setdefault(key, below)
        return found
    if not place["additionalProperties"]:
        place["additionalProperties"] = below
    inner: Schema = place["additionalProperties"]
    return inner


def _section(home: str, definitions: Schema) -> Schema:
    """Describe one section: of a component, each by its name."""
    module, _, name = home.partition(":")
    if module != "component":
        own = _adapted(getattr(importlib.import_module(module), name), definitions)
        return {"anyOf": [own, LIST]} if name == "Labels" else own
    each = [_component(name, choice, definitions) for choice in available(name)]
    return {"anyOf": each}


def _component(kind: str, name: str, definitions: Schema) -> Schema:
    own = _adapted(find(kind, name), definitions)
    properties = {"name": {"const": name}, **own.get("properties", {})}
    return own | {
        "properties": properties,
        "required": ["name", *own.get("required", [])],
    }


def _adapted(cls: Any, definitions: Schema) -> Schema:
    """Describe a class, with the short forms that `params.yaml` may also have."""
    own = TypeAdapter(cls).json_schema(ref_template="#/$defs/{model}")
    for name, inner in own.pop("$defs", {}).items():
        definitions[name] = _widened(inner)
    return _widened(own)


@cache
def _bases() -> frozenset[str]:
    """Name the classes that stand for whichever component `name` chooses."""
    bases = (base_class(kind).__name__ for kind in KINDS)
    return frozenset([*bases, *INLINE])


def _widened(schema: Schema) -> Schema:
    """Let keys have the short forms of `ALSO`."""
    title = schema.get("title", "").partition("[")[0]
    if schema.get("type") == "object" and title in _bases():
        schema.pop("properties", None)
        schema |= NAMED
    for key, inner in schema.get("properties", {}).items():
        _widened(inner)
        if key in ALSO:
            about = {k: inner.pop(k) for k in ("description", "default") if k in inner}
            schema["properties"][key] = {**about, "anyOf": [dict(inner), *ALSO[key]]}
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        _widened(choice)
    return schema


def table() -> str:
    """Write the keys of a data set's entry as Markdown, a table a class."""
    parts = [_table(title, about, own) for title, about, own in settings()]
    return "\n\n".join(parts) + "\n"


def settings() -> Iterator[tuple[str, str, Mapping[str, Schema]]]:
    """List each class of an entry's settings: its title, its first line, its keys.

    What all sources or all readers take comes first, and is not repeated.
    """
    for part in PARTS:
        home = SECTIONS[f"datasets.*.{part}"]
        module, _, name = home.partition(":")
        if module == "component":
            yield from _of_components(part, name)
        else:
            cls = getattr(importlib.import_module(module), name)
            yield from _of_class(part, TypeAdapter(cls).json_schema())


def _of_components(part: str, kind: str) -> Iterator[tuple[str, str, Any]]:
    """List what all components of a kind take, then what each takes besides."""
    schemas = {n: TypeAdapter(find(kind, n)).json_schema() for n in available(kind)}
    every = [schema["properties"] for schema in schemas.values()]
    plain = schemas[PLAIN[kind]]
    shared = {
        k: f for k, f in plain["properties"].items() if all(k in own for own in every)
    }
    about = f"What every {part} takes."
    yield f"{part}: all", about, _with_required(shared, plain)
    for name, schema in schemas.items():
        own = {k: f for k, f in schema["properties"].items() if k not in shared}
        if own:
            yield f"{part}: {name}", _first_line(schema), _with_required(own, schema)


def _of_class(part: str, schema: Schema) -> Iterator[tuple[str, str, Any]]:
    """List the keys of a class, of its choices and of the classes below it."""
    inner = schema.get("$defs", {})
    if "oneOf" in schema:
        for name, place in schema["discriminator"]["mapping"].items():
            own = inner[place.rpartition("/")[2]]
            yield f"{part}: {name}", _first_line(own), _with_required(None, own)
        return
    yield part, _first_line(schema), _with_required(None, schema)
    for own in inner.values():
        title = f"{part}.{own['title'].lower()}"
        yield title, _first_line(own), _with_required(None, own)


def _with_required(own: Any, schema: Schema) -> dict[str, Schema]:
    """Mark the keys that have no default."""
    fields = schema["properties"] if own is None else own
    needed = schema.get("required", ())
    return {k: {**f, "needed": k in needed} for k, f in fields.items()}


def _first_line(schema: Schema) -> str:
    return str(schema.get("description", "")).partition("\n")[0]


def _table(title: str, about: str, fields: Mapping[str, Schema]) -> str:
    head = "| key | meaning | values | unit | default | example |"
    rows = [_row(title, key, field) for key, field in fields.items()]
    return "\n".join([f"#### {title}", "", about, "", head, "|---" * 6 + "|", *rows])


def _row(title: str, key: str, field: Schema) -> str:
    default = "needed" if field.get("needed") else _written(field.get("default", ""))
    cells = (
        f"`{key}`",
        field.get("description") or _chosen(field),
        values_of(field),
        UNITS.get(key, ""),
        default,
        f"`{example(title, key)}`",
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _chosen(field: Schema) -> str:
    return "which kind it is" if "const" in field else ""


def example(title: str, key: str) -> str:
    """Give the example of a key, in YAML: its class's own, or that of its name."""
    return EXAMPLES.get(f"{title}.{key}") or EXAMPLES[key]


def _written(value: Any) -> str:
    """Write a default as `params.yaml` has it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"`{value}`" if value not in ("", [], {}) else "none"


def values_of(field: Schema) -> str:
    """Describe what a key may be."""
    if "anyOf" in field:
        each = [values_of(one) for one in field["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(each))
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    if "const" in field:
        return str(field["const"])
    if "$ref" in field:
        return "settings"
    kind = {"array": "list", "object": "mapping", "string": "text"}
    words = kind.get(field.get("type", ""), field.get("type", ""))
    return f"{words} {_bounds(field)}".strip()


def _bounds(field: Schema) -> str:
    found = (f"{sign} {field[key]:g}" for key, sign in SIGNS.items() if key in field)
    return ", ".join(found)
