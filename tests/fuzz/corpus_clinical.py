"""Items in the clinic's formats: WFDB, EDF, BDF, BrainVision, BIDS."""

import json
from collections.abc import Iterator

import numpy as np

from tests.fuzz import writing
from tests.fuzz.items import Files, Item, Mark
from tests.fuzz.signals import ecg, noise

PEOPLE = ("A", "B")
BEATS = {"N": "normal", "V": "ectopic"}
GAINS = {80: 100, 310: 400, 311: 400, 8: 100}
"""Of formats in whose range 200 steps a millivolt do not fit, or waste it."""
STAGES = {"rest": "rest", "task": "task"}


def entry(
    pattern: str, reader: dict[str, object], label: dict[str, object], **more: object
) -> dict[str, object]:
    """Write the entry of an item."""
    classes = list(dict.fromkeys(label["map"].values()))  # type: ignore[attr-defined]
    return {
        "source": {"pattern": pattern},
        "reader": reader,
        "values": {"label": label, **more},
        "labels": classes,
    }


def items() -> Iterator[Item]:
    """Make all of them."""
    for fmt in (8, 16, 24, 32, 61, 80, 160, 212, 310, 311):
        yield beats(fmt)
    yield segments()
    yield rhythms()
    yield diagnoses()
    yield edf_plain()
    yield edf_notes(bdf=False)
    yield edf_notes(bdf=True)
    yield edf_pauses()
    yield brainvision(floats=False)
    yield brainvision(floats=True)
    yield bids()
    yield bids_groups()


def beats(fmt: int) -> Item:
    """A record of one signal format, with beats."""
    files: Files = {}
    for who in PEOPLE:
        volts, at = ecg(f"{who}{fmt}", 20, 125)
        gain = GAINS.get(fmt, 200)
        files |= writing.wfdb_record(who, ["II", "V1"], 1e3 * volts, 125, fmt, gain)
        symbols = ["NNNNV"[k % 5] for k in range(len(at))]
        found = [(int(a), s, "") for a, s in zip(at, symbols, strict=True)]
        files[f"{who}.atr"] = writing.mit_annotations(found)
    label = {"from": "annotation", "map": BEATS}
    reader: dict[str, object] = {"name": "wfdb", "channels": ["II", "V1"]}
    return Item(
        f"wfdb-{fmt}",
        "wfdb",
        files,
        entry("{subject}.hea", reader, label),
        {who: f"{who}.hea" for who in PEOPLE},
    )


def segments() -> Item:
    """A record of two segments with a pause between them."""
    files: Files = {}
    for who in PEOPLE:
        volts, at = ecg(f"{who}multi", 20, 125)
        lines = [f"{who}/3 2 125 2625"]
        for part, (start, stop) in enumerate(((0, 1000), (1125, 2625 - 125)), 1):
            piece = 1e3 * volts[:, start:stop]
            files |= writing.wfdb_record(
                f"{who}_{part}", ["II", "V1"], piece, 125, 16, 200
            )
            lines += [f"{who}_{part} {stop - start}"] + ["~ 250"] * (part == 1)
        files[f"{who}.hea"] = "\n".join([*lines, ""]).encode()
        late = np.where(at >= 1125, at + 125, at)
        inside = (at < 1000) | (at >= 1125)
        found = [
            (int(a), "N" if k % 4 else "V", "") for k, a in enumerate(late[inside])
        ]
        files[f"{who}.atr"] = writing.mit_annotations(found)
    label = {"from": "annotation", "map": BEATS}
    reader: dict[str, object] = {"name": "wfdb", "channels": ["II", "V1"]}
    made = entry("{subject}.hea", reader, label)
    made["source"] = {"pattern": "{subject:1}.hea"}
    mains = {who: f"{who}.hea" for who in PEOPLE}
    return Item("wfdb-segments", "wfdb", files, made, mains)


def rhythms() -> Item:
    """A record whose labels are notes."""
    files: Files = {}
    for who in PEOPLE:
        volts, _ = ecg(f"{who}rhythm", 16, 125)
        files |= writing.wfdb_record(who, ["I", "II"], 1e3 * volts, 125, 212, 200)
        files[f"{who}.atr"] = writing.rhythm({12: "(N", 700: "(AFIB", 1500: "(N"})
    label = {"from": "note", "map": {"(N": "sinus", "(AFIB": "af"}}
    made = entry("{subject}.hea", {"name": "wfdb"}, label)
    mains = {who: f"{who}.hea" for who in PEOPLE}
    return Item("wfdb-notes", "wfdb", files, made, mains)


def diagnoses() -> Item:
    """A record whose label is a comment of the header."""
    files: Files = {}
    for who, code in zip(PEOPLE, ("sinus", "af"), strict=True):
        volts, _ = ecg(f"{who}dx", 12, 125)
        files |= writing.wfdb_record(
            who, ["I", "II"], 1e3 * volts, 125, 16, 1000, ["Age: 60", f"Dx: {code}"]
        )
    label = {"from": "header", "key": "Dx", "map": {"af": "af", "sinus": "sinus"}}
    reader: dict[str, object] = {"name": "wfdb", "annotations": None}
    made = entry("{subject}.hea", reader, label)
    mains = {who: f"{who}.hea" for who in PEOPLE}
    return Item("wfdb-header", "wfdb", files, made, mains)


def edf_plain() -> Item:
    """EDF, the label in the name of the folder."""
    files: Files = {}
    mains = {}
    for who, group in zip(PEOPLE, ("rest", "task"), strict=True):
        microvolts = 1e6 * noise(f"{who}edf", 3, 1600, 20e-6)
        mains[f"{group}_{who}"] = f"{group}/{who}.edf"
        files[f"{group}/{who}.edf"] = writing.edf(
            ["EEG C3", "EEG C4", "ECG"], microvolts, 100
        )
    label = {"from": "field", "key": "group", "map": STAGES}
    reader: dict[str, object] = {"name": "mne", "channels": ["C3", "C4"]}
    made = entry("{group}/{subject}.edf", reader, label)
    return Item("edf", "edf", files, made, mains)


