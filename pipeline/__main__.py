"""The `biospike` command: actions on a checkout outside `dvc repro`."""

import argparse
import os
import sys
from collections.abc import Callable

from rich.console import Console

from pipeline import config, files, help_texts, stopping, streaming
from pipeline.checkout import check_here
from pipeline.ending import in_one_message
from pipeline.errors import DataError
from pipeline.grid import Cell, Grid
from pipeline.parallel import console


def audit(arguments: argparse.Namespace) -> None:
    """Find out what a trained cell, or the codes of a data set, give away."""
    from pipeline import tracking
    from pipeline.privacy import command
    from pipeline.report.page import refresh

    if command.audit(arguments.name, Console(highlight=False)):
        tracking.publish(arguments.name, "runs", "audits")
    refresh()


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


def new_dataset(arguments: argparse.Namespace) -> None:
    """Look at a folder of recordings, and add an entry for it to params.yaml."""
    from pipeline.proposal.command import FLAGS, run

    given = vars(arguments)
    flags = {flag: text for flag in FLAGS if (text := given[flag.replace("-", "_")])}
    run(arguments.path, arguments.name, flags, Console(highlight=False))


def summary(arguments: argparse.Namespace) -> None:
    """Show the accuracy and energy of the last report's cells."""
    from pipeline.summary import show

    show()


def experiments(arguments: argparse.Namespace) -> None:
    """Compare the experiments since the last commit, cell by cell."""
    from pipeline.experiments import show

    show(arguments.metric, last=arguments.last)


def list_cells(arguments: argparse.Namespace) -> None:
    """List the grid's cells and what exists of each, or what changed since one ran."""
    from pipeline import cells

    if arguments.cell:
        cells.show_changes(arguments.cell, config.read())
    else:
        cells.show(grid_cells(config.read()))


def publish(arguments: argparse.Namespace) -> None:
    """Build the MLflow store again from the files of all cells."""
    from pipeline.publishing import publish_cells

    publish_cells(list(map(str, grid_cells(config.load()))))


def ui(arguments: argparse.Namespace) -> None:
    """Open MLflow on the runs of this checkout."""
    from pipeline.tracking import page

    page.open_store(arguments.port)


def encode(arguments: argparse.Namespace) -> None:
    """Encode one recording, and show what its spikes cost and keep."""
    from pipeline import encoded_file_words as words
    from pipeline.encoded_file import encode_file

    words.check_suffix("--picture", arguments.picture, words.PICTURES)
    words.check_suffix("--events", arguments.events, words.EVENTS)
    given = vars(arguments)
    asked = help_texts.ENCODE
    flags = {flag: text for flag in asked if (text := given[flag.replace("-", "_")])}
    named = (name.strip() for name in (arguments.channels or "").split(","))
    channels = tuple(filter(None, named)) or None
    encoded = encode_file(
        arguments.file, arguments.encoder, config.read(), flags, channels
    )
    words.show(encoded, arguments.encoder, Console(highlight=False))
    if arguments.picture:
        words.save_picture(encoded, arguments.picture)
        console.print(f"wrote {arguments.picture}", markup=False)
    if arguments.events:
        words.save_events(encoded, arguments.events)
        console.print(f"wrote {arguments.events}", markup=False)


def export(arguments: argparse.Namespace) -> None:
    """Write the trained network of a cell in a format that others read."""
    from pipeline.cells import check_trained
    from pipeline.exporting import export_cell

    check_trained(arguments.cell)
    path = export_cell(
        arguments.cell, arguments.target, arguments.fold, arguments.output
    )
    console.print(f"wrote {path}")


def measure(arguments: argparse.Namespace) -> None:
    """Run the C programs of cells, here and emulated, and ask this machine's meters."""
    from pipeline.cells import check_trained
    from pipeline.measurement.cell import asked_log, measure_cell
    from pipeline.measurement.words import measured_lines

    log = asked_log(arguments.meter_log, arguments.windows, len(arguments.cells))
    for cell in arguments.cells:
        check_trained(cell)
    settings = config.load().read("profiling")
    for cell in arguments.cells:
        measured = measure_cell(cell, arguments.fold, settings, log)
        publish_measured(cell)
        console.print(f"[bold]{cell}[/]")
        for line in measured_lines(measured):
            console.print(f"  {line}", markup=False, highlight=False)


