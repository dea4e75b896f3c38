"""Workers give results in order, know the caller's environment, and end with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import threadpoolctl

from pipeline import files, parallel
from pipeline.errors import DataError, PipelineError
from pipeline.parallel import parallel_map
from pipeline.remaining import Remaining
from tests.processes import session, wait_for


@pytest.fixture(autouse=True)
def two_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")


@pytest.mark.parametrize("workers", ["1", "2", "3"])
def test_results_come_in_the_order_of_the_items(
    monkeypatch: pytest.MonkeyPatch, workers: str
) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", workers)
    assert parallel_map(abs, [-3, 1, -2], what="counting") == [3, 1, 2]
    assert parallel_map(abs, [], what="counting") == []


def test_workers_are_other_processes_and_one_worker_is_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert str(os.getpid()) not in parallel_map(
        os.path.realpath, ["/proc/self", "/proc/self"], what="asking"
    )
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    found = parallel_map(os.path.realpath, ["/proc/self"], what="asking")
    assert found == [f"/proc/{os.getpid()}"]


def test_the_environment_of_the_call_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not that of the process which workers are forked from."""
    for value in ("one", "two"):
        monkeypatch.setenv("BIOSPIKE_ANY", value)
        found = parallel_map(os.getenv, ["BIOSPIKE_ANY"] * 2, what="asking")
        assert found == [value, value]


def test_libraries_use_one_thread_in_a_worker_also_those_loaded_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"]
    for name in names:
        monkeypatch.setenv(name, "2")
    assert parallel_map(os.getenv, names, what="asking") == ["1", "1"]
    selects = [{"user_api": "blas"}] * 2
    pools = parallel_map(threadpool_of, selects, what="asking")
    assert pools == [[], []] or {n for pool in pools for n in pool} == {1}


def threadpool_of(selected: dict[str, str]) -> list[int]:
    pools = threadpoolctl.ThreadpoolController().select(**selected).info()
    return [pool["num_threads"] for pool in pools]


@pytest.mark.parametrize(
    ("ci", "lines"), [(None, ["1 of 2", "about 0 s left"]), ("true", [])]
)
def test_long_work_is_reported_in_a_log_and_not_in_ci(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ci: str | None,
    lines: list[str],
) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    monkeypatch.delenv("CI", raising=False)
    if ci:
        monkeypatch.setenv("CI", ci)
    long_ago = Remaining(2, 1, begun=time.monotonic() - 60)
    monkeypatch.setattr(parallel, "Remaining", lambda *_: long_ago)
    assert parallel_map(abs, [-1, -2], what="counting") == [1, 2]
    printed = capsys.readouterr().err
    assert all(line in printed for line in lines)
    assert printed.count("\n") == len(lines[:1])


def test_an_error_keeps_its_kind(tmp_path: Path) -> None:
    missing = [tmp_path / "a.json", tmp_path / "b.json"]
    with pytest.raises(DataError, match=r"a\.json: there is no such file"):
        parallel_map(files.load_json, missing, what="reading")


def test_a_worker_that_is_killed_ends_in_one_message() -> None:
    with pytest.raises(PipelineError, match="a worker process ended") as caught:
        parallel_map(os._exit, [9, 9], what="reading recordings")
    assert caught.value.where == "reading recordings"
    assert "BIOSPIKE_WORKERS=1" in caught.value.remedy


def test_workers_end_when_the_caller_is_killed() -> None:
    code = (
        "import time; from pipeline.parallel import parallel_map\n"
        "if __name__ == '__main__': parallel_map(time.sleep, [600, 600], what='sleep')"
    )
    caller = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    wait_for(lambda: len(session(caller.pid)) >= 4)  # it, a server, two workers
    os.kill(caller.pid, signal.SIGKILL)
    caller.wait()
    wait_for(lambda: not session(caller.pid))


def test_a_process_that_ends_by_itself_is_not_killed_with_the_workers() -> None:
    """It has to log that training was killed; the pipe to it closes."""
    code = (
        "import subprocess, sys; from pipeline import parallel\n"
        "def child(name):\n"
        "    command = [sys.executable, '-S', '-c', 'input()', name]\n"
        "    return subprocess.Popen(command, stdin=subprocess.PIPE)\n"
        "spared, killed = child('pipeline.tracking.live'), child('another')\n"
        "parallel._kill_workers()\n"
        "print(killed.wait(), spared.poll())\n"
        "spared.communicate(b'end')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "-9 None\n"


def test_a_path_too_long_for_the_workers_server_is_explained(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    code = (
        "from pipeline.parallel import parallel_map\n"
        "if __name__ == '__main__': parallel_map(abs, [1, 2], what='counting')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(long)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "MachineError" in done.stderr
    assert "TMPDIR" in done.stderr
