"""Entries that are proposed for folders, and folders that are refused."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from rich.console import Console

from pipeline import config
from pipeline.errors import ConfigError, DataError, MachineError, PipelineError
from pipeline.proposal import command, trial
from pipeline.proposal.naming import guess
from tests.fuzz.items import Mark
from tests.fuzz.writing import edf, mit_annotations, wfdb_record

ROOT = Path(__file__).parents[2]
PARAMS = (ROOT / "params.yaml").read_text(encoding="utf-8")
RNG = np.random.default_rng(7)
NOISE = RNG.uniform(-80, 80, (2, 2000))
Propose = Callable[..., dict[str, Any]]


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """An empty folder for recordings."""
    folder = tmp_path / "my clinic"
    folder.mkdir()
    return folder


@pytest.fixture
def propose(
    tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> Propose:
    """Run the command, check that the file keeps its text, and give the entry."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "params.yaml").write_text(PARAMS, encoding="utf-8")
    monkeypatch.chdir(home)
    monkeypatch.setattr("sys.stdin", io.StringIO())

    def run(name: str | None = None, **flags: str) -> dict[str, Any]:
        given = {flag.replace("_", "-"): text for flag, text in flags.items()}
        console = Console(file=io.StringIO(), width=200)
        command.run(str(recordings), name, given, console)
        text = Path("params.yaml").read_text(encoding="utf-8")
        assert text.startswith(PARAMS)
        assert "# found: " in text.removeprefix(PARAMS)
        entry: dict[str, Any] = config.load().plain(f"datasets.{name or 'my_clinic'}")
        return entry

    return run


def put(folder: Path, path: str, content: bytes | str) -> None:
    """Write a file of a recording."""
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode() if isinstance(content, str) else content
    (folder / path).write_bytes(raw)


def put_beats(folder: Path, symbols: str = "NNVNSN") -> None:
    """Write WFDB records of four persons with beats."""
    for name in ("100", "101", "105", "203"):
        noise = NOISE[:, :1800] / 1000
        peaks = np.arange(100, 1700, 200)
        noise = noise.copy()
        for step, height in ((-1, 0.5), (0, 1.0), (1, 0.5)):
            noise[:, peaks + step] += 2 * height
        for path, content in wfdb_record(
            name, ["MLII", f"V{int(name) % 3 + 1}"], noise, 250, 16, 200
        ).items():
            put(folder, path, content)
        marks = [(int(p), symbols[k % len(symbols)], "") for k, p in enumerate(peaks)]
        put(folder, f"{name}.atr", mit_annotations(marks))


def put_edf(folder: Path, path: str, labels: list[str], **kwargs: Any) -> None:
    put(folder, path, edf(labels, NOISE[: len(labels)], 100, **kwargs))


def test_records_with_beats_make_windows_around_beats(
    recordings: Path, propose: Propose
) -> None:
    put_beats(recordings)
    Path("params.yaml").chmod(0o640)
    entry = propose(line_freq="60")
    assert Path("params.yaml").stat().st_mode & 0o777 == 0o640
    assert entry["card"]["modality"] == "ecg"
    assert entry["labels"] == ["N", "S", "V"]
    assert entry["source"]["pattern"] == "{subject}.hea"
    assert entry["reader"] == {"name": "wfdb", "channels": ["MLII"], "line_freq": 60}
    assert entry["values"]["label"] == {"from": "annotation", "map": "aami"}
    assert entry["windows"]["kind"] == "beats"
    assert entry["folds"] == {"scheme": "cross_subject", "n_folds": 4}


def test_a_run_in_the_name_is_a_label_only_where_the_user_states_it(
    recordings: Path, propose: Propose
) -> None:
    for person in range(5):
        for run in (1, 2):
            path = f"P{person}_{run}.edf"
            put_edf(recordings, path, ["EEG C3", "EEG A1"])
    with pytest.raises(ConfigError, match="--label field:run"):
        propose()
    entry = propose(label="field:run", classes="1=rest,2=task")
    assert entry["source"]["pattern"] == "{subject}_{run}.edf"
    label = {"from": "field", "key": "run", "map": {1: "rest", 2: "task"}}
    assert entry["values"]["label"] == label
    assert entry["labels"] == ["rest", "task"]
    assert entry["reader"]["channels"] == ["C3"]  # A1 is the reference at the ear
    assert entry["signal"]["h_freq"] < 50
    assert entry["windows"]["kind"] == "sliding"


