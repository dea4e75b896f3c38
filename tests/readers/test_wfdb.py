"""WFDB records against wfdb's own reading, and what is refused."""

from collections import Counter
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import wfdb
from pydantic import ValidationError

from pipeline.errors import DataError
from pipeline.ingestion.codes import AAMI
from pipeline.readers.base import Content, Origin
from pipeline.readers.parts.wfdb import samples as wfdb_samples
from pipeline.readers.wfdb import Wfdb

SFREQ, LENGTH = 250, 20_000
ROLES = {"MLII": ("MLII",), "chest": ("V1", "V5")}
PEAKS = np.arange(200, LENGTH - 200, 210)
SYMBOLS, NOTES = ("annotation", ""), ("note", "")


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


def write_signals(folder: Path, name: str, names: list[str], length: int) -> np.ndarray:
    """Write counts 0, 1, 2 ... in the first signal, from 1000 on in the second."""
    counts = np.arange(length)[:, None] + 1000 * np.arange(len(names))
    wfdb.wrsamp(
        name, SFREQ, ["mV"] * len(names), names, d_signal=counts,
        fmt=["16"] * len(names), adc_gain=[100.0] * len(names),
        baseline=[0] * len(names), write_dir=str(folder),
    )  # fmt: skip
    return counts.T


def write_notes(
    folder: Path, sample: list[int], notes: list[str], **kwargs: object
) -> None:
    wfdb.wrann(
        "100", "atr", np.array(sample), ["+"] * len(sample), aux_note=notes,
        write_dir=str(folder), **kwargs,
    )  # fmt: skip


def edit_header(folder: Path, old: str, new: str, name: str = "100") -> None:
    header = folder / f"{name}.hea"
    assert old in header.read_text()
    header.write_text(header.read_text().replace(old, new))


def read(
    folder: Path,
    main: str = "100.hea",
    origins: Collection[Origin] = (),
    **settings: object,
) -> Content:
    reader = Wfdb.model_validate(settings)
    files = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()]
    return reader.read(folder, (main, *reader.companions(folder, main, files)), origins)


def samples(content: Content) -> np.ndarray:
    return content.read(0, content.n_samples)


def refusal(folder: Path, *args: object, **settings: object) -> DataError:
    with pytest.raises(DataError) as caught:
        samples(read(folder, *args, **settings))
    return caught.value


def test_signals_are_volts_with_type_and_mains(tmp_path: Path) -> None:
    millivolts = write_record(tmp_path)
    content = read(tmp_path, line_freq=60)
    np.testing.assert_allclose(samples(content), millivolts.T * 1e-3, atol=2.6e-6)
    exact = wfdb.rdrecord(str(tmp_path / "100")).p_signal.T * 1e-3
    np.testing.assert_array_equal(samples(content), exact)
    assert content.channels == ("MLII", "V1")
    assert content.types == ("ecg", "ecg")
    assert (content.sfreq, content.line_freq, content.remarks) == (SFREQ, 60, ())


def test_what_is_read_may_be_changed(tmp_path: Path) -> None:
    write_record(tmp_path)
    content = read(tmp_path)
    first = samples(content)
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(samples(content), kept)


def test_swapped_leads_come_out_by_role(tmp_path: Path) -> None:
    millivolts = write_record(tmp_path, leads=("V5", "MLII"))
    content = read(tmp_path, channels=ROLES)
    assert content.channels == ("MLII", "chest")
    expected = millivolts.T[::-1] * 1e-3
    np.testing.assert_allclose(samples(content), expected, atol=2.6e-6)


def test_a_missing_lead_is_named(tmp_path: Path) -> None:
    write_record(tmp_path, leads=("MLII", "V4"))
    error = refusal(tmp_path, channels=ROLES)
    assert "channel 'chest', among MLII, V4" in error.found
    assert error.expected == "V1 or V5"


def test_symbols_stand_where_wfdb_reads_them(tmp_path: Path) -> None:
    write_record(tmp_path, symbols="NAV/F+LaEfQ~RJ!SejB")
    marks = read(tmp_path, origins=[SYMBOLS]).marks[SYMBOLS]
    expected = wfdb.rdann(str(tmp_path / "100"), "atr")
    assert marks.texts == tuple(expected.symbol)
    np.testing.assert_allclose(marks.onset_s, expected.sample / SFREQ)
    assert np.isnan(marks.duration_s).all()  # no file of annotations states one


def test_notes_are_the_texts_beside_symbols(tmp_path: Path) -> None:
    write_record(tmp_path)
    write_notes(tmp_path, [5, 70, 9000], ["(N\0", "", "(AFIB"])
    content = read(tmp_path, origins=[NOTES, SYMBOLS])
    assert content.marks[NOTES].texts == ("(N", "(AFIB")
    np.testing.assert_allclose(content.marks[NOTES].onset_s, [0.02, 36.0])
    assert content.marks[SYMBOLS].texts == ("+", "+", "+")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_notes_keep_their_letters(tmp_path: Path, encoding: str) -> None:
    write_record(tmp_path)
    write_notes(tmp_path, [5], ["Augen geöffnet".encode(encoding).decode("latin-1")])
    assert read(tmp_path, origins=[NOTES]).marks[NOTES].texts == ("Augen geöffnet",)


