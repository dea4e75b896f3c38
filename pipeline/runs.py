"""What a training run is known by, and what stands in `run.json`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline import files

SETTINGS = (
    "seed",
    "labels",
    "source",
    "reader",
    "signal",
    "windows",
    "folds",
    "encoder",
    "network",
    "neuron",
    "sparsity",
    "training",
)
"""Keys of `settings` in `run.json`: everything upstream of the trained weights. The
components among them (source, reader, network, neuron) carry their `name`."""


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
        Train's resolved settings with all that stands upstream, by the keys above.
    inputs : mapping of str to str
        Digests of the files it reads and of its source files, by path.
    """
    return files.inputs_digest("run", dict(settings), dict(inputs))


def digests(paths: Iterable[Path]) -> dict[str, str]:
    """Compute the digest of each file, by its path; folders stand for their files."""
    return {
        path.as_posix(): files.file_digest(path)
        for given in paths
        for path in (sorted(given.rglob("*")) if given.is_dir() else [given])
        if path.is_file() and "__pycache__" not in path.parts
    }


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten nested mappings to one with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        nested = isinstance(value, Mapping)
        flat |= flatten(value, f"{name}.") if nested else {name: value}
    return flat
