"""A process beside a training, which logs its curves to MLflow meanwhile.

It starts once training has taken ten seconds: MLflow takes a second to start, and
nothing that it does can hold up or end a training. It reads the notes of the epochs,
and learns from its input how training ended: that closes, too, if the stage is killed.
The report publishes the rest later.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer
from typing import Any

from pipeline import files
from pipeline.tracking import store
from pipeline.unfinished import NOTES

AFTER_S = 10.0
END_S = 5.0
"""Seconds that training waits for the last epochs to be logged."""
RUN = "run.json"
DONE = b"done"


@contextmanager
def following(cell: str, run: Mapping[str, Any], folder: Path) -> Iterator[None]:
    """Log the curves of a cell while the block trains it.

    Parameters
    ----------
    cell : str
    run : mapping
        What `run.json` will have, as far as it is known before.
    folder : Path
        Where it is being made.
    """
    if store.is_off():
        yield
        return
    files.save_json(folder / NOTES / RUN, run)
    started: list[subprocess.Popen[bytes]] = []
    timer = Timer(AFTER_S, lambda: started.append(_start(cell, folder)))
    timer.daemon = True
    timer.start()
    ending = b""
    try:
        yield
        ending = DONE
    finally:
        timer.cancel()
        timer.join()
        for process in started:
            with suppress(OSError, subprocess.TimeoutExpired):
                process.communicate(ending, timeout=END_S)


def _start(cell: str, folder: Path) -> subprocess.Popen[bytes]:
    nowhere = subprocess.DEVNULL
    command = [sys.executable, "-m", "pipeline.tracking.live", cell, str(folder)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere
    )
