"""The beginning of a text file: its notes, its header, and its delimiter."""

import bz2
import csv
import gzip
import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, either
from pipeline.readers.parts.blocks import canonical
from pipeline.readers.parts.tables.settings import TableSettings

PACKED: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open}
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
DELIMITERS = ("\t", ";", "|", ",", " ")
"""In the order in which they are tried: a comma may be the decimal sign."""


@dataclass(frozen=True)
class Head:
    """The lines before the rows.

    Parameters
    ----------
    names, units : tuple of str
        Of the columns; a unit is "" where it is not given.
    notes : tuple of str
        Lines that were skipped or are comments, without their sign.
    delimiter, encoding : str
    start : int
        Place of the first row, bytes.
    line : int
        Its number in the file.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    notes: tuple[str, ...]
    delimiter: str
    encoding: str
    start: int
    line: int


class Line(NamedTuple):
    """A line of a file: its number, its place in bytes, and its bytes."""

    number: int
    start: int
    content: bytes


def open_text(path: Path, encoding: str | None) -> tuple[BinaryIO, str | None]:
    """Open a text file for its bytes, unpacked; UTF-16 becomes UTF-8.

    Returns
    -------
    stream : binary file
    encoding : str or None
        As stated or marked at the file's start; None if neither.
    """
    stream = cast(BinaryIO, PACKED.get(path.suffix, open)(path, "rb"))
    if path.suffix in PACKED:
        with stream:
            stream = BytesIO(stream.read())
    begin = stream.read(3)
    if begin == UTF8_MARK:
        return stream, "utf-8"
    stream.seek(0)
    wide = (encoding or "").lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    if wide or begin.startswith(UTF16_MARKS):
        with stream:
            text = stream.read().decode(encoding or "utf-16")
        return BytesIO(text.encode()), "utf-8"
    return stream, encoding


def no_text(where: str, error: UnicodeDecodeError) -> DataError:
    """Write what is wrong with bytes that are no text in the encoding.

    Parameters
    ----------
    where : str
        The file.
    error : UnicodeDecodeError
    """
    if b"\0" in error.object and not error.object.startswith(UTF16_MARKS):
        return DataError(
            where,
            "is no text: it holds bytes of the value 0",
            expected="a table as text (.xlsx and .ods are none)",
            remedy=either("export it as CSV", LEAVE_OUT),
        )
    found = error.object[error.start]
    return DataError(
        where,
        f"byte 0x{found:02x} is no sign in the encoding {error.encoding}",
        expected="text in UTF-8 or Windows-1252, or in the reader's encoding",
        remedy="set the reader's encoding in params.yaml",
    )


def read_head(
    where: str, stream: BinaryIO, settings: TableSettings, encoding: str | None
) -> Head:
    """Read a text file up to its first row.

    Raises
    ------
    DataError
        It has no row, numbers where the header should be, or is no text.
    """
    notes, lines = _lines(where, stream, settings)
    encoding = encoding or _encoding(b"".join([*notes, *(e.content for e in lines)]))
    try:
        texts = [line.content.decode(encoding) for line in lines]
    except UnicodeDecodeError as error:
        raise no_text(where, error) from error
    delimiter = settings.delimiter or _delimiter(texts[0], texts[-1])
    place = int(settings.header) + int(settings.unit_row)
    names = _named(where, settings, split(texts[0], delimiter))
    units = split(texts[1], delimiter) if settings.unit_row else []
    return Head(
        names=names,
        units=tuple(unit.strip("[]() ") for unit in [*units, *names][: len(units)])
        + ("",) * (len(names) - len(units)),
        notes=tuple(note_text(note, settings, encoding) for note in notes),
        delimiter=delimiter,
        encoding=encoding,
        start=lines[place].start,
        line=lines[place].number,
    )


def _lines(
    where: str, stream: BinaryIO, settings: TableSettings
) -> tuple[list[bytes], list[Line]]:
    """Read the notes, the lines before the first row, the first row and one more."""
    notes = [stream.readline() for _ in range(settings.skip)]
    lines: list[Line] = []
    number, needed = settings.skip, settings.header + settings.unit_row + 1
    while len(lines) <= needed and (content := stream.readline()):
        number += 1
        if is_comment(content, settings):
            notes.append(content) if len(lines) < needed else None
        elif content.strip():
            lines.append(Line(number, stream.tell() - len(content), content))
    if len(lines) < needed:
        raise DataError(
            where,
            "holds no row",
            expected="a header and rows" if settings.header else "rows",
            remedy="leave the recording out, or correct the reader's skip, comment or "
            "header",
        )
    return notes, lines


def is_comment(line: bytes, settings: TableSettings) -> bool:
    """Find whether a line starts with the sign of comments."""
    return bool(settings.comment) and line.startswith((settings.comment or "").encode())


def note_text(line: bytes, settings: TableSettings, encoding: str) -> str:
    """Give a note without the sign of comments."""
    text = line.decode(encoding, errors="replace")
    return text.removeprefix(settings.comment or "").strip()


def split(line: str, delimiter: str) -> list[str]:
    """Split a line into fields."""
    if delimiter == " ":
        return line.split()
    (fields,) = csv.reader([line.strip("\r\n")], delimiter=delimiter)
    return [field.strip() for field in fields]


def _encoding(head: bytes) -> str:
    try:
        head.decode()
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(first: str, last: str) -> str:
    """Find what splits the first line and a row into equally many fields."""

    def count(line: str, delimiter: str) -> int:
        """Count the fields of a line, but for an empty last one."""
        fields = split(line, delimiter)
        return len(fields) - (fields[-1:] == [""])

    counts = {d: (count(first, d), count(last, d)) for d in DELIMITERS}
    equal = [d for d, (one, other) in counts.items() if one == other > 1]
    several = [d for d, (_, other) in counts.items() if other > 1]
    return [*equal, *several, "\t"][0]


def _named(where: str, settings: TableSettings, first: list[str]) -> tuple[str, ...]:
    """Name the columns: by the header, by the settings, or 0, 1, ..."""
    if len(first) > 1 and not first[-1]:
        first = first[:-1]
    if not settings.header:
        return settings.columns or tuple(str(k) for k in range(len(first)))
    if all(_is_number(name) for name in first):
        raise DataError(
            where,
            f"the header is {', '.join(first[:4])}",
            expected="names of columns",
            remedy="set the reader's `header: false`, or correct skip",
        )
    return tuple(name or str(place) for place, name in enumerate(first))


def _is_number(text: str) -> bool:
    """Whether a text is a number; Python also takes `1_2`, the name of an electrode."""
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return "_" not in text


def texts_after(
    where: str, notes: tuple[str, ...], key: str, delimiter: str
) -> tuple[str, ...]:
    """Give what stands after `key:` or `key=` in notes; all notes for no key.

    Raises
    ------
    DataError
        No note has the key.
    """
    # Spreadsheets write the delimiters of empty fields after a note.
    plain = [note.strip(delimiter + ' "') for note in notes]
    pairs = [re.match(r"([^:=]*?)\s*[:=]\s*(.*)", note, re.S) for note in plain]
    texts = [found[2] for found in pairs if found and found[1] == key] if key else plain
    if texts:
        return tuple(canonical(text.strip(delimiter + ' "')) for text in texts)
    keys = ", ".join(dict.fromkeys(found[1] for found in pairs if found)) or "none"
    raise DataError(
        where,
        f"no comment or skipped line has '{key}:'; keys there: {keys}",
        expected="a line such as key: text",
        remedy="correct the key in params.yaml, or the reader's comment or skip",
    )
