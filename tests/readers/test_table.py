"""Tables of text: blocks of labels, clocks, archives, and what is refused."""

from pathlib import Path
from zipfile import ZipFile

import mne
import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.readers.table import Table

SETTINGS = {
    "pattern": "{subject}/{run}_raw_*.txt",
    "time": "ms",
    "time_unit_s": 1e-3,
    "channels": ("a", "b"),
    "channel_type": "emg",
    "unit_v": 1e-6,
    "label": "class",
    "labels": {1: "rest", 2: "fist"},
    "sfreq": 100,
}
CODES = np.repeat([0, 1, 0, 2], [10, 30, 20, 40])
GESTURES = ("rest", "fist", "flexion", "extension", "radial", "ulnar")
UCI = {
    "pattern": "{subject}/{run}_raw_data_*.txt",
    "time": "time",
    "time_unit_s": 1e-3,
    "channels": tuple(f"channel{k}" for k in range(1, 9)),
    "channel_type": "emg",
    "label": "class",
    "labels": dict(enumerate(GESTURES, start=1)),
    "sfreq": 200,
    "held": True,
}


def table(**changes: object) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    columns = {"ms": 500 + 10 * np.arange(100), "class": CODES}
    signal = {name: rng.standard_normal(100).round(4) for name in "ba"}
    return pd.DataFrame(columns | signal | changes)


def write(folder: Path, frame: pd.DataFrame, tail: str = "") -> None:
    path = folder / "s7" / "2_raw_x.txt"
    path.parent.mkdir()
    path.write_text(frame.to_csv(sep="\t", index=False) + tail)


def read(folder: Path, **changes: object) -> mne.io.BaseRaw:
    reader = Table.model_validate(SETTINGS | changes)
    (entry,) = reader.entries(folder)
    return reader.read(folder, entry)


def test_columns_become_volts_and_runs_become_blocks(tmp_path: Path) -> None:
    frame = table()
    write(tmp_path, frame)
    raw = read(tmp_path)
    np.testing.assert_allclose(raw.get_data(), frame[["a", "b"]].T * 1e-6)
    assert raw.get_channel_types() == ["emg", "emg"]
    assert raw.annotations.description.tolist() == ["rest", "fist"]
    np.testing.assert_allclose(raw.annotations.onset, [0.1, 0.6])
    np.testing.assert_allclose(raw.annotations.duration, [0.3, 0.4])
    assert raw.info["temp"] == {"unlabelled": 2}


def test_an_archive_is_read_as_a_folder(tmp_path: Path) -> None:
    frame = table()
    with ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("top/s7/2_raw_x.txt", frame.to_csv(sep="\t", index=False))
        archive.writestr("top/README.txt", "hello")
    reader = Table.model_validate(SETTINGS)
    (entry,) = reader.entries(tmp_path)
    assert (entry.recording, entry.subject, entry.run) == ("s7_2", "s7", "2")
    assert entry.files == (Path("all.zip"),)
    raw = reader.read(tmp_path, entry)
    np.testing.assert_allclose(raw.get_data(), frame[["a", "b"]].T * 1e-6)


@pytest.mark.parametrize("tail", ["1500\t2\n", "1500\t2\t0.1\t\n", "\n\n"])
def test_a_short_last_line_is_dropped(tmp_path: Path, tail: str) -> None:
    write(tmp_path, table(), tail)
    assert read(tmp_path).n_times == 100


def test_a_hole_in_a_channel_stays_a_hole(tmp_path: Path) -> None:
    frame = table()
    frame.loc[50, "a"] = np.nan
    write(tmp_path, frame)
    samples = read(tmp_path).get_data()
    assert np.flatnonzero(np.isnan(samples[0])).tolist() == [50]


def test_a_log_of_held_samples(tmp_path: Path) -> None:
    """Each sample of 100 Hz stands in ten rows; blocks keep their times."""
    frame = table().loc[np.repeat(np.arange(100), 10)]
    frame["ms"] = 500 + np.arange(1000)
    write(tmp_path, frame)
    raw = read(tmp_path, held=True)
    np.testing.assert_allclose(raw.get_data(), table()[["a", "b"]].T * 1e-6)
    np.testing.assert_allclose(raw.annotations.onset, [0.1, 0.6])


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"sfreq": 200}, "100 rows a second"),
        ({"channels": ("a", "c")}, "no 'c'"),
        ({"label": "klass"}, r"no 'klass'(.|\n)*did you mean 'class'"),
        ({"delimiter": ";"}, "has no 'ms'"),
    ],
)
def test_settings_that_contradict_the_table(
    tmp_path: Path, changes: dict[str, object], found: str
) -> None:
    write(tmp_path, table())
    with pytest.raises(DataError, match=found):
        read(tmp_path, **changes)


def test_time_that_runs_backwards(tmp_path: Path) -> None:
    write(tmp_path, table(ms=np.arange(100)[::-1]))
    with pytest.raises(DataError, match="backwards"):
        read(tmp_path)


def test_a_gap_in_an_even_clock(tmp_path: Path) -> None:
    times = 10 * np.arange(100)
    write(tmp_path, table(ms=times + 20 * (times > 400)))
    with pytest.raises(DataError, match="rows a second"):
        read(tmp_path)


def test_a_row_without_label(tmp_path: Path) -> None:
    write(tmp_path, table(**{"class": ["?", *CODES[1:]]}))
    with pytest.raises(DataError, match="without time or label"):
        read(tmp_path)


def test_a_broken_archive(tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(b"PK no archive")
    with pytest.raises(DataError, match=r"all\.zip: cannot be read"):
        Table.model_validate(SETTINGS).entries(tmp_path)


def test_gestures_of_the_armband(real_data: Path) -> None:
    """The armband makes 200 samples a second, of which the log holds about half."""
    folder = real_data / "emg_gestures"
    reader = Table.model_validate(UCI)
    entries = reader.entries(folder)
    assert len(entries) == 39
    assert len({entry.subject for entry in entries}) == 20
    raw = reader.read(folder, entries[0])
    samples = raw.get_data()
    fresh = np.count_nonzero(np.diff(samples, axis=1).any(axis=0))
    assert 90 < fresh / raw.times[-1] < 115
    assert raw.info["sfreq"] == 200
    assert np.abs(samples).max() == pytest.approx(1.28e-3)
    assert sorted(raw.annotations.description) == sorted(GESTURES * 2)
    assert np.all(raw.annotations.duration > 1)


def test_no_fresh_sample_of_the_armband_is_lost(real_data: Path) -> None:
    folder = real_data / "emg_gestures"
    reader = Table.model_validate(UCI)
    entry = reader.entries(folder)[0]
    path = next(p for p, e in reader._tables(folder).items() if e == entry)
    rows = reader._numbers(folder, entry, path)[list(UCI["channels"])].to_numpy()
    logged = rows[np.append(True, np.diff(rows, axis=0).any(axis=1))]
    found = reader.read(folder, entry).get_data().T
    kept = found[np.append(True, np.diff(found, axis=0).any(axis=1))]
    np.testing.assert_array_equal(kept, logged)
