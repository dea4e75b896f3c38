"""Prepare a data set: signals, the table of windows, the folds, the beats' quality."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from pipeline import files, unfinished
from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.parallel import parallel_map
from pipeline.preparation import beats
from pipeline.preparation.folds import FoldSettings, make_folds
from pipeline.preparation.prepared import Prepared, check_alike, join
from pipeline.preparation.schemes import Predefined
from pipeline.preparation.segments import (
    annotated_samples,
    annotations_of,
    cut_each,
    on_clock,
    segments_of,
)
from pipeline.preparation.signals import SignalSettings
from pipeline.preparation.streaming import Preparation, plan_recording
from pipeline.preparation.windows import Annotations, Beats, Timeline, WindowSettings

if TYPE_CHECKING:
    import mne

WINDOWS = "windows.parquet"
"""The table of a data set's windows."""
ANNOTATED = "annotated.parquet"
"""The table of the annotated beats, which only oracles read."""


@dataclass(frozen=True)
class Plan:
    """The processing of every recording of a data set."""

    dataset: str
    signal: SignalSettings
    windows: WindowSettings
    labels: tuple[str, ...]
    sources: Path
    target: Path
    code: str
    order: Mapping[str, str]


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
    recordings = _recordings(dataset)
    if isinstance(folds, Predefined):
        folds.refuse_unknown(set(recordings["recording"]), dataset)
    used = _used(dataset, recordings)
    segments = segments_of(used)
    # Absolute, for workers may have started while this process was elsewhere.
    sources = files.folder("recordings", dataset).resolve()
    files.keep_only(signals, {f"{name}.h5" for name in segments})
    order = _orders(used)
    plan = Plan(dataset, signal, windows, tuple(labels), sources, signals, code, order)
    work = partial(_prepare_one, plan)
    prepared = parallel_map(work, list(segments.items()), what=f"prepare {dataset}")
    check_alike(dataset, prepared)
    table = join(used, prepared)
    roles = make_folds(
        table, folds, labels, sfreq=prepared[0].sfreq, seed=seed, where=dataset
    )
    _save(tables, table, roles, prepared)
    return prepared


def _recordings(dataset: str) -> pd.DataFrame:
    """Load what became of the recordings of a data set."""
    return files.load_table(files.folder("recordings", dataset) / "recordings.parquet")


def _used(dataset: str, recordings: pd.DataFrame) -> pd.DataFrame:
    """Give who and what is in use, in the order of the table."""
    used = recordings[recordings["status"] == "used"]
    if used.empty:
        raise DataError(
            dataset,
            f"none of {len(recordings)} recordings is in use",
            expected="at least one with status 'used'",
            remedy="correct the data set's reader or values in params.yaml; "
            f"`biospike check {dataset}` reports why each is not in use",
        )
    return used.reset_index(drop=True)


def _orders(used: pd.DataFrame) -> dict[str, str]:
    """Give what each recording's order goes by; empty but under pseudonyms."""
    named = used.set_index("recording")
    return dict(named["order"]) if "order" in named else {}


def _prepare_one(plan: Plan, item: tuple[str, tuple[Segment, ...]]) -> Prepared:
    """Prepare one recording; its signal only if that was not done already."""
    recording, segments = item
    source = plan.sources / f"{recording}_raw.fif"
    raw = files.load_recording(source)
    where = f"{plan.dataset}, recording {recording}"
    starts = tuple(segment.start for segment in segments)
    preparation = plan_recording(raw, plan.signal, starts, where=where)
    made = _save_signal(plan, recording, preparation, source)
    windows, quality = _windows(plan, raw, preparation, segments)
    about, annotated = preparation.about, tuple[int, ...]()
    if isinstance(plan.windows, Beats):
        annotated = annotated_samples(
            annotations_of(raw, segments), _timelines(preparation)
        )
    own = recording, about.sfreq, about.channels
    return Prepared(*own, windows, quality, made, annotated)


