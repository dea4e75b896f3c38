"""Which recordings there are, what they are called, and what becomes of other files."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from pipeline.errors import DataError
from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Found, Selection, find, recording_of
from pipeline.readers.base import Content, Origin, Reader


class Pairs(Reader):
    """Files `.a`, each with a `.b` if there is one."""

    origins: ClassVar[frozenset[str]] = frozenset()

    def companions(
        self, folder: Path, main: str, files: Collection[str]
    ) -> tuple[str, ...]:
        other = main.removesuffix(".a") + ".b"
        return (other,) if other in files else ()

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        raise NotImplementedError


def found(
    names: Sequence[str], pattern: str, only: Sequence[str] = (), *left: str
) -> Found:
    view = View(Path(), {name: name for name in names})
    return find(Pairs(), view, Selection((pattern,), only, left))


def named(listed: Found) -> dict[str, tuple[str, ...]]:
    return {entry.recording: entry.files for entry in listed.entries}


def test_recordings_are_named_after_the_fields_in_their_order() -> None:
    listed = found(["s2/s2_run1.a", "s1/s1_run1.a"], "{subject}/{subject}_run{run}.a")
    assert named(listed) == {"s1_1": ("s1/s1_run1.a",), "s2_1": ("s2/s2_run1.a",)}
    first = listed.entries[0]
    assert (first.subject, first.session, first.run) == ("s1", "", "1")


def test_every_file_is_used_or_left_out_for_a_reason() -> None:
    names = ["P1_1.a", "P1_1.b", "P3_1_retake.a", "P5_1.A", "README", "P9_1.a"]
    listed = found(names, "{subject}_{run}.a", ["P*", "README"], "P9*")
    assert named(listed) == {"P1_1": ("P1_1.a", "P1_1.b")}
    assert set(listed.left_out) == {"P3_1_retake.a", "P5_1.A", "README", "P9_1.a"}
    assert listed.reasons() == {
        "describes the data set": 1,
        "fits the pattern but for upper and lower case": 1,
        "is in `except`": 1,
        "its name can be read in several ways": 1,
    }


def test_a_companion_is_no_recording_of_its_own() -> None:
    listed = found(["x.a", "x.b", "y.b"], "{subject}.*")
    assert named(listed) == {"x": ("x.a", "x.b"), "y": ("y.b",)}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["p1/rec1.a", "p2/rec1.a"], "both are recording 'rec1'"),
        (["P1.a", "p1.a"], "but for case"),
        (["Mu\u0308ller.a", "M\u00fcller.a"], "both are recording 'Müller'"),
    ],
)
def test_recordings_of_one_name_are_not_read(names: list[str], message: str) -> None:
    listed = found([*names, "z.a"], "{subject}.a")
    assert named(listed) == {"z": ("z.a",)}
    assert {entry.files[0] for entry, _ in listed.clashes} == set(names)
    for _, error in listed.clashes:
        assert message in error.found
        assert all(name in error.where for name in names)
        assert "field" in error.remedy


def test_of_recordings_of_one_name_and_the_same_bytes_one_is_read() -> None:
    view = View(Path(), {"a/1.a": "x", "b/1.a": "x"})
    listed = find(Pairs(), view, Selection(("{subject}.a",)))
    assert named(listed) == {"1": ("a/1.a",)}
    assert [entry.files for entry, _ in listed.clashes] == [("b/1.a",)]


def test_a_header_that_cannot_be_read_for_its_files_stops_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: Pairs, folder: Path, main: str, files: Collection[str]) -> tuple:
        if main == "bad.a":
            raise ValueError("no header")
        return ()

    monkeypatch.setattr(Pairs, "companions", broken)
    listed = found(["bad.a", "good.a"], "{subject}.a")
    assert named(listed) == {"bad": ("bad.a",), "good": ("good.a",)}


def test_a_pattern_that_fits_nothing_shows_a_path_and_why() -> None:
    with pytest.raises(DataError, match=r"none of 2 paths fits the pattern; a\.csv"):
        found(["a.csv", "b.csv"], "{subject}.a")
    with pytest.raises(DataError, match="is not in `only`"):
        found(["a.a"], "{subject}.a", ["b.a"])


def test_names_are_fit_for_files() -> None:
    assert set(named(found(["a b:c/x?.a"], "{subject}/{run}.a"))) == {"a-b-c_x"}


def test_no_recording_is_called_as_a_device_or_too_long() -> None:
    listed = found(["con/a.a", "x/nul.a", "nullify/a.a"], "{group}/{subject}.a")
    assert set(named(listed)) == {"con_a", "x_nul", "nullify_a"}
    assert set(named(found(["CON.a", "b.a"], "{subject}.a"))) == {"CON_", "b"}
    assert set(named(found(["é" * 90 + ".a"], "{subject}.a"))) == {"é" * 90}
    with pytest.raises(DataError, match="a recording's name of 182 bytes"):
        found(["é" * 91 + ".a"], "{subject}.a")


def test_an_absent_file_has_the_name_it_would_have() -> None:
    selection = Selection(("{subject}_{run}.a",))
    absent = recording_of("P1_2.a", selection)
    assert absent is not None
    assert (absent.recording, absent.subject) == ("P1_2", "P1")
    assert recording_of("P1_2.b", selection) is None
