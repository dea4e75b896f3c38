"""The recordings of a folder, before any of them is read: paths and formats."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from pipeline import components
from pipeline.errors import DataError
from pipeline.ingestion.found import DESCRIBING
from pipeline.members import Budget, is_archive, members
from pipeline.patterns import fit
from pipeline.readers.base import Reader
from pipeline.sources.parts.walk import walk

EXAMPLES = 3
"""Paths that a message shows."""
BESIDE = {"sourcedata", "derivatives"}
"""Folders of a BIDS tree with what its recordings were made of, or became."""


def readers() -> dict[str, str]:
    """Name the reader of each suffix; files that stand beside others come last."""
    classes = {name: _class(name) for name in components.available("readers")}
    found: dict[str, str] = {}
    for name in sorted(classes, key=lambda name: classes[name].beside):
        for suffix in classes[name].formats:
            found.setdefault(suffix, name)
    return found


def reader_of(suffix: str) -> type[Reader]:
    """Find the reader of a suffix that one declares."""
    return _class(readers()[suffix])


def format_of(suffix: str) -> str:
    """Name the format of a suffix that a reader declares."""
    return reader_of(suffix).formats[suffix]


def _class(name: str) -> type[Reader]:
    found = components.find("readers", name)
    assert issubclass(found, Reader)
    return found


@dataclass(frozen=True)
class Recordings:
    """The files of a folder, and those of them that are recordings.

    Parameters
    ----------
    folder : Path
    names : tuple of str
        All paths in it, with those in archives.
    mains : tuple of str
        Main files of recordings, of one format and one depth.
    others : tuple of str
        Files that may be recordings of that format and lie at another depth.
    """

    folder: Path
    names: tuple[str, ...]
    mains: tuple[str, ...]
    others: tuple[str, ...] = field(default=())

    @property
    def suffix(self) -> str:
        """The suffix of the main files, in lower case."""
        return PurePosixPath(self.mains[0]).suffix.lower()

    @property
    def reader(self) -> str:
        """Name the reader of the format."""
        return readers()[self.suffix]


def find(folder: Path, pattern: str = "") -> Recordings:
    """Find the recordings of a folder by their names.

    Parameters
    ----------
    folder : Path
    pattern : str
        Main files that the user names; "": all.

    Raises
    ------
    DataError
        There is no such folder, no recording in it, or several formats.
    """
    names = _names(folder)
    known = readers()
    mains = [name for name in names if _suffix(name) in known]
    mains = [n for n in mains if PurePosixPath(n).name not in DESCRIBING]
    if pattern:
        mains = [name for name in mains if not fit([pattern], name).problem]
    else:
        own = [n for n in mains if not BESIDE & set(n.split("/")[:-1])]
        mains = _of_one_kind(str(folder), _without_companions(own or mains))
    if not mains:
        raise _none(folder, names, pattern)
    depths = Counter(name.count("/") for name in mains)
    most = max(depths, key=lambda depth: (depths[depth], depth))
    if pattern:
        return Recordings(folder, tuple(names), tuple(mains))
    return Recordings(
        folder,
        tuple(names),
        tuple(name for name in mains if name.count("/") == most),
        tuple(name for name in mains if name.count("/") != most),
    )


def _names(folder: Path) -> list[str]:
    """List the paths of a folder, with those of archives in it."""
    if not folder.is_dir():
        raise DataError(
            str(folder),
            "this is a file" if folder.exists() else "there is no such folder",
            expected="a folder of recordings",
            remedy="correct the path, or mount the folder",
        )
    names: list[str] = []
    for name, _, _ in walk(folder)[0]:
        names += _members(folder, name) if is_archive(name) else [name]
    return sorted(names)


def _members(folder: Path, name: str) -> list[str]:
    path = folder / name
    found = members(path, name, Budget(name, path.stat().st_size))
    return [f"{name}/{member.path}" for member in found if not member.reason]


def _without_companions(names: Sequence[str]) -> list[str]:
    """Leave out signals of other main files, and tables beside them."""
    kinds = {suffix: reader_of(suffix) for suffix in set(map(_suffix, names))}
    held = {
        f"{name[: -len(suffix)]}{signals}"
        for name in names
        for suffix in [_suffix(name)]
        for signals in kinds[suffix].signals
    }
    kept = [name for name in names if name not in held]
    alone = [name for name in kept if not kinds[_suffix(name)].beside]
    return alone or kept


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _of_one_kind(where: str, names: Sequence[str]) -> list[str]:
    """Refuse several formats; of text files, the suffix with most files counts."""
    by_suffix = Counter(map(_suffix, names))
    kinds = {format_of(suffix) for suffix in by_suffix}
    text = all(reader_of(suffix).beside for suffix in by_suffix)
    if len(kinds) > 1 and not text:
        listed = ", ".join(f"{format_of(s)} ({n} files)" for s, n in by_suffix.items())
        first = next(iter(by_suffix))
        raise DataError(
            where,
            f"holds recordings of several formats: {listed}",
            expected="one format in a data set",
            remedy="propose an entry for each: --pattern names the files of one, such "
            f'as --pattern "{{subject}}{first}"',
        )
    most = max(by_suffix.values(), default=0)
    return [n for n in names if not text or by_suffix[_suffix(n)] == most]


def _none(folder: Path, names: Sequence[str], pattern: str) -> DataError:
    shown = ", ".join(names[:EXAMPLES]) + ", …" * (len(names) > EXAMPLES)
    return DataError(
        str(folder),
        f"none of {len(names)} files is a recording: {shown}"
        if names
        else "the folder is empty",
        expected=f"files that fit {pattern}"
        if pattern
        else "files that end in " + ", ".join(readers()),
        remedy="correct the path or --pattern; for raw binary files, write the entry "
        "by docs/data.md",
    )


@contextmanager
def readable(recordings: Recordings, mains: Sequence[str]) -> Iterator[Path]:
    """Yield a folder in which some recordings can be read, with what is beside them.

    It is the folder itself, or a temporary one where they lie in archives.

    Parameters
    ----------
    recordings : Recordings
    mains : sequence of str
    """
    archives = {n for n in map(_archive, mains) if n}
    if not archives:
        yield recordings.folder
        return
    beside = {name.rpartition(".")[0] for name in mains}
    with tempfile.TemporaryDirectory(prefix="biospike-") as made:
        for archive in archives:
            _extract(recordings.folder, archive, Path(made), beside)
        yield Path(made)


def _archive(name: str) -> str:
    """Name the archive that a path lies in; "" if none."""
    parts = name.split("/")
    ends = [k for k, part in enumerate(parts[:-1], 1) if is_archive(part)]
    return "/".join(parts[: ends[0]]) if ends else ""


def _extract(folder: Path, archive: str, made: Path, stems: set[str]) -> None:
    """Write the members that have one of the names, whatever their suffixes."""
    room = shutil.disk_usage(made).free
    budget = Budget(archive, (folder / archive).stat().st_size, room)
    for member in members(folder / archive, archive, budget):
        name = f"{archive}/{member.path}"
        if member.reason or name.rpartition(".")[0] not in stems:
            continue
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.writelines(member.pieces())
