"""Average power, and how long a battery lasts."""

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import DataError
from pipeline.files import dump_json
from pipeline.profiling.duty import CR2032, Battery, duty, windows_per_second


def windows(onsets: dict[str, list[float]]) -> pd.DataFrame:
    rows = [(name, onset) for name, times in onsets.items() for onset in times]
    return pd.DataFrame(rows, columns=["recording", "onset_s"])


def test_decisions_come_as_often_as_windows_follow_each_other() -> None:
    table = windows({"a": [0.0, 0.5, 1.0, 1.5], "b": [100.0, 100.5]})
    assert windows_per_second(table) == pytest.approx(2)
    shuffled = table.sample(frac=1, random_state=np.random.RandomState(3))
    assert windows_per_second(shuffled) == pytest.approx(2)


def test_pauses_and_the_way_between_recordings_do_not_count() -> None:
    beats = [0.0, 0.8, 1.6, 2.4, 300.0, 300.8]
    assert windows_per_second(windows({"a": beats, "b": [0.4]})) == pytest.approx(1.25)


def test_windows_of_one_moment_are_one_decision() -> None:
    table = windows({"a": [0.0, 0.0, 0.0, 0.5]})
    assert windows_per_second(table) == pytest.approx(2)


def test_single_windows_have_no_rhythm() -> None:
    with pytest.raises(DataError, match="no recording has two windows"):
        windows_per_second(windows({"a": [0.0], "b": [1.0]}))


def test_power_is_the_encoders_and_the_windows() -> None:
    result = duty(2e-6, 3e-6, 1.5)
    assert result["average_w"] == pytest.approx(6e-6)
    assert result["always_on_w"] == 3e-6
    assert result["windows_per_s"] == 1.5
    # 225 mAh at 3 V are 2430 J; 6 µW take 405 million seconds of that.
    assert CR2032.energy_j == pytest.approx(2430)
    assert result["battery_days"] == pytest.approx(2430 / 6e-6 / 86400)
    assert result["battery"]["name"] == "CR2032"
    assert result["battery"]["source"]
    dump_json(result)


def test_a_battery_lasts_as_long_as_it_holds_more() -> None:
    big = Battery("big", capacity_ah=1.0, voltage_v=1.5, source="us")
    assert duty(1.0, 0.0, 1.0, big)["battery_days"] == pytest.approx(5400 / 86400)


def test_what_nothing_drains_has_no_end() -> None:
    result = duty(0.0, 0.0, 1.0)
    assert result["battery_days"] is None
    dump_json(result)
