"""Pictures of what neurons learned, from made-up tables."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from pipeline import files
from pipeline.plots import dynamics, portraits, quantities
from pipeline.plots.style import Picture


def table(quantity: str = "tau_mem_s", n_places: int = 6) -> pd.DataFrame:
    """Two layers in two folds, of which the second stops an epoch earlier."""
    rng = np.random.default_rng(3)
    rows = [
        (fold, epoch, epoch == 1, layer, quantity, str(place), 0.05 * rng.lognormal())
        for fold, n_epochs in ((0, 4), (1, 3))
        for epoch in range(n_epochs)
        for layer in (1, 2)
        for place in range(n_places)
    ]
    names = ["fold", "epoch", "kept", "layer", "quantity", "place", "value"]
    return pd.DataFrame(rows, columns=names)


def plane(next_u, next_w) -> pd.DataFrame:
    """Sample a map of two variables, the same before and after."""
    u, w = (grid.ravel() for grid in np.meshgrid(np.linspace(-2, 2, 21), np.arange(5)))
    state = {"u": u, "w": w, "next_u": next_u(u, w), "next_w": next_w(u, w)}
    shared = pd.DataFrame({"layer": 1, "quantile": 0.5, **state})
    return pd.concat(
        [
            shared.assign(fold=fold, when=when)
            for fold in range(2)
            for when in ("start", "learned")
        ],
        ignore_index=True,
    )


def check(picture: Picture | None) -> str:
    assert picture is not None
    ElementTree.fromstring(picture.svg)
    assert picture.source.startswith("data:image/svg+xml;base64,")
    return picture.alt


def test_histograms_state_the_medians() -> None:
    learned = table()
    learned.loc[learned["epoch"] == 0, "value"] = 0.05
    learned.loc[learned["kept"], "value"] = 0.08
    alt = check(quantities.time_constants(learned))
    assert "layer 1 tau_mem, ms 50 to 80" in alt
    assert "layer 2 tau_mem, ms 50 to 80" in alt


@pytest.mark.parametrize("value", [0.05, 1e-6, 100.0])
def test_equal_time_constants_are_drawn(value: float) -> None:
    check(quantities.time_constants(table().assign(value=value)))


def test_many_starting_values_are_a_histogram_too() -> None:
    check(quantities.time_constants(table(n_places=40)))


def test_what_is_not_finite_is_left_out() -> None:
    learned = table()
    learned.loc[::5, "value"] = np.nan
    learned.loc[1::5, "value"] = np.inf
    check(quantities.time_constants(learned))
    check(quantities.courses(learned))


def test_neurons_without_time_constants_have_no_histogram() -> None:
    assert quantities.time_constants(table("threshold")) is None
    assert "threshold over 3 epochs" in check(quantities.courses(table("threshold")))


def test_a_map_states_how_far_it_moved() -> None:
    u = np.linspace(-2, 2, 9)
    single = pd.concat(
        pd.DataFrame(
            {"u": u, "w": np.nan, "next_u": slope * u, "next_w": np.nan}
        ).assign(layer=1, fold=0, when=when, quantile=quantile)
        for when, slope in (("start", 0.5), ("learned", 0.75))
        for quantile in (0.25, 0.5, 0.75)
    )
    assert "layer 1 by up to 0.5 thresholds" in check(portraits.maps(single))
    assert portraits.phase_planes(single) is None


def test_two_variables_have_a_phase_plane() -> None:
    spiral = plane(lambda u, w: 0.9 * u - 0.1 * w, lambda u, w: 0.9 * w + 0.1 * u)
    check(portraits.phase_planes(spiral))
    assert portraits.maps(spiral) is None


def test_a_plane_where_nothing_moves_is_drawn() -> None:
    check(portraits.phase_planes(plane(lambda u, w: u, lambda u, w: w)))


def test_a_plane_that_runs_away_is_reported() -> None:
    plane_table = plane(lambda u, w: u, lambda u, w: w)
    picture = portraits.phase_planes(plane_table[plane_table["when"] == "start"])
    check(picture)


def test_a_reset_is_no_nullcline() -> None:
    """Beyond 1 the change leaps from rising to falling without passing 0."""
    change = np.where(np.linspace(-2, 2, 41) > 1, -1.0, 0.1)
    shown = portraits._without_jumps(np.tile(change, (5, 1)))
    signs = np.sign(shown)
    assert shown.mask[:, 30:32].all()
    assert shown.mask.sum() == 10
    both = signs[:, 1:] * signs[:, :-1]
    assert not (both < 0).any()


def test_only_pictures_of_tables_that_exist(tmp_path: Path) -> None:
    assert dynamics.of_run(tmp_path) == {}
    files.save_table(tmp_path / "learned.parquet", table())
    assert list(dynamics.of_run(tmp_path)) == ["time_constants", "courses"]
    spiral = plane(lambda u, w: 0.9 * u - 0.1 * w, lambda u, w: 0.9 * w + 0.1 * u)
    files.save_table(tmp_path / "portraits.parquet", spiral)
    drawn = dynamics.of_run(tmp_path)
    assert list(drawn) == ["time_constants", "phase_planes", "courses"]
    again = dynamics.of_run(tmp_path)
    assert {name: each.svg for name, each in drawn.items()} == {
        name: each.svg for name, each in again.items()
    }
