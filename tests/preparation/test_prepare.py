"""A data set prepared: the files, their bytes, what is kept and what is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from pipeline import files, unfinished
from pipeline.errors import DataError
from pipeline.files import fif as _fif
from pipeline.preparation import prepare as preparation
from pipeline.preparation.folds import ROLES
from pipeline.preparation.prepare import prepare
from pipeline.preparation.schemes import CrossSubject
from pipeline.preparation.signals import Scale, SignalSettings
from pipeline.preparation.windows import Beats, Events, Sliding

SIGNAL = SignalSettings(
    l_freq=0.5, h_freq=40, sfreq=125, scale=Scale(tau_s=5, floor=1e-6)
)
BEATS = Beats(kind="beats", beats="annotated", tmin=-1.0, tmax=0.5)
FOLDS = CrossSubject(scheme="cross_subject", n_folds=3)
ONSETS = np.arange(0.6, 29, 0.8)


def recording(seed: int, sfreq: float = 250.0) -> mne.io.RawArray:
    rng = np.random.default_rng(seed)
    times = np.arange(int(30 * sfreq)) / sfreq
    peaks = np.exp(-(((times[:, None] - ONSETS) / 0.015) ** 2)).sum(1)
    samples = 1e-3 * peaks + rng.normal(0, 2e-5, (2, len(times)))
    info = mne.create_info(["upper", "lower"], sfreq, "ecg")
    raw = mne.io.RawArray(samples, info, verbose="error")
    labels = ["NV"[k % 2] for k in range(len(ONSETS))]
    labels[5] = "Q"
    raw.set_annotations(mne.Annotations(ONSETS, 0.0, labels))
    return raw


def ingested(names: list[str], **changed: mne.io.RawArray) -> None:
    """Write the recordings of five people, and a sixth who was refused."""
    folder = files.folder("recordings", "demo")
    for seed, name in enumerate(names):
        raw = changed.get(name, recording(seed))
        files.save_recording(folder / f"{name}_raw.fif", raw)
    table = pd.DataFrame({"recording": [*names, "bad"], "session": "", "reason": ""})
    table["subject"] = table["recording"]
    table["status"] = ["used"] * len(names) + ["refused"]
    files.save_table(folder / "recordings.parquet", table)


NAMES = ["a", "b", "c", "d", "e"]
SIGNALS = Path("work")
"""The folder that unfinished work lies in."""


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    ingested(NAMES)

    def run(**changes: object) -> list[preparation.Prepared]:
        settings = {"signal": SIGNAL, "windows": BEATS, "folds": FOLDS, "labels": "NV"}
        folders = SIGNALS.resolve(), files.folder("windows", "demo").resolve()
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        settings = {"code": "one", **settings, **changes}
        return prepare("demo", *folders, **settings, seed=1)

    return run


def contents(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_everything_is_written_by_the_contract(demo):
    demo()
    folder = files.folder("windows", "demo")
    windows = files.load_table(folder / "windows.parquet")
    assert list(windows) == [
        *("window", "recording", "subject", "session", "segment", "start", "stop"),
        *("segment_start", "segment_stop", "label", "onset_s", "block", "reason"),
    ]
    assert windows["window"].is_unique
    assert (windows["segment"] == 0).all()
    assert len(windows) == len(NAMES) * len(ONSETS)
    assert windows.groupby("block")["recording"].nunique().max() == 1
    reasons = windows["reason"].value_counts()
    assert reasons["label Q is not among the data set's labels"] == len(NAMES)
    assert reasons[""] == len(NAMES) * (len(ONSETS) - 1)
    assert (windows["start"] < windows["segment_start"]).sum() == len(NAMES)
    assert (windows["segment_stop"] == 3750).all()
    folds = files.load_table(folder / "folds.parquet")
    assert list(folds) == ["window", "fold", "role"]
    assert set(folds["role"]) == set(ROLES)
    quality = files.load_table(folder / "beats.parquet")
    assert list(quality["recording"]) == NAMES
    assert quality["sensitivity"].min() > 0.95
    written = {path.name for path in SIGNALS.iterdir() if path.is_file()}
    assert written == {f"{name}.h5" for name in NAMES}
    assert not files.folder("signals", "demo").exists()
    signal = files.load_signal(SIGNALS / "a.h5")
    assert signal.samples.shape == (2, 3750)
    assert signal.samples.dtype == np.float32


def test_a_beat_lies_where_its_window_states(demo):
    demo()
    windows = files.load_table(files.folder("windows", "demo") / "windows.parquet")
    signal = files.load_signal(SIGNALS / "b.h5")
    used = windows[(windows["recording"] == "b") & (windows["reason"] == "")]
    peak = [
        first - w.start + signal.samples[0, first : w.stop].argmax()
        for w in used.itertuples()
        for first in [max(w.start, 0)]
    ]
    since = np.asarray(peak) / signal.sfreq + BEATS.tmin
    # A beat of 30 ms and the band-pass's own delay, less than three samples.
    at_a_beat = np.abs(since - 0.8 * np.round(since / 0.8)) < 0.024
    assert at_a_beat.all()


def test_two_workers_and_a_second_run_give_the_same_bytes(demo, monkeypatch):
    demo()
    first = contents(Path())
    for path in SIGNALS.glob("*.h5"):
        path.unlink()
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    assert all(one.made for one in demo())
    assert contents(Path()) == first
    assert not any(one.made for one in demo())
    assert contents(Path()) == first


def test_only_what_changed_is_prepared_again(demo):
    assert sum(one.made for one in demo()) == len(NAMES)
    assert sum(one.made for one in demo()) == 0
    leftover = SIGNALS / "gone.h5"
    leftover.write_bytes(b"")
    ingested(NAMES, c=recording(99))
    assert [one.recording for one in demo() if one.made] == ["c"]
    assert not leftover.exists()
    other = SIGNAL.model_copy(update={"l_freq": 1.0})
    assert all(one.made for one in demo(signal=other))
    assert all(one.made for one in demo(signal=other, code="other"))
    assert not any(one.made for one in demo(signal=other, code="other"))
    (SIGNALS / unfinished.NOTES / "b.h5").unlink()
    (SIGNALS / "d.h5").unlink()
    made = [one.recording for one in demo(signal=other, code="other") if one.made]
    assert made == ["b", "d"]


def test_detected_beats_give_windows_at_the_detections(demo):
    demo(windows=BEATS.model_copy(update={"beats": "detected"}))
    windows = files.load_table(files.folder("windows", "demo") / "windows.parquet")
    offset = windows["onset_s"].to_numpy()[:, None] - ONSETS
    assert (np.abs(offset).min(axis=1) > 0).mean() > 0.8
    unmatched = windows["reason"].str.startswith("no annotated beat").sum()
    assert len(windows) - unmatched == len(NAMES) * len(ONSETS)


def test_windows_of_blocks_have_no_beats_to_report(demo):
    for name in NAMES:
        raw = recording(len(name))
        raw.set_annotations(mne.Annotations([1, 15], [10, 10], ["N", "V"]))
        path = files.folder("recordings", "demo") / f"{name}_raw.fif"
        files.save_recording(path, raw)
    demo(windows=Sliding(kind="sliding", length_s=2, step_s=1))
    written = {path.name for path in files.folder("windows", "demo").iterdir()}
    assert written == {"windows.parquet", "folds.parquet", "annotated.parquet"}


def test_recordings_that_differ_in_rate_are_refused(demo):
    ingested(NAMES, c=recording(2, sfreq=500.0))
    with pytest.raises(DataError, match=r"a and c: 2 channels at 250 Hz and 2 at 500"):
        demo(signal=SIGNAL.model_copy(update={"sfreq": None}))
    demo()


def test_a_nan_names_the_recording(demo):
    samples = recording(0).get_data()
    samples[0, 100] = np.nan
    broken = mne.io.RawArray(samples, recording(0).info, verbose="error")
    ingested(NAMES, d=broken)
    with pytest.raises(
        DataError, match=r"demo, recording d, channel upper: sample 100"
    ):
        demo()


PAUSE_S = 100.0
BORDER = 2501
"""First sample after the pause: an odd one, so that both segments end in a half."""


def paused(seed: int) -> mne.io.RawArray:
    """Give a recording whose files hold two segments, one after the other.

    A beat is at the first sample after the pause; none is at half a prepared sample.
    """
    raw, border = recording(seed), BORDER / 250
    onset, label = ONSETS + 0.001, raw.annotations.description
    onset[12] = border
    marks = mne.Annotations(onset, 0.0, label)
    marks += mne.Annotations([border, border], 0, ["EDGE boundary", "BAD boundary"])
    return raw.set_annotations(marks)


def half(raw: mne.io.RawArray, start: int, stop: int) -> mne.io.RawArray:
    """Cut a recording apart, annotations too."""
    info = mne.create_info(raw.ch_names, 250.0, "ecg")
    part = mne.io.RawArray(raw.get_data()[:, start:stop], info, verbose="error")
    times, label = raw.annotations.onset, raw.annotations.description
    own = (times >= start / 250) & (times < stop / 250) & (np.char.str_len(label) == 1)
    marks = mne.Annotations(times[own] - start / 250, 0.0, label[own])
    return part.set_annotations(marks)


def with_segments(segments: dict[str, list[list[float]]]) -> None:
    path = files.folder("recordings", "demo") / "recordings.parquet"
    table = files.load_table(path)
    one = [[0, 0.0]]
    texts = [json.dumps(segments.get(name, one)) for name in table["recording"]]
    files.save_table(path, table.assign(segments=texts))


@pytest.mark.parametrize(
    "windows",
    [
        BEATS,
        BEATS.model_copy(update={"beats": "detected"}),
        Events(kind="events", tmin=-0.2, tmax=0.4),
    ],
    ids=["annotated", "detected", "events"],
)
def test_a_pause_divides_a_recording_as_if_it_were_two(demo, windows):
    raw = paused(2)
    ingested(NAMES, c=raw)
    with_segments({"c": [[0, 0.0], [BORDER, BORDER / 250 + PAUSE_S]]})
    demo(windows=windows)
    signal = files.load_signal(SIGNALS / "c.h5")
    table = files.load_table(files.folder("windows", "demo") / "windows.parquet")
    both = table[table["recording"] == "c"]

    first, second = half(raw, 0, BORDER), half(raw, BORDER, 7500)
    names = ["a", "b", "c1", "c2", "d", "e"]
    ingested(names, c1=first, c2=second)
    demo(windows=windows)
    parts = [files.load_signal(SIGNALS / f"c{k}.h5") for k in (1, 2)]
    table = files.load_table(files.folder("windows", "demo") / "windows.parquet")
    apart = [table[table["recording"] == f"c{k}"] for k in (1, 2)]

    assert signal.segments == (0, 1251)
    joined = np.concatenate([part.samples for part in parts], axis=1)
    np.testing.assert_array_equal(signal.samples, joined)
    assert [len(part) for part in apart] == both.groupby("segment").size().tolist()
    assert both["label"].tolist() == [*apart[0]["label"], *apart[1]["label"]]
    assert both["reason"].tolist() == [*apart[0]["reason"], *apart[1]["reason"]]
    assert both["start"].tolist() == [*apart[0]["start"], *(apart[1]["start"] + 1251)]
    assert both["stop"].tolist() == [*apart[0]["stop"], *(apart[1]["stop"] + 1251)]
    later = apart[1]["onset_s"] + BORDER / 250 + PAUSE_S
    # In FIF files, times are rounded.
    onset = [*apart[0]["onset_s"], *later]
    np.testing.assert_allclose(both["onset_s"], onset, rtol=0, atol=2e-6)
    blocks = both.groupby("segment")["block"].agg(set)
    assert blocks[0].isdisjoint(blocks[1])
    used = both[both["reason"] == ""]
    second = (used["segment"] == 1).to_numpy()
    assert (used["segment_start"] - 10 == np.where(second, 1251, 0)).all()
    assert (used["segment_stop"] == np.where(second, len(joined[0]), 1251)).all()
    assert (used["start"] < used["segment_start"]).any()
    assert used["segment"].nunique() == 2


def test_beats_are_matched_on_the_clock(demo):
    ingested(NAMES, c=paused(2))
    with_segments({"c": [[0, 0.0], [BORDER, BORDER / 250 + PAUSE_S]]})
    demo()
    path = files.folder("windows", "demo") / "beats.parquet"
    quality = files.load_table(path).set_index("recording")
    assert quality.loc["c", "annotated"] == len(ONSETS)
    assert quality.loc["c", "sensitivity"] > 0.9


def test_another_border_is_prepared_again(demo):
    demo()
    with_segments({"c": [[0, 0.0], [BORDER, 20.0]]})
    assert [one.recording for one in demo() if one.made] == ["c"]
    with_segments({"c": [[0, 0.0], [BORDER + 1, 20.0]]})
    assert [one.recording for one in demo() if one.made] == ["c"]


def test_a_segment_without_marks_has_no_windows(demo):
    raw = recording(2)
    raw.set_annotations(mne.Annotations(ONSETS[ONSETS < 9], 0.0, "N"))
    ingested(NAMES, c=raw)
    with_segments({"c": [[0, 0.0], [BORDER, 20.0], [5000, 99.0]]})
    demo()
    table = files.load_table(files.folder("windows", "demo") / "windows.parquet")
    assert (table[table["recording"] == "c"]["segment"] == 0).all()
    assert table["window"].tolist() == list(range(len(table)))
    assert table["segment"].dtype == np.int64


def test_a_recording_in_several_files_is_one(demo, monkeypatch):
    demo()
    before = files.load_signal(SIGNALS / "c.h5").samples
    monkeypatch.setattr(_fif, "BUFFER_VALUES", 2000)
    monkeypatch.setattr(_fif, "PART_SIZE", 24_000)
    monkeypatch.setattr("mne.io.base._NEXT_FILE_BUFFER", 2000)
    ingested(NAMES)
    source = files.folder("recordings", "demo") / "c_raw.fif"
    main, *later = files.recording_parts(source)
    assert len(later) > 1
    assert all(one.made for one in demo())
    np.testing.assert_array_equal(files.load_signal(SIGNALS / "c.h5").samples, before)
    changed, untouched = recording(2), main.read_bytes()
    changed[0, 7400] = 1e-3
    ingested(NAMES, c=changed)
    assert main.read_bytes() == untouched
    assert [one.recording for one in demo() if one.made] == ["c"]


def test_a_missing_detection_channel_is_named(demo):
    with pytest.raises(DataError, match=r"(?s)no channel 'V9'.*upper, lower"):
        demo(windows=BEATS.model_copy(update={"channel": "V9"}))


def test_no_recording_in_use_is_an_error(demo):
    ingested([])
    with pytest.raises(DataError, match="none of 1 recordings is in use"):
        demo()
