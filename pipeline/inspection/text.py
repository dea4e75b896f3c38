"""The text of `biospike check NAME`: the answer, the remedies, and a few tables."""

import re
from collections.abc import Iterator

import pandas as pd
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.inspection import clock
from pipeline.inspection.check import Checked
from pipeline.inspection.findings import SEVERITIES, Finding, count
from pipeline.inspection.tables import channels, classes, folds

STYLES = {"error": "bold red", "warning": "yellow", "note": "cyan"}
MOST_ROWS = 24
"""Rows of a table that are printed; the page has all."""


def show(checked: Checked, out: Console) -> None:
    """Print what was found."""
    asked = checked.asked
    out.print(Text(f"{asked.dataset}: {asked.card.title}", style="bold"))
    out.print(Text(checked.answer))
    out.print(Text(sentence(f"{checked.amount}; {counts(checked.findings)}")))
    if checked.detected_later:
        out.print(
            "Windows lie around annotated beats here; prepare detects its own.",
            markup=False,
        )
    for finding in checked.findings:
        out.print(_finding(finding))
    for part in _tables(checked):
        out.print()
        out.print(part)


def counts(findings: list[Finding]) -> str:
    """Count the findings by severity: `1 error, 2 warnings`."""
    every = [finding.severity for finding in findings]
    parts = [count(every.count(s), s) for s in SEVERITIES if s in every]
    return ", ".join(parts) or "nothing to mend"


def _finding(finding: Finding) -> RenderableType:
    text = Text()
    text.append(f"{finding.severity}: {finding.kind}", STYLES[finding.severity])
    text.append(f". {sentence(finding.what)}")
    if finding.where:
        text.append(f"\nin {finding.places}", "dim")
    if finding.remedy:
        text.append(f"\nto do: {finding.remedy}")
    return Padding(text, (1, 0, 0, 2))


FILE = re.compile(r"[^:]*(/[^:]*|\.\w+): ")
"""A file's path before what is wrong with it."""


def sentence(text: str) -> str:
    """Begin with a capital, unless a name begins, and end with a full stop."""
    is_name = text[:1] in "'`" or FILE.match(text)
    begun = text if is_name else text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "!", "?")) else f"{begun}."


def _tables(checked: Checked) -> Iterator[RenderableType]:
    yield _table(classes(checked), "class")
    if len(roles := folds(checked)):
        yield _table(roles, "fold")
    if checked.clock is not None:
        yield _table(clock.table(checked.clock), "what needs no signal")
    yield _table(channels(checked), "channel")


def _table(rows: pd.DataFrame, first: str) -> RenderableType:
    """Print a table of numbers; words stand left."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in rows:
        left = name == first or not pd.api.types.is_numeric_dtype(rows[name])
        table.add_column(str(name), justify="left" if left else "right")
    for row in rows.head(MOST_ROWS).itertuples(index=False):
        table.add_row(*map(written, row))
    if len(rows) > MOST_ROWS:
        table.add_row(f"and {len(rows) - MOST_ROWS} more")
    return table


def written(value: object) -> str:
    """Write a value of a table: three digits that count, thousands apart."""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    if value != value:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