def test_annotations_may_have_a_rate_of_their_own(tmp_path: Path) -> None:
    write_record(tmp_path)
    write_notes(tmp_path, [500, 1000], ["a", "b"], fs=500)
    marks = read(tmp_path, origins=[NOTES]).marks[NOTES]
    np.testing.assert_allclose(marks.onset_s, [1.0, 2.0])


def test_a_comment_at_the_first_sample_is_kept(tmp_path: Path) -> None:
    write_record(tmp_path)
    wfdb.wrann(
        "100", "atr", np.array([0, 7500]), ['"', '"'], aux_note=["W", "2"], fs=500,
        write_dir=str(tmp_path),
    )  # fmt: skip
    assert wfdb.rdann(str(tmp_path / "100"), "atr").aux_note == ["2"]
    content = read(tmp_path, origins=[NOTES, SYMBOLS])
    assert content.marks[NOTES].texts == ("W", "2")
    assert content.marks[SYMBOLS].texts == ('"', '"')
    np.testing.assert_allclose(content.marks[NOTES].onset_s, [0.0, 15.0])


def test_symbols_that_the_file_defines(tmp_path: Path) -> None:
    write_record(tmp_path)
    wfdb.wrann(
        "100", "atr", np.array([0, 500]), ["w", "N"], fs=SFREQ, write_dir=str(tmp_path),
        custom_labels=[(48, "w", "wakes")],
    )  # fmt: skip
    content = read(tmp_path, origins=[NOTES, SYMBOLS])
    assert content.marks[SYMBOLS].texts == ("w", "N")
    assert content.marks[NOTES].texts == ()


def write_comments(folder: Path, notes: list[str]) -> None:
    """Write comments at sample 0, where definitions stand."""
    wfdb.wrann(
        "100", "atr", np.zeros(len(notes), int), ['"'] * len(notes), aux_note=notes,
        write_dir=str(folder),
    )  # fmt: skip


@pytest.mark.parametrize(
    "notes", [["## mine"], ["## annotation type definitions", "48 w", "wakes"]]
)
def test_notes_like_definitions_on_which_wfdb_would_hang(
    tmp_path: Path, notes: list[str]
) -> None:
    write_record(tmp_path)
    write_comments(tmp_path, notes)
    kept = tuple(note for note in notes if "definitions" not in note)
    assert read(tmp_path, origins=[NOTES]).marks[NOTES].texts == kept


@pytest.mark.parametrize("rates", [["250", "360"], ["0"]])
def test_rates_of_annotations_that_make_no_sense(
    tmp_path: Path, rates: list[str]
) -> None:
    write_record(tmp_path)
    write_comments(tmp_path, [f"## time resolution: {rate}" for rate in rates])
    found = refusal(tmp_path, "100.hea", [NOTES]).found
    assert f"a time resolution of {', '.join(rates)} Hz" in found


def test_a_record_without_annotations_goes_in(tmp_path: Path) -> None:
    write_record(tmp_path)
    (tmp_path / "100.atr").rename(tmp_path / "100.qrs")
    assert read(tmp_path).n_samples == LENGTH
    error = refusal(tmp_path, "100.hea", [SYMBOLS])
    assert (error.where, error.found) == ("100.atr", "there is no such file")
    assert "100.qrs" in error.expected
    assert "null" not in error.found
    assert len(read(tmp_path, origins=[SYMBOLS], annotations="qrs").marks) == 1
    error = refusal(tmp_path, "100.hea", [NOTES], annotations=None)
    assert "by the reader's settings" in error.found


@pytest.mark.parametrize("key", ["Age", "age", "#age ", "<AGE>"])
@pytest.mark.parametrize(
    "comment", ["Age: 56", "# Age=56", "<age>: 56  <sex>: F", "AGE : 56"]
)
def test_keys_of_comments(tmp_path: Path, comment: str, key: str) -> None:
    write_record(tmp_path)
    edit_header(tmp_path, "# 81 F 1234", f"#{comment}")
    origin = ("header", key)
    assert read(tmp_path, origins=[origin]).texts == {origin: ("56",)}


def test_comments_without_a_key(tmp_path: Path) -> None:
    write_record(tmp_path)
    edit_header(tmp_path, "# Digoxin", "#Dx: 164889003,59118001\n#Rx: a\n#Rx: b=c")
    asked = [("header", key) for key in ("", "dx", "Rx")]
    texts = read(tmp_path, origins=asked).texts
    assert list(texts.values()) == [
        ("81 F 1234", "Dx: 164889003,59118001", "Rx: a", "Rx: b=c"),
        ("164889003,59118001",),
        ("a", "b=c"),
    ]
    error = refusal(tmp_path, "100.hea", [("header", "Sex")])
    assert error.expected == "one of its keys: Dx, Rx"


def test_a_truncated_signal_is_named_with_both_lengths(tmp_path: Path) -> None:
    write_record(tmp_path)
    path = tmp_path / "100.dat"
    path.write_bytes(path.read_bytes()[:-7])
    error = refusal(tmp_path)
    assert error.where == "100.dat"
    assert f"{LENGTH * 3 - 7} bytes" in error.found
    assert f"{LENGTH * 3} bytes" in error.expected


@pytest.mark.parametrize("name", ["100.dat", "100.atr", "100.hea"])
@pytest.mark.parametrize("empty", [True, False])
def test_a_missing_or_empty_file_is_named(
    tmp_path: Path, name: str, empty: bool
) -> None:
    write_record(tmp_path)
    (tmp_path / name).unlink()
    if empty:
        (tmp_path / name).touch()
    error = refusal(tmp_path, "100.hea", [SYMBOLS])
    assert error.where == name
    assert ("empty" in error.found) is empty


