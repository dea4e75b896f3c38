"""Headers, lengths, clocks and notes of EDF and BDF, by our own reading."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mne
import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import Check
from pipeline.readers.parts.mne.edf_clock import EdfClock, read_edf_clock, segments
from pipeline.readers.parts.mne.edf_header import EdfHeader, read_edf_header

WriteEdf = Callable[..., list[np.ndarray]]
NOISE = np.random.default_rng(3).uniform(-400, 400, (2, 600))
SIX = [f"+{k}" for k in range(6)]


@pytest.fixture
def header(tmp_path: Path, write_edf: WriteEdf) -> EdfHeader:
    write_edf(tmp_path / "any.edf", NOISE)
    return read_edf_header(tmp_path / "any.edf", "any.edf")


def clock_of(path: Path, unchecked: Sequence[Check] = ()) -> EdfClock:
    header = read_edf_header(path, path.name)
    return read_edf_clock(path, path.name, header, unchecked)


def test_a_header_is_read(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE, kind="EDF+C", starts=SIX)
    header = read_edf_header(tmp_path / "a.edf", "a.edf")
    assert header.identity == {
        "patient": "X17 F 01-JAN-1950 Doe",
        "code": "X17",
        "sex": "F",
        "birthdate": "01-JAN-1950",
        "name": "Doe",
        "recording": "Startdate 01-JAN-2024 A7 X X",
        "startdate": "01-JAN-2024",
        "admincode": "A7",
        "technician": "X",
        "equipment": "X",
    }
    assert header.begin == datetime(2024, 1, 1, 8, tzinfo=UTC)
    assert (header.n_records, header.record_s, header.sample_bytes) == (6, 1.0, 2)
    labels = [(signal.label, signal.samples) for signal in header.signals]
    assert labels == [("EEG C3", 100), ("EEG C4", 100), ("EDF Annotations", 60)]
    assert header.remarks == ()


def test_plain_edf_has_no_parts_of_the_identity(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    write_edf(tmp_path / "a.edf", NOISE)
    header = read_edf_header(tmp_path / "a.edf", "a.edf")
    assert list(header.identity) == ["patient", "recording"]


@pytest.mark.parametrize(
    ("year", "expected"), [(b"84", 2084), (b"85", 1985), (b"24", 2024)]
)
def test_years_of_two_digits(
    tmp_path: Path, write_edf: WriteEdf, year: bytes, expected: int
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE)
    path.write_bytes(path.read_bytes().replace(b"01.01.24", b"01.01." + year))
    begin = read_edf_header(path, "a.edf").begin
    assert begin is not None
    assert begin.year == expected


@pytest.mark.parametrize(
    ("at", "bad", "found"),
    [
        (0, b"-", "its first 8 bytes are b'- "),
        (0, b"1", "its first 8 bytes are b'1 "),
        (0, b"\xffBIOCEMI", "its first 8 bytes are"),
        (252, b"two ", "number of signals is 'two'"),
        (252, b"-1  ", "and states 768"),
        (252, b"9   ", "and states 768"),
        (184, b"512 ", "and states 512"),
        (236, b"many", "number of data records is 'many'"),
        (236, b"-7  ", "it states -7 data records"),
        (236, b"0   ", "it states 0 data records"),
        (244, b"0   ", "a data record lasts 0 s"),
        (244, b"1_0 ", "seconds of a data record is '1_0'"),
        (244, b"inf ", "seconds of a data record is 'inf'"),
        (256 + 2 * 216, b"1e2 ", "samples a record is '1e2'"),
        (256 + 2 * 216, b"-100", "-100 samples a record"),
    ],
)
def test_damaged_headers(
    tmp_path: Path, write_edf: WriteEdf, at: int, bad: bytes, found: str
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE)
    content = bytearray(path.read_bytes())
    content[at : at + len(bad)] = bad
    path.write_bytes(content)
    with pytest.raises(DataError, match=found):
        read_edf_header(path, "a.edf")


@pytest.mark.parametrize(
    ("keep", "found"),
    [(100, "damaged"), (700, "damaged"), (-2, "bytes hold 5 of 6 data records")],
)
def test_a_file_cut_short(
    tmp_path: Path, write_edf: WriteEdf, keep: int, found: str
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=found):
        read_edf_header(path, "a.edf")


def test_records_with_nothing_in_them(tmp_path: Path, write_edf: WriteEdf) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE)
    content = bytearray(path.read_bytes())
    begin = 256 + 2 * 216
    content[begin : begin + 16] = b"0       " * 2
    content[236:244] = b"99999999"
    path.write_bytes(content)
    with pytest.raises(DataError, match="hold no samples"):
        read_edf_header(path, "a.edf")


def test_a_file_with_more_records_than_it_states(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE, n_records=4)
    path.write_bytes(path.read_bytes() + bytes(400))
    found = f"holds {path.stat().st_size} bytes, and its header states"
    with pytest.raises(DataError, match=found):
        read_edf_header(path, "a.edf")
    header = read_edf_header(path, "a.edf", ["checksum"])
    assert header.n_records == 4
    assert header.remarks[0].startswith("bytes behind the last sample, left out")


def test_a_recorder_that_was_switched_off(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE, n_records=-1, tail=b"\0" * 399)
    header = read_edf_header(tmp_path / "a.edf", "a.edf")
    assert header.n_records == 6
    assert "switched off" in header.remarks[0]
    assert header.remarks[1].endswith("left out: 399")


def test_notes_equal_those_that_mne_reads(tmp_path: Path, write_edf: WriteEdf) -> None:
    notes = {
        1: [(4.5, 0.25, b"late"), (1.5, 0.0, "zwölf".encode())],
        3: [(3.25, 2.0, b"first\x14second"), (0.5, 0.0, b"spike@@EEG C4")],
    }
    for name, kind in (("a.edf", "EDF+C"), ("a.bdf", "BDF+C")):
        path = tmp_path / name
        write_edf(path, NOISE, kind=kind, starts=SIX, notes=notes)
        found = clock_of(path).notes
        peer = mne.io.read_raw(path, verbose="error").annotations
        assert found.texts == tuple(peer.description)
        assert found.texts == ("spike", "zwölf", "first", "second", "late")
        np.testing.assert_allclose(found.onset_s, peer.onset)
        stated = np.nan_to_num(found.duration_s)  # MNE takes none for 0 s
        np.testing.assert_allclose(stated, peer.duration)


def test_notes_in_latin_1(tmp_path: Path, write_edf: WriteEdf) -> None:
    notes = {1: [(1.5, 1.0, "geöffnet".encode("latin-1")), (1.7, 0.0, b"shut")]}
    path = tmp_path / "a.edf"
    write_edf(path, NOISE, kind="EDF+C", starts=SIX, notes=notes)
    clock = clock_of(path)
    peer = mne.io.read_raw_edf(path, encoding="latin1", verbose="error").annotations
    assert clock.notes.texts == tuple(peer.description) == ("geöffnet", "shut")
    assert clock.remarks == ("notes that are not in UTF-8, read as Latin-1: 1",)


def test_the_clock_starts_with_the_first_data_record(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    starts = [f"+{k + 0.25}" for k in range(6)]
    path = tmp_path / "a.edf"
    write_edf(
        path, NOISE, kind="EDF+C", starts=starts, notes={2: [(2.75, 0.0, b"here")]}
    )
    assert clock_of(path).notes.onset_s.tolist() == [2.5]


def test_data_records_without_a_time(tmp_path: Path, write_edf: WriteEdf) -> None:
    path = tmp_path / "a.edf"
    for kind in ("EDF+C", "EDF+D"):
        write_edf(path, NOISE, kind=kind, starts=[*SIX[:5], ""])
        with pytest.raises(DataError, match="without a time: 1") as caught:
            clock_of(path)
        assert ("unchecked to [end]" in caught.value.remedy) == (kind == "EDF+C")
        if kind == "EDF+D":
            with pytest.raises(DataError, match="without a time: 1, of a recording"):
                clock_of(path, ["end"])
        else:
            found = clock_of(path, ["end"])
            assert found.starts == ()
            assert found.remarks[0] == "data records without a time: 1"


@pytest.mark.parametrize(
    ("old", "new", "texts"),
    [
        (b"+2.5\x14b", b" 2.5\x14b", ("a",)),
        (b"+2.5\x14b\x14", b"+2.5\x14b\x13", ("a",)),
        (b"+1\x151\x14a\x14", b"+x\x151\x14a\x14", ("b",)),
        (b"+1\x151\x14a\x14", b"+1\x15\x14aa\x14", ("aa", "b")),
    ],
)
def test_notes_that_cannot_be_read(
    tmp_path: Path, write_edf: WriteEdf, old: bytes, new: bytes, texts: tuple[str, ...]
) -> None:
    path = tmp_path / "a.edf"
    notes = {1: [(1.0, 1.0, b"a")], 2: [(2.5, 0.0, b"b")]}
    write_edf(path, NOISE, kind="EDF+C", starts=SIX, notes=notes)
    assert clock_of(path).notes.texts == ("a", "b")
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    if len(texts) == 2:
        assert clock_of(path).notes.texts == texts
        return
    with pytest.raises(DataError, match="entries in the lists of notes that cannot"):
        clock_of(path)
    found = clock_of(path, ["end"])
    assert found.notes.texts == texts
    assert found.remarks[0].endswith("cannot be read: 1")


@pytest.mark.parametrize(
    ("kind", "starts", "record_s", "samples", "expected"),
    [
        ("EDF+D", "0 1 2 5 6", 1.0, 100, [(0, 0.0), (300, 5.0)]),
        ("EDF+D", "7 8 9 12 14", 1.0, 100, [(0, 0.0), (300, 5.0), (400, 7.0)]),
        # Under half a sample of 10 ms is no pause, over it is one.
        ("EDF+D", "0 1.004 2.004", 1.0, 100, [(0, 0.0)]),
        ("EDF+D", "0 1 2.006", 1.0, 100, [(0, 0.0), (200, 2.006)]),
        # A clock with two decimals cannot resolve thirds of a second at 3 kHz.
        ("EDF+D", "0 0.33 0.67 1 1.33", 1 / 3, 1000, [(0, 0.0)]),
        # Small steps add up.
        ("EDF+D", "0 1.004 2.008 3.012", 1.0, 100, [(0, 0.0), (200, 2.008)]),
        # What is marked as continuous may have a clock that drifts, but no holes.
        ("EDF+C", "0 1.004 2.008 3.012", 1.0, 100, [(0, 0.0)]),
        ("EDF+C", "0 1 2 60 61", 1.0, 100, [(0, 0.0), (300, 60.0)]),
        ("EDF+C", "", 1.0, 100, [(0, 0.0)]),
    ],
)
def test_pauses(
    header: EdfHeader,
    kind: str,
    starts: str,
    record_s: float,
    samples: int,
    expected: list[tuple[int, float]],
) -> None:
    header = replace(header, kind=kind, record_s=record_s)
    found = segments("a.edf", starts.split(), header, samples)
    assert [part.start for part in found] == [start for start, _ in expected]
    np.testing.assert_allclose(
        [part.onset_s for part in found], [onset for _, onset in expected]
    )


@pytest.mark.parametrize("decimals", [0, 3])
@pytest.mark.parametrize("record_s", [2.0, 0.5, 0.1, 1.02])
def test_a_clock_that_contradicts_the_header(
    header: EdfHeader, record_s: float, decimals: int
) -> None:
    header = replace(header, kind="EDF+C", record_s=record_s)
    starts = [f"{k:.{decimals}f}" for k in range(200)]
    with pytest.raises(DataError, match=f"of {record_s:g} s by the header, of 1 s by"):
        segments("a.edf", starts, header, 100)
    assert segments("a.edf", starts[:1], header, 100) == (Segment(0, 0.0),)
    if record_s == 1.02:
        assert segments("a.edf", starts, header, 100, ["rate"])
    header = replace(header, record_s=1.005)
    assert segments("a.edf", starts, header, 100) == (Segment(0, 0.0),)


@pytest.mark.parametrize("ppm", [-200, 200])
def test_a_clock_that_drifts_has_no_pauses(header: EdfHeader, ppm: float) -> None:
    """After an hour the clock is 36 samples off, and a second's pause still shows."""
    header = replace(header, kind="EDF+D", record_s=1.0)
    onset = np.arange(3600) * (1 + ppm * 1e-6)
    starts = [f"{at:.6f}" for at in onset]
    assert segments("a.edf", starts, header, 50) == (Segment(0, 0.0),)
    starts = [f"{at:.6f}" for at in onset + (np.arange(3600) >= 3000)]
    parts = segments("a.edf", starts, header, 50)
    assert [part.start for part in parts] == [0, 150_000]
    assert parts[1].onset_s == pytest.approx(max(3000 * (1 + ppm * 1e-6) + 1, 3000))
    starts = [f"{at:.6f}" for at in onset - (np.arange(3600) >= 3000)]
    with pytest.raises(DataError, match="jumps back: data record 3001"):
        segments("a.edf", starts, header, 50)


