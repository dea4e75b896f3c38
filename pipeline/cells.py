"""The cells of the grid and on disk, and the outputs that exist of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline import config, entries, files, staleness
from pipeline.errors import ConfigError, DataError
from pipeline.grid import Cell, Grid
from pipeline.wording import did_you_mean

MADE = {
    "train": ("runs", "run.json"),
    "evaluate": ("metrics", "metrics.json"),
    "profile": ("energy", "energy.json"),
}
"""The folder below `data` and the file in it that each stage makes of a cell."""

COLUMNS = ("trained", "evaluated", "profiled")
"""The same stages, as the table heads them."""

NAMED = 12
"""Names that a message lists; for more, it gives the command that lists them."""


@dataclass(frozen=True)
class CellStatus:
    """The outputs that exist of a cell.

    Parameters
    ----------
    cell : str
    made : set of str
        The stages among `MADE` whose files are there.
    accuracy : float or None
        Balanced accuracy; None if it has not been evaluated.
    """

    cell: str
    made: frozenset[str]
    accuracy: float | None

    @property
    def command(self) -> str:
        """The command that makes what is missing; "" if nothing is."""
        last = [stage for stage in MADE if stage not in self.made]
        if "train" in last[:1] and len(last) > 1:
            last = last[1:]  # they train it first
        targets = " ".join(f"{stage}@{self.cell}" for stage in last)
        return f"dvc repro {targets}" if targets else ""


def status(cell: str) -> CellStatus:
    """Find what exists of a cell."""
    made = {stage for stage in MADE if _place(stage, cell).is_file()}
    accuracy = None
    if "evaluate" in made:
        metrics = files.load_json(_place("evaluate", cell))
        accuracy = metrics["balanced_accuracy"]["value"]
    return CellStatus(cell, frozenset(made), accuracy)


def trained() -> list[str]:
    """List the cells that have been trained here, whatever the grid holds now."""
    folder = files.DATA / "runs"
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path.name for path in found if (path / "run.json").is_file()]


def check_trained(cell: str) -> None:
    """Refuse a cell that has not been trained here.

    Raises
    ------
    DataError
        It is of the grid, and its network is missing.
    ConfigError
        There is no such cell; with the name that was probably meant.
    """
    if cell in (here := trained()):
        return
    grid: Grid = config.read().read("grid")
    if cell in (asked := list(map(str, grid.cells()))):
        raise DataError(
            cell,
            "it has not been trained here",
            expected=f"{_place('train', cell)} and the networks beside it",
            remedy=f"run `dvc repro train@{cell}`",
        )
    known = list(dict.fromkeys([*asked, *here]))
    words = did_you_mean(cell, known)
    if len(known) > NAMED and words.startswith("one of"):
        words = f"one of the {len(known)} that `biospike cells` lists"
    raise ConfigError(
        "params.yaml: grid",
        f"there is no cell '{cell}'",
        expected=words,
        remedy="correct the name, DATASET-ENCODER-MODEL: `biospike cells` lists them",
    )


def check_dataset_known(dataset: str) -> None:
    """Refuse a data set that neither `params.yaml` nor a trained cell names.

    Raises
    ------
    ConfigError
        With the name that was probably meant.
    """
    if dataset not in {cell.partition("-")[0] for cell in trained()}:
        entries.check_names(config.read(), {"dataset": dataset})


def show(cells: Iterable[Cell]) -> None:
    """Print the cells of the grid, and what makes what is missing.

    Parameters
    ----------
    cells : iterable of Cell
    """
    statuses = [status(str(cell)) for cell in cells]
    out = Console(highlight=False)
    out.print(_table(statuses))
    if lines := _commands(statuses):
        out.print("to make what is missing, all of it or a part:")
        out.print("\n".join(f"  {line}" for line in lines), soft_wrap=True)
    out.print(
        "`biospike cells CELL` names what has changed since it was made, and `dvc "
        "status` the first stages that are out of date: others follow them."
    )
    if others := sorted(set(trained()) - {each.cell for each in statuses}):
        out.print(_others(others), soft_wrap=True)


def show_changes(cell: str, params: config.Params) -> None:
    """Print what has changed since each stage of a cell ran.

    Raises
    ------
    DataError, ConfigError
        As for `check_trained`, and `staleness.of_cell`.
    """
    check_trained(cell)
    statuses = staleness.of_cell(Cell(*cell.split("-")), params)
    table = Table("stage", "changed since it ran", box=None, pad_edge=False)
    for each in statuses:
        table.add_row(each.target.partition("@")[0], "\n".join(_changed(each)))
    out = Console(highlight=False)
    out.print(table)
    if any(each.is_stale for each in statuses):
        line = f"`dvc repro evaluate@{cell} profile@{cell}` brings it up to date."
        out.print(line, soft_wrap=True)
        out.print("A stage also runs if one before it makes other files than it did.")


def _changed(status: staleness.StageStatus) -> list[str]:
    """Write what has changed, a line each."""
    if not status.has_run:
        return ["it has not run here"]
    lines = [
        *(f"code: {name}" for name in status.code),
        *status.settings,
        *(f"made anew: {path}" for path in status.inputs),
    ]
    return lines or ["nothing"]


def _commands(statuses: list[CellStatus]) -> list[str]:
    """List commands: for all cells, then for single ones."""
    singly = [each.command for each in statuses if each.command]
    if len(singly) < 2:
        return singly
    if not any(each.made for each in statuses):  # a new checkout: one as an example
        singly = [singly[0], f"dvc repro train@{statuses[0].cell}"]
    return ["dvc repro", *singly]


def _table(statuses: Iterable[CellStatus]) -> Table:
    table = Table("cell", *COLUMNS, "balanced\naccuracy", box=None, pad_edge=False)
    table.columns[0].overflow = "fold"
    table.columns[-1].justify = "right"
    for each in statuses:
        made = ("yes" if stage in each.made else "-" for stage in MADE)
        accuracy = "" if each.accuracy is None else f"{each.accuracy:.3f}"
        table.add_row(each.cell, *made, accuracy)
    return table


def _others(cells: list[str]) -> str:
    """Report which cells are left of an earlier grid."""
    named = ", ".join(cells[:NAMED])
    more = f" and {len(cells) - NAMED} more" if len(cells) > NAMED else ""
    return (
        f"trained here, and not in the grid of params.yaml now: {named}{more}\n"
        "(their names in `grid` bring them back; until then nothing updates them)"
    )


def _place(stage: str, cell: str) -> Path:
    kind, name = MADE[stage]
    return files.folder(kind, cell) / name
