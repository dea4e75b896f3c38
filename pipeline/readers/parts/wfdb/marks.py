"""WFDB annotation files: symbols and notes at times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Marks, either, unchecked_if
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.wfdb.pairs import read_pairs

NO_ANNOTATION, COMMENT = 0, 22
"""Codes of what is none, and of a comment."""
BEGIN, END = "## annotation type definitions", "## end of definitions"


@dataclass(frozen=True)
class Annotations:
    """The content of an annotation file, in the order of time.

    Parameters
    ----------
    onset_s : array, shape (annotation,)
        Seconds since the record's first frame, pauses included.
    symbols, notes : tuple of str
        One of each for every annotation; "" for no note.
    remarks : tuple of str
    """

    onset_s: np.ndarray
    symbols: tuple[str, ...]
    notes: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def marks(self, kind: str) -> Marks:
        """Give the symbols (`annotation`), or the notes that there are (`note`)."""
        texts = np.array(self.symbols if kind == "annotation" else self.notes, object)
        there = np.array([bool(text) for text in texts], bool)
        onset = self.onset_s[there]
        return Marks(onset, np.full(len(onset), np.nan), tuple(texts[there]))


@dataclass(frozen=True)
class _Definitions:
    """The definitions in comments at sample 0.

    Parameters
    ----------
    places : tuple of int
        Of these comments, which are no annotations.
    rates : set of float
        Samples per second of the annotations.
    symbols : mapping of int to str
        Of codes.
    """

    places: tuple[int, ...]
    rates: set[float]
    symbols: Mapping[int, str]


def read_annotations(
    folder: Path, where: str, frame_rate: float, *, check_end: bool = True
) -> Annotations:
    """Read an annotation file.

    Parameters
    ----------
    folder : Path
    where : str
        The file.
    frame_rate : float
        Of the record, for files that do not state another.
    check_end : bool
        See `read_pairs`.

    Raises
    ------
    DataError
        The file is missing, cut short or damaged.
    """
    from wfdb.io.annotation import proc_ann_bytes

    present(folder, [where])
    pairs = read_pairs(folder / where, where, check_end=check_end)
    with opening(folder, where):
        fields = proc_ann_bytes(pairs.content, None)
    sample, codes = (np.array(field, np.int64) for field in fields[:2])
    if check_end:
        _refuse_disorder(where, sample)
    notes = [_decoded(text) for text in fields[-1]]
    defined_here = _definitions(
        notes, np.flatnonzero((sample == 0) & (codes == COMMENT)).tolist()
    )
    if len(defined_here.rates) > 1 or 0 in defined_here.rates:
        listed = ", ".join(f"{rate:g}" for rate in sorted(defined_here.rates))
        raise _damaged(where, f"states a time resolution of {listed} Hz")
    annotated = codes != NO_ANNOTATION
    annotated[list(defined_here.places)] = False
    order = np.flatnonzero(annotated)
    order = order[np.argsort(sample[order], kind="stable")]
    symbols = _symbols() | dict(defined_here.symbols)
    return Annotations(
        sample[order] / next(iter(defined_here.rates), frame_rate),
        tuple(symbols.get(code, f"code {code}") for code in codes[order].tolist()),
        tuple(notes[k] for k in order.tolist()),
        pairs.remarks,
    )


def _refuse_disorder(where: str, sample: np.ndarray) -> None:
    """Refuse annotations before the first sample, or before the one before them."""
    back = np.flatnonzero(np.diff(sample, prepend=0) < 0)
    if back.size:
        raise DataError(
            where,
            f"annotation {back[0] + 1} goes back in time, to sample {sample[back[0]]}",
            expected="annotations in the order of time",
            remedy=either(
                REPLACE, LEAVE_OUT, unchecked_if("the times are right", "end")
            ),
        )


def _definitions(notes: Sequence[str], comments: Sequence[int]) -> _Definitions:
    """Find the rate and the definitions among the comments at sample 0.

    What looks like either and cannot be read stays a note: wfdb would search for ever.
    """
    from wfdb.io.annotation import rx_custom_label, rx_fs

    places, rates, symbols, inside = [], set(), {}, False
    for k in comments:
        defined = rx_custom_label.fullmatch(notes[k]) if inside else None
        if rate := rx_fs.match(notes[k]):
            rates.add(float(rate["fs"]))
        elif notes[k] in (BEGIN, END):
            inside = notes[k] == BEGIN
        elif defined:
            symbols[int(defined["label_store"])] = str(defined["symbol"])
        else:
            continue
        places.append(k)
    return _Definitions(tuple(places), rates, symbols)


@cache
def _symbols() -> dict[int, str]:
    from wfdb.io.annotation import ann_label_table

    codes = ann_label_table["label_store"].tolist()
    return dict(zip(codes, ann_label_table["symbol"], strict=True))


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
        remedy=either(REPLACE, LEAVE_OUT),
    )
