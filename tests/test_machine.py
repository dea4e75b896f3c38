"""What the machine refuses ends in our words, and leaves nothing half-written."""

import errno
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest

from pipeline import files, machine
from pipeline.errors import DataError, MachineError
from pipeline.signals import Signal
from pipeline.spikes import Spikes

ROOT = Path(__file__).parents[1]
FOUND = {
    errno.ENOSPC: r"the disk is full \(.* of .* free\)",
    errno.EDQUOT: "quota",
    errno.EACCES: "may not read or write it; it belongs to",
    errno.EROFS: "mounted for reading only",
    errno.EMFILE: "too many files are open",
    errno.EFBIG: "may not become as long",
    errno.EIO: "the disk or its connection failed",
    errno.ENOTDIR: "a file where a folder should be",
    errno.EISDIR: "a folder where a file should be",
    errno.EXDEV: "lie on two disks",
    errno.ENOMEM: "not enough memory",
}


@pytest.mark.parametrize("number", FOUND)
def test_every_refusal_is_explained(tmp_path: Path, number: int) -> None:
    path = tmp_path / "r1.h5"
    path.touch()
    explained = machine.refusal(OSError(number, "library text"), path)
    assert explained is not None
    assert explained.where == str(path)
    assert re.search(FOUND[number], explained.found)
    assert "run it again" in explained.remedy
    assert "library text" not in str(explained)


@pytest.mark.parametrize(
    "error", [FileNotFoundError(errno.ENOENT, "no"), ValueError("no"), OSError("no")]
)
def test_bugs_are_not_explained(tmp_path: Path, error: Exception) -> None:
    assert machine.refusal(error, tmp_path) is None
    with pytest.raises(type(error)), machine.writing(tmp_path):
        raise error


def test_a_message_names_what_the_error_names(tmp_path: Path) -> None:
    other = tmp_path / ".partial-12-code" / "a.json"
    explained = machine.refusal(OSError(errno.EIO, "", str(other)), tmp_path / "b")
    assert explained is not None
    assert explained.where == str(tmp_path / "code" / "a.json")
    here = machine.refusal(MemoryError())
    assert here is not None
    assert here.where == "this machine"


def test_the_room_that_is_needed_is_named_where_it_is_known(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "")
    explained = machine.refusal(full, tmp_path, needed=3_200_000)
    assert explained is not None
    assert explained.expected == "room for 3.2 MB"


def test_numpys_short_write_is_a_full_disk(tmp_path: Path) -> None:
    with limited(4096), pytest.raises(OSError, match="requested and") as caught:
        np.zeros(9000, np.uint8).tofile(tmp_path / "a")
    explained = machine.refusal(caught.value, tmp_path)
    assert explained is not None
    assert "the disk is full" in explained.found


def test_the_file_that_stands_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "spikes").write_text("mine")
    with pytest.raises(MachineError, match="a file where a folder") as caught:
        files.save_json(tmp_path / "spikes" / "a" / "b.json", {})
    assert caught.value.where == str(tmp_path / "spikes")
    assert (tmp_path / "spikes").read_text() == "mine"


def test_what_ran_out_is_no_fault_of_a_file() -> None:
    assert machine.spent(OSError(errno.EMFILE, ""))
    assert not machine.spent(OSError(errno.EIO, ""))
    assert not machine.spent(MemoryError())  # a file may claim to be too large


@contextmanager
def limited(n_bytes: int) -> Iterator[None]:
    """Let no file grow beyond a length: a disk that is full, for one process."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def raw() -> mne.io.BaseRaw:
    info = mne.create_info(["I", "II"], 100.0, "ecg")
    return mne.io.RawArray(np.zeros((2, 5000)), info, verbose="error")


def signal(samples: np.ndarray) -> Signal:
    return Signal(samples.astype(np.float32), 100.0, ("I",), ("V",), 0.0)


def spikes(packed: np.ndarray) -> Spikes:
    return Spikes(packed, packed.shape[1] * 8, 0.01, 0.0, ("I+", "I-"))


def weights() -> dict[str, Any]:
    import torch

    return {"w": torch.zeros(9000)}


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.json": lambda path: files.save_json(path, {"text": "x" * 9000}),
    "a.parquet": lambda path: files.save_table(
        path, pd.DataFrame({"a": noise(1, 9000)[0]})
    ),
    "a.csv": lambda path: files.save_csv(path, pd.DataFrame({"a": range(9000)})),
    "signal.h5": lambda path: files.save_signal(path, signal(noise(1, 9000))),
    "spikes.h5": lambda path: files.save_spikes(path, spikes(noise(2, 9000))),
    "a_raw.fif": lambda path: files.save_recording(path, raw()),
    "a.safetensors": lambda path: files.save_weights(path, weights(), meta={}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.write_text("old")
    with limited(4096), pytest.raises(MachineError, match="may not become as long"):
        WRITERS[name](path)
    assert [each.name for each in tmp_path.iterdir()] == [name]
    assert path.read_text() == "old"
    WRITERS[name](path)
    assert path.stat().st_size > 4096


def test_a_full_disk_does_not_end_the_process_by_a_fault_of_memory(
    tmp_path: Path,
) -> None:
    """HDF5 forgets what it could not write, and crashes when the process ends."""
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "from pathlib import Path\n"
        "from test_machine import *\n"
        "write, failed = WRITERS['spikes.h5'], 0\n"
        "for limit in range(1024, 11265, 1024):\n"
        "    try:\n"
        "        with limited(limit): write(Path(sys.argv[1]) / 'a.h5')\n"
        "    except MachineError: failed += 1\n"
        "print(failed)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "11", "")
    assert not list(tmp_path.iterdir())


def test_a_fault_of_the_machine_is_none_of_our_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its remedy is not to remove the file."""
    path = tmp_path / "a.json"
    files.save_json(path, {})

    def refuse(*_: Any, **__: Any) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", refuse)
        with pytest.raises(MachineError, match="may not read") as caught:
            files.load_json(path)
    assert "remove" not in caught.value.remedy
    path.write_text("{")
    with pytest.raises(DataError, match="remove it"):
        files.load_json(path)


def test_sizes_are_written_as_people_do() -> None:
    assert machine.size_words(12) == "12 bytes"
    assert machine.size_words(3_210_000) == "3.21 MB"
    assert machine.size_words(os.sysconf("SC_PAGE_SIZE") * 1e12).endswith("TB")
