"""What a data set lists and did not deliver."""

from pathlib import Path

import pytest

from pipeline.ingestion.archives import View
from pipeline.ingestion.found import Entry, Found, Selection
from pipeline.ingestion.lists import absent


@pytest.fixture
def view(tmp_path: Path) -> View:
    (tmp_path / "RECORDS").write_text("100\n101\nmore/102\n\n")
    rows = "sub-01\t61\nsub-02\t50\nsub-03\t44\n"
    (tmp_path / "participants.tsv").write_text("participant_id\tage\n" + rows)
    names = ["RECORDS", "participants.tsv", "100.hea", "100.dat", "sub-03/notes.txt"]
    return View(tmp_path, dict.fromkeys(names, ""))


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
    assert "sub-09/" not in absent(view, FOUND, Selection(("{subject}.hea",)))


def test_a_list_may_name_files(view: View) -> None:
    (view.folder / "RECORDS").write_text("a/1.edf\na/2.edf\n")
    digests = {**view.digests, "a/1.edf": ""}
    missing = absent(View(view.folder, digests), FOUND, Selection(("{subject}.edf",)))
    assert "a/2.edf" in missing
    assert "a/1.edf" not in missing


def test_persons_that_only_leaves_out_are_not_missed(view: View) -> None:
    wanted = Selection(("{subject}.hea",), ("sub-01", "*.hea", "participants.tsv"))
    assert "sub-02/" not in absent(view, FOUND, wanted)
