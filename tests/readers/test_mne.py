"""The reader `mne`: EDF by our own reading, other formats by MNE's."""

import shutil
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import edfio
import mne
import numpy as np
import pytest
import scipy.io

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import Content, Marks
from pipeline.readers.mne import Mne
from pipeline.readers.parts.mne import edf

WriteEdf = Callable[..., list[np.ndarray]]
NOISE = np.random.default_rng(5).uniform(-400, 400, (3, 1000))
TEN = [f"+{k}" for k in range(10)]
ALL = ("annotation", "")


def read(
    folder: Path,
    main: str,
    *,
    origins: Sequence[tuple[str, str]] = (ALL,),
    **settings: object,
) -> Content:
    reader = Mne.model_validate(settings)
    paths = (path for path in folder.rglob("*") if path.is_file())
    files = [path.relative_to(folder).as_posix() for path in paths]
    return reader.read(folder, [main, *reader.companions(folder, main, files)], origins)


def samples(content: Content) -> np.ndarray:
    return content.read(0, content.n_samples)


def marks(content: Content) -> list[tuple[float, float, str]]:
    """List marks as MNE does, which writes 0 for a duration that is not stated."""
    found = content.marks[ALL]
    duration = np.nan_to_num(found.duration_s)
    return list(zip(found.onset_s, duration, found.texts, strict=True))


# Samples and units


@pytest.mark.parametrize("name", ["a.edf", "a.bdf", "A.EDF"])
def test_samples_equal_those_of_edfio(
    tmp_path: Path, write_edf: WriteEdf, name: str
) -> None:
    write_edf(tmp_path / name, NOISE)
    content = read(tmp_path, name)
    load = edfio.read_bdf if name.endswith("bdf") else edfio.read_edf
    peer = np.stack([signal.data for signal in load(tmp_path / name).signals]) * 1e-6
    assert content.channels == ("C3", "C4", "Cz")
    assert (content.sfreq, content.n_samples, content.segments) == (
        100.0,
        1000,
        (Segment(0, 0.0),),
    )
    np.testing.assert_allclose(samples(content), peer, rtol=0, atol=1e-16)
    for start, stop in ((0, 1), (150, 151), (199, 401), (999, 1000), (37, 37)):
        np.testing.assert_array_equal(
            content.read(start, stop), samples(content)[:, start:stop]
        )


