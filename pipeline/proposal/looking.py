"""The statements of recordings about themselves, read from a sample of the files."""

import importlib
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from pipeline.errors import DataError
from pipeline.proposal import looks, plain
from pipeline.proposal.facts import Looked
from pipeline.proposal.files import Recordings, readable, reader_of

Look = Callable[[Path, Sequence[str], Sequence[str], dict[str, object]], Looked]
"""A look at a folder, the main files in it, all files in it, and the flags."""


def look(recordings: Recordings, stated: dict[str, object]) -> Looked:
    """Look at some recordings of a folder, from the first to the last.

    Parameters
    ----------
    recordings : Recordings
    stated : dict
        Settings of the reader that the user has stated.

    Raises
    ------
    DataError
        None of these files can be read.
    """
    mains = spread(recordings.mains, reader_of(recordings.suffix).looked_at)
    with readable(recordings, mains) as folder:
        found, problem = _tried(recordings, folder, mains, stated)
    if problem is not None and not found.channels:
        raise problem
    return found


def _tried(
    recordings: Recordings, folder: Path, mains: list[str], stated: dict[str, object]
) -> tuple[Looked, DataError | None]:
    """Look at files; where one is damaged, without it."""
    problem = None
    left, look_at = list(mains), _look_of(recordings.reader)
    while left:
        try:
            found = look_at(folder, left, recordings.names, stated)
            return found, None
        except DataError as error:
            problem = problem or error
            bad = [m for m in left if error.where.startswith(m.rpartition(".")[0])]
            left = [main for main in left if main not in (bad or left)]
    return Looked(), problem


def _look_of(reader: str) -> Look:
    """Find the look of a reader's name in `looks`; else reading serves."""
    name = f"{looks.__name__}.{reader}"
    if find_spec(name) is None:
        return partial(plain.look, reader)
    return cast("Look", importlib.import_module(name).look)


def spread(paths: Sequence[str], most: int) -> list[str]:
    """Choose paths evenly, the first and the last among them."""
    if len(paths) <= most:
        return list(paths)
    return [paths[k * (len(paths) - 1) // (most - 1)] for k in range(most)]
