"""Zip and tar archives among the raw files, shown to readers as folders of files."""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipeline import files
from pipeline.errors import DataError
from pipeline.machine import refusal, spent
from pipeline.members import BROKEN, LINK, Budget, is_archive, members
from pipeline.parallel import progress_bar
from pipeline.readers.base import REPLACE
from pipeline.sources.base import LINKS

SPARE_BYTES = 2**28
"""The space that stays free on the disk."""


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
        An archive is damaged, encrypted or too large, or two members have one path.
    """
    _refuse_unmounted(folder, digests)
    archives = [name for name in digests if is_archive(name)]
    if not archives:
        yield View(folder, digests)
        return
    opened_by = files.UNFINISHED.absolute() / "opened"
    files.refuse_links(opened_by)
    _remove_leftovers(opened_by)
    view = opened_by / str(os.getpid()) / folder.parent.name / folder.name
    view.mkdir(parents=True)
    left_out: dict[str, str] = {}
    try:
        _link(folder, view, (name for name in digests if name not in archives))
        shown = {name: d for name, d in digests.items() if name not in archives}
        with progress_bar() as bar:
            for name in bar.track(archives, description="opening archives"):
                digests, others = _extract(folder / name, name, view)
                shown |= digests
                left_out |= others
        yield View(view, shown, left_out)
    finally:
        shutil.rmtree(view, ignore_errors=True)


def _refuse_unmounted(folder: Path, names: Iterable[str]) -> None:
    """Report that a folder is not mounted, instead of each of its files as bad."""
    paths = [folder / name for name in names]
    if paths and not any(path.exists() for path in paths):
        target = os.path.realpath(paths[0])
        dataset = folder.parent.name if folder.name == LINKS else folder.name
        raise DataError(
            str(folder),
            f"none of {len(paths)} files is there now, such as {target}",
            expected="the files of the last fetch",
            remedy="mount the folder that they lie in, or correct the source in "
            f"params.yaml and run `dvc repro ingest@{dataset}`",
        )


def _link(folder: Path, view: Path, names: Iterable[str]) -> None:
    for name in names:
        link = view / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.realpath(folder / name))


Extracted = tuple[dict[str, str], dict[str, str]]


def _extract(path: Path, where: str, view: Path) -> Extracted:
    """Extract the files of an archive into a folder of its name.

    Returns
    -------
    digests : dict of str to str
        SHA-256 of each file, by its path in the view.
    left_out : dict of str to str
        Why others are not shown.
    """
    digests: dict[str, str] = {}
    left_out: dict[str, str] = {}
    room = max(0, shutil.disk_usage(view).free - SPARE_BYTES)
    try:
        for member in members(path, where, Budget(where, path.stat().st_size, room)):
            name = f"{where}/{member.path}"
            if member.reason:
                left_out[name] = member.reason
            elif not member.copy_of:
                digests[name] = _write(view / name, member.pieces())
            elif (source := f"{where}/{member.copy_of}") in digests:
                (view / name).parent.mkdir(parents=True, exist_ok=True)
                (view / name).hardlink_to(view / source)
                digests[name] = digests[source]
            else:
                left_out[name] = LINK
    except BROKEN as error:
        if refused := spent(error) and refusal(error, view / where):
            raise refused from error
        raise DataError(
            where,
            f"cannot be opened ({type(error).__name__}: {error})",
            expected="a complete archive without a password",
            remedy=REPLACE,
        ) from error
    return digests, left_out


def _write(path: Path, pieces: Iterable[bytes]) -> str:
    """Write a new file, and give its SHA-256."""
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
    return digest.hexdigest()


def _remove_leftovers(folder: Path) -> None:
    """Remove what killed runs had opened; others may be at work."""
    for path in folder.glob("*"):
        if not Path(f"/proc/{path.name}").exists():
            shutil.rmtree(path, ignore_errors=True)
