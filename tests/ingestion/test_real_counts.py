"""Windows of the real data sets, counted again from their files by other means."""

import io
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pandas as pd
import pytest
import scipy.io
import wfdb

from pipeline import config, files
from pipeline.ingestion.codes import AAMI
from stages import Stage, fetch, ingest, prepare

ROOT = Path(__file__).parents[2]


@pytest.fixture
def windows_of(real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run an entry of params.yaml as far as its windows."""
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(real_data))
    monkeypatch.delenv("DVC_ROOT", raising=False)
    params = config.read(ROOT / "params.yaml")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "checksums").symlink_to(ROOT / "data" / "checksums")
    monkeypatch.chdir(tmp_path)

    def run(dataset: str) -> pd.DataFrame:
        for module in (fetch, ingest, prepare):
            name = module.__name__.rpartition(".")[2]
            names = {"dataset": dataset}
            module.main(Stage(name, names, module.SECTIONS, params))
        return files.load_table(files.folder("windows", dataset) / "windows.parquet")

    return run


def counts(windows: pd.DataFrame) -> dict[str, int]:
    return {str(k): int(n) for k, n in windows["label"].value_counts().items()}


def sliding(length_s: float, window_s: float, step_s: float, skip_s: float) -> int:
    return max(0, int((length_s - skip_s - window_s) / step_s + 1e-9) + 1)


def test_beats_of_ds1(windows_of: Any, real_data: Path) -> None:
    expected: Counter[str] = Counter()
    for header in (real_data / "mitdb").glob("*.hea"):
        symbols = wfdb.rdann(str(header.with_suffix("")), "atr").symbol
        expected.update(AAMI[symbol] for symbol in symbols if symbol in AAMI)
    windows = windows_of("mitdb_ds1")
    assert counts(windows) == expected
    used = windows[windows["reason"] == ""]
    assert len(used) == sum(expected.values()) - expected["Q"] == 51_013


def gesture_blocks(real_data: Path) -> list[tuple[int, float]]:
    """Runs of one code in the armband's tables: code and seconds."""
    (path,) = (real_data / "emg_gestures").glob("*.zip")
    blocks = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".txt") or "raw_data" not in name:
                continue
            table = pd.read_csv(io.BytesIO(archive.read(name)), sep="\t")
            table = table.dropna()
            time, code = table["time"].to_numpy() / 1e3, table["class"].to_numpy()
            first = np.flatnonzero(np.diff(code, prepend=-1))
            stop = np.append(time[first[1:]], time[-1])
            blocks += list(
                zip(code[first].astype(int), stop - time[first], strict=True)
            )
    return blocks


def test_gestures(windows_of: Any, real_data: Path) -> None:
    names = ["", "rest", "fist", "flexion", "extension", "radial", "ulnar"]
    expected: Counter[str] = Counter()
    for code, seconds in gesture_blocks(real_data):
        if 0 < code < len(names):
            expected[names[code]] += sliding(seconds, 0.5, 0.125, 0.25)
    windows = windows_of("emg_gestures")
    used = counts(windows[windows["reason"] == ""])
    assert sum(used.values()) == 4_050
    assert used == expected


def test_mental_arithmetic(windows_of: Any, real_data: Path) -> None:
    expected: Counter[str] = Counter()
    for path in (real_data / "eegmat").glob("*.edf"):
        signals = edfio.read_edf(path).signals
        eeg = [
            s.data for s in signals if s.label.startswith("EEG") and "A2" not in s.label
        ]
        lively = np.flatnonzero(np.diff(np.stack(eeg), axis=1).any(axis=0))
        # The last data records are filled up with one value.
        before = lively[1:][np.diff(lively) < 100]
        name = {"1": "rest", "2": "arithmetic"}[path.stem[-1]]
        expected[name] += sliding((before[-1] + 2) / 500, 2, 1, 2)
    windows = windows_of("eegmat")
    assert (windows["reason"] == "").all()
    assert counts(windows) == expected
    assert len(windows) == 2_802


def test_sequences_of_events(windows_of: Any, real_data: Path) -> None:
    """Steps without a class count as the first, as in the published figures."""
    windows = windows_of("qtdb")
    assert (windows["reason"] == "").all()
    assert (windows["subject"] == "").all()
    folds = files.load_table(files.folder("windows", "qtdb") / "folds.parquet")
    roles = folds.merge(windows, on="window").groupby("role")["segment"].unique()
    assert list(roles["validation"]) == list(range(494, 618))
    assert list(roles["train"]) == list(range(494))
    names = np.array(["P", "PQ", "QR", "RS", "ST", "TP"])
    for part, n_sequences in (("train", 618), ("test", 141)):
        y = scipy.io.loadmat(real_data / "qtdb" / f"QTDB_{part}.mat")["y"]
        own = windows[windows["recording"] == part]
        assert list(own["label"]) == list(names[y.argmax(axis=2).ravel()])
        assert list(own["stop"]) == list(range(1, 1301 * n_sequences + 1))
        assert list(own["segment"]) == [k for k in range(n_sequences) for _ in y[k]]
