"""How far the folds in training are: a file a fold, a line an epoch.

The files lie among the notes of unfinished work, so that a run which was killed and
goes on keeps the times of the folds that it had finished; they vanish when all are
trained. A line that cannot be written costs nothing but itself.
"""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.unfinished import NOTES

BEGUN, ENDED = "begun", "ended"


@dataclass
class FoldProgress:
    """A fold that is or was in training.

    Parameters
    ----------
    begun_s, ended_s : float or None
        Seconds since 1970; `ended_s` is None while it trains.
    epochs : list of dict
        As `columns` has them.
    """

    begun_s: float
    ended_s: float | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)


class Notes:
    """The file of one fold, to be written to while it trains."""

    def __init__(self, folder: Path, fold: int) -> None:
        self._path = folder / NOTES / f"fold-{fold}.jsonl"

    def begin(self) -> None:
        """Note that training begins, and forget what another run had noted."""
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
        self._add({BEGUN: time.time()})

    def epoch(self, epoch: Mapping[str, Any]) -> None:
        """Note the results of an epoch."""
        self._add(columns(epoch))

    def end(self) -> None:
        """Note that the fold is trained."""
        self._add({ENDED: time.time()})

    def _add(self, line: Mapping[str, Any]) -> None:
        with suppress(OSError), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def columns(epoch: Mapping[str, Any]) -> dict[str, Any]:
    """Give an epoch's results by column; each layer's spike rate has its own."""
    line = dict(epoch)
    rates = enumerate(line.pop("layer_rates"), start=1)
    return line | {f"spike_rate_{layer}": rate for layer, rate in rates}


def read(folder: Path) -> dict[int, FoldProgress]:
    """Read how far the folds of a run are, those that have begun.

    Parameters
    ----------
    folder : Path
        Where the run is being made.
    """
    found = {}
    for path in sorted((folder / NOTES).glob("fold-*.jsonl")):
        lines = _lines(path)
        if lines and BEGUN in lines[0]:
            begun, *others = lines
            ended = others.pop()[ENDED] if ENDED in lines[-1] else None
            fold = int(path.stem.removeprefix("fold-"))
            found[fold] = FoldProgress(begun[BEGUN], ended, others)
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    """Read a file that may be written to meanwhile: its complete lines.

    Of a line that a full disk cut off, and the next one in it, nothing is left.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:  # all is trained
        return []
    lines = []
    for line in text.split("\n")[:-1]:
        with suppress(ValueError):
            lines.append(json.loads(line))
    return lines


def times(folder: Path) -> dict[str, Any]:
    """Give when training began and ended, of all folds and of each; empty if unknown.

    Returns
    -------
    times : dict
        `begun_s` and `ended_s`, seconds since 1970, and the same in `folds` by number.
    """
    folds = {
        str(fold): {"begun_s": each.begun_s, "ended_s": each.ended_s}
        for fold, each in read(folder).items()
        if each.ended_s is not None
    }
    if not folds:
        return {}
    return {
        "begun_s": min(each["begun_s"] for each in folds.values()),
        "ended_s": max(each["ended_s"] for each in folds.values()),
        "folds": folds,
    }
