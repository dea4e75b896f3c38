"""Refusal of recordings that repeat the signal of another one.

Of one person, one of the recordings would count twice; of two, one person would be in
two roles of a fold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.errors import DataError
from pipeline.ingestion import copies
from pipeline.ingestion.archives import View
from pipeline.ingestion.codes import person_key
from pipeline.ingestion.found import Entry
from pipeline.ingestion.reading import Inspected
from pipeline.readers.base import either, unchecked_if

REMEDY = either(
    "leave one of them out by the source's except",
    unchecked_if("both are right", "copies"),
)


@dataclass(frozen=True)
class Repeat:
    """A recording whose signal another one holds.

    Parameters
    ----------
    place : int
        Its place among the recordings.
    error : DataError
        The message where bad recordings end a stage.
    reason : str
        The reason where they are left out: which one is kept, if any.
    """

    place: int
    error: DataError
    reason: str


def refuse_same_bytes(entries: Sequence[Entry], view: View) -> None:
    """Refuse recordings of the same bytes, before any is read.

    Raises
    ------
    DataError
        Two recordings are the same, byte for byte.
    """
    for first, second in _same_bytes(entries, view):
        raise DataError(
            f"{entries[first].files[0]} and {entries[second].files[0]}",
            "they are the same recording, byte for byte",
            expected="each recording once",
            remedy=REMEDY,
        )


def repeats(
    entries: Sequence[Entry], inspected: Sequence[Inspected], view: View
) -> Iterator[Repeat]:
    """Find the recordings that cannot be kept beside others of the same signal.

    Of one person's, the first is kept. Of several persons', none is: whose it is cannot
    be known.

    Parameters
    ----------
    entries : sequence of Entry
    inspected : sequence of Inspected
        What was found in each of them.
    view : View
    """
    good = [k for k, each in enumerate(inspected) if each.row.status != "refused"]
    pairs = copies.pairs([inspected[k].sketch for k in good])
    pairs += _same_bytes([entries[k] for k in good], view)
    for group in _groups(pairs, len(good)):
        places = [good[k] for k in group]
        persons = {person_key(inspected[k].row.subject) for k in places}
        for place in places if len(persons) > 1 else places[1:]:
            other = places[0] if place != places[0] else places[1]
            yield _repeat(entries, inspected, (place, other), len(persons))


def _same_bytes(entries: Sequence[Entry], view: View) -> list[tuple[int, int]]:
    seen: dict[tuple[str, ...], int] = {}
    pairs = []
    for place, entry in enumerate(entries):
        digests = tuple(view.digests.get(name, "") for name in entry.files)
        if (first := seen.setdefault(digests, place)) != place:
            pairs.append((first, place))
    return pairs


def _groups(pairs: Sequence[tuple[int, int]], n: int) -> Iterator[list[int]]:
    """Give the groups that pairs of places below n connect."""
    if not pairs:
        return
    rows, columns = np.array(pairs).T
    graph = coo_array((np.ones(len(pairs)), (rows, columns)), shape=(n, n))
    _, group = connected_components(graph, directed=False)
    for number in dict.fromkeys(group[rows].tolist()):
        yield np.flatnonzero(group == number).tolist()


def _repeat(
    entries: Sequence[Entry],
    inspected: Sequence[Inspected],
    both: tuple[int, int],
    n_persons: int,
) -> Repeat:
    row, its = (inspected[k].row for k in both)
    if n_persons > 1:
        names = " and ".join(f"'{name}'" for name in sorted([row.subject, its.subject]))
        found = f"hold the same signal, of persons {names}"
        reason = (
            f"holds the same signal as recording {its.recording} of person "
            f"'{its.subject}', and whose it is cannot be known: neither is kept"
        )
    else:
        found = f"hold the same signal, of person '{row.subject}'"
        reason = f"holds the same signal as recording {its.recording}, which is kept"
    where = " and ".join(entries[k].files[0] for k in sorted(both))
    expected = "a signal of its own for each recording"
    return Repeat(
        both[0], DataError(where, found, expected=expected, remedy=REMEDY), reason
    )
