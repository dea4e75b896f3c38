"""The places of a recording that hold texts."""

from collections.abc import Collection
from dataclasses import dataclass, field

from pipeline.components import did_you_mean
from pipeline.errors import DataError
from pipeline.readers.base import Marks, Origin
from pipeline.readers.parts.mne.bids_tables import Events
from pipeline.readers.parts.mne.opened import Opened


@dataclass
class Found:
    """The content of the places, and the parts that had to be left out."""

    marks: dict[Origin, Marks] = field(default_factory=dict)
    texts: dict[Origin, tuple[str, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def look_up(
    where: str,
    origins: Collection[Origin],
    opened: Opened,
    events: Events | None,
    *,
    from_events: bool,
) -> Found:
    """Look up what is asked for.

    Parameters
    ----------
    where : str
        The file.
    origins : collection of Origin
        Kinds annotation and note (either means all annotations), column (of the
        events) and header.
    opened : Opened
    events : Events or None
        Those of a BIDS tree.
    from_events : bool
        The events are the annotations, if there are any.

    Raises
    ------
    DataError
        There is no such place.
    """
    found = Found()
    for kind, key in dict.fromkeys(origins):
        if kind == "header":
            found.texts[kind, key] = (_of_header(where, opened, key),)
        elif kind == "column" and events is None:
            raise DataError(
                where,
                f"no events.tsv belongs to it, in which a column '{key}' could stand",
                expected="a BIDS tree with events",
                remedy="correct value.from in params.yaml",
            )
        elif events is not None and (kind == "column" or from_events):
            column = key if kind == "column" else None
            found.marks[kind, key], remarks = events.marks(column)
            found.remarks += remarks
        else:
            found.marks[kind, key] = opened.marks
    return found


def _of_header(where: str, opened: Opened, key: str) -> str:
    if key in opened.identity:
        return opened.identity[key]
    have = list(opened.identity)
    raise DataError(
        where,
        f"its header has no '{key}'" + ("" if have else ", nor anything like it"),
        expected=did_you_mean(key, have) if have else "",
        remedy="correct the key of the value in params.yaml",
    )
