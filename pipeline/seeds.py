"""One seed for everything, spawned by name: no global state, no order of calls."""

import hashlib

import numpy as np


def sequence(seed: int, *names: str | int) -> np.random.SeedSequence:
    """Derive an independent seed for a named purpose.

    Equal names give equal seeds whatever was drawn before; names that differ give
    independent ones (the names' SHA-256 is the spawn key).
    """
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    words = tuple(np.frombuffer(digest[:16], dtype="<u4").tolist())
    return np.random.SeedSequence(seed, spawn_key=words)


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Make the random generator of a named purpose."""
    return np.random.default_rng(sequence(seed, *names))


def integer(seed: int, *names: str | int) -> int:
    """Make a 63-bit seed of a named purpose, for libraries that want an integer."""
    word = sequence(seed, *names).generate_state(1, np.uint64)[0]
    return int(word >> np.uint64(1))
