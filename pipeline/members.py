"""Members of zip and tar archives, read piece by piece and within bounds.

What an archive states of its sizes is not trusted: bytes are counted as they come. No
link in an archive is made, and archives in archives stay closed.
"""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pipeline.errors import DataError
from pipeline.names import path_fault

ZIPS = (".zip",)
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
PACKED: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
"""The function that opens a tar, by its first bytes."""
RATIO = 200
"""Most bytes of the members for a byte of the archive: recordings pack to a tenth, text
that repeats itself to a fiftieth."""
FLOOR_BYTES = 2**26
"""So much may come of any archive."""
MOST_MEMBERS = 250_000
DIRECTORY_BYTES = 2**25
"""Most bytes of the table at the end of a zip, all of which is read at once."""
HEADER_BYTES = 2**24
"""Most that is read at once of a tar, whatever a header claims."""
PIECE_BYTES = 2**20
BROKEN = (
    lzma.LZMAError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # as of an encrypted zip
    ValueError,
)
"""The exceptions of the libraries where an archive is damaged."""
HIDDEN = "hidden"
LINK = "a link in an archive"
NESTED = "an archive in an archive"


def is_archive(name: str) -> bool:
    """Whether a file's members count as files, by the end of its name."""
    return name.lower().endswith(ZIPS + TARS)


@dataclass(frozen=True)
class Member:
    """One file of an archive, of use until the next one is asked for.

    Parameters
    ----------
    path : str
        With `/` between folders, below the archive.
    reason : str
        Why it is not to be shown; "" if it is.
    pieces : callable
        Gives its bytes.
    copy_of : str
        Path of an earlier member with the same bytes; "" if it has its own.
    """

    path: str
    reason: str
    pieces: Callable[[], Iterator[bytes]]
    copy_of: str = ""


class Budget:
    """The limit on the size of an archive's content.

    Parameters
    ----------
    where : str
        The archive, for messages.
    size : int
        Its own bytes.
    room : int or None
        Bytes that there is room for; None: nothing is written.
    """

    def __init__(self, where: str, size: int, room: int | None = None) -> None:
        most = max(FLOOR_BYTES, RATIO * size)
        self._where = where
        self._most = most if room is None else min(most, room)
        self._for_room = self._most < most
        self._spent = 0

    def spend(self, n_bytes: int) -> None:
        """Count bytes of a member; see `reach`."""
        self._spent += n_bytes
        self.reach(self._spent)

    def reach(self, n_bytes: int) -> None:
        """Refuse an archive that so much comes of, if it is too much."""
        if n_bytes <= self._most:
            return
        found = f"holds more than {self._most / 1e6:,.0f} MB"
        if self._for_room:
            raise DataError(
                self._where,
                f"{found}, for which there is no room on the disk of data/",
                remedy="make room there",
            )
        raise DataError(
            self._where,
            f"{found} in a fraction of that size",
            expected=f"at most {RATIO} times the archive's own size, or "
            f"{FLOOR_BYTES // 2**20} MiB",
            remedy="if it is right, unpack it and take the folder by source: {name: "
            "folder, path: …}; else ask who delivered it",
        )


def members(path: Path, where: str, budget: Budget) -> Iterator[Member]:
    """Yield the files in an archive, in its order.

    Parameters
    ----------
    path : Path
    where : str
        The archive, for messages; the end of its name names its format.
    budget : Budget

    Raises
    ------
    DataError
        A member's path leads out of the archive, two have the same, or there are too
        many or too large ones.
    Exception
        One of `BROKEN`: it is damaged or encrypted.
    """
    every = _of_zip if where.lower().endswith(ZIPS) else _of_tar
    seen: set[str] = set()
    for number, member in enumerate(every(path, where, budget)):
        if number == MOST_MEMBERS:
            raise _crowded(where)
        if not member.reason and member.path in seen:
            raise DataError(
                where,
                f"several members are called '{member.path}'",
                expected="one path each",
                remedy="make the archive anew",
            )
        seen.add(member.path)
        yield member


def _of_zip(path: Path, where: str, budget: Budget) -> Iterator[Member]:
    if _directory_bytes(path) > DIRECTORY_BYTES:
        raise _crowded(where)
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            member, reason = _judged(info.filename.replace("\\", "/"), where)
            if stat.S_ISLNK(info.external_attr >> 16):
                reason = LINK
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _unbounded(where, info)
            opened = partial(archive.open, info)
            yield Member(member, reason, partial(_pieces, opened, budget))


