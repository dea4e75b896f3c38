"""Time reading EDF side by side: `python benchmarks/readers_edf.py`.

Hours of noise as EDF+C and as BDF with a note a minute, opened and read to the end in
pieces of 30 s as ingestion does, one thread: by the reader `mne` and by MNE alone,
which reads the notes and scales the samples as well. Each runs in a process of its own
for the memory; the time leaves imports out.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import edfio
import numpy as np
from rich.console import Console
from rich.table import Table

REPEATS = 5
CHANNELS, SFREQ, PIECE_S = 32, 250, 30
HOURS = (0.25, 1.0)


def write(path: Path, hours: float) -> None:
    """Write noise of 30 microvolts."""
    rng = np.random.default_rng(0)
    seconds = round(hours * 3600)
    noise = rng.standard_normal(seconds * SFREQ).clip(-9, 9) * 30
    kinds: tuple[Any, Any] = (edfio.Edf, edfio.EdfSignal)
    if path.suffix == ".bdf":
        kinds = (edfio.Bdf, edfio.BdfSignal)
    file, signal = kinds
    signals = [
        signal(
            np.roll(noise, 7 * k),
            SFREQ,
            label=f"EEG {k}",
            physical_dimension="uV",
            physical_range=(-300, 300),
        )
        for k in range(CHANNELS)
    ]
    notes = [edfio.EdfAnnotation(float(at), 1.0, "N") for at in range(0, seconds, 60)]
    file(signals, annotations=notes).write(path)


def ours(path: Path) -> None:
    """Open and read with the reader."""
    from pipeline.readers.mne import Mne

    content = Mne().read(path.parent, [path.name], [("annotation", "")])
    step = round(PIECE_S * content.sfreq)
    for start in range(0, content.n_samples, step):
        content.read(start, min(start + step, content.n_samples))


def alone(path: Path) -> None:
    """Open and read with MNE."""
    import mne

    raw = mne.io.read_raw(path, verbose="error")
    step = round(PIECE_S * raw.info["sfreq"])
    for start in range(0, raw.n_times, step):
        raw.get_data(start=start, stop=min(start + step, raw.n_times))


def measure(name: str, path: Path) -> None:
    """Print the median seconds and the most memory, MB, above that of the imports."""
    import mne.io  # noqa: F401

    import pipeline.readers.mne  # noqa: F401

    before, seconds = peak(), []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        {"ours": ours, "alone": alone}[name](path)
        seconds.append(time.perf_counter() - begun)
    print(statistics.median(seconds), peak() - before)


def peak() -> float:
    """Look up the most memory of this process so far, MB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Measure both on files of two lengths; print the ratio."""
    table = Table("file", "reader s (MB)", "MNE s (MB)", "times MNE")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("edf", "bdf"):
            for hours in HOURS:
                path = Path(folder) / f"a.{kind}"
                write(path, hours)
                (ours_s, ours_mb), (mne_s, mne_mb) = (
                    map(float, run(name, path)) for name in ("ours", "alone")
                )
                table.add_row(
                    f"{kind}, {hours:g} h, {CHANNELS} channels",
                    f"{ours_s:.3f} ({ours_mb:.0f})",
                    f"{mne_s:.3f} ({mne_mb:.0f})",
                    f"{ours_s / mne_s:.2f}",
                )
    Console().print(table)


def run(name: str, path: Path) -> list[str]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, name, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
