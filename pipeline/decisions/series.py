"""Values over time, as traces of decisions hold them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Series:
    """Some rows of values at equal distances in time.

    Parameters
    ----------
    values : array, shape (row, time)
    rows : tuple of str
        A name a row.
    start_s : float
        Time of the first column on the recording's clock, seconds.
    dt : float
        Seconds from one column to the next.
    unit : str
        Of the values; "" if they have none.
    """

    values: np.ndarray
    rows: tuple[str, ...]
    start_s: float
    dt: float
    unit: str = ""

    @property
    def time_s(self) -> np.ndarray:
        """Time of each column on the recording's clock, seconds."""
        return self.start_s + self.dt * np.arange(self.values.shape[1])
