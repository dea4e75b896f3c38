"""The command `biospike new-dataset`: propose an entry, try it, and append it."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import config
from pipeline.errors import ConfigError, DataError
from pipeline.names import FORM, entry_fault, suggested
from pipeline.proposal import trial
from pipeline.proposal.asking import Asking
from pipeline.proposal.facts import Chosen
from pipeline.proposal.propose import Proposal, propose
from pipeline.proposal.text import add, flow
from pipeline.sources.parts.walk import expanded

FLAGS = (
    "modality",
    "line-freq",
    "sfreq",
    "unit",
    "label",
    "classes",
    "pattern",
    "unchecked",
    "grid",
)
"""Flags that answer a question, or overrule what was found."""
SHOWN = 60
"""Characters of a value that the table shows."""


def run(
    path: str, name: str | None, flags: Mapping[str, str], console: Console
) -> None:
    """Append an entry for a folder to params.yaml, and print what was recognised.

    Parameters
    ----------
    path : str
        The folder; `~` and `$VARIABLE` stay in the entry.
    name : str or None
        Of the data set; None: after the folder.
    flags : mapping of str to str
        Those of `FLAGS` that were given.
    console : Console

    Raises
    ------
    ConfigError
        params.yaml is not valid, the name is taken, or a question has no answer.
    DataError
        The folder cannot be recognised, or none of its recordings can be read so.
    """
    params = config.load()
    _check_grid(flags.get("grid", "add"))
    folder, stated = _folder(path)
    chosen = _free_name(name or suggested(folder.name, "dataset"), params)
    asking = Asking(flags, _line if sys.stdin.isatty() else None)
    proposal = propose(stated, folder, asking)
    _show(proposal, console)
    label = proposal.parts["values"]["label"].value
    reader = proposal.plain("reader")
    for problem in trial.read(proposal.recordings, reader, label):
        console.print(f"one that cannot be read: {problem}", markup=False)
    add(config.PARAMS, chosen, proposal.parts, flags.get("grid"))
    into = f"  put {chosen} into grid.dataset (--grid add does it at once)\n"
    grid = "" if "grid" in flags else into
    console.print(
        f"added {chosen} to {config.PARAMS}; each setting has its reason beside it\n"
        f"next:\n"
        f"{grid}"
        f"  dvc repro fetch@{chosen}\n"
        f"  biospike check {chosen}\n"
        f"  dvc repro",
        markup=False,
        highlight=False,
    )


def _check_grid(asked: str) -> None:
    """Refuse a word for what happens to the grid."""
    if asked not in ("add", "only"):
        raise ConfigError(
            "--grid",
            f"is '{asked}'",
            expected="add or only",
            remedy="--grid add runs this data set too, --grid only runs no other",
        )


def _line(prompt: str) -> str:
    """Ask for a line.

    Raises
    ------
    ConfigError
        The input has ended.
    """
    try:
        return input(prompt)
    except EOFError:
        raise ConfigError(
            "biospike new-dataset",
            "the input ended before an answer",
            expected="a line",
            remedy="start it again, or give the answer by a flag",
        ) from None


def _folder(path: str) -> tuple[Path, str]:
    """Find the folder, and how the entry states it."""
    try:
        folder = expanded(path)
    except LookupError as error:
        raise DataError(
            path,
            f"the variable {error.args[0]} is not set",
            expected="a variable with a path",
            remedy=f"export {error.args[0]}=/path/of/the/folder",
        ) from None
    return folder, path if path[:1] in "~$" else str(folder)


def _free_name(name: str, params: config.Params) -> str:
    """Refuse a name that exists or that a tool on the way does not take."""
    taken = [other for other in params.names("datasets") if _same(other, name)]
    if taken:
        raise ConfigError(
            "biospike new-dataset",
            f"there is a data set '{taken[0]}' in {config.PARAMS}",
            expected="a name of its own",
            remedy=f"choose one: --name {suggested(name, 'dataset')}_2",
        )
    if fault := entry_fault(name):
        raise ConfigError(
            "--name",
            f"the name '{name}': {fault}",
            expected=FORM,
            remedy=f"write it {suggested(name, 'dataset')}",
        )
    return name


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _show(proposal: Proposal, console: Console) -> None:
    """Print what was recognised, and how."""
    table = Table(box=None, pad_edge=False)
    for title in ("setting", "value", "why"):
        table.add_column(title, overflow="fold")
    for key, chosen in _rows(proposal.parts):
        table.add_row(key, Text(_short(chosen.value)), Text(chosen.reason))
    console.print(table)


def _rows(parts: Mapping[str, Any], above: str = "") -> list[tuple[str, Chosen]]:
    rows: list[tuple[str, Chosen]] = []
    for key, part in parts.items():
        if isinstance(part, Chosen):
            rows.append((f"{above}{key}", part))
        else:
            rows += _rows(part, f"{above}{key}.")
    return rows


def _short(value: object) -> str:
    """Write a value in one line."""
    text = flow(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
