"""Compilation of kernels, and their cache on disk.

Division by zero gives infinity, as in torch, and arithmetic is never reordered or
contracted, so that the reference implementations give the same bits.
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

CONFIG: Any = numba.config

EXACT: Any = {"error_model": "numpy"}
"""Options of all that is compiled."""


def inlined(formula: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a formula for loops in other files."""
    jit: Any = numba.njit(nogil=True, **EXACT)
    fast: Callable[..., Any] = jit(formula)
    return fast


def compiled(loop: Callable[..., None]) -> Callable[..., None]:
    """Compile a loop, and keep it on disk for this version of the kernels' sources.

    Numba's own cache notices changes of the loop's file, but not of the files whose
    formulas it uses; so each version of the folder has a cache of its own.
    """
    usual = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = _folder()
    try:
        jit: Any = numba.njit(cache=True, nogil=True, **EXACT)
        fast: Callable[..., None] = jit(loop)
        return fast
    finally:
        CONFIG.CACHE_DIR = usual


def kind_of(seen: Any) -> Any:
    """Give the NamedTuple class of a type met while compiling, or None."""
    return getattr(seen, "instance_class", None)


@cache
def _folder() -> str:
    """Name the cache of these sources: beside them, or at home if that is read-only."""
    here = Path(__file__).parent
    beside = here / "__pycache__"
    usual = beside if os.access(here, os.W_OK) else Path.home() / ".cache" / "biospike"
    sources = b"".join(path.read_bytes() for path in sorted(here.rglob("*.py")))
    base = Path(os.environ.get("NUMBA_CACHE_DIR") or usual)
    return str(base / hashlib.sha256(sources).hexdigest()[:12])
