"""The spike rate at which a spiking network costs as much as its matched ReLU network.

The bill of a spiking network is linear in the rate of its hidden neurons: input spikes,
membrane updates and biases are there in any case, and all that hidden spikes cause
grows with them. So two points of the line determine the rate at which the bills meet.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Plain = Mapping[str, Any]

ASSUMPTIONS = (
    "input spikes are as measured; the rates of all hidden layers change by one factor",
    "the matched network has the same layers and steps, rectified units and the same "
    "widths of numbers, and skips zeros as well",
    "spikes a synapse and inference are synaptic operations over weights; Dampfhoffer "
    "et al. (IEEE TETCI 7(3), 2023) find 0.15 to 1.38 of them competitive where the "
    "other network uses each synapse once an inference: with a step as that once, "
    "compare spikes a use",
)
"""The assumptions of a break-even rate."""


@dataclass(frozen=True)
class BreakEven:
    """The comparison of two bills by one cost table.

    Parameters
    ----------
    ratio : float
        The spiking network's energy over the other's.
    rate : float
        Spikes a hidden neuron and step.
    break_even_rate : float or None
        The rate at which both cost the same; None if there is none, or it is unknown.
    fixed_ratio : float
        What the spiking network would cost without hidden spikes, over the other's
        energy.
    spikes_per_synapse : float
        Synaptic operations of an inference over weights.
    spikes_per_use : float
        The same, over how often the other network would use its weights if it skipped
        no zero.
    sentence : str
        The comparison in words.
    """

    ratio: float
    rate: float
    break_even_rate: float | None
    fixed_ratio: float
    spikes_per_synapse: float
    spikes_per_use: float
    sentence: str


def break_even(
    spiking: Plain, matched: Plain, table: str, *, other: str = "its matched int8 ANN"
) -> dict[str, Any]:
    """Compare a spiking network's bill with its matched network's.

    ::

        E(r) = F + r·(E − F) / r₀         r* = r₀·(E_matched − F) / (E − F)

    with E the bill at the measured rate r₀, and F without hidden spikes.

    Parameters
    ----------
    spiking, matched : mapping
        With `counted` and `estimated`, as `profile` gives them, or its `int8`.
    table : str
        Of costs; both must have been billed by it.
    other : str
        What the sentence calls the matched network.

    Returns
    -------
    comparison : dict
        The fields of `BreakEven`, or `absent`, the reason.
    """
    for part in (spiking, matched):
        if reason := _absent(part, table):
            return {"absent": reason}
    counted = spiking["counted"]
    rate = counted["spikes_per_neuron_and_step"]
    if rate is None:
        return {"absent": "it has no spiking neurons"}
    bill = spiking["estimated"][table]
    energy, fixed = (
        bill[name]
        for name in ("energy_j_per_window", "without_hidden_spikes_j_per_window")
    )
    budget = matched["estimated"][table]["energy_j_per_window"]
    meets = _meeting_rate(rate, energy, fixed, budget)
    operations = sum(
        counted["per_window"][name] for name in ("effective_acs", "effective_macs")
    )
    return asdict(
        BreakEven(
            ratio=energy / budget,
            rate=rate,
            break_even_rate=meets,
            fixed_ratio=fixed / budget,
            spikes_per_synapse=operations / counted["synapses"],
            spikes_per_use=operations / counted["per_window"]["dense_operations"],
            sentence=in_words(rate, energy / budget, fixed / budget, meets, other),
        )
    )


def _absent(part: Plain, table: str) -> str | None:
    """Give the reason why a table has no bill; None if it has one."""
    if "absent" in part:
        return str(part["absent"])
    bill = part["estimated"].get(table, {"absent": "it is not billed by this table"})
    return str(bill["absent"]) if "absent" in bill else None


def _meeting_rate(
    rate: float, energy: float, fixed: float, budget: float
) -> float | None:
    """Solve for the rate at which the bill meets the budget."""
    if fixed >= budget or energy <= fixed:
        return None
    return rate * (budget - fixed) / (energy - fixed)


def in_words(
    rate: float, ratio: float, fixed_ratio: float, meets: float | None, other: str
) -> str:
    """Describe the comparison, and the rate at which it would change."""
    at_rate = (
        f"at its {rate:.2g} spikes a neuron and step it takes {ratio:.2g} times the "
        f"energy of {other}"
    )
    if fixed_ratio >= 1:
        return (
            f"{at_rate}; without hidden spikes, too, it would take {fixed_ratio:.2g} "
            "times as much, so it takes more at any rate"
        )
    if meets is None:
        return f"{at_rate}; its hidden neurons do not fire, so no other rate is known"
    if meets >= 1:
        return f"{at_rate}; it would take less at any rate"
    if ratio > 1:
        return f"{at_rate}; below {meets:.2g} it would take less"
    return f"{at_rate}; above {meets:.2g} it would take more"
