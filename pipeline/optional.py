"""Sections of `params.yaml` that may be left out, and what they are then."""

from collections.abc import Mapping
from typing import Any

from pipeline.components import available, find

OPTIONAL: Mapping[str, Mapping[str, Any]] = {
    "models.*.sparsity": {},
    "models.*.neuron": {"name": "leaky"},
}
"""By pattern; a neuron may, where the network has its own, and then is not used."""


def left_out(pattern: str, entry: Any) -> Mapping[str, Any] | None:
    """Give what a section is that an entry lacks; None: it may not lack it."""
    if pattern == "models.*.neuron" and not _has_own_neurons(entry):
        return None
    return OPTIONAL.get(pattern)


def _has_own_neurons(model: Any) -> bool:
    network = model.get("network") if isinstance(model, Mapping) else None
    name = network.get("name") if isinstance(network, Mapping) else None
    if name not in available("networks"):
        return False
    return bool(getattr(find("networks", str(name)), "own_neurons", False))
