"""Put verified files from an origin below a folder, keeping those already right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rich.progress import Progress

from pipeline.errors import DataError
from pipeline.files import file_digest
from pipeline.machine import refusal
from pipeline.members import BROKEN, Budget, is_archive, members
from pipeline.names import path_fault
from pipeline.sources.parts.origins import Origin
from pipeline.sources.parts.tidy import remove_links_to
from pipeline.sources.parts.web import BY_HAND, Check

# As sha256sum writes it, and as PhysioNet does, with one space.
CHECKSUM_LINE = re.compile(r"([0-9a-f]{64}) [ *]?(.+)")

PAGE = re.compile(
    rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype html|<html[\s>])",
    re.DOTALL,
)
"""The beginning of a web page, in lower case."""
CUT_DOWN = (
    "; where a mirror's archives are cut down on purpose, set BIOSPIKE_MIRROR_PARTIAL=1"
)


def accept(path: Path) -> None:
    """Ask nothing of a file beyond its checksum."""


@dataclass(frozen=True)
class Delivery:
    """A way from an origin to a raw folder.

    Parameters
    ----------
    origin : Folder or Web
        Where files are taken from.
    from_mirror : bool
        Whether that is a mirror, which may lack files.
    target : Path
        The raw folder.
    bar : Progress
        Shows what is going on.
    known : dict of str to str
        SHA-256 of the files for which it is known.
    """

    origin: Origin
    from_mirror: bool
    target: Path
    bar: Progress
    known: Mapping[str, str] = field(default_factory=dict)

    def take(self, name: str, check: Check = accept) -> bool:
        """Have a file in the target; False if the mirror lacks it.

        Parameters
        ----------
        name : str
            Path of the file, the same at the origin and in the target.
        check : callable
            Raises `DataError` for a file whose content cannot be right.

        Raises
        ------
        DataError
            The home lacks it, it cannot be had now, or it is not the right one.
        """
        expected = self.known.get(name) or self.origin.digest(name)

        def verify(path: Path) -> None:
            """Refuse a file that is not the one expected."""
            _refuse_page(name, path, self.origin.where(name))
            self._check_digest(name, path, expected)
            check(path)

        if fault := path_fault(name):
            raise _outside(name, self.origin.where(""), fault)
        remove_links_to(self.target, name)
        path = self.target / name
        return _passes(path, verify) or self._bring(name, path, verify)

    def _bring(self, name: str, path: Path, verify: Check) -> bool:
        try:
            self.origin.take(name, path, verify, self.bar)
        except FileNotFoundError as error:
            if self.from_mirror:
                return False
            raise DataError(
                self.origin.where(name),
                "there is no such file",
                expected="a file of the data set",
                remedy="look where the data set moved to, and correct its source.home",
            ) from error
        except OSError as error:
            if refused := refusal(error, path):
                raise refused from error
            raise DataError(
                self.origin.where(name),
                f"could not be read ({error})",
                expected="a connection that lasts, or a disk that can be read",
                remedy="run `dvc repro` again (finished files are kept), or set "
                "BIOSPIKE_MIRROR to a folder or URL that holds the files",
            ) from error
        return True

    def _check_digest(self, name: str, path: Path, expected: str | None) -> None:
        if expected is None or (found := file_digest(path)) == expected:
            return
        raise DataError(
            self.origin.where(name),
            f"its SHA-256 is {found}",
            expected=expected,
            remedy="replace this file by the data set's own"
            + (CUT_DOWN if is_archive(name) else ""),
        )


def _refuse_page(name: str, path: Path, where: str) -> None:
    """Refuse a page, such as one to log in, in place of a file."""
    if name.lower().endswith((".html", ".htm")):
        return
    with path.open("rb") as file:
        begin = file.read(2**12)
    if PAGE.match(begin.lower()):
        raise DataError(
            where,
            "a web page came in place of the file, perhaps to log in",
            expected="the data set's own file",
            remedy=f"correct source.home; or {BY_HAND}",
        )


def read_checksums(path: Path, where: str) -> dict[str, str]:
    """Read a list of SHA-256 digests as `sha256sum` writes it.

    Raises
    ------
    DataError
        It is not such a list.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    matches = [CHECKSUM_LINE.fullmatch(line) for line in lines if line]
    if not matches or None in matches:
        raise DataError(
            where,
            "this is no list of checksums",
            expected="a SHA-256 and a file's path on each line, as sha256sum writes",
            remedy="correct source.checksums or source.published",
        )
    return {inside(match[2], where): match[1] for match in matches if match}


def read_records(path: Path, where: str) -> list[str]:
    """Read a list of records, one on each line, as PhysioNet's `RECORDS`.

    Raises
    ------
    DataError
        It is not such a list.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    records = [line.strip() for line in lines if line.strip()]
    if not records or any(set("<>{}") & set(record) for record in records):
        raise DataError(
            where,
            "this is no list of records",
            expected="a record's name on each line",
            remedy="correct source.records",
        )
    return [inside(record, where) for record in records]


def inside(name: str, where: str) -> str:
    """Write a listed path without `./`, and refuse one that leaves the data set.

    Raises
    ------
    DataError
        The path is absolute, or holds `..`, here or on Windows.
    """
    if fault := path_fault(name):
        raise _outside(name, where, fault)
    return PurePosixPath(name).as_posix()


def _outside(name: str, where: str, fault: str) -> DataError:
    return DataError(
        where,
        f"lists {name!r}, which {fault}",
        expected="paths below the data set's folder",
        remedy="do not use this list: it is damaged, or not the data set's own",
    )


def check_zip(path: Path, where: str) -> None:
    """Refuse a zip that is cut short, or of which a member fails its own checksum.

    Raises
    ------
    DataError
        So it is, or too much comes of it.
    """
    try:
        for member in members(path, where, Budget(where, path.stat().st_size)):
            for _ in member.pieces():
                pass
    except BROKEN as error:
        raise DataError(
            where,
            f"cannot be unpacked ({error})",
            expected="a complete zip without a password",
            remedy="replace this file by the data set's own",
        ) from error


def _passes(path: Path, verify: Check) -> bool:
    """Whether a file is there and right; a link belongs to another source."""
    if path.is_symlink() or not path.is_file():
        return False
    try:
        verify(path)
    except DataError:
        return False
    return True
