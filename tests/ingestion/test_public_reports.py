"""Inputs from public bug reports that went wrong here, with the right answers.

The files are made by the reports' own scripts, where those lie beside the checkout.
"""

import re
import runpy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pytest

from pipeline.errors import DataError

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases"
SIGNAL = {"l_freq": 1, "h_freq": 40, "scale": {"tau_s": 10, "floor": 1e-6}}
SLIDING = {"kind": "sliding", "length_s": 2, "step_s": 1}
FOUR = {"scheme": "cross_subject", "n_folds": 4}
PREPARED = {"signal": SIGNAL, "windows": SLIDING, "folds": FOUR}
RUNS = {"from": "field", "key": "run", "map": {1: "rest", 2: "task"}}
EEG = {
    "pattern": "{subject}_{run}.edf",
    "labels": ["rest", "task"],
    "reader": {"name": "mne", "channels": ["C3", "C4"], "line_freq": 50},
    "values": {"label": RUNS},
}
TRIALS = {
    "pattern": "sub-{subject}/eeg/sub-{subject}_task-mi_eeg.edf",
    "labels": ["left", "right"],
    "reader": {"name": "mne"},
    "values": {"label": {"from": "annotation"}},
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make the files of a case, once."""
    if not CASES.is_dir():
        pytest.skip(f"no public reports: {CASES} is not there")
    root = tmp_path_factory.mktemp("cases")
    shutil.copy(CASES / "_edf.py", root)

    def make(case: str) -> Path:
        if not (root / case).exists():
            shutil.copytree(CASES / case, root / case)
            runpy.run_path(str(root / case / "make.py"))
        return root / case / "mirror"

    return make


def microvolts(taken: Any, recording: str) -> np.ndarray:
    return np.asarray(taken.raw(recording).get_data() * 1e6)


def test_no_window_lies_over_a_pause(mirror: Any, take_in: Any) -> None:
    taken = take_in(mirror("01-edf-discontinuous") / "gap_edf", **EEG, **PREPARED)
    windows = taken.table("windows").query("reason == ''")
    first = windows[windows["recording"] == "P1_1"]
    assert set(first["segment"]) == {0, 1}
    onset = first["onset_s"].to_numpy()
    assert ((onset + 2 <= 30) | (onset >= 630)).all()
    assert len(windows) == 8 * 2 * 29
    level = microvolts(taken, "P1_1").mean(axis=0)
    assert abs(level[:3000].mean()) < 5 < 190 < level[3000:].mean()


def test_without_a_pause_the_recording_is_one(mirror: Any, take_in: Any) -> None:
    control = mirror("01-edf-discontinuous") / "gap_edf_control"
    windows = take_in(control, **EEG, **PREPARED).table("windows")
    assert len(windows.query("reason == ''")) == 472
    assert set(windows["segment"]) == {0}


def test_events_after_a_pause_lie_on_their_bursts(mirror: Any, take_in: Any) -> None:
    taken = take_in(mirror("01-edf-discontinuous") / "gap_bids", **TRIALS)
    samples = microvolts(taken, "01")[0]
    marks = [mark for mark in taken.marks("01") if mark[2] in ("left", "right")]
    assert len(marks) == 10
    freqs = np.fft.rfftfreq(200, 0.01)
    for onset, _, label in marks:
        begin = round(onset * 100)
        power = np.abs(np.fft.rfft(samples[begin : begin + 200]))
        assert freqs[1 + power[1:].argmax()] == {"left": 10, "right": 20}[label]


@pytest.mark.parametrize("name", ["u_ok", "u_nv", "u_utf8", "u_case"])
def test_units_are_read_however_written(mirror: Any, take_in: Any, name: str) -> None:
    taken = take_in(mirror("04-edf-units") / name, **EEG)
    assert microvolts(taken, "P1_1").std() == pytest.approx(29.9, abs=0.2)


def test_a_blank_unit_asks_for_one(mirror: Any, take_in: Any) -> None:
    blank = mirror("04-edf-units") / "u_blank"
    with pytest.raises(DataError, match="unit") as caught:
        take_in(blank, **EEG)
    assert "unit" in caught.value.remedy
    stated = EEG | {"reader": {**EEG["reader"], "unit": "uV"}}  # type: ignore[dict-item]
    assert microvolts(take_in(blank, **stated), "P1_1").std() == pytest.approx(
        29.9, abs=0.2
    )


def test_bids_states_a_unit_that_the_file_lacks(mirror: Any, take_in: Any) -> None:
    folder = mirror("04-edf-units") / "u_blank_bids"
    taken = take_in(folder, **TRIALS)
    file = folder / "sub-01/eeg/sub-01_task-mi_eeg.edf"
    expected = edfio.read_edf(file).signals[0].data.std()
    assert microvolts(taken, "01")[0].std() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["rc_minus1", "rc_longer", "rc_note"])
def test_sixty_records_are_read(mirror: Any, take_in: Any, name: str) -> None:
    taken = take_in(mirror("05-edf-record-count") / name, **EEG)
    assert taken.recordings["duration_s"].tolist() == [60] * 8
    assert microvolts(taken, "P1_1").std() == pytest.approx(30, abs=1)


def emg(**reader: Any) -> dict[str, Any]:
    settings = {"name": "table", "channel_type": "emg", "sfreq": 200} | reader
    return {
        "pattern": "{subject}.csv",
        "labels": ["one", "two"],
        "reader": settings,
        "values": {
            "label": {
                "from": "column",
                "key": reader.get("key", "gesture"),
                "map": {1: "one", 2: "two"},
            }
        },
    }


def blocks(n: int) -> list[tuple[float, float, str]]:
    return [(2.5 * k, 2.5, ("one", "two")[k % 2]) for k in range(n)]


@pytest.mark.parametrize(
    ("name", "time", "places"),
    [("td_shift", "device_s", (2, 3)), ("td_common", "time", (1, 2))],
)
def test_columns_keep_their_names(
    mirror: Any, take_in: Any, name: str, time: str, places: tuple[int, int]
) -> None:
    folder = mirror("08-trailing-delimiter") / name
    reader = {"time": time, "channels": ["flexor", "extensor"], "unit": "uV"}
    taken = take_in(folder, **emg(**reader))
    lines = (folder / "S1.csv").read_text().splitlines()[1:]
    rows = np.array([line.rstrip(",").split(",") for line in lines], float)
    np.testing.assert_allclose(microvolts(taken, "S1"), rows[:, places].T, rtol=1e-5)
    assert taken.marks("S1") == blocks(8)


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("dc_all", {"unit_row": True}),
        ("dc_utf8", {"unit_row": True}),
        ("dc_nounits", {"unit": "uV"}),
        ("dc_intclock", {"unit": "uV", "time_unit": "ms"}),
    ],
)
def test_a_european_export_is_read(
    mirror: Any, take_in: Any, name: str, more: dict[str, Any]
) -> None:
    folder = mirror("09-decimal-comma") / name
    reader = {"decimal": ",", "time": "Zeit", "channels": ["Beuger", "Strecker"]}
    entry = emg(**reader, **more)
    entry["values"]["label"]["key"] = "Geste"
    taken = take_in(folder, **entry)
    text = (folder / "S1.csv").read_bytes().decode("latin-1").splitlines()
    kept = [line for line in text[1:] if re.match(r"\d", line)]
    expected = np.array(
        [[float(each.replace(",", ".")) for each in line.split(";")] for line in kept]
    )
    assert len(expected) == 4000
    np.testing.assert_allclose(microvolts(taken, "S1"), expected[:, 1:3].T, rtol=1e-5)
    assert taken.marks("S1") == blocks(8)


def test_events_with_decimal_commas(mirror: Any, take_in: Any) -> None:
    taken = take_in(mirror("09-decimal-comma") / "dc_events", **TRIALS)
    onsets = [onset for onset, _, _ in taken.marks("01")]
    assert onsets == [2.5 + 4 * k for k in range(9)]


@pytest.mark.parametrize("name", ["rhythm_only", "rhythm_beats"])
def test_rhythm_lasts_until_the_next_note(mirror: Any, take_in: Any, name: str) -> None:
    taken = take_in(
        mirror("11-wfdb-rhythm-notes") / name,
        "{subject}.hea",
        labels={"sinus": "sinus rhythm", "af": "atrial fibrillation"},
        reader={"name": "wfdb", "line_freq": 60},
        values={"label": {"from": "note", "map": {"(N": "sinus", "(AFIB": "af"}}},
    )
    expected = [(0.02 + 30 * k, 30, ("sinus", "af")[k % 2]) for k in range(3)]
    assert taken.marks("r01") == [*expected, (90.02, 29.98, "af")]
    assert len(taken.recordings) == 4


def test_a_subject_may_have_a_run_less(mirror: Any, take_in: Any) -> None:
    pattern = "sub-{subject}/eeg/sub-{subject}_task-mi_run-{run}_eeg.edf"
    entry = TRIALS | {"pattern": pattern}
    taken = take_in(mirror("13-missing-run") / "mr", **entry)
    assert taken.recordings["status"].tolist() == ["used"] * 7
    counts = taken.recordings["subject"].value_counts().to_dict()
    assert counts == {"01": 2, "02": 2, "03": 1, "04": 2}


@pytest.mark.parametrize("name", ["ptb", "ptb_same"])
def test_records_of_a_patient_are_one_person(
    mirror: Any, take_in: Any, name: str
) -> None:
    taken = take_in(
        mirror("15-records-of-one-patient") / name,
        "{subject}/{record}.hea",
        labels=["N", "V"],
        reader={"name": "wfdb", "line_freq": 50},
        values={"label": {"from": "annotation"}},
        signal={**SIGNAL, "sfreq": 125},
        windows={"kind": "beats", "beats": "annotated", "tmin": -0.5, "tmax": 0.5},
        folds=FOUR,
    )
    assert len(taken.recordings) == 12
    windows = taken.table("windows")
    patient = windows["recording"].str.extract(r"^(patient\d+)_")[0]
    assert patient.nunique() == 4
    joined = taken.table("folds").merge(windows.assign(patient=patient), on="window")
    roles = joined.groupby(["fold", "patient"])["role"].nunique()
    assert len(roles) == 16
    assert (roles == 1).all()


def test_no_file_vanishes(mirror: Any, take_in: Any) -> None:
    taken = take_in(mirror("17-names-off-pattern") / "np", **EEG)
    assert taken.recordings["recording"].tolist() == ["P1_1", "P1_2", "P2_1", "P2_2"]
    assert "6 files left out" in taken.ingested
    assert "its name can be read in several ways: 4" in taken.ingested
    assert "fits the pattern but for upper and lower case: 2" in taken.ingested