def test_long_recordings_are_decoded_in_blocks(
    tmp_path: Path, write_edf: WriteEdf, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_edf(tmp_path / "a.edf", NOISE)
    at_once = samples(read(tmp_path, "a.edf"))
    monkeypatch.setattr("pipeline.readers.parts.mne.edf.BLOCK_BYTES", 1300)
    np.testing.assert_array_equal(samples(read(tmp_path, "a.edf")), at_once)


@pytest.mark.parametrize(
    ("unit", "size"),
    [
        ("uV", 1e-6),
        ("mV", 1e-3),
        ("V", 1.0),
        ("nV", 1e-9),
        ("uv", 1e-6),
        ("µV".encode(), 1e-6),
        ("µV".encode("latin-1"), 1e-6),
        ("μV".encode(), 1e-6),
    ],
)
def test_units(
    tmp_path: Path, write_edf: WriteEdf, unit: str | bytes, size: float
) -> None:
    physical = write_edf(tmp_path / "a.edf", NOISE, unit=unit)
    np.testing.assert_allclose(
        samples(read(tmp_path, "a.edf")), np.stack(physical) * size, rtol=1e-9
    )


def test_a_blank_unit_needs_a_setting(tmp_path: Path, write_edf: WriteEdf) -> None:
    physical = write_edf(tmp_path / "a.edf", NOISE, unit="")
    with pytest.raises(DataError, match=r"not stated(.|\n)*set the reader's unit"):
        read(tmp_path, "a.edf")
    content = read(tmp_path, "a.edf", unit="mV")
    np.testing.assert_allclose(samples(content), np.stack(physical) * 1e-3, rtol=1e-9)


def test_another_unit_than_stated(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE, unit="mV")
    with pytest.raises(DataError, match="in mV by the file, in uV by"):
        read(tmp_path, "a.edf", unit="uV")
    write_edf(tmp_path / "a.edf", NOISE, unit="degC")
    with pytest.raises(DataError, match="'degC'"):
        read(tmp_path, "a.edf")


def test_an_inverted_range_is_legitimate(tmp_path: Path, write_edf: WriteEdf) -> None:
    physical = write_edf(tmp_path / "a.edf", NOISE, physical=(500.0, -500.0))
    content = read(tmp_path, "a.edf")
    np.testing.assert_allclose(samples(content), np.stack(physical) * 1e-6, rtol=1e-9)
    assert "for inverting amplifiers: EEG C3, EEG C4, EEG Cz" in content.remarks[-1]


@pytest.mark.parametrize(
    ("field", "bad"),
    [(104, b"500"), (104, b"nan"), (112, b"no"), (112, b"inf"), (112, b"1_000"),
     (120, b"32767"), (120, b"-32769"), (128, b"-32768"), (128, b"32768"), (128, b"")],
)  # fmt: skip
def test_ranges_that_make_no_sense(
    tmp_path: Path, write_edf: WriteEdf, field: int, bad: bytes
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE)
    content = bytearray(path.read_bytes())
    begin = 256 + 3 * field + 8
    content[begin : begin + 8] = bad.ljust(8)
    path.write_bytes(content)
    with pytest.raises(DataError, match="'EEG C4'"):
        read(tmp_path, "a.edf")
    # It does not matter in a signal that is no channel.
    assert read(tmp_path, "a.edf", channels=["C3", "Cz"]).n_samples == 1000


@pytest.mark.parametrize("suffix", ["edf", "bdf"])
def test_samples_outside_the_digital_range(
    tmp_path: Path, write_edf: WriteEdf, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """A sample at an end is clipped; a few beyond it are counted, more refused."""
    monkeypatch.setattr(edf, "BLOCK_BYTES", 1000)
    name = f"a.{suffix}"
    values = np.clip(np.tile(NOISE, 4), -300, 300)
    for n_beyond, refused in ((0, False), (4, False), (5, True)):
        values[1, 50 : 50 + 700 * n_beyond : 700] = 400
        write_edf(tmp_path / name, values, inner=0.6)
        content = read(tmp_path, name)
        assert content.counted() == ()
        if refused:
            found = r"5 of 4000 samples of 'EEG C4' lie outside its digital range, -"
            with pytest.raises(DataError, match=found) as caught:
                through(content)
            assert "unchecked to [range]" in caught.value.remedy
            content = read(tmp_path, name, unchecked=["range"])
        through(content)
        through(content)
        counted = (f"samples outside the digital range, kept: {n_beyond} of EEG C4",)
        assert content.counted() == counted * bool(n_beyond)


def through(content: Content) -> None:
    """Read all samples in pieces, with a look ahead."""
    content.read(content.n_samples - 10, content.n_samples)
    for start in range(0, content.n_samples, 330):
        content.read(start, min(start + 330, content.n_samples))


# Channels


def test_channels_by_either_name_and_by_type(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    labels = ("EEG Fp2", "ECG ECG", "EEG Fp1")
    physical = np.stack(write_edf(tmp_path / "a.edf", NOISE, labels=labels)) * 1e-6
    content = read(tmp_path, "a.edf", channels=["Fp1", "EEG Fp2"])
    assert (content.channels, content.types) == (("Fp1", "EEG Fp2"), ("eeg", "eeg"))
    np.testing.assert_allclose(samples(content), physical[[2, 0]], rtol=1e-9)
    assert read(tmp_path, "a.edf", channels=["eeg"]).channels == ("Fp2", "Fp1")
    everything = read(tmp_path, "a.edf")
    assert everything.channels == ("Fp2", "ECG", "Fp1")
    assert everything.types == ("eeg", "ecg", "eeg")
    with pytest.raises(DataError, match="no signal can be channel 'Fpz'"):
        read(tmp_path, "a.edf", channels=["Fpz"])


def test_names_that_only_the_type_distinguishes(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    write_edf(tmp_path / "a.edf", NOISE[:2], labels=("EEG A1", "ECG A1"))
    assert read(tmp_path, "a.edf").channels == ("EEG A1", "ECG A1")


def test_signals_without_a_type(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE, labels=("C3", "Status", "EOG left"))
    content = read(tmp_path, "a.edf")
    assert (content.channels, content.types) == (("C3",), ("eeg",))
    assert content.remarks == (
        "signals that are no channels by their type, left out: Status (trigger), "
        "left (eog)",
        "channels of no stated type, taken for eeg: 1",
    )
    stated = read(tmp_path, "a.edf", channel_type="emg")
    assert (stated.types, len(stated.remarks)) == (("emg",), 1)
    with pytest.raises(DataError, match="what channel 'left' measures is 'eog'"):
        read(tmp_path, "a.edf", channels=["left"])


def test_a_faster_channel_left_out_changes_nothing(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    rows = [NOISE[0], np.repeat(NOISE[1], 5), NOISE[2]]
    physical = write_edf(tmp_path / "a.edf", rows, rates=(100, 500, 100))
    content = read(tmp_path, "a.edf", channels=["C3", "Cz"])
    assert content.sfreq == 100
    np.testing.assert_allclose(
        samples(content), np.stack(physical[::2]) * 1e-6, rtol=1e-9
    )
    with pytest.raises(DataError, match="several rates"):
        read(tmp_path, "a.edf", channels=["C3", "C4"])


def test_settings_that_the_file_contradicts(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    write_edf(tmp_path / "a.edf", NOISE)
    with pytest.raises(DataError, match="100 Hz by the file, 128 Hz"):
        read(tmp_path, "a.edf", sfreq=128)


# Lengths, clocks, notes


@pytest.mark.parametrize("name", ["a.edf", "a.bdf"])
def test_a_pause(tmp_path: Path, write_edf: WriteEdf, name: str) -> None:
    starts = [f"+{k + (600 if k >= 4 else 0)}" for k in range(10)]
    notes = {2: [(2.5, 1.0, b"before")], 5: [(606.0, 0.0, b"after")]}
    notes[3] = [(300.0, 0.0, b"meanwhile")]
    physical = write_edf(
        tmp_path / name, NOISE, kind=f"{name[2:].upper()}+D", starts=starts, notes=notes
    )
    content = read(tmp_path, name)
    assert content.segments == (Segment(0, 0.0), Segment(400, 604.0))
    assert marks(content) == [
        (2.5, 1.0, "before"),
        (300.0, 0.0, "meanwhile"),
        (606.0, 0.0, "after"),
    ]
    np.testing.assert_allclose(samples(content), np.stack(physical) * 1e-6, rtol=1e-9)


def test_records_marked_as_interrupted_that_follow_each_other(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    write_edf(tmp_path / "a.edf", NOISE, kind="EDF+D", starts=TEN)
    assert read(tmp_path, "a.edf").segments == (Segment(0, 0.0),)


def test_a_clock_that_jumps_back(tmp_path: Path, write_edf: WriteEdf) -> None:
    starts = [*TEN[:5], *TEN[3:8]]
    write_edf(tmp_path / "a.edf", NOISE, kind="EDF+D", starts=starts)
    with pytest.raises(DataError, match="jumps back"):
        read(tmp_path, "a.edf")


def test_record_counts(tmp_path: Path, write_edf: WriteEdf) -> None:
    for n_records, tail, remark in (
        (-1, b"", "switched off"),
        (10, b"\0" * 700, "700"),
    ):
        physical = write_edf(tmp_path / "a.edf", NOISE, n_records=n_records, tail=tail)
        content = read(tmp_path, "a.edf")
        assert content.n_samples == 1000
        assert remark in content.remarks[0]
        np.testing.assert_allclose(
            samples(content), np.stack(physical) * 1e-6, rtol=1e-9
        )
    write_edf(tmp_path / "a.edf", NOISE, n_records=11)
    with pytest.raises(DataError, match="cut short"):
        read(tmp_path, "a.edf")


def test_notes_in_latin_1(tmp_path: Path, write_edf: WriteEdf) -> None:
    notes = {5: [(5.0, 1.0, "Augen geöffnet".encode("latin-1"))]}
    write_edf(tmp_path / "a.edf", NOISE, kind="EDF+C", starts=TEN, notes=notes)
    content = read(tmp_path, "a.edf")
    assert marks(content) == [(5.0, 1.0, "Augen geöffnet")]
    assert "Latin-1" in content.remarks[0]


@pytest.mark.parametrize("padding", [30, 130, 777])
def test_constants_at_the_end_are_no_part_of_the_signal(
    tmp_path: Path, write_edf: WriteEdf, padding: int
) -> None:
    padded = NOISE.copy()
    padded[:, -padding:] = 0
    padded[:, -3:] = 7
    write_edf(tmp_path / "a.edf", padded)
    content = read(tmp_path, "a.edf")
    # The first constant is a change yet; one much later is not a signal.
    assert (content.n_samples, content.end) == (1000, 1001 - padding)
    assert content.remarks == (
        f"the last {(padding - 1) / 100:.3g} s hold one value: no part of the signal",
    )


def test_an_end_between_two_pieces(tmp_path: Path, write_edf: WriteEdf) -> None:
    steps = np.zeros((2, 1000))
    steps[:, 896:] = 5
    steps[:, 911:] = 9
    write_edf(tmp_path / "a.edf", steps)
    assert read(tmp_path, "a.edf").end == 912


def test_constants_after_a_pause(tmp_path: Path, write_edf: WriteEdf) -> None:
    padded = NOISE.copy()
    padded[:, 780:] = 0
    starts = [*TEN[:8], "+60", "+61"]
    write_edf(tmp_path / "a.edf", padded, kind="EDF+D", starts=starts)
    content = read(tmp_path, "a.edf")
    assert content.end == 781
    assert content.segments == (Segment(0, 0.0), Segment(800, 60.0))


@pytest.mark.parametrize("padding", [0, 15, 1000])
def test_quiet_ends_and_flat_recordings_stay(
    tmp_path: Path, write_edf: WriteEdf, padding: int
) -> None:
    padded = NOISE.copy()
    padded[:, 1000 - padding :] = 0
    write_edf(tmp_path / "a.edf", padded)
    content = read(tmp_path, "a.edf")
    assert (content.end, content.remarks) == (1000, ())


def test_a_file_that_shrinks_while_it_is_read(
    tmp_path: Path, write_edf: WriteEdf
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, NOISE)
    content = read(tmp_path, "a.edf")
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(DataError, match="became shorter"):
        samples(content)


# Places


def test_fields_of_the_header(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE, kind="EDF+C", starts=TEN)
    wanted = [("header", "patient"), ("header", "code"), ("note", "")]
    content = read(tmp_path, "a.edf", origins=wanted)
    assert content.texts == {
        ("header", "patient"): ("X17 F 01-JAN-1950 Doe",),
        ("header", "code"): ("X17",),
    }
    assert content.marks["note", ""].texts == ()
    with pytest.raises(DataError, match=r"no 'codes'(.|\n)*did you mean 'code'"):
        read(tmp_path, "a.edf", origins=[("header", "codes")])
    with pytest.raises(DataError, match=r"no events\.tsv belongs to it"):
        read(tmp_path, "a.edf", origins=[("column", "trial_type")])


def write_hypnogram(path: Path, begin: bytes = b"01.01.2408.00.00") -> None:
    """Write EDF+ of nothing but notes, as Sleep-EDF has it."""
    notes = [
        edfio.EdfAnnotation(0.0, 30.0, "Sleep stage W"),
        edfio.EdfAnnotation(30.0, 60.0, "Sleep stage 2"),
    ]
    edfio.Edf([], annotations=notes).write(path)
    content = bytearray(path.read_bytes())
    content[168:184] = begin
    path.write_bytes(content)


def test_notes_in_a_file_of_their_own(tmp_path: Path, write_edf: WriteEdf) -> None:
    template = "{stem:6}*-Hypnogram.edf"
    for night in ("SC4001", "SC4002"):
        write_edf(tmp_path / "x" / f"{night}E0-PSG.edf", NOISE)
        write_hypnogram(tmp_path / "x" / f"{night}EC-Hypnogram.edf")
    content = read(tmp_path, "x/SC4001E0-PSG.edf", annotations=template)
    peer = mne.read_annotations(tmp_path / "x" / "SC4001EC-Hypnogram.edf")
    assert marks(content) == list(
        zip(peer.onset, peer.duration, peer.description, strict=True)
    )
    files = ["x/SC4001E0-PSG.edf", "x/SC4001EC-Hypnogram.edf", "SC4001-Hypnogram.edf"]
    reader = Mne(annotations=template)
    assert reader.companions(tmp_path, files[0], files) == (files[1],)
    above = Mne(annotations="../{stem:6}-*.edf")
    assert above.companions(tmp_path, files[0], files) == (files[2],)


def test_notes_that_begin_at_another_time(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE)
    write_hypnogram(tmp_path / "a-notes.edf", b"01.01.2408.01.00")
    content = read(tmp_path, "a.edf", annotations="{stem}-notes.edf")
    assert [onset for onset, _, _ in marks(content)] == [60.0, 90.0]


def test_notes_in_a_text_file(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE)
    peer = mne.Annotations([1.0, 2.5], [0.5, 0.0], ["on", "off"])
    peer.save(tmp_path / "a_annotations.txt")
    content = read(tmp_path, "a.edf", annotations="*_annotations.txt")
    assert marks(content) == [(1.0, 0.5, "on"), (2.5, 0.0, "off")]
    (tmp_path / "a.txt").write_text("unlike")
    reader = Mne(annotations="{stem}.*")
    assert reader.companions(tmp_path, "a.edf", ["a.edf", "a.txt"]) == ("a.txt",)


def test_not_one_file_of_annotations(tmp_path: Path, write_edf: WriteEdf) -> None:
    write_edf(tmp_path / "a.edf", NOISE)
    with pytest.raises(DataError, match="0 files fit"):
        read(tmp_path, "a.edf", annotations="{stem}-*.edf")
    for name in ("a-1.edf", "a-2.edf"):
        write_hypnogram(tmp_path / name)
    with pytest.raises(DataError, match="2 files fit"):
        read(tmp_path, "a.edf", annotations="{stem}-*.edf")
    with pytest.raises(ValueError, match="stem"):
        Mne(annotations="{subject}.edf")


def test_old_settings_name_the_new_ones() -> None:
    with pytest.raises(ValueError, match=r"instead of pattern: source\.pattern"):
        Mne.model_validate({"pattern": "{subject}_{run}.edf"})
    with pytest.raises(ValueError, match="instead of datatype"):
        Mne.model_validate({"datatype": "eeg"})


# Formats that MNE opens


def write_fif(path: Path) -> mne.io.BaseRaw:
    info = mne.create_info(["C3", "C4", "T"], 100, ["eeg", "ecg", "stim"])
    raw = mne.io.RawArray(NOISE * 1e-6, info, verbose="error")
    notes = mne.Annotations([1.0, 4.0, 6.0], [0, 0, 1], ["early", "boundary", "late"])
    raw.set_annotations(notes).crop(2.0, None)
    raw.save(path, fmt="double", verbose="error")
    return raw


def test_fif(tmp_path: Path) -> None:
    raw = write_fif(tmp_path / "a_raw.fif")
    content = read(tmp_path, "a_raw.fif")
    assert (content.channels, content.types) == (("C3", "C4"), ("eeg", "ecg"))
    assert "T (stim)" in content.remarks[0]
    np.testing.assert_array_equal(samples(content), raw.get_data()[:2])
    assert marks(content) == [(2.0, 0.0, "boundary"), (4.0, 1.0, "late")]
    assert content.segments == (Segment(0, 0.0), Segment(200, 2.0))
    assert read(tmp_path, "a_raw.fif", line_freq=50).line_freq == 50


@pytest.mark.parametrize("cut", [100, 9000])
def test_fif_cut_short(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a_raw.fif"
    write_fif(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"a_raw\.fif: "):
        read(tmp_path, "a_raw.fif")


def write_brainvision(folder: Path, *, points: str = "DataPoints=1000\n") -> np.ndarray:
    values = np.round(NOISE[:2] / 0.5).astype("<i2")
    (folder / "a.eeg").write_bytes(values.T.tobytes())
    (folder / "a.vhdr").write_text(
        "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\n"
        "Codepage=UTF-8\nDataFile=a.eeg\nMarkerFile=a.vmrk\nDataFormat=BINARY\n"
        "DataOrientation=MULTIPLEXED\nNumberOfChannels=2\nSamplingInterval=10000\n"
        f"{points}[Binary Infos]\nBinaryFormat=INT_16\n[Channel Infos]\n"
        "Ch1=C3,,0.5,µV\nCh2=C4,,500,nV\n"
    )
    (folder / "a.vmrk").write_text(
        "Brain Vision Data Exchange Marker File, Version 1.0\n[Common Infos]\n"
        "DataFile=a.eeg\n[Marker Infos]\nMk1=New Segment,,1,1,0,20240101080000000000\n"
        "Mk2=Stimulus,S  1,101,1,0\nMk3=New Segment,,501,1,0,20240101080010250000\n"
        "Mk4=Stimulus,S  2,801,1,0\n"
    )
    return values * 0.5e-6


@pytest.mark.parametrize("key", ["DataFile", "MarkerFile"])
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{key}=../a.eeg", "leads out"),
        ("{key}={folder}/a.eeg", "an absolute path"),
        ("{key}=..\\a.eeg", "leads out"),
        ("{key}=%(other)s\nother=../a.eeg", "put together"),
        ("{small} : ../a.eeg", "leads out"),
    ],
)
def test_brainvision_of_files_elsewhere(
    tmp_path: Path, key: str, written: str, message: str
) -> None:
    (tmp_path / "mine").mkdir()
    write_brainvision(tmp_path / "mine")
    for name in ("a.eeg", "a.vmrk"):
        shutil.copy(tmp_path / "mine" / name, tmp_path / name)
    path = tmp_path / "mine" / "a.vhdr"
    own = f"{key}=a.{'eeg' if key == 'DataFile' else 'vmrk'}"
    line = written.format(key=key, small=key.lower(), folder=tmp_path)
    path.write_text(path.read_text().replace(own, line))
    expected = rf"(?i)^a\.vhdr: its {key}.* {message}(.|\n)*beside"
    with pytest.raises(DataError, match=expected):
        read(tmp_path / "mine", "a.vhdr")


def test_samples_of_another_folder_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine").mkdir()
    write_fif(tmp_path / "mine" / "a_raw.fif")
    raw = mne.io.read_raw(tmp_path / "mine" / "a_raw.fif")
    assert read(tmp_path / "mine", "a_raw.fif").n_samples == raw.n_times
    raw._filenames = (tmp_path / "b_raw.fif",)
    monkeypatch.setattr(mne.io, "read_raw", lambda *_, **__: raw)
    with pytest.raises(DataError, match=r"a_raw\.fif: its samples are in .*b_raw"):
        read(tmp_path / "mine", "a_raw.fif")


def test_a_channel_that_no_file_can_name_is_refused(tmp_path: Path) -> None:
    write_brainvision(tmp_path)
    path = tmp_path / "a.vhdr"
    path.write_text(path.read_text("utf-8").replace("C4", "額"), "utf-8")
    with pytest.raises(DataError, match=r"channel '額' holds '額', which FIF"):
        read(tmp_path, "a.vhdr")
    assert read(tmp_path, "a.vhdr", channels={"Fz": ["額"]}).channels == ("Fz",)


def test_a_recording_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "links").mkdir()
    expected = write_brainvision(tmp_path / "disk")
    for number, name in enumerate(("a.eeg", "a.vhdr", "a.vmrk")):
        place = (tmp_path / "disk" / name).rename(tmp_path / "disk" / f"{number}")
        (tmp_path / "links" / name).symlink_to(place)
    np.testing.assert_allclose(samples(read(tmp_path / "links", "a.vhdr")), expected)
    write_fif(tmp_path / "disk" / "b_raw.fif")
    (tmp_path / "links" / "b_raw.fif").symlink_to(tmp_path / "disk" / "b_raw.fif")
    assert read(tmp_path / "links", "b_raw.fif").n_samples


def test_brainvision(tmp_path: Path) -> None:
    expected = write_brainvision(tmp_path)
    files = ["a.eeg", "a.vhdr", "a.vmrk", "b.eeg"]
    assert Mne().companions(tmp_path, "a.vhdr", files) == ("a.eeg", "a.vmrk")
    content = read(tmp_path, "a.vhdr")
    np.testing.assert_allclose(samples(content), expected, rtol=1e-9)
    # A pause of 5.25 s after 5 s, by the dates of the markers.
    assert content.segments == (Segment(0, 0.0), Segment(500, 10.25))
    assert [(at, text) for at, _, text in marks(content)] == [
        (1.0, "Stimulus/S  1"),
        (10.25, "New Segment/"),
        (13.25, "Stimulus/S  2"),
    ]
    stated = read(tmp_path, "a.vhdr", channels=["C3"], unit="uV")
    np.testing.assert_allclose(samples(stated), expected[:1], rtol=1e-9)


@pytest.mark.parametrize("date", ["00000000000000000000", "20240101080003000000", ""])
def test_a_pause_of_unknown_length(tmp_path: Path, date: str) -> None:
    write_brainvision(tmp_path)
    path = tmp_path / "a.vmrk"
    path.write_text(path.read_text().replace("20240101080010250000", date))
    content = read(tmp_path, "a.vhdr")
    assert content.segments == (Segment(0, 0.0), Segment(500, 5.0))
    assert [at for at, _, _ in marks(content)] == [1.0, 5.0, 8.0]


@pytest.mark.parametrize(("cut", "points"), [(3, ""), (40, "DataPoints=1000\n")])
def test_brainvision_cut_short(tmp_path: Path, cut: int, points: str) -> None:
    write_brainvision(tmp_path, points=points)
    path = tmp_path / "a.eeg"
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DataError, match=r"a\.eeg: is cut short"):
        read(tmp_path, "a.vhdr")


def test_a_part_that_is_missing(tmp_path: Path) -> None:
    write_brainvision(tmp_path)
    (tmp_path / "a.eeg").unlink()
    with pytest.raises(DataError, match=r"a\.eeg"):
        read(tmp_path, "a.vhdr")


@pytest.mark.parametrize(
    ("file", "old", "new", "found"),
    [
        ("a.vmrk", "Mk2=", "Mk128(64)=", r"a\.vmrk: row 6 is no marker: 'Mk128"),
        ("a.vmrk", ",101,1,0", ",1x1,1,0", r"a\.vmrk: row 6 is no marker"),
        ("a.vmrk", "\nMk2=", "\vMk2=", r"a\.vmrk: row 5 is no marker"),
        ("a.vhdr", "a.vmrk", "b.vmrk.x", "names a file of markers that is not there"),
        ("a.vhdr", "C3,,0.5", "C3,,0.0", "channel 'C3' has the resolution 0.0"),
        ("a.vhdr", "C3,,0.5", "C3,,nan", "channel 'C3' has the resolution nan"),
        ("a.vhdr", "val=10000", "val=0", "its SamplingInterval is '0'"),
        ("a.vhdr", "val=10000", "val=-5", "its SamplingInterval is '-5'"),
        ("a.vhdr", "DataPoints=1000", "DataPoints=500", "holds 4000 bytes, and a.vhdr"),
        ("a.vhdr", "DataPoints=1000", "DataPoints=1e3", "its DataPoints is '1e3'"),
        ("a.vhdr", "Channels=2", "Channels=3", "is cut short|Incomplete"),
        ("a.vhdr", "MULTIPLEXED", "VECTORIZED", ""),
    ],
)
def test_brainvision_headers_that_make_no_sense(
    tmp_path: Path, file: str, old: str, new: str, found: str
) -> None:
    write_brainvision(tmp_path)
    path = tmp_path / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    if not found:  # a sibling of the right name takes the place of the missing file
        assert read(tmp_path, "a.vhdr").n_samples == 1000
        return
    with pytest.raises(DataError, match=found):
        read(tmp_path, "a.vhdr")


def test_markers_that_are_missing(tmp_path: Path) -> None:
    write_brainvision(tmp_path)
    (tmp_path / "a.vmrk").unlink()
    with pytest.raises(DataError, match="names a file of markers that is not there"):
        read(tmp_path, "a.vhdr")


def test_what_is_not_checked_of_brainvision(tmp_path: Path) -> None:
    write_brainvision(tmp_path, points="DataPoints=990\n")
    path = tmp_path / "a.vmrk"
    path.write_text(path.read_text().replace("Mk2=", "Mk="))
    content = read(tmp_path, "a.vhdr", unchecked=["end"])
    assert content.remarks == (
        "bytes behind the last sample, left out: 40",
        "lines that are no markers, left out: 1",
    )
    assert len(marks(content)) == 2


def test_fif_with_more_than_its_tags_state(tmp_path: Path) -> None:
    path = tmp_path / "a_raw.fif"
    write_fif(path)
    content = path.read_bytes()
    path.write_bytes(content[:9000] + content[2000:])
    with pytest.raises(DataError, match="is damaged"):
        read(tmp_path, "a_raw.fif")
    path.write_bytes(content + bytes(5000))
    with pytest.raises(DataError, match="its last tag states"):
        read(tmp_path, "a_raw.fif")
    assert read(tmp_path, "a_raw.fif", unchecked=["checksum"]).n_samples == 800
    path.write_bytes(content + bytes(8))
    assert "left out: 8" in read(tmp_path, "a_raw.fif").remarks[0]


@pytest.mark.parametrize(
    ("warning", "found"),
    [
        (
            "Scaling factor will not be defined in the following channels",
            "digital range",
        ),
        ("Physical range is not defined in following channels", "physical range"),
        ("Unsupported physical dimension for channel 1", "a unit that is not known"),
        ("Header information is incorrect for record length", "its rate is unknown"),
        ("Loading an EDF with mixed sampling frequencies", "several rates"),
    ],
)
def test_what_mne_only_warns_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warning: str, found: str
) -> None:
    write_fif(tmp_path / "a_raw.fif")
    opened = mne.io.read_raw

    def warns(*args: object, **kwargs: object) -> mne.io.BaseRaw:
        warnings.warn(warning, RuntimeWarning, stacklevel=2)
        return opened(*args, **kwargs)

    monkeypatch.setattr(mne.io, "read_raw", warns)
    with pytest.raises(DataError, match=found):
        read(tmp_path, "a_raw.fif")


@pytest.mark.parametrize(
    ("name", "found"), [("a.xyz", "cannot be read"), ("a.edf", "header is damaged")]
)
def test_files_of_no_known_format(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / name).write_bytes(b"no recording" * 90)
    with pytest.raises(DataError, match=found) as caught:
        read(tmp_path, name)
    assert str(tmp_path) not in str(caught.value)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.edf").touch()
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path, "a.edf")


# Real recordings


@pytest.mark.parametrize(
    ("name", "n_channels"),
    [
        ("eeglab/eeglab_data.set", 32),
        ("eeglab/testbva.vhdr", 29),
        ("eeglab/test.edf", 16),
        ("eeglab/test.bdf", 16),
        ("edf/test_utf8.edf", 1),
    ],
)
def test_samples_and_notes_equal_those_of_mne(
    real_data: Path, name: str, n_channels: int
) -> None:
    path = real_data / "formats" / name
    content = read(path.parent, path.name)
    raw = mne.io.read_raw(path, verbose="error")
    raw.pick(["eeg"])
    assert len(content.channels) == n_channels == len(raw.ch_names)
    assert content.sfreq == raw.info["sfreq"]
    found = samples(content)
    np.testing.assert_allclose(found, raw.get_data(), rtol=1e-9, atol=1e-15)
    rest = raw.load_data(verbose="error").get_data()[:, content.end :]
    assert (rest == rest[:, :1]).all()
    notes = content.marks[ALL]
    assert notes.texts == tuple(raw.annotations.description)
    # MNE rounds to microseconds.
    np.testing.assert_allclose(notes.onset_s, raw.annotations.onset, atol=1e-6)
    np.testing.assert_allclose(
        np.nan_to_num(notes.duration_s), raw.annotations.duration
    )


def test_a_unit_where_the_format_states_none(real_data: Path) -> None:
    folder = real_data / "formats" / "eeglab"
    settings = {"channels": ["Cz"], "origins": ()}
    microvolts = samples(read(folder, "eeglab_data.set", **settings))  # type: ignore[arg-type]
    millivolts = samples(read(folder, "eeglab_data.set", unit="mV", **settings))  # type: ignore[arg-type]
    np.testing.assert_allclose(millivolts, microvolts * 1000, rtol=1e-9)


def write_set(folder: Path, *, struct: bool = True, **changes: object) -> None:
    """Write an EEGLAB set of two channels at 100 Hz."""
    samples = NOISE[:2, :400].astype("f4")
    names = np.array([("C3",), ("C4",)], dtype=[("labels", object)])
    facts = {
        "srate": 100.0, "nbchan": 2.0, "pnts": 400.0, "trials": 1.0, "xmin": 0.0,
        "xmax": 3.99, "data": samples, "chanlocs": names, "event": [], "epoch": [],
        "setname": "a", "filename": "a.set", "ref": "common",
        "chaninfo": {"nosedir": "+X"},
        "urchanlocs": [],
    }  # fmt: skip
    facts |= changes
    scipy.io.savemat(folder / "a.set", {"EEG": facts} if struct else facts)


@pytest.mark.parametrize("struct", [True, False])
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ""),
        ({"xmin": 5.0, "xmax": 8.99}, ""),
        ({"xmin": [], "xmax": []}, ""),
        ({"xmin": 0.0, "xmax": 0.0}, ""),
        ({"srate": 1.0}, "srate is 1 Hz, 400 points from 0 s to 3.99 s are 100 Hz"),
        ({"srate": np.nan}, "srate is nan Hz"),
        ({"xmax": 7.98}, "are 50 Hz"),
        (
            {"pnts": 300.0, "xmax": 2.99},
            r"shape \(2, 400\), by nbchan and pnts \(2, 300",
        ),
        ({"data": NOISE[:, :400]}, r"its samples have the shape \(3, 400\)"),
        ({"nbchan": 8.0}, "nbchan is 8, for 2 chanlocs"),
        ({"nbchan": 2.5}, "nbchan is 2.5, for 2 chanlocs"),
    ],
)
def test_sets_that_contradict_themselves(
    tmp_path: Path, struct: bool, changes: dict[str, object], found: str
) -> None:
    write_set(tmp_path, struct=struct, **changes)
    if not found:
        content = read(tmp_path, "a.set")
        np.testing.assert_allclose(samples(content), NOISE[:2, :400] * 1e-6, rtol=1e-5)
        return
    with pytest.raises(DataError, match=found):
        read(tmp_path, "a.set")


