"""The schema for editors and the tables of keys say what the settings classes say."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML

from pipeline import schema
from pipeline.components import find
from pipeline.config import SECTIONS
from pipeline.schema_words import EXAMPLES, UNITS

ROOT = Path(__file__).parents[1]
READ = YAML(typ="safe")
SCHEMA = schema.json_schema()
FILES = ("params.yaml", "tests/params.yaml")


def faults(value: Any, rule: dict[str, Any], place: str = "") -> Iterator[str]:
    """Validate by the part of JSON schema that pydantic writes; yield what is wrong."""
    if ref := rule.get("$ref"):
        yield from faults(value, SCHEMA["$defs"][ref.rpartition("/")[2]], place)
    choices = [*rule.get("anyOf", ()), *rule.get("oneOf", ())]
    if choices and all(any(True for _ in faults(value, c, place)) for c in choices):
        yield f"{place}: {value!r} is none of the choices"
    kinds = rule.get("type", [])
    if kinds and not any(is_a(value, k) for k in ([kinds], kinds)[type(kinds) is list]):
        yield f"{place}: {value!r} is no {kinds}"
        return
    if "const" in rule and value != rule["const"]:
        yield f"{place}: {value!r} is not {rule['const']!r}"
    if "enum" in rule and value not in rule["enum"]:
        yield f"{place}: {value!r} is not in {rule['enum']}"
    low, high = rule.get("minimum", value), rule.get("maximum", value)
    if isinstance(value, int | float) and not low <= value <= high:
        yield f"{place}: {value} is out of bounds"
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from faults(each, rule.get("items", {}), f"{place}.{number}")
    if isinstance(value, dict):
        yield from faults_below(value, rule, place)


def faults_below(value: Any, rule: dict[str, Any], place: str) -> Iterator[str]:
    known, other = rule.get("properties", {}), rule.get("additionalProperties", True)
    yield from (
        f"{place}.{k} is missing" for k in rule.get("required", ()) if k not in value
    )
    for key, each in value.items():
        own = known.get(key, other)
        if own is False:
            yield f"{place}.{key} is not a setting"
        elif isinstance(own, dict):
            yield from faults(each, own, f"{place}.{key}")


def is_a(value: Any, kind: str) -> bool:
    kinds = {
        "string": str, "object": dict, "array": list, "boolean": bool,
        "null": type(None), "integer": int, "number": (int, float),
    }  # fmt: skip
    right = isinstance(value, kinds[kind])
    return right and (kind == "boolean" or not isinstance(value, bool))


@pytest.mark.parametrize("name", FILES)
def test_our_own_files_fit_the_schema(name: str) -> None:
    assert list(faults(READ.load((ROOT / name).read_text()), SCHEMA)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(sed=1),
        lambda p: p.pop("seed"),
        lambda p: p["datasets"]["mitdb"].pop("reader"),
        lambda p: p["datasets"]["mitdb"]["reader"].update(name="wfbd"),
        lambda p: p["datasets"]["mitdb"]["reader"].update(line_freq=500),
        lambda p: p["datasets"]["mitdb"]["reader"].update(missing="skip"),
        lambda p: p["datasets"]["mitdb"]["signal"].update(hfreq=40),
        lambda p: p["encoders"]["delta"].update(treshold=0.5),
        lambda p: p["models"]["lif"]["neuron"].update(name="leeky"),
    ],
)
def test_a_mistake_is_marked(change: Any) -> None:
    params = READ.load((ROOT / "params.yaml").read_text())
    changed = copy.deepcopy(params)
    change(changed)
    assert list(faults(changed, SCHEMA))


def test_the_page_has_the_keys_as_they_are() -> None:
    """Else write it anew: `biospike schema --table`, between the marks."""
    page = (ROOT / "docs" / "data.md").read_text()
    _, _, rest = page.partition("<!-- keys -->\n")
    assert rest.partition("<!-- end of keys -->")[0] == schema.table()


def classes() -> dict[str, Any]:
    """The class that each table describes, by its title."""
    found: dict[str, Any] = {}
    for title, _, _ in schema.settings():
        part, _, name = title.partition(": ")
        home, _, cls = SECTIONS[f"datasets.*.{part.partition('.')[0]}"].partition(":")
        if home == "component":
            found[title] = find(cls, schema.PLAIN[cls] if name == "all" else name)
    return found


def test_every_key_has_a_meaning_and_an_example_that_is_valid() -> None:
    by_title = classes()
    for title, about, fields in schema.settings():
        assert about, title
        for key, field in fields.items():
            assert "description" in field or "const" in field or key in PARTS, key
            text = schema.example(title, key)
            value = READ.load(text)
            cls = by_title.get(title)
            if cls is None:
                continue
            with_alias = {f.alias or n: f for n, f in cls.model_fields.items()}
            try:
                TypeAdapter(cls).validate_python({**needed(cls), key: value})
            except ValidationError as error:
                places = {problem["loc"][:1] for problem in error.errors()}
                assert (key,) not in places, (title, key, text)
            assert key in with_alias


PARTS = ("label", "person", "numbers", "n_folds")
"""Keys whose classes or names say what they are."""


def needed(cls: Any) -> dict[str, Any]:
    """Examples of the keys of a class that have no default."""
    names = {f.alias or n for n, f in cls.model_fields.items() if f.is_required()}
    return {name: READ.load(EXAMPLES[name]) for name in names}


def test_units_are_those_that_the_meanings_name() -> None:
    written = {r"\bHz\b": "Hz", r"\bseconds\b": "s", r"\bbytes\b": "bytes"}
    for _, _, fields in schema.settings():
        for key, field in fields.items():
            for sign, unit in written.items():
                if re.search(sign, field.get("description", "")) and "number" in str(
                    field
                ):
                    assert UNITS.get(key) == unit, key
            if key.endswith("_s"):
                assert UNITS[key] == "s"


def test_no_example_is_left_of_a_key_that_is_gone() -> None:
    known = {
        name
        for title, _, fields in schema.settings()
        for key in fields
        for name in (key, f"{title}.{key}")
    }
    assert set(EXAMPLES) <= known
    assert set(UNITS) <= known


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema.text(as_table=False).startswith("{")
    assert schema.text(as_table=True) == schema.table()
    assert Path(ROOT / "docs" / "data.md").exists()
