"""The report on privacy: what was asked, what is gained, what protects at what cost."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline import files
from pipeline.privacy.certified import certified, sentence
from pipeline.privacy.results import (
    DRAWS,
    ONCE,
    PERSON,
    RATES,
    STORED,
    TRAINING,
    load,
    load_codes,
)
from pipeline.privacy.words import BOUND, TITLES, WAYS, strongest
from pipeline.report import roc
from pipeline.report.energy import int8_energy

Plain = dict[str, Any]

TEMPLATE = "privacy.html.j2"
"""Included by the page; named here, so that digests of the report's code count it."""


RANDOM = (ONCE, DRAWS)
"""Ways to query that only random codes have."""


def shown(dataset: str, cells: Sequence[Plain]) -> Plain | None:
    """Gather what the page shows of a data set; None if that is nothing.

    An audit of an earlier run of a cell is not shown, nor one of codes that was made of
    other files; a code is left out whose settings are no longer those of a cell.
    """
    audits = [each for cell in cells if (each := audited(cell))]
    codes = _codes(dataset, cells)
    guarantees = [
        {
            "title": _title(cell),
            "sentence": words,
            "accuracy": cell["metrics"]["balanced_accuracy"],
        }
        for cell in cells
        if (words := sentence(cell["run"]))
    ]
    if not (audits or codes or guarantees):
        return None
    return {
        "audits": audits,
        "codes": codes,
        "guarantees": guarantees,
        "attacks": TITLES,
        "template": TEMPLATE,
    }


def _codes(dataset: str, cells: Sequence[Plain]) -> Plain | None:
    """Read the audit of the codes, without those that cells use otherwise now."""
    found = load_codes(dataset)
    if found is None:
        return None
    used = {cell["encoder"]: cell["run"]["settings"]["encoder"] for cell in cells}
    rows = {
        name: row
        for name, row in found["codes"].items()
        if "settings" not in row or used.get(name, row["settings"]) == row["settings"]
    }
    return found | {"codes": rows}


def _title(cell: Plain) -> str:
    return f"{cell['encoder']} · {cell['model']}"


def audited(cell: Plain) -> Plain | None:
    """Describe the audit of a cell, if there is one of this run."""
    found = load(files.folder("audits", cell["cell"]))
    if found is None or found["run_key"] != cell["run"]["run_key"]:
        return None
    return {
        "title": _title(cell),
        "beside": beside(cell, found),
        "networks": len(found["persons"]["training_sets"]),
        "persons": len(found["persons"]["candidates"]),
        "ways": ways(found),
        "sentences": sentences(found, guaranteed=bool(sentence(cell["run"]))),
        "controls": found["controls"],
        "absent": [row for row in found["attacks"] if "absent" in row],
        "curves": roc.curves(found["attacks"]),
    }


def beside(cell: Plain, found: Plain) -> Plain:
    """Set what an attacker gains beside what the user keeps and pays."""
    accuracy = found["accuracy"]
    return {
        "epsilon": certified(cell["run"]).get("epsilon"),
        "aucs": {way: row and row["auc"] for way, row in by_way(found).items()},
        "accuracy": accuracy.get(ONCE, accuracy[STORED])["non_members"],
        "energy_uj": int8_energy(cell),
    }


def by_way(found: Plain) -> dict[str, Mapping[str, Any] | None]:
    """Find the strongest attack of outsiders by what they query with."""
    rows = _by_outsiders(_by_training(found))
    return {
        way: strongest([row for row in rows if row["way"] == way])
        for way in (STORED, ONCE, DRAWS)
    }


def ways(found: Plain) -> list[Plain]:
    """List each kind of query with its accuracy and the AUC of every attack."""
    rows = []
    for queries in dict.fromkeys(row["queries"] for row in found["attacks"]):
        for way, title in WAYS.items():
            aucs = {
                row["attack"]: row["auc"]
                for row in found["attacks"]
                if row.get("level") == PERSON
                and (row["queries"], row.get("way")) == (queries, way)
                and "auc" in row
            }
            if aucs:
                known = {"queries": queries, "way": title, "aucs": aucs}
                rows.append(
                    {**known, "accuracy": found["accuracy"][way]["non_members"]}
                )
    return rows


