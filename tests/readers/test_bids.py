"""BIDS trees: labels, channels, inheritance, and what is refused."""

import json
from pathlib import Path

import edfio
import mne
import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.readers.bids import Bids

SFREQ, SECONDS = 200, 10
STEM = "sub-01_ses-02_task-grip_run-1"
READER = Bids(datatype="emg", labels={"fist": "closed", "rest": "open"})
EVENTS = [(0.0, 2.0, "rest"), (2.0, 3.0, "fist"), (6.0, 1.0, "cough")]


def write_tree(
    root: Path, *, events: list[tuple[float, float, str]] = EVENTS
) -> np.ndarray:
    """Write two EMG channels and a trigger; return the EMG in microvolts."""
    folder = root / "sub-01" / "ses-02" / "emg"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(8)
    microvolts = 100 * rng.standard_normal((3, SFREQ * SECONDS))
    signals = [
        edfio.EdfSignal(
            row, SFREQ, label=name, physical_dimension="uV", physical_range=(-999, 999)
        )
        for row, name in zip(microvolts, ("EMG1", "EMG2", "TRIG"), strict=True)
    ]
    edfio.Edf(signals).write(folder / f"{STEM}_emg.edf")
    rows = ["onset\tduration\ttrial_type", *("\t".join(map(str, e)) for e in events)]
    (folder / f"{STEM}_events.tsv").write_text("\n".join(rows) + "\n")
    channels = "name\ttype\tunits\nEMG1\tEMG\tuV\nEMG2\tEMG\tuV\nTRIG\tTRIG\tuV\n"
    (folder / f"{STEM}_channels.tsv").write_text(channels)
    sidecar = {"TaskName": "grip", "PowerLineFrequency": 50, "SamplingFrequency": SFREQ}
    (root / "task-grip_emg.json").write_text(json.dumps(sidecar))
    description = {"Name": "grip", "BIDSVersion": "1.11.0"}
    (root / "dataset_description.json").write_text(json.dumps(description))
    (root / "task-other_emg.json").write_text("{}")
    (root / "participants.tsv").write_text("participant_id\tage\nsub-01\t81\n")
    return microvolts[:2]


def read(root: Path, reader: Bids = READER) -> mne.io.BaseRaw:
    (entry,) = reader.entries(root)
    return reader.read(root, entry)


def test_samples_labels_and_mains(tmp_path: Path) -> None:
    microvolts = write_tree(tmp_path)
    raw = read(tmp_path)
    np.testing.assert_allclose(raw.get_data(), microvolts * 1e-6, atol=2e-8)
    assert raw.ch_names == ["EMG1", "EMG2"]
    assert raw.info["line_freq"] == 50
    assert raw.annotations.description.tolist() == ["open", "closed"]
    assert raw.annotations.onset.tolist() == [0, 2]
    assert raw.annotations.duration.tolist() == [2, 3]
    assert raw.info["temp"] == {"unlabelled": 1}


def test_an_entry_knows_the_files_that_speak_of_it(tmp_path: Path) -> None:
    write_tree(tmp_path)
    (entry,) = READER.entries(tmp_path)
    assert (entry.subject, entry.session, entry.run) == ("01", "02", "1")
    assert entry.recording == STEM
    assert [file.name for file in entry.files] == [
        f"{STEM}_emg.edf",
        f"{STEM}_channels.tsv",
        f"{STEM}_events.tsv",
        "task-grip_emg.json",
    ]


def test_named_channels_come_in_order(tmp_path: Path) -> None:
    microvolts = write_tree(tmp_path)
    reader = READER.model_copy(update={"channels": ("EMG2", "EMG1")})
    raw = read(tmp_path, reader)
    assert raw.ch_names == ["EMG2", "EMG1"]
    np.testing.assert_allclose(raw.get_data(), microvolts[::-1] * 1e-6, atol=2e-8)


def test_a_missing_channel_is_named(tmp_path: Path) -> None:
    write_tree(tmp_path)
    reader = READER.model_copy(update={"channels": ("EMG3",)})
    with pytest.raises(DataError, match=r"no 'EMG3'(.|\n)*did you mean 'EMG"):
        read(tmp_path, reader)


def test_events_beyond_the_end(tmp_path: Path) -> None:
    write_tree(tmp_path, events=[*EVENTS, (SECONDS + 5.0, 1.0, "fist")])
    with pytest.raises(DataError, match=r"annotation.* outside"):
        read(tmp_path)


@pytest.mark.parametrize(("keep", "found"), [(0, "is empty"), (-100, "cut short")])
def test_an_empty_or_cut_file(tmp_path: Path, keep: int, found: str) -> None:
    write_tree(tmp_path)
    (path,) = tmp_path.rglob("*.edf")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=found) as caught:
        read(tmp_path)
    assert str(tmp_path) not in str(caught.value)


def test_a_tree_without_the_datatype_has_no_entries(tmp_path: Path) -> None:
    write_tree(tmp_path)
    assert Bids(datatype="eeg", labels={"a": "a"}).entries(tmp_path) == []


@pytest.mark.parametrize(
    ("tree", "datatype", "found"),
    [
        ("emg_Multimodal", "emg", "header is damaged"),
        ("emg_Multimodal", "eeg", "header is damaged"),
        ("eeg_matchingpennies", "eeg", "is empty"),
    ],
)
def test_damaged_examples(
    real_data: Path, tree: str, datatype: str, found: str
) -> None:
    root = real_data / "formats" / "bids" / tree
    reader = Bids.model_validate({"datatype": datatype, "labels": {"a": "a"}})
    entry = reader.entries(root)[0]
    with pytest.raises(DataError, match=found):
        reader.read(root, entry)


def test_a_whole_example(real_data: Path) -> None:
    root = real_data / "formats" / "bids" / "emg_TwoWristbands"
    raw = read(root)
    assert raw.get_channel_types() == ["emg"] * 32
    assert raw.info["sfreq"] == 2000
    assert len(raw.annotations) == 0
