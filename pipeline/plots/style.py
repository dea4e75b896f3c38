"""The style of every figure, and its conversion to SVG.

Colours are Okabe and Ito's, which most colour-blind readers can distinguish; shapes and
labels repeat the distinction.
"""

import base64
import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import files

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
INK, FAINT = "#3d4852", "#c9d1d9"
STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "biospike",
    "svg.fonttype": "none",
}
PLACES = re.compile(r' (?:d|x|y|points|transform)="[^"]*"')
DIGITS = re.compile(r"-?\d+\.\d{3,}")
"""The attributes of SVG that hold places, and numbers in them that can be shorter."""
WIDTH = 9.2
DOTS_PER_INCH = 150
LONGEST = 60
"""Characters of a text that a figure shows."""


@dataclass(frozen=True)
class Picture:
    """A figure.

    Parameters
    ----------
    svg : str
        The figure as SVG; the same figure gives the same text.
    alt : str
        What it shows, for those who do not see it.
    data : str
        The numbers that it shows, as CSV.
    """

    svg: str
    alt: str
    data: str

    @property
    def source(self) -> str:
        """Give the SVG as a `data:` address, which keeps its ids out of a page."""
        text = base64.b64encode(self.svg.encode()).decode()
        return f"data:image/svg+xml;base64,{text}"


@contextmanager
def new_figure(
    height: float, *, rows: int = 1, columns: int = 1
) -> "Iterator[tuple[Figure, list[Axes]]]":
    """Make a figure in the house's style, with no state left behind."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure((WIDTH, height), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False)
        yield figure, list(panels.ravel())


@contextmanager
def panels_of(
    count: int, *, height: float, most: int
) -> "Iterator[tuple[Figure, list[Axes]]]":
    """Make a figure of so many panels, at least two columns and at most `most`."""
    columns = max(2, min(most, count))
    rows = math.ceil(count / columns)
    with new_figure(0.4 + height * rows, rows=rows, columns=columns) as (figure, axes):
        for spare in axes[count:]:
            spare.set_visible(False)
        yield figure, axes[:count]


def picture(figure: "Figure", alt: str, table: "pd.DataFrame") -> Picture:
    """Write a figure as SVG, and the table of its numbers as CSV.

    Texts stay texts, and places have two digits after the point, a fiftieth of a
    pixel: the same picture in half the bytes.
    """
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    svg = PLACES.sub(_shortened, stream.getvalue().decode())
    return Picture(svg, alt, files.csv_text(table))


def _shortened(attribute: re.Match[str]) -> str:
    return DIGITS.sub(lambda number: f"{float(number[0]):.2f}", attribute[0])


def plain(text: str) -> str:
    """Write a text of a recording so that a figure shows it, and takes no formula.

    Matplotlib reads `$…$` as mathematics, and SVG cannot hold control characters.
    """
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    short = shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
    return short.replace("$", r"\$")


def legend_above(axes: "Axes", n_entries: int) -> None:
    """Put the legend above the panel."""
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=min(4, n_entries),
        frameon=False,
        handletextpad=0.2,
        columnspacing=1.2,
    )