def sentences(found: Plain, *, guaranteed: bool = False) -> list[str]:
    """Answer the questions: what an attacker gains, what protects and what it costs.

    The attack that is given the network after every epoch has a sentence of its own.
    """
    best = strongest(_by_outsiders(found["attacks"]))
    if best is None:
        return ["No attack could be judged."]
    return [
        gain(best),
        certain(best),
        *bound(found),
        *protection(found, guaranteed=guaranteed),
        knows(found),
    ]


def _by_outsiders(rows: Sequence[Plain]) -> list[Plain]:
    return [row for row in rows if row.get("attack") != BOUND]


def gain(best: Mapping[str, Any]) -> str:
    """Report what the strongest attack gains."""
    auc = best["auc"]
    named = (
        f"({TITLES[best['attack']]}; the attacker has {best['queries']}, and asks with "
        f"{WAYS[best['way']]})"
    )
    value = (
        "Given a person in the training set and one outside it, the strongest "
        f"attack {named} picks the right one {percent(auc['value'])} of the time"
    )
    if auc["low"] is None:
        return f"{value}; guessing gives 50 %."
    shown = "better" if auc["low"] > 0.5 else "not shown to be better"
    return (
        f"{value}{_between(auc)}: {shown} than "
        "guessing, which gives 50 %. It is the highest of several attacks, so the "
        "value leans upwards."
    )


def certain(best: Mapping[str, Any]) -> str:
    """Report whom the attack finds while it hardly ever suspects others."""
    rate, wrong = best["tpr"][f"{RATES[0]:g}"], percent(RATES[0])
    if rate["value"] is None:
        return (
            f"How many it finds while it is wrong about {wrong} of the others is not "
            f"known: that {rate['reason']}."
        )
    return (
        f"While it is wrong about {wrong} of the others, it finds "
        f"{percent(rate['value'])}{_between(rate)} of the persons in the training set; "
        f"guessing finds {wrong}."
    )


def bound(found: Plain) -> list[str]:
    """Report what is gained with the networks that nobody outside has."""
    best = strongest([row for row in found["attacks"] if row.get("attack") == BOUND])
    if best is None:
        return []
    auc = best["auc"]
    return [
        "With the network after every epoch of its training, which nobody outside has, "
        f"an attack is right {percent(auc['value'])} of the time{_between(auc)}: a "
        "bound, not a likely attack."
    ]


def _between(each: Mapping[str, Any]) -> str:
    """Write an interval in brackets; nothing if there is none."""
    if each.get("low") is None:
        return ""
    return f" ({percent(each['low'])} to {percent(each['high'])})"


def protection(found: Plain, *, guaranteed: bool = False) -> list[str]:
    """Report whether chance at inference protects, and what it costs."""
    accuracy = found["accuracy"]
    if ONCE not in accuracy:
        use = "The code is not random: nothing in its use protects"
        return [
            f"{use}; what does is the guarantee above." if guaranteed else f"{use}."
        ]
    best = by_way(found)
    aucs = [percent(row["auc"]["value"]) for way in RANDOM if (row := best[way])]
    values = [percent(accuracy[way]["non_members"]["value"]) for way in RANDOM]
    return [
        f"The code is random. With one draw of it the strongest attack is right "
        f"{aucs[0]} of the time, and with the answers to {found['settings']['draws']} "
        f"draws averaged {aucs[1]}. The network's own balanced accuracy is {values[0]} "
        f"with one draw and {values[1]} with as many."
    ]


def knows(found: Plain) -> str:
    """Report how much better a network knows its training set."""
    stored = found["accuracy"]["stored"]
    inside, outside = (percent(stored[k]["value"]) for k in ("members", "non_members"))
    return (
        f"Balanced accuracy is {inside} on the training recordings, {outside} on "
        "other persons; attacks use a gap between the two."
    )


def _by_training(found: Plain) -> list[Plain]:
    return [
        row for row in found["attacks"] if row["queries"] == TRAINING and "way" in row
    ]


def percent(value: float) -> str:
    """Write a share."""
    return f"{100 * value:.0f} %"
