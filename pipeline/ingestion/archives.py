"""Zip and tar archives among the raw files, shown to readers as folders of files."""

import lzma
import os
import shutil
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline import files
from pipeline.errors import DataError
from pipeline.parallel import progress_bar
from pipeline.sources.base import ZIPS, is_archive

HIDDEN = "hidden"
BROKEN = (
    lzma.LZMAError,
    UnicodeError,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # an encrypted zip
)


@dataclass(frozen=True)
class View:
    """A data set's files as readers see them.

    Parameters
    ----------
    folder : Path
    digests : mapping of str to str
        SHA-256 of each file, by its path in the folder.
    left_out : mapping of str to str
        Why a member of an archive is not shown, by its path.
    """

    folder: Path
    digests: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def opened(folder: Path, digests: Mapping[str, str]) -> Iterator[View]:
    """Yield a folder in which every archive is a folder of its members.

    It is the folder itself if there is no archive; else a temporary one of links and
    extracted members, which is removed afterwards.

    Parameters
    ----------
    folder : Path
    digests : mapping of str to str
        SHA-256 of the data set's files by their path in the folder.

    Raises
    ------
    DataError
        An archive is damaged or encrypted, or two members have the same path.
    """
    _refuse_unmounted(folder, digests)
    archives = [name for name in digests if is_archive(name)]
    if not archives:
        yield View(folder, digests)
        return
    opened_by = files.UNFINISHED.absolute() / "opened"
    _remove_leftovers(opened_by)
    view = opened_by / str(os.getpid()) / folder.parent.name / folder.name
    view.mkdir(parents=True)
    left_out: dict[str, str] = {}
    try:
        _link(folder, view, (name for name in digests if name not in archives))
        shown = {name: d for name, d in digests.items() if name not in archives}
        with progress_bar() as bar:
            for name in bar.track(archives, description="opening archives"):
                members, others = _extract(folder / name, name, view / name)
                paths = [f"{name}/{member}" for member in members]
                shown |= {path: files.file_digest(view / path) for path in paths}
                left_out |= {f"{name}/{other}": why for other, why in others.items()}
        yield View(view, shown, left_out)
    finally:
        shutil.rmtree(view, ignore_errors=True)


def _refuse_unmounted(folder: Path, names: Iterable[str]) -> None:
    """Say that a folder is not mounted, rather than that each of its files is bad."""
    paths = [folder / name for name in names]
    if paths and not any(path.exists() for path in paths):
        target = os.path.realpath(paths[0])
        raise DataError(
            str(folder),
            f"none of {len(paths)} files is there now, such as {target}",
            expected="the files of the last fetch",
            remedy="mount the folder that they lie in, or run `dvc repro "
            "fetch@NAME` with the data set's name",
        )


def _link(folder: Path, view: Path, names: Iterable[str]) -> None:
    for name in names:
        link = view / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.realpath(folder / name))


Members = tuple[list[str], dict[str, str]]
"""Paths of the files in an archive, and why others are left out."""


def _extract(path: Path, where: str, target: Path) -> Members:
    """Extract the files of an archive."""
    target.mkdir(parents=True)
    try:
        if where.lower().endswith(ZIPS):
            return _extract_zip(path, where, target)
        return _extract_tar(path, where, target)
    except BROKEN as error:
        raise DataError(
            where,
            f"cannot be opened ({type(error).__name__}: {error})",
            expected="a complete archive without a password",
            remedy="fetch it again, or ask who delivered it",
        ) from error


def _extract_zip(path: Path, where: str, target: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        names = [i.filename for i in archive.infolist() if not i.is_dir()]
        _refuse_repeated(where, names)
        hidden = {name: HIDDEN for name in names if _is_hidden(name)}
        wanted = [name for name in names if name not in hidden]
        archive.extractall(target, wanted)
        return [_inside(target, name) for name in wanted], hidden


def _extract_tar(path: Path, where: str, target: Path) -> Members:
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
        _refuse_repeated(where, [member.name for member in members])
        wanted = [
            member
            for member in members
            if (member.isfile() or member.islnk()) and not _is_hidden(member.name)
        ]
        archive.extractall(target, wanted, filter="data")
        names = {member.name for member in wanted}
        others = {
            member.name: HIDDEN if _is_hidden(member.name) else "a link in an archive"
            for member in members
            if member.name not in names
        }
        return [_inside(target, member.name) for member in wanted], others


def _is_hidden(name: str) -> bool:
    """Whether a member is a file of the operating system."""
    return any(part[:1] == "." or part == "__MACOSX" for part in _plain(name))


def _plain(name: str) -> list[str]:
    """Give the parts of a member's path as it is extracted."""
    return [part for part in PurePosixPath(name).parts if part not in ("..", ".", "/")]


def _inside(target: Path, name: str) -> str:
    """Give a member's path as it was extracted: without `..`, `.` and a root."""
    parts = _plain(name)
    if not target.joinpath(*parts).is_file():
        raise tarfile.TarError(f"the member {name} leaves the archive's folder")
    return "/".join(parts)


def _refuse_repeated(where: str, names: list[str]) -> None:
    counts = Counter("/".join(_plain(name)) for name in names)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise DataError(
            where,
            f"{counts[repeated[0]]} members are called '{repeated[0]}'",
            expected="one path each",
            remedy="make the archive anew",
        )


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed runs had opened; others may be at work."""
    for path in folder.glob("*"):
        if not Path(f"/proc/{path.name}").exists():
            shutil.rmtree(path, ignore_errors=True)
