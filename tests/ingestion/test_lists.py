"""What a data set lists and did not deliver."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Entry, Found, Selection
from pipeline.ingestion.lists import missed


@pytest.fixture
def view(tmp_path: Path) -> View:
    (tmp_path / "RECORDS").write_text("100\n101\nmore/102\n\n")
    rows = "sub-01\t61\nsub-02\t50\nsub-03\t44\n"
    (tmp_path / "participants.tsv").write_text("participant_id\tage\n" + rows)
    names = ["RECORDS", "participants.tsv", "100.hea", "100.dat", "sub-03/notes.txt"]
    return View(tmp_path, dict.fromkeys(names, ""))


def absent(view: View, found: Found, selection: Selection) -> Mapping[str, str]:
    found_missing = missed(view, found, selection)
    assert not found_missing.faults
    return found_missing.absent


FOUND = Found((Entry("01", {"subject": "01"}, ("100.hea",)),))


def test_records_and_persons_that_are_not_there(view: View) -> None:
    missing = absent(view, FOUND, Selection(("{subject}.hea",)))
    assert list(missing) == ["101.hea", "more/102.hea", "sub-02/"]
    assert missing["101.hea"] == "RECORDS lists it, and it is not there"


def test_what_is_not_wanted_is_not_missed(view: View) -> None:
    missing = absent(view, FOUND, Selection(("{subject}.hea",), (), ("more/*",)))
    assert list(missing) == ["101.hea", "sub-02/"]
    assert not absent(view, FOUND, Selection(("{subject}.edf",), ("sub-*",)))[
        "sub-02/"
    ].startswith("RECORDS")


def test_a_table_of_other_things_lists_nobody(view: View) -> None:
    (view.folder / "participants.tsv").write_text("name\nsub-09\n")
    found = missed(view, FOUND, Selection(("{subject}.hea",)))
    assert "sub-09/" not in found.absent
    assert found.others == {
        "participants.tsv": "lists no persons: its first column is 'name'"
    }


def test_a_list_may_name_files(view: View) -> None:
    (view.folder / "RECORDS").write_text("a/1.edf\na/2.edf\n")
    digests = {**view.digests, "a/1.edf": ""}
    missing = absent(View(view.folder, digests), FOUND, Selection(("{subject}.edf",)))
    assert "a/2.edf" in missing
    assert "a/1.edf" not in missing


def test_persons_that_only_leaves_out_are_not_missed(view: View) -> None:
    wanted = Selection(("{subject}.hea",), ("sub-01", "*.hea", "participants.tsv"))
    assert "sub-02/" not in absent(view, FOUND, wanted)


def test_a_list_of_excel_counts_as_one(view: View) -> None:
    text = "participant_id\nsub-09\nsub-03\n"
    (view.folder / "participants.tsv").write_text(text, encoding="utf-8-sig")
    assert "sub-09/" in absent(view, FOUND, Selection(("{subject}.hea",)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("participants.tsv", "participant_id\nsub-1\n".encode("utf-16"), "zero bytes"),
        ("participants.tsv", b"", "cannot be read"),
        ("participants.tsv", b"participant_id\nsub-1\tx\ty\n", "cannot be read"),
        ("RECORDS", b"<html><body>Log in</body></html>", "'<html>"),
        ("RECORDS", b"100\n\xff\xfe\n", "cannot be read"),
        ("RECORDS", b"1\x000\x000\n", "is no list of records"),
    ],
)
def test_a_list_that_cannot_be_read_is_reported(
    view: View, name: str, content: bytes, message: str
) -> None:
    (view.folder / name).write_bytes(content)
    found = missed(view, FOUND, Selection(("{subject}.hea",)))
    assert list(found.faults) == [name]
    assert message in found.faults[name].found
    assert "`except`" in found.faults[name].remedy
    other = "101.hea" if name != "RECORDS" else "sub-02/"
    assert other in found.absent
