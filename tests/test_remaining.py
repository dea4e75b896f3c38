"""The estimate for items that take equally long is true from the first one on."""

import math

import pytest

from pipeline.remaining import Remaining


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("pipeline.remaining.time.monotonic", made)
    return made


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
@pytest.mark.parametrize("total", [1, 4, 10])
def test_equal_items_have_the_true_estimate(
    clock: Clock, total: int, workers: int
) -> None:
    """Simulated: each takes 6 s, and workers take the next as they get free."""
    left = Remaining(total, min(workers, total), begun=1000)
    assert left.seconds() is None
    truth = 6.0 * math.ceil(total / left.workers)
    for number in range(total):
        clock.now = 1000 + 6 * (number // left.workers + 1)
        left.done(6.0)
        if number + 1 < total:
            found = left.seconds()
            assert found is not None
            # Rounds are of items that do not divide: by a round at most it is shorter.
            assert found <= truth - (clock.now - 1000)
            assert found > truth - (clock.now - 1000) - 6
            if total % left.workers == 0:
                assert found == truth - (clock.now - 1000)


def test_time_passes_between_items(clock: Clock) -> None:
    left = Remaining(2, 1, begun=1000)
    clock.now += 6
    left.done(6.0)
    for passed, expected in ((0, 6), (2, 4), (6, 0), (9, 0)):
        clock.now = 1006 + passed
        assert left.seconds() == expected


def test_the_start_of_workers_is_no_work(clock: Clock) -> None:
    """They import for 30 s, and then each item takes 2 s."""
    left = Remaining(6, 2, begun=1000)
    clock.now += 32
    left.done(2.0)
    left.done(2.0)
    assert left.seconds() == pytest.approx(4)


def test_one_long_item_at_the_end_is_not_shared(clock: Clock) -> None:
    left = Remaining(3, 2, begun=1000)
    clock.now += 5
    left.done(5.0)
    left.done(5.0)
    assert left.seconds() == 5
