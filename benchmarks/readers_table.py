"""Time reading text beside pandas alone: `python benchmarks/readers_table.py`.

Both read the same columns of the same file: `pandas.read_csv` as floats and a category
of labels; the reader also checks every row and the clock, and finds the blocks of the
labels. They take turns.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.readers.table import Table

ROUNDS = 9
N_ROWS = 400_000
SIGNALS = [f"emg{k}" for k in range(8)]
STATED = {"channel_type": "emg", "unit": "uV", "sfreq": 200.0, "time": "time"}


def log() -> pd.DataFrame:
    """Make a log of an armband: a clock, eight signals, a label."""
    samples = np.random.default_rng(0).normal(size=(N_ROWS, len(SIGNALS)))
    frame = pd.DataFrame(samples, columns=SIGNALS)
    frame.insert(0, "time", np.arange(N_ROWS) / STATED["sfreq"])
    return frame.assign(label=np.arange(N_ROWS) // 10_000 % 7)


def contestants(
    path: Path, signals: list[str], how: dict[str, Any]
) -> dict[str, Callable[[], object]]:
    """Name what is timed, for some signals of a file."""
    kinds: dict[str, Any] = dict.fromkeys(["time", *signals], float)
    if labelled := "label" in how:
        kinds["label"] = "category"
    parsing = {key: each for key, each in how.items() if key in ("sep", "decimal")}
    reader = Table(
        channels=signals,
        delimiter=parsing.get("sep"),
        decimal=parsing.get("decimal", "."),
        **STATED,
    )
    origins = [("column", "label")] if labelled else []

    def ours() -> object:
        content = reader.read(path.parent, [path.name], origins)
        return content.read(0, content.n_samples)

    def alone() -> object:
        return pd.read_csv(
            path, usecols=list(kinds), dtype=kinds, engine="c", **parsing
        )

    return {"reader": ours, "pandas": alone}


def in_turns(work: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Let both take turns after a warm-up; medians, milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for number in range(ROUNDS + 1):
        for name, run in work.items():
            begun = time.perf_counter()
            run()
            if number:
                times[name].append(1e3 * (time.perf_counter() - begun))
    return {name: statistics.median(each) for name, each in times.items()}


def main() -> None:
    """Print a table."""
    with tempfile.TemporaryDirectory() as folder:
        comma, semicolon = Path(folder) / "a.csv", Path(folder) / "b.csv"
        log().to_csv(comma, index=False, float_format="%.7g")
        german = {"sep": ";", "decimal": ","}
        log().to_csv(semicolon, index=False, float_format="%.7g", **german)
        problems = {
            "8 signals and labels": contestants(comma, SIGNALS, {"label": True}),
            "8 signals": contestants(comma, SIGNALS, {}),
            "2 signals and labels": contestants(comma, SIGNALS[:2], {"label": True}),
            "8 signals, ; and ,": contestants(
                semicolon, SIGNALS, {**german, "label": 1}
            ),
        }
        size = comma.stat().st_size / 1e6
        print(f"{N_ROWS} rows, {size:.0f} MB; median ms{'reader':>9}{'pandas':>9}")
        for name, work in problems.items():
            took = in_turns(work)
            ratio = took["reader"] / took["pandas"]
            print(f"{name:<29}{took['reader']:9.0f}{took['pandas']:9.0f}{ratio:7.2f}×")


if __name__ == "__main__":
    main()
