"""What tables and JSON beside the recordings state about them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.ingestion.found import Entry
from pipeline.ingestion.sidecar_paths import path_of
from pipeline.ingestion.sidecars import read
from pipeline.ingestion.values import Value
from pipeline.readers.base import Marks

ENTRY = Entry("01_2", {"subject": "01", "run": "2"}, ("sub-01/rec_2.edf",))


def value(file: str, key: str = "group", **settings: Any) -> Value:
    return Value.model_validate(
        {"from": "sidecar", "file": file, "key": key, **settings}
    )


def texts(folder: Path, name: str, key: str, entry: Entry = ENTRY) -> tuple[str, ...]:
    found = read(folder, name, value(name, key), entry)
    assert isinstance(found, tuple)
    return found


def test_a_path_is_found_with_its_fields_filled_in() -> None:
    names = ["a/labels/01.csv", "a/labels/02.csv", "sub-01/rec_2.json"]
    assert path_of(value("labels/{subject}.csv"), ENTRY, names) == names[0]
    assert path_of(value("{stem}.json"), ENTRY, names) == names[2]
    with pytest.raises(DataError, match="is not there"):
        path_of(value("labels/{run}.csv"), ENTRY, names)
    with pytest.raises(DataError, match="a field that the pattern lacks"):
        path_of(value("{session}.csv"), ENTRY, names)
    with pytest.raises(DataError, match="2 sidecars"):
        path_of(value("x.csv"), ENTRY, ["a/x.csv", "b/x.csv"])


@pytest.mark.parametrize("first", ["01_2", "rec_2", "rec_2.edf", "01", "sub-01", "1"])
def test_a_row_names_the_recording_its_file_or_its_subject(
    tmp_path: Path, first: str
) -> None:
    table = f"participant_id\tage\tgroup\n{first}\t61\tpatient\nsub-07\t50\tcontrol\n"
    (tmp_path / "participants.tsv").write_text(table)
    assert texts(tmp_path, "participants.tsv", "group") == ("patient",)
    assert texts(tmp_path, "participants.tsv", "age") == ("61",)


def test_a_table_may_lack_a_header_and_use_any_delimiter(tmp_path: Path) -> None:
    (tmp_path / "REFERENCE.csv").write_text("rec_1,N\nrec_2,A\nrec_3,~\n")
    assert texts(tmp_path, "REFERENCE.csv", "2") == ("A",)
    (tmp_path / "first.csv").write_text("rec_2,A\nrec_3,~\n")
    assert texts(tmp_path, "first.csv", "2") == ("A",)
    with pytest.raises(DataError, match="no column '3'"):
        texts(tmp_path, "first.csv", "3")
    (tmp_path / "semi.csv").write_bytes("id;Größe;group\n01;1,80;NO\n".encode("cp1252"))
    assert texts(tmp_path, "semi.csv", "group") == ("NO",)


def test_no_row_or_rows_that_differ_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,group\n07,a\n01,a\n01,b\n")
    with pytest.raises(
        DataError, match="2 rows for recording 01_2 with different values"
    ):
        texts(tmp_path, "t.csv", "group")
    (tmp_path / "u.csv").write_text("id,group\n07,a\n")
    with pytest.raises(DataError, match="0 rows for recording 01_2"):
        texts(tmp_path, "u.csv", "group")
    with pytest.raises(DataError, match="no column 'grp'"):
        texts(tmp_path, "t.csv", "grp")


def test_a_table_of_onsets_gives_marks_in_order(tmp_path: Path) -> None:
    (tmp_path / "ev.csv").write_text("onset,duration,kind\n5,1,b\n2.5,n/a,a\n")
    found = read(tmp_path, "ev.csv", value("ev.csv", "kind"), ENTRY)
    assert isinstance(found, Marks)
    assert found.onset_s.tolist() == [2.5, 5]
    np.testing.assert_equal(found.duration_s, [np.nan, 1])
    assert found.texts == ("a", "b")
    (tmp_path / "instants.csv").write_text("onset,kind\n1,b\nn/a,a\n")
    found = read(tmp_path, "instants.csv", value("instants.csv", "kind"), ENTRY)
    assert isinstance(found, Marks)
    np.testing.assert_equal(found.onset_s, [1, np.nan])
    assert found.duration_s.tolist() == [0, 0]
    for row in ("x,1", "1,x", "inf,1"):
        (tmp_path / "bad.csv").write_text(f"onset,duration,kind\n1,1,a\n{row},b\n")
        with pytest.raises(DataError, match="' in line 3") as caught:
            read(tmp_path, "bad.csv", value("bad.csv", "kind"), ENTRY)
        assert caught.value.where == "bad.csv"


def test_json_is_followed_by_dots_and_by_the_recording(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"task": {"hand": "left", "fed": true}}')
    assert texts(tmp_path, "a.json", "task.hand") == ("left",)
    assert texts(tmp_path, "a.json", "task.fed") == ("true",)
    (tmp_path / "all.json").write_text('{"01": {"group": 3}, "02": {"group": 4}}')
    assert texts(tmp_path, "all.json", "group") == ("3",)
    with pytest.raises(DataError, match=r"has no 'task\.foot'"):
        texts(tmp_path, "a.json", "task.foot")
    (tmp_path / "cut.json").write_text('{"task"')
    with pytest.raises(DataError, match="cannot be read"):
        texts(tmp_path, "cut.json", "task")


def test_a_table_of_all_recordings_gives_each_its_own_marks(tmp_path: Path) -> None:
    rows = "01_2,1,a\nother,2,b\n01_2,3,b\n"
    (tmp_path / "ev.csv").write_text("recording,onset,kind\n" + rows)
    found = read(tmp_path, "ev.csv", value("ev.csv", "kind"), ENTRY)
    assert isinstance(found, Marks)
    assert (found.onset_s.tolist(), found.texts) == ([1, 3], ("a", "b"))
    (tmp_path / "no.csv").write_text("recording,onset,kind\nother,2,b\n")
    with pytest.raises(DataError, match="no row for recording 01_2"):
        read(tmp_path, "no.csv", value("no.csv", "kind"), ENTRY)


def test_what_is_missing_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("id\tage\tgroup\n01\tn/a\n")
    assert texts(tmp_path, "t.tsv", "age") == ("",)
    assert texts(tmp_path, "t.tsv", "group") == ("",)
    (tmp_path / "a.json").write_text('{"age": null, "dose": NaN}')
    assert texts(tmp_path, "a.json", "age") == ("",)
    assert texts(tmp_path, "a.json", "dose") == ("",)


@pytest.mark.parametrize(
    "table", ["", "\n\n", "id,group,group\n01,a,b\n", "id,group\n01,a,b,c\n"]
)
def test_tables_that_are_none_are_refused(tmp_path: Path, table: str) -> None:
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(DataError, match="cannot be read"):
        texts(tmp_path, "t.csv", "group")


def test_of_sidecars_of_one_name_the_one_beside_counts() -> None:
    names = ["sub-01/events.csv", "sub-02/events.csv"]
    assert path_of(value("events.csv"), ENTRY, names) == names[0]


def test_forms_of_unicode_do_not_count(tmp_path: Path) -> None:
    entry = Entry("M\u00fcller", {"subject": "M\u00fcller"}, ("m.edf",))
    (tmp_path / "t.csv").write_text("id,group\nMu\u0308ller,a\n")
    assert texts(tmp_path, "t.csv", "group", entry) == ("a",)
