"""The command `biospike stream`: its arguments, and what it does with them."""

import argparse
from pathlib import Path

from rich.console import Console

from pipeline import help_texts
from pipeline.errors import ConfigError

REAL_TIME = 1.0
ENDING = """\
examples:
  biospike stream ecg_demo-delta-lif
  biospike stream ecg_demo-delta-lif --name ECG --unit uV --channels II,V1
  biospike stream ecg_demo-delta-lif --replay patient.edf --speed 10

It prints a line a decision: the moment of signal since everything began anew, the
class, its probability, the time of computing, and the delay of filter, code and
network; and a line for whatever happens to the stream, with what was done about it. It
writes nothing. A live stream needs `pip install 'biospike[live]'`; docs/live.md
explains the rest."""


def describe(streaming: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    streaming.epilog = ENDING
    streaming.add_argument("cell", metavar="CELL", help=help_texts.CELL)
    streaming.add_argument("--fold", type=int, help=help_texts.FOLD)
    streaming.add_argument(
        "--every",
        type=float,
        metavar="S",
        default=1.0,
        help="seconds of signal from one decision to the next; default: 1",
    )
    streaming.add_argument(
        "--channels", help="the stream's names of the cell's channels, in their order"
    )
    streaming.add_argument("--name", help="of the stream; default: the only one")
    streaming.add_argument("--unit", help=help_texts.NEW_DATASET["unit"])
    streaming.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help="a recording, of any format, in place of a stream",
    )
    streaming.add_argument(
        "--speed",
        type=float,
        metavar="N",
        default=REAL_TIME,
        help="seconds of a replayed recording a second; inf: without waiting",
    )


def run(given: argparse.Namespace, out: Console) -> None:
    """Follow a stream, or a recording, by a trained cell.

    Raises
    ------
    ConfigError
        A flag cannot be used, or the Lab Streaming Layer is not there.
    DataError
        The cell is not trained, or there is no such stream, fold, channel or file.
    """
    from pipeline.cells import check_trained
    from pipeline.live import command
    from pipeline.live.streams import Source
    from pipeline.training.cell import TrainedCell

    _refuse_unused(given)
    check_trained(given.cell)
    cell = TrainedCell.open(given.cell)
    what = command.asked(cell, given.fold, given.channels, given.every)
    source: Source
    if given.replay:
        from pipeline.encoded_file import read_file

        content = read_file(given.replay, {"unit": given.unit} if given.unit else {})
        source = command.replayed(content, given.replay.name, given.speed)
    else:
        source = command.live(given.name, given.unit)
    command.follow(source, what, out)


def _refuse_unused(given: argparse.Namespace) -> None:
    """Refuse flags of a live stream beside those of a file."""
    if given.replay and given.name:
        raise ConfigError(
            f"--name {given.name}",
            "it names a live stream, and --replay takes a file in its place",
            expected="one of both",
            remedy="leave one of them out",
        )
    if given.speed != REAL_TIME and not given.replay:
        raise ConfigError(
            f"--speed {given.speed:g}",
            "it is of a file, and a live stream comes as it comes",
            expected="--replay FILE beside it",
            remedy="leave it out, or name a file",
        )