def test_a_nested_csv_has_its_clock_and_its_column_of_labels(
    recordings: Path, propose: Propose
) -> None:
    rows = "".join(f"{k},{k % 7},{k % 5},{k // 200}\n" for k in range(0, 800))
    for person in ("anna", "ben", "cleo"):
        for day in (1, 2):
            text = f"time_ms,flexor,extensor,gesture\n{rows}"
            put(recordings, f"{person}/day{day}/grip.csv", text)
    put(recordings, "notes.txt", "nothing\n")
    entry = propose(unit="mV")
    reader = entry["reader"]
    assert (reader["time"], reader["time_unit"]) == ("time_ms", "ms")
    assert reader["channels"] == ["flexor", "extensor"]
    assert entry["source"]["pattern"] == "{subject}/{session}/grip.csv"
    assert entry["values"]["label"] == {"from": "column", "key": "gesture"}
    assert entry["labels"] == ["0", "1", "2", "3"]
    assert entry["card"]["modality"] == "emg"


def test_a_log_may_have_comments_no_header_or_a_row_of_units(
    recordings: Path, propose: Propose
) -> None:
    for group in "ab":
        for person in (1, 2, 3):
            rows = "".join(f"{k % 7}\t{k % 5}\n" for k in range(400))
            put(recordings, f"{group}/p{person}.txt", f"# by hand\n{rows}")
    pattern = "{condition}/{subject}.txt"
    flags = {"unit": "mV", "sfreq": "250", "modality": "emg", "pattern": pattern}
    reader = propose(**flags, label="field:condition")["reader"]
    assert (reader["comment"], reader["header"]) == ("#", False)
    for path in recordings.rglob("*.txt"):
        rows = path.read_text().partition("\n")[2]
        path.write_text(f"left\tright\n[uV]\t[uV]\n{rows}")
    del flags["unit"]
    reader = propose("second", **flags, label="field:condition")["reader"]
    assert reader["unit_row"] is True
    assert "unit" not in reader


def test_arrays_name_their_samples_rate_and_label(
    recordings: Path, propose: Propose
) -> None:
    for person in range(6):
        path = recordings / f"subject{person}.mat"
        group = "control" if person % 2 else "patient"
        content = {"emg": NOISE.T, "fs": 500.0, "label": group}
        scipy.io.savemat(path, content)
    with pytest.raises(ConfigError, match=r"--modality ecg\|eeg\|emg(?s:.*)--unit"):
        propose()
    entry = propose(unit="uV", modality="emg")
    reader = entry["reader"]
    assert (reader["variable"], reader["sfreq_variable"]) == ("emg", "fs")
    assert entry["values"]["label"] == {"from": "variable", "key": "label"}
    assert entry["labels"] == ["control", "patient"]


def test_signs_of_yaml_in_names_are_texts_in_the_entry(
    recordings: Path, propose: Propose
) -> None:
    for person in range(3):
        for label in ("2020:01", "no # 'x'", ":on"):
            put_edf(recordings, f"P{person}_{label}.edf", ["EEG C3", "EEG C'4: x"])
    entry = propose(pattern="{subject}_{task}.edf")
    assert entry["labels"] == ["2020:01", ":on", "no # 'x'"]
    assert entry["reader"]["channels"] == ["C3", "C'4: x"]


def put_tree(folder: Path, group: bool, events: bool) -> None:
    """Write a BIDS tree of three persons."""
    put(folder, "dataset_description.json", '{"BIDSVersion": "1.9.0"}')
    rows = [f"sub-0{k}\t{'patient' if k % 2 else 'control'}" for k in (1, 2, 3)]
    if group:
        table = "\n".join(["participant_id\tgroup", *rows, ""])
        put(folder, "participants.tsv", table)
    for k in (1, 2, 3):
        stem = f"sub-0{k}/eeg/sub-0{k}_task-rest"
        put_edf(folder, f"{stem}_eeg.edf", ["EEG Fz", "EEG EOG1"])
        put(folder, f"{stem}_eeg.json", json.dumps({"PowerLineFrequency": 60}))
        table = "onset\tduration\ttrial_type\n1\t0\tleft\n4\t0\tright\n8\t0\tleft\n"
        put(folder, f"{stem}_events.tsv", table) if events else None


