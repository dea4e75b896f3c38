"""WFDB annotation files: symbols and notes at times."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import DataError
from pipeline.readers._opening import opening, present
from pipeline.readers.base import Marks

if TYPE_CHECKING:
    from wfdb import Annotation

COMMENT, SYMBOL = 22, '"'
"""Code and symbol of a comment."""
BEGIN, END = "## annotation type definitions", "## end of definitions"


@dataclass(frozen=True)
class Annotations:
    """What an annotation file holds, in the order of time.

    Parameters
    ----------
    onset_s : array, shape (annotation,)
        Seconds since the record's first frame, pauses included.
    symbols, notes : tuple of str
        One of each for every annotation; "" for no note.
    """

    onset_s: np.ndarray
    symbols: tuple[str, ...]
    notes: tuple[str, ...]

    def marks(self, kind: str) -> Marks:
        """Give the symbols (`annotation`), or the notes that there are (`note`)."""
        texts = np.array(self.symbols if kind == "annotation" else self.notes, object)
        there = np.array([bool(text) for text in texts], bool)
        onset = self.onset_s[there]
        return Marks(onset, np.zeros(len(onset)), tuple(texts[there]))


@dataclass(frozen=True)
class _Head:
    """What wfdb takes for definitions: comments at sample 0.

    Parameters
    ----------
    rate : float or None
        The annotations' own samples per second.
    notes : tuple of str
        Of comments that define nothing, which wfdb drops.
    """

    rate: float | None
    notes: tuple[str, ...]


def read_annotations(folder: Path, where: str, frame_rate: float) -> Annotations:
    """Read an annotation file.

    Parameters
    ----------
    folder : Path
    where : str
        The file.
    frame_rate : float
        Of the record, for files that do not state another.

    Raises
    ------
    DataError
        The file is missing, cut short or damaged.
    """
    import wfdb

    present(folder, [where])
    path, _, extension = str(folder / where).rpartition(".")
    with opening(folder, where):
        head = _head(where, path, extension)
        found = wfdb.rdann(
            path, extension, return_label_elements=["symbol", "label_store"]
        )
    sample = np.concatenate([np.zeros(len(head.notes), int), found.sample])
    order = np.argsort(sample, kind="stable")
    symbols = [SYMBOL] * len(head.notes) + _symbols(found)
    notes = [_decoded(text) for text in (*head.notes, *found.aux_note)]
    return Annotations(
        sample[order] / (head.rate or frame_rate),
        tuple(symbols[k] for k in order),
        tuple(notes[k] for k in order),
    )


def _head(where: str, path: str, extension: str) -> _Head:
    """Read the comments at sample 0, after a look at the file's end."""
    from wfdb.io.annotation import load_byte_pairs, proc_ann_bytes, rx_fs

    pairs = load_byte_pairs(path, extension, None)
    if pairs[-1].any():
        raise _damaged(where, "is cut short: no end mark")
    fields = proc_ann_bytes(pairs, 1)
    comments = [
        note
        for sample, code, note in zip(fields[0], fields[1], fields[-1], strict=True)
        if sample == 0 and code == COMMENT
    ]
    rates = [match[1] for note in comments if (match := rx_fs.match(note))]
    others = [n for n in comments if n.startswith("## ") and not rx_fs.match(n)]
    # On anything else wfdb would search for ever.
    if len(rates) > 1 or others not in ([], [BEGIN, END]):
        listed = ", ".join(f"'{note}'" for note in comments if note.startswith("##"))
        raise _damaged(where, f"definitions that cannot be read: {listed}")
    rate = float(rates[0]) if rates else None
    return _Head(rate, tuple(_without_definitions(comments)))


def _without_definitions(comments: list[str]) -> list[str]:
    if BEGIN in comments:
        begin, end = comments.index(BEGIN), comments.index(END)
        comments = comments[:begin] + comments[end + 1 :]
    return [note for note in comments if not note.startswith("## ")]


def _symbols(found: "Annotation") -> list[str]:
    """Give each annotation's symbol, or its code where the code has no symbol."""
    return [
        symbol if isinstance(symbol, str) else f"code {code}"
        for symbol, code in zip(found.symbol, found.label_store, strict=True)
    ]


def _decoded(note: str) -> str:
    """Strip a note; wfdb makes a character of each byte, and some are UTF-8."""
    text = note.strip(" \t\r\n\0")
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _damaged(where: str, found: str) -> DataError:
    return DataError(
        where,
        found,
        expected="a complete annotation file",
        remedy="fetch it again, or leave the recording out with on_bad_recording: skip",
    )
