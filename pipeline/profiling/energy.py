"""Joules estimated from counted operations, with published costs of each operation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.profiling.counts import Counted


@dataclass(frozen=True)
class CostTable:
    """What operations cost on one kind of hardware.

    Parameters
    ----------
    joules : mapping of str to float
        Of one `addition` and one `multiplication`.
    source : str
        Where the figures were published.
    assumptions : tuple of str
        What the estimate takes for granted.
    """

    joules: Mapping[str, float]
    source: str
    assumptions: tuple[str, ...]


TABLES = {
    "horowitz_45nm_fp32": CostTable(
        joules={"addition": 0.9e-12, "multiplication": 3.7e-12},
        source=(
            "M. Horowitz, Computing's energy problem (and what we can do about it), "
            "ISSCC 2014, doi 10.1109/ISSCC.2014.6757323"
        ),
        assumptions=(
            "45 nm CMOS at 0.9 V, 32-bit floating point",
            "an accumulate is one addition; a multiply-accumulate is one "
            "multiplication and one addition",
            "a membrane update costs the multiply-accumulates of the neuron's "
            "equations (one for leaky), whether or not the membrane changed",
            "a zero, input or weight, costs nothing",
            "biases, rectification, averaging of graded outputs, memory access, "
            "communication and idle power are not included",
        ),
    )
}
"""Cost tables by name."""


def estimate(
    counted: Counted, encoder: Mapping[str, int] | None, table: CostTable
) -> dict[str, Any]:
    """Estimate the energy of a window.

    ::

        E = ACs · E_add + (MACs + membrane MACs) · (E_mult + E_add)

    where membrane MACs are the updates × the multiply-accumulates of one.

    Parameters
    ----------
    counted : Counted
    encoder : mapping of str to int, or None
        Operations of the encoder a window; its energy stands apart from the network's.
    table : CostTable

    Returns
    -------
    bill : dict
        `energy_uj_per_window`, the headline, in microjoules; the rest in joules.
    """
    addition = table.joules["addition"]
    multiply_accumulate = addition + table.joules["multiplication"]
    costs = {
        "accumulates": counted.effective_acs * addition,
        "multiply_accumulates": counted.effective_macs * multiply_accumulate,
        "membrane_updates": counted.membrane_multiplications * multiply_accumulate,
    }
    parts = {name: cost / counted.n_windows for name, cost in costs.items()}
    energy_j = sum(parts.values())
    return {
        "energy_uj_per_window": energy_j * 1e6,
        "energy_j_per_window": energy_j,
        "energy_j_per_second": energy_j / counted.window_s,
        "parts_j_per_window": parts,
        "encoder": encoder_energy(encoder, table),
        "source": table.source,
        "assumptions": list(table.assumptions),
    }


def encoder_energy(
    operations: Mapping[str, int] | None, table: CostTable
) -> dict[str, Any]:
    """Estimate the encoder's energy of a window, or say why there is none."""
    if operations is None:
        return {"absent": "the encoder does not state its operations"}
    if unknown := sorted(operations.keys() - table.joules.keys()):
        return {"absent": f"the source gives no cost of a {', '.join(unknown)}"}
    energy_j = sum(count * table.joules[kind] for kind, count in operations.items())
    return {"energy_j_per_window": energy_j}
