"""The contract of every component, as checks for its author and for our own tests.

Each check raises AssertionError with what was broken.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.testing.encoders import check_encoder
    from pipeline.testing.meters import check_meter
    from pipeline.testing.networks import check_network
    from pipeline.testing.neurons import check_neuron
    from pipeline.testing.readers import check_reader
    from pipeline.testing.rules import check_rule
    from pipeline.testing.sources import check_source

__all__ = [
    "check_encoder",
    "check_meter",
    "check_network",
    "check_neuron",
    "check_reader",
    "check_rule",
    "check_source",
]


def __getattr__(name: str) -> Any:
    """Import a check when it is asked for, since those of networks need torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{name.removeprefix('check_')}s")
    return getattr(module, name)
