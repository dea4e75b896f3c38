"""A label from every place, lasting in every way: each a set of its own, written here.

What is expected comes from an independent read of the same files: wfdb, edfio, pandas
and scipy.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import pandas as pd
import pytest
import scipy.io
import wfdb

SFREQ, SECONDS = 100, 60
LENGTH = SFREQ * SECONDS
Marks = list[tuple[float, float, str]]
NAMES = ("p1", "p2", "p3")
NV, CODES = {"N": "N", "V": "V"}, {1: "N", 2: "V"}
ANY = "events blocks spans recording"


def noise(name: str, n_channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(ord(name[-1]))
    return rng.standard_normal((n_channels, LENGTH)).round(4)


def spans(onset: list[float], texts: list[str], end: float) -> Marks:
    return [
        (a, b - a, t) for (a, b), t in zip(pairwise([*onset, end]), texts, strict=True)
    ]


def instants(onset: Any, texts: Any) -> Marks:
    return [(float(a), 0.0, t) for a, t in zip(onset, texts, strict=True)]


# WFDB: symbols, notes and header lines


def write_records(folder: Path) -> dict[str, Any]:
    """Write records with beats A and B, rhythm notes and a diagnosis in the header."""
    folder.mkdir()
    for place, name in enumerate(NAMES):
        marks = [
            (second * SFREQ, "+" if second % 20 == 1 else "NV"[second % 2], note)
            for second in range(1, SECONDS - 1)
            for note in [("(N", "(AFIB")[second // 20 % 2] if second % 20 == 1 else ""]
        ]
        wfdb.wrsamp(
            name, SFREQ, ["mV"] * 2, ["I", "II"], noise(name).T, fmt=["16"] * 2,
            comments=["Age: 61", f"Dx: 59118001,{(426783006, 164889003)[place % 2]}"],
            write_dir=str(folder),
        )  # fmt: skip
        wfdb.wrann(
            name, "atr", np.array([m[0] for m in marks]), [m[1] for m in marks],
            aux_note=[m[2] for m in marks], write_dir=str(folder),
        )  # fmt: skip
    return {
        "pattern": "{subject}.hea",
        "reader": {"name": "wfdb", "unchecked": ["beats"]},
    }


def read_record(folder: Path, name: str) -> tuple[np.ndarray, list[str], list[str]]:
    found = wfdb.rdann(str(folder / name), "atr")
    return found.sample / SFREQ, found.symbol, [n.strip("\0") for n in found.aux_note]


def wfdb_symbols(folder: Path, name: str, lasts: str) -> Marks:
    onset, symbols, _ = read_record(folder, name)
    if lasts == "recording":
        return [(0, SECONDS, "N")]
    if lasts == "spans":  # '+' takes no class, and ends a span as any mark does
        every = spans(list(onset), symbols, SECONDS)
        return [each for each in every if each[2] in "NV"]
    return [each for each in instants(onset, symbols) if each[2] in "NV"]


def wfdb_notes(folder: Path, name: str, lasts: str) -> Marks:
    onset, _, notes = read_record(folder, name)
    noted = [
        (float(a), {"(N": "N", "(AFIB": "V"}[n])
        for a, n in zip(onset, notes, strict=True)
        if n
    ]
    if lasts == "recording":
        return [(0, SECONDS, "N")]
    if lasts == "events":
        return [(a, 0, n) for a, n in noted]
    return spans([a for a, _ in noted], [n for _, n in noted], SECONDS)


def wfdb_diagnosis(folder: Path, name: str, lasts: str) -> Marks:
    (line,) = (c for c in wfdb.rdheader(str(folder / name)).comments if "Dx" in c)
    return [(0, SECONDS, "V" if "164889003" in line else "N")]


# Tables: columns and header lines


def write_tables(folder: Path) -> dict[str, Any]:
    """Write tables whose column `state` changes every ten seconds, `who` never."""
    folder.mkdir()
    for place, name in enumerate(NAMES):
        frame = pd.DataFrame(noise(name).T, columns=["a", "b"])
        frame.insert(0, "time", np.arange(LENGTH) / SFREQ)
        frame["state"] = np.repeat([1.0, 2.0, 1.7], LENGTH // 3)
        frame["who"] = ("N", "V", "N")[place]
        text = f"# group: {('N', 'V', 'N')[place]}\n" + frame.to_csv(index=False)
        (folder / f"{name}.csv").write_text(text)
    reader = {
        "name": "table", "time": "time", "channels": ["a", "b"], "unit": "mV",
        "channel_type": "ecg", "comment": "#",
    }  # fmt: skip
    return {"pattern": "{subject}.csv", "reader": reader}


def table_column(folder: Path, name: str, lasts: str) -> Marks:
    frame = pd.read_csv(folder / f"{name}.csv", comment="#")
    if lasts == "recording":
        return [(0, SECONDS, "N")]  # 1 comes first in the map
    first = frame.loc[frame["state"].diff() != 0, ["time", "state"]]
    named = [{1.0: "N", 2.0: "V"}.get(code, "") for code in first["state"]]
    if lasts == "events":
        return [each for each in instants(first["time"], named) if each[2]]
    every = spans(first["time"].tolist(), named, SECONDS)
    return [each for each in every if each[2]]


def table_constant(folder: Path, name: str, lasts: str) -> Marks:
    return [(0, SECONDS, pd.read_csv(folder / f"{name}.csv", comment="#")["who"][0])]


def table_header(folder: Path, name: str, lasts: str) -> Marks:
    line = (folder / f"{name}.csv").read_text().splitlines()[0]
    return [(0, SECONDS, line.split(": ")[1])]


# EDF+ and BIDS: annotations, columns of events and sidecars


def write_edf(path: Path, name: str, annotations: Marks) -> None:
    signals = [
        edfio.EdfSignal(row, SFREQ, label=f"EEG C{k}", physical_dimension="uV")
        for k, row in enumerate(noise(name))
    ]
    marks = [edfio.EdfAnnotation(*mark) for mark in annotations]
    edfio.Edf(signals, annotations=marks, data_record_duration=1).write(path)


SLEEP: Marks = [(0, 20, "N"), (20, 10, "V"), (30, 25, "N"), (55, 5, "movement")]


def write_edfs(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    for name in NAMES:
        write_edf(folder / f"{name}.edf", name, SLEEP)
    return {"pattern": "{subject}.edf", "reader": {"name": "mne"}}


def edf_annotations(folder: Path, name: str, lasts: str) -> Marks:
    found = edfio.read_edf(folder / f"{name}.edf").annotations
    every = [(a.onset, a.duration or 0.0, a.text) for a in found]
    if lasts == "recording":
        return [(0, SECONDS, "N")]
    if lasts == "events":
        every = [(a, 0, c) for a, _, c in every]
    if lasts == "spans":
        every = spans([a for a, _, _ in every], [c for _, _, c in every], SECONDS)
    return [each for each in every if each[2] in "NV"]


def write_bids(folder: Path) -> dict[str, Any]:
    """Write a BIDS tree of patients and controls, with two columns of events."""
    folder.mkdir()
    (folder / "dataset_description.json").write_text(
        '{"Name": "x", "BIDSVersion": "1.8.0"}'
    )
    groups = "".join(f"sub-{n}\t{6 * k}0\t{'NV'[k % 2]}\n" for k, n in enumerate(NAMES))
    (folder / "participants.tsv").write_text("participant_id\tage\tgroup\n" + groups)
    for place, name in enumerate(NAMES):
        home = folder / f"sub-{name}" / "eeg"
        home.mkdir(parents=True)
        write_edf(home / f"sub-{name}_task-x_eeg.edf", name, [])
        rows = "".join(f"{10 * k + 1}\t4\tgo\t{'NV'[k % 2]}\n" for k in range(5))
        text = "onset\tduration\ttrial_type\tside\n" + rows
        (home / f"sub-{name}_task-x_events.tsv").write_text(text)
        sidecar = {
            "TaskName": "x",
            "State": {"Fed": "NV"[place % 2]},
            "SamplingFrequency": SFREQ,
        }
        (home / f"sub-{name}_task-x_eeg.json").write_text(json.dumps(sidecar))
    pattern = "sub-{subject}/eeg/sub-{subject}_task-x_eeg.edf"
    return {"pattern": pattern, "reader": {"name": "mne"}}


def bids_column(folder: Path, name: str, lasts: str) -> Marks:
    path = folder / f"sub-{name}/eeg/sub-{name}_task-x_events.tsv"
    table = pd.read_csv(path, sep="\t")
    if lasts == "recording":
        return [(0, SECONDS, "N")]
    if lasts == "spans":
        return spans(table["onset"].tolist(), table["side"].tolist(), SECONDS)
    duration = table["duration"] * (lasts == "blocks")
    return list(zip(table["onset"], duration, table["side"], strict=True))


def bids_participants(folder: Path, name: str, lasts: str) -> Marks:
    table = pd.read_csv(folder / "participants.tsv", sep="\t", index_col=0)
    return [(0, SECONDS, table.loc[f"sub-{name}", "group"])]


def bids_sidecar(folder: Path, name: str, lasts: str) -> Marks:
    path = folder / f"sub-{name}/eeg/sub-{name}_task-x_eeg.json"
    return [(0, SECONDS, json.loads(path.read_text())["State"]["Fed"])]


# Arrays: variables


def write_arrays(folder: Path) -> dict[str, Any]:
    """Write MATLAB files with a label for each sample, and one for all."""
    folder.mkdir()
    for place, name in enumerate(NAMES):
        content = {
            "signal": noise(name),
            "state": np.repeat([0, 1, 2], LENGTH // 3)[None],
            "group": place % 2 + 1,
        }
        scipy.io.savemat(folder / f"{name}.mat", content)
    reader = {
        "name": "array", "variable": "signal", "sfreq": SFREQ, "unit": "uV",
        "channel_type": "eeg",
    }  # fmt: skip
    return {"pattern": "{subject}.mat", "reader": reader}


def array_samples(folder: Path, name: str, lasts: str) -> Marks:
    state = scipy.io.loadmat(folder / f"{name}.mat")["state"].ravel()
    if lasts == "recording":
        return [(0, SECONDS, "N")]
    first = np.flatnonzero(np.diff(state, prepend=-1))
    named = [CODES.get(code, "") for code in state[first]]
    if lasts == "events":
        every = instants(first / SFREQ, named)
    else:
        every = spans((first / SFREQ).tolist(), named, SECONDS)
    return [each for each in every if each[2]]


def array_scalar(folder: Path, name: str, lasts: str) -> Marks:
    group = scipy.io.loadmat(folder / f"{name}.mat")["group"].item()
    return [(0, SECONDS, "NV"[group - 1])]


# Names, tables beside, and what needs no file


def write_named(folder: Path) -> dict[str, Any]:
    """Write raw files whose number modulo 2 is the gesture, and events beside."""
    folder.mkdir()
    for k, name in enumerate(NAMES):
        samples = (100 * noise(name)).astype("<i2")
        (folder / f"{name}_g{k + 4}.bin").write_bytes(samples.T.tobytes())
        rows = "".join(f"{8 * k + 2},3,{'NV'[k % 2]}\n" for k in range(6))
        (folder / f"{name}_log.csv").write_text("onset,duration,kind\n" + rows)
    reader = {
        "name": "array", "dtype": "<i2", "n_channels": 2, "sfreq": SFREQ, "unit": "uV",
        "channel_type": "emg",
    }  # fmt: skip
    return {"pattern": "{subject}_g{number}.bin", "reader": reader}


def named_field(folder: Path, name: str, lasts: str) -> Marks:
    (path,) = folder.glob(f"{name}_g*.bin")
    return [(0, SECONDS, "NV"[int(path.stem[-1]) % 2])]


def named_log(folder: Path, name: str, lasts: str) -> Marks:
    table = pd.read_csv(folder / f"{name}_log.csv")
    if lasts == "recording":
        return [(0, SECONDS, "N")]
    if lasts == "spans":
        return spans(table["onset"].tolist(), table["kind"].tolist(), SECONDS)
    duration = table["duration"] * (lasts == "blocks")
    return list(zip(table["onset"], duration, table["kind"], strict=True))


def constant(folder: Path, name: str, lasts: str) -> Marks:
    return [(0, SECONDS, "N")]


Write, Expect = Callable[[Path], dict[str, Any]], Callable[[Path, str, str], Marks]
PLACES: list[tuple[Write, dict[str, Any], Expect, str]] = [
    (
        write_records,
        {"from": "annotation", "map": NV},
        wfdb_symbols,
        "events spans recording",
    ),
    (
        write_records,
        {"from": "note", "map": {"(N": "N", "(AFIB": "V"}},
        wfdb_notes,
        "events spans recording",
    ),
    (
        write_records,
        {
            "from": "header",
            "key": "Dx",
            "split": ",",
            "map": {164889003: "V", 426783006: "N"},
        },
        wfdb_diagnosis,
        "recording",
    ),
    (write_tables, {"from": "column", "key": "state", "map": CODES}, table_column, ANY),
    (
        write_tables,
        {"from": "column", "key": "who"},
        table_constant,
        "recording blocks",
    ),
    (write_tables, {"from": "header", "key": "group"}, table_header, "recording"),
    (write_edfs, {"from": "annotation", "map": NV}, edf_annotations, ANY),
    (write_bids, {"from": "column", "key": "side", "map": NV}, bids_column, ANY),
    (
        write_bids,
        {"from": "sidecar", "file": "participants.tsv", "key": "group"},
        bids_participants,
        "recording",
    ),
    (
        write_bids,
        {"from": "sidecar", "file": "{stem}.json", "key": "State.Fed"},
        bids_sidecar,
        "recording",
    ),
    (
        write_arrays,
        {"from": "variable", "key": "state", "map": CODES},
        array_samples,
        ANY,
    ),
    (
        write_arrays,
        {"from": "variable", "key": "group", "map": CODES},
        array_scalar,
        "recording",
    ),
    (
        write_named,
        {"from": "field", "key": "number", "modulo": 2, "map": {0: "N", 1: "V"}},
        named_field,
        "recording",
    ),
    (
        write_named,
        {"from": "sidecar", "file": "{subject}_log.csv", "key": "kind", "map": NV},
        named_log,
        ANY,
    ),
    (write_named, {"from": "constant", "key": "N"}, constant, "recording"),
]


@pytest.mark.parametrize(
    ("write", "label", "expect", "lasts"),
    [
        pytest.param(
            write, label, expect, each, id=f"{label['from']}-{expect.__name__}-{each}"
        )
        for write, label, expect, every in PLACES
        for each in every.split()
    ],
)
def test_labels_are_those_of_an_independent_read(
    tmp_path: Path,
    take_in: Any,
    write: Write,
    label: dict[str, Any],
    expect: Expect,
    lasts: str,
) -> None:
    folder = tmp_path / "clinic"
    entry = write(folder)
    expected = {name: expect(folder, name, lasts) for name in NAMES}
    seen = {label for marks in expected.values() for _, _, label in marks}
    taken = take_in(
        folder, labels=sorted(seen), values={"label": {**label, "as": lasts}}, **entry
    )
    subjects = taken.recordings.set_index("recording")["subject"]
    assert subjects.tolist() == list(NAMES)
    for recording, subject in subjects.items():
        found, wanted = taken.marks(str(recording)), expected[subject]
        assert [mark[2] for mark in found] == [mark[2] for mark in wanted]
        times = [[mark[:2] for mark in marks] for marks in (found, wanted)]
        np.testing.assert_allclose(times[0], times[1], atol=1e-4)
