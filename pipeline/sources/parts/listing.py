"""The files of a public data set, by the first list of them that exists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TypeVar

from pipeline.errors import DataError
from pipeline.sources.base import MANIFEST
from pipeline.sources.parts.delivery import (
    Delivery,
    inside,
    read_checksums,
    read_records,
)
from pipeline.sources.parts.origins import Folder

List = TypeVar("List")


@dataclass(frozen=True)
class Lists:
    """The place of the names of a data set's files.

    Parameters
    ----------
    files : tuple of str
        The names themselves.
    records : str or None
        Name of a list of records at the origin.
    suffixes : tuple of str
        What each record's name is followed by.
    pinned : mapping of str to str
        SHA-256 by name.
    published : str or None
        Name of a list of SHA-256 at the origin.
    """

    files: tuple[str, ...]
    records: str | None
    suffixes: tuple[str, ...]
    pinned: Mapping[str, str]
    published: str | None


@dataclass(frozen=True)
class Listing:
    """The contents of the lists.

    Parameters
    ----------
    names : tuple of str
        The data set's files.
    known : mapping of str to str
        SHA-256 of those for which it is known.
    taken : tuple of str
        Lists that were fetched; they stay among the raw files.
    left_out : dict of str to str
        Why files of a mirror folder do not count.
    """

    names: tuple[str, ...]
    known: Mapping[str, str]
    taken: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)


def listing(lists: Lists, delivery: Delivery) -> Listing:
    """List a data set's files: those named, or of records, of checksums, of a mirror.

    A mirror may lack lists. The published checksums are fetched only if names are
    listed nowhere else or are not all pinned.

    Raises
    ------
    DataError
        There is no list of the files, the home lacks one, or one is damaged.
    """
    names, records = _named(lists, delivery)
    published = None
    if lists.published and not (names and lists.pinned.keys() >= set(names)):
        published = _take(lists.published, read_checksums, delivery)
    known = {**(published or {}), **lists.pinned}
    taken = (lists.records if records else None, lists.published if published else None)
    left_out: dict[str, str] = {}
    if not names:
        complete = published or (known and not lists.published)
        lying, left_out = ([], {}) if complete else _lying(delivery)
        names = [*known, *lying]
    if not names:
        raise _no_list(delivery)
    if MANIFEST in names:
        left_out[MANIFEST] = "has the name of a file that this stage writes"
    others = tuple(
        name for name in dict.fromkeys(names) if name not in (MANIFEST, *taken)
    )
    return Listing(others, known, tuple(filter(None, taken)), left_out)


def _named(lists: Lists, delivery: Delivery) -> tuple[list[str], bool]:
    """Name the files that settings or records name; whether records were read."""
    if lists.files or not lists.records:
        return list(lists.files), False
    records = _take(lists.records, read_records, delivery)
    each = product(records or (), lists.suffixes)
    where = delivery.origin.where(lists.records)
    named = [inside(record + suffix, where) for record, suffix in each]
    return named, records is not None


def _take(
    name: str, read: Callable[[Path, str], List], delivery: Delivery
) -> List | None:
    """Fetch and read a list; None if the mirror lacks it."""
    where = delivery.origin.where(name)
    if not delivery.take(name, lambda path: read(path, where)):
        return None
    return read(delivery.target / name, where)


def _lying(delivery: Delivery) -> tuple[list[str], dict[str, str]]:
    """List what lies in a mirror folder."""
    origin = delivery.origin
    return origin.listing() if isinstance(origin, Folder) else ([], {})


def _no_list(delivery: Delivery) -> DataError:
    return DataError(
        delivery.origin.where(""),
        "nothing lists the data set's files",
        expected="one of the source's files, records, checksums and published",
        remedy="write source.files, or name a list that the home has by source.records "
        "or source.published",
    )
