"""One message at the end of a command, for every fault that a user can correct."""

from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import PipelineError
from pipeline.machine import refusal
from pipeline.parallel import console
from pipeline.real_names import shown


@contextmanager
def in_one_message(title: str = "", *, debug: bool) -> Iterator[None]:
    """End the process with status 2 and the message of an expected error.

    Parameters
    ----------
    title : str
        Printed before the message.
    debug : bool
        Let the error pass, with its traceback. Any other error is a bug and passes.
    """
    try:
        yield
    except (PipelineError, OSError, MemoryError) as error:
        explained = error if isinstance(error, PipelineError) else refusal(error)
        if debug or explained is None:
            raise
        if title:
            console.print(title, end=" ", markup=False, style="bold red")
        console.print(shown(str(explained), console), markup=False)
        raise SystemExit(2) from None
