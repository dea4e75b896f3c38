"""Predictions without a signal: the prior and the clock on the dry run's windows."""

import pandas as pd

from pipeline.config import Params
from pipeline.errors import DataError
from pipeline.evaluation.clock import GIVEN, TITLES, Clock, measure
from pipeline.inspection.asked import Asked
from pipeline.inspection.findings import Finding, of_error
from pipeline.inspection.trial import Trial

WORTH_A_WARNING = 0.1
"""Part of the way from guessing to no error that the clock goes without a signal."""


def of_trial(
    params: Params, asked: Asked, trial: Trial
) -> tuple[Clock | None, list[Finding]]:
    """Judge the clock, and warn of it where it does much better than guessing.

    Returns
    -------
    clock : Clock or None
        None where there are no folds, or where one of them cannot be judged.
    findings : list of Finding
    """
    if trial.windows is None or trial.folds is None:
        return None, []
    try:
        clock = measure(
            trial.windows,
            trial.folds,
            list(asked.labels),
            settings=params.read("evaluation"),
            seed=asked.seed,
        )
    except DataError as error:
        return None, [of_error("Folds that cannot be judged", error)]
    return clock, _warning(asked, clock)


def table(clock: Clock) -> pd.DataFrame:
    """Tabulate the balanced accuracy of the prior and the clock."""
    prior = clock.metrics["prior"]
    rows: list[tuple[str, float, str | None]] = [
        (f"prior: always {prior['predicts']}", prior["balanced_accuracy"], None)
    ]
    for name, title in TITLES.items():
        accuracy = clock.metrics[name]["balanced_accuracy"]
        ends = accuracy["low"], accuracy["high"]
        known = None if None in ends else f"{ends[0]:.3f} to {ends[1]:.3f}"
        rows.append((f"{title}: {GIVEN[name]}", accuracy["value"], known))
    return pd.DataFrame(
        {
            "what needs no signal": [name for name, _, _ in rows],
            "balanced accuracy": [f"{value:.3f}" for _, value, _ in rows],
            "interval": [known or "none" for _, _, known in rows],
        }
    )


def _warning(asked: Asked, clock: Clock) -> list[Finding]:
    best = clock.metrics["best"]
    accuracy = clock.metrics[best]["balanced_accuracy"]
    guessing = float(clock.metrics["prior"]["balanced_accuracy"])
    least = accuracy["value"] if accuracy["low"] is None else accuracy["low"]
    if least - guessing < WORTH_A_WARNING * (1 - guessing):
        return []
    return [
        Finding(
            "warning",
            "The place in the recording gives the class away",
            f"without any signal, {GIVEN[best]} gives a balanced accuracy of "
            f"{accuracy['value']:.3f} on the windows of the role test; guessing gives "
            f"{guessing:.3f}",
            (asked.dataset,),
            "compare every model with the clock, as the report does; a protocol in "
            "which the classes come in a random order would end this",
        )
    ]
