"""The clock stage judges what needs no signal, by a data set's windows and folds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import config, files
from pipeline.evaluation.clock import measure
from stages import Stage
from stages import clock as module

PARAMS = Path(__file__).parents[1] / "params.yaml"
LABELS = ["N", "V"]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Six recordings, each N first and V after, in two folds."""
    monkeypatch.chdir(tmp_path)
    window = np.arange(240)
    subject = pd.Series([f"s{k}" for k in window // 40])
    columns = {
        "window": window,
        "recording": subject,
        "subject": subject,
        "label": np.where(window % 40 < 20, "N", "V"),
        "onset_s": window % 40 + 0.5,
        "reason": "",
    }
    folds = [
        pd.DataFrame({"window": window, "fold": k, "role": role})
        for k in range(2)
        for role in [np.where(window // 120 == k, "test", "train")]
    ]
    folder = files.folder("windows", "ecg_demo")
    files.save_table(folder / "windows.parquet", pd.DataFrame(columns))
    files.save_table(folder / "folds.parquet", pd.concat(folds))
    # The files' own seed and labels count, whatever params.yaml has become since.
    files.save_json(folder / "settings.json", {"labels": LABELS, "seed": 7})
    names = {"dataset": "ecg_demo"}
    return Stage("clock", names, module.SECTIONS, config.load(PARAMS))


def test_it_keeps_what_was_measured(stage: Stage) -> None:
    printed = module.main(stage)
    assert printed.startswith("prior 0.500, clock 1.000")
    folder = files.folder("clock", "ecg_demo")
    assert {path.name for path in folder.iterdir()} == {
        "clock.json",
        "predictions.parquet",
        "subjects.csv",
    }
    tables = files.folder("windows", "ecg_demo")
    expected = measure(
        files.load_table(tables / "windows.parquet"),
        files.load_table(tables / "folds.parquet"),
        LABELS,
        settings=stage.read("evaluation"),
        seed=7,
    )
    assert files.load_json(folder / "clock.json") == expected.metrics
    predictions = files.load_table(folder / "predictions.parquet")
    pd.testing.assert_frame_equal(predictions, expected.predictions, check_dtype=False)
    subjects = pd.read_csv(folder / "subjects.csv")
    assert subjects["subject"].tolist() == [f"s{k}" for k in range(6)]
    assert subjects["trees"].tolist() == [1.0] * 6


def test_made_again_it_has_the_same_bytes(stage: Stage) -> None:
    folder = files.folder("clock", "ecg_demo")
    found = []
    for _ in range(2):
        module.main(stage)
        found.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert found[0] == found[1]


def test_a_run_that_fails_leaves_what_was_there(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    module.main(stage)
    folder = files.folder("clock", "ecg_demo")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail(path: Path, table: pd.DataFrame) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(files, "save_csv", fail)
        with pytest.raises(OSError, match="disk full"):
            module.main(stage)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["ecg_demo"]
    module.main(stage)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not (files.UNFINISHED / "clock" / "ecg_demo").exists()
