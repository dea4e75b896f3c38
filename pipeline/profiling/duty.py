"""The average power of a device, and the life of its battery.

A wearable encodes continuously and decides now and then: at each beat, or at the rate
at which windows follow each other.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from pipeline.errors import DataError

DAY_S = 24 * 3600


@dataclass(frozen=True)
class Battery:
    """A cell as its maker describes it: capacity in ampere-hours, nominal volts."""

    name: str
    capacity_ah: float
    voltage_v: float
    source: str

    @property
    def energy_j(self) -> float:
        """Capacity × voltage, joules."""
        return self.capacity_ah * 3600 * self.voltage_v


CR2032 = Battery(
    "CR2032",
    capacity_ah=0.225,
    voltage_v=3.0,
    source="the type as IEC 60086 names it: typically 225 mAh at a nominal 3 V",
)

ASSUMPTIONS = (
    "average power = what is always on + energy of a decision × decisions a second: "
    "the encoder is always on, and in a network that runs on its layers; in one that "
    "restarts a decision passes a window",
    "the estimate takes the encoder's own operations alone; the emulated program's "
    "front end filters, resamples and scales too",
    "analog front end, converter, radio, regulator losses and sleep current are not "
    "included: for the complete device, add them",
    "all of the battery's nominal capacity can be used; it does not age",
)
"""The assumptions of average power and battery life."""


def windows_per_second(windows: pd.DataFrame) -> float:
    """Find the rate of decisions of a data set, by its own rhythm.

    One over the median time from a window to the next of its recording: beats a second
    in an ECG, one over the step of sliding windows. Windows that were not used count,
    for a device does not know them.

    Parameters
    ----------
    windows : DataFrame
        With columns recording and onset_s.

    Raises
    ------
    DataError
        No recording has two windows.
    """
    onsets = windows.sort_values(["recording", "onset_s"])
    gaps = onsets.groupby("recording")["onset_s"].diff()
    gaps = gaps[gaps > 0]
    if gaps.empty:
        raise DataError(
            "windows.parquet",
            "no recording has two windows",
            expected="windows that follow each other, to know how often they come",
            remedy="shorten the windows, or add longer recordings",
        )
    return float(1 / gaps.median())


def duty(
    energy_j_per_window: float,
    always_on_w: float,
    windows_per_s: float,
    battery: Battery = CR2032,
) -> dict[str, Any]:
    """Compute a device's average power and the days a battery lasts.

    ::

        P = P_encoder + E_window · windows per second

    Parameters
    ----------
    energy_j_per_window : float
    always_on_w : float
        Power of the encoder, joules a second of signal.
    windows_per_s : float
    battery : Battery
    """
    average_w = always_on_w + energy_j_per_window * windows_per_s
    return {
        "windows_per_s": windows_per_s,
        "always_on_w": always_on_w,
        "average_w": average_w,
        "battery_days": battery.energy_j / average_w / DAY_S if average_w else None,
        "battery": asdict(battery),
        "assumptions": list(ASSUMPTIONS),
    }