@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_eeglab_cut_short(real_data: Path, tmp_path: Path, keep: float) -> None:
    folder = real_data / "formats" / "eeglab"
    shutil.copyfile(folder / "eeglab_data.set", tmp_path / "eeglab_data.set")
    content = (folder / "eeglab_data.fdt").read_bytes()
    part = content[: 4 * round(len(content) * keep / 4)]
    (tmp_path / "eeglab_data.fdt").write_bytes(part)
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path, "eeglab_data.set")
    (tmp_path / "eeglab_data.fdt").write_bytes(content + content[: len(content) // 2])
    with pytest.raises(
        DataError, match=r"eeglab_data\.fdt: holds \d+ bytes, and eeglab"
    ):
        read(tmp_path, "eeglab_data.set")


def test_mental_arithmetic(real_data: Path) -> None:
    names = ["Fp1", "Fp2", "F3", "F4", "F7", "F8", "T3", "T4", "C3", "C4", "T5", "T6"]
    names += ["P3", "P4", "O1", "O2", "Fz", "Cz", "Pz"]
    content = read(real_data / "eegmat", "Subject00_2.edf", channels=names)
    assert content.channels == tuple(names)
    assert content.types == ("eeg",) * 19
    # 62 s, of which constants fill the last two.
    assert (content.sfreq, content.end) == (500.0, 30_008)
    peer = mne.io.read_raw(real_data / "eegmat" / "Subject00_2.edf", verbose="error")
    expected = peer.get_data([f"EEG {name}" for name in names])
    np.testing.assert_allclose(samples(content), expected, rtol=1e-9, atol=1e-18)
    assert isinstance(content.marks[ALL], Marks)
