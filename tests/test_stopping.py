"""A signal ends a process in one line, with its workers."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import stopping
from tests.processes import session, wait_for

ROOT = Path(__file__).parents[1]
MAPPED = (
    "import os, sys, time\n"
    "from pipeline import stopping\n"
    "from pipeline.ending import in_one_message\n"
    "from pipeline.parallel import parallel_map\n"
    "if __name__ == '__main__':\n"
    "    sys.argv = ['stages/ingest.py', 'ecg']\n"
    "    stopping.install()\n"
    "    with in_one_message(debug=False):\n"
    "        parallel_map(time.sleep, [600] * 5, what='sleep')\n"
)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Give the tests' own handlers back."""
    before = {each: signal.getsignal(each) for each in stopping.SIGNALS}
    yield
    stopping._handler.waiting = None
    for each, handler in before.items():
        signal.signal(each, handler)


INTERRUPTIBLE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
)
"""A job that a shell started in the background ignores Ctrl-C, and so do its own."""


def start(code: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE + code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("number", "send", "status", "why"),
    [
        (signal.SIGINT, os.killpg, 130, "Ctrl-C"),  # as a terminal sends it
        (signal.SIGTERM, os.kill, 143, "SIGTERM"),
    ],
)
def test_a_signal_ends_the_workers_too(
    number: int, send: Callable[[int, int], None], status: int, why: str
) -> None:
    process = start(MAPPED, BIOSPIKE_WORKERS="2")
    wait_for(lambda: len(session(process.pid)) >= 5)  # it, two servers, two workers
    send(process.pid, number)
    _, printed = process.communicate(timeout=30)
    assert process.returncode == status
    assert printed.splitlines() == [
        f"ingest ecg: stopped by {why}; the next run goes on from what is finished"
    ]
    wait_for(lambda: not session(process.pid))


def test_a_stage_ends_when_whoever_started_it_is_killed() -> None:
    child = (
        "import sys, time; from pipeline import stopping\\n"
        "stopping.install(); stopping.end_with_parent()\\n"
        "sys.stderr.write('ready\\\\n'); time.sleep(600)"
    )
    code = (
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', '''{child}'''])"
    )
    parent = start(code)
    assert parent.stderr is not None
    assert parent.stderr.readline() == "ready\n"
    assert len(session(parent.pid)) == 2
    os.kill(parent.pid, signal.SIGKILL)
    _, printed = parent.communicate(timeout=30)
    assert "stopped by the end of the process that started it" in printed
    wait_for(lambda: not session(parent.pid))


def hold(done: list[str], *, release: bool) -> None:
    """Be found by a signal in a block that holds it, between two steps of work."""
    with stopping.held():
        signal.raise_signal(signal.SIGTERM)
        done.append("in the block")
        if release:
            with stopping.released():
                done.append("between two pieces")
        done.append("its end")


@pytest.mark.parametrize("release", [False, True])
def test_a_signal_waits_where_it_could_do_harm(
    capfd: pytest.CaptureFixture[str], release: bool
) -> None:
    stopping.install()
    done: list[str] = []
    with pytest.raises(stopping.Stopped) as caught:
        hold(done, release=release)
    assert done == (["in the block"] if release else ["in the block", "its end"])
    assert caught.value.code == 143
    assert "stopped by SIGTERM" in capfd.readouterr().err


def test_a_second_signal_is_not_ours() -> None:
    stopping.install()
    with pytest.raises(stopping.Stopped):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL


def test_what_nohup_ignores_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping.install()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
