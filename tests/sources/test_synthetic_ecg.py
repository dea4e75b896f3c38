"""Simulated ECGs: rhythm, shapes, units and bytes."""

from pathlib import Path

import numpy as np
import pytest
import wfdb

from pipeline.sources.base import Fetched
from pipeline.sources.synthetic_ecg import SyntheticEcg

SOURCE = SyntheticEcg(subjects=3, minutes=3)
SEED = 5


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fetched]:
    folder = tmp_path_factory.mktemp("ecg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIOSPIKE_WORKERS", "1")
        return folder, SOURCE.fetch(folder, seed=SEED)


@pytest.fixture
def folder(fetched: tuple[Path, Fetched]) -> Path:
    return fetched[0]


def rhythm(folder: Path, subject: str) -> tuple[np.ndarray, np.ndarray]:
    beats = wfdb.rdann(str(folder / subject), "atr")
    return beats.sample, np.array(beats.symbol)


def ratios(folder: Path, symbols: str) -> tuple[np.ndarray, np.ndarray]:
    """Intervals before and after ectopic beats, over the four before."""
    early, pause = [], []
    for subject in ("s01", "s02", "s03"):
        peaks, kinds = rhythm(folder, subject)
        intervals = np.diff(peaks)
        for k in np.flatnonzero(np.isin(kinds, list(symbols))):
            if 5 <= k < len(intervals):
                usual = np.median(intervals[k - 4 : k - 1])
                early.append(intervals[k - 1] / usual)
                pause.append(intervals[k] / usual)
    return np.array(early), np.array(pause)


def test_delivers_what_a_clinic_would(fetched: tuple[Path, Fetched]) -> None:
    folder, delivered = fetched
    records = (folder / "RECORDS").read_text().split()
    assert records == ["s01", "s02", "s03"]
    named = {f"{record}.{end}" for record in records for end in ("hea", "dat", "atr")}
    assert set(delivered.files) == named | {"RECORDS"}
    assert delivered.absent == {}


def test_header_states_leads_units_and_no_date(folder: Path) -> None:
    record = wfdb.rdrecord(str(folder / "s01"))
    assert record.sig_name == ["MLII", "V1"]
    assert record.units == ["mV", "mV"]
    assert record.fs == 250
    assert record.sig_len == 3 * 60 * 250
    assert record.base_date is None
    assert record.base_time is None


def test_every_subject_has_all_kinds_of_beats(folder: Path) -> None:
    for subject in ("s01", "s02", "s03"):
        _, kinds = rhythm(folder, subject)
        assert set(kinds) <= set("NAaV")
        assert np.isin(kinds, ["A", "a"]).sum() >= 5
        assert (kinds == "V").sum() >= 4
        assert (kinds == "N").mean() > 0.75


def test_ventricular_beats_are_early_and_fully_compensated(folder: Path) -> None:
    early, pause = ratios(folder, "V")
    assert np.median(early) < 0.85
    assert np.median(early + pause) == pytest.approx(2, abs=0.06)


def test_atrial_beats_are_early_and_reset_the_clock(folder: Path) -> None:
    early, pause = ratios(folder, "Aa")
    assert np.median(early) < 0.9
    assert np.median(pause) == pytest.approx(1.06, abs=0.05)
    assert np.median(early + pause) < 1.97


@pytest.mark.parametrize("subject", ["s01", "s02", "s03"])
def test_annotations_stand_on_the_peaks(folder: Path, subject: str) -> None:
    """Within 12 ms of lead II's R peak, in nearly all beats that have an R wave."""
    samples = wfdb.rdrecord(str(folder / subject)).p_signal[:, 0]
    peaks, kinds = rhythm(folder, subject)
    near = np.arange(-20, 21)
    for kind in "NA":
        beats = samples[peaks[kinds == kind][1:, None] + near]
        found = near[np.argmax(beats, axis=1)]
        assert np.mean(np.abs(found) <= 3) > 0.95


def test_ventricular_beats_have_another_shape(folder: Path) -> None:
    for subject in ("s01", "s02", "s03"):
        samples = wfdb.rdrecord(str(folder / subject)).p_signal
        peaks, kinds = rhythm(folder, subject)
        around = np.arange(-30, 31)
        means = [
            (samples[peaks[kinds == kind][1:-1, None] + around]).mean(axis=0)
            for kind in "NAV"
        ]
        normal, atrial, ventricular = (mean.T.ravel() for mean in means)
        assert np.corrcoef(normal, atrial)[0, 1] > 0.9
        assert np.corrcoef(normal, ventricular)[0, 1] < 0.85


def test_window_means_predict_little(folder: Path) -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

    means, labels, subjects = [], [], []
    for subject in ("s01", "s02", "s03"):
        samples = wfdb.rdrecord(str(folder / subject)).p_signal
        for peak, kind in zip(*rhythm(folder, subject), strict=True):
            if 500 <= peak < len(samples) - 100:
                means.append(samples[peak - 500 : peak + 100].mean(axis=0))
                labels.append({"a": "A"}.get(kind, kind))
                subjects.append(subject)
    model = LinearDiscriminantAnalysis(priors=np.full(3, 1 / 3))
    predicted = cross_val_predict(
        model, np.array(means), labels, groups=subjects, cv=LeaveOneGroupOut()
    )
    assert balanced_accuracy_score(labels, predicted) < 0.5


def test_subjects_differ(folder: Path) -> None:
    rates = [np.median(np.diff(rhythm(folder, s)[0])) for s in ("s01", "s02", "s03")]
    assert np.ptp(rates) > 10
    signals = [wfdb.rdrecord(str(folder / s)).p_signal for s in ("s01", "s02")]
    assert not np.allclose(*signals)


def test_another_seed_gives_other_bytes(
    fetched: tuple[Path, Fetched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    same = SOURCE.fetch(tmp_path / "same", seed=SEED)
    other = SOURCE.fetch(tmp_path / "other", seed=SEED + 1)
    assert same == fetched[1]
    assert other.files["s01.dat"] != same.files["s01.dat"]


def test_the_default_set_is_small(fetched: tuple[Path, Fetched]) -> None:
    folder, delivered = fetched
    held = sum((folder / name).stat().st_size for name in delivered.files)
    share = (
        SOURCE.subjects
        / SyntheticEcg().subjects
        * SOURCE.minutes
        / SyntheticEcg().minutes
    )
    assert held / share < 4e6
