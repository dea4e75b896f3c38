"""Patterns of paths: what each field stands for, whatever the names are."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.patterns import fit
from pipeline.proposal.naming import by_pattern, guess

WORD = st.from_regex(r"[A-Z]{2}[a-z]{0,3}", fullmatch=True)
PERSONS = st.lists(
    st.from_regex(r"[a-z]{1,4}[0-9]{2}", fullmatch=True),
    min_size=2,
    max_size=5,
    unique_by=str.lower,
)
NUMBERS = st.lists(st.integers(1, 99), min_size=2, max_size=4, unique=True)


def shuffled(paths: list[str]) -> list[str]:
    return random.Random(len(paths)).sample(paths, len(paths))


@settings(max_examples=12)
@given(persons=PERSONS, days=NUMBERS, runs=NUMBERS, task=WORD)
def test_words_of_bids_name_their_fields(
    persons: list[str], days: list[int], runs: list[int], task: str
) -> None:
    fields = [(p, f"{d:02}", f"{r:02}") for p in persons for d in days for r in runs]
    paths = [
        f"sub-{p}/ses-{d}/eeg/sub-{p}_ses-{d}_task-{task}_run-{r}_eeg.edf"
        for p, d, r in fields
    ]
    found = guess(shuffled(paths))
    assert found is not None
    assert found.pattern == (
        "sub-{subject}/ses-{session}/eeg/"
        f"sub-{{subject}}_ses-{{session}}_task-{task}_run-{{run}}_eeg.edf"
    )
    assert found.persons == len(persons)
    assert found.values("session") == sorted({d for _, d, _ in fields})
    assert found.values("run") == sorted({r for _, _, r in fields})


@settings(max_examples=40)
@given(persons=PERSONS, runs=NUMBERS, word=WORD)
def test_a_folder_is_a_person_and_no_two_recordings_are_one(
    persons: list[str], runs: list[int], word: str
) -> None:
    paths = [f"{p}/{word}_{r:02}.csv" for p in persons for r in runs]
    found = guess(paths)
    assert found is not None
    assert found.values("subject") == sorted(persons)
    assert len({tuple(each.items()) for each in found.fields}) == len(paths)
    again = guess(shuffled(paths))
    assert again is not None
    assert again.pattern == found.pattern


@settings(max_examples=60)
@given(
    paths=st.lists(
        st.from_regex(r"([a-c]{1,2}[_-]){0,2}[a-d0-3]{1,2}\.edf", fullmatch=True),
        min_size=1,
        max_size=6,
        unique=True,
    )
)
def test_what_is_guessed_fits_every_path_in_one_way(paths: list[str]) -> None:
    found = guess(paths)
    if found is None:
        return
    for path, fields in zip(paths, found.fields, strict=True):
        read = fit([found.pattern], path)
        assert not read.problem
        assert dict(read.fields) == fields
    assert len({tuple(each.values()) for each in found.fields}) == len(paths)


@pytest.mark.parametrize(
    ("paths", "subject"),
    [
        # The letters before the number show the person, though runs are more.
        ([f"r{r}_S{p}.edf" for r in range(5) for p in range(2)], ["0", "1"]),
        # Of numbers without letters, those that differ most.
        ([f"{a}_{b}.edf" for a in range(2) for b in range(10, 15)], None),
        # A day is none, however many there are.
        ([f"day-{d}_{p}.edf" for d in range(6) for p in "ab"], ["a", "b"]),
        # One person of a BIDS tree is named all the same.
        ([f"sub-7_run-{r}_ecg.edf" for r in range(3)], ["7"]),
    ],
)
def test_who_was_recorded_is_found(paths: list[str], subject: Any) -> None:
    found = guess(paths)
    assert found is not None
    expected = subject or [str(b) for b in range(10, 15)]
    if subject == ["0", "1"]:
        expected = ["S0", "S1"]
    assert found.values("subject") == expected


def test_a_pattern_of_the_user_must_fit_all_and_tell_them_apart() -> None:
    paths = ["a_1.edf", "a_2.edf", "b_1.edf"]
    given_one = by_pattern("{subject}_{run}.edf", paths)
    assert given_one is not None
    assert given_one.persons == 2
    assert by_pattern("{subject}_*.edf", paths) is None
    assert by_pattern("{subject}_1.edf", paths) is None
    nobody = by_pattern("{run}_{part}.edf", paths)
    assert nobody is not None
    assert nobody.persons == 0
