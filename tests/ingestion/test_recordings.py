"""Ingest: what is kept of a recording, what is refused, and what a second run does."""

import json
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

from pipeline import files, unfinished
from pipeline.errors import DataError
from pipeline.ingestion.recordings import deidentify, ingest, inspect
from pipeline.readers.table import Table

SETTINGS = {
    "pattern": "{subject}_{run}.csv",
    "delimiter": ",",
    "time": "s",
    "channels": ("a", "b"),
    "channel_type": "emg",
    "label": "class",
    "labels": {1: "rest", 2: "fist"},
    "sfreq": 200,
    "line_freq": 50,
}
READER = Table.model_validate(SETTINGS)


def write(raw: Path, name: str, *, nan: bool = False, codes: tuple = (0, 1, 2)) -> None:
    rng = np.random.default_rng(len(name))
    frame = pd.DataFrame({"s": np.arange(600) / 200, "class": np.repeat(codes, 200)})
    frame[["a", "b"]] = rng.standard_normal((600, 2)).round(3)
    if nan:
        frame.loc[300:302, "b"] = np.nan
    raw.mkdir(exist_ok=True)
    frame.to_csv(raw / f"{name}.csv", index=False)


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    for name in ("p1_1", "p1_22", "p2_1"):
        write(tmp_path / "raw", name)
    return tmp_path / "raw"


def run(raw: Path, target: str | Path = "out", **changes: object) -> pd.DataFrame:
    files_of_raw = {path.name: files.file_digest(path) for path in raw.glob("*.csv")}
    settings = {
        "reader": READER,
        "raw": raw,
        "target": raw.parent / target,
        "digests": files_of_raw,
        "absent": {},
        "labels": ["rest", "fist"],
        "code": "one",
    }
    return ingest(**settings | changes)


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in found}