def write_gaps(folder: Path) -> bytes:
    """Write annotations with long gaps, notes, channels and numbers; give the bytes."""
    write_record(folder)
    wfdb.wrann(
        "100", "atr", np.array([10, 5000, 70_000, 70_001]), list("N+NV"),
        aux_note=["", "(N\0\0", "", "a\0"], chan=np.array([0, 1, 1, 0]),
        num=np.array([0, 0, 3, 3]), write_dir=str(folder),
    )  # fmt: skip
    return (folder / "100.atr").read_bytes()


def test_annotations_cut_anywhere(tmp_path: Path) -> None:
    """Zeros in long gaps and texts look like the end mark, and are none."""
    content = write_gaps(tmp_path)
    path, settings = tmp_path / "100.atr", {"unchecked": ["beats"]}
    complete = read(tmp_path, origins=[SYMBOLS], **settings).marks[SYMBOLS]
    assert complete.texts == ("N", "+", "N", "V")
    assert b"\0\0" in content[:-2]
    for length in range(1, len(content)):
        path.write_bytes(content[:length])
        error = refusal(tmp_path, "100.hea", [SYMBOLS], **settings)
        assert error.found == f"is cut short after {length} bytes: no end mark"
        assert "unchecked to [end]" in error.remedy


def test_what_is_complete_is_read_if_the_end_is_not_checked(tmp_path: Path) -> None:
    content = write_gaps(tmp_path)
    path, settings = tmp_path / "100.atr", {"unchecked": ["beats", "end"]}
    counts = []
    for length in range(2, len(content) + 1):
        path.write_bytes(content[:length])
        found = read(tmp_path, origins=[SYMBOLS], **settings)
        counts.append(len(found.marks[SYMBOLS].texts))
        cut = (f"annotations: is cut short after {length} bytes: no end mark",)
        assert found.remarks == cut * (length < len(content))
    assert set(counts) == {1, 2, 3, 4}
    assert (counts[0], counts[-1]) == (1, 4)


@pytest.mark.parametrize("between", [b"\0\xec\0\0\x05\0", b"\x02\xfcab"])
def test_a_text_that_follows_no_annotation(tmp_path: Path, between: bytes) -> None:
    """Between an annotation and its text stands a long interval, or another text."""
    content = write_gaps(tmp_path)
    at = content.index(b"(N") - 2
    moved = content[:at] + between + content[at:]
    (tmp_path / "100.atr").write_bytes(moved)
    error = refusal(tmp_path, "100.hea", [SYMBOLS], unchecked=["beats", "end"])
    assert error.found.endswith(f"without an annotation, at byte {at + len(between)}")


@pytest.mark.parametrize("back", [10_000, 1000])
def test_annotations_that_go_back_in_time(tmp_path: Path, back: int) -> None:
    """A long interval of 65,000 samples becomes one that leads back."""
    content = write_gaps(tmp_path)
    skip = content.index(b"\0\xec")
    word = np.array([-back], "<i4").tobytes()
    moved = content[: skip + 2] + word[2:] + word[:2] + content[skip + 6 :]
    (tmp_path / "100.atr").write_bytes(moved)
    error = refusal(tmp_path, "100.hea", [SYMBOLS], unchecked=["beats"])
    assert "goes back in time, to sample" in error.found
    let = {"unchecked": ["beats", "end"]}
    onset = read(tmp_path, origins=[SYMBOLS], **let).marks[SYMBOLS].onset_s
    assert (np.diff(onset) >= 0).all()


@pytest.mark.parametrize("behind", [b"\0", b"\0\0", b"\x01\x04\0\0"])
def test_bytes_behind_the_end_mark(tmp_path: Path, behind: bytes) -> None:
    content = write_gaps(tmp_path)
    (tmp_path / "100.atr").write_bytes(content + behind)
    error = refusal(tmp_path, "100.hea", [SYMBOLS], unchecked=["beats"])
    at = f"{len(behind)} bytes stand behind the end mark, at byte {len(content) - 2}"
    assert error.found == at
    let = {"unchecked": ["beats", "end"]}
    assert len(read(tmp_path, origins=[SYMBOLS], **let).marks[SYMBOLS].texts) == 4


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("100 2 250", "100 two x", "names no record"),
        ("100 2 250", "100 3 250", "2 lines of signals; its first: 3"),
        ("100.dat 212", "100.dat 99", "format 99"),
        (" 0 ", " \u0663 ", "a field holds '\u0663', which is no ASCII"),
        ("212 200.0", "212 20\u0663.0", "which is no ASCII"),
        ("100 2 250", "100 2 25\u0660", "which is no ASCII"),
        ("100 2 250", "100 2mmHg360 250", "names no record"),
        (" 12 0 ", " 12x 0 ", "field 4 of signal 0 is '12x', no integer"),
        (" 12 0 ", " x 0 ", "field 4 of signal 0 is 'x'"),
        ("250 20000", "250 2000O", "its first line has the length '2000O'"),
        (" 20000", " 0", "holds no samples"),
        ("200.0(0)/mV", "1E3(0)/mV", "cannot be read: '212 1E3(0)/mV'"),
        ("200.0(0)/mV", "1E3/mV", "cannot be read: '212 1E3/mV'"),
        ("200.0(0)/mV", "2,5/mV", "cannot be read: '212 2,5/mV'"),
    ],
)
def test_a_damaged_header(tmp_path: Path, old: str, new: str, found: str) -> None:
    write_record(tmp_path)
    edit_header(tmp_path, old, new)
    assert found in refusal(tmp_path).found
    assert found in refusal(tmp_path, unit="mV").found


