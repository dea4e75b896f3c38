"""An estimate of the time that several workers still need for their items."""

import time
from dataclasses import dataclass, field


@dataclass
class Remaining:
    """The time that is left, from what finished items took.

    With m the mean of these, e_i how long running item i has been at work, and n items
    that wait for one of w workers,

        left = max(max_i r_i, (sum_i r_i + n m) / w),  r_i = max(0, m - e_i).

    So an item that runs counts by its remainder, and the time in which workers start
    does not count. The time that has passed, by items done, times those left, would be
    too long at first.

    Parameters
    ----------
    total, workers : int
    begun : float
        Seconds of the clock of `time.monotonic`.
    """

    total: int
    workers: int
    begun: float = field(default_factory=time.monotonic)
    _took: list[float] = field(default_factory=list)
    _ended: list[float] = field(default_factory=list)

    def done(self, seconds: float) -> None:
        """Note that an item is done, and what it took."""
        self._took.append(seconds)
        self._ended.append(time.monotonic())

    def seconds(self) -> float | None:
        """Estimate the seconds that are left; None before the first item is done."""
        if not self._took:
            return None
        now, mean = time.monotonic(), sum(self._took) / len(self._took)
        # An item starts when a worker is free: at once, or when another has ended.
        starts = [self.begun] * self.workers + self._ended
        started = min(self.total, len(starts))
        n_running = started - len(self._took)
        running = starts[started - n_running : started]
        rests = [max(0.0, mean - (now - start)) for start in running]
        work = sum(rests) + mean * (self.total - started)
        return max([work / self.workers, *rests])