def publish_measured(cell: str) -> None:
    """Show what was measured of a cell in MLflow and on the report's page."""
    from pipeline import tracking
    from pipeline.report.page import refresh

    # MLflow stores it beside the bill, which the profile stage may not have made yet.
    bill = ["energy"] * (files.folder("energy", cell) / "energy.json").exists()
    tracking.publish(cell, "runs", *bill)
    refresh()


def schema(arguments: argparse.Namespace) -> None:
    """Print the JSON schema of params.yaml for editors, or its keys as a table."""
    from pipeline.schema import text

    sys.stdout.write(text(as_table=arguments.table))


def add(arguments: argparse.Namespace) -> None:
    """Make a component of another package one of this checkout's."""
    from pipeline.adding import add_component

    console.print("wrote", add_component(arguments.kind, arguments.target))


def show(arguments: argparse.Namespace) -> None:
    """Draw one decision of a cell with all that led to it, or list the surest ones."""
    from pipeline.cells import check_trained
    from pipeline.decisions import command
    from pipeline.training.cell import TrainedCell

    command.check_output(arguments.output, arguments.decision)
    check_trained(arguments.cell)
    cell, out = TrainedCell.open(arguments.cell), Console(highlight=False)
    if arguments.decision is None:
        command.list_surest(cell, out)
    else:
        path = command.draw(cell, arguments.decision, arguments.output, out)
        console.print(f"wrote {path}", markup=False)


def stream(arguments: argparse.Namespace) -> None:
    """Decide about a live stream, or a recording replayed as one."""
    streaming.run(arguments, Console(highlight=False))


def trace(arguments: argparse.Namespace) -> None:
    """Show the raw files, settings and commands that made a run, and check them."""
    from pipeline.tracing import trace_run

    trace_run(arguments.run, Console(highlight=False))


def promote(arguments: argparse.Namespace) -> None:
    """Register a cell's model in MLflow, with a card that states what it is for."""
    from pipeline.promotion import promote_cell

    name, version = promote_cell(arguments.cell)
    console.print(f"{name} is version {version} in MLflow's registry", markup=False)


def tradeoff(arguments: argparse.Namespace) -> None:
    """Draw accuracy against energy of all runs of a data set that MLflow knows."""
    from pipeline.cells import check_dataset_known
    from pipeline.tradeoffs import draw

    check_dataset_known(arguments.dataset)
    path = draw(arguments.dataset)
    console.print(f"wrote {path}")


def main() -> None:
    """Parse the command line and do what it asks."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    top = parser()
    arguments = top.parse_args()
    if "do" not in arguments:
        top.print_help(sys.stderr)
        raise SystemExit(2)
    stopping.install()
    with in_one_message(debug=arguments.debug):
        check_here()
        arguments.do(arguments)


def parser() -> argparse.ArgumentParser:
    """Describe the command line; each command's help begins with its docstring."""
    plain = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        "biospike",
        description=help_texts.DESCRIPTION,
        epilog=help_texts.EPILOG,
        formatter_class=plain,
    )
    top.add_argument("--debug", action="store_true", help="show tracebacks of errors")
    commands = top.add_subparsers(metavar="COMMAND", title="commands")

    def command(
        do: Callable[[argparse.Namespace], None], name: str = ""
    ) -> argparse.ArgumentParser:
        """Add a command that calls a function."""
        name = name or do.__name__
        sub = commands.add_parser(
            name,
            help=do.__doc__,
            description=do.__doc__,
            epilog=help_texts.ENDINGS.get(name),
            formatter_class=plain,
        )
        sub.set_defaults(do=do)
        return sub

    help_texts.describe_add(command(add))
    help_texts.describe_audit(command(audit))
    help_texts.describe_cells(command(list_cells, "cells"))
    command(check).add_argument("dataset", nargs="?", help=help_texts.FETCHED)
    help_texts.describe_encode(command(encode))
    help_texts.describe_experiments(command(experiments))
    help_texts.describe_export(command(export))
    help_texts.describe_measure(command(measure))
    help_texts.describe_new_dataset(command(new_dataset, "new-dataset"))
    command(promote).add_argument("cell", metavar="CELL", help=help_texts.CELL)
    command(publish)
    help_texts.describe_schema(command(schema))
    help_texts.describe_show(command(show))
    streaming.describe(command(stream))
    command(summary)
    command(trace).add_argument("run", metavar="RUN", help=help_texts.RUN)
    command(tradeoff).add_argument("dataset", help=help_texts.DATASET)
    command(ui).add_argument(
        "--port", type=int, default=5000, help="of 127.0.0.1; by default 5000"
    )
    return top


if __name__ == "__main__":
    main()
