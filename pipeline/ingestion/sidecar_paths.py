"""Which file is the sidecar of a recording."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from pipeline.errors import DataError
from pipeline.ingestion.found import Entry
from pipeline.ingestion.values import Value
from pipeline.patterns import normal

Ends = Mapping[str, Sequence[str]]
"""Paths of files by each of their ends that begins at a folder or the name."""


def by_end(names: Iterable[str]) -> Ends:
    """List paths by their ends: a data set may have 100,000 files and as many sidecars.

    Parameters
    ----------
    names : iterable of str
    """
    found: dict[str, list[str]] = {}
    for name in names:
        parts = normal(name).split("/")
        for start in range(len(parts)):
            found.setdefault("/".join(parts[start:]), []).append(name)
    return found


def fitting(value: Value, entry: Entry, ends: Ends) -> list[str]:
    """List the files that may be the sidecar of a recording; the one beside it counts.

    Parameters
    ----------
    value : Value
        Its `file` may hold fields, and `{stem}`: the main file's name without its end.
    entry : Entry
    ends : mapping of str to sequence of str
        All files, by their ends.

    Raises
    ------
    DataError
        The value's `file` holds a field that the pattern lacks.
    """
    asked = _asked(value, entry)
    found = list(ends.get(asked, ()))
    beside = str(PurePosixPath(entry.files[0]).parent / asked)
    return [name for name in found if name == beside] or found


def path_of(value: Value, entry: Entry, names: Iterable[str]) -> str:
    """Find the sidecar of a recording among files.

    Raises
    ------
    DataError
        There is no such file, or there are several.
    """
    found = fitting(value, entry, by_end(names))
    if len(found) != 1:
        raise DataError(
            _asked(value, entry),
            f"{len(found)} sidecars have this name" if found else "is not there",
            expected=f"one such file beside {entry.files[0]}",
            remedy="correct the value's `file` in params.yaml, or add the file",
        )
    return found[0]


def _asked(value: Value, entry: Entry) -> str:
    """Write the path that a value names for a recording."""
    stem = PurePosixPath(entry.files[0]).stem
    try:
        return normal(str(value.file).format(**entry.fields, stem=stem))
    except (KeyError, IndexError, ValueError) as error:
        raise DataError(
            "params.yaml: the value's file",
            f"'{value.file}' holds a field that the pattern lacks ({error})",
            expected=f"one of {', '.join([*entry.fields, 'stem'])}",
            remedy="correct it in params.yaml",
        ) from None
