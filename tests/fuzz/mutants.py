"""Mutants by their numbers."""

from collections.abc import Sequence

import numpy as np

from tests.fuzz.items import Item
from tests.fuzz.mutations import (
    Mutation,
    copy,
    empty,
    extend,
    flip,
    foreign,
    mix,
    move,
    overwrite,
    remove,
    swap,
    truncate,
)
from tests.fuzz.mutations_archives import hostile, inner
from tests.fuzz.mutations_arrays import eeg_fields, samples, variables
from tests.fuzz.mutations_formats import (
    beats,
    edf_field,
    edf_notes,
    other_beats,
    packed_rows,
    rows,
    sidecar,
    zeros,
)
from tests.fuzz.mutations_texts import encode, field, line, number

EVERYWHERE: tuple[Mutation, ...] = (
    *(truncate, extend, flip, flip, overwrite, move, number, number, number),
    *(field, field, line, encode, swap, mix, copy, foreign, empty, remove),
)
"""Drawn with equal chance; what is there twice is drawn twice as often."""

FITTING: dict[str, tuple[Mutation, ...]] = {
    "wfdb": (beats, beats, other_beats, zeros),
    "edf": (edf_field, edf_field, edf_field, edf_notes, zeros),
    "bids": (edf_field, sidecar, sidecar, zeros),
    "brainvision": (zeros, samples),
    "eeglab": (zeros, samples, eeg_fields, eeg_fields),
    "fif": (),
    "table": (rows, rows, rows, packed_rows),
    "array": (zeros, samples, variables, variables),
    "archive": (hostile, hostile, hostile, inner),
}
"""Mutations of a decoder's items, beside those of all."""

TWICE = 0.15
"""Share of mutants that are changed a second time."""


def mutant(items: Sequence[Item], seed: int, number: int) -> tuple[Item, str]:
    """Make a mutant: the same for equal items, seed and number.

    Parameters
    ----------
    items : sequence of Item
        Taken in turn.
    seed, number : int

    Returns
    -------
    item : Item
    what : str
        What was changed.
    """
    rng = np.random.default_rng([seed, number])
    item, what = _changed(items[number % len(items)], rng, first=True)
    if rng.random() < TWICE and "fault" not in item.facts:
        item, more = _changed(item, rng, first=False)
        what = f"{what}; {more}"
    return item, what


def _changed(item: Item, rng: np.random.Generator, *, first: bool) -> tuple[Item, str]:
    """Draw mutations until one fits, a format's own as often as all others."""
    own = FITTING[item.decoder]
    for _ in range(100):
        kinds = own if own and rng.random() < 0.5 else EVERYWHERE
        mutation = kinds[int(rng.integers(0, len(kinds)))]
        try:
            done = mutation(item, rng)
        except Exception:
            continue  # an earlier change left nothing that it fits
        # What must be refused may no longer need to be, of files that are damaged.
        if done is not None and (first or "fault" not in done[0].facts):
            return done[0], f"{mutation.__name__}: {done[1]}"
    return item, "nothing fits"
