"""Simulated armband EMG: gestures, sessions, units and bytes."""

from pathlib import Path

import mne_bids
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.sources.base import Fetched
from pipeline.sources.synthetic_emg import GESTURES, SyntheticEmg

SOURCE = SyntheticEmg(subjects=3)
SEED = 5


def fetch(source: SyntheticEmg, folder: Path, seed: int) -> Fetched:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOSPIKE_WORKERS", "1")
        return source.fetch(folder, seed=seed)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fetched]:
    folder = tmp_path_factory.mktemp("emg")
    return folder, fetch(SOURCE, folder, SEED)


def windows(
    folder: Path, subject: str, session: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.str_]]:
    """Log RMS and mean of each channel, and gesture, of windows of 0.3 s."""
    path = mne_bids.BIDSPath(
        root=folder,
        subject=subject,
        session=session,
        task="gestures",
        datatype="emg",
    )
    raw = mne_bids.read_raw_bids(path, verbose="error")
    samples, length = raw.get_data(), round(0.3 * raw.info["sfreq"])
    pieces, labels = [], []
    for mark in raw.annotations:
        if mark["description"] != "rest":
            start = round((mark["onset"] + 0.5) * raw.info["sfreq"])
            for begin in range(start, start + 7 * length, length):
                pieces.append(samples[:, begin : begin + length])
                labels.append(mark["description"])
    cut = np.array(pieces)
    changes = np.diff(cut, axis=2)
    return np.log(changes.std(axis=2)), 1e6 * cut.mean(axis=2), np.array(labels)


def accuracy(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]
) -> float:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    return float(LinearDiscriminantAnalysis().fit(*train).score(*test))


def across_sessions(folder: Path, feature: int) -> float:
    scores = []
    for subject in ("01", "02", "03"):
        first, second = (windows(folder, subject, s) for s in ("01", "02"))
        scores.append(
            accuracy((first[feature], first[2]), (second[feature], second[2]))
        )
    return float(np.mean(scores))


def within_session(folder: Path, feature: int) -> float:
    scores = []
    for subject in ("01", "02", "03"):
        table = windows(folder, subject, "01")
        values, labels = table[feature], table[2]
        train, test = slice(0, 70), slice(70, None)
        scores.append(
            accuracy((values[train], labels[train]), (values[test], labels[test]))
        )
    return float(np.mean(scores))


def test_tree_reads_back_in_volts_with_events(fetched: tuple[Path, Fetched]) -> None:
    folder, delivered = fetched
    paths = mne_bids.find_matching_paths(folder, extensions=".edf", datatypes="emg")
    assert len(paths) == 6
    raw = mne_bids.read_raw_bids(paths[0], verbose="error")
    assert set(raw.get_channel_types()) == {"emg"}
    assert len(raw.ch_names) == 8
    assert raw.info["sfreq"] == 500
    assert raw.info["line_freq"] == 50
    assert raw.info["meas_date"] is None or raw.info["meas_date"].year == 1985
    assert 1e-5 < raw.get_data().std() < 3e-4
    labels = list(raw.annotations.description)
    assert all(labels.count(gesture) == 3 for gesture in GESTURES)
    held = [m["duration"] for m in raw.annotations if m["description"] != "rest"]
    assert np.allclose(held, 3)
    assert "participants.tsv" in delivered.files
    assert "dataset_description.json" in delivered.files


def test_delivered_files_are_those_of_the_folder(
    fetched: tuple[Path, Fetched],
) -> None:
    folder, delivered = fetched
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    assert {name for name in found if not name.startswith(".inputs/")} == set(
        delivered.files
    )


def test_effort_shows_only_in_holds(fetched: tuple[Path, Fetched]) -> None:
    path = mne_bids.BIDSPath(
        root=fetched[0], subject="01", session="01", task="gestures", datatype="emg"
    )
    raw = mne_bids.read_raw_bids(path, verbose="error")
    rms = {"rest": [], "hold": []}
    for mark in raw.annotations:
        kind = "rest" if mark["description"] == "rest" else "hold"
        middle = mark["onset"] + mark["duration"] / 2
        start = round((middle - 0.25) * 500)
        piece = np.diff(raw.get_data(start=start, stop=start + 250))
        rms[kind].append(piece.std(axis=1).max())
    assert np.min(rms["hold"]) > 2 * np.max(rms["rest"])


def test_the_pattern_of_channel_power_predicts_gestures(
    fetched: tuple[Path, Fetched],
) -> None:
    assert within_session(fetched[0], feature=0) > 0.8
    assert within_session(fetched[0], feature=1) < 0.35


def test_another_session_is_harder_because_of_the_shift(
    fetched: tuple[Path, Fetched], tmp_path: Path
) -> None:
    moved = across_sessions(fetched[0], feature=0)
    assert 0.5 < moved < 0.97
    fetch(SyntheticEmg(subjects=3, shift=0), tmp_path / "unmoved", SEED)
    fetch(SyntheticEmg(subjects=3, shift=2), tmp_path / "far", SEED)
    assert across_sessions(tmp_path / "unmoved", feature=0) > moved
    assert across_sessions(tmp_path / "far", feature=0) < moved - 0.1


def test_same_seed_same_bytes_other_seed_other_bytes(
    fetched: tuple[Path, Fetched], tmp_path: Path
) -> None:
    one = SyntheticEmg(subjects=2)
    again = fetch(one, tmp_path / "again", SEED).files
    recording = "sub-01/ses-01/emg/sub-01_ses-01_task-gestures_emg.edf"
    assert again[recording] == fetched[1].files[recording]
    other = fetch(one, tmp_path / "other", SEED + 1).files
    assert other[recording] != again[recording]


def test_the_default_set_is_small(fetched: tuple[Path, Fetched]) -> None:
    folder, delivered = fetched
    held = sum((folder / name).stat().st_size for name in delivered.files)
    share = SOURCE.subjects / SyntheticEmg().subjects
    assert held / share < 15e6
