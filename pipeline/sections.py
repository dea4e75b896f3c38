"""The sections of `params.yaml`: what validates each, and which may be left out."""

from collections.abc import Mapping
from typing import Any

from pipeline.components import available, find

SECTIONS = {
    "seed": "builtins:int",
    "on_bad_recording": "pipeline.config:OnBadRecording",
    "grid": "pipeline.grid:Grid",
    "datasets.*.card": "pipeline.card:Card",
    "datasets.*.labels": "pipeline.config:Labels",
    "datasets.*.source": "component:sources",
    "datasets.*.reader": "component:readers",
    "datasets.*.values": "pipeline.ingestion.values:Values",
    "datasets.*.signal": "pipeline.preparation.signals:SignalSettings",
    "datasets.*.windows": "pipeline.preparation.windows:WindowSettings",
    "datasets.*.folds": "pipeline.preparation.folds:FoldSettings",
    "encoders.*": "component:encoders",
    "models.*.network": "component:networks",
    "models.*.neuron": "component:neurons",
    "models.*.sparsity": "pipeline.training.settings:SparsitySettings",
    "models.*.privacy": "pipeline.training.privacy_settings:PrivacySettings",
    "training": "pipeline.training.settings:TrainingSettings",
    "evaluation": "pipeline.evaluation.evaluate:EvaluationSettings",
    "profiling": "pipeline.profiling.profile:ProfilingSettings",
    "audit": "pipeline.privacy.settings:AuditSettings",
}
"""The class that validates each section: `module:class`, or the kind of a component
that its `name` chooses (`component:kind`)."""

OPTIONAL: Mapping[str, Mapping[str, Any]] = {
    "models.*.sparsity": {},
    "models.*.privacy": {},
    "models.*.neuron": {"name": "leaky"},
}
"""What a section is that is left out. A neuron may be where the network has its own; it
is not used then."""


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
