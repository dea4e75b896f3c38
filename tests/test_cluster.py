"""Work on a real scheduler and its workers, on loopback."""

import os
import pickle
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from unittest.mock import Mock

import numpy as np
import pytest

from pipeline import cluster, files
from pipeline.encoders.rate import Rate
from pipeline.encoding.encode import encode_dataset
from pipeline.errors import DataError, MachineError
from pipeline.parallel import parallel_map
from pipeline.secret import Secret
from pipeline.signals import Signal
from pipeline.unfinished import finishing
from tests.processes import wait_for

distributed = pytest.importorskip("distributed")
ROOT = Path(__file__).parents[1]
LOCAL = "127.0.0.1"
WORK = ["touch one; sleep 30", "touch two; sleep 30"]


@dataclass
class Cluster:
    """A scheduler and its workers."""

    folder: Path
    address: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def log(self) -> str:
        """Read what the last program wrote."""
        return (self.folder / f"{len(self.processes) - 1}.log").read_text()

    def scheduler(self) -> None:
        """Start the scheduler, at a port that is free."""
        self.start("dask_scheduler", "--port", "0")
        found = re.compile(rf"Scheduler at:\s+(tcp://{LOCAL}:\d+)")
        wait_for(lambda: bool(found.search(self.log())))
        self.address = found.findall(self.log())[0]

    def start(
        self, program: str, *options: str, path: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start a program of Dask; it writes a log."""
        log = (self.folder / f"{len(self.processes)}.log").open("wb")
        command = [sys.executable, "-m", f"distributed.cli.{program}", *options]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([path, *sys.path])}
        process = subprocess.Popen(
            [*command, "--host", LOCAL, "--no-dashboard"],
            cwd=self.folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        log.close()
        self.processes.append(process)
        return process

    def worker(self, threads: int = 1, path: str = "") -> subprocess.Popen[bytes]:
        """Start a worker that is one process, and wait until it is known."""
        options = [self.address, "--no-nanny", "--nthreads", str(threads)]
        worker = self.start("dask_worker", *options, path=path)
        wait_for(lambda: "Registered" in self.log())
        return worker


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler with two workers."""
    folder = tmp_path_factory.mktemp("cluster")
    made = Cluster(folder)
    try:
        made.scheduler()
        for _ in range(2):
            made.worker()
        yield made
    finally:
        for process in made.processes:
            process.kill()
            process.wait()


@pytest.fixture(autouse=True)
def project(two: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cluster.VARIABLE, two.address)


def test_results_come_in_order_from_other_processes(tmp_path: Path) -> None:
    assert parallel_map(abs, [-3, 1, -2], what="counting") == [3, 1, 2]
    assert parallel_map(abs, [], what="counting") == []
    assert parallel_map(os.path.abspath, ["a"], what="asking") == [str(tmp_path / "a")]
    workers = set(parallel_map(os.path.realpath, ["/proc/self"] * 4, what="asking"))
    assert workers
    assert f"/proc/{os.getpid()}" not in workers
    assert not list((tmp_path / "data/.unfinished").iterdir())


def test_workers_take_over_what_is_listed_and_no_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["BIOSPIKE_DEVICE", "BIOSPIKE_KEY"]
    for value in ("cpu", "cuda"):
        for name in names:
            monkeypatch.setenv(name, value)
        assert parallel_map(os.getenv, names, what="asking") == [value, None]
    with pytest.raises(TypeError, match="stays"):
        pickle.dumps(Secret(b"key"))


def test_work_that_needs_the_secret_stays_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BIOSPIKE_KEY", "mine")
    asked = ["BIOSPIKE_KEY"]
    assert parallel_map(os.getenv, asked, what="asking", here=True) == ["mine"]


def test_an_error_keeps_its_kind(tmp_path: Path) -> None:
    missing = [tmp_path / "a.json", tmp_path / "b.json"]
    with pytest.raises(DataError, match=r"a\.json: there is no such file"):
        parallel_map(files.load_json, missing, what="reading")


def refusal(items: int = 2) -> MachineError:
    """Ask for work, and give the error."""
    with pytest.raises(MachineError) as caught:
        parallel_map(abs, [-1] * items, what="counting")
    return caught.value


def test_a_scheduler_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.3)
    for address in (f"tcp://{LOCAL}:9", "nonsense://x"):
        monkeypatch.setenv(cluster.VARIABLE, address)
        error = refusal()
        assert error.where == f"{cluster.VARIABLE}={address}"
        assert "no scheduler answers" in error.found
        assert "dask scheduler" in error.remedy


def test_without_the_extra_the_message_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    error = refusal()
    assert error.found == "Dask is not installed"
    assert "[cluster]" in error.remedy


def test_a_worker_that_does_not_see_the_checkout_or_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MachineError, match=r"does not see .*/raw/1\.hea"):
        parallel_map(abs, [1], what="reading", reads=[tmp_path / "raw/1.hea"])
    monkeypatch.setattr(cluster, "_token", lambda: nullcontext(".seen-elsewhere"))
    error = refusal()
    assert error.where.startswith("worker tcp://")
    assert "the checkout is not shared" in error.found