@pytest.mark.parametrize(
    "rate",
    ["", "two 20000", "250,5", "0", "0 20000", "250/abc 20000", "-250 20000",
     "nan 20000", "inf", "1e3", "25O 20000", "250(7 20000"],
)  # fmt: skip
def test_a_rate_that_the_header_does_not_state(tmp_path: Path, rate: str) -> None:
    write_record(tmp_path)
    edit_header(tmp_path, "100 2 250 20000", f"100 2 {rate}")
    assert "sampling rate" in refusal(tmp_path).found
    content = read(tmp_path, origins=[SYMBOLS], sfreq=125)
    assert (content.sfreq, content.n_samples) == (125, LENGTH)
    np.testing.assert_allclose(content.marks[SYMBOLS].onset_s, PEAKS / 125)


@pytest.mark.parametrize("rate", ["360/5", "360/5(2)", "360.0/-1.5(-2.)"])
def test_a_rate_beside_that_of_a_counter(tmp_path: Path, rate: str) -> None:
    write_record(tmp_path)
    edit_header(tmp_path, "100 2 250 20000", f"100 2 {rate} 20000")
    assert read(tmp_path).sfreq == 360


@pytest.mark.parametrize("name", ["m", "p", "q"])
@pytest.mark.parametrize("rate", ["250/abc", "-250", "none", "0"])
def test_a_rate_that_one_header_of_several_does_not_state(
    tmp_path: Path, name: str, rate: str
) -> None:
    write_segments(tmp_path, "layout 0", "p 1000", "q 500")
    edit_header(tmp_path, " 250 ", f" {rate} ", name)
    error = refusal(tmp_path, "m.hea", channels=["b"])
    assert (error.where, error.found) == (
        f"{name}.hea",
        f"'{rate}' is no sampling rate",
    )
    content = read(tmp_path, "m.hea", channels=["b"], sfreq=125)
    assert (content.sfreq, content.n_samples) == (125, 1500)


@pytest.mark.parametrize("rate", ["999999999", "0.5", "9" * 400])
def test_a_rate_that_no_recorder_has(tmp_path: Path, rate: str) -> None:
    write_record(tmp_path)
    edit_header(tmp_path, "100 2 250 ", f"100 2 {rate} ")
    assert "the sampling rate is" in refusal(tmp_path).found
    if len(rate) < 10:
        assert read(tmp_path, unchecked=["rate"]).sfreq == float(rate)


def test_segments_whose_rates_are_rounded(tmp_path: Path) -> None:
    write_segments(tmp_path, "layout 0", "p 1000", "q 500")
    edit_header(tmp_path, " 250 ", " 249.8901", "p")
    for name in ("m", "layout", "q"):
        edit_header(tmp_path, " 250 ", " 249.89 ", name)
    assert read(tmp_path, "m.hea", channels=["b"]).sfreq == 249.89


def write_as(folder: Path, fmt: str) -> None:
    """Write two signals in a format."""
    counts = np.random.default_rng(1).integers(-90, 90, (600, 2))
    counts[0] = [7, -5]
    wfdb.wrsamp(
        "100", SFREQ, ["mV"] * 2, ["a", "b"], d_signal=counts,
        fmt=["16" if fmt == "61" else fmt] * 2, adc_gain=[100.0] * 2,
        baseline=[0] * 2, write_dir=str(folder),
    )  # fmt: skip
    if fmt == "61":
        edit_header(folder, ".dat 16 ", ".dat 61 ")
        swapped = np.fromfile(folder / "100.dat", "<i2").astype(">i2")
        (folder / "100.dat").write_bytes(swapped.tobytes())


def stated(folder: Path) -> list[str]:
    """Give the checksums in the header."""
    return [
        line.split()[6] for line in (folder / "100.hea").read_text().splitlines()[1:]
    ]


@pytest.mark.parametrize("kept", [0, 2**22])
@pytest.mark.parametrize("fmt", ["80", "16", "61", "24", "32", "212"])
def test_samples_that_the_checksum_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fmt: str, kept: int
) -> None:
    monkeypatch.setattr(wfdb_samples, "KEPT", kept)
    write_as(tmp_path, fmt)
    first, second = stated(tmp_path)
    path = tmp_path / "100.dat"
    damaged = bytearray(path.read_bytes())
    damaged[900:960] = bytes(60)
    full = read(tmp_path)
    assert samples(full).shape == (2, 600)
    path.write_bytes(damaged)
    error = refusal(tmp_path)
    assert error.where == "100.dat"
    assert error.found.startswith("the checksum of a, b is ")
    assert error.expected == f"{first}, {second}, as 100.hea states"
    assert samples(read(tmp_path, unchecked=["checksum"])).shape == (2, 600)


