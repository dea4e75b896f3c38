"""DVC's experiments side by side: a row a cell, a column an experiment."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.errors import ConfigError, DataError, MachineError
from pipeline.runs import flatten
from pipeline.wording import did_you_mean

METRICS = ("balanced_accuracy", "low", "high", "macro_f1", "int8")
"""What `data/metrics/CELL.json` holds."""
WIDTH = 12
"""Characters of a column; DVC's own names are shorter."""


@dataclass(frozen=True)
class Experiment:
    """A state of the project: what is in the folder, a commit or an experiment.

    Parameters
    ----------
    name : str
    settings : mapping of str to object
        Those of `params.yaml`, with dotted keys.
    metrics : mapping of str to mapping
        The numbers of each cell that has any.
    error : str
        Why it failed or cannot be read; "" if neither.
    """

    name: str
    settings: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float]]
    error: str = ""


def show(metric: str, *, last: int) -> None:
    """Print the experiments of the last commit, and what each changed.

    Parameters
    ----------
    metric : str
        One of `METRICS`.
    last : int
        How many experiments are shown, in DVC's order.

    Raises
    ------
    ConfigError
        There is no such metric, or no experiment is to be shown.
    DataError
        No cell has metrics, or there is no commit.
    MachineError
        DVC does not answer.
    """
    if metric not in METRICS:
        raise ConfigError(
            "--metric",
            f"{metric!r}",
            expected=did_you_mean(metric, METRICS),
            remedy="biospike experiments --metric NAME",
        )
    if last < 1:
        raise ConfigError(
            "--last", f"{last}", expected="at least 1", remedy="leave it out: 5"
        )
    folder, commit, *experiments = parse(_ask_dvc())
    columns = [commit, folder, *experiments[:last]]
    cells = sorted({cell for each in columns for cell in each.metrics})
    if not cells:
        raise DataError(
            "data/metrics",
            "no cell has metrics, in this folder or in an experiment",
            expected="at least one evaluated cell",
            remedy="run `dvc repro`, or `dvc pull`",
        )
    out = Console(highlight=False)
    out.print(f"{metric}\n", markup=False)
    out.print(_table(columns, cells, metric))
    for each in columns[1:]:
        for line in _notes(commit, each):
            out.print(f"{each.name}: {line}", markup=False, soft_wrap=True)
    if (all_of := len(experiments)) > last:
        out.print(f"{all_of - last} more: --last {all_of}")


def _ask_dvc() -> list[dict[str, Any]]:
    command = [str(Path(sys.executable).with_name("dvc")), "exp", "show", "--json"]
    answered = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer: list[dict[str, Any]] = json.loads(answered.stdout)
    except ValueError:
        last = (answered.stderr.strip().splitlines() or ["it printed nothing"])[-1]
        raise MachineError(
            "dvc exp show",
            last,
            expected="the experiments as JSON",
            remedy="run `dvc exp show --json`, and correct what it reports",
        ) from None
    return answer


def parse(answer: Sequence[Mapping[str, Any]]) -> list[Experiment]:
    """Read what `dvc exp show --json` prints: the folder, the commit, experiments.

    Raises
    ------
    DataError
        There is no commit.
    """
    if len(answer) < 2:
        raise DataError(
            "git",
            "the project has no commit",
            expected="a commit to compare with",
            remedy="commit what is here, and try again",
        )
    folder, commit = answer[:2]
    rows = [folder, commit]
    for each in commit["experiments"] or []:
        rows += (each["revs"] or [])[:1]
    return [_experiment(row) for row in rows]


def _experiment(row: Mapping[str, Any]) -> Experiment:
    name = "this folder" if row["rev"] == "workspace" else row["name"] or row["rev"][:7]
    data, error = row["data"] or {}, _error(row)
    params = data.get("params", {}).get("params.yaml", {}).get("data", {})
    # Of a failed experiment DVC gives the numbers of the commit that it began with.
    metrics = {} if error else dict(_metrics(data.get("metrics", {})))
    return Experiment(name, flatten(params), metrics, error)


def _error(row: Mapping[str, Any]) -> str:
    """Find why a state failed or cannot be read."""
    if error := row.get("error"):
        return str(error.get("msg") or error) if isinstance(error, Mapping) else error
    params = (row["data"] or {}).get("params", {}).get("params.yaml", {})
    return "" if params.get("data") else "its params.yaml cannot be read"


def _metrics(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, float]]]:
    """Give the numbers of the cells whose files can be read."""
    for path, content in found.items():
        if numbers := content.get("data"):
            yield Path(path).stem, numbers


def _table(columns: Sequence[Experiment], cells: Sequence[str], metric: str) -> Table:
    """Write a number an experiment and cell, bold where it differs."""
    table = Table("cell", box=None, pad_edge=False, padding=(0, 1))
    for each in columns:
        table.add_column(each.name, justify="right", max_width=WIDTH)
    for cell in cells:
        values = [each.metrics.get(cell, {}).get(metric) for each in columns]
        table.add_row(cell, *(_number(value, values[0]) for value in values))
    return table


def _number(value: float | None, before: float | None) -> str:
    """Write a value, bold where it differs from the commit's."""
    if value is None:
        return "–"
    return f"{value:.3f}" if value == before else f"[bold]{value:.3f}[/bold]"


def _notes(before: Experiment, after: Experiment) -> list[str]:
    """List what went wrong, or which settings differ; both if both are known."""
    failed = [f"failed: {after.error}"] if after.error else []
    known = before.settings and after.settings
    return failed + (changes(before, after) if known else [])


def changes(before: Experiment, after: Experiment) -> list[str]:
    """List the settings that differ, as `key: old → new`."""
    keys = [*dict.fromkeys([*before.settings, *after.settings])]
    pairs = [(key, before.settings.get(key), after.settings.get(key)) for key in keys]
    return [f"{key}: {old} → {new}" for key, old, new in pairs if old != new]
