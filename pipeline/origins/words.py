"""The words in which `biospike trace` reports where a run comes from."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.errors import DataError
from pipeline.files import dump_json
from pipeline.origins.compare import SAME, Compared, Comparison
from pipeline.origins.origin import Origin
from pipeline.runs import flatten

SHORT = 12
"""Digits of a digest that are shown."""
MOST = 40
"""Raw files that are shown one by one if all are the same."""


def show(origin: Origin, compared: Comparison, out: Console) -> None:
    """Print what made a run, and which of it is here."""
    dirty = ", and files that differ from it" if origin.dirty else ""
    commit = f"{origin.commit}{dirty}" if origin.commit else "no git repository"
    out.print(f"{origin.cell}, run {origin.run_key[:SHORT]}", style="bold")
    out.print(f"code: commit {commit}", soft_wrap=True)
    named = ", ".join(f"{key} {text}" for key, text in origin.environment.items())
    out.print(f"environment: {named}", soft_wrap=True)
    out.print("\nraw files")
    _show_files(compared.raw, out)
    out.print("\nwhat training read")
    _show_files(compared.inputs, out)
    for what, reason in compared.absent.items():
        out.print(f"{what}: not compared ({reason})", soft_wrap=True, markup=False)
    out.print("\nsettings")
    out.print(_settings(origin, compared))
    if origin.commands:
        out.print("\ncommands; `dvc repro` runs them, and those alone that are due")
        for command in origin.commands:
            out.print(f"  {command}", soft_wrap=True, markup=False)


def _show_files(compared: Iterable[Compared], out: Console) -> None:
    """List files; of many that are the same, their number."""
    rows = list(compared)
    same = [each for each in rows if each.verdict == SAME]
    if len(same) > MOST:
        rows = [each for each in rows if each.verdict != SAME]
        out.print(f"  {len(same)} files are the same")
    if rows:
        out.print(
            _grid([(each.name, each.digest[:SHORT], each.verdict) for each in rows])
        )


def _settings(origin: Origin, compared: Comparison) -> Table:
    now = {each.key: each.now for each in compared.settings}
    then = flatten(origin.settings)
    rows = []
    for key in sorted({*then, *now}):
        here = f"here: {dump_json(now[key])}" if key in now else ""
        rows.append((key, dump_json(then.get(key)), here))
    return _grid(rows)


def _grid(rows: Iterable[Sequence[str]]) -> Table:
    """Set texts in columns; what stands in brackets is no markup."""
    table = Table.grid(padding=(0, 2))
    for row in rows:
        table.add_row("", *map(Text, row))
    return table


def refuse_differing(origin: Origin, compared: Comparison) -> None:
    """End in an error if something here is not what made the run.

    Raises
    ------
    DataError
        It names the first of what differs.
    """
    if not (names := compared.differing):
        return
    verdicts = Counter(
        each.verdict
        for each in (*compared.raw, *compared.inputs)
        if each.verdict != SAME
    )
    counted = [f"{n} file{'s' * (n != 1)} {verdict}" for verdict, n in verdicts.items()]
    if n := len(compared.settings):
        counted.append(f"{n} setting{'s' * (n != 1)} changed")
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    raise DataError(
        origin.cell,
        f"{', '.join(counted)}: {', '.join(names[:3])}{more}",
        expected=f"what made the run {origin.run_key[:SHORT]}",
        remedy="bring these back to have that run, or `dvc repro "
        f"train@{origin.cell}` to make another",
    )
