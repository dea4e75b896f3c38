"""Selection of a data set's files: `only` and `except`, and names that clash."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.errors import DataError
from pipeline.listed import listed
from pipeline.members import is_archive
from pipeline.patterns import normal, unwanted
from pipeline.sources.base import Source


@dataclass(frozen=True)
class Choice:
    """The files that a source takes.

    Parameters
    ----------
    wanted : tuple of str
        Paths, in their order.
    left_out : dict of str to str
        Why other files are not taken, by path.
    absent : dict of str to str
        Entries of `only` that fit no file.
    """

    wanted: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def choose(names: Collection[str], source: Source, where: str) -> Choice:
    """Apply `only` and `except` to names of files.

    An archive that no entry of `only` fits is taken if such an entry fits no file
    either: it may fit members of the archive.

    Parameters
    ----------
    names : collection of str
    source : Source
        Whose settings count.
    where : str
        Where the files are, for messages.

    Raises
    ------
    DataError
        No file is left; a name is not in UTF-8; two names differ in case or in Unicode
        form only.
    """
    only, excluded = listed(source.only), listed(source.excluded)
    unused = tuple(glob for glob in only if not _fits_one(names, glob))
    archives = any(map(is_archive, names))
    reasons = {name: _reason(name, only, excluded, unused) for name in names}
    left_out = {shown(name): reason for name, reason in reasons.items() if reason}
    wanted = tuple(name for name, reason in reasons.items() if not reason)
    if not wanted:
        raise _nothing(where, left_out)
    _refuse_undecodable(wanted, where)
    _refuse_alike(wanted, where)
    absent = {} if archives else dict.fromkeys(unused, "is in `only`, and fits no file")
    return Choice(wanted, left_out, absent)


def shown(name: str) -> str:
    """Write a name that may not be in UTF-8 as text."""
    return name.encode("utf-8", "backslashreplace").decode()


def _fits_one(names: Collection[str], glob: str) -> bool:
    return any(not unwanted(name, (glob,), ()) for name in names)


def _reason(
    name: str, only: Sequence[str], excluded: Sequence[str], unused: Sequence[str]
) -> str:
    return unwanted(name, () if unused and is_archive(name) else only, excluded)


def _nothing(where: str, left_out: dict[str, str]) -> DataError:
    if not left_out:
        return DataError(
            where,
            "there are no files",
            expected="recordings",
            remedy="correct the data set's source in params.yaml, or put the files "
            "there",
        )
    name, reason = next(iter(left_out.items()))
    return DataError(
        where,
        f"all {len(left_out)} files are left out, such as {name}, which {reason}",
        expected="at least one file",
        remedy="correct the source's only and except in params.yaml",
    )


def _refuse_undecodable(names: Collection[str], where: str) -> None:
    if broken := next((name for name in names if shown(name) != name), None):
        raise DataError(
            where,
            f"the name '{shown(broken)}' is not in UTF-8",
            expected="names in UTF-8",
            remedy="rename it, or leave it out by the source's except",
        )


def _refuse_alike(names: Collection[str], where: str) -> None:
    """Refuse names that some file systems, or readers of names, take for one."""
    by_form: dict[str, str] = {}
    for name in names:
        for part in _upwards(name):
            other = by_form.setdefault(normal(normal(part).casefold()), part)
            if other != part:
                raise DataError(
                    where,
                    f"'{other}' and '{part}' ({other!a} and {part!a}) differ only in "
                    "upper and lower case or in Unicode form",
                    expected="names that stay apart on every file system",
                    remedy="rename one of them",
                )


def _upwards(path: str) -> Iterator[str]:
    """Yield a path and the folders above it."""
    while path:
        yield path
        path = path.rpartition("/")[0]
