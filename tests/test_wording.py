"""Refused settings in the terms of the file that holds them."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.wording import SHOWN, did_you_mean, explain, shown


class Fine(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["fine"]
    width: Annotated[float, Field(gt=0, description="of a line, mm")]


class Coarse(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["coarse"]
    steps: Annotated[int, Field(ge=2, le=9)] = 2


class Page(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    title: Annotated[str, Field(min_length=1, max_length=5)]
    grid: Annotated[Fine | Coarse, Field(discriminator="kind")]
    marks: Annotated[tuple[int, ...], Field(min_length=1)] = (1,)
    ratio: float = 1.0
    named: dict[str, int] = {}
    open: bool = False


GOOD: dict[str, Any] = {"title": "a", "grid": {"kind": "fine", "width": 1}}


@pytest.mark.parametrize(
    ("change", "found", "expected"),
    [
        ({"titel": "b"}, "titel is not a setting", "did you mean 'title'?"),
        ({"title": ""}, "title is ''", "a text that is not empty"),
        ({"title": "abcdef"}, "title is 'abcdef'", "at most 5 characters"),
        ({"title": 7}, "title is 7", 'a text, in quotes: "7"'),
        ({"title": None}, "title is empty", "a text"),
        ({"open": "perhaps"}, "open is 'perhaps'", "true or false"),
        ({"ratio": float("nan")}, "ratio is nan", "a finite number"),
        ({"ratio": "x"}, "ratio is 'x'", "a number"),
        ({"marks": []}, "marks is []", "at least one entry"),
        ({"marks": [1, "x"]}, "marks.1 is 'x'", "an integer"),
        ({"marks": 3}, "marks is 3", "a list: [first, second]"),
        ({"named": {"a": "x"}}, "named.a is 'x'", "an integer"),
        ({"named": 4}, "named is 4", "a mapping: {key: value, key: value}"),
        ({"grid": {"kind": "fine", "width": 0}}, "grid.width is 0",
         "above 0 (of a line, mm)"),
        ({"grid": {"kind": "fine"}}, "grid.width is missing",
         "a number (of a line, mm)"),
        ({"grid": {"kind": "coarse", "steps": 10}}, "grid.steps is 10", "at most 9"),
        ({"grid": {"kind": "coarse", "steps": 1}}, "grid.steps is 1", "at least 2"),
        ({"grid": {"kind": "coarse", "step": 3}}, "grid.step is not a setting",
         "did you mean 'steps'?"),
        ({"grid": {"kind": "corse"}}, "grid.kind is 'corse'", "did you mean 'coarse'?"),
        ({"grid": {"kind": "round"}}, "grid.kind is 'round'", "one of coarse, fine"),
        ({"grid": {}}, "grid.kind is missing", "one of coarse, fine"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_setting_and_what_it_may_be(
    change: dict[str, Any], found: str, expected: str
) -> None:
    given_settings = {**GOOD, **change}
    with pytest.raises(ValidationError) as caught:
        Page.model_validate(given_settings)
    assert explain(caught.value, Page, given_settings) == (found, expected)


def test_several_refusals_are_kept_apart() -> None:
    wrong = {**GOOD, "title": "", "ratio": "x"}
    with pytest.raises(ValidationError) as caught:
        Page.model_validate(wrong)
    found, expected = explain(caught.value, Page, wrong)
    assert found == "title is ''; ratio is 'x'"
    assert expected == "title: a text that is not empty; ratio: a number"


def test_what_is_missing_has_its_kind() -> None:
    with pytest.raises(ValidationError) as caught:
        Page.model_validate({"grid": GOOD["grid"]})
    found, expected = explain(caught.value, Page, {"grid": GOOD["grid"]})
    assert (found, expected) == ("title is missing", "a text")


WORDS = st.lists(st.from_regex(r"[a-z]{3,8}", fullmatch=True), min_size=1, unique=True)


@given(WORDS, st.data())
def test_a_name_with_one_letter_off_is_meant(words: list[str], data: Any) -> None:
    word = data.draw(st.sampled_from(words))
    assert did_you_mean(word.upper(), words) == f"did you mean '{word}'?"


def test_names_that_are_near_nothing_get_the_list() -> None:
    assert did_you_mean("zzz", ["ab", "cd"]) == "one of ab, cd"
    assert did_you_mean("zzz", ["ab", "c?"]) == "one of ab, 'c?'"
    assert did_you_mean("zzz", []) == "nothing: there is none"


@given(st.integers() | st.text() | st.lists(st.integers()))
def test_values_are_shown_as_they_stand_or_cut(value: object) -> None:
    text = shown(value)
    assert text == repr(value) or (
        text.endswith("…") and repr(value).startswith(text[:-1]) and len(text) == 61
    )
    assert len(text) <= SHOWN + 1


def test_what_yaml_writes_otherwise_is_shown_its_way() -> None:
    assert (shown(None), shown(True), shown(False)) == ("empty", "true", "false")
