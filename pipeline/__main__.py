"""The `biospike` command: what a person asks of a checkout outside `dvc repro`."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline import config, files, stopping
from pipeline.components import available
from pipeline.ending import in_one_message
from pipeline.errors import ConfigError, DataError, MachineError
from pipeline.grid import Cell, Grid
from pipeline.parallel import console
from pipeline.report.clock import warning
from pipeline.runs import INT8_HEADLINE


def check(arguments: argparse.Namespace) -> None:
    """Validate params.yaml; with a data set's name, look into its raw files too."""
    params = config.load()
    console.print(f"{config.PARAMS} is valid, {len(grid_cells(params))} cells")
    if arguments.dataset:
        check_dataset(params, arguments.dataset)


def check_dataset(params: config.Params, dataset: str) -> None:
    """Read and try a fetched data set, print what was found, and write a page."""
    from pipeline.inspection import check, page, text

    checked = check.check(params, dataset)
    text.show(checked, Console(highlight=False))
    console.print(f"all of it, with pictures: {page.write(checked)}")
    if checked.verdict == "no":
        raise DataError(
            dataset,
            "it cannot be used as it is",
            remedy="see the errors above; correct its entry in params.yaml",
        )


def grid_cells(params: config.Params) -> list[Cell]:
    """List the cells that `params.yaml` asks for."""
    grid: Grid = params.read("grid")
    return grid.cells()


def summary(arguments: argparse.Namespace) -> None:
    """Show the cells of the last report, and where to look next."""
    details = files.load_json(files.folder("report", "details.json"))
    percent = f"{details['interval']['confidence']:.0%} interval"
    numbers = "balanced\naccuracy", percent, "\nµJ"
    whole = "int8\naccuracy", "µJ with\nmemory"
    table = Table("cell", *numbers, *whole, box=None, pad_edge=False, padding=(0, 1))
    for column in table.columns:
        column.no_wrap = True
        column.justify = "left" if column is table.columns[0] else "right"
    datasets = dict.fromkeys(cell["dataset"] for cell in details["cells"])
    out = Console(highlight=False)
    for dataset in datasets:
        cells = [cell for cell in details["cells"] if cell["dataset"] == dataset]
        if sentence := warning(cells):
            out.print(f"{dataset}: {sentence}\n", markup=False)
        for cell in cells:
            table.add_row(cell["cell"], *summary_numbers(cell))
        for row in without_signal(cells[0]):
            table.add_row(*row)
    out.print(table)
    console.print(
        "µJ: estimated for a window, 45 nm: float32 arithmetic; int8 with memory\n"
        "prior, clock: what the commonest class and the place in the recording give\n"
        f"Read the report:   {files.folder('report', 'index.html')}\n"
        "Compare the runs:  make ui\n"
        "Plug in your data: README.md"
    )