def test_a_checksum_counts_samples_that_come_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at the middle, overlaps and a second pass change nothing."""
    monkeypatch.setattr(wfdb_samples, "KEPT", 0)
    write_as(tmp_path, "212")
    content = read(tmp_path)
    for start, stop in [
        (300, 310),
        (0, 100),
        (50, 250),
        (400, 500),
        (200, 600),
        (0, 600),
    ]:
        content.read(start, stop)
    edit_header(tmp_path, stated(tmp_path)[1], "5")
    content = read(tmp_path)
    for start in (0, 200):
        content.read(start, start + 200)
    with pytest.raises(DataError, match="the checksum of b is"):
        content.read(400, 600)


def test_a_first_sample_that_the_header_does_not_state(tmp_path: Path) -> None:
    write_as(tmp_path, "16")
    edit_header(tmp_path, " 7 ", " 8 ")
    error = refusal(tmp_path)
    assert (error.found, error.expected) == (
        "the first sample of a is 7",
        "8, as 100.hea states",
    )


@pytest.mark.parametrize(
    "fields", [" 0 0 ", " 0 ", " "], ids=["zeros", "no sum", "neither"]
)
def test_what_the_header_leaves_out_is_not_compared(
    tmp_path: Path, fields: str
) -> None:
    write_as(tmp_path, "16")
    lines = (tmp_path / "100.hea").read_text().splitlines()
    for k in (1, 2):
        words = lines[k].split()
        kept = [*words[:5], *fields.split()]
        lines[k] = " ".join(kept if len(kept) < 7 else [*kept, *words[7:]])
    (tmp_path / "100.hea").write_text("\n".join(lines))
    content = read(tmp_path)
    assert samples(content).shape == (2, 600)


def test_a_checksum_without_a_sign(tmp_path: Path) -> None:
    write_as(tmp_path, "16")
    old = stated(tmp_path)[0]
    edit_header(tmp_path, f" {old} ", f" {int(old) % 2**16 + 2**16} ")
    assert samples(read(tmp_path)).shape == (2, 600)


def test_a_segment_that_uses_a_part_of_its_record_is_not_added_up(
    tmp_path: Path,
) -> None:
    write_segments(tmp_path, "layout 0", "p 900", "q 500")
    assert samples(read(tmp_path, "m.hea", channels=["b"])).shape == (1, 1400)
    damaged = bytearray((tmp_path / "q.dat").read_bytes())
    damaged[500:600] = bytes(100)
    (tmp_path / "q.dat").write_bytes(damaged)
    assert refusal(tmp_path, "m.hea", channels=["b"]).where == "q.dat"


def test_a_file_that_is_longer_than_its_header_states(tmp_path: Path) -> None:
    write_as(tmp_path, "16")
    edit_header(tmp_path, " 600", " 300")
    assert "checksum" in refusal(tmp_path).found
    for value in stated(tmp_path):
        edit_header(tmp_path, f" {value} ", " 0 ")
    error = refusal(tmp_path)
    assert error.where == "100.dat"
    assert error.found == "holds 2400 bytes, and 100.hea states 1200"
    content = read(tmp_path, unchecked=["checksum"])
    assert content.remarks == ("bytes behind the last sample, left out: 1200",)
    edit_header(tmp_path, " 300", " 590")
    content = read(tmp_path)
    assert samples(content).shape == (2, 590)
    assert content.remarks == ("bytes behind the last sample, left out: 40",)


def test_a_checksum_proves_the_length(tmp_path: Path) -> None:
    write_as(tmp_path, "16")
    with (tmp_path / "100.dat").open("ab") as stream:
        stream.write(bytes(5000))
    content = read(tmp_path)
    assert samples(content).shape == (2, 600)
    assert content.remarks == ("bytes behind the last sample, left out: 5000",)


@pytest.mark.parametrize("length", ["1000000000000000", "600"])
def test_a_length_that_no_file_has(tmp_path: Path, length: str) -> None:
    write_as(tmp_path, "16")
    edit_header(tmp_path, " 600", f" {length}")
    edit_header(tmp_path, "100.dat 16 ", "100.dat 16x3999 ")
    assert refusal(tmp_path).where == "100.dat"


@pytest.mark.parametrize("gain", ["0(0)/mV", "0"])
def test_signals_without_a_gain(tmp_path: Path, gain: str) -> None:
    write_record(tmp_path)
    expected = wfdb.rdrecord(str(tmp_path / "100")).p_signal.T * 1e-3
    edit_header(tmp_path, "200.0(0)/mV", gain)
    assert "not calibrated" in refusal(tmp_path).found
    content = read(tmp_path, unit="mV")
    np.testing.assert_array_equal(samples(content), expected)
    assert content.remarks == ("no gain in the header, 200 per unit assumed: MLII, V1",)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_microvolts_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    write_record(tmp_path)
    header = tmp_path / "100.hea"
    header.write_bytes(header.read_text().replace("/mV", "/µV").encode(encoding))
    assert wfdb.rdheader(str(tmp_path / "100")).units == ["V", "V"]
    expected = wfdb.rdrecord(str(tmp_path / "100")).p_signal.T * 1e-6
    np.testing.assert_array_equal(samples(read(tmp_path)), expected)


def test_an_unknown_unit_is_not_taken_for_volts(tmp_path: Path) -> None:
    write_record(tmp_path, units="mmHg")
    assert "'mmHg'" in refusal(tmp_path).found
    header = tmp_path / "100.hea"
    header.write_text(header.read_text().replace("/mmHg", "/mV", 1))
    assert read(tmp_path, channels=["ecg"]).channels == ("MLII",)


def test_lines_of_one_file_stand_together(tmp_path: Path) -> None:
    write_signals(tmp_path, "100", ["a", "b"], 10)
    (tmp_path / "x.dat").write_bytes(bytes(20))
    edit_header(tmp_path, "100 2", "100 3")
    edit_header(tmp_path, " a\n", " a\nx.dat 16 100 16 0 0 0 0 x\n")
    assert "among those of '100.dat'" in refusal(tmp_path, channels=["b"]).found
    assert read(tmp_path, channels=["x"]).n_samples == 10


def test_a_file_of_signals_not_wanted_may_be_missing(tmp_path: Path) -> None:
    write_signals(tmp_path, "100", ["a", "b"], 10)
    edit_header(tmp_path, "100 2", "100 3")
    edit_header(tmp_path, " b\n", " b\nx.dat 16 100 16 0 0 0 0 x\n")
    assert read(tmp_path, channels=["b"]).n_samples == 10
    assert refusal(tmp_path).where == "x.dat"


def test_skewed_signals_are_aligned(tmp_path: Path) -> None:
    a, b, c = write_signals(tmp_path, "100", ["a", "b", "c"], 50)
    header = tmp_path / "100.hea"
    lines = header.read_text().splitlines()
    for k, skew in enumerate((0, 3, 5), start=1):
        lines[k] = lines[k].replace(" 16 ", f" 16:{skew} ", 1)
    header.write_text("\n".join(lines))
    content = read(tmp_path)
    expected = np.stack([a[:45], b[3:48], c[5:]]) * 1e-5
    np.testing.assert_allclose(samples(content), expected)
    assert content.remarks == ("5 samples that skewed channels lack at the end",)
    np.testing.assert_allclose(samples(read(tmp_path, channels=["b"]))[0], b[3:] * 1e-5)


def write_segments(folder: Path, *lines: str) -> None:
    """Write records p (a, b) and q (b, c) of 1000 and 500, and a master of lines."""
    write_signals(folder, "p", ["a", "b"], 1000)
    write_signals(folder, "q", ["b", "c"], 500)
    layout = ["layout 3 250 0", *(f"~ 0 100/mV 16 0 0 0 0 {name}" for name in "abc")]
    (folder / "layout.hea").write_text("\n".join(layout))
    length = sum(int(line.split()[1]) for line in lines)
    master = [f"m/{len(lines)} 3 250 {length}", *lines, "# Age: 50"]
    (folder / "m.hea").write_text("\n".join(master))


def test_a_pause_between_segments_is_no_signal(tmp_path: Path) -> None:
    write_segments(tmp_path, "layout 0", "p 1000", "~ 250", "q 500", "p 1000")
    wfdb.wrann(
        "m", "atr", np.array([10, 1300]), ["N", "V"], write_dir=str(tmp_path), fs=SFREQ
    )
    content = read(tmp_path, "m.hea", [SYMBOLS, ("header", "age")], channels=["b"])
    expected = wfdb.rdrecord(str(tmp_path / "m"), channels=[1]).p_signal[:, 0] * 1e-3
    there = np.ones(2750, bool)
    there[1000:1250] = False
    assert np.isnan(expected[~there]).all()
    np.testing.assert_array_equal(samples(content)[0], expected[there])
    np.testing.assert_array_equal(content.read(990, 1510)[0], expected[there][990:1510])
    parts = [(part.start, part.onset_s) for part in content.segments]
    assert parts == [(0, 0.0), (1000, 5.0)]
    assert content.marks[SYMBOLS].onset_s.tolist() == [0.04, 5.2]
    assert content.texts == {("header", "age"): ("50",)}


def test_a_segment_without_the_channels_is_a_pause(tmp_path: Path) -> None:
    write_segments(tmp_path, "layout 0", "p 1000", "q 500", "p 1000")
    alone = read(tmp_path, "m.hea", channels=["a"])
    assert [(s.start, s.onset_s) for s in alone.segments] == [(0, 0.0), (1000, 6.0)]
    both = read(tmp_path, "m.hea", channels=["a", "b"])
    expected = wfdb.rdrecord(str(tmp_path / "m"), channels=[0, 1]).p_signal.T * 1e-3
    np.testing.assert_array_equal(samples(both), expected)
    assert np.isnan(samples(both)[0]).sum() == 500
    assert len(both.segments) == 1


def test_the_clock_starts_with_the_first_sample(tmp_path: Path) -> None:
    write_segments(tmp_path, "layout 0", "~ 500", "p 1000", "~ 250", "p 1000")
    wfdb.wrann("m", "atr", np.array([510]), ["N"], write_dir=str(tmp_path), fs=SFREQ)
    content = read(tmp_path, "m.hea", [SYMBOLS], channels=["b"])
    assert [(s.start, s.onset_s) for s in content.segments] == [(0, 0.0), (1000, 5.0)]
    assert content.marks[SYMBOLS].onset_s == pytest.approx([0.04])


def test_files_of_a_record_of_segments(tmp_path: Path) -> None:
    write_segments(tmp_path, "layout 0", "p 1000", "~ 250", "q 500")
    (tmp_path / "m.atr").touch()
    files = {path.name for path in tmp_path.iterdir()} - {"q.dat"}
    found = Wfdb().companions(tmp_path, "m.hea", files)
    assert set(found) == {"layout.hea", "p.hea", "p.dat", "q.hea", "m.atr"}
    (tmp_path / "q.hea").unlink()
    assert refusal(tmp_path, "m.hea", channels=["b"]).where == "q.hea"


@pytest.mark.parametrize(
    ("name", "old", "new", "found"),
    [
        ("q", "q 2 250", "q 2 125", "segments at 250, 125 Hz"),
        ("q", " 500\n", " 400\n", "a segment of 400 samples"),
        ("m", "3 250 1500", "3 250 1400", "segments of 1500 samples in total"),
        ("q", "/mV", "/uV", "channel 'b' is in uV"),
        ("q", "q.dat 16 ", "q.dat 16x2 ", "2 samples per frame"),
    ],
)
def test_segments_that_contradict_each_other(
    tmp_path: Path, name: str, old: str, new: str, found: str
) -> None:
    write_segments(tmp_path, "layout 0", "p 1000", "q 500")
    edit_header(tmp_path, old, new, name)
    assert found in refusal(tmp_path, "m.hea", channels=["b"]).found


def test_annotations_of_another_record(tmp_path: Path) -> None:
    write_record(tmp_path)
    beats = np.arange(300, LENGTH - 300, 187)
    wfdb.wrann("100", "atr", beats, ["N"] * len(beats), write_dir=str(tmp_path))
    error = refusal(tmp_path, "100.hea", [NOTES])
    assert error.where == "100.atr"
    assert "another record" in error.expected
    for settings in ({"unchecked": ["beats"]}, {"channel_type": "eeg"}):
        marks = read(tmp_path, origins=[SYMBOLS], **settings).marks[SYMBOLS]
        assert len(marks.texts) == len(beats)


def test_annotations_beyond_the_end(tmp_path: Path) -> None:
    write_record(tmp_path)
    late = np.append(PEAKS, [LENGTH, LENGTH + 500])
    wfdb.wrann("100", "atr", late, ["N"] * len(late), write_dir=str(tmp_path))
    content = read(tmp_path, origins=[SYMBOLS])
    assert content.remarks == ("beats after the end, left out: 1",)
    late = np.append(PEAKS, LENGTH + 500 + 200 * np.arange(30))
    wfdb.wrann("100", "atr", late, ["N"] * len(late), write_dir=str(tmp_path))
    error = refusal(tmp_path, "100.hea", [SYMBOLS])
    assert "30 beats lie beyond the end" in error.found


def test_old_settings_name_the_new_ones() -> None:
    with pytest.raises(ValidationError, match=r"values: \{label"):
        Wfdb.model_validate({"labels": {"N": "N"}})
    with pytest.raises(ValidationError, match=r"person: \{from: field"):
        Wfdb.model_validate({"same_person": {"202": "201"}})


def test_only_headers_are_recordings(tmp_path: Path) -> None:
    assert "no WFDB header" in refusal(tmp_path, "100.dat").found


def formats(real_data: Path) -> Path:
    folder = real_data / "formats" / "wfdb"
    if not folder.is_dir():
        pytest.skip(f"no sample records: {folder}")
    return folder


MCL1, II_V = ["MCL1"], ["II", "V"]
MULTI = "multi-segment"


@pytest.mark.parametrize(
    ("record", "channels", "sfreq", "n_samples", "refused"),
    [
        ("03700181", MCL1, 500, 300_000, "unit of channel 'ABP' is 'mmHg'"),
        ("3000003_0003", None, 125, 1028, None),
        ("310derive", None, 250, 1026, None),
        ("310derive_2", None, 360, 1020, None),
        ("310derive_3", None, 360, 1018, None),
        ("311derive", None, 250, 1026, None),
        ("311derive_2", None, 360, 1020, None),
        ("311derive_3", None, 360, 1019, None),
        ("311derive_4", None, 360, 1018, None),
        ("a103l", II_V, 250, 82_500, "unit of channel 'PLETH' is 'NU'"),
        ("a103l-no-len", II_V, 250, 82_500, "unit of channel 'PLETH' is 'NU'"),
        ("binformats", None, 200, 499, None),
        ("flac_3_constant", None, 250, 5_600_000, None),
        ("flacformats", None, 200, 499, None),
        ("mixedsignals", ["II", "III", "V"], 249.89, 57_600, "unit of channel 'ABP'"),
        ("s0010_re", None, 1000, 38_400, None),
        ("test01_00s", None, 500, 4000, None),
        ("v102s", II_V, 250, 75_000, "unit of channel 'PLETH' is 'NU'"),
        (f"{MULTI}/041s/041s", ["III", "I", "V"], 500, 8000, "unit of channel 'ABP'"),
        (f"{MULTI}/041s/041s01", ["I"], 500, 4000, "unit of channel 'ABP'"),
        (f"{MULTI}/041s/041s02", ["I"], 500, 4000, "unit of channel 'ABP'"),
        (f"{MULTI}/fixed1/v102s", II_V, 250, 225_000, "unit of channel 'PLETH'"),
        (f"{MULTI}/fixed1/v102s_1", II_V, 250, 75_000, "unit of channel 'PLETH'"),
    ],
)
def test_sample_records(
    real_data: Path,
    monkeypatch: pytest.MonkeyPatch,
    record: str,
    channels: list[str] | None,
    sfreq: float,
    n_samples: int,
    refused: str | None,
) -> None:
    folder = formats(real_data)
    main = f"{record}.hea"
    if refused:
        with pytest.raises(DataError, match=refused):
            Wfdb().read(folder, [main], [])
    monkeypatch.setattr(wfdb_samples, "KEPT", 0)
    content = Wfdb(channels=channels).read(folder, [main], [])
    read_through(content)
    assert content.sfreq == pytest.approx(sfreq)
    assert content.n_samples == n_samples
    assert len(content.segments) == 1
    # Read apart from the reader, and only where the parts of a long one are wanted.
    to = None if n_samples < 1_000_000 else 5000
    full = wfdb.rdrecord(str(folder / record), smooth_frames=False, sampto=to)
    for start, stop in pieces(min(n_samples, 5000)):
        expected = [
            full.e_p_signal[full.sig_name.index(name)][start:stop] * 1e-3
            for name in content.channels
        ]
        np.testing.assert_array_equal(content.read(start, stop), expected)
    if to is None:
        last = content.read(n_samples - 7, n_samples)
        expected = full.e_p_signal[full.sig_name.index(content.channels[-1])][-7:]
        np.testing.assert_array_equal(last[-1], expected * 1e-3)


def read_through(content: Content) -> None:
    """Read all samples in order, which holds them against their headers."""
    for start in range(0, content.n_samples, 500_000):
        content.read(start, min(start + 500_000, content.n_samples))


def pieces(stop: int) -> list[tuple[int, int]]:
    """Cut a recording at places that fit neither bytes nor frames."""
    cuts = [*range(0, stop, 331), stop]
    return [(0, 1), (1, 2), *pairwise(cuts)]


def test_signals_of_several_rates(real_data: Path) -> None:
    folder = formats(real_data)
    mixed = Wfdb(channels=["III", "PLETH"])
    with pytest.raises(DataError, match="several rates: III 500, PLETH 125 Hz"):
        mixed.read(folder / "multi-segment" / "041s", ["041s.hea"], [])


def test_annotations_at_the_rate_of_the_signal(real_data: Path) -> None:
    folder = formats(real_data)
    for extension, rate in (("gqrsh", 500), ("sqrs", 250)):
        reader = Wfdb(channels=MCL1, annotations=extension, unchecked=["beats"])
        marks = reader.read(folder, ["03700181.hea"], [SYMBOLS]).marks[SYMBOLS]
        expected = wfdb.rdann(str(folder / "03700181"), extension)
        assert expected.fs == rate
        commented = int(extension == "gqrsh")  # its first is gqrs's own command line
        onset = marks.onset_s[commented:]
        np.testing.assert_allclose(onset, expected.sample / rate)


def test_comments_of_a_sample_record(real_data: Path) -> None:
    asked = [("header", key) for key in ("age", "Sex", "medications")]
    content = Wfdb().read(formats(real_data), ["test01_00s.hea"], asked)
    assert list(content.texts.values()) == [("25",), ("M",), ("(none)",)]


def test_all_beats_of_ds1(real_data: Path) -> None:
    folder = real_data / "mitdb"
    mains = sorted(path.name for path in folder.glob("*.hea"))
    counts: Counter[str] = Counter()
    for main in mains:
        content = Wfdb().read(folder, [main], [SYMBOLS])
        texts = content.marks[SYMBOLS].texts
        assert content.remarks == ()
        counts.update(AAMI[text] for text in texts if text in AAMI)
    assert len(mains) == 22
    assert counts == {"N": 45866, "S": 944, "V": 3788, "F": 415, "Q": 8}


def test_record_119_with_zeros_in_it(real_data: Path, tmp_path: Path) -> None:
    """The header's checksums are right, and show 30,000 bytes that are not."""
    for name in ("119.hea", "119.atr"):
        (tmp_path / name).symlink_to(real_data / "mitdb" / name)
    content = bytearray((real_data / "mitdb" / "119.dat").read_bytes())
    content[600_000:630_000] = bytes(30_000)
    (tmp_path / "119.dat").write_bytes(content)
    error = refusal(tmp_path, "119.hea", [SYMBOLS])
    assert error.where == "119.dat"
    assert "the checksum of MLII, V1" in error.found


