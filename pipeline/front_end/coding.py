"""The integer form of an encoder, found by its name."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.encoders.base import Encoder
from pipeline.encoders.joined import Joined
from pipeline.errors import ConfigError
from pipeline.front_end import codes
from pipeline.front_end.beat_design import BeatForm
from pipeline.front_end.code_design import CodeInput, EventCode

ENCODERS = "pipeline.encoders"


@dataclass(frozen=True)
class Part:
    """A code of a front end, and the channels that it is given.

    Parameters
    ----------
    name : str
        Of the encoder.
    rows : tuple of int
    code : EventCode or BeatForm
    """

    name: str
    rows: tuple[int, ...]
    code: EventCode | BeatForm

    @property
    def source(self) -> Path:
        """Its file of C."""
        return Path(codes.__path__[0]) / f"{self.name}.c"


def available() -> list[str]:
    """List the encoders with an integer form, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(codes.__path__))


def parts_of(
    encoder: Encoder[Any], given: CodeInput, channels: tuple[str, ...]
) -> tuple[Part, ...]:
    """Design the integers of an encoder: one part, or those that it joins.

    Raises
    ------
    ConfigError
        A part has no integer form or an unknown channel, or its settings do not fit 32
        bits.
    """
    return tuple(
        Part(
            each.own_name,
            rows,
            _integers(each, replace(given, n_channels=len(rows))),
        )
        for each, rows in _pieces(encoder.on(channels), channels)
    )


def _pieces(
    encoder: Encoder[Any], channels: tuple[str, ...]
) -> Iterator[tuple[Encoder[Any], tuple[int, ...]]]:
    """Give the codes, each with its channels."""
    if not isinstance(encoder, Joined):
        yield encoder, tuple(range(len(channels)))
        return
    for part in encoder.parts:
        names = part.channels or channels
        yield part.encoder, tuple(channels.index(name) for name in names)


def _integers(encoder: Encoder[Any], given: CodeInput) -> EventCode | BeatForm:
    """Choose the integers of one code."""
    package, _, name = type(encoder).__module__.rpartition(".")
    if package != ENCODERS or name not in available():
        found = ", ".join(available())
        raise ConfigError(
            "encoder",
            f"{type(encoder).__name__} has no integer form",
            expected=f"{found}, or joined of these",
            remedy="export a cell of one of these encoders",
        )
    form = importlib.import_module(f"{codes.__name__}.{name}")
    designed: EventCode | BeatForm = form.integers(encoder, given)
    return designed
