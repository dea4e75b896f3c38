"""What `biospike show` prints and draws."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline import files
from pipeline.decisions.lines import lines, title
from pipeline.decisions.tested import decision, surest
from pipeline.decisions.trace import trace
from pipeline.errors import ConfigError
from pipeline.plots import decision as plot
from pipeline.real_names import shown
from pipeline.training.cell import TrainedCell

PICTURES = (".png", ".svg")
COLUMNS = ("decision", "person", "seconds", "truth", "decided", "probability")


def check_output(path: Path | None, window: int | None) -> None:
    """Refuse a figure of another format, or of no decision.

    Raises
    ------
    ConfigError
    """
    if path is None:
        return
    if path.suffix.lower() not in PICTURES:
        raise ConfigError(
            "--output",
            f"the file {path}",
            expected=f"a name that ends in {' or '.join(PICTURES)}",
            remedy="give it that ending",
        )
    if window is None:
        raise ConfigError(
            "--output",
            f"the file {path}, and no decision",
            expected="the number of a decision after the cell",
            remedy="leave --output out: the list without it has numbers",
        )


def list_surest(cell: TrainedCell, console: Console) -> None:
    """Print the surest errors and hits of each class, and how to see one."""
    table = Table(box=None, pad_edge=False)
    for name in COLUMNS:
        right = name in ("decision", "seconds", "probability")
        table.add_column(name, justify="right" if right else "left")
    chosen = surest(cell)
    for each in chosen:
        person = shown(each.subject, console)
        row = (str(each.window), person, f"{each.onset_s:.2f}", each.truth)
        style = "" if each.is_right else "bold"
        likely = f"{each.probability:.3f}"
        table.add_row(*map(Text, (*row, each.predicted, likely)), style=style)
    console.print(table)
    console.print("Errors are bold. To see one:")
    example = f"  biospike show {cell.name} {chosen[0].window}"
    console.print(example, markup=False, soft_wrap=True)


def draw(cell: TrainedCell, window: int, path: Path | None, console: Console) -> Path:
    """Draw a decision, and print which one it is.

    Raises
    ------
    DataError
        No fold tested it; or as for `trace`.
    """
    traced = trace(cell, decision(cell, window))
    path = path or Path(f"{cell.name}-{window}.png")
    words = title(traced.decision)
    console.print(shown(words, console), markup=False, soft_wrap=True)
    kind = path.suffix.lower().removeprefix(".")
    with files.replacing(path) as partial:
        moments = plot.Moments(traced.decision.onset_s, traced.others)
        plot.save(lines(traced), words, moments, partial, kind)
    return path
