"""The grid: its data sets, encoders and models, and its cells."""

from itertools import product, starmap
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from pipeline.components import Settings
from pipeline.names import FORM, entry_fault


def _fit(names: object) -> object:
    """Refuse names that some tool on the way takes for something else."""
    for name in names if isinstance(names, list | tuple) else ():
        if fault := entry_fault(name):
            raise ValueError(f"names of {FORM}; of {name!r}: {fault}")
    return names


def _no_repeats(names: tuple[str, ...]) -> tuple[str, ...]:
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(repeated)} stands there more than once")
    return names


Some = Annotated[tuple[str, ...], BeforeValidator(_fit), AfterValidator(_no_repeats)]
Names = Annotated[Some, Field(min_length=1)]


class Cell(NamedTuple):
    """A data set with an encoder and a model, written `mitdb-delta-lif`."""

    dataset: str
    encoder: str
    model: str

    def __str__(self) -> str:
        return "-".join(self)


class Audited(Settings):
    """What is audited: each data set with each encoder and each model; maybe none."""

    dataset: Some
    encoder: Some
    model: Some


class Grid(Settings):
    """The grid: every data set with every encoder and every model."""

    dataset: Names
    encoder: Names
    model: Names
    audit: Audited

    @model_validator(mode="after")
    def _audits_what_runs(self) -> Self:
        for axis in Cell._fields:
            runs = getattr(self, axis)
            for name in getattr(self.audit, axis):
                if name not in runs:
                    raise ValueError(
                        f"an audit of what runs: {name} is in grid.audit.{axis} and "
                        f"not in grid.{axis}"
                    )
        return self

    def cells(self) -> list[Cell]:
        """List the cells that run."""
        return list(starmap(Cell, product(self.dataset, self.encoder, self.model)))
