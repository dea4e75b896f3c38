"""What files have in common: kinds of channels, and texts that are classes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.proposal import common
from pipeline.readers.parts.select import FileSignal

CLASS = st.text("abcXYZ", min_size=1, max_size=4)
VALUE = {"from": "note"}


@pytest.mark.parametrize(
    ("signal", "kind"),
    [
        (FileSignal("MLII", 360.0, "mV"), "ecg"),
        (FileSignal("EKG 1", None), "ecg"),
        (FileSignal("V5", None), "ecg"),
        (FileSignal("biceps left", None), "emg"),
        (FileSignal("Fp1", None), "eeg"),
        (FileSignal("C3-A2", None), "eeg"),
        (FileSignal("EOG1", None), "other"),
        (FileSignal("Trig2", None, "uV", "eeg"), "other"),
        (FileSignal("resp", None), "other"),
        (FileSignal("V5", None, "degC"), "other"),
        (FileSignal("x", None, "uV", "misc"), "other"),
        # MNE takes all for EEG: the name counts more. What a file states as ECG is.
        (FileSignal("ECG", None, "uV", "eeg"), "ecg"),
        (FileSignal("Fp1", None, "uV", "emg"), "emg"),
        (FileSignal("channel 7", None, "uV", "eeg"), "eeg"),
        (FileSignal("channel 7", None), ""),
    ],
)
def test_a_channel_is_what_is_stated_or_what_its_name_says(
    signal: FileSignal, kind: str
) -> None:
    assert common.kind_of(signal) == kind


@given(
    st.lists(st.lists(st.sampled_from("abcdef"), unique=True), min_size=1, max_size=5)
)
def test_shared_channels_are_those_of_every_file(files: list[list[str]]) -> None:
    signals = [[FileSignal(name, 100.0) for name in names] for names in files]
    kept, dropped = common.shared(signals)
    every = set.intersection(*map(set, files))
    assert list(kept) == [name for name in files[0] if name in every]
    assert list(dropped) == sorted(set().union(*files) - every)


def test_rates_and_units_are_listed_once() -> None:
    files = [
        [FileSignal("a", 250.0, "mV"), FileSignal("b", 50.0, "degC")],
        [FileSignal("a", 200.0, "uV"), FileSignal("b", None, "")],
    ]
    assert common.rates(files, ["a"]) == (200.0, 250.0)
    assert common.rates(files, ["a", "b"]) == (50.0, 200.0, 250.0)
    assert common.units(files) == ("mV", "uV")


@settings(max_examples=80)
@given(st.lists(st.lists(CLASS, max_size=6), min_size=1, max_size=6))
def test_texts_that_half_of_the_files_have_are_classes(files: list[list[str]]) -> None:
    found = common.texts("note", VALUE, files, "spans", "notes")
    counts = {t: sum(t in own for own in files) for own in files for t in own}
    usual = sorted(t for t, n in counts.items() if 2 * n >= len(files))
    if not 2 <= len(usual) <= common.MOST_CLASSES:
        assert found == []
        return
    (labels,) = found
    assert labels.classes == tuple(usual)
    rare = len(counts) - len(usual)
    assert (f"; {rare} rare texts are none" in labels.why) == (rare > 0)
    assert (labels.where, labels.value, labels.lasting) == ("note", VALUE, "spans")


def test_of_recordings_one_class_each_every_text_counts() -> None:
    files = [["a"], ["b"], ["c"], ["c"]]
    (labels,) = common.texts("header:g", VALUE, files, "recording", "a key")
    assert labels.classes == ("a", "b", "c")
    assert common.texts("note", VALUE, files, "blocks", "notes") == []


def test_too_many_too_few_and_too_long_texts_are_no_classes() -> None:
    many = [[f"{k}" for k in range(common.MOST_CLASSES + n)] for n in (0, 1)]
    assert len(common.texts("n", VALUE, many[:1], "blocks", "x")[0].classes) == 20
    assert common.texts("n", VALUE, many[1:], "blocks", "x") == []
    assert common.texts("n", VALUE, [["a"]], "blocks", "x") == []
    assert common.texts("n", VALUE, [["a", "b" * 61, ""]], "blocks", "x") == []
    assert common.texts("n", VALUE, [["a", "b" * 60]], "blocks", "x") != []


@given(st.lists(st.integers(-50, 50).map(str) | CLASS, max_size=12))
def test_numbers_are_in_the_order_of_their_values_before_words(
    texts: list[str],
) -> None:
    ordered = sorted(texts, key=common.in_order)
    words = [each for each in ordered if each.isalpha()]
    numbers = ordered[: len(ordered) - len(words)]
    assert list(map(float, numbers)) == sorted(map(float, numbers))
    assert words == sorted(words)


@given(
    st.permutations(["1", "01", "1.0", "nan", "inf", "-inf", "a", "-2", "1e2", "10"])
)
def test_the_order_of_texts_is_the_same_in_every_process(texts: list[str]) -> None:
    expected = ["-2", "01", "1", "1.0", "10", "1e2", "-inf", "a", "inf", "nan"]
    assert sorted(texts, key=common.in_order) == expected


def test_a_list_of_names_is_cut() -> None:
    names = [f"c{k}" for k in range(10)]
    assert common.some(names[:8]) == ", ".join(names[:8])
    assert common.some(names) == ", ".join(names[:8]) + " and 2 more"


@pytest.mark.parametrize(
    ("label", "place", "key"),
    [("column:hand", "column", "hand"), ("column:a:b", "column", "a:b"),
     ("column:", "column", None), ("note", "column", None),
     ("variable:x", "column", None), ("", "column", None)],
)  # fmt: skip
def test_the_key_of_a_flag_is_that_of_its_place(
    label: str, place: str, key: str | None
) -> None:
    assert common.asked_key({"label": label} if label else {}, place) == key