@pytest.mark.parametrize("events", [True, False])
def test_a_bids_tree_has_events_or_groups_of_persons(
    recordings: Path, propose: Propose, events: bool
) -> None:
    put_tree(recordings, group=True, events=events)
    entry = propose()
    pattern = "sub-{subject}/eeg/sub-{subject}_task-rest_eeg.edf"
    assert entry["source"]["pattern"] == pattern
    assert entry["reader"]["line_freq"] == 60
    assert entry["reader"]["channels"] == ["Fz"]
    place = {"from": "sidecar", "file": "participants.tsv", "key": "group"}
    expected = {"from": "annotation"} if events else place
    assert entry["values"]["label"] == expected
    assert entry["labels"] == (["left", "right"] if events else ["control", "patient"])


def test_annotations_that_last_are_blocks(recordings: Path, propose: Propose) -> None:
    notes = [Mark(1, 4, "fist"), Mark(6, 4, "rest"), Mark(12, 4, "fist")]
    for person in "ABC":
        put_edf(recordings, f"{person}.edf", ["EMG left", "EMG right"], notes=notes)
        notes = [*notes[:3], Mark(17, 1, f"cough of {person}")]
    entry = propose()
    assert entry["labels"] == ["fist", "rest"]
    assert entry["values"]["label"] == {"from": "annotation", "as": "blocks"}
    assert entry["windows"]["kind"] == "sliding"


def test_a_place_that_has_no_usual_name_is_taken_by_the_flag(
    recordings: Path, propose: Propose
) -> None:
    put_tree(recordings, group=False, events=False)
    rows = "".join(f"sub-0{k}\t{'ab'[k % 2]}\n" for k in (1, 2, 3))
    put(recordings, "visits.tsv", f"participant_id\tarm\n{rows}")
    with pytest.raises(DataError, match="no labels anywhere"):
        propose()
    label = propose(label="sidecar:visits.tsv:arm")["values"]["label"]
    assert label == {"from": "sidecar", "file": "visits.tsv", "key": "arm"}


def test_a_column_that_has_no_usual_name_is_taken_by_the_flag(
    recordings: Path, propose: Propose
) -> None:
    rows = "".join(f"{k % 7},5;{k % 5},0;{'AB'[k // 200]}\n" for k in range(400))
    for person in "xyz":
        put(recordings, f"{person}.csv", f"emg1;emg2;hand\n{rows}")
    flags = {"unit": "uV", "sfreq": "200", "label": "column:hand"}
    entry = propose(**flags)
    assert entry["reader"]["channels"] == ["emg1", "emg2"]
    assert entry["reader"]["decimal"] == ","
    assert entry["labels"] == ["A", "B"]
    with pytest.raises(DataError, match="did you mean 'hand'"):
        propose("second", **flags | {"label": "column:hadn"})
    with pytest.raises(ConfigError, match="no answer to: where the labels"):
        propose("second", **flags | {"label": "note"})


def no_recording(folder: Path) -> None:
    put(folder, "thesis.pdf", b"%PDF")


def several_formats(folder: Path) -> None:
    put_edf(folder, "a.edf", ["EEG C3"])
    scipy.io.savemat(folder / "a.mat", {"x": NOISE})


def several_modalities(folder: Path) -> None:
    put_edf(folder, "a_1.edf", ["ECG II"])
    put_edf(folder, "b_1.edf", ["EEG C3"])


def both_datatypes(folder: Path) -> None:
    put_tree(folder, group=True, events=True)
    put_edf(folder, "sub-01/emg/sub-01_task-rest_emg.edf", ["EMG left"])


def no_labels(folder: Path) -> None:
    put_tree(folder, group=False, events=False)


def no_label_in_the_signal(folder: Path) -> None:
    put_tree(folder, group=False, events=True)
    for path in folder.rglob("*_events.tsv"):
        path.write_text(path.read_text().replace("\n", "\n9").removesuffix("9"))


def prose(folder: Path) -> None:
    put(folder, "diary.txt", "Dear diary\nnothing today\nnothing at all\n")


