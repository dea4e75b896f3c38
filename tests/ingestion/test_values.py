"""Texts as codes, classes, persons and numbers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.config import Labels
from pipeline.ingestion.codes import plain
from pipeline.ingestion.values import Label, Number, Person, Value, Values


def label(**settings: Any) -> Label:
    return Label.model_validate({"from": "annotation", **settings})


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (1, "1"), ("01", "1"), ("1.0", "1"), (" 1 ", "1"), ("-0", "-0"), ("1.7", "1.7"),
        ("1.9999999", "1.9999999"), (True, "true"), ("NO", "NO"), ("(AFIB", "(AFIB"),
        ("0", "0"), ("10", "10"), ("+3", "3"), ("007.00", "7"),
    ],
)  # fmt: skip
def test_a_code_is_compared_by_what_it_means(written: object, code: str) -> None:
    assert plain(written) == code


@given(st.integers(0, 10**6), st.floats(0.001, 0.999))
def test_no_fraction_is_taken_for_an_integer(integer: int, part: float) -> None:
    assert plain(f"{integer}{f'{part:.3f}'[1:]}") != plain(integer)


def test_words_numbers_and_yaml_words_are_classes() -> None:
    labels = TypeAdapter(Labels).validate_python(["rest", 1, "NO", True, "on", 1.5])
    assert list(labels) == ["rest", "1", "NO", "true", "on", "1.5"]
    named = TypeAdapter(Labels).validate_python({1: "one", 2: "two"})
    assert named == {"1": "one", "2": "two"}
    with pytest.raises(ValidationError, match="more than once"):
        TypeAdapter(Labels).validate_python(["a", "b", "a"])


def test_a_map_takes_numbers_and_words() -> None:
    rule = label(map={"3": "rest", "true": "on", "NO": "off", "2.0": "fist"})
    assert label(map={3: "rest", True: "on", 2.0: "fist"}).map == {
        "3": "rest", "true": "on", "2": "fist"
    }  # fmt: skip
    texts = ("3", "03", "3.0", "true", "NO", "2", "2.7", "no")
    found = [rule.classes(text) for text in texts]
    assert found == [["rest"]] * 3 + [["on"], ["off"], ["fist"], [], []]


def test_a_code_that_stands_twice_in_a_map_is_refused() -> None:
    with pytest.raises(ValidationError, match="more than once"):
        label(map={"1": "rest", "01": "fist"})


def test_without_a_map_a_code_is_its_class() -> None:
    rule = Values(label=label()).with_classes(["fist", "1"]).label
    found = [rule.classes(text) for text in (" fist ", "01", "Meier", "")]
    assert found == [["fist"], ["1"], [], []]
    assert label().classes("fist") == []


def test_match_takes_the_first_group_or_all_that_is_found() -> None:
    assert label(match=r"\((\w+)").codes("(AFIB ") == ["AFIB"]
    assert label(match=r"\d+").codes("gesture 12b") == ["12"]
    assert label(match=r"\d+").codes("none") == []
    with pytest.raises(ValidationError, match="regular expression"):
        label(match="(")


def test_several_codes_come_in_the_order_of_the_map() -> None:
    rule = label(split=",", map={"59118001": "RBBB", "164889003": "AF"})
    assert rule.codes("164889003, 59118001,,7") == ["164889003", "59118001", "7"]
    assert rule.classes("164889003, 59118001,,7") == ["RBBB", "AF"]


def test_modulo_reduces_integers_only() -> None:
    rule = label(modulo=7)
    found = [rule.codes(text)[0] for text in ("0", "13", "14", "x", "1.5", "08")]
    assert found == ["0", "6", "0", "x", "1.5", "1"]


def test_aami_names_the_classes_of_wfdb_beats() -> None:
    rule = label(map="aami")
    found = {symbol: rule.classes(symbol) for symbol in "NLAVF/+"}
    assert found == {
        "N": ["N"], "L": ["N"], "A": ["S"], "V": ["V"], "F": ["F"], "/": ["Q"], "+": []
    }  # fmt: skip


def test_persons_that_a_map_lacks_stand_for_themselves() -> None:
    person = Person(map={202: "201"})
    texts = ("202", "201", "05", "", "n/a", "NaN", "Mu\u0308")
    found = [person.name(text) for text in texts]
    assert found == ["201", "201", "05", "", "", "", "M\u00fc"]
    assert person.origin == ("field", "subject")


def test_a_number_is_absent_where_none_is_stated() -> None:
    age = Number.model_validate({"from": "header", "key": "Age", "match": r"\d+"})
    assert age.number("61 years") == 61
    assert age.number("unknown") is None
    dose = Number.model_validate({"from": "header", "key": "Dose"})
    assert [dose.number(text) for text in ("nan", "inf", "1e3")] == [None, None, 1000]
    assert dose.number("1_2") is None  # a name, which Python takes for 12
    sex = Number.model_validate({"from": "header", "key": "Sex", "map": {"F": 1}})
    assert sex.number("F") == 1
    assert sex.number("M") is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"from": "sidecar"}, "needs it"),
        ({"from": "annotation", "file": "x.csv"}, "needs it"),
        ({"from": "column"}, "needs a `key`"),
        ({"from": "anotation"}, "annotation"),
        ({"from": "annotation", "modulo": 1}, "2"),
    ],
)
def test_a_place_that_cannot_be_is_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Value.model_validate(settings)


def test_settings_are_written_as_they_are_read_and_in_order() -> None:
    settings = {
        "label": {"from": "annotation", "as": "blocks", "map": {"b": "B", "a": "A"}}
    }
    written = Values.model_validate(settings).model_dump(mode="json")
    assert written["label"]["from"] == "annotation"
    assert written["label"]["as"] == "blocks"
    assert written["label"]["map"] == [["b", "B"], ["a", "A"]]


@pytest.mark.parametrize("keys", [{"W": "wake", 1: "light"}, {1: "a", "b": "b"}])
def test_numbers_beside_words_are_to_be_quoted(keys: dict[Any, str]) -> None:
    with pytest.raises(ValidationError, match="'1' in quotes"):
        label(map=keys)
    with pytest.raises(ValidationError, match="'1' in quotes"):
        TypeAdapter(Labels).validate_python(keys)
