"""The report on the clock: classifiers without a signal."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.evaluation.clock import GIVEN, TITLES
from pipeline.report import device
from pipeline.report.answers import against_clock, listed

Plain = dict[str, Any]


def shown(clock: Mapping[str, Any]) -> list[Plain]:
    """List the clock's classifiers with their metrics, as rows beside the models."""
    return [{"title": title, "metrics": clock[name]} for name, title in TITLES.items()]


def leads(cells: Sequence[Plain]) -> list[Plain]:
    """List by how much each cell leads over the clock, as rows beside the tests."""
    return [
        {
            "encoder": cell["encoder"],
            "clock": (clock := TITLES[cell["metrics"]["clock"]["best"]]),
            "title": f"{cell['model']} − {clock}",
            **cell["metrics"]["clock"],
            "group": against_clock(cell)["group"],
        }
        for cell in cells
    ]


def warning(cells: Sequence[Plain]) -> str:
    """List which of a data set's cells are not shown to be better than the clock.

    Returns
    -------
    sentence : str
        Empty if all of them are better.
    """
    near = [cell for cell in cells if cell["metrics"]["clock"]["near"]]
    if not near:
        return ""
    clock = near[0]["metrics"]["clock"]
    reached = f"{100 * clock[clock['best']]['value']:.1f} %"
    names = [
        f"{device.title(cell)} "
        f"({100 * cell['metrics']['balanced_accuracy']['value']:.1f} %)"
        for cell in near
    ]
    verb = "is" if len(near) == 1 else "are"
    return (
        f"The place in the recording alone, without any signal, gives a balanced "
        f"accuracy of {reached} ({GIVEN[clock['best']]}). {listed(names)} {verb} not "
        f"shown to be better: such a score needs no signal."
    )
