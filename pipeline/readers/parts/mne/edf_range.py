"""The ranges that an EDF header declares, and samples outside the digital one.

The converter cannot give those: a file that holds some was changed after it was
written, or its header is that of another. A sample at an end is clipped, and inside.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, either, unchecked_if
from pipeline.readers.parts.mne.edf_header import FIELDS, EdfSignal, damaged, number

LARGEST_SHARE = 1e-3
"""The share of a channel's samples that may lie outside: so some mark gaps."""


@dataclass(frozen=True)
class Calibration:
    """From a signal's integers to its physical values.

    Parameters
    ----------
    gain, offset : float
        A negative gain is that of an amplifier that inverts.
    low, high : int
        The digital range: what the converter can give.
    """

    gain: float
    offset: float
    low: int
    high: int


def calibration(where: str, signal: EdfSignal, sample_bytes: int) -> Calibration:
    """Take a signal's calibration from its ranges.

    Raises
    ------
    DataError
        The physical or the digital range makes no sense.
    """
    names = list(FIELDS)[2:6]
    low, high, *digital = (
        number(where, f"{name} of '{signal.label}'", text.encode(), float)
        for name, text in zip(names, signal.ranges, strict=True)
    )
    half = 2 ** (8 * sample_bytes - 1)
    if low == high or not -half <= digital[0] < digital[1] < half:
        raise damaged(
            where,
            f"'{signal.label}' has the physical range {low:g} to {high:g} and the "
            f"digital range {digital[0]:.9g} to {digital[1]:.9g}",
            "two different ends each, the digital ones in ascending order within "
            f"{-half} to {half - 1}",
        )
    gain = (high - low) / (digital[1] - digital[0])
    return Calibration(
        gain, low - digital[0] * gain, math.ceil(digital[0]), math.floor(digital[1])
    )


class Outside:
    """Counts samples outside their range while they are read, each once.

    Parameters
    ----------
    where : str
        The file.
    names : sequence of str
        Of the signals.
    scales : sequence of Calibration
    n_samples : int
        Of each signal.
    unchecked : collection of str
        The reader's setting.
    """

    def __init__(
        self,
        where: str,
        names: Sequence[str],
        scales: Sequence[Calibration],
        n_samples: int,
        unchecked: Collection[Check],
    ) -> None:
        self._where = where
        self._names = names
        self._scales = scales
        self._n_samples = n_samples
        self._checked = "range" not in unchecked
        self._counts = [0] * len(names)
        self._next = [0] * len(names)

    def count(self, signal: int, start: int, digital: np.ndarray) -> None:
        """Look at samples of a signal, if they go on where those before ended.

        Raises
        ------
        DataError
            That was the last, and too many lay outside.
        """
        stop = start + digital.size
        if not start <= self._next[signal] < stop:
            return
        new, scale = digital[self._next[signal] - start :], self._scales[signal]
        # Most signals lie inside, which two quick passes show.
        if new.min() < scale.low or new.max() > scale.high:
            bad = (new < scale.low) | (new > scale.high)
            self._counts[signal] += int(np.count_nonzero(bad))
        self._next[signal] = stop
        if stop == self._n_samples and self._checked:
            self._judge(signal)

    def _judge(self, signal: int) -> None:
        count, scale = self._counts[signal], self._scales[signal]
        if count > LARGEST_SHARE * self._n_samples:
            raise DataError(
                self._where,
                f"{count} of {self._n_samples} samples of '{self._names[signal]}' lie "
                f"outside its digital range, {scale.low} to {scale.high}",
                expected=f"a share of {LARGEST_SHARE:g} at most: the samples or the "
                "header were changed",
                remedy=either(
                    REPLACE, LEAVE_OUT, unchecked_if("its samples are right", "range")
                ),
            )

    def remarks(self) -> tuple[str, ...]:
        """Report how many samples lay outside."""
        found = {
            name: count
            for name, count in zip(self._names, self._counts, strict=True)
            if count
        }
        if not found:
            return ()
        listed = ", ".join(f"{count} of {name}" for name, count in found.items())
        return (f"samples outside the digital range, kept: {listed}",)
