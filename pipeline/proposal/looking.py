"""The statements of recordings about themselves, read from a sample of the files."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import DataError
from pipeline.proposal import arrays, clinical, tables, waves
from pipeline.proposal.facts import Looked
from pipeline.proposal.files import Recordings, readable

SAMPLES = {"wfdb": 60, "mne": 24, "table": 3, "array": 24}
"""Files that are looked at, by reader: headers are short, tables are long."""
LOOKS = {
    "wfdb": clinical.look,
    "mne": waves.look,
    "table": tables.look,
    "array": arrays.look,
}


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
    mains = spread(recordings.mains, SAMPLES[recordings.reader])
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
    left = list(mains)
    while left:
        try:
            found = LOOKS[recordings.reader](folder, left, recordings.names, stated)
            return found, None
        except DataError as error:
            problem = problem or error
            bad = [m for m in left if error.where.startswith(m.rpartition(".")[0])]
            left = [main for main in left if main not in (bad or left)]
    return Looked(), problem


def spread(paths: Sequence[str], most: int) -> list[str]:
    """Choose paths evenly, the first and the last among them."""
    if len(paths) <= most:
        return list(paths)
    return [paths[k * (len(paths) - 1) // (most - 1)] for k in range(most)]
