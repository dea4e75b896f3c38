"""The choice among places of labels, and the names of their classes."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError, DataError
from pipeline.proposal.asking import Asking
from pipeline.proposal.facts import Labels, Looked
from pipeline.proposal.files import Recordings
from pipeline.proposal.labels import choose
from pipeline.proposal.naming import Naming

NOTES = Labels("annotation", {"from": "annotation"}, ("a", "b"), "events", "notes")
CODES = Labels("column:y", {"from": "column", "key": "y"}, ("1", "2"), "blocks", "a y")
RUNS = Labels(
    "variable:run", {"from": "variable"}, ("1", "2"), "blocks", "a run", certain=False
)


def chosen(
    folder: Path, *labels: Labels, ask: Any = None, **flags: str
) -> Labels | None:
    recordings = Recordings(folder, ("x.edf",), ("x.edf",))
    looked = Looked(labels=labels)
    naming = Naming("{subject}.edf", ({"subject": "x"},))
    return choose(recordings, naming, looked, Asking(flags, ask))


def test_the_first_place_that_holds_nothing_else_is_taken(tmp_path: Path) -> None:
    found = chosen(tmp_path, NOTES, CODES, RUNS)
    assert found is not None
    assert (found.where, found.certain) == ("annotation", True)
    assert found.why == "notes; also possible: column:y, variable:run"
    alone = chosen(tmp_path, NOTES)
    assert alone is not None
    assert alone.why == "notes"


def test_of_a_place_that_was_found_twice_the_first_finding_counts(
    tmp_path: Path,
) -> None:
    again = Labels("annotation", {"from": "note"}, ("x", "y"), "blocks", "others")
    found = chosen(tmp_path, NOTES, again)
    assert found is not None
    assert (found.classes, found.why) == (("a", "b"), "notes")


def test_a_flag_takes_another_place_which_is_then_asked_for(tmp_path: Path) -> None:
    found = chosen(tmp_path, NOTES, CODES, label="column:y")
    assert found is not None
    assert (found.where, found.certain) == ("column:y", False)
    assert found.why.startswith("--label; a y")


def test_what_may_be_no_label_is_asked(tmp_path: Path) -> None:
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "variable:run"

    found = chosen(tmp_path, RUNS, NOTES, ask=ask)
    assert found is not None
    assert (found.where, found.certain) == ("variable:run", False)
    assert "variable:run: a run; annotation: notes" in prompts[0]
    assert chosen(tmp_path, RUNS, NOTES) is None


@pytest.mark.parametrize(
    ("classes", "names", "mapping"),
    [
        ("1=rest,2=fist", ("rest", "fist"), {1: "rest", 2: "fist"}),
        (" 2 = fist , 1 = rest ", ("fist", "rest"), {2: "fist", 1: "rest"}),
        ("1=rest,2=rest", ("rest",), {1: "rest", 2: "rest"}),
        ("1=rest,x=fist", ("rest", "fist"), {"1": "rest", "x": "fist"}),
    ],
)
def test_codes_are_named_by_the_flag(
    tmp_path: Path, classes: str, names: tuple[str, ...], mapping: dict[Any, str]
) -> None:
    found = chosen(tmp_path, CODES, classes=classes)
    assert found is not None
    assert found.classes == names
    assert found.value == {"from": "column", "key": "y", "map": mapping}
    assert list(found.value["map"]) == list(mapping)  # the most important first
    assert found.why == "a y; --classes"


@pytest.mark.parametrize("classes", ["1", "1=", "=rest", "1=rest,", ","])
def test_names_that_name_nothing_are_refused(tmp_path: Path, classes: str) -> None:
    with pytest.raises(ConfigError, match="names no classes") as caught:
        chosen(tmp_path, CODES, classes=classes)
    assert caught.value.expected == "code=class, of the codes 1, 2"


def test_codes_without_names_come_with_a_hint(tmp_path: Path) -> None:
    hint = "--classes 1=rest names codes"
    (codes, words) = (chosen(tmp_path, each) for each in (CODES, NOTES))
    assert codes is not None
    assert words is not None
    assert hint in codes.why
    assert hint not in words.why


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not in the recordings \(1\)"):
        chosen(tmp_path)
