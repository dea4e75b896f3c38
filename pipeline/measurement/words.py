"""The lines that `biospike measure` prints."""

from collections.abc import Mapping
from typing import Any


def measured_lines(found: Mapping[str, Any]) -> list[str]:
    """Write each measurement as a line; an absent one gives its reason."""
    emulated = found["emulated"]
    parts = {"emulated": emulated} if "absent" in emulated else emulated
    lines = [
        f"{name}: {program_words(part)}"
        for name, part in parts.items()
        if isinstance(part, Mapping)
    ]
    energies = dict(found["meters"])
    if "imported" in found:
        energies["log"] = found["imported"]
    return lines + [
        f"{name}: {meter_words(part).replace(f'absent, {name} ', 'absent, ')}"
        for name, part in energies.items()
    ]


def program_words(part: Mapping[str, Any]) -> str:
    """Describe a program's results on one machine."""
    if "absent" in part:
        return f"absent, {part['absent']}"
    n_decided = part["windows"] + part["decisions"]
    words = [f"{part['agreement']:.2%} of {n_decided} decisions as the integer model"]
    if "balanced_accuracy" in part:
        words.append(f"balanced accuracy {part['balanced_accuracy']:.3f}")
    if "instructions_per_window" in part:
        words.append(f"{part['instructions_per_window']:,.0f} instructions a window")
    if "energy_uj_per_window" in part:
        words.append(f"{part['energy_uj_per_window']:.3g} µJ a window")
    if "running" in part:
        running, restarting = (
            f"{each['instructions_per_second']:,.0f}"
            for each in (part["running"], part)
        )
        words.append(
            f"{running} instructions a second running on, {restarting} restarting"
        )
    return ", ".join(words)


def meter_words(part: Mapping[str, Any]) -> str:
    """Describe a meter's measurement."""
    if "absent" in part:
        return f"absent, {part['absent']}"
    ends = (1e6 * part[key] for key in ("energy_j_per_window", "low", "high"))
    value, low, high = (f"{end:.4g}" for end in ends)
    return f"{value} µJ a window ({low} to {high}), idle {part['idle_w']:.3g} W"
