"""Ingest: what is kept of a recording, what is refused, and what a second run does."""

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import mne
import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from pipeline import files, unfinished
from pipeline.errors import DataError
from pipeline.ingestion import catalogue
from pipeline.ingestion.reading import Intake
from pipeline.ingestion.recordings import ingest, inspect
from pipeline.ingestion.values import Values
from pipeline.readers.base import Content, Origin, Reader
from pipeline.readers.mne import Mne
from pipeline.readers.table import Table

READER = Table(
    time="s",
    channels=["a", "b"],
    channel_type="emg",
    unit="mV",
    sfreq=200,
    line_freq=50,
)
LABEL = {"from": "column", "key": "class", "map": {1: "rest", 2: "fist"}}
VALUES = Values.model_validate({"label": LABEL})


def values(**settings: Any) -> Values:
    return Values.model_validate({"label": LABEL} | settings)


def write(raw: Path, name: str, *, nan: bool = False, codes: tuple = (0, 1, 2)) -> None:
    rng = np.random.default_rng(list(name.encode()))
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


def manifest_of(raw: Path, **changes: Any) -> dict[str, Any]:
    paths = (path for path in raw.rglob("*") if path.is_file())
    return {
        "root": "",
        "files": {p.relative_to(raw).as_posix(): files.file_digest(p) for p in paths},
        "absent": {},
        "left_out": {},
        "pattern": ["{subject}_{run}.csv"],
        "only": [],
        "except": [],
    } | changes


def run(raw: Path, target: str | Path = "out", **changes: Any) -> pd.DataFrame:
    """Ingest the tables of a folder."""
    described = {
        key: changes.pop(key) for key in ("absent", "pattern") if key in changes
    }
    intake = Intake(changes.pop("reader", READER), changes.pop("values", VALUES))
    settings: dict[str, Any] = {
        "manifest": manifest_of(raw, **described),
        "labels": ["rest", "fist"],
        "code": "one",
    } | changes
    done = ingest(intake, raw, raw.parent / target, **settings)
    return catalogue.table(done.rows)


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in found}


