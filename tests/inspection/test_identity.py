"""Which files may identify the person; no value is ever part of what is found."""

import json
from datetime import UTC, datetime
from pathlib import Path

import mne
import numpy as np
import pytest

from pipeline.inspection import identity
from pipeline.readers.mne import Mne
from pipeline.readers.wfdb import Wfdb

SECRET = "Ottilie"


def edf(patient: str, recording: str, kind: str = "EDF+C") -> bytes:
    head = f"0       {patient:<80}{recording:<80}01.01.8500.00.00256     {kind:<44}"
    return f"{head:<256}".encode()


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        (
            "a.edf",
            edf(f"7 F 02-AUG-1951 {SECRET}", "Startdate 02-MAR-2020 X Dr_Who X"),
            ("patient number", "sex", "birth date", "name", "date", "staff"),
        ),
        ("b.edf", edf("X X X X", "Startdate X X X X"), ()),
        ("c.bdf", edf(SECRET, "", kind="24BIT"), ("patient",)),
        ("d.edf", edf("", "", kind=""), ()),
        (
            "e.hea",
            f"e 1 100 9 0:0:0 1/2/1999\ne.dat 16\n# age: 3  name: {SECRET}\n".encode(),
            ("comments", "age", "name", "date"),
        ),
        ("f.hea", b"# made by hand\nf 1 100 9\nf.dat 16\n", ("comments",)),
        ("g.hea", b"g 1 100 9\ng.dat 16\n", ()),
        ("h.vmrk", b"Mk1=New Segment,,1,1,0,20200101120000000000\n", ("date",)),
        ("i.vmrk", b"Mk1=New Segment,,1,1,0,00000000000000000000\n", ()),
        ("j.dat", SECRET.encode(), ()),
    ],
)
def test_headers_are_judged_by_their_fields(
    tmp_path: Path, name: str, text: bytes, kinds: tuple[str, ...]
) -> None:
    (tmp_path / name).write_bytes(text)
    reader = Wfdb() if name.endswith(".hea") else Mne()
    found = identity.of_recording(reader, tmp_path, [name])
    assert found == ({name: kinds} if kinds else {})
    assert SECRET not in str(found)


def test_a_fif_file_is_judged_by_its_subject(tmp_path: Path) -> None:
    info = mne.create_info(["a"], 100.0, "eeg")
    raw = mne.io.RawArray(np.zeros((1, 100)), info, verbose="error")
    raw.save(tmp_path / "plain_raw.fif", verbose="error")
    raw.info["subject_info"] = {"last_name": SECRET, "sex": 2}
    raw.set_meas_date(datetime(2020, 1, 1, tzinfo=UTC))
    raw.save(tmp_path / "full_raw.fif", verbose="error")
    found = identity.of_recording(Mne(), tmp_path, ["plain_raw.fif", "full_raw.fif"])
    assert found == {"full_raw.fif": ("name", "sex", "date")}


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        ("participants.tsv", "participant_id\tage\tsex\n1\t2\tF\n", ("age", "sex")),
        ("list.csv", f"id;Name;Date of Birth\n1;{SECRET};x\n", ("name", "birth date")),
        ("x_channels.tsv", "name\ttype\nC3\teeg\n", ()),
        ("table.csv", "time,channel1,class\n", ()),
        ("x_eeg.json", json.dumps({"TaskName": "t", "InstitutionName": ""}), ()),
        ("y_eeg.json", json.dumps({"InstitutionName": SECRET}), ("place",)),
        ("notes.txt", f"name: {SECRET}", ()),
    ],
)
def test_tables_are_judged_by_their_columns(
    tmp_path: Path, name: str, text: str, kinds: tuple[str, ...]
) -> None:
    (tmp_path / name).write_text(text)
    found = identity.of_tables(tmp_path, [name])
    assert found == ({name: kinds} if kinds else {})
