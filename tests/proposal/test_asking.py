"""Answers from flags, from a terminal, by default, or none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.proposal.asking import Asking, Question, positive
from pipeline.proposal.facts import Chosen

RATE = Question("sfreq", "samples per second", convert=positive)
MODALITY = Question("modality", "what the channels measure", ("ecg", "emg"))
MAINS = Question("line-freq", "mains frequency", ("50", "60"), "50", positive)


@given(st.floats(1e-6, 1e9))
def test_a_positive_number_is_read_as_it_is(number: float) -> None:
    assert positive(repr(number)) == number
    assert isinstance(positive(repr(number)), int) == number.is_integer()


@pytest.mark.parametrize(
    "text", ["0", "-1", "-0.0", "nan", "inf", "1e999", "", "a", "2_50"]
)
def test_what_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        positive(text)


def test_a_flag_answers_before_anyone_is_asked() -> None:
    asking = Asking({"sfreq": "250"}, ask=pytest.fail)
    assert asking.answer(RATE) == Chosen(250, "asked", "--sfreq")


@pytest.mark.parametrize(
    ("question", "given", "expected"),
    [(RATE, "-5", "samples per second"), (MODALITY, "meg", "ecg, emg")],
)
def test_a_flag_that_is_no_answer_names_what_is(
    question: Question, given: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        Asking({question.flag: given}, None).answer(question)
    assert caught.value.where == f"--{question.flag}"
    assert caught.value.expected == expected
    assert given in caught.value.found


def test_in_a_terminal_the_question_is_repeated_until_it_is_answered() -> None:
    prompts: list[str] = []
    lines = iter(["", "meg", " emg "])

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return next(lines)

    asking = Asking({}, ask)
    assert asking.answer(MODALITY) == Chosen("emg", "asked", MODALITY.text)
    assert prompts == ["what the channels measure (ecg, emg): "] * 3


def test_who_presses_enter_takes_the_default_and_sees_it_before() -> None:
    prompts: list[str] = []
    asking = Asking({}, lambda prompt: prompts.append(prompt) or "")
    assert asking.answer(MAINS) == Chosen(50, "asked", MAINS.text)
    assert prompts == ["mains frequency (50, 60) [50]: "]


def test_without_a_terminal_the_default_is_taken_and_its_flag_is_named() -> None:
    found = Asking({}, None).answer(MAINS)
    assert found == Chosen(50, "default", "mains frequency; --line-freq changes it")


def test_questions_without_an_answer_are_listed_together() -> None:
    asking = Asking({}, None, "biospike encode")
    asking.refuse_missing()
    assert asking.answer(RATE) is None
    assert asking.answer(MODALITY) is None
    with pytest.raises(ConfigError) as caught:
        asking.refuse_missing()
    assert caught.value.where == "biospike encode"
    assert "  --sfreq SFREQ: samples per second" in caught.value.found
    assert "  --modality ecg|emg: what the channels measure" in caught.value.found


def test_numbers_of_flags_are_finite() -> None:
    assert all(math.isfinite(positive(text)) for text in ("1", "1e300", "0.5"))
