"""The spread of an estimate over cost tables, drawn."""

import re
from xml.etree import ElementTree

from pipeline.plots.costs import TITLES, spread_of_estimates
from pipeline.profiling.cost_tables import tables

ROWS = {
    "lif, int8": {
        "horowitz_45nm_int8": 0.002,
        "memory_45nm_int8": 0.04,
        "loihi": 0.08,
    },
    "ann, int8": {"memory_45nm_int8": 0.03, "horowitz_45nm_int8": 0.001},
}


def test_every_dot_is_drawn_and_described() -> None:
    drawn = spread_of_estimates(ROWS)
    assert drawn is not None
    ElementTree.fromstring(drawn.svg)
    dots = re.findall(r'<g id="PathCollection_(\d+)">', drawn.svg)
    assert len(dots) >= 3
    assert "lif, int8 0.002 µJ (45 nm, int8: operations)" in drawn.alt
    assert "to 0.08 µJ (Loihi, simulated)" in drawn.alt


def test_the_same_figure_gives_the_same_text() -> None:
    assert spread_of_estimates(ROWS) == spread_of_estimates(ROWS)


def test_nothing_to_show_is_no_figure() -> None:
    assert spread_of_estimates({}) is None
    assert spread_of_estimates({"lif": {"loihi": 0.0}}) is None


def test_every_table_that_bills_networks_has_a_title() -> None:
    billing = {n for n, t in tables().items() if t.applies_to != "instructions"}
    assert set(TITLES) == billing
