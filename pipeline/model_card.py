"""The card of a registered model in Markdown: the report's, and what it takes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline import files
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.grid import Cell
from pipeline.report import card as report_card
from pipeline.report import findings

MEASURES = {
    "sensitivity": "sensitivity",
    "positive_predictivity": "positive predictivity",
    "auroc": "AUROC",
}


def card(
    cell: Cell, about: Mapping[str, Any], settings: EvaluationSettings, *, seed: int
) -> str:
    """Write the card of a cell's model.

    Parameters
    ----------
    cell : Cell
        Trained, evaluated and profiled.
    about : mapping
        The model's metadata: what it takes.
    settings : EvaluationSettings
        Of the intervals of subgroups.
    seed : int
        Of their bootstrap.

    Raises
    ------
    DataError
        The cell lacks a file that a stage should have made.
    """
    known = files.load_json(files.DATA / "cards" / f"{cell.dataset}.json")
    here = {**known, **findings.recordings(cell.dataset)}
    here |= findings.windows(cell.dataset)
    found = findings.cell_findings(cell, settings, seed=seed)
    shown = report_card.shown(here, found, confidence=settings.confidence)
    texts = {row["term"]: [row["text"]] for row in shown["rows"]}
    texts["Data"].append(f"Citation: {known['citation']}")
    texts["Scores"] += [*_scores(found["metrics"]), *_subgroups(shown["subgroups"])]
    texts["Input"] = list(_input(about, here["label_names"]))
    texts["Limits"] = [*shown["limits"], *_limits(about)]
    parts = (f"## {term}\n{_listed(lines)}" for term, lines in texts.items())
    return f"# {cell}\n\n" + "\n\n".join(parts) + "\n"


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _scores(metrics: Mapping[str, Any]) -> Iterator[str]:
    """List the scores of each class, by networks that did not learn from the person."""
    for label, row in metrics["classes"].items():
        named = (f"{words} {_estimate(row[key])}" for key, words in MEASURES.items())
        yield f"{label}: {', '.join(named)}"
    prior = metrics["prior"]["value"]
    yield f"The commonest class alone: balanced accuracy {prior:.3f}"
    clock = metrics["clock"]
    if isinstance(best := clock.get(clock.get("best")), Mapping):
        yield f"The place in the recording alone: balanced accuracy {_estimate(best)}"


def _subgroups(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        scored = _estimate(row["balanced_accuracy"])
        persons = f"{row['subjects']} persons"
        yield f"{row['of']} {row['group']}, {persons}: balanced accuracy {scored}"


def _estimate(estimate: Mapping[str, Any]) -> str:
    if estimate["value"] is None:
        return f"absent ({estimate.get('reason', 'undefined')})"
    if estimate["low"] is None:
        return f"{estimate['value']:.3f}"
    return f"{estimate['value']:.3f} ({estimate['low']:.3f} to {estimate['high']:.3f})"


def _input(about: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    yield (
        f"Volts of shape (excerpt, time, channel): {', '.join(about['channels'])}, at "
        f"{about['sfreq']:g} Hz unless `sfreq` states another rate."
    )
    classes = ", ".join(f"{label} ({names.get(label)})" for label in about["classes"])
    yield f"It decides at the last sample of each excerpt between {classes}."


def _limits(about: Mapping[str, Any]) -> Iterator[str]:
    yield (
        "It takes what comes before an excerpt for silence: short excerpts are decided "
        "on less than the recordings it was tested on."
    )
    yield "Its probabilities are a softmax of the network's outputs, not calibrated."
    fold = about["example"]["fold"]
    yield f"It decides by the network of fold {fold} unless `fold` states another one."
