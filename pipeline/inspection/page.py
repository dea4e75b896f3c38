"""The page of a checked data set: it stands alone and runs no script."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline import files
from pipeline.ingestion import leaving
from pipeline.ingestion.words import left_out_lines, row_words
from pipeline.inspection import clock, drawing, tables
from pipeline.inspection.check import Checked
from pipeline.inspection.findings import SEVERITIES
from pipeline.inspection.text import counts, sentence, written
from pipeline.templates import fill

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_CHANNELS = 64
MOST_LINES = 300
"""Files and recordings that are listed before the rest is counted."""
TICKS = (1, 10, 100, 1000)


def write(checked: Checked) -> Path:
    """Write `data/checks/<dataset>.html`, and give its path."""
    path = files.DATA / "checks" / f"{checked.asked.dataset}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = render(checked)
    with files.replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
    return path


def render(checked: Checked) -> str:
    """Write the page's text."""
    filters = {"sentence": sentence, "code": code}
    return fill(Path(__file__).with_name("page.html.j2"), filters, content(checked))


def code(text: str) -> "Markup":
    """Show what stands between backticks as code; all of it is escaped."""
    from markupsafe import Markup, escape

    parts = str(escape(text)).split("`")
    last = parts.pop() if len(parts) % 2 == 0 else None
    shown = [f"<code>{p}</code>" if k % 2 else p for k, p in enumerate(parts)]
    return Markup("".join(shown) + (f"`{last}" if last is not None else ""))


def content(checked: Checked) -> dict[str, Any]:
    """Gather what the page shows."""
    asked, done = checked.asked, checked.done
    used = tables.used_recordings(checked)
    subjects = {row.recording: row.subject for row in done.rows}
    lines = left_out_lines(done, checked.manifest)
    return {
        "dataset": asked.dataset,
        "names_end": leaving.has_pseudonyms(checked.manifest),
        "card": asked.card,
        "labels": asked.labels,
        "verdict": checked.verdict,
        "answer": checked.answer,
        "amount": checked.amount,
        "counts": counts(checked.findings),
        "findings": [
            (severity, [f for f in checked.findings if f.severity == severity])
            for severity in SEVERITIES
        ],
        "detected_later": checked.detected_later,
        "classes": _rows(tables.classes(checked)),
        "subjects": _rows(tables.subjects(checked)),
        "roles": _rows(tables.folds(checked)),
        "scheme": asked.folds.scheme,
        "clock": _rows(clock.table(checked.clock)) if checked.clock else None,
        "lanes": drawing.lanes(used, subjects, list(asked.labels)),
        "n_used": len(used),
        "columns": drawing.COLUMNS,
        "colours": [drawing.colour(k) for k in range(len(asked.labels))],
        "channels": _rows(tables.channels(checked).head(MOST_CHANNELS)),
        "spectra": _spectra(checked),
        "axis": _axis(checked),
        "recordings": [_recording(checked, row) for row in done.rows[:MOST_LINES]],
        "n_recordings": len(done.rows),
        "n_files": len({name for each in done.found.entries for name in each.files}),
        "left_out": lines[:MOST_LINES],
        "n_left_out": len(lines),
    }


def _rows(table: Any) -> dict[str, Any]:
    """Give a table as titles and rows of plain values."""
    return {
        "titles": [str(name) for name in table.columns],
        "rows": [[written(value) for value in row] for row in table.to_numpy(object)],
    }


def _recording(checked: Checked, row: Any) -> dict[str, str]:
    problem = checked.done.problems.get(row.recording, "")
    signal, labels, remarks = row_words(row, problem)
    return {
        "name": row.recording or "–",
        "subject": row.subject,
        "status": row.status,
        "signal": signal,
        "labels": labels,
        "remarks": remarks,
    }


def _spectra(checked: Checked) -> dict[str, str]:
    """Draw the spectrum of each channel, over the recordings in use."""
    densities: dict[str, list[np.ndarray]] = {}
    for seen in tables.used_recordings(checked).values():
        for name, row in zip(seen.channels, seen.spectra.density, strict=True):
            densities.setdefault(name, []).append(row)
    return {name: drawing.spectrum(rows) for name, rows in densities.items()}


def _axis(checked: Checked) -> Mapping[str, Any]:
    """Place the ticks, the pass band and the notch on the spectra's axis."""
    signal = checked.asked.signal

    def at(hz: float) -> float:
        """Place a frequency."""
        return round(float(drawing.position(hz)), 1)

    return {
        "width": drawing.WIDTH,
        "height": drawing.HEIGHT,
        "ticks": [(tick, at(tick)) for tick in TICKS],
        "band": (at(signal.l_freq or 0.5), at(signal.h_freq or 1000.0)),
        "notch": None if signal.notch is None else at(signal.notch),
    }
