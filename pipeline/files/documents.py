"""JSON objects, sorted and of one schema."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.files import schema as _schema
from pipeline.files.places import replacing


def dump_json(value: object, *, indent: int | None = None) -> str:
    """Write JSON with sorted keys; NaN and infinity are refused."""
    return json.dumps(
        value, sort_keys=True, indent=indent, allow_nan=False, ensure_ascii=False
    )


def save_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object, with the version of the files' layout."""
    save_values(path, {"schema": _schema.SCHEMA, **value})


def save_values(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object as it is, for other programs to read."""
    text = dump_json(value, indent=2)
    with replacing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def load_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of this schema."""
    with _schema.reading(path, OSError, ValueError):
        value: dict[str, Any] = _schema.parse_object(path.read_text(encoding="utf-8"))
        _schema.check(path, value.pop("schema", None))
        return value
