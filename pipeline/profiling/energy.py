"""Joules estimated from counted operations, with published costs of each operation."""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.profiling.cost_tables import (
    CostTable,
    Memory,
    Numbers,
    Operation,
    tables_for,
)
from pipeline.profiling.counts import Counted

PARTS: tuple[tuple[str, Operation], ...] = (
    ("accumulates", "accumulate"),
    ("multiply_accumulates", "multiply_accumulate"),
    ("membrane_updates", "membrane_multiply_accumulate"),
    ("membrane_updates", "shifted_addition"),
    ("membrane_updates", "membrane_update"),
    ("rescalings", "rescaling"),
    ("spikes", "spike"),
    ("addresses", "addressing"),
)
"""Parts of a bill, and the operations of a cost table that bill them."""


def estimates(
    counted: Counted, encoder: Mapping[str, int] | None, numbers: Numbers
) -> dict[str, dict[str, Any]]:
    """Estimate the energy of a window by every table for such numbers, by name."""
    return {
        name: estimate(counted, encoder, table)
        for name, table in tables_for(numbers).items()
    }


def estimate(
    counted: Counted, encoder: Mapping[str, int] | None, table: CostTable
) -> dict[str, Any]:
    """Estimate the energy of a window.

    ::

        E = Σ operations of a kind · their cost
          + Σ words of a kind, of a layer · their bits · cost of a bit in their memory

    Kinds that the table does not name are not billed, and named as such; without a
    `memory` in the table there is no second sum.

    Parameters
    ----------
    counted : Counted
    encoder : mapping of str to int, or None
        Operations of the encoder a window; its energy stands apart from the network's.
    table : CostTable

    Returns
    -------
    bill : dict
        `energy_uj_per_window`, the headline, in microjoules; the rest in joules. Or
        `absent`, the reason why the table does not apply.
    """
    provenance = {"source": cited(table), "assumptions": list(table.assumptions)}
    if reason := inapplicable(counted, table):
        return {"absent": reason, **provenance}
    parts = parts_j_per_window(counted, table)
    silent = parts_j_per_window(counted.without_hidden_spikes(), table)
    energy_j = sum(parts.values())
    return {
        "energy_uj_per_window": energy_j * 1e6,
        "energy_j_per_window": energy_j,
        "energy_j_per_second": energy_j / counted.window_s,
        "parts_j_per_window": parts,
        "without_hidden_spikes_j_per_window": sum(silent.values()),
        "not_billed": not_billed(counted, table),
        "encoder": encoder_energy(encoder, table, counted.window_s),
        **provenance,
    }


def cited(table: CostTable) -> str:
    """Name the source of a table."""
    return table.source + (f", doi {table.doi}" if table.doi else "")


def inapplicable(counted: Counted, table: CostTable) -> str | None:
    """Give the reason why a table cannot bill this network; None if it can."""
    if table.spikes_only and counted.effective_macs:
        return "some layers take graded values, and the source bills only spikes"
    if table.spikes_only and not counted.membrane_updates:
        return "it has no spiking neurons, and the source bills only such networks"
    most = table.most_multiplications
    if most and counted.membrane_multiplications > most * counted.membrane_updates:
        return "its neurons have equations that the hardware does not have"
    return None


def parts_j_per_window(counted: Counted, table: CostTable) -> dict[str, float]:
    """Bill each kind of operation, and of word where the table bills memory, joules."""
    numbers = operations(counted)
    bill: dict[str, float] = {}
    for part, operation in PARTS:
        if cost := table.joules.get(operation):
            energy_j = numbers[operation] * cost / counted.n_windows
            bill[part] = bill.get(part, 0.0) + energy_j
    if table.memory:
        for kind, energy_j in _memory_j(counted, table.memory):
            name = f"memory_{kind}"
            bill[name] = bill.get(name, 0.0) + energy_j / counted.n_windows
    return bill


def _memory_j(counted: Counted, memory: Memory) -> Iterator[tuple[str, float]]:
    for moved in counted.moved():
        per_bit = memory.joules_per_bit(moved.memory_bytes)
        yield moved.kind, moved.words * moved.bits * per_bit


def operations(counted: Counted) -> dict[Operation, int]:
    """Count the operations that have costs, over all windows."""
    return {
        "accumulate": counted.effective_acs,
        "multiply_accumulate": counted.effective_macs,
        "membrane_multiply_accumulate": counted.membrane_multiplications,
        "membrane_update": counted.membrane_updates,
        "shifted_addition": counted.shifted_additions,
        "rescaling": counted.rescalings,
        "spike": counted.spikes,
        "addressing": counted.effective_acs + counted.effective_macs,
    }


def not_billed(counted: Counted, table: CostTable) -> list[str]:
    """Name the parts of the network's work for which the table has no cost."""
    numbers = operations(counted)
    billed = {part for part, operation in PARTS if operation in table.joules}
    done = [part for part, operation in PARTS if numbers[operation]]
    left_out = [part for part in dict.fromkeys(done) if part not in billed]
    return left_out if table.memory else [*left_out, "memory"]


def encoder_energy(
    numbers: Mapping[str, int] | None, table: CostTable, window_s: float
) -> dict[str, Any]:
    """Estimate the encoder's energy of a window, or give the reason for its absence."""
    if numbers is None:
        return {"absent": "the encoder does not state its operations"}
    joules: dict[str, float] = {str(kind): j for kind, j in table.joules.items()}
    if unknown := sorted(numbers.keys() - joules.keys()):
        return {"absent": f"the source gives no cost of: {', '.join(unknown)}"}
    energy_j = sum(count * joules[kind] for kind, count in numbers.items())
    return {
        "energy_j_per_window": energy_j,
        "energy_j_per_second": energy_j / window_s,
    }