def test_a_worker_with_other_code_or_more_threads(
    two: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(
        ROOT / "pipeline",
        tmp_path / "older/pipeline",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (tmp_path / "older/pipeline/seeds.py").write_text("older = True\n")
    for other, found in (
        ({"path": str(tmp_path / "older")}, "pipeline/seeds.py"),
        ({"threads": 2}, "has 2 threads"),
    ):
        started = two.worker(**other)
        assert found in refusal().found
        started.kill()
        started.wait()
    monkeypatch.setattr(cluster, "digest", lambda: "another")
    monkeypatch.setattr(cluster, "_check", lambda *_: 2)  # these join later
    assert "other code or packages" in refusal().found


def test_tokens_of_killed_callers_go_and_those_of_others_stay() -> None:
    cluster.WORK.mkdir(parents=True)
    dead, other, note = (cluster.WORK / n for n in (".seen-1", ".seen-2", "notes"))
    for path, age_s in ((dead, 25 * 3600), (other, 3600), (note, 25 * 3600)):
        path.touch()
        os.utime(path, (time.time() - age_s,) * 2)
    with cluster._token() as token:
        assert {path.name for path in cluster.WORK.iterdir()} == {
            *(".seen-2", "notes", token)
        }
    assert {path.name for path in cluster.WORK.iterdir()} == {".seen-2", "notes"}


def test_a_token_stays_young_while_its_caller_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("distributed.wait", Mock())
    slow = Mock(**{"done.side_effect": [False, True]})
    with cluster._token() as token:
        path = cluster.WORK / token
        os.utime(path, (0, 0))
        cluster._wait(Mock(status="running"), "tcp://a", slow, path)
        assert path.stat().st_mtime > 0


def test_work_that_nobody_waits_for_ends_with_its_process(two: Cluster) -> None:
    """A caller that was killed: its work could go on and spoil a later run's files."""
    code = (
        "import os; from pipeline.parallel import parallel_map\n"
        f"if __name__ == '__main__': parallel_map(os.system, {WORK}, what='sleep')"
    )
    path = os.pathsep.join([str(ROOT), *sys.path])
    workers = two.processes[-2:]
    caller = subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}
    )
    wait_for(lambda: Path("one").exists() and Path("two").exists())
    caller.kill()
    caller.wait()
    wait_for(lambda: all(worker.poll() is not None for worker in workers))


def test_a_scheduler_that_is_lost_half_way() -> None:
    lost = Mock(
        **{"done.return_value": True, "result.side_effect": distributed.CancelledError}
    )
    client = Mock(**{"map.return_value": [lost]})
    asked = cluster.Asked("", "", (), {}, "")
    with pytest.raises(MachineError, match="scheduler was lost") as caught:
        list(cluster._map(client, "tcp://a", "counting", asked, abs, [-1]))
    assert caught.value.remedy.startswith("start it again")


def test_without_any_worker_left_the_wait_ends(
    two: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ALONE_S", 0.5)
    monkeypatch.setattr(cluster, "LOOK_S", 0.2)
    last = two.worker()

    def kill() -> None:
        wait_for(Path("one").exists)
        last.kill()

    killing = Thread(target=kill)
    killing.start()
    with pytest.raises(MachineError, match="no worker was there for"):
        parallel_map(os.system, WORK[:1], what="sleeping")
    killing.join()
    monkeypatch.setattr(cluster, "CONNECT_S", 1.0)
    assert refusal().found == "it has no workers"


def test_a_worker_that_is_killed_half_way_loses_nothing(
    two: Cluster, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    two.worker()
    doomed = two.worker()
    for place in range(6):
        rng = np.random.default_rng(place)
        samples = rng.normal(size=(2, 30_000)).astype(np.float32)
        signal = Signal(samples, 125.0, ("I", "II"), ("", ""), 0.02)
        files.save_signal(files.folder("signals", "demo") / f"r{place}.h5", signal)

    def encoded() -> dict[str, bytes]:
        named = {"name": "rate", "dataset": "demo", "seed": 1, "code": "1"}
        with finishing(files.folder("spikes", "demo")) as work:
            encode_dataset(Rate(), work, **named)
        made = files.folder("spikes", "demo").iterdir()
        return {path.name: path.read_bytes() for path in made}

    left, working = [], tmp_path / "data/.unfinished/spikes/demo"

    def kill() -> None:
        wait_for(lambda: any(working.glob("r*.h5")))
        doomed.kill()
        left.append(6 - len(list(working.glob("r*.h5"))))

    killing = Thread(target=kill)
    killing.start()
    there = encoded()
    killing.join()
    assert left[0] > 0
    monkeypatch.delenv(cluster.VARIABLE)
    assert there == encoded()
    assert sorted(there) == [f"r{place}.h5" for place in range(6)]
