"""Errors whose cause a user can correct.

    PipelineError
    ├── ConfigError        params.yaml, or a component it names
    ├── DataError          a file, recording, subject or label
    ├── MachineError       a disk, a permission, memory, another process
    └── MeasurementError   a meter or emulator

A `PipelineError` ends a stage with one block and exit status 2; anything else that
is raised is a bug in biospike and keeps its traceback.
"""


class PipelineError(Exception):
    """A mistake or a bad input, described in four parts.

    Parameters
    ----------
    where : str
        File and key, or subject, session and run.
    found : str
        What was found there.
    expected : str
        What would have been right.
    remedy : str
        What to do now.
    """

    def __init__(
        self, where: str, found: str, *, expected: str = "", remedy: str = ""
    ) -> None:
        super().__init__(where, found)
        self.where = where
        self.found = found
        self.expected = expected
        self.remedy = remedy

    def __str__(self) -> str:
        parts = {"expected": self.expected, "to do": self.remedy}
        lines = [f"{self.where}: {self.found}"]
        lines += [f"  {title}: {text}" for title, text in parts.items() if text]
        return "\n".join(lines)


class ConfigError(PipelineError):
    """A setting that cannot be used."""


class DataError(PipelineError):
    """A recording or label that cannot be used."""


class MachineError(PipelineError):
    """Something that the machine refused: no fault of a recording or a setting."""


class MeasurementError(PipelineError):
    """A measurement that could not be made."""