def _directory_bytes(path: Path) -> int:
    """Find how long the table at the end of a zip is: before zipfile reads it."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - 2**16 - 2**7))
        end = file.read()
    place, large = end.rfind(b"PK\5\6"), end.rfind(b"PK\6\6")
    stated = int.from_bytes(end[place + 12 : place + 16], "little")
    if stated == 2**32 - 1 and large >= 0:
        stated = int.from_bytes(end[large + 40 : large + 48], "little")
    return stated if place >= 0 else 0


def _of_tar(path: Path, where: str, budget: Budget) -> Iterator[Member]:
    with path.open("rb") as file:
        begin = file.read(6)
    opened = (PACKED[each] for each in PACKED if begin.startswith(each))
    with next(opened, _as_it_is)(path) as stream:
        bounded: Any = _Bounded(stream, budget)
        with tarfile.open(fileobj=bounded, mode="r:") as opened_tar:
            archive: Any = opened_tar
            while info := archive.next():
                archive.members.clear()  # else it keeps all headers
                if not info.isdir():
                    yield _tar_member(archive, info, where, budget)


def _as_it_is(path: Path) -> IO[bytes]:
    return path.open("rb")


def _tar_member(
    archive: tarfile.TarFile, info: tarfile.TarInfo, where: str, budget: Budget
) -> Member:
    name, reason = _judged(info.name, where)
    if info.islnk():
        target, _ = _judged(info.linkname, where)
        return Member(name, reason, lambda: iter(()), copy_of=target)
    if not info.isfile():
        reason = LINK if info.issym() else "neither a file nor a folder"
        return Member(name, reason, lambda: iter(()))
    opened: Any = partial(archive.extractfile, info)
    return Member(name, reason, partial(_pieces, opened, budget))


class _Bounded:
    """The stream that tarfile reads: no header makes it read much, or far, at once."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream, self._budget = stream, budget

    def read(self, size: int) -> bytes:
        """Read a header; refuses to read more."""
        if not 0 <= size <= HEADER_BYTES:
            raise tarfile.ReadError(f"a header of {size} bytes")
        self._budget.reach(self._stream.tell() + size)
        return self._stream.read(size)

    def seek(self, place: int) -> int:
        self._budget.reach(place)
        return self._stream.seek(place)

    def tell(self) -> int:
        return self._stream.tell()


def _pieces(opened: Callable[[], IO[bytes]], budget: Budget) -> Iterator[bytes]:
    with opened() as stream:
        while piece := stream.read(PIECE_BYTES):
            budget.spend(len(piece))
            yield piece


def _judged(name: str, where: str) -> tuple[str, str]:
    """Give a member's path as it is extracted, and why it is not to be shown.

    Raises
    ------
    DataError
        The path leads out of the archive.
    """
    parts = [part for part in PurePosixPath(name).parts if part not in ("/", "//")]
    path, shown = "/".join(parts), name.encode("utf-8", "backslashreplace").decode()
    if shown != name:
        return shown, "a name that is not in UTF-8"
    fault = path_fault(path)
    if fault and "name" not in fault:
        raise DataError(
            where,
            f"its member {name!r} {fault}",
            expected="paths below the archive",
            remedy="do not use this archive; ask who delivered it",
        )
    if fault:
        return ascii(path), fault
    if any(part[:1] == "." or part == "__MACOSX" for part in parts):
        return path, HIDDEN
    return path, NESTED if is_archive(path) else ""


def _unbounded(where: str, info: zipfile.ZipInfo) -> DataError:
    """Refuse bzip2 and LZMA: of 4 KB zipfile makes gigabytes at once."""
    known = {zipfile.ZIP_BZIP2: "bzip2", zipfile.ZIP_LZMA: "LZMA"}
    name = known.get(info.compress_type, f"method {info.compress_type}")
    return DataError(
        where,
        f"its member '{info.filename}' is packed by {name}",
        expected="the usual method of zip, deflate",
        remedy="make the archive anew, or unpack it and take the folder by source: "
        "{name: folder, path: …}",
    )


def _crowded(where: str) -> DataError:
    return DataError(
        where,
        f"has more than {MOST_MEMBERS:,} members",
        expected="fewer",
        remedy="unpack it and take the folder by source: {name: folder, path: …}",
    )
