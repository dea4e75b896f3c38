"""Sockets of servers that tests break off."""

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def sockets_end_with_their_module() -> Iterator[None]:
    """Collect what broken connections leave here, not in a test that has none.

    A client that a server cuts off keeps its closed socket in a cycle with the error;
    Python warns of it whenever it is collected, and a warning fails a test.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