def _save_signal(
    plan: Plan, recording: str, preparation: Preparation, source: Path
) -> bool:
    """Prepare a signal, unless that was done already; return whether it was now."""
    path = plan.target / f"{recording}.h5"
    digests = [files.file_digest(part) for part in files.recording_parts(source)]
    order = plan.order.get(recording, "")
    inputs = files.inputs_digest(
        plan.signal, plan.code, preparation.starts, digests, order
    )
    if unfinished.is_made_of(path, inputs):
        return False
    about, n_samples = replace(preparation.about, order=order), preparation.n_samples
    files.write_signal(path, about, preparation.pieces(), sum(n_samples))
    unfinished.note_inputs(path, inputs)
    return True


def _windows(
    plan: Plan,
    raw: "mne.io.BaseRaw",
    preparation: Preparation,
    segments: tuple[Segment, ...],
) -> tuple[pd.DataFrame, dict[str, int | float] | None]:
    """Cut the windows of each segment, and compare detected beats with annotations."""
    annotations = annotations_of(raw, segments)
    detected: list[beats.Onsets | None] = [None] * len(segments)
    quality = None
    if isinstance(plan.windows, Beats):
        found = list(_beats(plan.windows, raw, preparation))
        annotated = on_clock([each.onset_s for each in annotations], segments)
        quality = beats.quality(annotated, on_clock(found, segments))
        if plan.windows.beats == "detected":
            detected = [*found]
    table = place(
        plan.windows, annotations, preparation, segments, plan.labels, detected
    )
    return table, quality


def place(
    settings: WindowSettings,
    annotations: Sequence[Annotations],
    preparation: Preparation,
    segments: Sequence[Segment],
    labels: Sequence[str],
    detected: Sequence[beats.Onsets | None],
) -> pd.DataFrame:
    """Cut the windows of a recording by its annotations; no sample is read.

    Parameters
    ----------
    settings, annotations, segments, labels, detected
        As `segments.cut_each` takes them, whose table this is.
    preparation : Preparation
        How its samples will be prepared.
    """
    timelines = _timelines(preparation)
    return cut_each(settings, annotations, timelines, segments, labels, detected)


def _timelines(preparation: Preparation) -> list[Timeline]:
    """Give the timeline of each segment."""
    rate, delay_s = preparation.design.sfreq, preparation.design.delay_s
    return [Timeline(n, rate, delay_s) for n in preparation.n_samples]


def _beats(
    settings: Beats, raw: "mne.io.BaseRaw", preparation: Preparation
) -> Iterator[beats.Onsets]:
    """Detect the beats of each segment, in the segment's own time."""
    channel = beat_channel(settings, raw.ch_names, preparation.where)
    for start, stop in zip(preparation.starts, preparation.ends, strict=True):
        samples = raw.get_data(picks=[channel], start=start, stop=stop)[0]
        yield beats.detect(samples, float(raw.info["sfreq"]))


def beat_channel(settings: Beats, channels: Sequence[str], where: str) -> str:
    """Name the channel that beats are detected in.

    Raises
    ------
    DataError
        The channel is not there.
    """
    channel = settings.channel or channels[0]
    if channel not in channels:
        raise DataError(
            where,
            f"has no channel '{channel}' to detect beats in",
            expected=f"one of {', '.join(channels)}",
            remedy="correct windows.channel in params.yaml",
        )
    return channel


def _save(
    target: Path, windows: pd.DataFrame, folds: pd.DataFrame, prepared: list[Prepared]
) -> None:
    files.save_table(target / WINDOWS, windows)
    files.save_table(target / "folds.parquet", folds)
    beats_at = [(p.recording, sample) for p in prepared for sample in p.annotated]
    annotated = pd.DataFrame(beats_at, columns=["recording", "sample"])
    files.save_table(target / ANNOTATED, annotated)
    rows = [{"recording": p.recording, **p.quality} for p in prepared if p.quality]
    if rows:
        files.save_table(target / "beats.parquet", pd.DataFrame(rows))