def ages(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.fif")}


def test_a_row_says_what_a_recording_is(raw: Path) -> None:
    table = run(raw, absent={"p3": "not delivered"})
    assert table["status"].tolist() == ["used"] * 3 + ["absent"]
    row = table.iloc[1]
    assert (row.recording, row.subject, row.session, row.run) == (
        "p1_22",
        "p1",
        "",
        "22",
    )
    assert (row.sfreq, row.duration_s, row.n_channels) == (200, 3, 2)
    told = [json.loads(row[k]) for k in ("channels", "channel_types", "units")]
    assert told == [["a", "b"], ["emg", "emg"], ["V", "V"]]
    assert json.loads(row.annotations) == {"fist": 1, "rest": 1}
    assert row.unlabelled == 1
    assert (row.flat_share, row.clipped_share, row.nan_share) == (0, 0, 0)
    assert row.line_noise_share == pytest.approx(2 / 99, rel=0.5)
    last = table.iloc[3]
    assert (last.recording, last.subject, last.reason) == ("", "p3", "not delivered")
    saved = files.load_table(raw.parent / "out" / "recordings.parquet")
    pd.testing.assert_frame_equal(saved, table)


def test_a_recording_survives_as_float32_with_its_labels(raw: Path) -> None:
    run(raw)
    saved = files.load_recording(raw.parent / "out" / "p2_1_raw.fif")
    frame = pd.read_csv(raw / "p2_1.csv")
    expected = frame[["a", "b"]].to_numpy(np.float32).T
    np.testing.assert_array_equal(saved.get_data().astype(np.float32), expected)
    assert saved.annotations.description.tolist() == ["rest", "fist"]
    np.testing.assert_allclose(saved.annotations.onset, [1, 2])
    np.testing.assert_allclose(saved.annotations.duration, [1, 1])
    assert saved.info["line_freq"] == 50


def test_same_bytes_on_any_number_of_workers(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(raw, "one")
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    run(raw, "two")
    assert contents(raw.parent / "one") == contents(raw.parent / "two")


def test_a_second_run_keeps_every_file(raw: Path) -> None:
    first = run(raw)
    made, bytes_made = ages(raw.parent / "out"), contents(raw.parent / "out")
    pd.testing.assert_frame_equal(run(raw), first)
    assert ages(raw.parent / "out") == made
    assert contents(raw.parent / "out") == bytes_made


def test_only_what_changed_is_made_again(raw: Path) -> None:
    run(raw)
    out = raw.parent / "out"
    made = ages(out)
    write(raw, "p1_22", codes=(1, 0, 2))
    (raw / "p2_1.csv").unlink()
    run(raw)
    assert ages(out)["p1_1_raw.fif"] == made["p1_1_raw.fif"]
    assert ages(out)["p1_22_raw.fif"] > made["p1_22_raw.fif"]
    names = {"p1_1_raw.fif", "p1_22_raw.fif", "recordings.parquet"}
    assert set(contents(out)) == names


def test_other_settings_make_all_again(raw: Path) -> None:
    run(raw)
    made = ages(raw.parent / "out")
    run(raw, reader=READER.model_copy(update={"unit_v": 1e-3}))
    assert all(age > made[name] for name, age in ages(raw.parent / "out").items())


def test_other_code_makes_all_again(raw: Path) -> None:
    run(raw, code="one")
    out = raw.parent / "out"
    made = ages(out)
    run(raw, code="other")
    other = ages(out)
    assert all(age > made[name] for name, age in other.items())
    run(raw, code="other")
    assert ages(out) == other


def test_a_run_killed_between_file_and_note(raw: Path) -> None:
    first = run(raw)
    out = raw.parent / "out"
    whole, made = contents(out), ages(out)
    (out / unfinished.NOTES / "p1_1_raw.fif").unlink()
    (out / "p2_1_raw.fif").unlink()
    pd.testing.assert_frame_equal(run(raw), first)
    assert contents(out) == whole
    again = {name for name, age in ages(out).items() if age > made[name]}
    assert again == {"p1_1_raw.fif", "p2_1_raw.fif"}


def test_a_run_that_a_bad_recording_ended_goes_on(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was good is kept; the output is recordings and their table alone."""
    monkeypatch.chdir(raw.parent)
    target = files.folder("recordings", "demo")
    write(raw, "p2_1", nan=True)
    with pytest.raises(DataError), unfinished.finishing(target) as work:
        run(raw, target=work)
    made = ages(work)
    assert set(made) == {"p1_1_raw.fif", "p1_22_raw.fif"}
    assert not target.exists()
    write(raw, "p2_1")
    with unfinished.finishing(target) as work:
        table = run(raw, target=work)
    assert table["status"].tolist() == ["used"] * 3
    assert {name: ages(target)[name] for name in made} == made
    names = {f"{name}_raw.fif" for name in table["recording"]}
    assert {path.name for path in target.iterdir()} == {*names, "recordings.parquet"}


def test_a_nan_channel_ends_the_stage_from_any_process(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    write(raw, "p2_1", nan=True)
    with pytest.raises(DataError) as caught:
        run(raw)
    assert caught.value.where == "recording p2_1, channel b"
    assert "0.5% of the samples are no numbers, from 1.500 s" in caught.value.found
    assert "causal filter" in caught.value.expected
    assert "on_bad_recording: skip" in caught.value.remedy


def test_a_bad_recording_is_listed_when_skipped(raw: Path) -> None:
    write(raw, "p2_1", nan=True)
    table = run(raw, on_bad="skip")
    assert table["status"].tolist() == ["used", "used", "refused"]
    assert "no numbers" in table["reason"][2]
    assert not (raw.parent / "out" / "p2_1_raw.fif").exists()


def test_inspect_tells_of_problems_and_writes_nothing(raw: Path) -> None:
    write(raw, "p2_1", nan=True)
    before = contents(raw)
    assert inspect(raw, READER)["status"].tolist() == ["used", "used", "refused"]
    assert contents(raw) == before
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]


def test_a_label_that_never_appears(raw: Path) -> None:
    with pytest.raises(DataError, match=r"'pinch'(.|\n)*fist 3, rest 3"):
        run(raw, labels=["rest", "pinch"])


def test_two_recordings_of_one_name(raw: Path) -> None:
    (raw / "again").mkdir()
    (raw / "again" / "p1_1.csv").write_bytes((raw / "p1_1.csv").read_bytes())
    with pytest.raises(DataError, match="2 recordings are called 'p1_1'"):
        run(raw)


def test_no_recording_that_can_be_used(raw: Path) -> None:
    for path in raw.glob("*.csv"):
        write(raw, path.stem, nan=True)
    with pytest.raises(DataError, match="all 3 recordings are refused"):
        run(raw, on_bad="skip")


def test_nothing_of_person_place_or_device_is_copied(tmp_path: Path) -> None:
    info = mne.create_info(["C3", "C4"], 100, "eeg")
    raw = mne.io.RawArray(np.random.default_rng(0).standard_normal((2, 500)), info)
    raw.set_meas_date(datetime(1999, 1, 2, tzinfo=UTC))
    person = {"his_id": "X17", "last_name": "Doe", "birthday": date(1918, 5, 1)}
    raw.info["subject_info"] = person
    raw.info["experimenter"], raw.info["description"] = "Dr Who", "ward 9"
    raw.info["device_info"] = {"type": "Amp", "serial": "SN-4711"}
    places = {"C3": [-0.05, 0, 0.1], "C4": [0.05, 0, 0.1]}
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    raw.set_annotations(mne.Annotations([1.0, 3.0], [0.5, 0.0], ["left", "right"]))
    raw.crop(tmin=0.5)

    path = tmp_path / "x_raw.fif"
    files.save_recording(path, deidentify(raw))
    told = path.read_bytes()
    machine = uuid.getnode().to_bytes(6, "big")
    for secret in (b"X17", b"Doe", b"Dr Who", b"ward", b"SN-4711", b"Amp", machine):
        assert secret not in told
        assert secret[::-1] not in told
    saved = files.load_recording(path)
    assert saved.info["meas_date"] is None
    assert saved.info["subject_info"] is None
    assert not np.any(saved.info["file_id"]["machid"])
    assert saved.annotations.onset.tolist() == [0.5, 2.5]
    np.testing.assert_allclose(saved.get_data(), raw.get_data(), rtol=1e-6)
