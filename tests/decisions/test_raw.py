"""A decision from recorded samples is the one that was tested."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import files
from pipeline.decisions import example as examples
from pipeline.decisions.example import example, recorded_input
from pipeline.decisions.raw import Input, RawDecider
from pipeline.decisions.stored import load_example
from pipeline.errors import ConfigError, DataError
from pipeline.training.cell import TrainedCell
from tests import raw_cell

KINDS = [
    ("never", raw_cell.ISI), ("windows", raw_cell.ISI), ("never", raw_cell.DELTA),
]  # fmt: skip
ALL = pytest.mark.parametrize("checkout", KINDS, indirect=True)


@pytest.fixture(scope="module")
def checkouts() -> dict[str, Path]:
    """Checkouts of cells by kind; filled by `checkout`."""
    return {}


@pytest.fixture
def checkout(
    request: pytest.FixtureRequest,
    checkouts: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    restart, encoder = getattr(request, "param", KINDS[0])
    key = f"{restart} {encoder['name']}"
    if key not in checkouts:
        checkouts[key] = tmp_path_factory.mktemp("checkout")
        monkeypatch.chdir(checkouts[key])
        raw_cell.write(encoder, restart)
    monkeypatch.chdir(checkouts[key])
    return checkouts[key]


def decider() -> RawDecider:
    cell = TrainedCell.open(raw_cell.CELL)
    return RawDecider(cell, recorded_input(cell))


def volts(name: str, stop: int | None = None) -> np.ndarray:
    """Read a recording as (1, time, channel)."""
    path = files.folder("recordings", raw_cell.DATASET) / f"{name}_raw.fif"
    return files.load_recording(path).get_data(stop=stop).T[None]


@ALL
def test_samples_until_a_decision_give_what_testing_gave(checkout: Path) -> None:
    """Of every window but those that end after their recording.

    A network that runs on decides once three steps, its stride, are complete.
    """
    cell, decide = TrainedCell.open(raw_cell.CELL), decider().decide
    lag = 10 if cell.encoder.own_name == "isi" else 0  # a frame
    tested = files.load_table(cell.folder / "predictions.parquet")
    windows = cell.table.set_index("window")
    rows = tested[tested["window"] % 21 < 20].iloc[::6]
    assert len(rows) > 5
    for row in rows.itertuples():
        stop = windows.at[row.window, "stop"]
        if cell.network.restarts == "never":
            stop = next(n for n in range(stop, stop + 3) if (n - 10) % 3 == 0)
        samples = 2 * (stop + lag - 1) + 1
        found = decide(volts(row.recording, samples), row.fold)
        np.testing.assert_allclose(
            found[["p_calm", "p_busy"]].to_numpy()[0],
            [row.p_calm, row.p_busy],
            rtol=1e-5,
        )
        assert found["predicted"].tolist() == [row.predicted]


def test_excerpts_of_a_batch_do_not_see_each_other(checkout: Path) -> None:
    both = np.concatenate([volts("r1", 900), volts("r2", 900)])
    together = decider().decide(both)
    alone = [decider().decide(one[None]) for one in both]
    for k, each in enumerate(alone):
        assert together.iloc[[k]].reset_index(drop=True).equals(each)


def test_nothing_after_its_last_sample_matters_and_each_fold_differs(
    checkout: Path,
) -> None:
    first, other = (decider().decide(volts("r1", 900), fold) for fold in (1, 3))
    assert decider().decide(volts("r1", 900)).equals(first)
    assert not first.equals(other)
    assert not decider().decide(volts("r1", 930)).equals(first)


def test_a_limited_memory_begins_later(checkout: Path) -> None:
    """At least a window before the decision: 0.4 s of 7."""
    found = {
        memory_s: remembering(memory_s).decide(volts("r1", 1800))
        for memory_s in (None, 60.0, 1.0, 0.4, 0.1)
    }
    assert found[None].equals(found[60.0])
    assert found[0.4].equals(found[0.1])
    assert not found[1.0].equals(found[60.0])
    assert not found[1.0].equals(found[0.4])


def remembering(memory_s: float | None) -> RawDecider:
    cell = TrainedCell.open(raw_cell.CELL)
    settings = {**cell.run["settings"], "windows": {"memory_s": memory_s}}
    limited = replace(cell, run={**cell.run, "settings": settings})
    return RawDecider(limited, recorded_input(cell))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fold": 9}, "9 is no fold of this model\n  expected: one of 1, 3"),
        ({"recorded": np.zeros((1, 900, 3))}, "shape (1, 900, 3)"),
        ({"recorded": np.zeros((900, 2))}, "shape (900, 2)"),
        ({"recorded": np.zeros((0, 900, 2))}, "0 excerpts"),
        ({"recorded": np.full((1, 900, 2), np.nan)}, "1800 samples are no finite"),
        ({"recorded": np.zeros((1, 20, 2))}, "0 steps of spikes"),
        ({"recorded": np.zeros((1, 41, 2))}, "1 steps of spikes"),
        ({"sfreq": 0.0}, "0.0 samples a second"),
        ({"sfreq": np.nan}, "nan samples a second"),
    ],
)
def test_what_it_cannot_take_is_refused(
    checkout: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError) as caught:
        decider().decide(**{"recorded": np.zeros((1, 900, 2)), **change})
    assert words in str(caught.value)


def test_a_rate_below_the_filters_is_refused(checkout: Path) -> None:
    with pytest.raises(ConfigError, match="40 Hz, in a recording of 60"):
        decider().decide(np.zeros((1, 900, 2)), sfreq=60.0)


@ALL
def test_the_example_of_simulated_recordings_is_a_tested_decision(
    checkout: Path,
) -> None:
    chosen = example(decider())
    cell = TrainedCell.open(raw_cell.CELL)
    tested = files.load_table(cell.folder / "predictions.parquet")
    number = int(chosen.origin.rpartition(" ")[2])
    (row,) = tested[tested["window"] == number].itertuples()
    assert chosen.fold == row.fold == 1
    assert (chosen.truth, chosen.tested) == (row.label, row.predicted)
    assert chosen.truth == chosen.tested  # one is right
    (found,) = decider().decide(chosen.recorded, 1).to_dict("records")
    assert found["p_busy"] == pytest.approx(row.p_busy, rel=1e-5)
    mine = tested[(tested["fold"] == 1) & (tested["label"] == tested["predicted"])]
    usable = mine[mine["window"] % 21 < 20]  # the last one ends after its recording
    assert max(row.p_busy, row.p_calm) == usable[["p_busy", "p_calm"]].max(axis=1).max()


def test_an_example_is_short(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "MOST_VALUES", 1000)
    assert example(decider()).recorded.size <= 1000
    monkeypatch.setattr(examples, "MOST_VALUES", 2)
    assert "made up" in example(decider()).origin


@pytest.mark.parametrize("frame_s", [0.08, 0.8])
def test_patients_are_no_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame_s: float
) -> None:
    """Also where the code lags by more than a window."""
    monkeypatch.chdir(tmp_path)
    raw_cell.write({**raw_cell.ISI, "frame_s": frame_s}, source="folder")
    chosen = example(decider())
    assert chosen.origin == "a random walk, made up from a seed"
    assert chosen.truth == chosen.tested == ""
    assert len(decider().decide(chosen.recorded, chosen.fold)) == 1


def test_what_profile_keeps_of_it(checkout: Path) -> None:
    about, recorded = load_example(raw_cell.CELL)
    chosen = example(decider())
    np.testing.assert_array_equal(recorded, chosen.recorded)
    found = decider().decide(recorded, about["example"]["fold"])
    assert found.to_dict("records") == [about["example"]["expected"]]
    assert about["example"]["truth"] == chosen.truth
    assert about["channels"] == ["a", "b"]
    assert about["classes"] == list(raw_cell.LABELS)


def test_cells_that_take_more_than_samples_have_no_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    raw_cell.write(raw_cell.ISI, "blocks")
    about, recorded = load_example(raw_cell.CELL)
    assert "no device" in about["absent"]
    assert recorded.size == 0
    shutil.rmtree("data/signals")
    with pytest.raises(DataError, match="there are no prepared signals here"):
        decider()


def test_the_commonest_rate_is_taken(checkout: Path) -> None:
    assert decider().takes == Input(("a", "b"), 250.0)
