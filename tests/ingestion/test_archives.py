"""Archives shown to readers as folders."""

import hashlib
import io
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import DataError
from pipeline.ingestion.archives import opened


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data" / "raw" / "x"
    folder.mkdir(parents=True)
    (folder / "plain.txt").write_text("plain")
    return folder


def write_tar(path: Path, members: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))


def write_zip(path: Path, members: dict[str, str] | list[tuple[str, str]]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        each = members.items() if isinstance(members, dict) else members
        for name, text in each:
            archive.writestr(name, text)


def test_members_of_zip_and_tar_are_files(raw: Path) -> None:
    write_zip(raw / "a.zip", [("s1/x.txt", "one"), ("s2/x.txt", "two")])
    write_tar(raw / "b.tar.gz", {"s3/x.txt": "three"})
    digests = {"plain.txt": "p", "a.zip": "a", "b.tar.gz": "b"}
    with opened(raw, digests) as view:
        texts = {n: (view.folder / n).read_text() for n in view.digests}
        assert texts == {
            "plain.txt": "plain",
            "a.zip/s1/x.txt": "one",
            "a.zip/s2/x.txt": "two",
            "b.tar.gz/s3/x.txt": "three",
        }
        two = hashlib.sha256(b"two").hexdigest()
        assert view.digests["a.zip/s2/x.txt"] == two
        assert view.digests["plain.txt"] == "p"
        folder = view.folder
    assert not folder.exists()
    assert {path.name for path in raw.iterdir()} == set(digests)


def test_without_archives_the_folder_itself_is_shown(raw: Path) -> None:
    with opened(raw, {"plain.txt": "p"}) as view:
        assert view.folder == raw


@pytest.mark.parametrize("name", ["a.zip", "b.tar.gz"])
def test_a_damaged_archive_is_refused(raw: Path, name: str) -> None:
    write_zip(raw / "a.zip", [("x.txt", "one" * 999)])
    write_tar(raw / "b.tar.gz", {"x.txt": "one" * 999})
    content = (raw / name).read_bytes()
    (raw / name).write_bytes(content[: len(content) // 2])
    with (
        pytest.raises(DataError, match="cannot be opened") as caught,
        opened(raw, {name: ""}),
    ):
        pass
    assert caught.value.where == name


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_are_refused(raw: Path) -> None:
    write_zip(raw / "a.zip", [("x.txt", "one"), ("x.txt", "two")])
    with (
        pytest.raises(DataError, match=r"several members are called 'x\.txt'"),
        opened(raw, {"a.zip": ""}),
    ):
        pass


@pytest.mark.parametrize(
    "member", ["../../../out.txt", "s/../../out.txt", "..\\..\\out.txt", "C:\\out.txt"]
)
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_a_member_that_leaves_the_archive_is_refused(
    raw: Path, member: str, write: Callable[[Path, dict[str, str]], None]
) -> None:
    name = "a.zip" if write is write_zip else "b.tar.gz"
    write(raw / name, {"x.txt": "in", member: "out"})
    with (
        pytest.raises(DataError, match=r"its member '.*out\.txt'") as caught,
        opened(raw, {name: ""}),
    ):
        pass
    assert caught.value.where == name
    assert not list(raw.parents[2].rglob("*out.txt"))


@pytest.mark.parametrize("member", ["/in/x.txt", "./in/x.txt", "in\\x.txt"])
def test_other_ways_to_write_a_path_below_are_read(raw: Path, member: str) -> None:
    write_zip(raw / "a.zip", {member: "in"})
    with opened(raw, {"a.zip": ""}) as view:
        assert list(view.digests) == ["a.zip/in/x.txt"]
        assert (view.folder / "a.zip/in/x.txt").read_text() == "in"
    if "\\" not in member:
        write_tar(raw / "b.tar.gz", {member: "in"})
        with opened(raw, {"b.tar.gz": ""}) as view:
            assert list(view.digests) == ["b.tar.gz/in/x.txt"]


def test_a_small_zip_does_not_fill_the_disk(raw: Path) -> None:
    with zipfile.ZipFile(raw / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", bytes(65 * 2**20))
    assert (raw / "a.zip").stat().st_size < 2**17
    with (
        pytest.raises(DataError, match="holds more than 67 MB in a fraction"),
        opened(raw, {"a.zip": ""}),
    ):
        pass
    assert not list(Path("data/.unfinished/opened").rglob("*.txt"))


def test_odd_members_are_left_out_with_the_reason(raw: Path) -> None:
    with zipfile.ZipFile(raw / "a.zip", "w") as archive:
        archive.writestr("x.txt", "one")
        archive.writestr("inner.zip", b"PK")
        archive.writestr("Icon\r", "")
        link = zipfile.ZipInfo("soft.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with tarfile.open(raw / "b.tar", "w") as tar:
        for name, kind in (("fifo", tarfile.FIFOTYPE), ("hard", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "x.txt"
            tar.addfile(info)
        tar.addfile(tarfile.TarInfo(os.fsdecode(b"M\xfcller.txt")))
    with opened(raw, {"a.zip": "", "b.tar": ""}) as view:
        assert list(view.digests) == ["a.zip/x.txt"]
        assert view.left_out == {
            "a.zip/inner.zip": "an archive in an archive",
            "a.zip/'Icon\\r'": "is no file's name",
            "a.zip/soft.txt": "a link in an archive",
            "b.tar/fifo": "neither a file nor a folder",
            "b.tar/hard": "a link in an archive",
            "b.tar/M\\udcfcller.txt": "a name that is not in UTF-8",
        }


def test_a_folder_that_is_not_mounted_is_named(raw: Path) -> None:
    for name in ("a.edf", "b.edf"):
        (raw / name).symlink_to(f"/not-mounted/{name}")
    with (
        pytest.raises(DataError, match="none of 2 files is there now") as caught,
        opened(raw, {"a.edf": "", "b.edf": ""}),
    ):
        pass
    assert "/not-mounted/a.edf" in caught.value.found
    assert "mount the folder" in caught.value.remedy
    with opened(raw, {"a.edf": "", "plain.txt": ""}) as view:
        assert view.folder == raw


def test_hidden_members_and_links_are_counted(raw: Path) -> None:
    write_zip(raw / "a.zip", [("x.csv", "one"), ("__MACOSX/._x.csv", "?")])
    with tarfile.open(raw / "b.tar", "w") as archive:
        for name, kind in (
            ("y.csv", tarfile.REGTYPE),
            ("same.csv", tarfile.LNKTYPE),
            ("soft.csv", tarfile.SYMTYPE),
            (".trash/z.csv", tarfile.REGTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "y.csv"
            info.size = 3 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"two") if info.size else None)
    with opened(raw, {"a.zip": "", "b.tar": ""}) as view:
        assert set(view.digests) == {"a.zip/x.csv", "b.tar/y.csv", "b.tar/same.csv"}
        assert (view.folder / "b.tar/same.csv").read_text() == "two"
        assert view.left_out == {
            "a.zip/__MACOSX/._x.csv": "hidden",
            "b.tar/soft.csv": "a link in an archive",
            "b.tar/.trash/z.csv": "hidden",
        }


def test_two_readers_of_one_archive_do_not_meet(raw: Path) -> None:
    write_zip(raw / "a.zip", [("./x.csv", "one")])
    leftover = raw.parents[1] / ".unfinished" / "opened" / "999999999"
    leftover.mkdir(parents=True)
    with opened(raw, {"a.zip": ""}) as view:
        assert not leftover.exists()
        assert str(os.getpid()) in view.folder.parts
    write_zip(raw / "a.zip", [("./x.csv", "one"), ("x.csv", "two")])
    with pytest.raises(DataError, match="several members"), opened(raw, {"a.zip": ""}):
        pass
