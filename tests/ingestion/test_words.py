"""What a stage reports of hundreds of recordings fits a screen, and loses no reason."""

from collections import Counter

from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.found import Found
from pipeline.ingestion.recordings import Ingested
from pipeline.ingestion.words import SHOWN, closing_line

MANIFEST = {"left_out": {"a.txt": "is in `except`", "b.txt": "is in `except`"}}


def reported(rows: list[Row], problems: dict[str, str] | None = None) -> list[str]:
    done = Ingested(rows, Found(()), Counter(), problems or {})
    return closing_line(done, MANIFEST).split("\n  ")


def refused(name: str, reason: str, status: str = "refused") -> Row:
    return Row(name, "p", status=status, reason=reason)


def test_reasons_are_grouped_with_their_counts() -> None:
    rows = [refused(f"p{k}", f"row {k} has no number in 'c{k}'") for k in range(200)]
    rows += [refused("q1", "is empty (0 bytes)"), Row("z", "z")]
    rows += [refused("u", "no label (no class takes it: 3)", "unlabelled")]
    lines = reported(rows, {"p0": "p0.csv: row 0 has no number in 'c0'"})
    assert lines[0] == (
        "201 refused, 1 used, 1 unlabelled, 2 files left out (is in `except`: 2)"
    )
    assert lines[1:] == [
        "refused: p0 and 199 like it: p0.csv: row 0 has no number in 'c0'",
        "refused: q1: is empty (0 bytes)",
        "unlabelled: u: no label (no class takes it: 3)",
    ]


def test_many_reasons_are_cut() -> None:
    rows = [refused(f"p{k}", "x" * k) for k in range(SHOWN + 5)]
    lines = reported(rows)
    assert len(lines) == 1 + SHOWN + 1
    assert lines[-1] == "and 5 more reasons"


def test_nothing_is_reported_of_what_is_used() -> None:
    assert len(reported([Row("z", "z"), Row("y", "y")])) == 1
