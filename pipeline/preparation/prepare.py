"""Prepare a data set: signals, the table of windows, the folds, the beats' quality."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline import files, unfinished
from pipeline.errors import DataError
from pipeline.files import Signal
from pipeline.parallel import parallel_map
from pipeline.preparation import beats
from pipeline.preparation.folds import FoldSettings, make_folds
from pipeline.preparation.signals import SignalSettings, prepare_recording
from pipeline.preparation.windows import Beats, Marks, Timeline, WindowSettings, cut

if TYPE_CHECKING:
    import mne

IDENTITY = ["recording", "subject", "session"]


@dataclass(frozen=True)
class Plan:
    """What is done with every recording of a data set."""

    dataset: str
    signal: SignalSettings
    windows: WindowSettings
    labels: tuple[str, ...]
    sources: Path
    target: Path
    code: str


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
        What `windows.cut` gives.
    quality : dict or None
        What `beats.quality` gives, where windows lie around beats.
    made : bool
        False if the signal of an earlier run was kept.
    """

    recording: str
    sfreq: float
    channels: tuple[str, ...]
    windows: pd.DataFrame
    quality: dict[str, int | float] | None
    made: bool


def prepare(
    dataset: str,
    signals: Path,
    tables: Path,
    *,
    signal: SignalSettings,
    windows: WindowSettings,
    folds: FoldSettings,
    labels: Sequence[str],
    seed: int,
    code: str,
) -> list[Prepared]:
    """Prepare every recording of a data set that is in use.

    Reads `data/recordings/<dataset>`. A signal that is there already and was made of
    the same recording, settings and code is kept; one of a recording no longer used is
    removed.

    Parameters
    ----------
    dataset : str
    signals, tables : Path
        Folders to write to: signals, and tables of windows and folds.
    signal : SignalSettings
    windows : WindowSettings
    folds : FoldSettings
    labels : sequence of str
        The data set's classes.
    seed : int
        For the order of subjects.
    code : str
        Digest of the code that prepares.

    Raises
    ------
    ConfigError
        A setting does not fit a recording's sampling rate.
    DataError
        No recording is in use, one cannot be prepared, two differ in rate or number of
        channels, or the windows cannot be split as asked.
    """
    used = _used(dataset)
    # Absolute, for workers may have started while this process was elsewhere.
    sources = files.folder("recordings", dataset).resolve()
    files.keep_only(signals, {f"{name}.h5" for name in used["recording"]})
    plan = Plan(dataset, signal, windows, tuple(labels), sources, signals, code)
    one = partial(_prepare_one, plan)
    prepared = parallel_map(one, list(used["recording"]), what=f"prepare {dataset}")
    _check_alike(dataset, prepared)
    table = _join(used, prepared)
    roles = make_folds(
        table, folds, labels, sfreq=prepared[0].sfreq, seed=seed, where=dataset
    )
    _save(tables, table, roles, prepared)
    return prepared


def _used(dataset: str) -> pd.DataFrame:
    """Load who and what is in use."""
    path = files.folder("recordings", dataset) / "recordings.parquet"
    recordings = files.load_table(path)
    used = recordings.loc[recordings["status"] == "used", IDENTITY]
    if used.empty:
        raise DataError(
            str(path),
            f"none of {len(recordings)} recordings is in use",
            expected="at least one with status 'used'",
            remedy="see the column 'reason' there, and the reader's settings",
        )
    return used.sort_values("recording", ignore_index=True)


def _prepare_one(plan: Plan, recording: str) -> Prepared:
    """Prepare one recording; its signal only if that was not done already."""
    source = plan.sources / f"{recording}_raw.fif"
    raw = files.load_recording(source)
    signal, made = _signal(plan, recording, raw, source)
    marks = _marks(raw)
    timeline = Timeline(signal.samples.shape[1], signal.sfreq, signal.delay_s)
    detected, quality = None, None
    if isinstance(plan.windows, Beats):
        found = beats.detect(*_lead(plan, recording, raw))
        quality = beats.quality(marks.onset_s, found)
        detected = found if plan.windows.beats == "detected" else None
    table = cut(plan.windows, marks, timeline, plan.labels, detected)
    return Prepared(recording, signal.sfreq, signal.channels, table, quality, made)


def _signal(
    plan: Plan, recording: str, raw: "mne.io.BaseRaw", source: Path
) -> tuple[Signal, bool]:
    path = plan.target / f"{recording}.h5"
    inputs = files.inputs_digest(plan.signal, plan.code, files.file_digest(source))
    if unfinished.is_made_of(path, inputs):
        return files.load_signal(path), False
    where = f"{plan.dataset}, recording {recording}"
    signal = prepare_recording(raw, plan.signal, where=where)
    files.save_signal(path, signal)
    unfinished.note_inputs(path, inputs)
    return signal, True


def _marks(raw: "mne.io.BaseRaw") -> Marks:
    annotations = raw.annotations
    label = np.asarray(annotations.description, object)
    return Marks(annotations.onset, annotations.duration, label)


def _lead(
    plan: Plan, recording: str, raw: "mne.io.BaseRaw"
) -> tuple[np.ndarray, float]:
    """Read the channel that beats are detected in, and its rate."""
    asked = plan.windows.channel if isinstance(plan.windows, Beats) else None
    channel = asked or raw.ch_names[0]
    if channel not in raw.ch_names:
        raise DataError(
            f"{plan.dataset}, recording {recording}",
            f"has no channel '{channel}' to detect beats in",
            expected=f"one of {', '.join(raw.ch_names)}",
            remedy="correct windows.channel in params.yaml",
        )
    return raw.get_data(picks=[channel])[0], float(raw.info["sfreq"])


def _check_alike(dataset: str, prepared: list[Prepared]) -> None:
    """Refuse recordings that one network could not read."""
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


def _join(used: pd.DataFrame, prepared: list[Prepared]) -> pd.DataFrame:
    """Put the recordings' windows under each other and number windows and blocks."""
    tables, n_blocks = [], 0
    rows = zip(used["subject"], used["session"], prepared, strict=True)
    for subject, session, one in rows:
        own = {"recording": one.recording, "subject": subject, "session": session}
        tables.append(one.windows.assign(**own, block=one.windows["block"] + n_blocks))
        n_blocks += int(one.windows["block"].max() + 1) if len(one.windows) else 0
    table = pd.concat(tables, ignore_index=True)
    table.insert(0, "window", np.arange(len(table)))
    return table[["window", *IDENTITY, *prepared[0].windows.columns]]


def _save(
    target: Path, windows: pd.DataFrame, folds: pd.DataFrame, prepared: list[Prepared]
) -> None:
    files.save_table(target / "windows.parquet", windows)
    files.save_table(target / "folds.parquet", folds)
    rows = [{"recording": p.recording, **p.quality} for p in prepared if p.quality]
    if rows:
        files.save_table(target / "beats.parquet", pd.DataFrame(rows))
