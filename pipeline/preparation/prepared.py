"""What became of each recording, and the data set's table of windows made of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.errors import DataError

IDENTITY = ["recording", "subject", "session"]


@dataclass(frozen=True)
class Prepared:
    """What became of one recording.

    Parameters
    ----------
    recording : str
    sfreq : float
        Prepared samples per second.
    channels : tuple of str
    windows : DataFrame
        What `segments.cut_each` gives.
    quality : dict or None
        What `beats.quality` gives, where windows lie around beats.
    made : bool
        False if the signal of an earlier run was kept.
    annotated : tuple of int
        Samples of the annotated beats; none where windows lie elsewhere.
    """

    recording: str
    sfreq: float
    channels: tuple[str, ...]
    windows: pd.DataFrame
    quality: dict[str, int | float] | None
    made: bool
    annotated: tuple[int, ...] = ()


def check_alike(dataset: str, prepared: list[Prepared]) -> None:
    """Refuse recordings that one network could not read.

    Raises
    ------
    DataError
        Two recordings differ in rate or number of channels.
    """
    first = prepared[0]
    for other in prepared:
        if (other.sfreq, len(other.channels)) != (first.sfreq, len(first.channels)):
            raise DataError(
                f"{dataset}, recordings {first.recording} and {other.recording}",
                f"{len(first.channels)} channels at {first.sfreq:g} Hz and "
                f"{len(other.channels)} at {other.sfreq:g} Hz",
                expected="the same in all recordings of a data set",
                remedy="set signal.channels and signal.sfreq",
            )


def join(used: pd.DataFrame, prepared: list[Prepared]) -> pd.DataFrame:
    """Put the recordings' windows under each other and number windows and blocks."""
    tables, n_blocks = [], 0
    rows = zip(used["subject"], used["session"], prepared, strict=True)
    for subject, session, one in rows:
        own = {"recording": one.recording, "subject": subject, "session": session}
        tables.append(one.windows.assign(**own, block=one.windows["block"] + n_blocks))
        n_blocks += int(one.windows["block"].max() + 1) if len(one.windows) else 0
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "window", np.arange(len(table)))
    columns = [name for name in prepared[0].windows if name != "segment"]
    return table[["window", *IDENTITY, "segment", *columns]]
