"""The lines of a text file, counted by their bytes: lines that are no rows, or odd.

Parsers fill short rows and cut long ones without a word, so fields are counted here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from pipeline.readers.parts.tables.head import Head, is_comment, note_text, split
from pipeline.readers.parts.tables.settings import TableSettings

PIECE = 1 << 18
"""Bytes that stay in a processor's cache."""

RETURN, NEWLINE, BLANK, QUOTE = map(ord, '\r\n "')


@dataclass(frozen=True)
class Lines:
    """The lines from the first row on, by their numbers in the file.

    Parameters
    ----------
    rows : array of int, shape (row,)
        Lines that are rows, odd ones too.
    odd : mapping of int to str
        Rows with more or fewer fields than there are names.
    short : int or None
        The last row, if it was cut short: it is none of the odd ones.
    apart : tuple of int
        Comments and empty lines.
    notes : tuple of str
        Texts of the comments.
    zero : int or None
        The first line with a byte of 0, at which parsers end a number.
    """

    rows: np.ndarray
    odd: dict[int, str]
    short: int | None
    apart: tuple[int, ...]
    notes: tuple[str, ...]
    zero: int | None = None


def all_even(
    stream: BinaryIO, head: Head, settings: TableSettings, n_rows: int
) -> bool:
    """Find whether rows that all have their last field have no further ones.

    It is so if the file has no more fields than they need, no comments and no bytes
    of 0. True is
    certain; after False, `survey` must look.
    """
    sign = (settings.comment or "").encode()
    total: int | np.integer = 0
    for piece in _pieces(stream, head):
        if b"\0" in piece:
            return False
        if sign and (piece.startswith(sign) or b"\n" + sign in piece):
            return False
        content = np.frombuffer(piece, np.uint8)
        if head.delimiter == " ":
            shown = content > BLANK
            total += np.count_nonzero(shown[1:] > shown[:-1]) + int(shown[0])
        else:
            total += np.count_nonzero(content == ord(head.delimiter))
    return total == n_rows * (len(head.names) - (head.delimiter != " "))


def survey(stream: BinaryIO, head: Head, settings: TableSettings) -> Lines:
    """Count the fields of every line."""
    odd: dict[int, str] = {}
    apart: list[int] = []
    notes: list[str] = []
    line, zero = head.line, None
    for piece in _pieces(stream, head):
        if zero is None and (at := piece.find(b"\0")) >= 0:
            zero = line + piece.count(b"\n", 0, at)
        ends, looked_at = _suspicious(piece, head, settings)
        for place in looked_at.tolist():
            content = piece[ends[place - 1] + 1 if place else 0 : ends[place]]
            text = content.decode(head.encoding, errors="replace")
            if is_comment(content, settings):
                notes.append(note_text(content, settings, head.encoding))
                apart.append(line + place)
            elif not text.strip(head.delimiter + " \t\r\n"):
                apart.append(line + place)
            elif not _is_even(split(text, head.delimiter), head):
                odd[line + place] = text
        line += len(ends)
    rows = np.setdiff1d(np.arange(head.line, line), apart, assume_unique=True)
    last = int(rows[-1]) if rows.size else head.line
    cut = last in odd and len(split(odd[last], head.delimiter)) < len(head.names)
    if cut:
        del odd[last]
        zero = None if zero == last else zero
    return Lines(rows, odd, last if cut else None, tuple(apart), tuple(notes), zero)


def _pieces(stream: BinaryIO, head: Head) -> Iterator[bytes]:
    """Read the rows, some lines at a time."""
    stream.seek(head.start)
    while piece := stream.read(PIECE):
        piece += stream.readline()
        yield piece if piece.endswith(b"\n") else piece + b"\n"


def _suspicious(
    piece: bytes, head: Head, settings: TableSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Give the ends of lines, and which lines may be no even rows."""
    content = np.frombuffer(piece, np.uint8)
    newline = content == NEWLINE
    ends = np.flatnonzero(newline)
    marks = np.flatnonzero(_beginnings(content, head.delimiter) | newline)
    fields = np.diff(np.flatnonzero(newline[marks]), prepend=-1)
    fields -= head.delimiter == " "
    suspicious = fields != len(head.names)
    returned = content[ends - 1] == RETURN
    if head.delimiter != " ":
        ended = content[ends - 1 - returned] == ord(head.delimiter)
        suspicious &= ~((fields == len(head.names) + 1) & ended)
    if settings.comment:
        starts = np.concatenate([[0], ends[:-1] + 1])
        suspicious |= content[starts] == settings.comment.encode()[0]
    # Lines as short as this hold nothing but delimiters, as spreadsheets write them.
    suspicious |= np.diff(ends, prepend=-1) - returned <= len(head.names) + 1
    return ends, np.flatnonzero(suspicious)


def _beginnings(content: np.ndarray, delimiter: str) -> np.ndarray:
    """Mark what parts fields: delimiters outside quotes, or starts after blanks."""
    if delimiter == " ":
        shown: np.ndarray = content > BLANK
        shown[1:] &= ~shown[:-1].copy()
        return shown
    delimiters: np.ndarray = content == ord(delimiter)
    quotes = content == QUOTE
    if quotes.any():
        delimiters &= np.cumsum(quotes) % 2 == 0
    return delimiters


def _is_even(fields: list[str], head: Head) -> bool:
    """Find whether fields fit the names, with nothing after a last delimiter."""
    return len(fields) - (fields[-1] == "") <= len(head.names) <= len(fields)
