"""WFDB records: roles of leads, volts, AAMI labels, and what is refused."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import wfdb

from pipeline.errors import DataError
from pipeline.readers.base import Entry
from pipeline.readers.wfdb import AAMI, Wfdb

SFREQ, LENGTH = 250, 20_000
ROLES = {"MLII": ("MLII",), "chest": ("V1", "V5")}
PEAKS = np.arange(200, LENGTH - 200, 210)


def write_record(
    folder: Path,
    name: str = "100",
    *,
    peaks: np.ndarray = PEAKS,
    leads: tuple[str, str] = ("MLII", "V1"),
    symbols: str = "N",
    units: str = "mV",
) -> np.ndarray:
    """Write QRS-like triangles, twice as high in the first lead; return millivolts."""
    rng = np.random.default_rng(3)
    millivolts = 0.01 * rng.standard_normal((LENGTH, 2))
    for step, height in enumerate((0.2, 0.6, 1.0, 0.4, -0.2), start=-2):
        millivolts[peaks + step] += height * np.array([2.0, 1.0])
    wfdb.wrsamp(
        name, SFREQ, [units] * 2, list(leads), millivolts,
        fmt=["212"] * 2, adc_gain=[200.0] * 2, baseline=[0, 0],
        comments=["81 F 1234", "Digoxin"], write_dir=str(folder),
    )  # fmt: skip
    marks = (symbols * len(peaks))[: len(peaks)]
    wfdb.wrann(name, "atr", peaks, list(marks), write_dir=str(folder))
    return millivolts


def only(reader: Wfdb, folder: Path) -> Entry:
    (entry,) = reader.entries(folder)
    return entry


def refusal(reader: Wfdb, folder: Path) -> DataError:
    with pytest.raises(DataError) as caught:
        reader.read(folder, only(reader, folder))
    return caught.value


def test_signals_are_volts_with_type_and_mains(tmp_path: Path) -> None:
    millivolts = write_record(tmp_path)
    reader = Wfdb(line_freq=60)
    raw = reader.read(tmp_path, only(reader, tmp_path))
    np.testing.assert_allclose(raw.get_data(), millivolts.T * 1e-3, atol=2.6e-6)
    assert raw.ch_names == ["MLII", "V1"]
    assert raw.get_channel_types() == ["ecg", "ecg"]
    assert raw.info["sfreq"] == SFREQ
    assert raw.info["line_freq"] == 60


def test_swapped_leads_come_out_by_role(tmp_path: Path) -> None:
    millivolts = write_record(tmp_path, leads=("V5", "MLII"))
    reader = Wfdb(channels=ROLES)
    raw = reader.read(tmp_path, only(reader, tmp_path))
    assert raw.ch_names == ["MLII", "chest"]
    expected = millivolts.T[::-1] * 1e-3
    np.testing.assert_allclose(raw.get_data(), expected, atol=2.6e-6)


def test_one_signal_is_never_two_channels(tmp_path: Path) -> None:
    write_record(tmp_path)
    rule = {"first": ("MLII", "V1"), "second": ("MLII", "V1")}
    assert Wfdb(channels=rule)._choose("", ["MLII", "V1"]) == {"first": 0, "second": 1}


def test_a_missing_lead_is_named(tmp_path: Path) -> None:
    write_record(tmp_path, leads=("MLII", "V4"))
    error = refusal(Wfdb(channels=ROLES), tmp_path)
    assert "channel 'chest', among MLII, V4" in error.found
    assert error.expected == "V1 or V5"


def test_every_beat_gets_its_aami_class(tmp_path: Path) -> None:
    write_record(tmp_path, symbols="NAV/F+LaEfQ~RJ!SejB")
    reader = Wfdb()
    raw = reader.read(tmp_path, only(reader, tmp_path))
    symbols = wfdb.rdann(str(tmp_path / "100"), "atr").symbol
    expected = Counter(AAMI[symbol] for symbol in symbols if symbol in AAMI)
    assert Counter(raw.annotations.description) == expected
    assert set(expected) == set("NSVFQ")
    left_out = sum(symbol in "+~!B" for symbol in symbols)
    assert raw.info["temp"] == {"unlabelled": left_out}
    known = [symbol in AAMI for symbol in symbols]
    np.testing.assert_allclose(raw.annotations.onset, PEAKS[known] / SFREQ)
    assert not raw.annotations.duration.any()


def test_records_of_one_person_share_the_subject(tmp_path: Path) -> None:
    write_record(tmp_path, "201")
    write_record(tmp_path, "202")
    entries = Wfdb(same_person={"202": "201"}).entries(tmp_path)
    told = [(entry.recording, entry.subject) for entry in entries]
    assert told == [("201", "201"), ("202", "201")]


def test_a_truncated_signal_tells_both_lengths(tmp_path: Path) -> None:
    write_record(tmp_path)
    path = tmp_path / "100.dat"
    path.write_bytes(path.read_bytes()[:-7])
    error = refusal(Wfdb(), tmp_path)
    assert error.where == "100.dat"
    assert f"{LENGTH * 3 - 7} bytes" in error.found
    assert f"{LENGTH * 3} bytes" in error.expected


@pytest.mark.parametrize("name", ["100.dat", "100.atr"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_or_empty_file_is_named(
    tmp_path: Path, name: str, empty: bool
) -> None:
    write_record(tmp_path)
    (tmp_path / name).unlink()
    if empty:
        (tmp_path / name).touch()
    error = refusal(Wfdb(), tmp_path)
    assert error.where == name
    assert ("empty" in error.found) is empty


def test_a_damaged_header_is_no_bug(tmp_path: Path) -> None:
    write_record(tmp_path)
    header = tmp_path / "100.hea"
    header.write_text(header.read_text().replace("100 2 250", "100 two x"))
    assert "cannot be read" in refusal(Wfdb(), tmp_path).found


def test_annotations_of_another_record(tmp_path: Path) -> None:
    write_record(tmp_path)
    beats = np.arange(300, LENGTH - 300, 187)
    wfdb.wrann("100", "atr", beats, ["N"] * len(beats), write_dir=str(tmp_path))
    error = refusal(Wfdb(), tmp_path)
    assert error.where == "100.atr"
    assert "another record" in error.expected


def test_annotations_beyond_the_end(tmp_path: Path) -> None:
    write_record(tmp_path)
    late = np.append(PEAKS, [LENGTH, LENGTH + 500])
    wfdb.wrann("100", "atr", late, ["N"] * len(late), write_dir=str(tmp_path))
    assert "2 beats lie beyond the end" in refusal(Wfdb(), tmp_path).found


def test_an_unknown_unit_is_not_taken_for_volts(tmp_path: Path) -> None:
    write_record(tmp_path, units="mmHg")
    assert "'mmHg'" in refusal(Wfdb(), tmp_path).found


def test_the_headers_comments_stay_behind(tmp_path: Path) -> None:
    write_record(tmp_path)
    reader = Wfdb()
    raw = reader.read(tmp_path, only(reader, tmp_path))
    told = f"{raw.info}{raw.info['description']}{raw.annotations.to_data_frame()}"
    assert "Digoxin" in (tmp_path / "100.hea").read_text()
    assert "Digoxin" not in told
    assert "1234" not in told


def test_signals_of_several_rates(real_data: Path, tmp_path: Path) -> None:
    for source in (real_data / "formats" / "wfdb").glob("mixedsignals*"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    beats = np.array([10, 20, 30])
    wfdb.wrann("mixedsignals", "atr", beats, ["N"] * 3, write_dir=str(tmp_path))
    error = refusal(Wfdb(), tmp_path)
    assert "several rates" in error.found or "unit" in error.found
    leads = Wfdb(channels={"II": ("II",), "III": ("III",)})
    raw = leads.read(tmp_path, only(leads, tmp_path))
    assert raw.info["sfreq"] == pytest.approx(62.4725 * 4)
    mixed = Wfdb(channels={"II": ("II",), "resp": ("Resp", "RESP")})
    assert "several rates" in refusal(mixed, tmp_path).found


def test_a_record_of_segments_is_refused(real_data: Path) -> None:
    folder = real_data / "formats" / "wfdb" / "multi-segment" / "041s"
    reader = Wfdb()
    whole = next(e for e in reader.entries(folder) if e.recording == "041s")
    with pytest.raises(DataError, match="2 segments"):
        reader.read(folder, whole)


def test_all_beats_of_ds1(real_data: Path) -> None:
    folder = real_data / "mitdb"
    entries = Wfdb().entries(folder)
    counts: Counter[str] = Counter()
    for entry in entries:
        symbols = wfdb.rdann(str(folder / entry.recording), "atr").symbol
        counts.update(AAMI[symbol] for symbol in symbols if symbol in AAMI)
    assert len(entries) == 22
    assert counts == {"N": 45866, "S": 944, "V": 3788, "F": 415, "Q": 8}


def test_record_114_has_its_leads_in_order(real_data: Path) -> None:
    folder = real_data / "mitdb"
    reader = Wfdb(channels=ROLES)
    entry = next(e for e in reader.entries(folder) if e.recording == "114")
    raw = reader.read(folder, entry)
    record = wfdb.rdrecord(str(folder / "114"))
    assert record.sig_name == ["V5", "MLII"]
    assert raw.ch_names == ["MLII", "chest"]
    expected = record.p_signal[:, [1, 0]].T * 1e-3
    np.testing.assert_allclose(raw.get_data(), expected, atol=1e-9)
    assert len(raw.annotations) == 1879


def test_annotations_of_a_neighbour_are_noticed(
    real_data: Path, tmp_path: Path
) -> None:
    for name in ("203.hea", "203.dat"):
        (tmp_path / name).symlink_to(real_data / "mitdb" / name)
    (tmp_path / "203.atr").symlink_to(real_data / "mitdb" / "215.atr")
    assert "another record" in refusal(Wfdb(), tmp_path).expected
