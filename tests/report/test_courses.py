"""What the figures of training hold."""

import io

import pandas as pd

from pipeline.report import courses


def history(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"fold": [0, 0, 1], "epoch": [1, 2, 1], **columns})


def test_rates_are_those_of_each_layer_fold_and_epoch() -> None:
    """Of models with spikes; a model with fewer layers has fewer lines."""
    two = history(spike_rate=5.0, spike_rate_1=[1, 2, 3], spike_rate_2=[4, 5, 6])
    one = history(spike_rate_1=[7, 8, None])
    picture = courses.firing_rates({"two": two, "one": one, "ann": history()})
    assert picture is not None
    assert picture.alt.endswith("a line a fold: two, one.")
    table = pd.read_csv(io.StringIO(picture.data))
    shown = table.set_index(["model", "layer", "fold", "epoch"])["spikes_per_s"]
    assert shown.to_dict() == {
        ("two", 1, 0, 1): 1,
        ("two", 1, 0, 2): 2,
        ("two", 1, 1, 1): 3,
        ("two", 2, 0, 1): 4,
        ("two", 2, 0, 2): 5,
        ("two", 2, 1, 1): 6,
        ("one", 1, 0, 1): 7,
        ("one", 1, 0, 2): 8,
    }
    assert "stroke-dasharray" in picture.svg


def test_without_spikes_there_is_no_picture_of_rates() -> None:
    assert courses.firing_rates({"ann": history(spike_rate=None)}) is None
