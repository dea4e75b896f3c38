"""The metrics of a cell in MLflow, and their names: few, for the files hold all."""

from collections.abc import Mapping
from typing import Any

from pipeline.plots.accesses import WORDS
from pipeline.privacy.certified import certified
from pipeline.runs import HEADLINE, INT8_HEADLINE, flatten, uj_per_window
from pipeline.tracking.entries import label_keys
from pipeline.tracking.view import HEADLINES

OVERALL = ("accuracy", "auroc")
BY_CLASS = ("sensitivity", "positive_predictivity", "f1", "auroc")
COUNTED = (
    "spikes",
    "effective_acs",
    "effective_macs",
    "membrane_updates",
    "activation_sparsity",
    "connection_sparsity",
    "parameters",
    "footprint_bytes",
)
"""What is kept of the operations and sizes that were counted."""
COUNTED_INT8 = ("effective_acs", "footprint_bytes")
DUTY = ("windows_per_s", "average_w", "battery_days")


def _rounded(value: float | None) -> float | None:
    """Round a headline to the four digits that a column has room for."""
    return None if value is None else float(f"{value:.4g}")


def of_metrics(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Name what `metrics.json` holds: headlines (`view.HEADLINES`), then details."""
    clock, keys = metrics["clock"], label_keys(metrics["classes"])
    integers = metrics.get("int8", {}).get("balanced_accuracy", {})
    accuracy = metrics["balanced_accuracy"]
    numbers = {
        "balanced_accuracy": _rounded(accuracy["value"]),
        "low": _rounded(accuracy["low"]),
        "high": _rounded(accuracy["high"]),
        "macro_f1": _rounded(metrics["macro_f1"]["value"]),
        "clock": _rounded(clock.get(clock["best"], {}).get("value")),
        "int8": _rounded(integers.get("value")),
        "test/int8_low": integers.get("low"),
        "test/int8_high": integers.get("high"),
        "test/prior": metrics["prior"]["value"],
        "test/clock_difference": clock["difference"],
        "test/clock_p": clock["p"],
    }
    numbers |= {f"test/{name}": metrics[name]["value"] for name in OVERALL}
    for label, row in metrics["classes"].items():
        for name in BY_CLASS:
            numbers[f"test/{name}.{keys[label]}"] = row[name]["value"]
    return numbers | _of_encoding(metrics.get("encoding", {}))


def of_fold(fold: Mapping[str, Any]) -> dict[str, Any]:
    """Name a fold's row of `metrics.json`."""
    return {
        key if key in HEADLINES else f"test/{key}": value
        for key, value in fold.items()
        if key != "fold"
    }


def of_training(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Name a fold's row of `run.json`."""
    return {f"train/{k}": v for k, v in flatten(summary).items() if k != "fold"}


def of_privacy(run: Mapping[str, Any]) -> dict[str, Any]:
    """Name what `run.json` guarantees to persons; nothing where it does not."""
    return {f"privacy/{name}": value for name, value in certified(run).items()}


def _of_encoding(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Name what the code costs and keeps."""
    counted = {key: each for key, each in summary.items() if key != "snr_absent"}
    return {f"encoding/{key}": each for key, each in flatten(counted).items()}


def of_energy(bill: Mapping[str, Any]) -> dict[str, Any]:
    """Name what `energy.json` counted and estimated."""
    int8 = bill["int8"]
    estimated = bill["estimated"] | int8.get("estimated", {})
    tables = {k: each.get("energy_uj_per_window") for k, each in estimated.items()}
    numbers = {
        "uj": _rounded(uj_per_window(bill)),
        "int8_uj": _rounded(tables.get(INT8_HEADLINE)),
    }
    shown = (HEADLINE, INT8_HEADLINE)
    numbers |= {f"energy/{k}": each for k, each in tables.items() if k not in shown}
    numbers |= _of_counted("synops", bill["counted"], COUNTED)
    if "counted" in int8:
        numbers |= _of_counted("synops_int8", int8["counted"], COUNTED_INT8)
    if duty := bill.get("duty"):
        numbers |= {f"duty/{name}": duty[name] for name in DUTY}
    if cut := bill.get("cutoff"):
        spent = cut["estimated"]["with"].get(INT8_HEADLINE, {})
        numbers |= {
            "cutoff/steps_share": cut["steps_share"],
            "cutoff/balanced_accuracy": cut["balanced_accuracy"]["with"],
            "cutoff/int8_uj_per_window": spent.get("energy_uj_per_window"),
        }
    return numbers | _of_learning(bill.get("learning"))


def _of_counted(
    group: str, counted: Mapping[str, Any], names: tuple[str, ...]
) -> dict[str, Any]:
    every = {**counted, **counted["per_window"]}
    return {f"{group}/{name}": every.get(name) for name in names}


def _of_learning(learning: Mapping[str, Any] | None) -> dict[str, Any]:
    """Name the words that a step of learning touches, by scheme and kind."""
    schemes = learning["per_step"] if learning else {}
    return {
        f"learning/{scheme}.{kind}": counted[kind]
        for scheme, counted in schemes.items()
        for kind in WORDS
        if kind in counted
    }
