"""EDF files: channels by name, one block a file, and what is refused."""

from pathlib import Path

import edfio
import mne
import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.readers.edf import Edf

SFREQ = 100
NAMES = ("Fp1", "Fp2")
SETTINGS = {
    "pattern": "{subject}_{run}.edf",
    "labels": {"1": "rest", "2": "task"},
    "channels": NAMES,
    "line_freq": 50,
}


def write_file(
    path: Path, *, rates: tuple[int, ...] = (SFREQ,) * 3, unit: str = "uV"
) -> list[np.ndarray]:
    """Write noise, 10 s, that ends in a second of nothing; return microvolts."""
    rng = np.random.default_rng(5)
    microvolts = [50 * rng.standard_normal(10 * rate) for rate in rates]
    for row, rate in zip(microvolts, rates, strict=True):
        row[-rate:] = 0
    labels = ("EEG Fp2", "ECG ECG", "EEG Fp1")
    signals = [
        edfio.EdfSignal(
            row, rate, label=label, physical_dimension=unit, physical_range=(-500, 500)
        )
        for row, rate, label in zip(microvolts, rates, labels, strict=True)
    ]
    notes = [edfio.EdfAnnotation(1.0, None, "Mr Doe sneezes")]
    patient = edfio.Patient(name="Mr_Doe", code="X17")
    edfio.Edf(signals, annotations=notes, patient=patient).write(path)
    return microvolts


def read(folder: Path, **changes: object) -> mne.io.BaseRaw:
    reader = Edf.model_validate(SETTINGS | changes)
    (entry,) = reader.entries(folder)
    return reader.read(folder, entry)


def test_channels_come_in_the_order_asked_for(tmp_path: Path) -> None:
    second, _, first = write_file(tmp_path / "S1_2.edf")
    raw = read(tmp_path)
    assert raw.ch_names == list(NAMES)
    assert raw.get_channel_types() == ["eeg", "eeg"]
    np.testing.assert_allclose(
        raw.get_data(), np.stack([first, second]) * 1e-6, atol=1e-8
    )
    assert raw.info["line_freq"] == 50


def test_a_file_is_one_block_that_ends_with_the_signal(tmp_path: Path) -> None:
    write_file(tmp_path / "S1_2.edf")
    raw = read(tmp_path)
    assert raw.annotations.description.tolist() == ["task"]
    np.testing.assert_allclose(raw.annotations.duration, 9.01, atol=0.011)
    assert raw.info["temp"] == {"unlabelled": 1}


def test_a_run_without_label_has_no_block(tmp_path: Path) -> None:
    write_file(tmp_path / "S1_3.edf")
    assert len(read(tmp_path).annotations) == 0


def test_a_faster_channel_left_out_changes_nothing(tmp_path: Path) -> None:
    write_file(tmp_path / "S1_1.edf", rates=(SFREQ, 5 * SFREQ, SFREQ))
    assert read(tmp_path).info["sfreq"] == SFREQ


def test_chosen_channels_of_several_rates(tmp_path: Path) -> None:
    write_file(tmp_path / "S1_1.edf", rates=(2 * SFREQ, SFREQ, SFREQ))
    with pytest.raises(DataError, match="several rates"):
        read(tmp_path)


def test_an_unknown_unit_is_not_taken_for_volts(tmp_path: Path) -> None:
    write_file(tmp_path / "S1_1.edf", unit="degC")
    with pytest.raises(DataError, match="'degC'"):
        read(tmp_path)


def test_a_missing_channel_is_named(tmp_path: Path) -> None:
    write_file(tmp_path / "S1_1.edf")
    with pytest.raises(DataError, match="no 'Fpz'"):
        read(tmp_path, channels=("Fp1", "Fpz"))


@pytest.mark.parametrize(
    ("keep", "found"),
    [(0, "is empty"), (100, "damaged"), (700, "damaged"), (-2, "cut short")],
)
def test_an_empty_or_cut_file(tmp_path: Path, keep: int, found: str) -> None:
    path = tmp_path / "S1_1.edf"
    write_file(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=found):
        read(tmp_path)


def test_no_file_fits_the_pattern(tmp_path: Path) -> None:
    write_file(tmp_path / "S1-1.edf")
    reader = Edf.model_validate(SETTINGS)
    with pytest.raises(DataError, match=r"none of 1 paths(.|\n)*S1-1.edf"):
        reader.entries(tmp_path)


@pytest.mark.parametrize("pattern", ["{run}.edf", "{subject}_{who}.edf", "a.edf"])
def test_a_pattern_names_the_subject_and_known_parts(pattern: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        Edf.model_validate(SETTINGS | {"pattern": pattern})


def test_mental_arithmetic(real_data: Path) -> None:
    names = ["Fp1", "Fp2", "F3", "F4", "F7", "F8", "T3", "T4", "C3", "C4", "T5", "T6"]
    names += ["P3", "P4", "O1", "O2", "Fz", "Cz", "Pz"]
    settings = SETTINGS | {"channels": tuple(names)}
    reader = Edf.model_validate(settings)
    folder = real_data / "eegmat"
    entries = reader.entries(folder)
    assert len(entries) == 24
    assert {entry.subject for entry in entries} == {
        f"Subject{k:02d}" for k in range(12)
    }
    raw = reader.read(folder, entries[1])
    assert raw.ch_names == names
    assert raw.info["sfreq"] == 500
    assert raw.annotations.description.tolist() == ["task"]
    assert raw.annotations.duration[0] == pytest.approx(60, abs=0.05)
    assert 1e-5 < np.abs(raw.get_data()).max() < 1e-3
