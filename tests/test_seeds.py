"""Seeds depend on names, and on nothing else."""

import numpy as np

from pipeline import seeds


def test_equal_names_draw_equal_numbers() -> None:
    first = seeds.generator(7, "folds", "mitdb").random(4)
    seeds.generator(7, "other").random(100)
    np.testing.assert_array_equal(first, seeds.generator(7, "folds", "mitdb").random(4))


def test_other_names_and_seeds_draw_other_numbers() -> None:
    draws = {
        tuple(seeds.generator(seed, *names).random(2))
        for seed, names in (
            (7, ("a", "b")),
            (7, ("ab",)),
            (7, ("b", "a")),
            (7, ("a", 1)),
            (8, ("a", "b")),
        )
    }
    assert len(draws) == 5


def test_integer_fits_in_63_bits_and_repeats() -> None:
    values = [seeds.integer(7, "train", fold) for fold in range(100)]
    assert len(set(values)) == 100
    assert all(0 <= value < 2**63 for value in values)
    assert values[0] == seeds.integer(7, "train", 0)
