"""Pictures of what synapses learned, from made-up tables."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from pipeline import files
from pipeline.errors import DataError
from pipeline.plots import accesses, fields, homeostasis, plasticity, snapshots, weights
from pipeline.plots.style import Picture

FEATURES = ("MLII+", "MLII-", "V1+", "V1-")


def histograms(shares: list[list[float]], n_folds: int = 1) -> pd.DataFrame:
    """Spread weights over bins of a fifth, a row a snapshot, the same in all folds."""
    rows = [
        (fold, 50 * k, 10.0 * k, low / 5, (low + 1) / 5, share)
        for fold in range(n_folds)
        for k, row in enumerate(shares)
        for low, share in enumerate(row)
    ]
    names = ["fold", "windows", "learned_s", "low", "high", "share"]
    return pd.DataFrame(rows, columns=names)


def fine_histograms() -> pd.DataFrame:
    """Twenty bins, as train writes them: half of the weights part to the ends."""
    edges = np.linspace(0, 1, 21)
    table = pd.concat(
        pd.DataFrame({"fold": 0, "windows": k, "learned_s": 1.0 * k, "low": edges[:-1],
                      "high": edges[1:], "share": 0.0})
        for k in (0, 7)
    )  # fmt: skip
    for windows, places in ((0, {9: 1.0}), (7, {0: 0.2, 1: 0.1, 9: 0.5, 18: 0.2})):
        for place, share in places.items():
            here = (table["windows"] == windows) & (table["low"] == edges[place])
            table.loc[here, "share"] = share
    return table


def units_table(
    n_units: int = 5, n_folds: int = 2, n_snapshots: int = 4
) -> pd.DataFrame:
    """Rates that meet at 2 Hz, from which unit k is k Hz away at first."""
    rows = [
        (fold, 50 * k, 10.0 * k, unit, np.nan if k == 0 else 2 + unit / k, 1.0 + k)
        for fold in range(n_folds)
        for k in range(n_snapshots)
        for unit in range(n_units)
    ]
    names = ["fold", "windows", "learned_s", "unit", "rate_hz", "threshold"]
    return pd.DataFrame(rows, columns=names)


def fields_table(
    n_units: int = 5,
    n_folds: int = 2,
    n_delays: int = 4,
    features: tuple[str, ...] = FEATURES,
) -> pd.DataFrame:
    """Unit u waits for the first feature u steps ago; OFF comes before ON."""
    rows = [
        (fold, unit, feature, 0.01 * k, 0.5,
         1.0 if feature == features[0] and k == unit else 0.25)
        for fold in range(n_folds)
        for unit in range(n_units)
        for feature in features[::-1]
        for k in range(n_delays)
    ]  # fmt: skip
    names = ["fold", "unit", "feature", "delay_s", "start", "weight"]
    return pd.DataFrame(rows, columns=names)


def check(picture: Picture) -> str:
    ElementTree.fromstring(picture.svg)
    assert picture.source.startswith("data:image/svg+xml;base64,")
    return picture.alt


def texts(picture: Picture) -> list[str]:
    """Read the texts of a picture."""
    root = ElementTree.fromstring(picture.svg)
    found = (each for each in root.iter() if each.tag.endswith("}text"))
    return ["".join(each.itertext()) for each in found]


def images(picture: Picture) -> int:
    return picture.svg.count("<image ")


def save(folder: Path) -> None:
    for name, table in zip(
        plasticity.TABLES,
        (fine_histograms(), units_table(), fields_table()),
        strict=True,
    ):
        files.save_table(folder / name, table)


def test_pictures_come_from_three_tables_or_from_none(tmp_path: Path) -> None:
    assert plasticity.of_run(tmp_path) == {}
    save(tmp_path)
    drawn = plasticity.of_run(tmp_path)
    assert list(drawn) == ["fields", "weights", "homeostasis"]
    again = plasticity.of_run(tmp_path)
    assert {name: each.svg for name, each in drawn.items()} == {
        name: each.svg for name, each in again.items()
    }


@pytest.mark.parametrize("name", plasticity.TABLES)
def test_a_missing_table_is_reported(tmp_path: Path, name: str) -> None:
    save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=re.escape(name)):
        plasticity.of_run(tmp_path)


def test_fields_are_of_the_most_active_units_of_the_first_fold() -> None:
    units = units_table(30, n_snapshots=2)
    units.loc[units["fold"] == 1, "rate_hz"] *= -1
    picture = fields.receptive_fields(fields_table(30), units)
    alt = check(picture)
    assert "24 of 30 units of fold 0" in alt
    assert "4 features at 4 delays up to 30 ms" in alt
    assert images(picture) == 24 + 1  # and the scale of colours
    found = texts(picture)
    named = [line for line in found if line.startswith("unit ")]
    assert named[0] == "unit 29 · 31 Hz"
    assert named[-1] == "unit 6 · 8 Hz"
    assert found.count("moved 0.25") == 24


def test_a_field_states_its_strongest_weight_and_how_far_it_moved() -> None:
    alt = check(fields.receptive_fields(fields_table(1), units_table(1)))
    assert "the strongest, 1, is of unit 0 for MLII+ 0 ms before its spike" in alt
    # 15 of 16 weights fell by a quarter, one rose by a half.
    assert f"by {(15 * 0.25 + 0.5) / 16:.2g} of" in alt


def test_time_runs_to_the_right_and_on_stands_above_off() -> None:
    from pipeline.plots.style import new_figure

    table = fields_table(3).query("fold == 0 and unit == 2")
    order = fields.in_pairs(list(table["feature"].unique()))
    assert order == ["V1+", "V1-", "MLII+", "MLII-"]
    with new_figure(1) as (_, (axes,)):
        drawn = fields._draw_field(axes, table, order, 1.0).get_array()
    assert drawn is not None
    assert drawn.shape == (4, 4)
    # The strong weight is 20 ms old: the second column of 30, 20, 10 and 0 ms.
    assert np.argwhere(drawn == 1.0).tolist() == [[2, 1]]
    found = texts(fields.receptive_fields(fields_table(3), units_table(3)))
    assert [text for text in found if text in ("−30", "−10", "0")][:3] == [
        "−30",
        "−10",
        "0",
    ]


def test_many_features_are_named_by_channel() -> None:
    names = tuple(f"C{k}{sign}" for k in range(20) for sign in "+-")
    picture = fields.receptive_fields(fields_table(2, features=names), units_table(2))
    check(picture)
    found = texts(picture)
    assert [text for text in found if text.startswith("C")][:2] == ["C19", "C16"]
    assert not any(text.endswith(("+", "−")) for text in found)
    assert len([text for text in found if text.startswith("C")]) < 10


@pytest.mark.parametrize("rate", [np.nan, 0.0])
def test_silent_units_have_fields_in_their_order(rate: float) -> None:
    units = units_table(3).assign(rate_hz=rate)
    picture = fields.receptive_fields(fields_table(3), units)
    check(picture)
    named = [text for text in texts(picture) if text.startswith("unit")]
    hertz = "" if np.isnan(rate) else " · 0 Hz"
    assert named == [f"unit {k}{hertz}" for k in range(3)]


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_weights_and_one_delay_are_drawn(value: float) -> None:
    table = fields_table(1, 1, 1).assign(start=value, weight=value)
    alt = check(fields.receptive_fields(table, units_table(1, 1)))
    assert "1 of 1 unit of fold 0" in alt
    assert "moved a weight by 0 of" in alt


def test_weights_that_parted_are_counted() -> None:
    alt = check(weights.weights_over_time(fine_histograms()))
    assert "weights of 1 fold spread over 7 s of signal" in alt
    assert "Below 0.1 of the largest allowed lie 0.0 % at the start and 30.0 %" in alt
    assert "above 0.9 0.0 % and 20.0 %" in alt


def test_folds_are_averaged_and_the_shorter_one_ends_with_the_longer() -> None:
    long = histograms([[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1]])
    short = histograms([[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]]).assign(fold=1)
    pooled = weights.pooled_shares(pd.concat([long, short]))
    np.testing.assert_array_equal(pooled.columns, [0.0, 5.0, 15.0])
    np.testing.assert_allclose(pooled[15.0], [0, 0, 0, 0.5, 0.5])
    np.testing.assert_allclose(pooled.sum(), 1)


@pytest.mark.parametrize("n_snapshots", [1, 2])
def test_few_snapshots_and_constant_weights_are_drawn(n_snapshots: int) -> None:
    shares: list[list[float]] = [[0, 0, 1, 0, 0]] * n_snapshots
    check(weights.weights_over_time(histograms(shares)))


@pytest.mark.parametrize(
    ("seconds", "written"), [(30, "30 s"), (1800, "30 min"), (36000, "10 h")]
)
def test_time_has_a_unit_to_read(seconds: float, written: str) -> None:
    name, scale = snapshots.time_unit(seconds)
    assert f"{seconds / scale:g} {name}" == written


def test_rates_and_thresholds_are_described() -> None:
    alt = check(homeostasis.homeostasis(units_table()))
    assert "10 units of 2 folds" in alt
    assert "the median rate goes from 4 to 2.67 Hz" in alt
    assert "within 2.33 to 3 Hz and 0 are silent" in alt
    assert "threshold goes from 1 to 4" in alt


def test_no_rates_are_described_as_such() -> None:
    picture = homeostasis.homeostasis(units_table(1, 1, 1))
    assert "no rates yet" in check(picture)
    assert "none yet" in texts(picture)


def test_silent_units_are_counted() -> None:
    alt = check(homeostasis.homeostasis(units_table().fillna(0.0).assign(rate_hz=0.0)))
    assert "from 0 to 0 Hz" in alt
    assert "10 are silent" in alt


def test_a_few_high_rates_do_not_hide_the_others() -> None:
    units = units_table(40)
    even = texts(homeostasis.homeostasis(units))
    units.loc[units["unit"] == 0, "rate_hz"] *= 100
    squeezed = texts(homeostasis.homeostasis(units))
    assert "rate of the units, Hz" in even
    assert "rate of the units, Hz, square-root scale" in squeezed
    assert {"0", "10", "20", "50", "100", "200"} <= set(squeezed)


def bill(**words: tuple[float, float]) -> dict[str, Any]:
    return {
        "per_step": {
            scheme: {
                "weight_words_read": read,
                "weight_words_written": written,
                "row_bursts": 1.0,
            }
            for scheme, (read, written) in words.items()
        }
    }


def test_schemes_are_compared_with_both_baselines() -> None:
    # Sorted by name, as JSON keeps them.
    learning = bill(dense=(400, 400), forward_only=(70, 30), two_tables=(20, 20))
    (line,) = accesses.comparisons(learning)
    every, two = accesses.SCHEMES["dense"], accesses.SCHEMES["two_tables"]
    assert line == (
        f"“rows of active sources” touches 8 times fewer words a step than “{every}” "
        f"and 2.5 times more than “{two}”."
    )
    assert list(accesses.schemes(learning["per_step"])) == [
        "dense",
        "two_tables",
        "forward_only",
    ]


def test_indices_count_as_words() -> None:
    learning = bill(two_tables=(60, 40), compiled=(40, 40))
    assert "1.25 times fewer words" in accesses.comparisons(learning)[0]
    learning["per_step"]["compiled"]["index_words_read"] = 120.0
    assert "2 times more words" in accesses.comparisons(learning)[0]


def test_equal_and_idle_schemes_are_compared_in_words() -> None:
    learning = bill(dense=(100, 100), two_tables=(0, 0), compiled=(0, 0))
    (line,) = accesses.comparisons(learning)
    assert "touches no words a step, unlike “every synapse" in line
    assert "as many as “two tables" in line
    (line,) = accesses.comparisons(bill(dense=(5e5, 5e5), compiled=(10, 0)))
    assert "100\u202f000 times fewer" in line
    assert accesses.comparisons(bill(forward_only=(1, 1))) == []


def test_words_are_drawn_as_far_as_they_are_counted() -> None:
    learning = bill(dense=(4096, 0), two_tables=(12.5, 3), own_scheme=(7, 7))
    learning["per_step"]["two_tables"]["index_words_read"] = 9.25
    picture = accesses.accesses(learning)
    alt = check(picture)
    assert "12.5 weights read, 3 weights written, 9.25 indices read; own scheme" in alt
    assert "step 4\u202f096 weights read, 0 weights written; two tables" in alt
    found = {text.strip() for text in texts(picture)}
    assert {"own scheme", "indices read", "4\u202f096", "9.25", "0"} <= found


def test_indices_that_nobody_reads_are_not_drawn() -> None:
    learning = bill(dense=(8, 8))
    assert "indices read" not in texts(accesses.accesses(learning))
    learning["per_step"]["dense"]["index_words_read"] = 0.0
    assert "indices read" not in texts(accesses.accesses(learning))


def test_schemes_that_touch_nothing_are_drawn() -> None:
    check(accesses.accesses(bill(dense=(0, 0), compiled=(0, 0))))