def test_bytes_of_0_between_notes_are_damage(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE, starts=SIX, notes={1: [(1.0, 0.0, b"a"), (1.5, 0.0, b"b")]})
    content = path.read_bytes()
    assert clock_of(path).notes.texts == ("a", "b")
    note = b"+1\x14a\x14"
    assert content.count(note) == 1
    path.write_bytes(content.replace(note, bytes(len(note))))
    with pytest.raises(DataError, match="entries in the lists of notes that cannot"):
        clock_of(path)
    assert clock_of(path, ["end"]).notes.texts == ("b",)


def test_lists_without_a_time_are_damage(tmp_path: Path, write_edf: WriteEdf) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE, kind="EDF+C", starts=SIX)
    content = path.read_bytes()
    for start in SIX:
        content = content.replace(f"{start}\x14\x14".encode(), bytes(4))
    path.write_bytes(content)
    with pytest.raises(DataError, match="data records without a time: 6"):
        clock_of(path)
    assert clock_of(path, ["end"]).starts == ()


def test_two_data_records_at_one_time(header: EdfHeader) -> None:
    """Unless times are rounded: records of half a second, in full seconds."""
    header = replace(header, kind="EDF+C", record_s=1.0)
    with pytest.raises(DataError, match="jumps back: data record 2 starts at 1 s"):
        segments("a.edf", ["1", "1", "2", "3", "4", "5"], header, 100)
    header = replace(header, record_s=0.5)
    rounded = ["0", "0", "1", "1", "2", "2"]
    assert segments("a.edf", rounded, header, 100) == (Segment(0, 0.0),)


def test_a_clock_that_jumps_back(header: EdfHeader) -> None:
    header = replace(header, kind="EDF+D")
    with pytest.raises(DataError, match=r"jumps back: data record 3 starts at 1\.5 s"):
        segments("a.edf", ["0", "1", "1.5"], header, 100)
