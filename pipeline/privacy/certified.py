"""What a run's networks guarantee to the persons in their training sets."""

from collections.abc import Mapping
from typing import Any


def certified(run: Mapping[str, Any]) -> dict[str, float]:
    """Give the largest ε and δ of a run's networks; empty where not all have one.

    Parameters
    ----------
    run : mapping
        As `run.json` has it.
    """
    given = [fold.get("privacy") for fold in run["folds"]]
    if not given or not all(given):
        return {}
    return {name: max(each[name] for each in given) for name in ("epsilon", "delta")}


def sentence(run: Mapping[str, Any]) -> str:
    """Report the guarantee, and what it is of; empty where nothing is certified."""
    if not (largest := certified(run)):
        return ""
    fold = max(run["folds"], key=lambda each: each["privacy"]["epsilon"])
    of = fold["privacy"]
    return (
        f"Certified: ε = {largest['epsilon']:.2f}, δ = {largest['delta']:.1e} for a "
        "person of the training role, of each network alone; who has several adds "
        f"them up. Fold {fold['fold']} has the largest ε: {of['steps']} steps, each of "
        f"{of['persons_per_step']:g} of {of['persons']} persons on average, noise of "
        f"{of['noise']:.2f} clips."
    )