def edf_notes(*, bdf: bool) -> Item:
    """EDF+ or BDF+ with labels as notes that last."""
    files: Files = {}
    ending = "bdf" if bdf else "edf"
    for who in PEOPLE:
        microvolts = 1e6 * noise(f"{who}{ending}", 3, 1600, 20e-6)
        notes = [Mark(1, 4, "rest"), Mark(6, 4, "task"), Mark(11, 3, "rest")]
        files[f"{who}.{ending}"] = writing.edf(
            ["EEG C3", "EEG C4", "EEG Cz"], microvolts, 100, bdf=bdf, notes=notes
        )
    label = {"from": "annotation", "as": "blocks", "map": STAGES}
    made = entry(f"{{subject}}.{ending}", {"name": "mne"}, label)
    mains = {who: f"{who}.{ending}" for who in PEOPLE}
    return Item(f"{ending}-notes", "edf", files, made, mains)


def edf_pauses() -> Item:
    """EDF+D."""
    files: Files = {}
    for who in PEOPLE:
        microvolts = 1e6 * noise(f"{who}edfd", 2, 1200, 20e-6)
        starts = [k + (4.5 if k >= 5 else 0) for k in range(12)]
        notes = [Mark(0, 3, "rest"), Mark(4, 8, "task"), Mark(13, 2, "rest")]
        files[f"{who}.edf"] = writing.edf(
            ["EMG 1", "EMG 2"], microvolts, 100, starts=starts, notes=notes
        )
    label = {"from": "annotation", "as": "blocks", "map": STAGES}
    made = entry("{subject}.edf", {"name": "mne"}, label)
    mains = {who: f"{who}.edf" for who in PEOPLE}
    return Item("edf-pauses", "edf", files, made, mains)


def brainvision(*, floats: bool) -> Item:
    """BrainVision with markers."""
    files: Files = {}
    for who in PEOPLE:
        microvolts = 1e6 * noise(f"{who}bv{floats}", 3, 2000, 20e-6)
        marks = [(k, f"S  {1 + k // 100 % 2}") for k in range(60, 1900, 100)]
        files |= writing.brainvision(
            who, ["C3", "C4", "Cz"], microvolts, 200, marks, floats=floats
        )
    codes = {"Stimulus/S  1": "left", "Stimulus/S  2": "right"}
    label = {"from": "annotation", "map": codes}
    made = entry("{subject}.vhdr", {"name": "mne"}, label)
    mains = {who: f"{who}.vhdr" for who in PEOPLE}
    name = f"brainvision-{'float' if floats else 'int16'}"
    return Item(name, "brainvision", files, made, mains)


def _bids_files(who: str, kind: str, rate: int, events: list[Mark]) -> Files:
    microvolts = 1e6 * noise(f"{who}bids{kind}", 3, 12 * rate, 20e-6)
    names = ["C3", "C4", "Cz"]
    stem = f"sub-{who}/{kind}/sub-{who}_task-rest"
    facts = {
        "TaskName": "rest",
        "SamplingFrequency": rate,
        "PowerLineFrequency": 50,
        "RecordingDuration": 12.0,
        "EEGReference": "linked ears",
    }
    rows = [f"{name}\t{kind.upper()}\tuV" for name in names]
    times = [f"{m.onset_s:g}\t{m.duration_s:g}\t{m.text}" for m in events]
    return {
        f"{stem}_{kind}.edf": writing.edf(names, microvolts, rate),
        f"{stem}_{kind}.json": json.dumps(facts, indent=1).encode(),
        f"{stem}_channels.tsv": "\n".join(["name\ttype\tunits", *rows, ""]).encode(),
        f"{stem}_events.tsv": "\n".join(
            ["onset\tduration\ttrial_type", *times, ""]
        ).encode(),
    }


def bids() -> Item:
    """A BIDS tree with events."""
    files: Files = {"dataset_description.json": b'{"Name": "x"}'}
    events = [Mark(1, 3, "rest"), Mark(5.25, 2.5, "task"), Mark(8, 3.5, "rest")]
    for who in PEOPLE:
        files |= _bids_files(who, "eeg", 100, events)
    label = {"from": "annotation", "as": "blocks", "map": STAGES}
    pattern = "sub-{subject}/eeg/sub-{subject}_task-rest_eeg.edf"
    mains = {who: f"sub-{who}/eeg/sub-{who}_task-rest_eeg.edf" for who in PEOPLE}
    made = entry(pattern, {"name": "mne"}, label)
    return Item("bids-events", "bids", files, made, mains)


def bids_groups() -> Item:
    """A BIDS tree with the label in participants.tsv."""
    table = "participant_id\tage\tgroup\nsub-A\t50\tpatient\nsub-B\t51\tcontrol\n"
    files: Files = {"participants.tsv": table.encode()}
    for who in PEOPLE:
        files |= _bids_files(who, "emg", 200, [Mark(1, 2, "fist")])
    codes = {"patient": "patient", "control": "control"}
    label = {
        "from": "sidecar",
        "file": "participants.tsv",
        "key": "group",
        "map": codes,
    }
    pattern = "sub-{subject}/emg/sub-{subject}_task-rest_emg.edf"
    mains = {who: f"sub-{who}/emg/sub-{who}_task-rest_emg.edf" for who in PEOPLE}
    made = entry(pattern, {"name": "mne"}, label)
    return Item("bids-groups", "bids", files, made, mains)
