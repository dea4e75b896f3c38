"""What every meter must do."""

from pipeline.errors import MeasurementError
from pipeline.meters.base import Meter


def check_meter(meter: Meter) -> None:
    """Check that a meter says why it cannot measure, or measures; never a made-up 0."""
    done: list[bool] = []
    reason = meter.unavailable()
    if reason is None:
        joules = meter.measure(lambda: done.append(True))
        assert done == [True], f"the work was done {len(done)} times"
        assert 0 <= joules < float("inf"), f"{joules} J"
        return
    assert reason.strip(), "the reason is empty"
    try:
        joules = meter.measure(lambda: done.append(True))
    except MeasurementError:
        return
    raise AssertionError(f"gives {joules} J although it is unavailable: {reason}")
