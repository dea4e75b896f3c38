"""The params of a cell in MLflow: what `params.yaml` states of it, and no defaults.

Only what distinguishes a data set's cells counts. What stands before the code, such as
the reader and the folds, is one digest; `run.json`, beside the params, has all of it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_jsonable_python

from pipeline import files
from pipeline.components import Settings, available, find
from pipeline.training.privacy_settings import PrivacySettings
from pipeline.training.settings import SparsitySettings, TrainingSettings

UPSTREAM = ("labels", "source", "reader", "values", "signal", "windows", "folds")
"""Settings that define the windows to classify; the others are tried on them."""
COMPONENTS = ("encoder", "network", "neuron")
SECTIONS: dict[str, type[Settings]] = {
    "training": TrainingSettings,
    "sparsity": SparsitySettings,
    "privacy": PrivacySettings,
}


def upstream_digest(settings: Mapping[str, Any]) -> str:
    """Digest the settings that define the windows to classify."""
    chosen = {key: settings[key] for key in UPSTREAM if key in settings}
    return files.inputs_digest(chosen)[:32]


def stated(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings that differ from their defaults, flat, and components' names.

    A mapping of anything but names is one param, for MLflow refuses a key like `/`.

    Parameters
    ----------
    settings : mapping
        As `run.json` has them.
    """
    chosen = {"seed": settings["seed"]} if "seed" in settings else {}
    for part in (*COMPONENTS, *SECTIONS):
        own = settings.get(part) or {}
        defaults = _defaults(part, own)
        differs = {k: own[k] for k in own if k not in defaults or own[k] != defaults[k]}
        chosen |= flat(differs, f"{part}.")
    return chosen


def _defaults(part: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Give the default settings of a section, or of the component that it names.

    A run of an older version may name none, or one that is gone: it has no defaults.
    """
    kind = f"{part}s"
    chosen: type[Settings]
    if part in SECTIONS:
        chosen = SECTIONS[part]
    elif own.get("name") in available(kind):
        chosen = find(kind, own["name"])
    else:
        return {}
    return {
        name: to_jsonable_python(field.get_default(call_default_factory=True))
        for name, field in chosen.model_fields.items()
        if not field.is_required()
    }


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested settings to dotted keys, as far as these are names."""
    flattened: dict[str, Any] = {}
    for key, value in settings.items():
        named = isinstance(value, Mapping) and all(map(str.isidentifier, value))
        nested = flat(value, f"{prefix}{key}.") if named else {f"{prefix}{key}": value}
        flattened |= nested
    return flattened
