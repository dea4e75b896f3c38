"""de Chazal's split of MIT-BIH, on a synthetic tree of DS1 and DS2."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from ruamel.yaml import YAML

from pipeline import config, files
from stages import Stage, fetch, ingest, prepare

ROOT = Path(__file__).parents[1]
SFREQ, SECONDS = 360, 24
BEATS = "NNANNVNNFN" * 2


def write_record(folder: Path, name: str) -> None:
    """Write a record with a beat a second; 114 has its leads swapped."""
    rng = np.random.default_rng(int(name))
    peaks = (np.arange(len(BEATS)) + 3) * SFREQ
    signal = rng.normal(0, 0.02, (SFREQ * SECONDS, 2))
    shape = np.exp(-0.5 * (np.arange(-20, 21) / 5) ** 2)
    for peak in peaks:
        signal[peak - 20 : peak + 21] += shape[:, None]
    leads = ["V5", "MLII"] if name == "114" else ["MLII", "V1"]
    wfdb.wrsamp(
        name, SFREQ, ["mV", "mV"], leads, signal, fmt=["212"] * 2, write_dir=str(folder)
    )
    wfdb.wrann(name, "atr", peaks, list(BEATS), write_dir=str(folder))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """Run the `mitdb` entry of params.yaml over the tree, as far as the folds."""
    folder = tmp_path_factory.mktemp("mitdb")
    sections = YAML(typ="safe").load(ROOT / "params.yaml")
    # The tree is synthetic: it has none of the published digests.
    sections["datasets"]["mitdb"]["source"] |= {"checksums": None, "published": None}
    params = config.Params(sections)
    folds = params.read("datasets.mitdb.folds")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BIOSPIKE_WORKERS", "1")
        patch.setenv("BIOSPIKE_MIRROR", str(folder / "mirror"))
        (folder / "mirror" / "mitdb").mkdir(parents=True)
        for name in (*folds.train, *folds.test, "102"):
            write_record(folder / "mirror" / "mitdb", name)
        return run(params)


def run(params: config.Params) -> dict[str, pd.DataFrame]:
    for module in (fetch, ingest, prepare):
        name = module.__name__.rpartition(".")[2]
        module.main(Stage(name, {"dataset": "mitdb"}, module.SECTIONS, params))
    recordings = files.folder("recordings", "mitdb") / "recordings.parquet"
    folder = files.folder("windows", "mitdb")
    windows = files.load_table(folder / "windows.parquet")
    roles = files.load_table(folder / "folds.parquet").merge(windows, on="window")
    return {"recordings": files.load_table(recordings), "roles": roles}


def test_all_44_records_are_used_and_one_person_counts_once(
    prepared: dict[str, pd.DataFrame],
) -> None:
    recordings = prepared["recordings"].set_index("recording")
    assert (recordings["status"] == "used").sum() == 44
    assert recordings.loc["202", "subject"] == recordings.loc["201", "subject"]
    assert recordings["subject"].nunique() == 43
    assert set(recordings["channels"]) == {'["MLII", "chest"]'}


def test_all_of_ds2_is_tested_and_201_is_in_no_training(
    prepared: dict[str, pd.DataFrame],
) -> None:
    folds = config.load(ROOT / "params.yaml").read("datasets.mitdb.folds")
    roles = prepared["roles"]
    assert set(roles["fold"]) == {0}
    tested = roles.loc[roles["role"] == "test", "recording"]
    learned = roles.loc[roles["role"] != "test", "recording"]
    assert set(tested) == set(folds.test)
    assert set(learned) == set(folds.train) - {"201"}
    assert set(roles["role"]) == {"train", "validation", "test"}
    assert (roles.groupby("subject")["role"].nunique() == 1).all()
