"""The report's answer for a data set: what scored best, and whether it matters.

No statistic is computed here: the tests are those of `findings`, the leads over the
clock those of the stage `evaluate`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.evaluation.lead import SIGNIFICANT
from pipeline.report import device
from pipeline.report.findings import best_cell
from pipeline.runs import INT8_HEADLINE

Plain = dict[str, Any]

GROUPS = {
    "better": "better than",
    "worse": "worse than",
    "level": "no significant difference from",
}
"""How a test ends, and how the answer words it."""


def shown(
    cells: Sequence[Plain], tests: Sequence[Plain], *, confidence: float
) -> Plain:
    """Answer what scored best on a data set.

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
        `cell`, the most accurate one, or None; its `title`; `sentences`; and `level`,
        the names of the cells that no test finds different from it, with its own.
    """
    scored = [cell for cell in cells if _value(cell) is not None]
    if not scored:
        reason = cells[0]["metrics"]["balanced_accuracy"].get("reason") or "not known"
        sentence = f"No model has a balanced accuracy: {reason}."
        return {"cell": None, "title": "", "sentences": [sentence], "level": []}
    top = max(scored, key=lambda cell: _value(cell) or 0.0)
    outcomes = {
        cell["cell"]: outcome(top, cell, tests) for cell in _rivals(top, scored)
    }
    level = [name for name, each in outcomes.items() if each["group"] == "level"]
    compared = any(each["group"] for each in outcomes.values())
    return {
        "cell": top["cell"],
        "title": device.title(top),
        "sentences": [
            reached(top, confidence),
            *differences(top, scored, outcomes),
            against_clock(top),
            *energy(top, scored),
        ],
        "level": [top["cell"], *level] if compared else [],
    }


def _value(cell: Plain) -> float | None:
    value: float | None = cell["metrics"]["balanced_accuracy"]["value"]
    return value


def _rivals(top: Plain, cells: Iterable[Plain]) -> list[Plain]:
    """List the cells that are tested against one: the others of its encoder."""
    return [
        cell
        for cell in cells
        if cell["encoder"] == top["encoder"] and cell["cell"] != top["cell"]
    ]


def reached(top: Plain, confidence: float) -> str:
    """Describe the highest balanced accuracy, with its interval over persons."""
    accuracy = top["metrics"]["balanced_accuracy"]
    sentence = (
        f"{device.title(top)} has the highest balanced accuracy, "
        f"{100 * accuracy['value']:.1f} %"
    )
    if accuracy["low"] is None:
        return f"{sentence} ({accuracy.get('reason') or 'no interval'})."
    low, high = 100 * accuracy["low"], 100 * accuracy["high"]
    return (
        f"{sentence} ({100 * confidence:.0f} % interval over "
        f"{top['metrics']['subjects']} persons: {low:.1f} to {high:.1f} %)."
    )


def outcome(top: Plain, other: Plain, tests: Sequence[Plain]) -> Plain:
    """Read how the paired test of two cells of one encoder ended.

    Returns
    -------
    outcome : dict
        `group`, a key of `GROUPS`, or None where there is no test; `difference` of the
        first cell to the second; `p`, corrected; `reason`, why there is no test.
    """
    models = {top["model"], other["model"]}
    for test in tests:
        if test["encoder"] != top["encoder"] or set(test["models"]) != models:
            continue
        if test["p_holm"] is None:
            return {"group": None, "reason": test["reason"]}
        sign = 1 if test["models"][0] == top["model"] else -1
        difference = sign * test["difference"]
        ahead = "better" if difference > 0 else "worse"
        group = ahead if test["p_holm"] < SIGNIFICANT else "level"
        return {"group": group, "difference": difference, "p": test["p_holm"]}
    return {"group": None, "reason": "no test"}


def differences(
    top: Plain, cells: Sequence[Plain], outcomes: Mapping[str, Plain]
) -> list[str]:
    """Describe how the tests against the models of reference ended."""
    named = references(top, cells)
    if not named:
        return []
    parts = []
    for group, wording in GROUPS.items():
        those = [
            f"{cell['model']} ({_because(role, outcomes[cell['cell']])})"
            for cell, role in named
            if outcomes[cell["cell"]]["group"] == group
        ]
        parts += [f"{wording} {listed(those)}"] if those else []
    if not parts:
        reason = outcomes[named[0][0]["cell"]]["reason"]
        return [f"Its difference from the other models is not tested: {reason}."]
    return [f"Paired tests: {'; '.join(parts)}."]


def references(top: Plain, cells: Sequence[Plain]) -> list[tuple[Plain, str]]:
    """Choose the models that the best one is compared with, each with its role.

    They share its encoder, for no others are tested against it: the ANN, the same
    network if there is one; leaky neurons in a network that has an ANN beside it; the
    linear read-out; and, where the best one has no spikes, the best one that has.
    """
    rivals = _rivals(top, cells)
    roles = {
        "ANN": sorted(
            filter(_is_ann, rivals), key=lambda c: c["cell"] != top["matched_ann"]
        ),
        "leaky integrate-and-fire": sorted(
            (c for c in rivals if c["spiking"] and _neuron(c) == "leaky"),
            key=lambda c: c["matched_ann"] is None,
        ),
        "linear read-out": [c for c in rivals if _is_linear(c)],
        "the most accurate with spikes": _best_spiking(rivals)
        if not top["spiking"]
        else [],
    }
    found: dict[str, tuple[Plain, str]] = {}
    for role, those in roles.items():
        for cell in those[:1]:
            found.setdefault(cell["cell"], (cell, role))
    return list(found.values())


def _neuron(cell: Plain) -> str:
    return str(cell["run"]["settings"]["neuron"]["name"])


def _is_linear(cell: Plain) -> bool:
    return bool(cell["run"]["settings"]["network"].get("units") == [])


def _is_ann(cell: Plain) -> bool:
    return not cell["spiking"] and not _is_linear(cell)


def _best_spiking(cells: Sequence[Plain]) -> list[Plain]:
    spiking = [cell for cell in cells if cell["spiking"]]
    return [best_cell(spiking)] if spiking else []


def _because(role: str, outcome: Plain) -> str:
    return f"{role}, {_points(outcome['difference'])}, corrected {_p(outcome['p'])}"


def _points(difference: float) -> str:
    return f"{100 * difference:+.1f} points".replace("-", "−")


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def listed(parts: Sequence[str]) -> str:
    """Join parts as a sentence does."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def against_clock(top: Plain) -> str:
    """Describe whether a cell is better than the clock, which sees no signal."""
    clock = top["metrics"]["clock"]
    test = f"not tested, {_points(clock['difference'])}"
    if clock["p"] is not None:
        test = f"{_points(clock['difference'])}, {_p(clock['p'])}"
    if not clock["near"]:
        verdict = "It is better than" if clock["p"] is not None else "It is above"
    elif clock["p"] is not None and clock["p"] < SIGNIFICANT:
        verdict = "It is worse than"
    else:
        verdict = "It has no significant difference from"
    return f"{verdict} the clock, which sees no signal ({test})."


def energy(top: Plain, cells: Sequence[Plain]) -> list[str]:
    """Compare a spiking cell's energy in int8 with its ANN's, if both are known.

    It is the best cell itself, where that one has spikes; else the best of its encoder
    that has the same network without spikes beside it, or any.
    """
    spiking = [cell for cell in _rivals(top, cells) if cell["spiking"]]
    matched = [cell for cell in spiking if cell["matched_ann"]]
    for cell in [top] if top["spiking"] else _best_spiking(matched or spiking):
        ann, _ = device.beside(cell, cells)
        spent, other = _int8_energy(cell), _int8_energy(ann) if ann else None
        if ann is None or spent is None or not other:
            return []
        network = (
            "the same network without spikes"
            if cell["matched_ann"] == ann["cell"]
            else "another network, without spikes"
        )
        return [
            f"In int8, {cell['model']} takes an estimated {spent / other:.2g} "
            f"times the energy of {ann['model']} ({network}; memory included)."
        ]
    return []


def _int8_energy(cell: Plain) -> float | None:
    table = cell["energy"]["int8"].get("estimated", {}).get(INT8_HEADLINE, {})
    spent: float | None = table.get("energy_uj_per_window")
    return spent
