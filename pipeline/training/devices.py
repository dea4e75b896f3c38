"""The device that torch computes on, and its settings for repeatable results."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from pipeline.errors import ConfigError


def choose() -> torch.device:
    """Choose where to train: `BIOSPIKE_DEVICE` is auto (default), cpu or cuda."""
    asked = os.environ.get("BIOSPIKE_DEVICE", "auto")
    has_cuda = torch.cuda.is_available()
    if asked not in {"auto", "cpu", "cuda"} or (asked == "cuda" and not has_cuda):
        raise ConfigError(
            "BIOSPIKE_DEVICE",
            f"'{asked}', and torch sees {'a' if has_cuda else 'no'} GPU",
            expected="auto, cpu, or cuda where there is a GPU",
            remedy="unset BIOSPIKE_DEVICE, or set it to one of these",
        )
    return torch.device("cuda" if has_cuda and asked != "cpu" else "cpu")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def repeatable(seed: int) -> Iterator[None]:
    """Make torch give the same numbers every time: one thread, no racing kernels.

    Initial weights and dropout draw from torch's own generator, which is seeded here
    and put back afterwards.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    mode = torch.get_deterministic_debug_mode()
    # As `use_deterministic_algorithms(True)`, which imports torch's compiler besides.
    torch.set_deterministic_debug_mode("error")
    try:
        with one_thread(), torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_deterministic_debug_mode(mode)
