"""The recordings of a folder, found by their names alone."""

import zipfile
from pathlib import Path

import pytest

from pipeline.errors import DataError
from pipeline.patterns import unwanted
from pipeline.proposal.asking import Asking
from pipeline.proposal.files import Recordings, find, format_of, readable, readers
from pipeline.proposal.naming import guess
from pipeline.proposal.propose import source_of


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


def test_suffixes_are_those_that_readers_declare() -> None:
    known = readers()
    assert known[".hea"] == "wfdb"
    assert known[".edf"] == known[".vhdr"] == "mne"
    assert known[".csv"] == "table"
    assert [known[s] for s in list(known)[-4:]] == ["table"] * 4  # tables come last
    assert (format_of(".vhdr"), format_of(".npz")) == ("BrainVision", "NPZ")


def test_companions_are_no_recordings(tmp_path: Path) -> None:
    put(tmp_path, "a.hea", "a.mat", "a.atr", "b.hea", "b.mat", "list.csv", "notes.txt")
    found = find(tmp_path)
    assert found.mains == ("a.hea", "b.hea")
    assert (found.reader, found.suffix) == ("wfdb", ".hea")
    assert "a.mat" in found.names


def test_arrays_of_no_header_are_recordings_of_another_format(tmp_path: Path) -> None:
    put(tmp_path, "a.hea", "a.mat", "c.mat")
    with pytest.raises(DataError, match=r"WFDB \(1 files\), MAT \(1 files\)"):
        find(tmp_path)


def test_upper_case_is_no_other_format(tmp_path: Path) -> None:
    put(tmp_path, "A.EDF", "b.edf")
    found = find(tmp_path)
    assert found.mains == ("A.EDF", "b.edf")
    assert found.suffix == ".edf"


def test_of_text_files_the_suffix_of_most_counts(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "b.csv", "readme.txt", "dataset_description.json")
    assert find(tmp_path).mains == ("a.csv", "b.csv")
    put(tmp_path, "c.txt", "d.txt")
    assert find(tmp_path).mains == ("c.txt", "d.txt", "readme.txt")


def test_recordings_lie_at_one_depth(tmp_path: Path) -> None:
    put(tmp_path, "a/1.edf", "a/2.edf", "b/1.edf", "test.edf", "a/old/3.edf")
    found = find(tmp_path)
    assert found.mains == ("a/1.edf", "a/2.edf", "b/1.edf")
    assert found.others == ("a/old/3.edf", "test.edf")


def test_a_pattern_chooses_among_formats_and_depths(tmp_path: Path) -> None:
    put(tmp_path, "a/1.edf", "a/2.edf", "a/1.mat", "1.edf")
    found = find(tmp_path, "{subject}/{run}.edf")
    assert found.mains == ("a/1.edf", "a/2.edf")
    assert found.others == ()
    with pytest.raises(DataError) as caught:
        find(tmp_path, "{subject}/{run}.bdf")
    assert caught.value.expected == "files that fit {subject}/{run}.bdf"


@pytest.mark.parametrize(
    ("names", "found", "expected"),
    [
        ((), "the folder is empty", "files that end in .mat"),
        (("a.dat", "b.pdf"), "none of 2 files is a recording: a.dat, b.pdf", ".hea"),
        (tuple(f"{k}.dat" for k in range(5)), "0.dat, 1.dat, 2.dat, …", ".edf"),
    ],
)
def test_a_folder_without_recordings_is_refused(
    tmp_path: Path, names: tuple[str, ...], found: str, expected: str
) -> None:
    put(tmp_path, *names)
    with pytest.raises(DataError) as caught:
        find(tmp_path)
    assert found in caught.value.found
    assert expected in caught.value.expected


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.edf")
    for name, found in (("a.edf", "this is a file"), ("gone", "no such folder")):
        with pytest.raises(DataError, match=found):
            find(tmp_path / name)


def archived(tmp_path: Path) -> Recordings:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as file:
        for name in ("in/a.hea", "in/a.dat", "in/b.hea", "in/b.dat"):
            file.writestr(name, f"of {name}")
    return find(tmp_path)


def test_recordings_in_archives_have_the_archive_in_their_path(tmp_path: Path) -> None:
    found = archived(tmp_path)
    assert found.mains == ("set.zip/in/a.hea", "set.zip/in/b.hea")


def test_only_what_belongs_to_a_recording_is_extracted(tmp_path: Path) -> None:
    found = archived(tmp_path)
    with readable(found, ["set.zip/in/a.hea"]) as folder:
        there = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*")
                       if p.is_file())  # fmt: skip
        assert there == ["set.zip/in/a.dat", "set.zip/in/a.hea"]
        assert (folder / there[0]).read_text() == "of in/a.dat"
        made = folder
    assert not made.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]


def test_plain_files_are_read_where_they_lie(tmp_path: Path) -> None:
    put(tmp_path, "a.edf")
    found = find(tmp_path)
    with readable(found, found.mains) as folder:
        assert folder == tmp_path
    assert (tmp_path / "a.edf").exists()


def test_what_a_bids_tree_was_made_of_is_no_recording(tmp_path: Path) -> None:
    put(tmp_path, "sub-1/eeg/a.vhdr", "sourcedata/sub-1/a.xdf", "derivatives/a.edf")
    assert find(tmp_path).mains == ("sub-1/eeg/a.vhdr",)
    assert find(tmp_path / "sourcedata").mains == ("sub-1/a.xdf",)


def test_what_fits_the_pattern_and_is_no_recording_is_left_out(tmp_path: Path) -> None:
    """The folder of a BIDS tree, for more may come there; other files one by one."""
    names = [f"sub-{k}/eeg/sub-{k}_eeg.edf" for k in (1, 2, 3)]
    put(tmp_path, *names, *(f"derivatives/clean/{name}" for name in names))
    put(tmp_path, "old/[1]/sub-1/eeg/sub-1_eeg.edf")
    found = find(tmp_path)
    assert found.mains == tuple(names)
    naming = guess(found.mains)
    assert naming
    excluded = source_of("folder", found, naming, Asking({}, None))["except"].value
    assert excluded == ["derivatives", "old/[[]1]/sub-1/eeg/sub-1_eeg.edf"]
    left = [name for name in found.names if not unwanted(name, [], excluded)]
    assert left == names
