"""Names that people choose, and paths that lists and archives state."""

import ntpath
import posixpath
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.names import (
    DEVICES,
    LONGEST,
    WORDS,
    entry_fault,
    entry_faults,
    is_device,
    path_fault,
    suggested,
    text_fault,
)

ANY = st.text(max_size=60) | st.integers() | st.none() | st.booleans()


@settings(max_examples=200)
@given(name=ANY, kind=st.sampled_from(["dataset", "encoder", "model"]))
@example("com1", "dataset")
@example("no", "dataset")
@example("Müller & Söhne (2024)", "dataset")
@example("_" * 50, "dataset")
@example("a" * 39 + "_b", "dataset")
@example("心電図", "model")
def test_what_is_suggested_can_be_used(name: Any, kind: str) -> None:
    found = suggested(name, kind)
    assert entry_fault(found) == ""
    if entry_fault(name) == "" and "__" not in name and not name.endswith("_"):
        assert found == name


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("mitdb_ds1", ""), ("a", ""), ("A1_", ""), ("a" * LONGEST, ""),
        ("a" * (LONGEST + 1), "it has 41 characters"),
        ("", "it is empty"),
        ("1a", "it does not begin with a letter"),
        ("_a", "it does not begin with a letter"),
        ("a-b", "it holds '-', which parts the names of a cell"),
        ("a b-c", "it holds a space, '-', which parts the names of a cell"),
        ("a.b", "it holds '.'"),
        ("ä", "it holds 'ä'"),
        ("a\n", "it holds '\\n'"),
        (2024, "YAML reads it as a number"),
        (True, "YAML reads it as a truth value"),
        (None, "YAML reads it as nothing"),
        ([1], "YAML reads it as no text"),
        ("Yes", "YAML, DVC or MLflow take this word for something else"),
        ("NUL", "Windows takes it for a device"),
    ],
)  # fmt: skip
def test_a_name_that_some_tool_misreads_is_refused(name: object, fault: str) -> None:
    assert entry_fault(name) == fault


@pytest.mark.parametrize("word", sorted(WORDS | DEVICES))
def test_words_with_a_meaning_are_no_names(word: str) -> None:
    assert entry_fault(word)
    assert entry_fault(word.upper())
    assert not entry_fault(f"{word}_x")


def test_names_that_differ_in_case_alone_are_one() -> None:
    found = dict(entry_faults(["a", "b", "A", "B", "c", "2x"]))
    assert list(found) == ["A", "B", "2x"]
    assert found["A"] == "only upper and lower case distinguish it from 'a'"


PATHS = st.lists(
    st.sampled_from(["a", "b.edf", "..", ".", "", "C:", "~", "\\", "x\\y", "..\\z"]),
    min_size=1,
    max_size=5,
).map("/".join)


@settings(max_examples=300)
@given(PATHS)
def test_a_path_without_a_fault_leads_below_its_folder_on_every_system(
    path: str,
) -> None:
    if path_fault(path):
        return
    for system, home in ((posixpath, "/home/data"), (ntpath, "D:\\home\\data")):
        joined = system.normpath(system.join(home, path))
        assert joined.startswith(home)
    assert posixpath.normpath(path) != "."


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("a/b.edf", ""), ("a..b/c", ""), ("...", ""), ("a/./b", ""),
        ("", "is no file's name"), (".", "is no file's name"),
        ("a\x00b", "is no file's name"), ("a\nb", "is no file's name"),
        ("/etc/passwd", "is an absolute path"), ("C:x", "is an absolute path"),
        ("C:\\x", "is an absolute path"), ("\\\\host\\x", "is an absolute path"),
        ("\\x", "is an absolute path"),
        ("../a", "leads out of its folder"), ("a/../../b", "leads out of its folder"),
        ("a\\..\\..\\b", "leads out of its folder"), ("..", "leads out of its folder"),
    ],
)  # fmt: skip
def test_paths_that_lead_elsewhere_are_named(path: str, fault: str) -> None:
    assert path_fault(path) == fault


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("nul", True), ("NUL.edf", True), ("com1.tar.gz", True), ("con .x", True),
     ("null", False), ("a.nul", False), ("com10", False), ("", False)],
)  # fmt: skip
def test_devices_are_known_whatever_they_end_in(name: str, is_one: bool) -> None:
    assert is_device(name) == is_one


@given(st.text(max_size=20))
def test_a_class_without_a_fault_can_be_written_and_seen(text: str) -> None:
    if text_fault(text):
        return
    assert text.encode("latin-1").decode("latin-1") == text
    assert all(character.isprintable() or character in "\xa0" for character in text)


@pytest.mark.parametrize(
    ("text", "part"),
    [("a\x07", "'\\x07', which nobody sees"), ("a\u200b", "nobody sees"),
     ("α", "'α', which FIF files cannot write"), ("a{COLON}b", "holds {COLON}"),
     ("Ä: x", ""), ("", "")],
)  # fmt: skip
def test_classes_that_files_cannot_hold_are_named(text: str, part: str) -> None:
    fault = text_fault(text)
    assert part in fault
    assert bool(fault) == bool(part)