def damaged(folder: Path) -> None:
    for person in "ABC":
        put(folder, f"{person}_fist.edf", b"0       rubbish")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "the folder is empty"),
        (lambda folder: folder.rmdir(), "there is no such folder"),
        (no_recording, "none of 1 files is a recording: thesis.pdf"),
        (several_formats, r"several formats: EDF \(1 files\), MAT"),
        (several_modalities, r"no channel in common \(of the modalities ecg, eeg\)"),
        (both_datatypes, r"several modalities: eeg \(3 files\), emg"),
        (no_labels, "no labels anywhere"),
        (no_label_in_the_signal, "all of its labels lie outside the signal"),
        (prose, "no column has numbers"),
        (damaged, r"A_fist\.edf"),
    ],
)
def test_rubbish_is_refused_and_nothing_is_written(
    recordings: Path, propose: Propose, make: Callable[[Path], None], message: str
) -> None:
    make(recordings)
    with pytest.raises(DataError, match=message) as caught:
        propose()
    assert caught.value.remedy
    assert Path("params.yaml").read_text(encoding="utf-8") == PARAMS


def test_a_name_that_exists_or_cannot_be_used_is_refused(
    recordings: Path, propose: Propose
) -> None:
    put_beats(recordings)
    with pytest.raises(ConfigError, match="there is a data set 'ecg_demo'"):
        propose("ECG_demo")
    with pytest.raises(ConfigError, match="--name"):
        propose("my-clinic")
    propose()
    with pytest.raises(ConfigError, match="--name my_clinic_2") as caught:
        propose()
    assert isinstance(caught.value, PipelineError)


@pytest.mark.parametrize(
    "flags",
    [
        {"unit": "furlong"},
        {"sfreq": "-1"},
        {"sfreq": "many"},
        {"unchecked": "everything"},
        {"modality": "meg"},
        {"line_freq": "400"},
        {"label": "nowhere"},
        {"classes": "1,2"},
    ],
)
def test_a_flag_that_cannot_be_used_is_named(
    recordings: Path, propose: Propose, flags: dict[str, str]
) -> None:
    put_tree(recordings, group=True, events=False)
    (flag,) = flags
    with pytest.raises(ConfigError, match=f"--{flag.replace('_', '-')}"):
        propose(**flags)
    assert Path("params.yaml").read_text(encoding="utf-8") == PARAMS


def test_an_entry_that_is_not_valid_is_refused_in_terms_of_params_yaml(
    recordings: Path, propose: Propose
) -> None:
    for person in range(3):
        for label in ("rest", "a\nb"):
            put_edf(recordings, f"P{person}_{label}.edf", ["EEG C3"])
    with pytest.raises(ConfigError, match=r"^params\.yaml: datasets\.my_") as caught:
        propose(pattern="{subject}_{task}.edf")
    assert "partial" not in str(caught.value)
    assert [path.name for path in Path.cwd().iterdir()] == ["params.yaml"]
    assert Path("params.yaml").read_text(encoding="utf-8") == PARAMS


def test_a_read_only_file_stays_as_it_is(recordings: Path, propose: Propose) -> None:
    put_beats(recordings)
    Path("params.yaml").chmod(0o444)
    with pytest.raises(MachineError, match="read-only"):
        propose()
    assert Path("params.yaml").read_text(encoding="utf-8") == PARAMS


def test_an_entry_stands_before_the_sections_that_follow(
    recordings: Path, propose: Propose
) -> None:
    put_beats(recordings)
    first, second = PARAMS.split("\ndatasets:\n")
    turned = f"datasets:\n{second}\n# the rest\n{first}"
    Path("params.yaml").write_text(turned.replace("\n", "\r\n"), newline="")
    with pytest.raises(AssertionError):
        propose()  # the text does not begin as it did: the entry stands inside
    text = Path("params.yaml").read_bytes().decode()
    before, _, after = text.partition("  my_clinic:\r\n")
    added, _, rest = after.partition("# the rest")
    assert (before.strip() + "\r\n# the rest" + rest).split() == turned.split()
    assert "\n" not in added.replace("\r\n", "")


