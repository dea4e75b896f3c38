"""From raw files to de-identified recordings, each in a FIF file of its own.

A recording is built anew from what may leave the clinic: samples, channel names and
types, rates and the data set's labels. Dates, names, comments, devices and positions
are not removed but never copied.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from pipeline import files, quality, unfinished
from pipeline.errors import DataError
from pipeline.ingestion import catalogue
from pipeline.ingestion.catalogue import Row
from pipeline.parallel import parallel_map
from pipeline.readers.base import Entry, Reader

if TYPE_CHECKING:
    import mne

OnBad = Literal["raise", "skip"]
LARGEST_BYTES = 2_000_000_000
"""A FIF file ends at 2 GiB."""


@dataclass(frozen=True)
class Job:
    """What all recordings of a data set share.

    Parameters
    ----------
    reader : Reader
    raw, target : Path
        The raw folder, and the folder of FIF files (None: nothing is written).
    digests : mapping
        SHA-256 of the raw files by their path.
    on_bad : str
        `raise` ends at the first bad recording, `skip` lists it as refused.
    code : str
        Digest of the code that reads.
    """

    reader: Reader
    raw: Path
    target: Path | None
    digests: Mapping[str, str]
    on_bad: OnBad
    code: str


def ingest(
    reader: Reader,
    raw: Path,
    target: Path,
    *,
    digests: Mapping[str, str],
    absent: Mapping[str, str],
    labels: Sequence[str],
    code: str,
    on_bad: OnBad = "raise",
) -> pd.DataFrame:
    """Read, de-identify and judge every recording of a data set.

    Writes `<recording>_raw.fif` for each and `recordings.parquet` for all. A file that
    was made of the same raw files, settings and code is kept.

    Parameters
    ----------
    reader : Reader
    raw, target : Path
        The data set's raw folder, and the folder to write to.
    digests, absent : mapping
        The manifest: SHA-256 by path, and why a subject is absent.
    labels : sequence of str
        The data set's labels; each must appear.
    code : str
        Digest of the code that reads.
    on_bad : str
        `raise` or `skip`.

    Returns
    -------
    recordings : DataFrame
        Columns as in `Row`.

    Raises
    ------
    DataError
        There is no recording, one is bad (`raise`), recordings differ in their
        channels, or a label never appears.
    """
    rows = _rows(Job(reader, raw, target, digests, on_bad, code))
    catalogue.check(rows, labels, str(raw))
    missing = [Row("", who, status="absent", reason=why) for who, why in absent.items()]
    recordings = catalogue.table(rows + missing)
    used = {_name(row.recording) for row in rows if row.status == "used"}
    files.save_table(target / "recordings.parquet", recordings)
    files.keep_only(target, used | {"recordings.parquet"})
    return recordings


def inspect(raw: Path, reader: Reader) -> pd.DataFrame:
    """Read every recording and say what was found, problems included; write nothing.

    Parameters
    ----------
    raw : Path
        The data set's raw folder.
    reader : Reader

    Returns
    -------
    recordings : DataFrame
        Columns as in `Row`.
    """
    return catalogue.table(_rows(Job(reader, raw, None, {}, "skip", code="")))


def _rows(job: Job) -> list[Row]:
    entries = job.reader.entries(job.raw)
    if not entries:
        raise DataError(
            str(job.raw),
            "the reader found no recording",
            expected=f"files for the reader '{type(job.reader).__name__.lower()}'",
            remedy="correct the reader in params.yaml, or fetch the data set again",
        )
    _refuse_repeated(str(job.raw), entries)
    return parallel_map(partial(_ingest_one, job), entries, what="reading recordings")


def _refuse_repeated(where: str, entries: list[Entry]) -> None:
    counts = Counter(entry.recording for entry in entries)
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise DataError(
            where,
            f"{counts[repeated[0]]} recordings are called '{repeated[0]}'",
            expected="one name each",
            remedy="tell session and run apart in the reader's settings",
        )


def _ingest_one(job: Job, entry: Entry) -> Row:
    """Bring one recording, or its row alone if its file is there already."""
    try:
        if job.target is None:
            return _read(job, entry)[0]
        return _bring(job, entry, job.target)
    except DataError as error:
        if job.on_bad == "raise":
            raise
        reason = f"{error.where}: {error.found}"
        return replace(catalogue.named(entry), status="refused", reason=reason)


def _bring(job: Job, entry: Entry, target: Path) -> Row:
    fif = target / _name(entry.recording)
    row_path = target / unfinished.NOTES / f"{entry.recording}.json"
    inputs = _inputs(job, entry)
    if unfinished.is_made_of(fif, inputs):
        return catalogue.from_json(files.load_json(row_path))
    row, raw = _read(job, entry)
    files.save_recording(fif, raw)
    files.save_json(row_path, catalogue.to_json(row))
    unfinished.note_inputs(fif, inputs)
    return row


def _inputs(job: Job, entry: Entry) -> str:
    """Digest what a recording is made of: its raw files, the settings and the code."""
    names = [file.as_posix() for file in entry.files]
    digests = {n: job.digests.get(n) or _digest(job.raw, n) for n in names}
    who = [entry.recording, entry.subject, entry.session, entry.run]
    return files.inputs_digest(job.reader, digests, job.code, who)


def _digest(raw: Path, name: str) -> str:
    """Digest a file that the manifest does not list; a missing one is empty."""
    path = raw / name
    return files.file_digest(path) if path.is_file() else ""


def _read(job: Job, entry: Entry) -> tuple[Row, "mne.io.BaseRaw"]:
    """Read a recording anew and say what it is."""
    found = job.reader.read(job.raw, entry)
    raw = deidentify(found)
    _refuse_unusable(entry.recording, raw)
    unlabelled = (found.info["temp"] or {}).get("unlabelled", 0)
    return replace(
        catalogue.named(entry), **catalogue.described(raw), unlabelled=unlabelled
    ), raw


def deidentify(raw: "mne.io.BaseRaw") -> "mne.io.BaseRaw":
    """Build a recording anew of what may be known of it.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Whatever its info says of person, place, date and device stays behind.

    Returns
    -------
    raw : mne.io.BaseRaw
        Samples, sampling rate, mains frequency, channel names and types, and labels.
    """
    import mne

    info = mne.create_info(
        raw.ch_names, raw.info["sfreq"], raw.get_channel_types(), verbose="error"
    )
    info["line_freq"] = raw.info["line_freq"]
    clean = mne.io.RawArray(raw.get_data(), info, copy=None, verbose="error")
    told = raw.annotations
    onset = told.onset - raw.first_time
    clean.set_annotations(
        mne.Annotations(onset, told.duration, told.description), verbose="error"
    )
    return clean


def _refuse_unusable(recording: str, raw: "mne.io.BaseRaw") -> None:
    """Refuse samples that are no numbers, and more than a FIF file can hold."""
    shares = quality.nan_share(samples := raw.get_data())
    if bad := np.flatnonzero(shares).tolist():
        first_s = np.flatnonzero(~np.isfinite(samples[bad[0]]))[0] / raw.info["sfreq"]
        raise DataError(
            f"recording {recording}, channel {raw.ch_names[bad[0]]}",
            f"{shares[bad[0]]:.1%} of the samples are no numbers, from {first_s:.3f} s"
            + (f"; {len(bad) - 1} more channels have such" if len(bad) > 1 else ""),
            expected="none: a causal filter would carry the first to the end",
            remedy="repair or choose other channels, or on_bad_recording: skip",
        )
    if (n_bytes := samples.size * 4) > LARGEST_BYTES:
        raise DataError(
            f"recording {recording}",
            f"{n_bytes / 1e9:.1f} GB of samples",
            expected=f"at most {LARGEST_BYTES / 1e9:g} GB in a FIF file",
            remedy="divide the recording, or choose fewer channels",
        )


def _name(recording: str) -> str:
    """Name a recording's file."""
    return f"{recording}_raw.fif"
