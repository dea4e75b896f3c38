"""The place and contents of a folder of recordings, for its source and the inventory.

Standard library only, and little of it: the stage `inventory` starts at every run.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
COPIES = "/.dvc/tmp/exps/"
"""The folder of DVC's copies of the checkout for queued experiments."""
SYSTEM = (
    *(".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", "lost+found"),
    *("$recycle.bin", "system volume information", "@eadir", "__macosx"),
)
NO_TARGET = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)

File = tuple[str, int, int]
"""Path below the folder, size in bytes, time of the last change in nanoseconds."""


def checkout() -> Path:
    """Find the project's root, from which relative paths count."""
    root = Path(os.environ.get("DVC_ROOT") or "").absolute()
    return Path(str(root).partition(COPIES)[0])


def expanded(path: str) -> Path:
    """Make a path absolute, with `~`, `$VARIABLE` and `${VARIABLE}` filled in.

    Raises
    ------
    LookupError
        A variable is not set, or is empty; its argument is the variable's name.
    """
    filled = os.path.expanduser(VARIABLE.sub(_value, path))  # noqa: PTH111
    return Path(os.path.normpath(checkout() / filled))


def _value(variable: re.Match[str]) -> str:
    name = variable[1] or variable[2]
    if not (value := os.environ.get(name)):
        raise LookupError(name)
    return value


def walk(root: Path) -> tuple[list[File], dict[str, str]]:
    """List the files below a folder, sorted, and why others do not count.

    Links are followed, but for a link to a folder that it lies in.

    Parameters
    ----------
    root : Path

    Returns
    -------
    files : list of File
    left_out : dict of str to str
        Reason by path; the path of a folder ends in `/`.

    Raises
    ------
    OSError
        A folder in it cannot be read.
    """
    files: list[File] = []
    left_out: dict[str, str] = {}
    waiting = [("", frozenset(_above(root)))]
    while waiting:
        inner, above = waiting.pop()
        for path, found, reason in _entries(root, inner):
            if found is None:
                left_out[path] = reason
            elif stat.S_ISREG(found.st_mode):
                files.append((path, found.st_size, found.st_mtime_ns))
            elif not stat.S_ISDIR(found.st_mode):
                left_out[path] = "neither a file nor a folder"
            elif (itself := (found.st_dev, found.st_ino)) in above:
                left_out[path] = "a link to a folder above it"
            else:
                waiting.append((f"{path}/", above | {itself}))
    return sorted(files), left_out


def _above(root: Path) -> Iterator[tuple[int, int]]:
    """Identify a folder and all folders above it."""
    real = root.resolve()
    for folder in (real, *real.parents):
        found = folder.stat()
        yield found.st_dev, found.st_ino


def _entries(
    root: Path, inner: str
) -> Iterator[tuple[str, os.stat_result | None, str]]:
    """Yield a folder's entries: path, what it is, or the reason it does not count."""
    with os.scandir(root / inner) as entries:
        for entry in entries:
            path = f"{inner}{entry.name}"
            if reason := _hidden(entry.name):
                slash = "/" if entry.is_dir(follow_symlinks=False) else ""
                yield path + slash, None, reason
                continue
            try:
                yield path, entry.stat(), ""
            except OSError as error:
                if not entry.is_symlink() or error.errno not in NO_TARGET:
                    raise
                yield path, None, "a link to nothing"


def _hidden(name: str) -> str:
    if name.lower() in SYSTEM or name.startswith("._"):
        return "a file of the operating system"
    return "hidden" if name.startswith(".") else ""
