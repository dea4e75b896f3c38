"""The parts of a proposed entry, each with the reason that it was chosen."""

from dataclasses import dataclass, field
from typing import Any, Literal

How = Literal["found", "default", "asked"]


@dataclass(frozen=True)
class Chosen:
    """A setting, with the origin of its value.

    Parameters
    ----------
    value : object
        As YAML holds it.
    how : str
        Found in the files, a default, or asked of the user.
    why : str
        The reason, in one line.
    """

    value: Any
    how: How
    why: str

    @property
    def reason(self) -> str:
        """Write the origin and the reason, as a comment of the entry holds them."""
        return f"{self.how}: {self.why}"


@dataclass(frozen=True)
class Labels:
    """The place of the labels, and their classes.

    Parameters
    ----------
    where : str
        As the flag `--label` writes it: `annotation`, `field:run`.
    value : mapping
        `values.label` of the entry.
    classes : tuple of str
        In the order of the entry.
    lasting : str
        events, blocks, spans or recording.
    why : str
        What was found there.
    certain : bool
        Nothing else than a label stands there; else the user is asked.
    """

    where: str
    value: dict[str, Any]
    classes: tuple[str, ...]
    lasting: str
    why: str
    certain: bool = True


@dataclass(frozen=True)
class Looked:
    """The statements of the files that were looked at.

    Parameters
    ----------
    reader : mapping
        Settings of the reader that the files need, with reasons.
    channels : mapping of str to str
        Those of every file, in the first file's order, with their types; "" if the
        files do not state one.
    dropped : tuple of str
        Channels that some files lack.
    rates : tuple of float
        Hz, each once; empty if the files do not state one.
    units : tuple of str
        Each once; empty if the files do not state one.
    line_freq : float or None
        Hz.
    shortest_s : float or None
        Duration of the shortest file.
    labels : tuple of Labels
        Candidates, the most certain first.
    """

    reader: dict[str, Chosen] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    rates: tuple[float, ...] = ()
    units: tuple[str, ...] = ()
    line_freq: float | None = None
    shortest_s: float | None = None
    labels: tuple[Labels, ...] = ()
