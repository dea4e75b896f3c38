"""Time the intake of recordings: memory of long ones, speed of ordinary ones.

    .venv/bin/python benchmarks/intake.py memory            # 2 h and 4 h, 256 channels
    .venv/bin/python benchmarks/intake.py speed MIRROR      # mitdb_ds1, from a mirror

Both copy the code into a temporary folder and run the stages there. `memory` writes two
recordings, for two workers to read at once, and prints the largest resident memory of
each stage's processes together; what they share counts in each. `speed` uses one worker
and takes the seconds that the stages state, which count after the process has started.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
SFREQ, N_CHANNELS = 250, 256
CLOSING_LINE = re.compile(r"^(\w+) .*\((\d+\.\d) s\)$", re.MULTILINE)
LONG: dict[str, Any] = {
    "card": {
        "title": "Noise of many channels",
        "modality": "eeg",
        "home": "https://example.org",
        "licence": "none",
        "citation": "none",
    },
    "labels": ["N", "V"],
    "reader": {"name": "wfdb", "channel_type": "eeg", "line_freq": 50},
    "values": {"label": {"from": "annotation", "as": "events"}},
    "signal": {"l_freq": 0.5, "h_freq": 40, "scale": {"tau_s": 10, "floor": 1e-6}},
    "windows": {"kind": "events", "tmin": 0, "tmax": 1},
    "folds": {"scheme": "within_session", "n_folds": 4},
}


def project(folder: Path, name: str, entry: dict[str, Any] | None) -> None:
    """Copy what the stages need, with a grid of one data set."""
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("pipeline", "stages", "data/checksums"):
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    shutil.copy(ROOT / "requirements.lock", folder)
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["grid"] = {"dataset": [name], "encoder": ["delta"], "model": ["lif"]}
    if entry:
        params["datasets"][name] = entry
    yaml.dump(params, folder / "params.yaml")


def write_recording(path: Path, hours: float, seed: int) -> None:
    """Write noise as WFDB, 16 bits a sample, with an annotation a second."""
    import wfdb

    n_samples = int(hours * 3600) * SFREQ
    lines = [f"{path.name} {N_CHANNELS} {SFREQ} {n_samples}"]
    lines += [f"{path.name}.dat 16 10/uV 16 0 0 0 0 E{k}" for k in range(N_CHANNELS)]
    path.with_suffix(".hea").write_text("\n".join(lines) + "\n")
    rng = np.random.default_rng(seed)
    with path.with_suffix(".dat").open("wb") as file:
        for _ in range(n_samples // SFREQ):
            rng.integers(-999, 999, (SFREQ, N_CHANNELS), np.int16).tofile(file)
    at = np.arange(SFREQ // 2, n_samples - SFREQ, SFREQ)
    symbols = np.resize(["N", "V"], len(at)).tolist()
    wfdb.wrann(path.name, "atr", at, symbols, write_dir=str(path.parent))


def stage(folder: Path, *names: str, **environment: str) -> tuple[str, int]:
    """Run a stage; give what it prints, and its largest resident memory in bytes."""
    with subprocess.Popen(
        ["stages/run", *names],
        cwd=folder,
        env={**os.environ, "VIRTUAL_ENV": sys.prefix, **environment},
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        largest = 0
        while process.poll() is None:
            largest = max(largest, sum(map(resident, descendants(process.pid))))
            time.sleep(0.05)
        output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(output)
    return output, largest


def descendants(pid: int) -> list[int]:
    """List a process and all that it and they have started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in children for each in descendants(int(child)))]


def resident(pid: int) -> int:
    """Read how many bytes of memory a process holds."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def chain(folder: Path, name: str, **environment: str) -> list[tuple[str, int]]:
    """Run the stages from raw files to spikes."""
    dataset = "--dataset", name
    commands: list[Sequence[str]] = [("code",), ("inventory",), ("fetch", *dataset)]
    commands += [("ingest", *dataset), ("prepare", *dataset)]
    commands += [("encode", *dataset, "--encoder", "delta")]
    return [stage(folder, *command, **environment) for command in commands][3:]


def memory(hours: Sequence[float]) -> None:
    """Print a line for each length."""
    for length in hours:
        with tempfile.TemporaryDirectory(prefix="biospike-intake-") as parent:
            folder, raw = Path(parent) / "project", Path(parent) / "raw"
            raw.mkdir()
            for seed, who in enumerate(("a", "b")):
                write_recording(raw / who, length, seed)
            source = {"name": "folder", "path": str(raw), "pattern": "{subject}.hea"}
            project(folder, "long", LONG | {"source": source})
            done = chain(folder, "long", BIOSPIKE_WORKERS="2")
        for output, largest in done:
            print(
                f"{length:g} h: {largest / 1e6:5.0f} MB, {output.strip()}", flush=True
            )


def speed(mirror: Path) -> None:
    """Print how many seconds of signal one core takes in a second."""
    from wfdb import rdheader

    with tempfile.TemporaryDirectory(prefix="biospike-intake-") as parent:
        folder = Path(parent) / "project"
        project(folder, "mitdb_ds1", None)
        settings = {"BIOSPIKE_WORKERS": "1", "BIOSPIKE_MIRROR": str(mirror)}
        done = chain(folder, "mitdb_ds1", **settings)
        raw = folder / "data/raw/mitdb_ds1"
        headers = [rdheader(str(path.with_suffix(""))) for path in raw.glob("*.hea")]
    lasts = sum(header.sig_len / header.fs for header in headers)
    taken = 0.0
    for output, _ in done:
        for name, seconds in CLOSING_LINE.findall(output):
            taken += float(seconds)
            print(f"{name}: {lasts / float(seconds):,.0f} x real time ({seconds} s)")
    print(
        f"together: {lasts / taken:,.0f} x real time ({taken:.1f} s of {lasts:,.0f} s)"
    )


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked = parser.add_subparsers(required=True)
    long = asked.add_parser("memory", help="of long recordings")
    long.add_argument("hours", nargs="*", type=float, default=[2.0, 4.0])
    long.set_defaults(run=lambda given: memory(given.hours))
    ordinary = asked.add_parser("speed", help="of mitdb_ds1")
    ordinary.add_argument("mirror", type=Path, help="folder that holds mitdb")
    ordinary.set_defaults(run=lambda given: speed(given.mirror.resolve()))
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()
