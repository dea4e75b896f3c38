"""Simulated motor imagery EEG: rhythms, artefacts, units and bytes."""

from pathlib import Path

import mne
import mne_bids
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.sources.base import Fetched
from pipeline.sources.synthetic_eeg import SCALP, SyntheticEeg

SOURCE = SyntheticEeg(subjects=4)
SUBJECTS = ("01", "02", "03", "04")
SEED = 5


def fetch(source: SyntheticEeg, folder: Path, seed: int, workers: int = 1) -> Fetched:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOSPIKE_WORKERS", str(workers))
        return source.fetch(folder, seed=seed)


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fetched]:
    folder = tmp_path_factory.mktemp("eeg")
    return folder, fetch(SOURCE, folder, SEED)


def read(folder: Path, subject: str) -> mne.io.BaseRaw:
    path = mne_bids.BIDSPath(
        root=folder, subject=subject, task="imagery", datatype="eeg"
    )
    return mne_bids.read_raw_bids(path, verbose="error")


def trials(folder: Path, subject: str) -> tuple[NDArray[np.float64], np.ndarray]:
    """What was recorded from 0.8 to 3.0 s after each cue, and the cue."""
    raw = read(folder, subject)
    sfreq, samples = raw.info["sfreq"], raw.get_data()
    starts = np.round((raw.annotations.onset + 0.8) * sfreq).astype(int)
    pieces = [samples[:, start : start + round(2.2 * sfreq)] for start in starts]
    return np.array(pieces), np.array([str(cue) for cue in raw.annotations.description])


def band_power(pieces: np.ndarray, low: float, high: float) -> NDArray[np.float64]:
    """Log power of a band, shape (trial, channel)."""
    power = np.abs(np.fft.rfft(pieces * np.hanning(pieces.shape[2]))) ** 2
    hertz = np.fft.rfftfreq(pieces.shape[2], 1 / 160)
    return np.asarray(np.log(power[..., (hertz >= low) & (hertz <= high)].sum(axis=2)))


def across_subjects(values: list[np.ndarray], labels: list[np.ndarray]) -> float:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    hits = []
    for out in range(len(values)):
        train = [k for k in range(len(values)) if k != out]
        model = LinearDiscriminantAnalysis().fit(
            np.concatenate([values[k] for k in train]),
            np.concatenate([labels[k] for k in train]),
        )
        hits.append(model.score(values[out], labels[out]))
    return float(np.mean(hits))


def test_tree_reads_back_in_volts_with_cues(fetched: tuple[Path, Fetched]) -> None:
    raw = read(fetched[0], "01")
    assert raw.ch_names == list(SCALP)
    assert set(raw.get_channel_types()) == {"eeg"}
    assert raw.info["sfreq"] == 160
    assert raw.info["line_freq"] == 50
    assert raw.get_montage() is not None
    assert 3e-6 < raw.get_data(picks=["C3"]).std() < 3e-5
    labels = list(raw.annotations.description)
    assert labels.count("left") == labels.count("right") == 24
    assert np.allclose(raw.annotations.duration, 3)
    assert np.diff(raw.annotations.onset).min() > 3.5


def test_imagery_quiets_the_opposite_side(fetched: tuple[Path, Fetched]) -> None:
    c3, c4 = list(SCALP).index("C3"), list(SCALP).index("C4")
    for low, high in ((8, 14), (17, 28)):
        differences = []
        for subject in SUBJECTS:
            pieces, cues = trials(fetched[0], subject)
            power = band_power(pieces, low, high)
            lateral = power[:, c3] - power[:, c4]
            left, right = lateral[cues == "left"], lateral[cues == "right"]
            differences.append(left.mean() - right.mean())
        assert min(differences) > 0.15


def test_band_power_predicts_the_hand_and_means_do_not(
    fetched: tuple[Path, Fetched],
) -> None:
    cut = [trials(fetched[0], subject) for subject in SUBJECTS]
    labels = [cues for _, cues in cut]
    power = [np.hstack([band_power(p, 8, 14), band_power(p, 17, 28)]) for p, _ in cut]
    means = [1e6 * pieces.mean(axis=2) for pieces, _ in cut]
    assert 0.7 < across_subjects(power, labels) < 0.97
    assert 0.38 < across_subjects(means, labels) < 0.62


def test_blinks_are_frontal_and_mains_is_there(fetched: tuple[Path, Fetched]) -> None:
    samples = read(fetched[0], "01").get_data()
    largest = np.abs(samples).max(axis=1)
    frontal, central = list(SCALP).index("Fp1"), list(SCALP).index("Cz")
    assert largest[frontal] > 2.5 * largest[central]
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.shape[1]))) ** 2
    hertz = np.fft.rfftfreq(samples.shape[1], 1 / 160)
    at_mains = power[:, np.abs(hertz - 50) < 0.1].max(axis=1)
    beside = power[:, np.abs(np.abs(hertz - 50) - 3) < 1].mean(axis=1)
    assert (at_mains > 10 * beside).all()


def test_background_is_pink(fetched: tuple[Path, Fetched]) -> None:
    """Power 1/f gives a band from f to g about log(g / f): 0.69 and 0.41 here."""
    pieces, _ = trials(fetched[0], "02")
    vertex = pieces[:, [list(SCALP).index("Cz")]]
    ratio = np.mean(band_power(vertex, 2, 4) - band_power(vertex, 30, 45))
    assert ratio == pytest.approx(np.log(0.69 / 0.41), abs=0.5)


def test_one_or_two_workers_same_bytes_other_seed_other_bytes(
    fetched: tuple[Path, Fetched], tmp_path: Path
) -> None:
    pair = SyntheticEeg(subjects=2)
    again = fetch(pair, tmp_path / "again", SEED, workers=2).files
    recordings = [name for name in again if name.startswith("sub-")]
    assert [again[n] for n in recordings] == [fetched[1].files[n] for n in recordings]
    other = fetch(pair, tmp_path / "other", SEED + 1).files
    edf = "sub-01/eeg/sub-01_task-imagery_eeg.edf"
    assert other[edf] != again[edf]


def test_the_default_set_is_small(fetched: tuple[Path, Fetched]) -> None:
    folder, delivered = fetched
    held = sum((folder / name).stat().st_size for name in delivered.files)
    share = SOURCE.subjects / SyntheticEeg().subjects
    assert held / share < 12e6
