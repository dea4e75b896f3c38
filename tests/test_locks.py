"""One process at a time makes an output."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import locks
from pipeline.errors import MachineError

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(locks, "PATIENCE_S", 0)


def test_a_second_one_learns_who_works_there() -> None:
    with (
        locks.only_one("ingest@ecg"),
        pytest.raises(
            MachineError, match=f"process {os.getpid()} since ..:.."
        ) as caught,
        locks.only_one("ingest@ecg"),
    ):
        raise AssertionError("two at once")
    assert caught.value.where == "ingest@ecg"
    assert f"kill {os.getpid()}" in caught.value.remedy


def test_other_outputs_and_later_runs_are_free() -> None:
    with locks.only_one("ingest@ecg"), locks.only_one("ingest@emg"):
        pass
    with pytest.raises(ZeroDivisionError), locks.only_one("ingest@ecg"):
        raise ZeroDivisionError
    with locks.only_one("ingest@ecg"):
        pass


def test_a_killed_process_holds_nothing() -> None:
    code = (
        "import time; from pipeline.locks import only_one\n"
        "with only_one('ingest@ecg'): print('holds', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    with holder.stdout as out:
        assert out.readline() == b"holds\n"
    with pytest.raises(MachineError, match=f"process {holder.pid} "):
        locks.only_one("ingest@ecg").__enter__()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with locks.only_one("ingest@ecg"):
        pass
