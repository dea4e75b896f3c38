"""The entries of docs/data.md, each run on a tiny set of its layout."""

import io
import re
import zipfile
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

ROOT = Path(__file__).parents[2]
FEW = ("p1", "p2", "p3", "p4")
MANY = (*FEW, "p5", "p6", "p7", "p8")
"""Persons; many where a person has one class."""
Write = Callable[[Path, int, str], None]


def entries() -> dict[str, dict[str, Any]]:
    """The worked entries, by their sentences."""
    page = (ROOT / "docs" / "data.md").read_text()
    _, _, rest = page.partition("## Entries for common layouts\n")
    part = rest.partition("\n## ")[0]
    found = re.findall(r"\n(\S[^\n]*):\n\n```yaml\n(.*?)```", part, re.DOTALL)
    return {title: YAML(typ="safe").load(text) for title, text in found}


def noise(seed: int, n_channels: int, n_samples: int) -> np.ndarray:
    """Draw microvolts."""
    return 30 * np.random.default_rng(seed).standard_normal((n_channels, n_samples))


def save(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def holter(root: Path, k: int, who: str) -> None:
    volts, _ = ecg(f"{who}holter", 44, 125)
    files = writing.wfdb_record("1", ["I", "II"], 1e3 * volts, 125, 212, 200)
    files["1.atr"] = writing.rhythm({12: "(N", 2750: "(AFIB"})
    for name, content in files.items():
        save(root / who / name, content)


def diagnosed(root: Path, k: int, who: str) -> None:
    volts, _ = ecg(f"{who}dx", 10, 125)
    about = ["Age: 60", f"Dx: 59118001,{(426783006, 164889003)[k % 2]}"]
    files = writing.wfdb_record(who, ["I", "II"], 1e3 * volts, 125, 16, 1000, about)
    for name, content in files.items():
        save(root / name, content)


def controls(root: Path, k: int, who: str) -> None:
    path = root / f"sub-{who}" / "eeg" / f"sub-{who}_task-rest_eeg.edf"
    save(path, writing.edf(["C3", "C4", "Cz"], noise(k, 3, 1200), 100))
    table = root / "participants.tsv"
    if not table.exists():
        table.write_text("participant_id\tgroup\n")
    with table.open("a") as file:
        file.write(f"sub-{who}\t{('patient', 'control')[k % 2]}\n")


def sleep(root: Path, k: int, who: str) -> None:
    stages = [Mark(40 * n, 40, f"Sleep stage {s}") for n, s in enumerate("W123R4")]
    signals = noise(k, 2, 24000)
    names = ["EEG Fpz-Cz", "EEG Pz-Oz"]
    save(root / f"SC4{k:02}1E0-PSG.edf", writing.edf(names, signals, 100))
    marks = writing.edf(["EEG Fpz-Cz"], signals[:1, :100], 100, notes=stages)
    save(root / f"SC4{k:02}1EC-Hypnogram.edf", marks)


def export(root: Path, k: int, who: str) -> None:
    values = noise(k, 2, 800)
    rows = [
        f"{n / 200:.3f};{left:.3f};{right:.3f};{1 + n // 400}".replace(".", ",")
        for n, (left, right) in enumerate(values.T)
    ]
    head = ["Zeit;Beuger;Strecker;Geste", "s;uV;uV;"]
    save(root / f"{who}.csv", "\n".join([*head, *rows, ""]).encode())


def armband(root: Path, k: int, who: str) -> None:
    for number in range(3):
        counts = noise(10 * k + number, 8, 400).T.astype("<i2")
        save(root / who / f"classe_{number}.dat", counts.tobytes())


def imagery(root: Path, k: int, who: str) -> None:
    marks = [(n, f"S  {1 + n // 400 % 2}") for n in range(60, 3200, 400)]
    stem = f"{who}_1"
    names = ["C3", "C4", "Cz"]
    files = writing.brainvision(stem, names, noise(k, 3, 4000), 200, marks, floats=True)
    for name, content in files.items():
        save(root / name, content)


def delivered(root: Path, k: int, who: str) -> None:
    stimulus = np.repeat([1, 2], 400)
    held = {"emg": noise(k, 2, 800).T / 1e3, "fs": 200.0, "stimulus": stimulus}
    packed = io.BytesIO()
    scipy.io.savemat(packed, held)
    with zipfile.ZipFile(root / "hand.zip", "a") as archive:
        archive.writestr(f"{who}/1.mat", packed.getvalue())


LAYOUTS: dict[str, Write] = {
    "Holter archive": holter,
    "Ten-second records": diagnosed,
    "BIDS patients": controls,
    "Sleep stages": sleep,
    "A European CSV": export,
    "Raw armband": armband,
    "Motor imagery": imagery,
    "MATLAB files": delivered,
}


def test_every_entry_has_a_layout() -> None:
    titles = list(entries())
    assert len(titles) == 8
    found = [[each for each in LAYOUTS if title.startswith(each)] for title in titles]
    assert [len(each) for each in found] == [1] * 8


@pytest.mark.parametrize("title", entries())
def test_an_entry_takes_in_its_layout(
    title: str, take_in: Callable[..., Taken], tmp_path: Path
) -> None:
    (write,) = (each for start, each in LAYOUTS.items() if title.startswith(start))
    root = tmp_path / "layout"
    root.mkdir()
    people = MANY if write in (diagnosed, controls) else FEW
    for k, who in enumerate(people):
        write(root, k, who)
    entry = entries()[title]
    source = entry.pop("source")
    classes = list(dict.fromkeys(entry["values"]["label"]["map"].values()))
    entry.setdefault(
        "signal", {"l_freq": 1, "h_freq": 40, "scale": {"tau_s": 5, "floor": 1e-6}}
    )
    folds = {"scheme": "cross_subject", "n_folds": 2}
    taken = take_in(root, source["pattern"], labels=classes, folds=folds, **entry)
    assert set(taken.recordings["status"]) == {"used"}
    assert taken.recordings["subject"].nunique() == len(people)
    windows = taken.table("windows")
    used = windows[windows["reason"] == ""]
    assert set(used["label"]) == set(classes)
    assert used.groupby("label").size().min() >= len(people) // 2
