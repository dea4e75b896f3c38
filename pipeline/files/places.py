"""The places of files, and their replacement: complete, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import DataError
from pipeline.machine import writing

DATA = Path("data")
UNFINISHED = DATA / ".unfinished"
"""The folder that stages work in; git and DVC ignore it."""


def folder(kind: str, name: str) -> Path:
    """Name the folder of a stage's output: `data/<kind>/<name>`.

    Kinds: those of `MAKERS`, and report.

    Raises
    ------
    DataError
        The name leads elsewhere, as `../x` does.
    """
    if name == ".." or Path(name).parts not in ((), (name,)):
        raise DataError(
            f"data/{kind}",
            f"{name!r} is no name",
            expected="a data set, or a cell such as DATASET-ENCODER-MODEL",
            remedy="write it as params.yaml has it",
        )
    return DATA / kind / name


def refuse_links(folder: Path) -> None:
    """Refuse a folder of `data/` that is a link, or lies in one.

    What does not belong into such a folder is removed: it must not be another's.

    Raises
    ------
    DataError
        It, or a folder above it up to `data`, is a link.
    """
    data, full = DATA.absolute(), folder.absolute()
    if not full.is_relative_to(data):
        return
    for place in (full, *full.parents)[: len(full.relative_to(data).parts) + 1]:
        if place.is_symlink():
            raise DataError(
                str(place.relative_to(data.parent)),
                f"is a link to {place.readlink()}",
                expected="a folder of this checkout, for stages remove files there",
                remedy="remove the link, not what it leads to; recordings elsewhere "
                "are taken from there by source: {name: folder, path: …}",
            )


@contextmanager
def replacing(path: Path, needed: int | None = None) -> Iterator[Path]:
    """Yield a temporary path that takes the name `path` when the block succeeds.

    Parameters
    ----------
    path : Path
    needed : int, optional
        Bytes that it takes, where that is known.

    Raises
    ------
    MachineError
        The disk is full, or something else that the machine refuses.
    """
    refuse_links(path.parent)
    partial = path.with_name(f".partial-{_number()}-{path.name}")
    with writing(path, needed):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the name `path` when the block succeeds.

    What was at `path` is removed only then.
    """
    refuse_links(path)
    partial = path.with_name(f".partial-{_number()}-{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        try:
            yield partial
            if path.exists():
                shutil.rmtree(path)
            partial.replace(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _number() -> int:
    """Draw a number: machines that share a disk have processes of one number."""
    return int.from_bytes(os.urandom(6))


def clear_partial(parent: Path) -> None:
    """Remove the temporary files and folders of killed runs below a folder."""
    refuse_links(parent)
    for leftover in list(parent.rglob(".partial-*")):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def keep_only(parent: Path, wanted: set[str]) -> None:
    """Remove the files of a folder that no longer belong to it."""
    refuse_links(parent)
    for path in parent.iterdir():
        if path.is_file() and path.name not in wanted:
            path.unlink()
