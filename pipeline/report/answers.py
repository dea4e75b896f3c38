"""The report's answer for a data set: what is best, and whether it matters.

No statistic is computed here: the tests are those of `findings`, the leads over the
clock those of the stage `evaluate`. No model is called best that the tests do not
distinguish from the others.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.evaluation.lead import SIGNIFICANT
from pipeline.report import device, energy
from pipeline.report.references import references, rivals_of

Plain = dict[str, Any]

OUTCOMES = {
    "better": "better",
    "worse": "worse",
    "level": "not shown",
}
"""How a test ends, in the words of the page."""
FEWEST = 6
"""Persons; of fewer, no paired permutation test has a p value below 0.05."""
MOST_NAMED = 3
"""Models that a sentence names; the table has the others."""


def shown(
    cells: Sequence[Plain], tests: Sequence[Plain], *, confidence: float
) -> Plain:
    """Answer what is best on a data set, and whether it matters.

    Parameters
    ----------
    cells : sequence of dict
        The data set's, as `findings.gather` gives them.
    tests : sequence of dict
        The paired tests between them.
    confidence : float
        Confidence of the intervals.

    Returns
    -------
    answer : dict
        `cell`, the most accurate one, or None; its `title`; a `headline` and its
        `details`; `rows`, its differences from the models of reference, and `clock`,
        that from the clock; `energy`, sentences or none; `hardest`, its class with the
        lowest F1, or None; and `level`, the names of the cells that no test finds
        different from it, with its own.
    """
    scored = [cell for cell in cells if _value(cell) is not None]
    if not scored:
        reason = cells[0]["metrics"]["balanced_accuracy"].get("reason") or "not known"
        nothing: Plain = {"cell": None, "title": "", "rows": [], "level": []}
        headline = f"No model has a balanced accuracy: {reason}."
        nothing |= {"details": "", "energy": "", "hardest": None}
        return nothing | {"headline": headline}
    top = max(scored, key=lambda cell: _value(cell) or 0.0)
    outcomes = {
        cell["cell"]: outcome(top, cell, tests) for cell in rivals_of(top, scored)
    }
    level = [name for name, each in outcomes.items() if each["group"] == "level"]
    compared = any(each["group"] for each in outcomes.values())
    level = [top["cell"], *level] if compared else []
    level_cells = [cell for cell in scored if cell["cell"] in level]
    return {
        "cell": top["cell"],
        "title": name(top, scored),
        **verdict(top, scored, outcomes, confidence),
        "rows": against_models(top, scored, outcomes),
        "clock": against_clock(top),
        "energy": energy.sentences(top, level_cells, scored),
        "hardest": hardest(top),
        "level": level,
    }


def _value(cell: Plain) -> float | None:
    value: float | None = cell["metrics"]["balanced_accuracy"]["value"]
    return value


def outcome(top: Plain, other: Plain, tests: Sequence[Plain]) -> Plain:
    """Read how the paired test of two cells of one encoder ended.

    Returns
    -------
    outcome : dict
        `group`, whether the first cell is `better`, `worse` or `level`, or None where
        there is no test; `difference` of the first cell to the second with its
        interval, `low` and `high`; `p`, corrected, and `p_alone`, not; `reason`, why
        something is None.
    """
    models = {top["model"], other["model"]}
    for test in tests:
        if test["encoder"] != top["encoder"] or set(test["models"]) != models:
            continue
        if test["p_holm"] is None:
            return {"group": None, "reason": test["reason"]}
        found = {key: test[key] for key in ("difference", "low", "high", "reason")}
        found["p_alone"] = test["p"]
        if test["models"][0] != top["model"]:
            found |= turned(found)
        group = grouped(found["difference"], test["p_holm"])
        return {"group": group, "p": test["p_holm"], **found}
    return {"group": None, "reason": "no test"}


def turned(test: Plain) -> Plain:
    """Give the difference of the second model to the first, with its interval."""
    low, high = (None if test[end] is None else -test[end] for end in ("high", "low"))
    return {"difference": -test["difference"], "low": low, "high": high}


def grouped(difference: float, p: float) -> str:
    """Decide what a test shows: `better`, `worse`, or `level`, no difference."""
    if p >= SIGNIFICANT:
        return "level"
    return "better" if difference > 0 else "worse"


def verdict(
    top: Plain, cells: Sequence[Plain], outcomes: Mapping[str, Plain], confidence: float
) -> Plain:
    """Write what is best, and whether the clock is as good.

    A model is called best only if it is better than each other one of its encoder.

    Returns
    -------
    verdict : dict
        The `headline`, and the `details` that it rests on.
    """
    title = name(top, cells)
    highest = f"{title} has the highest balanced accuracy, {reached(top, confidence)}"
    headline, reason = _best(top, cells, outcomes)
    details = [f"{highest}{reason}"]
    if any(cell["encoder"] != top["encoder"] for cell in cells):
        details.append("Models with other encoders are not tested against it.")
    if top["metrics"]["clock"]["near"]:
        headline = f"{headline} {_signal(title, top)}"
    else:
        details.append(_signal(title, top))
    return {"headline": headline, "details": " ".join(details)}


def name(cell: Plain, cells: Sequence[Plain]) -> str:
    """Name a cell within its data set: by its model, if all have one encoder."""
    encoders = {each["encoder"] for each in cells}
    return device.title(cell) if len(encoders) > 1 else str(cell["model"])


def _best(
    top: Plain, cells: Sequence[Plain], outcomes: Mapping[str, Plain]
) -> tuple[str, str]:
    """Name the best model, or write that none is shown to be; and why, as a clause."""
    groups: dict[str | None, list[Plain]] = {}
    rivals = rivals_of(top, cells)
    for cell in sorted(rivals, key=lambda cell: -(_value(cell) or 0.0)):
        groups.setdefault(outcomes[cell["cell"]]["group"], []).append(cell)
    if not rivals:
        return "Nothing to compare.", "; no other model of its encoder was evaluated."
    if None in groups:
        reason = outcomes[groups[None][0]["cell"]]["reason"]
        clause = f"; its difference from the others is not tested: {reason}."
        return "The models are not compared.", clause
    none = "No model is shown to be best."
    if "worse" in groups:
        return none, f", but is worse than {_named(groups['worse'])}."
    if "level" in groups:
        few = top["metrics"]["subjects"] < FEWEST
        why = f"; with fewer than {FEWEST} persons no test can find one" if few else ""
        level = _named(groups["level"])
        return none, f", without a significant difference from {level}{why}."
    closest = min(rivals, key=lambda cell: outcomes[cell["cell"]]["difference"])
    lead = points(outcomes[closest["cell"]]["difference"])
    among = (
        f" of the models with {top['encoder']}" if len(rivals) + 1 < len(cells) else ""
    )
    each = "the other" if len(rivals) == 1 else f"each of the {len(rivals)} others"
    return (
        f"{name(top, cells)} is best{among}.",
        f", and is better than {each}; than the closest, {closest['model']}, by "
        f"{lead} points.",
    )


def _named(cells: Sequence[Plain]) -> str:
    """Name some of the models, with what they reach."""
    named = MOST_NAMED if len(cells) > MOST_NAMED + 1 else len(cells)
    names = [
        f"{cell['model']} ({100 * (_value(cell) or 0.0):.1f} %)"
        for cell in cells[:named]
    ]
    more = len(cells) - named
    return listed([*names, f"{more} more"] if more else names)


def reached(top: Plain, confidence: float) -> str:
    """Write a balanced accuracy with its interval over persons."""
    accuracy = top["metrics"]["balanced_accuracy"]
    value = f"{100 * accuracy['value']:.1f} %"
    if accuracy["low"] is None:
        return f"{value} ({accuracy.get('reason') or 'no interval'})"
    low, high = 100 * accuracy["low"], 100 * accuracy["high"]
    return (
        f"{value} ({100 * confidence:.0f} % interval over "
        f"{top['metrics']['subjects']} persons: {low:.1f} to {high:.1f} %)"
    )


def _signal(title: str, top: Plain) -> str:
    """Describe whether a cell is better than the clock, which sees no signal."""
    clock = top["metrics"]["clock"]
    accuracy = 100 * clock[clock["best"]]["value"]
    test = _p(clock["p"]) if clock["p"] is not None else "not tested"
    which = f"the clock, which sees no signal ({accuracy:.1f} %, {test})"
    if not clock["near"]:
        verb = "is better than" if clock["p"] is not None else "is above"
        return f"{title} {verb} {which}."
    if clock["p"] is not None and clock["p"] < SIGNIFICANT:
        return f"{title} is worse than {which}."
    return f"{title} is not shown to be better than {which}."


def against_models(
    top: Plain, cells: Sequence[Plain], outcomes: Mapping[str, Plain]
) -> list[Plain]:
    """List the best model's differences from the models of reference."""
    return [
        {"title": cell["model"], "role": role, **outcomes[cell["cell"]]}
        for cell, role in references(top, cells)
        if outcomes[cell["cell"]]["group"]
    ]


def against_clock(top: Plain) -> Plain:
    """Describe the best model's difference from the best clock, as those from models.

    Its p value is not corrected; `near` decides, as everywhere.
    """
    clock = top["metrics"]["clock"]
    group = "level" if clock["near"] else "better"
    if clock["p"] is not None and clock["near"]:
        group = grouped(clock["difference"], clock["p"])
    return {
        "title": "clock",
        "role": "no signal",
        "group": group,
        **{key: clock[key] for key in ("difference", "low", "high", "p")},
    }


def points(difference: float) -> str:
    """Write a difference in percentage points, with its sign."""
    return f"{100 * difference:+.1f}".replace("-", "−")


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def listed(parts: Sequence[str]) -> str:
    """Join parts as a sentence does."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def hardest(cell: Plain) -> Plain | None:
    """Find the class with the lowest F1: what is found of it, and what is false."""
    classes = {
        label: row
        for label, row in cell["metrics"]["classes"].items()
        if row["f1"]["value"] is not None
    }
    if not classes:
        return None
    label = min(classes, key=lambda label: classes[label]["f1"]["value"])
    return {"label": label, **classes[label]}
