"""Archives that hold more than they seem to."""

import bz2
import gzip
import io
import lzma
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import members
from pipeline.errors import DataError
from pipeline.members import BROKEN, PIECE_BYTES, Budget

MB = 2**20
TARS: dict[str, Callable[[bytes], bytes]] = {
    "a.tar.gz": gzip.compress,
    "a.tar.bz2": bz2.compress,
    "a.tar.xz": lzma.compress,
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lower the bounds, so that small files reach them."""
    monkeypatch.setattr(members, "FLOOR_BYTES", 2 * MB)
    monkeypatch.setattr(members, "MOST_MEMBERS", 100)


def drain(path: Path, room: int | None = None) -> dict[str, int]:
    """Read all members; give their lengths."""
    budget = Budget(path.name, path.stat().st_size, room)
    return {
        member.path: sum(map(len, member.pieces()))
        for member in members.members(path, path.name, budget)
    }


def tar_of(*infos: tarfile.TarInfo, content: int = 0) -> bytes:
    """Write headers, and so many zeros after the last."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for info in infos:
            archive.addfile(info)
    text = stream.getvalue()[: 512 * len(infos)]
    return text + bytes(content + 1024)


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info


def zip_of(path: Path, kind: int, *sizes: int) -> Path:
    with zipfile.ZipFile(path, "w", kind) as archive:
        for number, size in enumerate(sizes):
            archive.writestr(f"{number}.csv", bytes(size))
    return path


def test_a_zip_that_holds_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    kind = zipfile.ZIP_DEFLATED
    path = zip_of(tmp_path / "a.zip", kind, 2 * MB, MB)
    with pytest.raises(DataError, match=r"more than 2 MB in a fraction") as caught:
        drain(path)
    assert caught.value.where == "a.zip"
    assert "unpack it" in caught.value.remedy
    assert drain(zip_of(path, kind, MB, MB)) == {"0.csv": MB, "1.csv": MB}


@pytest.mark.parametrize("name", TARS)
def test_a_tar_that_holds_far_more_than_its_size_is_refused(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_bytes(TARS[name](tar_of(header("a.csv", 3 * MB), content=3 * MB)))
    with pytest.raises(DataError, match=r"more than 2 MB in a fraction"):
        drain(path)
    path.write_bytes(TARS[name](tar_of(header("a.csv", MB), content=MB)))
    assert drain(path) == {"a.csv": MB}


def test_what_packs_as_recordings_do_is_no_bomb(tmp_path: Path) -> None:
    rows = "".join(f"{k // 10}\t0.00001\t-0.00002\t0\n" for k in range(400_000))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("held.txt", rows)
    assert len(rows) > 4 * MB
    assert drain(tmp_path / "a.zip") == {"held.txt": len(rows)}


def test_more_than_the_disk_holds_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", zipfile.ZIP_STORED, MB)
    with pytest.raises(DataError, match="no room on the disk") as caught:
        drain(path, room=MB - 1)
    assert caught.value.remedy == "make room there"
    assert drain(path, room=MB) == {"0.csv": MB}


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_claims_gigabytes_takes_none(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(header("a", 8**11, kind), content=4096))
    tracemalloc.start()
    with pytest.raises((DataError, *BROKEN)):
        drain(path)
    assert tracemalloc.get_traced_memory()[1] < 4 * MB
    tracemalloc.stop()


def test_a_member_that_claims_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(header("a.csv", 8**11), content=4096))
    with pytest.raises((DataError, *BROKEN)):
        drain(path)


def test_holes_count_as_bytes(tmp_path: Path) -> None:
    sparse = bytearray(
        tar_of(header("a.csv", 512, tarfile.GNUTYPE_SPARSE), content=512)
    )
    octal = b"%011o\0"
    sparse[386:410] = octal % 0 + octal % 512  # one piece at the start
    sparse[483:495] = octal % (3 * MB)  # and nothing after it
    sparse[148:156] = b" " * 8
    sparse[148:156] = b"%06o\0 " % sum(sparse[:512])
    path = tmp_path / "a.tar"
    path.write_bytes(sparse)
    with pytest.raises(DataError, match=r"more than 2 MB"):
        drain(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
def test_the_number_of_members_is_bounded(tmp_path: Path, name: str) -> None:
    for count in (100, 101):
        zip_of(tmp_path / "a.zip", zipfile.ZIP_STORED, *[0] * count)
        infos = [header(f"{k}.csv", 0) for k in range(count)]
        (tmp_path / "a.tar").write_bytes(tar_of(*infos))
        if count == 100:
            assert len(drain(tmp_path / name)) == 100
        else:
            with pytest.raises(DataError, match="more than 100 members"):
                drain(tmp_path / name)


def test_the_table_of_a_zip_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zip_of(tmp_path / "a.zip", zipfile.ZIP_STORED, 1, 1)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"x" * 65535
    monkeypatch.setattr(members, "DIRECTORY_BYTES", 2 * (46 + len("0.csv")))
    assert len(drain(path)) == 2
    monkeypatch.setattr(members, "DIRECTORY_BYTES", 2 * (46 + len("0.csv")) - 1)
    with pytest.raises(DataError, match="members"):
        drain(path)


@pytest.mark.parametrize("name", ["a.zip", *TARS])
def test_pieces_are_small_in_memory(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "FLOOR_BYTES", 50 * MB)
    path, size = tmp_path / name, 30 * MB
    if name in TARS:
        path.write_bytes(TARS[name](tar_of(header("0.csv", size), content=size)))
    else:
        zip_of(path, zipfile.ZIP_DEFLATED, size)
    tracemalloc.start()
    assert drain(path) == {"0.csv": size}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 2


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_bound_are_refused(
    tmp_path: Path, kind: int
) -> None:
    path = zip_of(tmp_path / "a.zip", kind, 2)
    with pytest.raises(DataError, match=r"'0\.csv' is packed by (bzip2|LZMA)"):
        drain(path)


def test_a_cut_piece_is_noticed(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", zipfile.ZIP_STORED, PIECE_BYTES)
    content: Any = bytearray(path.read_bytes())
    content[2000] = 1
    path.write_bytes(content)
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        drain(path)