def test_in_a_terminal_it_asks_until_it_is_answered(
    recordings: Path, propose: Propose, monkeypatch: pytest.MonkeyPatch
) -> None:
    for person in range(3):
        scipy.io.savemat(
            recordings / f"p{person}.mat", {"x": NOISE, "label": f"{person % 2} a"}
        )
    asked: list[str] = []
    answers = iter(["", "emg", "60", "furlong", "mV", "-5", "250"])

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return next(answers)

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    reader = propose()["reader"]
    assert (reader["line_freq"], reader["unit"], reader["sfreq"]) == (60, "mV", 250)
    assert len(asked) == 7


def test_of_a_thousand_recordings_a_few_are_read(
    recordings: Path, propose: Propose, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = edf(["EEG C3", "EEG C4"], NOISE[:, :200], 100)
    for k in range(1000):
        (recordings / f"S{k // 2:03}_{('rest', 'task')[k % 2]}.edf").write_bytes(
            content
        )
    read: list[str] = []
    original = trial.readable

    def watched(found: Any, mains: Any) -> Any:
        read.extend(mains)
        return original(found, mains)

    monkeypatch.setattr(trial, "readable", watched)
    entry = propose()
    assert entry["labels"] == ["rest", "task"]
    assert len(read) == trial.TRIED


@pytest.mark.parametrize(
    ("paths", "pattern"),
    [
        (["a/1_raw_12.txt", "a/2_raw_13.txt", "b/1_raw_14.txt"],
         "{subject}/{run}_raw_*.txt"),
        ([f"S{k:03}R{r:02}.edf" for k in range(4) for r in range(9)],
         "S{subject}R{run}.edf"),
        ([f"p{k}/ses-{s}/x.csv" for k in "ab" for s in "12"],
         "{subject}/ses-{session}/x.csv"),
        ([f"set.zip/set/{k}/{r}.edf" for k in "ab" for r in "12"],
         "{subject}/{run}.edf"),
        ([f"{k}/{r}_x_{p}.txt" for k in "ab" for r in "12" for p in "78"],
         "{subject}/{run}_x_{part}.txt"),
        (["a.edf"], "{subject}.edf"),
        (["a_b.edf", "c.edf"], "{subject}.edf"),
    ],
)  # fmt: skip
def test_patterns_are_those_that_a_person_would_write(
    paths: list[str], pattern: str
) -> None:
    found = guess(paths)
    assert found is not None
    assert found.pattern == pattern


REAL = [
    ("mitdb", {}, ["N", "S", "V", "F"]),
    ("eegmat", {"label": "field:run", "classes": "1=rest,2=task"}, ["rest", "task"]),
    ("emg_gestures", {"unit": "V", "sfreq": "200", "modality": "emg"}, [*"0123456"]),
    ("formats/eeglab", {"pattern": "{subject}.set"}, ["rt", "square"]),
    ("formats/bids/eeg_matchingpennies", {}, "is empty"),
    ("formats/bids/emg_ConcurrentIndependentUnits", {}, "V by channels"),
    ("formats/bids/emg_ConcurrentIndependentUnits", {"unchecked": "rate"}, "outside"),
    ("formats/bids/emg_TwoWristbands", {}, "no labels anywhere"),
    ("formats/bids/emg_Multimodal", {}, "several modalities"),
    ("formats/eeglab", {}, "several formats"),
    ("formats/edf", {}, "no labels anywhere"),
    ("formats/wfdb", {}, "no channel in common"),
    ("qtdb", {}, "has 3 axes"),
]
"""Folders of real recordings, with the classes found or the reason why none are."""


@pytest.mark.parametrize(("name", "flags", "expected"), REAL)
def test_real_folders_make_an_entry_or_the_reason_is_named(
    name: str,
    flags: dict[str, str],
    expected: list[str] | str,
    real_data: Path,
    propose: Propose,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if not (real_data / name).is_dir():
        pytest.skip(f"there is no {name}")
    monkeypatch.setattr(
        command, "_folder", lambda path: (real_data / name, str(real_data / name))
    )
    given = {flag.replace("-", "_"): text for flag, text in flags.items()}
    if isinstance(expected, list):
        assert propose("real", **given)["labels"] == expected
    else:
        with pytest.raises(DataError, match=expected):
            propose("real", **given)
