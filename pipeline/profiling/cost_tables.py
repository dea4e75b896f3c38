"""Published costs of operations and memory: one YAML file a table, in `costs/`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError, model_validator

from pipeline.components import Settings
from pipeline.errors import ConfigError
from pipeline.wording import explain

COSTS = Path(__file__).parent / "costs"

Numbers = Literal["float32", "int8", "instructions"]

Operation = Literal[
    "accumulate",
    "multiply_accumulate",
    "membrane_multiply_accumulate",
    "membrane_update",
    "shifted_addition",
    "rescaling",
    "spike",
    "addressing",
    "addition",
    "multiplication",
    "cycle",
]

Joules = Annotated[float, Field(gt=0, lt=1e-6)]


class Memory(Settings):
    """The cost of an access, by the size of the memory."""

    access_bits: Annotated[int, Field(gt=0, description="width of an access")]
    points: Annotated[
        tuple[tuple[Annotated[int, Field(gt=0)], Joules], ...],
        Field(min_length=2, description="bytes, and joules of an access"),
    ]

    @model_validator(mode="after")
    def _check_points(self) -> "Memory":
        sizes = [size for size, _ in self.points]
        if sizes != sorted(set(sizes)):
            raise ValueError("points: sizes do not rise")
        return self

    def joules_per_bit(self, size_bytes: int) -> float:
        """Interpolate; constant below the first point, linear beyond the last.

        Parameters
        ----------
        size_bytes : int
            Of the memory.
        """
        sizes, joules = np.array(self.points, float).T
        access = float(np.interp(size_bytes, sizes, joules))
        if size_bytes > sizes[-1]:
            slope = (joules[-1] - joules[-2]) / (sizes[-1] - sizes[-2])
            access += slope * (size_bytes - sizes[-1])
        return access / self.access_bits


class CostTable(Settings):
    """The costs of operations on one kind of hardware."""

    source: Annotated[str, Field(min_length=1, description="where it was published")]
    doi: Annotated[str | None, Field(pattern=r"^10\.", description="of the source")]
    technology: str
    applies_to: Annotated[Numbers, Field(description="networks that it can bill")]
    joules: Annotated[
        Mapping[Operation, Joules],
        Field(min_length=1, description="of one operation of each kind"),
    ]
    memory: Memory | None = None
    spikes_only: Annotated[
        bool, Field(description="networks with graded values are not billed")
    ] = False
    most_multiplications: Annotated[
        int | None, Field(gt=0, description="an update of neurons that run there")
    ] = None
    cycles_per_instruction: Annotated[float | None, Field(ge=1)] = None
    assumptions: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="assumptions of an estimate"),
    ]


@cache
def tables() -> dict[str, CostTable]:
    """Read all tables, by name.

    Raises
    ------
    ConfigError
        A file is not such a table.
    """
    return {path.stem: load_table(path) for path in sorted(COSTS.glob("*.yaml"))}


def load_table(path: Path) -> CostTable:
    """Read one table.

    Raises
    ------
    ConfigError
        The file is not such a table.
    """
    from ruamel.yaml import YAML

    settings = YAML(typ="safe").load(path)
    try:
        return CostTable.model_validate(settings)
    except ValidationError as error:
        found, expected = explain(error, CostTable, settings)
        raise ConfigError(f"cost table {path.name}", found, expected=expected) from None


def tables_for(numbers: Numbers) -> dict[str, CostTable]:
    """Choose the tables that bill networks in such numbers, by name."""
    return {n: table for n, table in tables().items() if table.applies_to == numbers}


def instruction_energy(name: str) -> float:
    """Give the energy of one instruction of an emulated processor, in joules.

    ::

        E_instruction = E_cycle · cycles an instruction

    Raises
    ------
    ConfigError
        There is no such table, or it is not one of a processor.
    """
    table = tables().get(name)
    if table is None or table.cycles_per_instruction is None:
        names = ", ".join(tables_for("instructions"))
        raise ConfigError(
            f"cost table {name}",
            "is not one of a processor",
            expected=names,
            remedy="name one of these tables",
        )
    return table.joules["cycle"] * table.cycles_per_instruction
