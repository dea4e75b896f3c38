"""The table of a data set's recordings: what each is, and whether it can be used."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import quality
from pipeline.errors import DataError
from pipeline.files import dump_json
from pipeline.readers.base import Entry

if TYPE_CHECKING:
    import mne

NAN = float("nan")


@dataclass(frozen=True)
class Row:
    """A line of `recordings.parquet`.

    Parameters
    ----------
    recording, subject, session, run : str
    status : str
        used, refused or absent.
    reason : str
        Why it is not used.
    sfreq, duration_s : float
        Hz and seconds.
    n_channels : int
    channels, channel_types, units : str
        JSON lists.
    flat_share, clipped_share, nan_share, line_noise_share : float
        Of the worst channel; NaN where not measured.
    annotations : str
        JSON object: label to count.
    unlabelled : int
        Annotations left out, for they have no label.
    """

    recording: str
    subject: str
    session: str = ""
    run: str = ""
    status: str = "used"
    reason: str = ""
    sfreq: float = NAN
    duration_s: float = NAN
    n_channels: int = 0
    channels: str = "[]"
    channel_types: str = "[]"
    units: str = "[]"
    flat_share: float = NAN
    clipped_share: float = NAN
    nan_share: float = NAN
    line_noise_share: float = NAN
    annotations: str = "{}"
    unlabelled: int = 0


def named(entry: Entry) -> Row:
    """Make the row of a recording of which no more is known."""
    return Row(entry.recording, entry.subject, entry.session, entry.run)


def described(raw: "mne.io.BaseRaw") -> dict[str, Any]:
    """Measure what `Row` tells of a recording's samples and labels."""
    samples, sfreq = raw.get_data(), float(raw.info["sfreq"])
    line_noise = quality.line_noise_share(samples, sfreq, raw.info["line_freq"])
    return {
        "sfreq": sfreq,
        "duration_s": raw.n_times / sfreq,
        "n_channels": len(raw.ch_names),
        "channels": dump_json(raw.ch_names),
        "channel_types": dump_json(raw.get_channel_types()),
        "units": dump_json(_units(raw)),
        "flat_share": quality.worst(quality.flat_share(samples, sfreq)),
        "clipped_share": quality.worst(quality.clipped_share(samples)),
        "nan_share": quality.worst(quality.nan_share(samples)),
        "line_noise_share": quality.worst(line_noise),
        "annotations": dump_json(Counter(raw.annotations.description.tolist())),
    }


def _units(raw: "mne.io.BaseRaw") -> list[str]:
    """Name the channels' units; MNE keeps biopotentials in volts."""
    from mne.io.constants import FIFF

    names = {FIFF.FIFF_UNIT_V: "V"}
    return [names.get(channel["unit"], "") for channel in raw.info["chs"]]


def check(rows: list[Row], labels: Sequence[str], where: str) -> None:
    """Refuse a data set that cannot be one."""
    used = [row for row in rows if row.status == "used"]
    if not used:
        raise DataError(
            where,
            f"all {len(rows)} recordings are refused; the first: {rows[0].reason}",
            remedy="correct the reader's settings in params.yaml",
        )
    _check_channels(used, where)
    counts = Counter[str]()
    for row in used:
        counts.update(json.loads(row.annotations))
    for label in labels:
        if not counts[label]:
            found = ", ".join(f"{name} {n}" for name, n in sorted(counts.items()))
            raise DataError(
                where,
                f"no annotation has the label '{label}'",
                expected=f"one of those found: {found or 'none at all'}",
                remedy="correct the data set's labels, or the reader's, in params.yaml",
            )


def _check_channels(used: list[Row], where: str) -> None:
    by_channels: dict[str, list[str]] = {}
    for row in used:
        by_channels.setdefault(row.channels, []).append(row.recording)
    if len(by_channels) > 1:
        common = max(by_channels, key=lambda channels: len(by_channels[channels]))
        other = next(channels for channels in by_channels if channels != common)
        raise DataError(
            where,
            f"{by_channels[other][0]} has the channels {other}",
            expected=f"{common}, as in {len(by_channels[common])} recordings",
            remedy="name the reader's channels in params.yaml",
        )


def to_json(row: Row) -> dict[str, Any]:
    """Give a row as JSON can hold it: null for a number that was not measured."""
    return {k: None if v != v else v for k, v in asdict(row).items()}


def from_json(values: Mapping[str, Any]) -> Row:
    """Make a row of what `to_json` gave."""
    whole: dict[str, Any] = {k: NAN if v is None else v for k, v in values.items()}
    return Row(**whole)


def table(rows: list[Row]) -> pd.DataFrame:
    """Make the table of all rows."""
    return pd.DataFrame(map(asdict, rows), columns=[f.name for f in fields(Row)])
