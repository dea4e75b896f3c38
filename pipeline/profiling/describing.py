"""Counts as plain numbers: per window, and per second of signal."""

from collections.abc import Iterable
from typing import Any

from pipeline.profiling.counts import Counted, Neurons, Synapses
from pipeline.profiling.words import Moved

Plain = dict[str, Any]


def describe(counted: Counted) -> Plain:
    """Express counts as plain numbers: per window (one inference) and per second.

    A second's count is a window's count over its length.
    """
    windows, window_s = counted.n_windows, counted.window_s
    per_window = {name: value / windows for name, value in totals(counted).items()}
    words = words_of(counted.moved(), windows)
    return {
        "n_windows": windows,
        "window_s": window_s,
        "per_window": per_window,
        "per_second": {k: value / window_s for k, value in per_window.items()},
        "words_per_window": words,
        "words_per_second": {
            kind: {way: number / window_s for way, number in both.items()}
            for kind, both in words.items()
        },
        "activation_sparsity": counted.activation_sparsity,
        "connection_sparsity": counted.connection_sparsity,
        "spikes_per_neuron_and_step": counted.spike_rate,
        "synapses": sum(layer.store.weights for layer in counted.synapses),
        "parameters": counted.parameters,
        "footprint_bytes": counted.footprint_bytes,
        "state_bytes": state_bytes(counted),
        "layers": {
            **{layer.name: _synapses(layer, windows) for layer in counted.synapses},
            **{layer.name: _neurons(layer, windows) for layer in counted.neurons},
        },
    }


def totals(counted: Counted) -> dict[str, int]:
    """Add up what was counted over all layers and windows."""
    return {
        "effective_acs": counted.effective_acs,
        "effective_macs": counted.effective_macs,
        "dense_operations": counted.dense_operations,
        "membrane_updates": counted.membrane_updates,
        "membrane_multiplications": counted.membrane_multiplications,
        "shifted_additions": counted.shifted_additions,
        "rescalings": counted.rescalings,
        "spikes": counted.spikes,
        "bytes_moved": sum(moved.words * moved.bits for moved in counted.moved()) // 8,
    }


def words_of(every: Iterable[Moved], windows: int) -> dict[str, dict[str, float]]:
    """Add up words read and written, by kind; a spike is a word of one bit."""
    words: dict[str, tuple[int, int]] = {}
    for moved in every:
        read, written = words.get(moved.kind, (0, 0))
        words[moved.kind] = read + moved.read, written + moved.written
    return {
        kind: {"read": read / windows, "written": written / windows}
        for kind, (read, written) in words.items()
        if read or written
    }


def state_bytes(counted: Counted) -> int:
    """Add up the bytes of the neurons' state while a network runs."""
    return sum(
        moved.memory_bytes
        for layer in counted.neurons
        for moved in layer.moved()
        if moved.kind == "states"
    )


def _synapses(layer: Synapses, windows: int) -> Plain:
    operations = "effective_macs" if layer.graded else "effective_acs"
    return {
        operations: layer.effective / windows,
        "dense_operations": layer.dense / windows,
        "connection_sparsity": layer.zero_weights / layer.weights,
        "words": words_of(layer.moved(), windows),
    }


def _neurons(layer: Neurons, windows: int) -> Plain:
    plain: Plain = {
        "membrane_updates": layer.updates / windows,
        "membrane_multiplications": layer.multiplications / windows,
        "shifted_additions": layer.shifted_additions / windows,
        "rescalings": layer.rescalings / windows,
        "words": words_of(layer.moved(), windows),
    }
    if layer.outputs:
        plain["activation_sparsity"] = 1 - layer.nonzero / layer.outputs
    return plain
