"""The complete energy bill of a cell, as `energy.json` holds it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline.encoders.base import Encoder
from pipeline.profiling.cost_tables import Numbers
from pipeline.profiling.counts import pooled
from pipeline.profiling.describing import describe
from pipeline.profiling.duty import duty, windows_per_second
from pipeline.profiling.energy import estimates
from pipeline.profiling.folds import Fold
from pipeline.profiling.profile import encoder_operations, learning, profile
from pipeline.profiling.running import running_bill
from pipeline.runs import INT8_HEADLINE

if TYPE_CHECKING:
    from pipeline.training.settings import CutoffSettings, SparsitySettings


def bill_cell(
    folds: Sequence[Fold],
    windows: pd.DataFrame,
    encoder: Encoder[Any],
    sparsity: "SparsitySettings",
) -> dict[str, Any]:
    """Count a cell's operations and estimate their energy.

    Parameters
    ----------
    folds : sequence of Fold
    windows : DataFrame
        All windows of the data set, whose rhythm is that of the device.
    encoder : Encoder
    sparsity : SparsitySettings
        Whether windows are decided early.

    Returns
    -------
    bill : dict
        What `profile` gives; `running`, if the network runs on; `duty`, if there is an
        integer network; `learning`, if a layer learns by pairs of spikes; `cutoff`, if
        it was asked for.
    """
    energy = profile(
        [(fold.network, fold.integers, fold.test) for fold in folds],
        encoder,
        absent=next((fold.absent for fold in folds if fold.absent), ""),
    )
    if running := running_on(folds, windows, encoder):
        energy["running"] = running
    if power := average_power(energy["int8"], windows):
        energy["duty"] = power
    if learned := learning(folds[0].network, folds[0].test):
        energy["learning"] = learned
    if sparsity.cutoff:
        energy["cutoff"] = decided_early(folds, sparsity.cutoff)
    return energy


def running_on(
    folds: Sequence[Fold], windows: pd.DataFrame, encoder: Encoder[Any]
) -> dict[str, Any] | None:
    """Bill networks that run on, in both kinds of numbers; None of those that do not.

    With `duty` of the integer networks, as `average_power` gives it of those restarted.
    """
    if not all(fold.running for fold in folds):
        return None
    rate, operations = (
        windows_per_second(windows),
        encoder_operations(encoder, folds[0].test),
    )
    floats = [(fold.network, fold.running) for fold in folds if fold.running]
    integers = [
        (fold.integers, fold.running)
        for fold in folds
        if fold.running and fold.integers
    ]
    found = {"float32": running_bill(floats, operations, "float32", rate)}
    if len(integers) < len(folds):
        return found
    found["int8"] = running_bill(integers, operations, "int8", rate)
    headline = found["int8"]["estimated"].get(INT8_HEADLINE, {})
    if "always_on_w" in headline:
        found["duty"] = duty(
            headline["reading_j_per_decision"], headline["always_on_w"], rate
        )
    return found


def average_power(int8: dict[str, Any], windows: pd.DataFrame) -> dict[str, Any] | None:
    """Compute the average power and battery life; None without estimates of all."""
    estimated = int8.get("estimated", {}).get(INT8_HEADLINE, {"absent": ""})
    encoder = estimated.get("encoder", {"absent": ""})
    if "absent" in estimated or "absent" in encoder:
        return None
    return duty(
        estimated["energy_j_per_window"],
        encoder["energy_j_per_second"],
        windows_per_second(windows),
    )


def decided_early(folds: Sequence[Fold], settings: "CutoffSettings") -> dict[str, Any]:
    """Apply a cutoff to each fold, of its integer network if all folds have one."""
    from pipeline.profiling.cutoff import cost
    from pipeline.training.cutoff import decide_early, summarised

    integer = all(fold.integers is not None for fold in folds)
    networks = [
        fold.integers if integer and fold.integers is not None else fold.network
        for fold in folds
    ]
    decided = [
        decide_early(network, fold.validation, fold.test, settings)
        for network, fold in zip(networks, folds, strict=True)
    ]
    costs = [
        cost(network, fold.test, early)
        for network, fold, early in zip(networks, folds, decided, strict=True)
    ]
    counted = {
        name: pooled([each[name] for each in costs]) for name in ("with", "without")
    }
    numbers: Numbers = "int8" if integer else "float32"
    # The encoder runs all the time: a cutoff does not change its energy.
    estimated = {
        name: {
            table: {key: value for key, value in each.items() if key != "encoder"}
            for table, each in estimates(one, None, numbers).items()
        }
        for name, one in counted.items()
    }
    plain = {name: describe(one) for name, one in counted.items()}
    return {**summarised(decided), "counted": plain, "estimated": estimated}
