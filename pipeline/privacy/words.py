"""An audit in words, for the terminal and for the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from pipeline.privacy.results import PERSON, RATES

Plain = Mapping[str, Any]

WAYS = {
    "stored": "the training spikes",
    "once": "one new draw of the code",
    "draws": "several new draws, averaged",
    "dropout": "copies with some spikes dropped, averaged",
}
"""Ways to query, in words."""

BOUND = "trajectory"
"""The attack that needs what nobody outside has: the network after every epoch."""

TITLES = {
    "confidence": "confidence",
    "reference": "share of references beaten",
    "RMIA": "RMIA with population",
    "trajectory": "loss trajectory",
}
"""Attacks, in words."""


def headline(found: Plain) -> str:
    """Report the strongest attack on persons in one line."""
    best = strongest(found["attacks"])
    if best is None:
        return "no attack could be judged"
    return (
        f"AUC {estimate(best['auc'])} of {len(found['persons']['candidates'])} persons "
        f"by the strongest attack ({TITLES[best['attack']]}); 0.5 is guessing"
    )


def strongest(rows: Sequence[Plain]) -> Plain | None:
    """Give the attack on persons with the highest AUC."""
    persons = [row for row in rows if row.get("level") == PERSON and "auc" in row]
    return max(persons, key=lambda row: row["auc"]["value"], default=None)


def show(found: Plain, out: Console) -> None:
    """Print an audit."""
    persons = found["persons"]
    out.print(
        f"{len(persons['training_sets'])} networks, each trained on half of "
        f"{len(persons['candidates'])} persons; {len(persons['validation'])} others "
        f"validate, {len(persons['population'])} are the population"
    )
    out.print(_accuracies(found["accuracy"]))
    out.print(_attacks(found["attacks"]))
    for row in found["attacks"]:
        if "absent" in row:
            out.print(f"{row['queries']}: absent, {row['absent']}")
    out.print(_controls(found["controls"]))
    for rate in RATES:
        for reason in _rate_reasons(found["attacks"], f"{rate:g}"):
            out.print(f"true positives at {rate:.1%} false ones: {reason}")


def _accuracies(accuracy: Plain) -> Table:
    table = Table("query", box=None, pad_edge=False)
    for title in ("training set", "others"):
        table.add_column(f"accuracy, {title}", justify="right")
    for way, title in WAYS.items():
        if each := accuracy.get(way):
            cells = (estimate(each[name]) for name in ("members", "non_members"))
            table.add_row(title, *cells)
    return table


def _attacks(rows: Sequence[Plain]) -> Table:
    table = Table("queries", "query", "attack", "unit", box=None, pad_edge=False)
    for title in ("AUC", *(f"TPR at {rate:.1%}" for rate in RATES)):
        table.add_column(title, justify="right")
    for row in rows:
        if "auc" not in row:
            continue
        shown = (estimate(row["tpr"][f"{rate:g}"]) for rate in RATES)
        known = row["queries"], WAYS[row["way"]], TITLES[row["attack"]], row["level"]
        table.add_row(*known, estimate(row["auc"]), *shown)
    return table


def _controls(controls: Plain) -> Table:
    table = Table("control", "attack", box=None, pad_edge=False)
    table.add_column("AUC", justify="right")
    names = {
        "memoriser": "a network that memorises: to be caught",
        "non_members": "persons outside the training set: not to be caught",
    }
    for control, title in names.items():
        for attack, each in controls[control].items():
            table.add_row(title, TITLES[attack], estimate(each))
    return table


def show_codes(found: Plain, out: Console) -> None:
    """Print what the codes of a data set give away."""
    out.print(
        f"{found['persons']} persons, recognised in {found['between']} by the nearest "
        f"template; guessing names {found['chance']:.3f} of them right"
    )
    table = Table("encoder", box=None, pad_edge=False)
    for title in ("SNR, dB", "persons", "single decisions"):
        table.add_column(title, justify="right")
    for name, row in found["codes"].items():
        if "absent" in row:
            continue
        snr = "absent" if row.get("snr_db") is None else f"{row['snr_db']:.1f}"
        cells = (estimate(row[part]) for part in ("persons", "decisions"))
        table.add_row(name, snr, *cells)
    out.print(table)
    for name, row in found["codes"].items():
        if "absent" in row:
            out.print(f"{name}: absent, {row['absent']}", markup=False)


def _rate_reasons(rows: Sequence[Plain], rate: str) -> list[str]:
    reasons = (row["tpr"][rate].get("reason", "") for row in rows if "tpr" in row)
    return list(dict.fromkeys(filter(None, reasons)))


def estimate(each: Plain) -> str:
    """Write a value with its interval, such as `0.612 (0.480 to 0.731)`."""
    if each.get("value") is None:
        return "absent"
    if each["low"] is None:
        return f"{each['value']:.3f}"
    return f"{each['value']:.3f} ({each['low']:.3f} to {each['high']:.3f})"