def ages(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.fif")}


def test_a_row_describes_a_recording(raw: Path) -> None:
    table = run(raw, absent={"p3_7.csv": "the mirror lacks it", "p3.txt": "so"})
    assert table["status"].tolist() == ["used"] * 3 + ["absent"]
    row = table.iloc[1]
    assert (row.recording, row.subject, row.session, row.run) == (
        "p1_22",
        "p1",
        "",
        "22",
    )
    assert (row.sfreq, row.duration_s, row.n_channels) == (200, 3, 2)
    lists = [json.loads(row[k]) for k in ("channels", "channel_types", "units")]
    assert lists == [["a", "b"], ["emg", "emg"], ["V", "V"]]
    assert json.loads(row.annotations) == {"fist": 1, "rest": 1}
    assert row.unlabelled == 1
    assert json.loads(row.left_out) == {"no class takes it": 1}
    assert json.loads(row.segments) == [[0, 0.0]]
    assert (row.flat_share, row.clipped_share, row.nan_share) == (0, 0, 0)
    assert row.line_noise_share == pytest.approx(2 / 99, abs=0.04)
    last = table.iloc[3]
    assert (last.recording, last.subject) == ("p3_7", "p3")
    assert last.reason == "the mirror lacks it"
    saved = files.load_table(raw.parent / "out" / "recordings.parquet")
    pd.testing.assert_frame_equal(saved, table)


def test_a_recording_survives_as_float32_with_its_labels(raw: Path) -> None:
    run(raw)
    saved = files.load_recording(raw.parent / "out" / "p2_1_raw.fif")
    frame = pd.read_csv(raw / "p2_1.csv")
    expected = (1e-3 * frame[["a", "b"]].to_numpy()).astype(np.float32).T
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
    names = {"p1_1_raw.fif", "p1_22_raw.fif", "recordings.parquet", "files.json"}
    assert set(contents(out)) == names


def test_other_settings_make_all_again(raw: Path) -> None:
    run(raw)
    made = ages(raw.parent / "out")
    run(raw, reader=READER.model_copy(update={"unit": "uV"}))
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
    before, made = contents(out), ages(out)
    (out / unfinished.NOTES / "p1_1_raw.fif").unlink()
    (out / "p2_1_raw.fif").unlink()
    pd.testing.assert_frame_equal(run(raw), first)
    assert contents(out) == before
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
    assert {path.name for path in target.iterdir()} == {
        *names,
        "recordings.parquet",
        "files.json",
    }


def test_a_bad_recording_ends_the_stage_from_any_process(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    write(raw, "p2_1", nan=True)
    with pytest.raises(DataError) as caught:
        run(raw)
    assert caught.value.where == "p2_1.csv"
    assert "row 302" in caught.value.found


class Broken(Reader):
    """Two channels, of which the second holds no numbers from 1.5 s to 1.515 s."""

    origins: ClassVar[frozenset[str]] = frozenset()

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        samples = np.random.default_rng(0).standard_normal((2, 600))
        samples[1, 300:303] = np.nan
        return Content(
            ("a", "b"),
            ("emg",) * 2,
            200,
            600,
            lambda start, stop: samples[:, start:stop],
        )


def test_samples_that_are_no_numbers_are_refused(raw: Path) -> None:
    constant = {"label": {"from": "constant", "key": "rest"}}
    with pytest.raises(DataError) as caught:
        run(raw, reader=Broken(), values=Values.model_validate(constant))
    assert caught.value.where == "recording p1_1, channel b"
    assert "0.5% of the samples are no numbers, from 1.500 s" in caught.value.found
    assert "causal filter" in caught.value.expected
    assert "on_bad_recording: skip" in caught.value.remedy
    assert "missing: pause" in caught.value.remedy


def test_a_bad_recording_is_listed_when_skipped(raw: Path) -> None:
    write(raw, "p2_1", nan=True)
    table = run(raw, on_bad="skip")
    assert table["status"].tolist() == ["used", "used", "refused"]
    assert "row 302" in table["reason"][2]
    assert not (raw.parent / "out" / "p2_1_raw.fif").exists()


def test_inspect_shows_problems_and_writes_nothing(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(raw.parent)
    write(raw, "p2_1", nan=True)
    write(raw, "odd", codes=(0, 1, 7))
    before = contents(raw)
    done = inspect(Intake(READER, VALUES), raw, manifest_of(raw), ["rest", "fist"])
    assert [row.status for row in done.rows] == ["used", "used", "refused"]
    assert done.unclaimed == {"0": 2}
    assert done.found.left_out == {"odd.csv": "does not fit the pattern"}
    assert contents(raw) == before
    assert [path.name for path in raw.parent.iterdir()] == ["raw"]


def test_files_are_counted_by_reason_and_not_named(raw: Path) -> None:
    write(raw, "Dr-Doe")
    run(raw, absent={"p3_7.csv": "the mirror lacks it"})
    assert files.load_json(raw.parent / "out" / "files.json") == {
        "used": 3,
        "left_out": {"does not fit the pattern": 1},
        "absent": {"the mirror lacks it": 1},
    }


def test_a_list_that_cannot_be_read_is_reported(raw: Path) -> None:
    (raw / "RECORDS").write_bytes(b"\xff\xfep1_1")
    with pytest.raises(DataError, match="RECORDS: cannot be read"):
        run(raw)
    assert run(raw, on_bad="skip")["status"].tolist() == ["used"] * 3
    left_out = files.load_json(raw.parent / "out" / "files.json")["left_out"]
    assert left_out == {"cannot be read": 1}


def test_a_label_that_never_appears(raw: Path) -> None:
    with pytest.raises(DataError, match=r"'pinch'(.|\n)*fist 3, rest 3"):
        run(raw, labels=["rest", "pinch"])


def test_a_recording_without_a_label_is_counted_and_not_kept(raw: Path) -> None:
    write(raw, "p2_1", codes=(5, 6, 7))
    table = run(raw)
    assert table["status"].tolist() == ["used", "used", "unlabelled"]
    assert table["reason"][2] == "no label (no class takes it: 3)"
    assert not (raw.parent / "out" / "p2_1_raw.fif").exists()


def test_two_recordings_of_one_name(raw: Path) -> None:
    (raw / "again").mkdir()
    (raw / "again" / "p1_1.csv").write_bytes((raw / "p1_1.csv").read_bytes())
    with pytest.raises(DataError, match="both are recording 'p1_1'"):
        run(raw)


def test_no_recording_that_can_be_used(raw: Path) -> None:
    for path in raw.glob("*.csv"):
        write(raw, path.stem, nan=True)
    with pytest.raises(DataError, match="used; 3 refused, such as p1_1"):
        run(raw, on_bad="skip")


def test_records_of_one_person_share_the_subject(raw: Path) -> None:
    listed = values(person={"from": "field", "key": "subject", "map": {"p2": "p1"}})
    assert run(raw, values=listed)["subject"].tolist() == ["p1"] * 3
    part = values(person={"from": "field", "key": "run", "match": r"^(\d)"})
    assert run(raw, "part", values=part)["subject"].tolist() == ["1", "2", "1"]
    people = "record,who,age\np1_1,ann,61\np1_22,bob,50\np2_1,ann,61\n"
    (raw / "people.csv").write_text(people)
    sidecar = {"from": "sidecar", "file": "people.csv"}
    table = values(
        person=sidecar | {"key": "who"}, numbers={"age": sidecar | {"key": "age"}}
    )
    found = run(raw, "table", values=table)
    assert found["subject"].tolist() == ["ann", "bob", "ann"]
    assert [json.loads(each)["age"] for each in found["numbers"]] == [61, 50, 61]
    counted = files.load_json(raw.parent / "table" / "files.json")
    assert counted["left_out"] == {}


def test_a_recording_of_nobody_is_refused(raw: Path) -> None:
    nobody = values(person={"from": "field", "key": "run", "match": "x"})
    with pytest.raises(DataError, match="names nobody"):
        run(raw, values=nobody)


def test_persons_may_be_unknown(raw: Path) -> None:
    unknown = values(person={"from": "unknown"})
    assert run(raw, values=unknown)["subject"].tolist() == ["", "", ""]
    with pytest.raises(ValidationError, match="`from: unknown` is for `person`"):
        values(label={"from": "unknown"})


def test_persons_that_differ_in_case_only_are_refused(raw: Path) -> None:
    listed = values(person={"from": "field", "key": "subject", "map": {"p2": "P1"}})
    with pytest.raises(DataError, match="'p1' and 'P1' differ in case"):
        run(raw, values=listed)


def test_a_pause_is_marked_where_segments_meet(raw: Path) -> None:
    frame = pd.read_csv(raw / "p1_1.csv")
    frame.loc[300:, "s"] += 600
    frame.to_csv(raw / "p1_1.csv", index=False)
    row = run(raw).iloc[0]
    assert json.loads(row.segments) == [[0, 0.0], [300, 601.5]]
    assert row.duration_s == 3
    saved = files.load_recording(raw.parent / "out" / "p1_1_raw.fif")
    assert saved.n_times == 600
    marks = list(
        zip(saved.annotations.onset, saved.annotations.description, strict=True)
    )
    assert marks == [(1, "rest"), (1.5, "EDGE boundary"), (1.5, "rest"), (2, "fist")]


def write_fif(path: Path) -> "mne.io.RawArray":
    """Write a recording whose file names a person, a place and a device."""
    info = mne.create_info(["C3", "C4"], 100, "eeg")
    samples = 1e-5 * np.random.default_rng(0).standard_normal((2, 500))
    raw = mne.io.RawArray(samples, info)
    raw.set_meas_date(datetime(1999, 1, 2, tzinfo=UTC))
    person = {"his_id": "X17", "last_name": "Doe", "birthday": date(1918, 5, 1)}
    raw.info["subject_info"] = person
    raw.info["experimenter"], raw.info["description"] = "Dr Who", "ward 9"
    raw.info["device_info"] = {"type": "Amp", "serial": "SN-4711"}
    places = {"C3": [-0.05, 0, 0.1], "C4": [0.05, 0, 0.1]}
    raw.set_montage(mne.channels.make_dig_montage(places, coord_frame="head"))
    texts = ["left", "right", "Doe coughs"]
    raw.set_annotations(mne.Annotations([1.0, 3.0, 3.5], [0.5, 0.0, 0.0], texts))
    raw.crop(tmin=0.5)
    raw.save(path)
    return raw


def test_nothing_of_person_place_or_device_is_copied(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    raw = write_fif(source / "p1_raw.fif")
    listed: Mapping[str, Any] = {
        "label": {"from": "annotation", "map": {"left": "left", "right": "right"}}
    }
    run(
        source,
        reader=Mne(),
        values=Values.model_validate(listed),
        labels=["left", "right"],
        pattern=["{subject}_raw.fif"],
    )
    machine = uuid.getnode().to_bytes(6, "big")
    secrets = (b"X17", b"Doe", b"Dr Who", b"ward", b"SN-4711", b"Amp", machine)
    for path in (tmp_path / "out").rglob("*"):
        written = path.read_bytes() if path.is_file() else b""
        for secret in secrets:
            assert secret not in written, path
            assert secret[::-1] not in written, path
    saved = files.load_recording(tmp_path / "out" / "p1_raw.fif")
    assert saved.info["meas_date"] is None
    assert saved.info["subject_info"] is None
    assert not np.any(saved.info["file_id"]["machid"])
    assert saved.annotations.onset.tolist() == [0.5, 2.5]
    np.testing.assert_allclose(saved.get_data(), raw.get_data(), rtol=1e-6)


def test_a_text_that_is_no_class_never_becomes_one(raw: Path) -> None:
    """Whatever a file holds on a person stays behind, also without a map."""
    for name in ("p1_1", "p1_22", "p2_1"):
        frame = pd.read_csv(raw / f"{name}.csv")
        frame["class"] = np.repeat(["rest", "fist", "Frau Meier zuckt"], 200)
        frame.to_csv(raw / f"{name}.csv", index=False)
    plain = Values.model_validate({"label": {"from": "column", "key": "class"}})
    table = run(raw, values=plain)
    assert [json.loads(each) for each in table["annotations"]] == [
        {"fist": 1, "rest": 1}
    ] * 3
    for path in (raw.parent / "out").rglob("*"):
        assert not path.is_file() or b"Meier" not in path.read_bytes()


def test_what_is_refused_leaves_no_line_of_its_file(raw: Path) -> None:
    text = (raw / "p2_1.csv").read_text().splitlines()
    text[300] = "Anna Meier,1,2,3"
    (raw / "p2_1.csv").write_text("\n".join(text))
    code = {"from": "field", "key": "subject", "map": {"p2": "B"}}
    table = run(raw, on_bad="skip", values=values(person=code))
    last = table.iloc[2]
    assert (last.status, last.subject) == ("refused", "B")
    assert last.reason == "row 301 of the file has no number in column 's'"


def test_a_missing_sidecar_refuses_one_recording(raw: Path) -> None:
    for name in ("p1_1", "p1_22"):
        (raw / f"{name}.json").write_text('{"age": 61}')
    age = {"from": "sidecar", "file": "{stem}.json", "key": "age"}
    table = run(raw, on_bad="skip", values=values(numbers={"age": age}))
    assert table["status"].tolist() == ["used", "used", "refused"]
    assert "is not there" in table["reason"][2]
    with pytest.raises(DataError, match="is not there"):
        run(raw, values=values(numbers={"age": age}))


def test_settings_hold_no_path_and_no_real_names(take_in: Any, raw: Path) -> None:
    code = {"from": "field", "key": "subject", "map": {"p1": "A", "p2": "B"}}
    reader = {"name": "table", "time": "s", "channels": ["a", "b"], "unit": "mV"}
    taken = take_in(
        raw,
        "{subject}_{run}.csv",
        labels=["rest", "fist"],
        reader={**reader, "channel_type": "emg", "sfreq": 200},
        values={"label": LABEL, "person": code},
    )
    assert set(taken.recordings["subject"]) == {"A", "B"}
    settings = taken.folder / "data" / "recordings" / "x" / "settings.json"
    assert str(raw) not in settings.read_text()
    assert "map" not in json.loads(settings.read_text())["values"]["person"]
