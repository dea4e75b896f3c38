"""The identity of a training run, and the contents of `run.json`."""

from collections.abc import Mapping
from typing import Any

from pipeline import files
from pipeline.components import Component, find
from pipeline.errors import DataError

HEADLINE = "horowitz_45nm_fp32"
"""The cost table whose estimate stands for a cell where there is room for one."""


INT8_HEADLINE = "memory_45nm_int8"
"""The same of a cell's network in integers: memory is billed too."""


def uj_per_window(energy: Mapping[str, Any]) -> float:
    """Read the estimated energy of a window, microjoules, in `energy.json`."""
    return float(energy["estimated"][HEADLINE]["energy_uj_per_window"])


def run_key(settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """Compute the name under which all stages find a training run.

    It is the SHA-256 of everything that shaped the run, so two runs share it only if
    they are the same.

    Parameters
    ----------
    settings : mapping
        Train's resolved settings with all that stands upstream.
    inputs : mapping of str to str
        Digests of the files it reads, that of its code among them, by path.
    """
    return files.inputs_digest("run", dict(settings), dict(inputs))


def chosen(run: Mapping[str, Any], part: str) -> Any:
    """Build again the component that a run was made with.

    Parameters
    ----------
    run : mapping
        As `run.json` has it.
    part : str
        encoder, network or neuron.

    Raises
    ------
    DataError
        An older version made the run.
    """
    settings = dict(run["settings"][part])
    if "name" not in settings:
        raise DataError(
            f"run.json: settings.{part}",
            "has no name, for the run is of an older version",
            remedy=f"dvc repro train@{run['dataset']}-{run['encoder']}-{run['model']}",
        )
    component: type[Component] = find(f"{part}s", settings.pop("name"))
    return component.model_validate(settings)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to one with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        nested = isinstance(value, Mapping)
        flat |= flatten(value, f"{name}.") if nested else {name: value}
    return flat
