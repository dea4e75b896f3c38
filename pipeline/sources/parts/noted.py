"""SHA-256 of files, computed once as long as a file's size and time stay the same."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import DataError
from pipeline.files import file_digest, load_json, save_json
from pipeline.parallel import n_workers, progress_bar
from pipeline.sources.parts.walk import File

MIB = 2**20
SAVE_S = 30.0

Notes = dict[str, tuple[int, int, str]]
"""Size, time and SHA-256 by path."""


def noted_digests(folder: Path, files: Sequence[File], notes: Path) -> dict[str, str]:
    """Compute the SHA-256 of files, or read it in the notes of an earlier run.

    Parameters
    ----------
    folder : Path
    files : sequence of File
        Below the folder.
    notes : Path
        File of the notes; half a minute of work is lost at most if this is killed.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    earlier = _load(notes)
    known = {
        path: earlier[path]
        for path, size, changed in files
        if path in earlier and earlier[path][:2] == (size, changed)
    }
    new = [file for file in files if file[0] not in known]
    try:
        _hash(folder, new, known, notes)
    finally:
        if known != earlier:
            save_json(notes, {"files": known})
    return {path: known[path][2] for path, _, _ in files}


def _hash(folder: Path, new: Sequence[File], known: Notes, notes: Path) -> None:
    saved = time.monotonic()
    with progress_bar() as bar, _threads() as pool:
        total = sum(size for _, size, _ in new) / MIB
        task = bar.add_task("reading (MiB)", total=total)
        paths = [folder / path for path, _, _ in new]
        digests = pool.map(_digest, paths)
        for (path, size, changed), digest in zip(new, digests, strict=True):
            known[path] = (size, changed, digest)
            bar.advance(task, size / MIB)
            if time.monotonic() > saved + SAVE_S:
                save_json(notes, {"files": known})
                saved = time.monotonic()


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Give threads that stop after the file at hand when the block fails."""
    pool = ThreadPoolExecutor(n_workers())
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _digest(path: Path) -> str:
    try:
        return file_digest(path)
    except OSError as error:
        raise DataError(
            str(path),
            f"cannot be read ({error.strerror})",
            expected="a file that this account may read",
            remedy="correct its permissions, or leave it out by the source's except",
        ) from error


def _load(notes: Path) -> Notes:
    if not notes.is_file():
        return {}
    try:
        found = load_json(notes)["files"]
    except DataError:
        return {}  # of another version
    return {path: (size, changed, sha) for path, (size, changed, sha) in found.items()}
