"""`biospike show` draws a decision, lists the surest, and refuses others in words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import __main__, files
from pipeline.decisions.lines import MOST_MEMBRANES, alt, lines
from pipeline.decisions.tested import surest
from pipeline.decisions.trace import trace
from pipeline.plots import decision as plot
from pipeline.training.cell import TrainedCell

CELL = "toy-delta-lif"
Command = Callable[..., tuple[int, str]]
pytestmark = pytest.mark.parametrize("checkout", ["never"], indirect=True)


@pytest.fixture
def biospike(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.setattr(__main__.stopping, "install", lambda: None)
    monkeypatch.setattr(__main__, "check_here", lambda: None)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["biospike", "show", *words])
        try:
            __main__.main()
        except SystemExit as ended:
            return int(ended.code or 0), "".join(capsys.readouterr())
        return 0, "".join(capsys.readouterr())

    return run


def test_the_surest_are_listed_and_one_is_drawn(biospike: Command) -> None:
    code, printed = biospike(CELL)
    assert code == 0, printed
    chosen = surest(TrainedCell.open(CELL))
    rows = [line.split() for line in printed.splitlines()]
    for each in chosen:
        (row,) = [row for row in rows if row[:1] == [str(each.window)]]
        likely = f"{each.probability:.3f}"
        assert row[1:3] == each.subject.split()
        assert row[3:] == [f"{each.onset_s:.2f}", each.truth, each.predicted, likely]
    number = str(chosen[0].window)
    assert f"biospike show {CELL} {number}" in printed
    code, printed = biospike(CELL, number, "--output", "out/one.PNG")
    assert code == 0, printed
    assert f"truth {chosen[0].truth}, decided {chosen[0].predicted}" in printed
    assert Path("out/one.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((CELL, "999"), "there is no such window"),
        ((CELL, "2"), "no fold tested it"),
        ((CELL, "3", "--output", "a.jpg"), "a name that ends in .png or .svg"),
        ((CELL, "--output", "a.png"), "and no decision"),
    ],
)
def test_bad_input_is_refused(
    biospike: Command, words: tuple[str, ...], found: str
) -> None:
    code, printed = biospike(*words)
    assert code == 2
    assert found in " ".join(printed.split())


def test_a_figure_holds_every_panel(here: Path) -> None:
    traced = trace(TrainedCell.open(CELL), 5)
    table = lines(traced)
    membranes = table[table["kind"] == "membranes"]
    assert len(membranes) == MOST_MEMBRANES
    counts = traced.layers[0].outputs.values.sum(1)
    shown = [counts[int(row.split()[1])] for row in membranes["row"]]
    assert shown == sorted(counts, reverse=True)[:MOST_MEMBRANES]
    drawn = plot.draw(table, "a title", alt(traced.decision, table))
    assert f"{int(counts.sum())} spikes of layer 1" in drawn.alt
    assert drawn.svg == plot.draw(table, "a title", "").svg
    files.save_table(Path("traces.parquet"), table)
    again = files.load_table(Path("traces.parquet"))
    assert plot.draw(again, "a title", "").svg == drawn.svg
