"""All figures of what a run learned, drawn once for the report and MLflow.

The report and MLflow show the same pictures. What was drawn is remembered for as long
as the run's tables stay as they are.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.parallel import parallel_map
from pipeline.plots import dynamics, plasticity
from pipeline.plots.style import Picture

Stamp = tuple[tuple[str, int], ...]


class Pictures(NamedTuple):
    """Figures of what neurons and synapses learned, by name."""

    dynamics: dict[str, Picture]
    plasticity: dict[str, Picture]


_drawn: dict[tuple[Path, Stamp], Pictures] = {}


def pictures(folder: Path) -> Pictures:
    """Draw what a run learned, unless it is drawn already.

    Parameters
    ----------
    folder : Path
        The cell's run.

    Raises
    ------
    DataError
        Some of the tables that local learning leaves are there, not all.
    """
    key = _key(folder)
    if key not in _drawn:
        _drawn[key] = _draw(folder)
    return _drawn[key]


def draw(folders: Sequence[Path]) -> None:
    """Draw what several runs learned, in parallel."""
    folders = [folder.resolve() for folder in folders if _key(folder) not in _drawn]
    drawn = parallel_map(_draw, folders, what="drawing")
    _drawn.update(zip(map(_key, folders), drawn, strict=True))


def _draw(folder: Path) -> Pictures:
    return Pictures(dynamics.of_run(folder), plasticity.of_run(folder))


def _key(folder: Path) -> tuple[Path, Stamp]:
    """Distinguish runs by their place and by when their tables were written."""
    tables = sorted(folder.glob("*.parquet"))
    stamp = tuple((table.name, table.stat().st_mtime_ns) for table in tables)
    return folder.resolve(), stamp
