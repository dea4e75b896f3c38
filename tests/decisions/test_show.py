"""`biospike show` draws a decision, lists the surest, and refuses others in words."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline import __main__, files
from pipeline.decisions.lines import MOST_MEMBRANES, alt, lines, title
from pipeline.decisions.stored import write_surest
from pipeline.decisions.tested import decision, surest
from pipeline.decisions.trace import trace
from pipeline.plots import decision as plot
from pipeline.plots.style import Picture
from pipeline.report import decisions
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
    cell = TrainedCell.open(CELL)
    traced = trace(cell, decision(cell, 5))
    table = lines(traced)
    membranes = table[table["kind"] == "membranes"]
    assert len(membranes) == MOST_MEMBRANES
    counts = traced.layers[0].outputs.values.sum(1)
    shown = [counts[int(row.split()[1])] for row in membranes["row"]]
    assert shown == sorted(counts, reverse=True)[:MOST_MEMBRANES]
    moments = plot.Moments(1.0, traced.others)
    drawn = plot.draw(table, "a title", alt(traced.decision, table), moments)
    assert f"{int(counts.sum())} spikes of layer 1" in drawn.alt
    assert drawn.svg == plot.draw(table, "a title", "", moments).svg


def test_the_report_draws_what_the_profile_wrote(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert decisions.shown(CELL, {}) is None
    write_surest(TrainedCell.open(CELL))
    folder = files.folder("traces", CELL)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert set(before) == {"decisions.json", "lines.parquet"}
    write_surest(TrainedCell.open(CELL))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    drawn: list[tuple[str, str]] = []
    cell = TrainedCell.open(CELL)

    def draw(
        table: pd.DataFrame, words: str, text: str, moments: plot.Moments
    ) -> Picture:
        traced = trace(cell, decision(cell, table["window"].iloc[0]))
        assert moments == plot.Moments(
            traced.decision.onset_s, [tuple(other) for other in traced.others]
        )
        pd.testing.assert_frame_equal(
            table.drop(columns="window").reset_index(drop=True),
            lines(traced),
        )
        drawn.append((words, text))
        return Picture("", text, "")

    monkeypatch.setattr(plot, "draw", draw)
    shown = decisions.shown(CELL, {})
    assert shown is not None
    chosen = surest(TrainedCell.open(CELL))
    assert [each["window"] for each in shown["traced"]] == [n.window for n in chosen]
    wrong = {each.truth: each for each in reversed(chosen) if not each.is_right}
    assert sorted(words for words, _ in drawn) == sorted(map(title, wrong.values()))
    assert [each.alt for each in shown["pictures"]] == [text for _, text in drawn]
