"""Samples compared with their header: checksums and first values.

A 0 counts as not stated: writers that compute neither leave it in both fields, and of
the signals whose samples were added up one in 65,536 has it by chance (WFDB's
header(5) has no other sign for it).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, either, unchecked_if
from pipeline.readers.parts.wfdb.header import HeaderSignal
from pipeline.readers.parts.wfdb.record import beside

if TYPE_CHECKING:
    from wfdb import Record

BIG_ENDIAN = "61"
"""Format whose integers wfdb does not give, nor those of signals read beside it."""


class Tally:
    """Adds up a header's signals while they are read, and compares at their end.

    Only what is read in order counts, so a look at a part in between is free.

    Parameters
    ----------
    header : str
        The header's path.
    signals : sequence of HeaderSignal
        Those that are read, in their order.
    length : int
        Frames of all their samples.
    """

    def __init__(
        self, header: str, signals: Sequence[HeaderSignal], length: int
    ) -> None:
        self._header = header
        formats = {signal.fmt for signal in signals}
        self._signals = [
            replace(signal, first=None, checksum=None)
            if BIG_ENDIAN in formats - {signal.fmt}
            else signal
            for signal in signals
        ]
        self._length = length
        self._sums = [0] * len(signals)
        self._next = 0

    def add(self, first: int, digital: Sequence[np.ndarray]) -> None:
        """Count frames from the first on.

        Parameters
        ----------
        first : int
        digital : sequence of array, shape (sample,)
            Of each signal, as they stand in the file, skew and all.

        Raises
        ------
        DataError
            The samples are not those that the header describes.
        """
        stop = first + len(digital[0]) // self._signals[0].per_frame
        if not first <= self._next < stop:
            return
        if self._next == 0:
            self._compare("first sample", [int(each[0]) for each in digital])
        for k, (signal, each) in enumerate(zip(self._signals, digital, strict=True)):
            new = each[(self._next - first) * signal.per_frame :]
            self._sums[k] += int(
                new.sum(dtype=np.int64 if new.dtype.kind == "i" else None)
            )
        self._next = stop
        if stop >= self._length:
            self._compare("checksum", [_signed(total) for total in self._sums])

    def _compare(self, what: str, found: Sequence[int]) -> None:
        stated = [
            s.first if what == "first sample" else s.checksum for s in self._signals
        ]
        wrong = [
            k for k, value in enumerate(stated) if value and (value - found[k]) % 2**16
        ]
        if not wrong:
            return
        names = ", ".join(self._signals[k].name for k in wrong)
        raise DataError(
            beside(self._header, self._signals[wrong[0]].file),
            f"the {what} of {names} is " + ", ".join(str(found[k]) for k in wrong),
            expected=", ".join(str(stated[k]) for k in wrong)
            + f", as {PurePosixPath(self._header).name} states",
            remedy=either(
                REPLACE, LEAVE_OUT, unchecked_if("the samples are right", "checksum")
            ),
        )


def big_endian_digits(record: "Record") -> list[np.ndarray]:
    """Give the integers of format 61, in which the lowest one is no sample."""
    return [
        np.nan_to_num(np.rint(samples * gain + baseline), nan=-(2.0**15)).astype(int)
        for samples, gain, baseline in zip(
            record.e_p_signal, record.adc_gain, record.baseline, strict=True
        )
    ]


def _signed(total: int) -> int:
    """Give a sum's lowest 16 bits as a signed number, as headers write it."""
    return (total + 2**15) % 2**16 - 2**15