def test_record_114_has_its_leads_in_order(real_data: Path) -> None:
    folder = real_data / "mitdb"
    content = Wfdb(channels=ROLES).read(folder, ["114.hea"], [])
    record = wfdb.rdrecord(str(folder / "114"))
    assert record.sig_name == ["V5", "MLII"]
    assert content.channels == ("MLII", "chest")
    expected = record.p_signal[:, [1, 0]].T * 1e-3
    np.testing.assert_array_equal(samples(content), expected)


def test_annotations_of_a_neighbour_are_noticed(
    real_data: Path, tmp_path: Path
) -> None:
    for name in ("203.hea", "203.dat"):
        (tmp_path / name).symlink_to(real_data / "mitdb" / name)
    (tmp_path / "203.atr").symlink_to(real_data / "mitdb" / "215.atr")
    error = refusal(tmp_path, "203.hea", [SYMBOLS])
    assert "another record" in error.expected


@pytest.mark.parametrize(
    "name", ["../100.dat", "/etc/passwd", "..\\100.dat", "a/b.dat"]
)
def test_a_header_names_no_file_of_another_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "mine").mkdir()
    write_record(tmp_path / "mine")
    (tmp_path / "mine" / "100.dat").rename(tmp_path / "100.dat")
    path = tmp_path / "mine" / "100.hea"
    path.write_text(path.read_text().replace("100.dat", name))
    assert Wfdb().companions(tmp_path / "mine", "100.hea", [name, "100.atr"]) == (
        "100.atr",
    )
    with pytest.raises(DataError, match=r"100\.hea: its line of signal 0"):
        Wfdb().read(tmp_path / "mine", ["100.hea"], [])
