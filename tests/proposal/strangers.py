"""Three strangers' folders, each laid out in its own way, made anew from a seed.

`python -m tests.proposal.strangers FOLDER` writes them; its last lines are the commands
that take each to an entry.
"""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.io
import scipy.signal

from tests.fuzz.items import Mark
from tests.fuzz.writing import edf

WARD = ("Müller Anna", "O'Brien Sean", "de Vries Jan", "Łoś Ewa", "Özil Mert", "Wu Li")


def put(path: Path, content: bytes | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def noise(rng: np.random.Generator, n_channels: int, n_samples: int) -> np.ndarray:
    """Draw microvolts whose spectrum falls, as that of EEG and EMG does."""
    drawn = rng.standard_normal((n_channels, n_samples))
    return 25 * np.asarray(scipy.signal.lfilter([1], [1, -0.8], drawn))


def ward(folder: Path) -> None:
    """EEG: a folder a patient, files named by date, eyes open and closed in turn."""
    rng = np.random.default_rng(1)
    times = np.arange(40 * 128) / 128
    for k, who in enumerate(WARD):
        for day in (f"2024-03-{k + 1:02} morning", f"2024-04-{k + 1:02} evening"):
            signals = noise(rng, 3, len(times))
            closed = times % 20 >= 10
            signals[:2] += 45 * np.sin(2 * np.pi * 10 * times) * closed
            marks = [
                Mark(10.0 * n, 10, ("Eyes open", "Eyes closed")[n % 2])
                for n in range(4)
            ]
            marks.insert(1, Mark(3, 0, "technician left the room"))
            names = ["EEG O1", "EEG O2", "ECG"]
            content = edf(names, signals, 128, notes=marks)
            put(folder / who / f"{day}.edf", content)
        put(folder / who / "Arztbrief.docx", b"PK\x03\x04")
    put(folder / "Thumbs.db", b"\0" * 64)
    put(folder / "read me first.txt", "Copied from the ward's disk.\n")


def gym(folder: Path) -> None:
    """EMG: a log a person with commas in numbers; groups stand in a table."""
    rng = np.random.default_rng(2)
    table = ["id;group;age"]
    for k in range(8):
        signals = noise(rng, 2, 20 * 200)
        signals[k % 2] *= 3
        rows = [
            f"{n / 200:.3f};{left:.2f};{right:.2f}".replace(".", ",")
            for n, (left, right) in enumerate(signals.T)
        ]
        put(
            folder / "logs" / f"p{k + 1:02}.csv",
            "\n".join(["time;biceps;triceps", *rows, ""]),
        )
        table.append(f"p{k + 1:02};{('novice', 'athlete')[k % 2]};{20 + k}")
    put(folder / "persons.csv", "\n".join([*table, ""]))


def lab(folder: Path) -> None:
    """EMG: arrays of MATLAB; person, gesture and trial stand in the file's name."""
    rng = np.random.default_rng(3)
    for k in range(5):
        for gesture, gains in {"fist": (3, 1, 1, 1), "open": (1, 1, 1, 3)}.items():
            for trial in (1, 2, 3):
                signals = noise(rng, 4, 4 * 500) * np.array(gains)[:, None]
                path = folder / f"S{k + 1:02}_{gesture}_t{trial}.mat"
                path.parent.mkdir(parents=True, exist_ok=True)
                held = {"emg": signals.T / 1000, "fs": 500.0}
                scipy.io.savemat(path, held)


FOLDERS: dict[str, tuple[Callable[[Path], None], dict[str, str]]] = {
    "ward": (ward, {}),
    "gym": (
        gym,
        {"modality": "emg", "unit": "uV", "label": "sidecar:persons.csv:group"},
    ),
    "lab": (lab, {"modality": "emg", "unit": "mV", "sfreq": "500"}),
}
"""Who writes each, and the flags that give what its files do not state."""


def main() -> None:
    """Write all into the folder that is named."""
    for name, (write, flags) in FOLDERS.items():
        write(Path(sys.argv[1]) / name)
        words = [word for flag, text in flags.items() for word in (f"--{flag}", text)]
        command = f"biospike new-dataset {sys.argv[1]}/{name} --grid only"
        sys.stdout.write(f"{command} {shlex.join(words)}\n")


if __name__ == "__main__":
    main()
