"""Zip and tar archives among the raw files, shown to readers as folders of files."""

import os
import shutil
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline import files
from pipeline.errors import DataError
from pipeline.parallel import progress_bar
from pipeline.sources.base import ZIPS, is_archive

BROKEN = (
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
    """

    folder: Path
    digests: Mapping[str, str]


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
    view = (files.UNFINISHED / "opened" / folder.parent.name / folder.name).absolute()
    shutil.rmtree(view, ignore_errors=True)  # of a killed run
    try:
        _link(folder, view, (name for name in digests if name not in archives))
        shown = {name: d for name, d in digests.items() if name not in archives}
        with progress_bar() as bar:
            for name in bar.track(archives, description="opening archives"):
                members = _extract(folder / name, name, view / name)
                paths = [f"{name}/{member}" for member in members]
                shown |= {path: files.file_digest(view / path) for path in paths}
        yield View(view, shown)
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


def _extract(path: Path, where: str, target: Path) -> list[str]:
    """Extract an archive and list its files."""
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


def _extract_zip(path: Path, where: str, target: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        members = [info for info in archive.infolist() if not info.is_dir()]
        _refuse_repeated(where, [info.filename for info in members])
        archive.extractall(target, members)
        return [_inside(target, info.filename) for info in members]


def _extract_tar(path: Path, where: str, target: Path) -> list[str]:
    with tarfile.open(path) as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        _refuse_repeated(where, [member.name for member in members])
        archive.extractall(target, members, filter="data")
        return [_inside(target, member.name) for member in members]


def _inside(target: Path, name: str) -> str:
    """Give a member's path as it was extracted: without `..`, `.` and a root."""
    parts = [p for p in PurePosixPath(name).parts if p not in ("..", ".", "/")]
    if not target.joinpath(*parts).is_file():
        raise tarfile.TarError(f"the member {name} leaves the archive's folder")
    return "/".join(parts)


def _refuse_repeated(where: str, names: list[str]) -> None:
    if repeated := [name for name, count in Counter(names).items() if count > 1]:
        raise DataError(
            where,
            f"{names.count(repeated[0])} members are called '{repeated[0]}'",
            expected="one path each",
            remedy="make the archive anew",
        )
