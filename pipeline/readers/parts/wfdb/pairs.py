"""The pairs of bytes that a WFDB annotation file is made of (WFDB's annot(5))."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, either, unchecked_if

SKIP, NOTE, FIRST_EXTRA = 59, 63, 60
"""Codes of a long interval, of a text, and the first of those that follow a mark."""
LONG_PAIRS = 3


@dataclass(frozen=True)
class Pairs:
    """An annotation file.

    Parameters
    ----------
    content : array of uint8, shape (pair, 2)
        Up to and with the end mark, which is added where it lacks.
    remarks : tuple of str
    """

    content: np.ndarray
    remarks: tuple[str, ...] = ()


def read_pairs(path: Path, where: str, *, check_end: bool) -> Pairs:
    """Read an annotation file and find its end mark.

    Parameters
    ----------
    path : Path
    where : str
        The file.
    check_end : bool
        Whether to refuse a file whose end mark lacks, or does not stand at its end;
        else its complete annotations are taken up to there.

    Raises
    ------
    DataError
        The end mark lacks, or bytes stand behind it; or a text, a channel or a number
        follows no annotation.
    """
    raw = np.fromfile(path, np.uint8)
    pairs = raw[: raw.size // 2 * 2].reshape(-1, 2)
    complete, ended, stray = _complete(pairs)
    if stray:
        raise DataError(
            where,
            f"a text, a channel or a number without an annotation, at byte {2 * stray}",
            expected="one of each, right after its annotation",
            remedy=either(REPLACE, LEAVE_OUT),
        )
    if ended and 2 * (complete + 1) == raw.size:
        return Pairs(pairs)
    behind = raw.size - 2 * (complete + ended)
    found = (
        f"{behind} bytes stand behind the end mark, at byte {2 * complete}"
        if ended
        else f"is cut short after {raw.size} bytes: no end mark"
    )
    if check_end:
        raise DataError(
            where,
            found,
            expected="two bytes of 0 at the end of the file, and only there",
            remedy=either(
                REPLACE,
                LEAVE_OUT,
                unchecked_if("the marks that are there are all", "end"),
            ),
        )
    end = np.zeros((1, 2), np.uint8)
    return Pairs(np.concatenate([pairs[:complete], end]), (f"annotations: {found}",))


def _complete(pairs: np.ndarray) -> tuple[int, bool, int]:
    """Count the pairs of complete annotations, and report whether an end mark follows.

    The third is the place of what should follow an annotation and does not, or 0.
    """
    codes = (pairs[:, 1] >> 2).tolist()
    is_zero = (pairs.max(axis=1, initial=0) == 0).tolist()
    lengths = pairs[:, 0].tolist()
    n_pairs, begin, at = len(codes), 0, 0
    while at < n_pairs:
        if codes[at] == SKIP:
            at += LONG_PAIRS
            continue
        if at == begin and is_zero[at]:
            return begin, True, 0
        if codes[at] >= FIRST_EXTRA:
            return begin, False, at
        at, seen = at + 1, 0
        while at < n_pairs and codes[at] >= FIRST_EXTRA:
            if seen & 1 << codes[at]:
                return begin, False, at
            seen |= 1 << codes[at]
            at += 1 + ((lengths[at] + 1) // 2 if codes[at] == NOTE else 0)
        if at <= n_pairs:
            begin = at
    return begin, False, 0
