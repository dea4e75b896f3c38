"""Refusals of the machine in words: a full disk, a folder without permission.

An `OSError` is a bug in biospike, or the machine's refusal. Its number distinguishes
them: `refusal` explains the second kind only.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from errno import (
    EACCES,
    EAGAIN,
    EDQUOT,
    EEXIST,
    EFBIG,
    EIO,
    EISDIR,
    EMFILE,
    ENFILE,
    ENODEV,
    ENOMEM,
    ENOSPC,
    ENOTDIR,
    ENXIO,
    EPERM,
    EROFS,
    ESTALE,
    EXDEV,
)
from pathlib import Path

from pipeline.errors import MachineError

AGAIN = "run it again: what is finished is kept"
TEMPORARY = re.compile(r"^\.partial-(?:\d+-(.*)|.*)$")
"""Names of unfinished files and folders, which may hold the name to be."""
SHORT = re.compile(r"\d+ requested and \d+ written$")
"""The message of numpy's `tofile` about a full disk, which has no error number."""
Words = tuple[str, str, str]
"""The finding, the expectation, and the remedy."""


@contextmanager
def writing(path: Path, needed: int | None = None) -> Iterator[None]:
    """Explain refusals of the machine in the block, which writes a file or folder.

    Parameters
    ----------
    path : Path
        The path to name if the error names none.
    needed : int, optional
        Bytes that it takes, where that is known.

    Raises
    ------
    MachineError
        The machine refused something; other errors pass.
    """
    try:
        yield
    except (OSError, MemoryError) as error:
        explained = refusal(error, path, needed)
        if explained is None:
            raise
        raise explained from error


def refusal(
    error: BaseException, path: Path | None = None, needed: int | None = None
) -> MachineError | None:
    """Explain an error that the machine raised; None if it is a bug.

    Parameters
    ----------
    error : exception
    path : Path, optional
        The file or folder at hand, if the error does not name it.
    needed : int, optional
        Bytes that it takes, where that is known.
    """
    number = _number(error)
    if number not in REFUSALS:
        return None
    named = getattr(error, "filename", None)
    place = Path(os.fsdecode(named)) if named else path
    where = _culprit(number, place) if place else Path()
    found, expected, remedy = _words(number, where)
    if number in (ENOSPC, EDQUOT) and needed:
        expected = f"room for {size_words(needed)}"
    shown = _shown(where) if place else "this machine"
    return MachineError(shown, found, expected=expected, remedy=remedy)


def spent(error: BaseException) -> bool:
    """Whether an error means that a resource of this machine ran out.

    Parameters
    ----------
    error : exception
        Raised by a library over a file.
    """
    return _number(error) in (ENOSPC, EDQUOT, EFBIG, EMFILE, ENFILE, EROFS)


def _number(error: BaseException) -> int | None:
    if isinstance(error, MemoryError):
        return ENOMEM
    if isinstance(error, OSError) and SHORT.match(str(error)):
        return ENOSPC
    return error.errno if isinstance(error, OSError) else None


def size_words(n_bytes: float) -> str:
    """Write a number of bytes with its unit: `3.2 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if n_bytes < 1000:
            return f"{n_bytes:.3g} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.3g} TB"


def _shown(place: Path) -> str:
    """Name a file as the user would: by its last name, and from this folder."""
    place = Path(*(TEMPORARY.sub(r"\1", part) for part in place.parts))
    here = Path.cwd()
    return str(place.relative_to(here) if place.is_relative_to(here) else place)


def _culprit(number: int | None, place: Path) -> Path:
    """Find the part of a path that an error is about."""
    above = (place, *place.absolute().parents)
    if number in (ENOTDIR, EEXIST):
        return next((path for path in above if path.is_file()), place)
    if number in (EACCES, EPERM):
        there = [path for path in above if path.exists()]
        closed = (path for path in there if not os.access(path, os.R_OK | os.W_OK))
        return next(closed, there[0])
    return place


def _words(number: int | None, place: Path) -> Words:
    """Give the finding, the expectation, and the remedy."""
    if number == ENOSPC:
        above = (place, *place.absolute().parents)
        disk = shutil.disk_usage(next(path for path in above if path.exists()))
        free = f"{size_words(disk.free)} of {size_words(disk.total)} free"
        return (f"the disk is full ({free})", *FULL)
    if number in (EACCES, EPERM):
        found, expected, remedy = FORBIDDEN
        return f"{found}{_owner(place)}", expected, remedy.format(_shown(place))
    return WORDS.get(number or 0, MEMORY)


def _owner(place: Path) -> str:
    try:
        return f"; it belongs to {place.owner()}"
    except (KeyError, OSError):
        return ""


FULL = (
    "room for the file that was being written",
    "free some on that disk (`dvc gc -w` removes results that the checkout no longer "
    f"uses), then {AGAIN}",
)
FORBIDDEN = (
    "this account may not read or write it",
    "files and folders that this account may read, and below data/ write",
    f"have its owner correct the permissions (`chmod -R u+rwX {{}}`), then {AGAIN}",
)
MEMORY = (
    "there is not enough memory, or too many processes run",
    "as much memory as all workers need together",
    f"close other programs, or set BIOSPIKE_WORKERS=1, then {AGAIN}",
)
HANDLES = (
    "too many files are open",
    "a higher limit of open files",
    f"`ulimit -n 4096`, or set BIOSPIKE_WORKERS=1, then {AGAIN}",
)
DISK = (
    "the disk or its connection failed",
    "a disk that answers",
    f"check the disk and its mount (`dmesg` may have details), then {AGAIN}",
)
A_FILE = (
    "there is a file where a folder should be",
    "folders all along the path",
    f"move the file away, then {AGAIN}",
)
WORDS = {
    EDQUOT: (
        "the disk quota of this account is used up",
        FULL[0],
        f"remove files of yours there, or have the quota raised, then {AGAIN}",
    ),
    EROFS: (
        "the file system is mounted for reading only",
        "one that can be written to",
        f"mount it for writing, then {AGAIN}",
    ),
    EFBIG: (
        "a file may not become as long as this one",
        "a higher limit of a file's length",
        f"`ulimit -f unlimited`, or another file system, then {AGAIN}",
    ),
    EISDIR: (
        "there is a folder where a file should be",
        "a file, or nothing",
        f"move the folder away, then {AGAIN}",
    ),
    EXDEV: (
        "this folder and data/.unfinished lie on two disks",
        "one disk for all of data/",
        f"move it back, or move data/ as one folder, then {AGAIN}",
    ),
    ENOTDIR: A_FILE,
    EEXIST: A_FILE,
    EMFILE: HANDLES,
    ENFILE: HANDLES,
    EIO: DISK,
    ENODEV: DISK,
    ENXIO: DISK,
    ESTALE: DISK,
    EAGAIN: MEMORY,
    ENOMEM: MEMORY,
}
REFUSALS = {ENOSPC, EACCES, EPERM, *WORDS}
"""Numbers of errors that are the machine's."""
