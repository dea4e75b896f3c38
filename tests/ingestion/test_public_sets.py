"""The entries of docs/public_sets.md, each run on a tiny tree of its layout."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from ruamel.yaml import YAML

from tests.fuzz import writing
from tests.fuzz.corpus_clinical import ecg
from tests.fuzz.items import Mark
from tests.ingestion.conftest import Taken
from tests.ingestion.test_worked_entries import noise, save

PAGE = (Path(__file__).parents[2] / "docs" / "public_sets.md").read_text()
Write = Callable[[Path, int], None]


def entries() -> dict[str, dict[str, Any]]:
    """The entries by their names."""
    texts = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        found |= YAML(typ="safe").load(text)
    return found


def eegmmidb(root: Path, k: int) -> None:
    """Runs 3 and 4 of five persons; one of 88, at another rate."""
    who, rate = (f"S{k + 1:03}", 160) if k else ("S088", 128)
    for run in (3, 4):
        n_s = 64 if run == 4 else 8
        marks = [
            Mark(8.0 * n, 4, ("T0", "T1", "T0", "T2")[n % 4 if run == 4 else 0])
            for n in range(n_s // 8)
        ]
        signals = noise(10 * k + run, 3, n_s * rate)
        content = writing.edf(["C3..", "Cz..", "C4.."], signals, rate, notes=marks)
        save(root / who / f"{who}R{run:02}.edf", content)
        save(root / who / f"{who}R{run:02}.edf.event", b"\0\0")


def sleep_edf(root: Path, k: int) -> None:
    stages = [Mark(40 * n, 40, f"Sleep stage {s}") for n, s in enumerate("W1234R?")]
    names = ["EEG Fpz-Cz", "EEG Pz-Oz"]
    for night in (1, 2):
        stem = root / "sleep-cassette" / f"SC4{k:02}{night}"
        signals = noise(10 * k + night, 2, 28000)
        save(Path(f"{stem}E0-PSG.edf"), writing.edf(names, signals, 100))
        marks = writing.edf(names[:1], signals[:1, :100], 100, notes=stages)
        save(Path(f"{stem}E{'CHJPV'[k]}-Hypnogram.edf"), marks)
    save(root / "SC-subjects.xls", b"no table of ours")


def chbmit(root: Path, k: int) -> None:
    """The fifth case is the first person again, and files of the fourth have a letter.

    The summaries name several seizures.
    """
    who = ("chb01", "chb02", "chb03", "chb17", "chb21")[k]
    part = "a" * (who == "chb17")
    names = [
        "FP1-F7",
        "F7-T7",
        "T7-P7",
        "P7-O1",
        "FP2-F8",
        "F8-T8",
        "P8-O2",
        "T8-P8",
        "T8-P8",
    ]
    summary = ["Data Sampling Rate: 256 Hz", "Channel 1: FP1-F7", ""]
    for run, seizures in enumerate(([], [(8, 16)], [(8, 12), (20, 28)]), 1):
        name = f"{who}{part}_{run:02}.edf"
        content = writing.edf(names, noise(10 * k + run, 9, 256 * 40), 256)
        save(root / who / name, content)
        summary += [f"File Name: {name}", "File Start Time: 13:43:04"]
        summary += [f"Number of Seizures in File: {len(seizures)}"]
        for place, times in enumerate(seizures, 1):
            number = f"{place} " if len(seizures) > 1 else ""
            for word, time in zip(("Start", "End"), times, strict=True):
                summary.append(f"Seizure {number}{word} Time: {time} seconds")
    save(root / who / f"{who}-summary.txt", "\r\n".join(summary).encode())
    (command,) = re.findall(r"```sh\n(awk .*?)```", PAGE, re.DOTALL)
    subprocess.run(command, shell=True, cwd=root, check=True)


def afdb(root: Path, k: int) -> None:
    """Five records, and one that has annotations alone."""
    who = ("04015", "04043", "04048", "04126", "00735")[k]
    volts, _ = ecg(f"afdb{k}", 44, 250)
    files = writing.wfdb_record(who, ["ECG1", "ECG2"], 1e3 * volts, 250, 212, 200)
    files[f"{who}.atr"] = writing.rhythm({12: "(N", 5500: "(AFIB", 9000: "(AFL"})
    if who == "00735":
        files = {
            f"{who}.hea": b"00735 0 250 9205760\n",
            f"{who}.atr": files[f"{who}.atr"],
        }
    for name, content in files.items():
        save(root / name, content)
    save(root / "RECORDS", b"00735\n04015\n04043\n04048\n04126\n")


def ludb(root: Path, k: int) -> None:
    import wfdb

    who = str(k + 1)
    volts, beats = ecg(f"ludb{k}", 10, 500)
    files = writing.wfdb_record(who, ["i", "ii"], 1e3 * volts, 500, 16, 1000)
    for name, content in files.items():
        save(root / "data" / name, content)
    peaks = beats[1:-1]
    waves = [
        (at + shift + step, symbol)
        for at in peaks
        for shift, wave in ((-80, "p"), (0, "N"), (130, "t"))
        for step, symbol in ((-20, "("), (0, wave), (20, ")"))
    ]
    samples, symbols = zip(*sorted(waves), strict=True)
    wfdb.wrann(who, "ii", np.array(samples), list(symbols), write_dir=root / "data")
    save(root / "ludb.csv", b"ID,Sex\n1,F\n")


def ptb_xl(root: Path, k: int) -> None:
    """Two records a person; the last one has no rhythm that is asked for."""
    table = root / "ptbxl_database.csv"
    if not table.exists():
        save(table, b"ecg_id,patient_id,age,scp_codes,strat_fold,filename_lr\n")
    for number in (2 * k + 1, 2 * k + 2):
        volts, _ = ecg(f"ptb{number}", 10, 100)
        name = f"{number:05}_lr"
        files = writing.wfdb_record(name, ["II", "V1"], 1e3 * volts, 100, 16, 1000)
        for file, content in files.items():
            save(root / "records100" / "00000" / file, content)
        rhythm = "STACH" if number == 9 else ("SR", "AFIB")[number % 2]
        codes = f"\"{{'NORM': 100.0, '{rhythm}': 0.0}}\""
        with table.open("a") as file:
            row = f"{number},{15000 + k}.0,56.0,{codes},3,records100/00000/{name}"
            file.write(f"{row}\n")


def ninapro_db5(root: Path, k: int) -> None:
    movements = np.repeat([0, 1, 0, 2, 0, 3, 4, 5, 6, 7, 8, 17], 200)[:, None]
    counts = noise(k, 16, len(movements)).T.round().astype(np.int8)
    path = root / f"s{k + 1}" / f"S{k + 1}_E2_A1.mat"
    path.parent.mkdir(parents=True)
    held = {"emg": counts, "restimulus": movements, "stimulus": movements}
    scipy.io.savemat(path, held | {"subject": k + 1, "exercise": 2})
    scipy.io.savemat(path.with_name(f"S{k + 1}_E1_A1.mat"), held)


def capgmyo_dba(root: Path, k: int) -> None:
    who = f"{k + 1:03}"
    folder = root / f"dba-preprocessed-{who}"
    folder.mkdir(parents=True)
    for gesture in (*range(1, 9), 100):
        data = noise(1000 * k + gesture, 128, 1000).T / 2500
        held = {"data": data, "subject": k + 1, "gesture": gesture, "trial": 1}
        scipy.io.savemat(folder / f"{who}-{gesture:03}-001.mat", held)


LAYOUTS: dict[str, tuple[Write, int, int]] = {
    "eegmmidb": (eegmmidb, 4, 4),
    "sleep_edf": (sleep_edf, 5, 10),
    "chbmit": (chbmit, 4, 15),
    "afdb": (afdb, 4, 4),
    "ludb": (ludb, 5, 5),
    "ptb_xl": (ptb_xl, 5, 9),
    "ninapro_db5": (ninapro_db5, 5, 5),
    "capgmyo_dba": (capgmyo_dba, 4, 32),
}
"""What writes a tree, the persons that come of it, and labelled recordings."""


def test_every_entry_has_a_layout_and_states_whom_to_cite() -> None:
    assert entries().keys() == LAYOUTS.keys()
    for entry in entries().values():
        assert {"title", "modality", "licence", "citation", "home"} == set(
            entry["card"]
        )
        assert entry["source"]["pseudonyms"] is False


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_entry_takes_in_its_layout(
    name: str, take_in: Callable[..., Taken], tmp_path: Path
) -> None:
    write, persons, labelled = LAYOUTS[name]
    root = tmp_path / "layout"
    for k in range(4 if name == "capgmyo_dba" else 5):
        write(root, k)
    entry = entries()[name]
    source = entry["source"] | {"path": str(root)}
    entry["folds"] |= {"n_folds": 2}
    taken = take_in(root, source["pattern"], **{**entry, "source": source})
    used = taken.recordings[taken.recordings["status"] == "used"]
    assert used["subject"].nunique() == persons
    windows = taken.table("windows")
    windows = windows[windows["reason"] == ""]
    assert windows["recording"].nunique() == labelled
    assert set(windows["label"]) == set(entry["labels"])
    tested = taken.table("folds").query("role == 'test'")
    assert len(tested) == len(windows)
