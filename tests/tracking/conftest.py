"""What the tests here share."""

from tests.sockets import sockets_end_with_their_module

__all__ = ["sockets_end_with_their_module"]
