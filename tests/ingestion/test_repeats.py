"""One signal under two names, and names that are alike: refused, and stop no other."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.ingestion.archives import View
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.copies import Sketcher
from pipeline.ingestion.found import Entry
from pipeline.ingestion.reading import Inspected
from pipeline.ingestion.repeats import refuse_same_bytes, repeats

ENTRY: dict[str, Any] = {
    "labels": ["rest", "fist"],
    "reader": {"name": "table", "time": "s", "channel_type": "emg", "unit": "mV"},
}
LABEL = {"from": "column", "key": "class", "map": {1: "rest", 2: "fist"}}
ENTRY["values"] = {"label": LABEL}
ENTRY["reader"] |= {"channels": ["a", "b"]}


def frame(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns = {"s": np.arange(600) / 200, "class": np.repeat((0, 1, 2), 200)}
    return pd.DataFrame(columns).assign(
        **dict(zip("ab", rng.normal(size=(2, 600)), strict=True))
    )


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """Recordings of three persons."""
    folder = tmp_path / "in"
    folder.mkdir()
    for seed, name in enumerate(["p1_1", "p1_2", "p2_1", "p3_1"]):
        frame(seed).to_csv(folder / f"{name}.csv", index=False)
    return folder


def encoded_again(raw: Path, name: str) -> None:
    """Write the first recording rounded, from another zero, with other marks."""
    copy = frame(0)
    copy[["a", "b"]] = copy[["a", "b"]].round(2) + 5
    copy["class"] = np.repeat((1, 2, 0), 200)
    copy.to_csv(raw / f"{name}.csv", index=False)


def statuses(taken: Any) -> dict[str, str]:
    table = taken.recordings
    return dict(zip(table["recording"], table["status"], strict=True))


def test_other_signals_are_no_repeats(take_in: Any, raw: Path) -> None:
    taken = take_in(raw, "{subject}_{run}.csv", **ENTRY)
    assert set(statuses(taken).values()) == {"used"}


def test_one_signal_of_two_persons_is_refused_by_both_names(
    take_in: Any, raw: Path
) -> None:
    encoded_again(raw, "p4_1")
    with pytest.raises(DataError) as caught:
        take_in(raw, "{subject}_{run}.csv", **ENTRY)
    assert caught.value.where == "p1_1.csv and p4_1.csv"
    assert "'p1' and 'p4'" in caught.value.found
    assert "unchecked to [copies]" in caught.value.remedy
    taken = take_in(raw, "{subject}_{run}.csv", "skip", **ENTRY)
    refused = {name for name, each in statuses(taken).items() if each == "refused"}
    assert refused == {"p1_1", "p4_1"}
    reasons = taken.recordings.set_index("recording")["reason"]
    assert "neither is kept" in reasons["p1_1"]
    assert "recording p1_1 of person 'p1'" in reasons["p4_1"]
    folder = taken.folder / "data" / "recordings" / "x"
    assert not list(folder.glob("p1_1_raw*"))
    assert (folder / "p1_2_raw.fif").exists()


def test_of_one_signal_of_one_person_the_first_is_kept(take_in: Any, raw: Path) -> None:
    encoded_again(raw, "p1_9")
    with pytest.raises(DataError, match="of person 'p1'"):
        take_in(raw, "{subject}_{run}.csv", **ENTRY)
    taken = take_in(raw, "{subject}_{run}.csv", "skip", **ENTRY)
    assert statuses(taken)["p1_1"] == "used"
    last = taken.recordings.set_index("recording").loc["p1_9"]
    assert (last.status, last.reason) == (
        "refused",
        "holds the same signal as recording p1_1, which is kept",
    )
    reader = {**ENTRY["reader"], "unchecked": ["copies"]}
    taken = take_in(raw, "{subject}_{run}.csv", **{**ENTRY, "reader": reader})
    assert set(statuses(taken).values()) == {"used"}


def test_the_same_bytes_are_refused_before_they_are_read(
    take_in: Any, raw: Path
) -> None:
    (raw / "p4_1.csv").write_bytes((raw / "p1_1.csv").read_bytes())
    with pytest.raises(DataError, match="byte for byte") as caught:
        take_in(raw, "{subject}_{run}.csv", **ENTRY)
    assert caught.value.where == "p1_1.csv and p4_1.csv"
    taken = take_in(raw, "{subject}_{run}.csv", "skip", **ENTRY)
    refused = [name for name, each in statuses(taken).items() if each == "refused"]
    assert refused == ["p1_1", "p4_1"]


def test_recordings_of_one_name_stop_no_other(take_in: Any, raw: Path) -> None:
    for seed, folder in enumerate(["x", "y"], 10):
        (raw / folder).mkdir()
        frame(seed).to_csv(raw / folder / "p5_1.csv", index=False)
    with pytest.raises(DataError, match="both are recording 'p5_1'"):
        take_in(raw, "{subject}_{run}.csv", **ENTRY)
    taken = take_in(raw, "{subject}_{run}.csv", "skip", **ENTRY)
    assert taken.recordings["status"].tolist() == ["used"] * 4 + ["refused"] * 2
    assert taken.recordings["reason"].tolist()[-1] == "both are recording 'p5_1'"


@pytest.mark.parametrize("name", ["P1", "p 1", "p\u200b1", "\uff501", "p1\u00a0"])
def test_persons_that_may_be_one(take_in: Any, raw: Path, name: str) -> None:
    person = {"from": "field", "key": "subject", "map": {"p2": name}}
    entry = {**ENTRY, "values": {**ENTRY["values"], "person": person}}
    with pytest.raises(DataError, match="differ in case, blanks, zeros"):
        take_in(raw, "{subject}_{run}.csv", **entry)
    taken = take_in(raw, "{subject}_{run}.csv", "skip", **entry)
    assert statuses(taken) == {
        "p1_1": "refused",
        "p1_2": "refused",
        "p2_1": "refused",
        "p3_1": "used",
    }


def test_a_header_that_names_another_recordings_signal(
    take_in: Any, tmp_path: Path
) -> None:
    """A copied header, renamed, whose signal file is that of the first."""
    import wfdb

    rng = np.random.default_rng(0)
    raw = tmp_path / "in"
    raw.mkdir()
    for name in ("p1", "p2"):
        samples = 1e-1 * rng.standard_normal((1000, 1))
        wfdb.wrsamp(name, 250, ["mV"], ["II"], samples, fmt=["16"], write_dir=str(raw))
    header = (raw / "p1.hea").read_text()
    (raw / "p3.hea").write_text(header.replace("p1 ", "p3 ", 1))
    entry: dict[str, Any] = {
        "labels": ["a", "b"],
        "reader": {"name": "wfdb", "annotations": None},
    }
    classes = {"p1": "a", "p2": "b", "p3": "a"}
    label = {"from": "field", "key": "subject", "map": classes}
    entry["values"] = {"label": label}
    with pytest.raises(DataError, match="'p1' and 'p3'"):
        take_in(raw, "{subject}.hea", **entry)


def inspected(recording: str, subject: str, seed: int) -> Inspected:
    sketcher = Sketcher(1, 600)
    samples = np.random.default_rng(seed).standard_normal((1, 600))
    list(sketcher.passing([samples]))
    return Inspected(Row(recording, subject), sketch=sketcher.sketch())


def test_three_of_one_signal() -> None:
    persons = ["p1", "p1", "p2", "p2", "p1", "P1"]
    seeds = [1, 1, 2, 2, 1, 3]
    names = [f"r{k}" for k in range(6)]
    entries = [Entry(name, {}, (f"{name}.a",)) for name in names]
    view = View(Path(), {f"{name}.a": name for name in names})
    done = list(map(inspected, names, persons, seeds))
    assert [each.place for each in repeats(entries, done, view)] == [1, 4, 3]
    done[1] = inspected("r1", "p7", 1)
    found = {each.place: each.reason for each in repeats(entries, done, view)}
    assert set(found) == {0, 1, 4, 3}
    assert "which is kept" in found[3]
    assert "neither is kept" in found[0]


def test_short_copies_are_known_by_their_bytes() -> None:
    entries = [Entry(name, {}, (name,)) for name in "abc"]
    view = View(Path(), {"a": "1", "b": "2", "c": "1"})
    done = [Inspected(Row(name, name)) for name in "abc"]
    assert [each.place for each in repeats(entries, done, view)] == [0, 2]
    with pytest.raises(DataError, match="byte for byte"):
        refuse_same_bytes(entries, view)
    refuse_same_bytes(entries[:2], view)
