"""One page a clinician can read, and the same findings as JSON.

The page stands alone: its pictures are inside, it asks nothing of the network and runs
no script. It is not part of what must repeat byte for byte, for it shows what this
machine measured; `details.json` and `plots` do repeat.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline import files
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.plots.runs import draw
from pipeline.report import (
    answers,
    explained,
    figures,
    findings,
    plotted,
    presence,
    provenance,
)
from pipeline.report.downloads import download
from pipeline.report.findings import Names, Plain
from pipeline.report.sections import section
from pipeline.runs import INT8_HEADLINE
from pipeline.templates import fill

MOST_DETAILED = 24
"""Models of all data sets that are shown in detail: each takes some 150 kB."""
FEWEST_DETAILED = 5
"""The same of each data set, however many there are."""
NARROW = "\u202f"
"""Narrow space, between a number and its unit, where a line must not break."""
STYLE = "style.css.j2"
"""Included by the page; named here, so that digests of the report's code count it."""


def make_report(
    cells: Sequence[Names],
    cards: Mapping[str, Mapping[str, Any]],
    settings: EvaluationSettings,
    *,
    seed: int,
) -> Plain:
    """Write the report of the grid's cells.

    Writes `details.json`, all findings; `plots`, the tables of `dvc plots`; and
    `index.html`.

    Parameters
    ----------
    cells : sequence of (dataset, encoder, model)
        In the order of the grid. Those that are not complete are listed, with what they
        lack.
    cards : mapping of str to mapping
        Title, modality, home, licence and citation of each data set.
    settings : EvaluationSettings
        How the tests between models are made.
    seed : int
        Seed of those tests.

    Returns
    -------
    details : dict
        The findings.

    Raises
    ------
    DataError
        No cell is complete, or a file is not what a stage made.
    """
    folder = files.DATA / "report"
    there, absent = presence.parted(cells)
    found = findings.gather(there, cards, settings, seed=seed) | {"absent": absent}
    files.save_json(folder / "details.json", found)
    plotted.write(found["cells"], folder / "plots")
    refresh()
    return found


def refresh() -> bool:
    """Write the page again, with what was measured since; False if there is none."""
    folder = files.DATA / "report"
    if not (folder / "details.json").exists():
        return False
    details = files.load_json(folder / "details.json")
    draw([files.folder("runs", cell["cell"]) for cell in details["cells"]])
    page = render(details)
    with files.replacing(folder / "index.html") as partial:
        partial.write_text(page, encoding="utf-8")
    return True


def render(found: Plain) -> str:
    """Write the page."""
    # JSON sorts the data sets; the cells keep the order of the grid.
    datasets = dict.fromkeys(cell["dataset"] for cell in found["cells"])
    most_cells = max(FEWEST_DETAILED, MOST_DETAILED // len(datasets))
    sections = [section(found, dataset, most_cells) for dataset in datasets]
    most = {"channels": figures.MOST_CHANNELS, "windows": figures.MOST_WINDOWS}
    here = {name: each for s in sections for name, each in s["measured"].items()}
    content = {
        "findings": found,
        "sections": sections,
        "most": most,
        "parts": explained.shown(found["cells"]),
        "made": provenance.shown(found["cells"], here),
        "style": STYLE,
        "OUTCOMES": answers.OUTCOMES,
        "int8_headline": INT8_HEADLINE,
    }
    return fill(Path(__file__).with_name("page.html.j2"), FILTERS, content)


def percent(value: float | None) -> str:
    """Write a share with one digit, such as `87.1`; nothing is a dash."""
    return "–" if value is None else f"{100 * value:.1f}"


def interval(estimate: Mapping[str, Any]) -> str:
    """Write the ends of an interval, such as `82.0–91.4`."""
    if estimate["low"] is None:
        return "no interval" if estimate["value"] is not None else ""
    return f"{percent(estimate['low'])}–{percent(estimate['high'])}"


def number(value: float | None) -> str:
    """Write a number with three digits that count, thousands apart."""
    if value is None:
        return "–"
    if 0 < abs(value) < 0.001:
        return f"{value:.2e}".replace("-", "−")  # no line breaks after a minus
    leading = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    integral = isinstance(value, int) or value == 0
    digits = 0 if integral else max(0, 3 - leading)
    return f"{value:,.{digits}f}".replace(",", NARROW)


def years(days: float | None) -> str:
    """Write how long a battery lasts; beyond ten years its own age decides."""
    if days is None:
        return "–"
    return "over 10" if days > 10 * 365 else number(days / 365)


def p_value(value: float | None) -> str:
    """Write a p value as journals do."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def count(value: int, word: str) -> str:
    """Write how many there are, such as `1 subject` or `12 subjects`."""
    return f"{number(value)} {word}{'' if value == 1 else 's'}"


def is_web(address: str | None) -> bool:
    """Whether an address may be a link: no other than one on the web runs nothing."""
    return str(address).startswith(("https://", "http://"))


FILTERS: dict[str, Callable[..., Any]] = {
    "is_web": is_web,
    "percent": percent,
    "interval": interval,
    "number": number,
    "p_value": p_value,
    "download": download,
    "points": answers.points,
    "years": years,
    "count": count,
}
