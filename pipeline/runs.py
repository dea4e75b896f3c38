"""What a training run is known by, and what stands in `run.json`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline import files

SETTINGS = (
    "seed",
    "source",
    "reader",
    "signal",
    "windows",
    "folds",
    "encoder",
    "network",
    "neuron",
    "training",
)
"""Keys of `settings` in `run.json`: everything upstream of the trained weights. The
components among them (source, reader, network, neuron) carry their `name`."""


def run_key(
    settings: Mapping[str, Any], inputs: Mapping[str, str], sources: Mapping[str, str]
) -> str:
    """Compute the name under which all stages find a training run.

    It is the SHA-256 of everything that shaped the run, so two runs share it only if
    they are the same.

    Parameters
    ----------
    settings : mapping
        Train's resolved settings with all that stands upstream, by the keys above.
    inputs : mapping of str to str
        Digests of the files it reads, by path.
    sources : mapping of str to str
        Digests of the source files among its dependencies, by path.
    """
    return files.inputs_digest("run", dict(settings), dict(inputs), dict(sources))


def digests(paths: Iterator[Path] | list[Path]) -> dict[str, str]:
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
