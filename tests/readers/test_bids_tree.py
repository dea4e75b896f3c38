"""The reader `mne` in BIDS trees: channels, events, sidecars, inheritance."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import mne_bids
import numpy as np
import pytest

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import Content
from pipeline.readers.mne import Mne

WriteEdf = Callable[..., list[np.ndarray]]
NOISE = np.random.default_rng(8).uniform(-400, 400, (3, 4000))
STEM = "sub-01_ses-02_task-grip_run-1"
MAIN = f"sub-01/ses-02/emg/{STEM}_emg.edf"
EVENTS = "onset\tduration\ttrial_type\n0.0\t2.0\trest\n2.0\t3.0\tfist\n6.0\t1\tcough\n"
ALL = ("annotation", "")


@pytest.fixture
def tree(tmp_path: Path, write_edf: WriteEdf) -> Path:
    """Write a tree with two EMG channels and a trigger, 40 s."""
    write_edf(tmp_path / MAIN, NOISE, labels=("EMG1", "TRIG", "EMG2"))
    folder = (tmp_path / MAIN).parent
    (folder / f"{STEM}_events.tsv").write_text(EVENTS)
    (folder / f"{STEM}_channels.tsv").write_text(
        "name\ttype\tunits\nEMG1\tEMG\tuV\nTRIG\tTRIG\tuV\nEMG2\tEMG\tuV\n"
    )
    sidecar = {"PowerLineFrequency": 50, "SamplingFrequency": 100}
    (tmp_path / "task-grip_emg.json").write_text(json.dumps(sidecar))
    (tmp_path / "dataset_description.json").write_text('{"BIDSVersion": "1.11.0"}')
    (tmp_path / "task-other_emg.json").write_text('{"PowerLineFrequency": 60}')
    (tmp_path / "participants.tsv").write_text("participant_id\tage\nsub-01\t81\n")
    return tmp_path


def files_of(root: Path, main: str, reader: Mne) -> list[str]:
    paths = (path for path in root.rglob("*") if path.is_file())
    files = [path.relative_to(root).as_posix() for path in paths]
    return [main, *reader.companions(root, main, files)]


def read(
    root: Path,
    main: str = MAIN,
    *,
    origins: Sequence[tuple[str, str]] = (ALL,),
    **settings: object,
) -> Content:
    reader = Mne.model_validate(settings)
    return reader.read(root, files_of(root, main, reader), origins)


def samples(content: Content) -> np.ndarray:
    return content.read(0, content.n_samples)


def write_events(root: Path, text: str) -> None:
    (root / MAIN).with_name(f"{STEM}_events.tsv").write_text(text, "utf-8")


def test_samples_events_and_mains(tree: Path) -> None:
    content = read(tree)
    assert (content.channels, content.types) == (("EMG1", "EMG2"), ("emg", "emg"))
    assert content.line_freq == 50
    assert content.remarks == (
        "signals that are no channels by their type, left out: TRIG (trig)",
    )
    marks = content.marks[ALL]
    assert marks.texts == ("rest", "fist", "cough")
    assert marks.onset_s.tolist() == [0, 2, 6]
    assert marks.duration_s.tolist() == [2, 3, 1]
    np.testing.assert_allclose(samples(content), NOISE[::2] * 1e-6, atol=1e-8)
    assert read(tree, line_freq=60).line_freq == 60


def test_files_that_describe_a_recording(tree: Path) -> None:
    (tree / "sub-01" / "sub-01_emg.json").write_text('{"PowerLineFrequency": 16.7}')
    (tree / "sub-02").mkdir()
    (tree / "sub-02" / "sub-02_emg.json").write_text('{"PowerLineFrequency": 60}')
    (tree / "sub-02" / "task-grip_emg.json").write_text('{"PowerLineFrequency": 60}')
    files = files_of(tree, MAIN, Mne())
    assert [file.rpartition("/")[2] for file in files] == [
        f"{STEM}_emg.edf",
        "task-grip_emg.json",
        "sub-01_emg.json",
        f"{STEM}_channels.tsv",
        f"{STEM}_events.tsv",
    ]
    assert read(tree).line_freq == 16.7


def test_named_channels_come_in_order(tree: Path) -> None:
    content = read(tree, channels=["EMG2", "EMG1"])
    np.testing.assert_allclose(samples(content), NOISE[[2, 0]] * 1e-6, atol=1e-8)
    with pytest.raises(DataError, match=r"no signal can be(.|\n)*did you mean 'EMG"):
        read(tree, channels=["EMG3"])
    with pytest.raises(DataError, match="what channel 'TRIG' measures is 'trig'"):
        read(tree, channels=["TRIG"])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_the_unit_of_the_tree_where_the_file_states_none(
    tree: Path, write_edf: WriteEdf, encoding: str
) -> None:
    labels = ("EMG EMG1", "TRIG", "EMG EMG2")
    physical = write_edf(tree / MAIN, NOISE, labels=labels, unit=("", "", "mV"))
    text = "name\ttype\tunits\nEMG1\tEMG\tµV\nEMG EMG2\tEMG\tµV\n"
    path = (tree / MAIN).with_name(f"{STEM}_channels.tsv")
    path.write_bytes(text.encode(encoding))
    content = read(tree)
    expected = [physical[0] * 1e-6, physical[2] * 1e-3]
    np.testing.assert_allclose(samples(content), expected, rtol=1e-9)
    assert content.channels == ("EMG1", "EMG2")


def test_the_nearest_table_counts(tree: Path) -> None:
    (tree / "task-grip_channels.tsv").write_text("name\ttype\nEMG1\tMISC\n")
    assert read(tree).channels == ("EMG1", "EMG2")


def test_a_file_of_annotations_takes_the_place_of_events(tree: Path) -> None:
    notes = "# onset, duration, description\n1.0, 2.0, own\n"
    (tree / MAIN).with_name("notes.txt").write_text(notes)
    content = read(tree, annotations="notes.txt", origins=[ALL, ("column", "onset")])
    assert content.marks[ALL].texts == ("own",)
    assert content.marks["column", "onset"].texts == ("0.0", "2.0", "6.0")


def test_without_a_table_of_channels(tree: Path) -> None:
    (tree / MAIN).with_name(f"{STEM}_channels.tsv").unlink()
    assert read(tree).types == ("emg",) * 3


def test_a_tree_without_the_datatype(tree: Path) -> None:
    path = (tree / MAIN).with_name(f"{STEM}_channels.tsv")
    path.write_text("name\ttype\nEMG1\tEEG\nEMG2\tEEG\n")
    with pytest.raises(DataError, match="no channel of type emg among 3 signals"):
        read(tree)


def test_events_with_decimal_commas(tree: Path) -> None:
    write_events(tree, "onset\tduration\ttrial_type\n2,500\t2,0\ta\n6,5\tn/a\tb\n")
    marks = read(tree).marks[ALL]
    assert marks.onset_s.tolist() == [2.5, 6.5]
    np.testing.assert_equal(marks.duration_s, [2.0, np.nan])


def test_events_out_of_order_unknown_and_beyond_the_end(tree: Path) -> None:
    rows = ["90\t1\tlate", "7\t1\tsecond", "n/a\t1\tnever", "3\t0\tfirst", "5\t1\tn/a"]
    write_events(tree, "onset\tduration\ttrial_type\n" + "\n".join(rows))
    content = read(tree)
    assert content.marks[ALL].texts == ("first", "second", "late")
    assert content.marks[ALL].onset_s.tolist() == [3, 7, 90]
    assert content.remarks[-1] == "events without a time or a text, left out: 2"


def test_rows_that_end_in_a_tab(tree: Path) -> None:
    write_events(tree, "onset\tduration\ttrial_type\n1\t2\ta\t\n3\t4\tb\t\n")
    marks = read(tree).marks[ALL]
    assert (marks.onset_s.tolist(), marks.texts) == ([1, 3], ("a", "b"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("onset\tduration\ttrial_type\n1\t0\ta\nsoon\t0\tb\n", "'soon' in line 3"),
        (
            "onset\tduration\ttrial_type\n1\tlong\ta\n",
            "duration holds 'long' in line 2",
        ),
        ("time\ttrial_type\n1\ta\n", "has no column 'onset'"),
        ("\n", "is no table"),
    ],
)
def test_events_that_cannot_be_read(tree: Path, text: str, found: str) -> None:
    write_events(tree, text)
    with pytest.raises(DataError, match=found):
        read(tree)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("1.0\t2.0 rest", "row 3 has 2 fields, its header 3 names"),
        ("1.0\t2.0\trest\tfist", "row 3 has 4 fields, its header 3 names"),
        ("garbage", "row 3 has 1 fields"),
        ("\0\t1\trest", "row 3 has a byte of 0"),
    ],
)
def test_rows_with_other_fields_than_the_header(
    tree: Path, row: str, found: str
) -> None:
    write_events(tree, f"onset\tduration\ttrial_type\n0\t1\trest\t\r\n{row}\n\n")
    with pytest.raises(DataError, match=found):
        read(tree)


def test_columns_of_the_events(tree: Path) -> None:
    write_events(
        tree, "onset\tduration\ttrial_type\thand\n1\t0\tgo\tleft\n2\t0\tgo\tn/a\n"
    )
    content = read(tree, origins=[("column", "hand"), ("note", "")])
    assert content.marks["column", "hand"].texts == ("left",)
    assert content.marks["note", ""].texts == ("go", "go")
    with pytest.raises(DataError, match=r"no column 'hands'(.|\n)*did you mean 'hand'"):
        read(tree, origins=[("column", "hands")])


@pytest.mark.parametrize(
    "rows",
    [
        "trial_type\tvalue\n1\t0\tgo\t5\n2\t0\tgo\t6\n3\t0\tstop\t7\n4\t0\tgo\tn/a\n",
        "trial_type\tvalue\n1\t0\tgo\t5\n2\t0\tstop\t6\n3\t0\tn/a\t7\n",
        "trial_type\tvalue\n1\t0\tn/a\t5\n2\t0\tn/a\t6\n",
        "value\tsample\n1\t0\tS1\t128\n2\t0\tS2\t256\n",
    ],
)
def test_texts_equal_those_of_mne_bids(tree: Path, rows: str) -> None:
    write_events(tree, "onset\tduration\t" + rows)
    path = (tree / MAIN).with_name(f"{STEM}_events.tsv")
    peer = mne_bids.events_file_to_annotation_kwargs(path, verbose="error")
    marks = read(tree).marks[ALL]
    assert marks.texts == tuple(peer["description"])
    np.testing.assert_allclose(marks.onset_s, peer["onset"])


def test_a_pause(tree: Path, write_edf: WriteEdf) -> None:
    starts = [f"+{k + (4 if k >= 30 else 0)}" for k in range(40)]
    labels = ("EMG1", "TRIG", "EMG2")
    write_edf(tree / MAIN, NOISE, labels=labels, kind="EDF+D", starts=starts)
    write_events(tree, "onset\tduration\ttrial_type\n3\t2\ta\n36\t2\tb\n")
    content = read(tree)
    assert content.segments == (Segment(0, 0.0), Segment(3000, 34.0))
    assert content.marks[ALL].onset_s.tolist() == [3, 36]


def test_notes_of_the_file_where_there_are_no_events(
    tree: Path, write_edf: WriteEdf
) -> None:
    (tree / MAIN).with_name(f"{STEM}_events.tsv").unlink()
    starts = [f"+{k}" for k in range(40)]
    notes = {5: [(5.5, 1.0, b"inside")]}
    labels = ("EMG1", "TRIG", "EMG2")
    write_edf(
        tree / MAIN, NOISE, labels=labels, kind="EDF+C", starts=starts, notes=notes
    )
    assert read(tree).marks[ALL].texts == ("inside",)
    with pytest.raises(DataError, match=r"no events\.tsv belongs to it"):
        read(tree, origins=[("column", "value")])


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ('{"SamplingFrequency": 128}', "100 Hz by the file, 128 Hz by its sidecar"),
        ('{"SamplingFrequency": "128"}', "100 Hz by the file, 128 Hz by its sidecar"),
        ('{"RecordingDuration": 60}', "lasts 40 s by the file, 60 s by its sidecar"),
        ('{"RecordingDuration": 40.5}', "lasts 40 s by the file, 40.5 s by its"),
    ],
)
def test_a_sidecar_that_contradicts_the_file(
    tree: Path, facts: str, found: str
) -> None:
    (tree / "task-grip_emg.json").write_text(facts)
    with pytest.raises(DataError, match=found) as caught:
        read(tree)
    assert "unchecked to [rate]" in caught.value.remedy
    assert found in read(tree, unchecked=["rate"]).remarks[-1]


def test_a_sidecar_that_rounds(tree: Path) -> None:
    path = tree / "task-grip_emg.json"
    for length in (39.99, 40, 41, "40.0", "n/a"):
        facts = {"SamplingFrequency": 100.05, "RecordingDuration": length}
        path.write_text(json.dumps(facts))
        assert len(read(tree).remarks) == 1
    path.write_text('{"SamplingFrequency": ')
    with pytest.raises(DataError, match=r"task-grip_emg\.json: is no JSON"):
        read(tree)


@pytest.mark.parametrize("length", [40, 43])
def test_a_sidecar_may_count_pauses(
    tree: Path, write_edf: WriteEdf, length: float
) -> None:
    starts = [f"+{k + 3 * (k > 20)}" for k in range(40)]
    labels = ("EMG1", "TRIG", "EMG2")
    write_edf(tree / MAIN, NOISE, labels=labels, kind="EDF+D", starts=starts)
    (tree / "task-grip_emg.json").write_text(f'{{"RecordingDuration": {length}.0}}')
    assert len(read(tree).segments) == 2


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("EMG2\tEMG\tmV\t100", "EMG2 in uV by the file, mV by channels.tsv"),
        ("EMG2\tEMG\tuV\t50", "EMG2 at 100 Hz by the file, 50 Hz by channels.tsv"),
    ],
)
def test_a_table_of_channels_that_contradicts_the_file(
    tree: Path, row: str, found: str
) -> None:
    path = (tree / MAIN).parent / f"{STEM}_channels.tsv"
    header = "name\ttype\tunits\tsampling_frequency\n"
    path.write_text(header + "EMG1\tEMG\tµV\t100.0\nTRIG\tTRIG\tV\tn/a\n" + row)
    with pytest.raises(DataError, match=found):
        read(tree)
    assert read(tree, channels=["EMG1"]).channels == ("EMG1",)
    assert read(tree, unchecked=["rate"]).remarks[-1] == found


@pytest.mark.parametrize(("keep", "found"), [(0, "is empty"), (-100, "cut short")])
def test_an_empty_or_cut_file(tree: Path, keep: int, found: str) -> None:
    path = tree / MAIN
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=found) as caught:
        read(tree)
    assert str(tree) not in str(caught.value)


@pytest.mark.parametrize(
    ("main", "found"),
    [
        (
            "emg_Multimodal/sub-01/emg/sub-01_task-pullstand_emg.edf",
            "header is damaged",
        ),
        (
            "emg_Multimodal/sub-01/eeg/sub-01_task-pullstand_eeg.edf",
            "header is damaged",
        ),
        (
            "eeg_matchingpennies/sub-05/eeg/sub-05_task-matchingpennies_eeg.vhdr",
            r"_eeg\.eeg: is empty",
        ),
    ],
)
def test_damaged_examples(real_data: Path, main: str, found: str) -> None:
    tree, _, file = main.partition("/")
    with pytest.raises(DataError, match=found):
        read(real_data / "formats" / "bids" / tree, file)


@pytest.mark.parametrize(
    ("main", "n_channels"),
    [
        ("emg_TwoWristbands/sub-01/emg/sub-01_task-typing_emg.edf", 32),
        ("emg_MultiBodyParts/sub-01/emg/sub-01_task-mechPerturbations_emg.edf", 2),
        ("emg_CustomBipolar/sub-01/emg/sub-01_task-holdWeight_emg.edf", 1),
        (
            "emg_ConcurrentIndependentUnits/sub-01/emg/"
            "sub-01_task-jumping_recording-highDensity_emg.edf",
            128,
        ),
    ],
)
def test_examples_equal_those_that_mne_bids_reads(
    real_data: Path, main: str, n_channels: int
) -> None:
    tree, _, file = main.partition("/")
    root = real_data / "formats" / "bids" / tree
    with pytest.raises(DataError, match=r" in uV by the file, V by channels\.tsv"):
        read(root, file)
    content = read(root, file, unchecked=["rate"])
    assert content.types == ("emg",) * n_channels
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)
        path = mne_bids.get_bids_path_from_fname(root / file)
        raw = mne_bids.read_raw_bids(path, verbose="error")
    assert content.channels == tuple(raw.ch_names)
    assert (content.sfreq, content.line_freq) == (2000, raw.info["line_freq"])
    np.testing.assert_allclose(samples(content), raw.get_data(), rtol=0, atol=1e-12)