def without_signal(cell: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Write what needs no signal on a cell's data set: the prior and the best clock."""
    prior, clock = cell["metrics"]["prior"], cell["metrics"]["clock"]
    best = clock[clock["best"]]
    return [
        (f"{cell['dataset']} prior", f"{prior['value']:.3f}"),
        (f"{cell['dataset']} clock", f"{best['value']:.3f}", interval_words(best)),
    ]


def interval_words(estimate: Mapping[str, Any]) -> str:
    """Write the ends of an interval."""
    if estimate["low"] is None:
        return "absent"
    return f"{estimate['low']:.3f} to {estimate['high']:.3f}"


def summary_numbers(cell: Mapping[str, Any]) -> tuple[str, ...]:
    """Write a cell's accuracy, its interval and its energy; then those in int8."""
    accuracy = cell["metrics"]["balanced_accuracy"]
    interval = interval_words(accuracy)
    whole = f"{accuracy['value']:.3f}", interval, three_digits(cell["uj_per_window"])
    bill = cell["energy"]["int8"]
    if "absent" in bill:
        return *whole, "absent", "absent"
    accuracy = cell["metrics"]["int8"]["balanced_accuracy"]
    energy = bill["estimated"][INT8_HEADLINE]["energy_uj_per_window"]
    return *whole, f"{accuracy['value']:.3f}", three_digits(energy)


def three_digits(value: float) -> str:
    """Write three digits that count, or two where the table has no room for more."""
    text = f"{value:.3g}"
    return text if len(text) < 8 else f"{value:.1e}"


def publish(arguments: argparse.Namespace) -> None:
    """Build the MLflow store again from the files of all cells."""
    from pipeline import tracking

    if os.environ.get("BIOSPIKE_TRACKING", "").lower() == "off":
        raise ConfigError(
            "BIOSPIKE_TRACKING",
            "it is off",
            expected="that it is not set, to log runs",
            remedy="unset it, and run `biospike publish` again",
        )
    cells = [cell for cell in grid_cells(config.load()) if has_run(str(cell))]
    if not cells:
        raise DataError(
            str(files.DATA / "runs"),
            "holds no run of the grid",
            remedy="run `dvc repro` or `dvc pull` first",
        )
    for n_done, cell in enumerate(cells):
        if not tracking.publish(str(cell)):
            raise MachineError(
                f"MLflow, {tracking.store.shown()}",
                f"{n_done} of {len(cells)} cells are logged",
                expected="a store that takes runs",
                remedy="correct what stands above, and run `biospike publish` again: "
                "what is logged stays, and nothing is logged twice",
            )
        console.print(f"published {cell}")


def has_run(cell: str) -> bool:
    """Whether a cell has been trained here."""
    return (files.folder("runs", cell) / "run.json").exists()


def ui(arguments: argparse.Namespace) -> None:
    """Start MLflow's page on the runs of this checkout."""
    from pipeline import tracking

    command = [
        str(Path(sys.executable).with_name("mlflow")),
        *("ui", "--backend-store-uri", tracking.store_uri()),
        *("--host", "127.0.0.1", "--port", str(arguments.port)),
    ]
    console.print(f"MLflow at http://127.0.0.1:{arguments.port} (stop with Ctrl-C)")
    raise SystemExit(subprocess.call(command))


def export(arguments: argparse.Namespace) -> None:
    """Write a cell's trained network in a format that others read."""
    from pipeline.exporting import export_cell

    path = export_cell(
        arguments.cell, arguments.target, arguments.fold, arguments.output
    )
    console.print(f"wrote {path}")


def measure(arguments: argparse.Namespace) -> None:
    """Run cells' C programs here and emulated, and this machine's meters."""
    from pipeline.measurement import Log, measure_cell

    if arguments.meter_log and len(arguments.cells) > 1:
        raise ConfigError(
            "biospike measure", "one --meter-log for several cells", expected="one cell"
        )
    if bool(arguments.meter_log) != bool(arguments.windows):
        raise ConfigError(
            "biospike measure",
            "one of --meter-log and --windows without the other",
            expected="the log, and how many windows ran in each interval marked in it",
        )
    log = Log(arguments.meter_log, arguments.windows) if arguments.meter_log else None
    settings = config.load().read("profiling")
    for cell in arguments.cells:
        told = measure_cell(cell, arguments.fold, settings, log)
        console.print(f"[bold]{cell}[/]")
        for line in measured_lines(told):
            console.print(f"  {line}", markup=False, highlight=False)


def measured_lines(told: Mapping[str, Any]) -> list[str]:
    """Write what was measured, a line each; what is absent says why."""
    emulated = told["emulated"]
    parts = {"emulated": emulated} if "absent" in emulated else emulated
    lines = [
        f"{name}: {program_words(part)}"
        for name, part in parts.items()
        if isinstance(part, Mapping)
    ]
    energies = dict(told["meters"])
    if "imported" in told:
        energies["log"] = told["imported"]
    return lines + [
        f"{name}: {meter_words(part).replace(f'absent, {name} ', 'absent, ')}"
        for name, part in energies.items()
    ]


def program_words(part: Mapping[str, Any]) -> str:
    """Write how a program did on one machine."""
    if "absent" in part:
        return f"absent, {part['absent']}"
    n_decided = part["windows"] + part["decisions"]
    words = [f"{part['agreement']:.2%} of {n_decided} decisions as the integer model"]
    if "balanced_accuracy" in part:
        words.append(f"balanced accuracy {part['balanced_accuracy']:.3f}")
    if "instructions_per_window" in part:
        words.append(f"{part['instructions_per_window']:,.0f} instructions a window")
    if "energy_uj_per_window" in part:
        words.append(f"{part['energy_uj_per_window']:.3g} µJ a window")
    return ", ".join(words)


def meter_words(part: Mapping[str, Any]) -> str:
    """Write what a meter measured."""
    if "absent" in part:
        return f"absent, {part['absent']}"
    ends = (1e6 * part[key] for key in ("energy_j_per_window", "low", "high"))
    value, low, high = (f"{end:.4g}" for end in ends)
    return f"{value} µJ a window ({low} to {high}), idle {part['idle_w']:.3g} W"


def tradeoff(arguments: argparse.Namespace) -> None:
    """Draw accuracy against energy of all runs of a data set that MLflow knows."""
    from pipeline.tradeoffs import draw

    path = draw(arguments.dataset)
    console.print(f"wrote {path}")


def main() -> None:
    """Parse the command line and do what it asks."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    arguments = parser().parse_args()
    stopping.install()
    with in_one_message(debug=arguments.debug):
        arguments.do(arguments)


def parser() -> argparse.ArgumentParser:
    """Describe the command line; each command's help is its docstring."""
    top = argparse.ArgumentParser("biospike", description=__doc__)
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(do: Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
        sub = commands.add_parser(do.__name__, help=do.__doc__, description=do.__doc__)
        sub.set_defaults(do=do)
        return sub

    command(check).add_argument("dataset", nargs="?", help="a data set of params.yaml")
    command(summary)
    command(publish)
    command(ui).add_argument("--port", type=int, default=5000)
    leaving = command(export)
    leaving.add_argument("cell", help="of the grid: DATASET-ENCODER-MODEL")
    leaving.add_argument("--target", required=True, choices=available("exporting"))
    leaving.add_argument("--fold", type=int, help="the first one's unless told")
    leaving.add_argument("--output", type=Path, help="CELL-fold-K.TARGET unless told")
    measuring = command(measure)
    measuring.add_argument("cells", nargs="+", metavar="CELL", help="of the grid")
    measuring.add_argument("--fold", type=int, help="the first one's unless told")
    measuring.add_argument(
        "--meter-log", type=Path, help="CSV of an external meter, to be imported"
    )
    measuring.add_argument(
        "--windows", type=int, help="windows in each interval marked in the log"
    )
    command(tradeoff).add_argument("dataset", help="a data set of params.yaml")
    return top


if __name__ == "__main__":
    main()
