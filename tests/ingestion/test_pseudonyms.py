"""Under pseudonyms nothing that identifies leaves ingest, whatever a format holds."""

import base64
import hmac
import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import mne
import numpy as np
import pandas as pd
import pytest
import scipy.io
from rich.console import Console

from pipeline import real_names, secret
from pipeline.errors import ConfigError, DataError, MachineError
from pipeline.ingestion import leaving
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.leaving import Naming
from pipeline.secret import PSEUDONYM, Secret
from tests.fuzz import corpus_clinical, corpus_research
from tests.fuzz.items import Files, Item
from tests.ingestion.conftest import Taken

PEOPLE = ("Novakova-19610203", "Svobodova-19580711")
LOST = "Kralova"
PLANTED = (
    *("novakova", "svobodova", "kralova", "zdenka", "19610203", "19580711"),
    *("mrn4711", "03-feb-1961"),
)
"""Of names, birth dates and patient numbers; none is a word of ours."""
FIELD = "Zdenka MRN4711 03-FEB-1961"

ITEMS: dict[str, Callable[[], Item]] = {
    "wfdb": lambda: corpus_clinical.beats(212),
    "wfdb-header": corpus_clinical.diagnoses,
    "edf": lambda: corpus_clinical.edf_notes(bdf=False),
    "brainvision": lambda: corpus_clinical.brainvision(floats=False),
    "bids": corpus_clinical.bids,
    "bids-groups": corpus_clinical.bids_groups,
    "csv": lambda: corpus_research.table(
        "csv", "csv", {"time": "time", "time_unit": "ms"}
    ),
    "npz": lambda: corpus_research.array("npz", INSIDE),
    "mat": lambda: corpus_research.array("mat", INSIDE),
    "h5": lambda: corpus_research.array("h5", INSIDE),
    "eeglab": lambda: corpus_research.eeglab(beside=False),
    "fif": corpus_research.fif,
    "zip": lambda: corpus_research.archive(
        corpus_research.table("csv", "csv", {"time": "time", "time_unit": "ms"}), "zip"
    ),
}
INSIDE: dict[str, object] = {
    "variable": "data", "sfreq_variable": "fs", "axes": ["time", "channel"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def key(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A secret of the test's own, outside of the checkout."""
    path = tmp_path_factory.mktemp("own") / "key"
    monkeypatch.setenv(secret.VARIABLE, str(path))
    return path


def plant(path: Path) -> None:
    """Write who was recorded into every field of a file that is free for it."""
    content = path.read_bytes()
    match path.suffix:
        case ".edf" | ".bdf":
            head = bytearray(content)
            head[8:88] = f"MRN4711 F 03-FEB-1961 {PEOPLE[0]}".ljust(80).encode()
            recorded = "Startdate 03-FEB-1961 MRN4711 Zdenka Zdenka-Novakova"
            head[88:168] = recorded.ljust(80).encode()
            n_signals = int(head[252:256])
            for before in (16, 136):  # transducers, filters
                start = 256 + n_signals * before
                texts = FIELD.ljust(80).encode() * n_signals
                head[start : start + 80 * n_signals] = texts
            path.write_bytes(bytes(head))
        case ".hea":
            path.write_bytes(content + f"# Name: {FIELD}\n#{PEOPLE[0]}\n".encode())
        case ".vhdr":
            path.write_bytes(content + f"\n[Comment]\n{FIELD}\n".encode())
        case ".json":
            described = json.loads(content) | {"Experimenter": FIELD, "Name": PEOPLE[0]}
            path.write_text(json.dumps(described))
        case ".tsv" if path.name == "participants.tsv":
            lines = content.decode().splitlines()
            for who, letter in zip(PEOPLE, "AB", strict=True):
                lines = [
                    each.replace(f"sub-{letter}\t", f"sub-{who}\t") for each in lines
                ]
            more = [f"{line}\t{FIELD}" for line in lines[1:]]
            path.write_text("\n".join([f"{lines[0]}\tname", *more, ""]))
        case ".csv":
            lines = content.decode().splitlines()
            more = [f"{line},{FIELD}" for line in lines[1:]]
            path.write_text("\n".join([f"{lines[0]},name", *more, ""]))
        case ".npz":
            held = dict(np.load(path)) | {
                "patient_Zdenka": np.frombuffer(b"4711", "u1")
            }
            np.savez(path, **held)
        case ".mat" if content[:6] == b"MATLAB" and b"5.0" in content[:20]:
            held = scipy.io.loadmat(path) | {"patient": FIELD, "Zdenka": 4711.0}
            scipy.io.savemat(path, {k: v for k, v in held.items() if k[0] != "_"})
        case ".h5":
            with h5py.File(path, "a") as file:
                file.attrs["patient"] = FIELD
                file["Zdenka"] = [4711.0]
        case ".fif":
            raw = mne.io.read_raw_fif(path, preload=True, verbose="error")
            raw.info["subject_info"] = {
                "his_id": "MRN4711", "last_name": PEOPLE[0], "first_name": "Zdenka",
            }  # fmt: skip
            raw.info["experimenter"] = raw.info["description"] = FIELD
            raw.save(path, overwrite=True, verbose="error")


@pytest.mark.parametrize("name", ITEMS)
def test_nothing_planted_leaves(
    take_in: Callable[..., Taken],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    for module in (corpus_clinical, corpus_research):
        monkeypatch.setattr(module, "PEOPLE", PEOPLE)
    item = ITEMS[name]()
    source = tmp_path / "ward Zdenka"
    lay_out(item, source, cut=name != "bids-groups")
    entry = {k: v for k, v in item.entry.items() if k != "source"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of readers, about what was cut
        taken = take_in(
            source,
            item.entry["source"]["pattern"],
            on_bad="skip",
            source={"pseudonyms": True},
            **entry,
        )
    used = taken.recordings[taken.recordings["status"] == "used"]
    assert len(used) == len(PEOPLE)
    assert used["subject"].nunique() == len(PEOPLE)
    names = [*used["subject"], *used["recording"]]
    assert all(PSEUDONYM.fullmatch(each) for each in names)
    assert found_in(Path("data"), leave_out=("raw", ".unfinished")) == []
    assert found_in(source) or name == "zip"  # the search itself finds
    known = json.loads(real_names.place().read_text())
    assert {known[each] for each in used["subject"]} <= set(item.mains) | set(PEOPLE)


def lay_out(item: Item, source: Path, *, cut: bool) -> None:
    """Write an item's files with what identifies; and one that cannot be read."""
    contents: Files = dict(item.files)
    main = next(iter(item.mains.values()))
    for path, content in contents.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_bytes(content)
        plant(source / path)
    if cut and "zip" not in item.name:
        lost = source / main.replace(PEOPLE[0], LOST)
        lost.parent.mkdir(parents=True, exist_ok=True)
        content = (source / main).read_bytes()
        kept = 0 if lost.suffix == ".csv" else len(content) // 3
        lost.write_bytes(content[:kept] + FIELD.encode() + b"\n1\n")


def found_in(folder: Path, leave_out: tuple[str, ...] = ()) -> list[str]:
    """List the files below a folder that hold something planted, or are called so."""
    found = []
    for path in sorted(folder.rglob("*")):
        inner = path.relative_to(folder)
        if inner.parts[0] in leave_out:
            continue
        held = str(inner).encode() + content_of(path)
        if planted := [word for word in PLANTED if word.encode() in held.lower()]:
            found.append(f"{inner}: {planted}")
    return found


def content_of(path: Path) -> bytes:
    """Read a file, a packed table as text."""
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv().encode()
    return path.read_bytes() if path.is_file() else b""


def test_the_secret_is_made_once_for_one_account(key: Path) -> None:
    made = secret.load_or_make()
    assert key.stat().st_mode & 0o777 == 0o600
    assert secret.load_or_make().fingerprint() == made.fingerprint()
    assert key.read_text().strip() not in repr(made)
    expected = hmac.digest(bytes.fromhex(key.read_text()), b"P\x1fNovakova", "sha256")
    letters = base64.b32encode(expected)[:10].decode()
    assert made.pseudonym("P", "Novakova") == f"P-{letters}"
    assert made.pseudonym("P", "Mu\u0308ller") == made.pseudonym("P", "M\u00fcller")


def test_a_secret_is_whole_when_it_gets_its_name(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(n_bytes: int) -> bytes:
        """Let another process make one before this one is written."""
        if n_bytes == secret.N_BYTES:
            key.touch(mode=0o600, exist_ok=False)
            key.write_text("ab" * n_bytes + "\n")
        return b"\0" * n_bytes

    monkeypatch.setattr("os.urandom", meanwhile)
    made = secret.load_or_make()
    assert made.fingerprint() == Secret(b"\xab" * 32).fingerprint()
    assert [path.name for path in key.parent.iterdir()] == [key.name]


def test_a_machine_with_the_same_process_number_is_not_in_the_way(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of settings may be shared; its unfinished file stays."""
    monkeypatch.setattr("os.getpid", lambda: 77)
    other = key.with_name(f".partial-77-{key.name}")
    other.write_text("half")
    secret.load_or_make()
    assert sorted(each.name for each in key.parent.iterdir()) == [other.name, key.name]
    assert other.read_text() == "half"


@pytest.mark.parametrize(
    ("content", "mode", "found"),
    [
        (None, 0o600, "is not there"),
        ("f" * 64 + "\n", 0o644, "other users of this machine may read it"),
        ("f" * 63 + "\n", 0o600, "is damaged"),
        ("", 0o600, "is damaged"),
        ("é" * 64, 0o600, "cannot be read"),
    ],
)
def test_a_secret_that_cannot_be_used_is_refused(
    key: Path, content: str | None, mode: int, found: str
) -> None:
    if content is not None:
        key.write_text(content)
        key.chmod(mode)
    with pytest.raises(MachineError, match=found) as refused:
        secret.load()
    assert "ffff" not in str(refused.value)


def test_a_secret_in_the_checkout_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(secret.VARIABLE, str(tmp_path / "inner" / "key"))
    with pytest.raises(ConfigError, match="git or DVC could take it"):
        secret.load_or_make()
    assert not list(tmp_path.iterdir())


def row(recording: str, subject: str, session: str = "", **more: Any) -> Row:
    return Row(recording, subject, session, **more)


def test_two_persons_of_one_pseudonym_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naming = Naming(secret.load_or_make())
    rows = [row("a", "Novakova"), row("b", "Svobodova")]
    assert len({each.subject for each in leaving.leaving(rows, naming)}) == 2
    monkeypatch.setattr(secret, "N_LETTERS", 0)
    with pytest.raises(DataError, match="'Novakova' and 'Svobodova' are both P-"):
        leaving.leaving(rows, naming)


def test_order_goes_by_samples_and_sessions_are_numbers() -> None:
    """Names change nothing but the order of a person's own recordings."""
    digests = {"a1": "5", "a2": "1", "b1": "9", "c": "3"}
    days = {"a1": "2021-03-04", "a2": "2020-01-01", "b1": "2020-01-01", "c": ""}
    rows = [row(each, each[0].strip("c"), days[each]) for each in digests]
    rows += [row("d", "D", "2022-01-01", status="refused")]
    found = leaving.ordered(rows, digests)
    assert {each.recording: each.session for each in found} == {
        "a1": "02", "a2": "01", "b1": "01", "c": "", "d": "",
    }  # fmt: skip
    renamed = [replace(each, subject=each.subject.replace("a", "z")) for each in rows]
    again = leaving.ordered(renamed, digests)
    assert [each.order for each in again] == [each.order for each in found]
    assert [each.recording for each in again] == [each.recording for each in found]
    orders = [each.order for each in found[:-1]]
    assert orders == sorted(set(orders))
    assert [each.recording[0] for each in found][-1] == "d"


def test_persons_of_the_same_samples_stay_apart_in_the_order() -> None:
    rows = [row("a", "A"), row("b", "B")]
    found = leaving.ordered(rows, {"a": "1", "b": "1"})
    assert len({each.order for each in found}) == 2


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("is cut short: 12 bytes of Novakova", "is cut short"),
        ("its 'Novakova' is no number", "its"),
        ("MATLAB's class is unknown (Novakova)", "MATLAB's class is unknown"),
        ("'Novakova' is not there", "refused; `biospike check` shows why"),
        ("has 2 rows for recording Novakova", "has 2 rows"),
        ("holds the same signal as recording R-ABCDEFGHIJ, which is kept",
         "holds the same signal as recording R-ABCDEFGHIJ"),
        ("0.5 s without numbers left out, as pauses", "0.5 s without numbers left out"),
    ],
)  # fmt: skip
def test_of_messages_our_own_words_leave(text: str, left: str) -> None:
    assert leaving.own_words(text) == left


def test_a_reason_names_recordings_by_pseudonyms() -> None:
    naming = Naming(secret.load_or_make())
    reason = "holds the same signal as recording Novakova_1, which is kept"
    rows = [
        row("Novakova_1", "Novakova"),
        row("Novakova_2", "Novakova", status="refused", reason=reason),
    ]
    kept, refused = leaving.leaving(rows, naming)
    assert refused.reason.endswith(f"as recording {kept.recording}")


def test_names_come_back_in_terminals_alone() -> None:
    naming = Naming(secret.load_or_make())
    person = naming.person("Novakova")
    real_names.remember({person: "Novakova"})
    real_names.remember({"P-AAAAAAAAAA": "Svobodova"})  # adds
    text = f"recording R-BBBBBBBBBB of {person} and P-AAAAAAAAAA"
    terminal, file = Console(force_terminal=True), Console(force_terminal=False)
    assert real_names.shown(text, file) == text
    assert real_names.shown(text, terminal) == (
        f"recording R-BBBBBBBBBB of Novakova ({person}) and Svobodova (P-AAAAAAAAAA)"
    )
    assert real_names.place().stat().st_mode & 0o777 == 0o600
    real_names.place().write_text("damaged")
    assert real_names.shown(text, terminal) == text
