"""Paths as patterns with fields, and shell patterns."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pipeline.patterns import Globs, Patterns, fields_of, fit, unwanted


@pytest.mark.parametrize(
    ("pattern", "path", "fields"),
    [
        ("{subject}.hea", "101.hea", {"subject": "101"}),
        ("{subject}.hea", "deep/er/101.hea", {"subject": "101"}),
        ("{subject}/{run}.edf", "P1/2.edf", {"subject": "P1", "run": "2"}),
        ("{subject}_{run}.edf", "P1_2.edf", {"subject": "P1", "run": "2"}),
        ("{s}/{run}_raw_*.txt", "x/01/1_raw_a_b.txt", {"s": "01", "run": "1"}),
        ("a.zip/{s}.txt", "a.zip/01.txt", {"s": "01"}),
        ("*_{s}.edf", "a_b_01.edf", {"s": "01"}),
        ("{s}_*_*.edf", "01_a_b_c_d.edf", {"s": "01"}),
        ("SC{s:4}{night:1}*-PSG.edf", "SC40012E0-PSG.edf", {"s": "4001", "night": "2"}),
        ("{s:3}{run}.mat", "a_b7.mat", {"s": "a_b", "run": "7"}),
        ("RECORD.hea", "101/RECORD.hea", {}),
    ],
)
def test_what_fits(pattern: str, path: str, fields: dict[str, str]) -> None:
    found = fit([pattern], path)
    assert (dict(found.fields), found.problem) == (fields, "")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{subject}.hea", "101.heas"),
        ("{subject}.hea", ".hea"),
        ("{subject}.hea", "101xhea"),
        ("b/{subject}.hea", "ab/101.hea"),
        ("{subject}/{run}.hea", "101.hea"),
        ("{s:3}.hea", "1001.hea"),
        ("{s}*.hea", "a/b/c.dat"),
        ("a*.hea", "a/b.hea"),
        ("RECORD.hea", "101/XRECORD.hea"),
    ],
)
def test_what_does_not_fit(pattern: str, path: str) -> None:
    assert fit([pattern], path).problem == "does not fit the pattern"
    assert fit([pattern], path).fields == {}


def test_a_field_that_repeats_has_the_same_value() -> None:
    bids = "sub-{subject}/eeg/sub-{subject}_task-mi_run-{run}_eeg.edf"
    found = fit([bids], "sub-01/eeg/sub-01_task-mi_run-2_eeg.edf")
    assert found.fields == {"subject": "01", "run": "2"}
    assert fit([bids], "sub-01/eeg/sub-02_task-mi_run-2_eeg.edf").problem


def test_a_field_holds_an_underscore_where_one_reading_is_possible() -> None:
    assert fit(["{subject}.hea"], "a_b_1.hea").fields == {"subject": "a_b_1"}
    assert fit(["{subject}/{run}.edf"], "P_4/r_1.edf").fields == {
        "subject": "P_4",
        "run": "r_1",
    }
    repeated = "{subject}/{subject}_{run}.edf"
    assert fit([repeated], "P_4/P_4_1.edf").fields == {"subject": "P_4", "run": "1"}


def test_a_name_with_two_readings_fits_nothing() -> None:
    problem = fit(["{subject}_{run}.edf"], "P_4_1.edf").problem
    assert "subject P, run 4_1" in problem
    assert "subject P_4, run 1" in problem
    adjacent = fit(["{subject}{run}.edf"], "123.edf").problem
    assert "several ways" in adjacent
    assert fit(["{subject}{run:1}.edf"], "123.edf").problem == ""


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*{s}.hea", "rec101.hea"),  # 1, 01 or 101
        ("{s}*.hea", "101.hea"),
        ("*{s}*.hea", "aba.hea"),  # b lies between a and a
        ("*_{s}_*.hea", "_a_b_a_.hea"),
        ("*{s:1}*.hea", "aba.hea"),
    ],
)
def test_a_star_beside_a_field_leaves_no_guess(pattern: str, path: str) -> None:
    assert "several ways" in fit([pattern], path).problem


def test_the_first_pattern_that_fits_counts() -> None:
    patterns = ["{subject}_{session}_{run}.edf", "{subject}_{run}.edf"]
    assert list(fit(patterns, "a_1_2.edf").fields) == ["subject", "session", "run"]
    assert list(fit(patterns, "a_2.edf").fields) == ["subject", "run"]
    assert list(fit(patterns[::-1], "a_2.edf").fields) == ["subject", "run"]


def test_upper_and_lower_case_differ_and_are_named() -> None:
    found = fit(["{subject}_{run}.edf"], "P5_1.EDF")
    assert found.problem == "fits the pattern but for upper and lower case"
    assert found.fields == {}


def test_the_forms_of_unicode_are_one() -> None:
    decomposed = unicodedata.normalize("NFD", "M\u00fcller/\u00c4.edf")
    assert decomposed != "M\u00fcller/\u00c4.edf"
    found = fit(["{subject}/\u00c4.edf"], decomposed)
    assert found.fields == {"subject": "M\u00fcller"}
    pattern = unicodedata.normalize("NFD", "{subject}/\u00c4.edf")
    assert fit([pattern], "M\u00fcller/\u00c4.edf").fields == {"subject": "M\u00fcller"}


def test_characters_of_regular_expressions_stand_for_themselves() -> None:
    assert fit(["a+(b).[{s}]$"], "a+(b).[x]$").fields == {"s": "x"}
    assert fit(["a+(b).[{s}]$"], "aab.[x]$").problem


def every_reading(tokens: list[str], text: str, letters: str) -> set[tuple[str, ...]]:
    """Try all ways to cut a name without `/`: `*` and fields of `letters`."""
    if not tokens:
        return {()} if not text else set()
    token, *rest = tokens
    if token not in ("*", "{}"):
        inside = text.removeprefix(token) if text.startswith(token) else None
        return set() if inside is None else every_reading(rest, inside, letters)
    readings = set()
    for cut in range(token == "{}", len(text) + 1):
        taken = text[:cut]
        if token == "*" or set(taken) <= set(letters):
            own = (taken,) if token == "{}" else ()
            readings |= {
                (*own, *more) for more in every_reading(rest, text[cut:], letters)
            }
    return readings


@given(
    tokens=st.lists(st.sampled_from(["{}", "*", "_", "a"]), min_size=1, max_size=6),
    text=st.text("ab_", min_size=1, max_size=7),
)
def test_agrees_with_trying_every_reading(tokens: list[str], text: str) -> None:
    names = iter("uvwxyz")
    pattern = "".join(f"{{{next(names)}}}" if t == "{}" else t for t in tokens)
    readings = every_reading(tokens, text, "ab") or every_reading(tokens, text, "ab_")
    found = fit([pattern], text)
    if len(readings) == 1:
        assert (tuple(found.fields.values()), found.problem) == (*readings, "")
    else:
        problem = "several ways" if readings else "does not fit"
        assert problem in found.problem
        assert not found.fields


def test_fields_stand_in_order_and_once() -> None:
    assert fields_of("{b:2}/{a}_{b:2}*{c}.x") == ("b", "a", "c")


@pytest.mark.parametrize("pattern", ["{sub-ject}", "{a", "a}", "{}", "{a:}", "{a:x}"])
def test_braces_that_make_no_field_are_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="a field is written"):
        TypeAdapter(Patterns).validate_python(pattern)


def test_one_pattern_or_several_are_right_and_none_is_not() -> None:
    adapter = TypeAdapter(Patterns)
    assert adapter.validate_python("{a}.x") == ("{a}.x",)
    assert adapter.validate_python(["{a}.x", "{b}.y"]) == ("{a}.x", "{b}.y")
    for wrong in ([], [""], ""):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
    assert TypeAdapter(Globs).validate_python("a/*") == ("a/*",)


@pytest.mark.parametrize(
    ("glob", "path", "fits"),
    [
        ("sub-0[1-4]/*", "sub-03/eeg/a.edf", True),
        ("sub-0[1-4]/*", "data/sub-03/eeg/a.edf", True),
        ("sub-0[1-4]/*", "sub-05/eeg/a.edf", False),
        ("sub-0[1-4]/*", "xsub-03/a.edf", False),
        ("*.hea", "a/b.hea", True),
        ("*.hea", "a/b.HEA", False),
        ("101.*", "x/101.dat", True),
        ("101.*", "1101.dat", False),
        ("a.edf", "b/a.edf", True),
        ("M\u00fc*", unicodedata.normalize("NFD", "M\u00fcller.edf"), True),
        (unicodedata.normalize("NFD", "M\u00fc*"), "M\u00fcller.edf", True),
    ],
)
def test_shell_patterns(glob: str, path: str, fits: bool) -> None:
    assert unwanted(path, [glob], []) == ("" if fits else "is not in `only`")
    assert unwanted(path, [], [glob]) == ("is in `except`" if fits else "")


def test_except_takes_out_of_only() -> None:
    assert unwanted("a/1.edf", ["a/*"], ["*/1.edf"]) == "is in `except`"
    assert unwanted("a/2.edf", ["a/*"], ["*/1.edf"]) == ""
    assert unwanted("b/1.edf", ["a/*"], ["*/1.edf"]) == "is not in `only`"
    assert unwanted("b/1.edf", [], []) == ""


def test_the_documented_pattern_of_case_names_is_read() -> None:
    found = fit(["{subject}_{run}.edf"], "P3_1_retake.edf")
    assert re.search("run 1_retake.* or .*subject P3_1", found.problem)
