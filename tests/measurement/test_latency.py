"""The median of repeated work, by a clock that only the work moves."""

from collections.abc import Callable, Iterator, Sequence

import pytest

from pipeline.measurement import latency
from pipeline.measurement.latency import WARM_UP, median_s

Work = Callable[[], None]


class Clock:
    """Stands still but for the work, which lasts as long as it is to."""

    def __init__(self, lasting: Sequence[float]) -> None:
        self.now = 1000.0
        self.lasting: Iterator[float] = iter(lasting)
        self.n_works = 0

    def perf_counter(self) -> float:
        return self.now

    def work(self) -> None:
        self.n_works += 1
        self.now += next(self.lasting)


@pytest.mark.parametrize(
    ("lasting", "median"),
    [
        ([0.5], 0.5),
        ([0.5, 0.25], 0.375),
        ([4.0, 0.5, 0.25], 0.5),
        ([0.25, 4.0, 0.5, 1.0], 0.75),
    ],
)
def test_the_median_of_the_repeats_alone(
    monkeypatch: pytest.MonkeyPatch, lasting: list[float], median: float
) -> None:
    clock = Clock([64.0] * WARM_UP + lasting)
    monkeypatch.setattr(latency, "time", clock)
    assert median_s(clock.work, len(lasting)) == median
    assert clock.n_works == WARM_UP + len(lasting)
    assert WARM_UP > 0
