"""Windows cut out of packed spike trains, against the obvious way to do it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import files
from pipeline.errors import DataError
from pipeline.spikes import Spikes, pack, unpack
from pipeline.training import batches

LABELS = ("N", "V")
DT = 0.01


def _train(n_steps: int, *, seed: int, delay_s: float = 0.0, n: int = 3) -> Spikes:
    bits = np.random.default_rng(seed).random((n, n_steps)) < 0.3
    names = tuple(f"lead{k}" for k in range(n))
    return pack(bits, dt=DT, delay_s=delay_s, features=names)


def _table(
    rows: list[tuple[str, int, int, str]], ends: dict[str, int] | None = None
) -> pd.DataFrame:
    """List windows of recordings of one segment each, that ends at `ends`."""
    table = pd.DataFrame(rows, columns=["recording", "start", "stop", "label"])
    stop = table["recording"].map(ends or {"a": 90, "b": 61}).fillna(9).astype(int)
    return table.assign(
        window=range(100, 100 + len(rows)), segment_start=0, segment_stop=stop
    )


def _save(folder: Path, **trains: Spikes) -> Path:
    for name, train in trains.items():
        files.save_spikes(folder / f"{name}.h5", train)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spikes")
    return _save(folder, a=_train(90, seed=1), b=_train(61, seed=2))


@given(data=st.data(), length=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_every_window_equals_its_slice(
    two: Path, data: st.DataObject, length: int
) -> None:
    ends = {"a": 90, "b": 61}
    drawn = data.draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=8))
    starts = [data.draw(st.integers(0, ends[name] - length)) for name in drawn]
    table = _table(
        [(n, s, s + length, "N") for n, s in zip(drawn, starts, strict=True)]
    )
    windows = batches.load(two, table, LABELS)
    spikes = windows.spikes(torch.arange(len(table)))
    assert spikes.shape == (length, len(table), 3)
    assert spikes.dtype == torch.float32
    for column, (name, start) in enumerate(zip(drawn, starts, strict=True)):
        full = files.load_spikes(two / f"{name}.h5")
        expected = unpack(full, start, start + length).T
        np.testing.assert_array_equal(spikes[:, column].numpy(), expected)


def test_rows_and_targets_keep_the_order_of_the_table(two: Path) -> None:
    table = _table([("b", 0, 9, "V"), ("a", 5, 14, "N"), ("b", 7, 16, "V")])
    windows = batches.load(two, table, LABELS)
    assert windows.targets.tolist() == [1, 0, 1]
    assert windows.classes == [0, 1]
    assert (windows.n_steps, windows.n_features, windows.dt) == (9, 3, DT)
    one = windows.spikes(torch.tensor([2]))
    assert torch.equal(windows.spikes(torch.tensor([0, 2]))[:, 1:], one)


def test_a_code_that_lags_is_read_later_and_silent_past_its_end(tmp_path: Path) -> None:
    train = _train(50, seed=4, delay_s=3 * DT)
    _save(tmp_path, a=train, b=_train(50, seed=5, delay_s=3 * DT))
    rows = [("a", 10, 20, "N"), ("a", 40, 50, "V"), ("b", 0, 10, "N")]
    table = _table(rows, {"a": 50, "b": 50})
    spikes = batches.load(tmp_path, table, LABELS).spikes(torch.arange(3)).numpy()
    bits = unpack(train).T
    np.testing.assert_array_equal(spikes[:, 0], bits[13:23])
    np.testing.assert_array_equal(spikes[:7, 1], bits[43:50])
    assert not spikes[7:, 1].any()
    other = unpack(files.load_spikes(tmp_path / "b.h5")).T
    np.testing.assert_array_equal(spikes[:, 2], other[3:13])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", 0, 9, "N"), ("a", 0, 8, "N")], r"windows of 2 lengths, \[8, 9\]"),
        ([("a", 0, 9, "Q")], "it has windows of Q"),
        ([("missing", 0, 9, "N")], "there is no such file"),
    ],
)
def test_windows_that_do_not_fit_are_refused(
    two: Path, rows: list[tuple[str, int, int, str]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        batches.load(two, _table(rows), LABELS)


@pytest.mark.parametrize(("start", "stop"), [(0, 91), (-1, 90)])
def test_segments_beyond_the_spikes_are_refused(
    two: Path, start: int, stop: int
) -> None:
    table = _table([("b", 0, 9, "N"), ("a", 0, 9, "N")])
    table.loc[1, ["segment_start", "segment_stop"]] = start, stop
    found = f"window 101 of a: its segment goes from sample {start} to {stop}, beyond"
    with pytest.raises(DataError, match=found):
        batches.load(two, table, LABELS)


@given(start=st.integers(-20, 80), length=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_outside_of_its_segment_a_window_is_silent(
    two: Path, start: int, length: int
) -> None:
    table = _table([("a", start, start + length, "N")])
    table = table.assign(segment_start=7, segment_stop=60)
    spikes = batches.load(two, table, LABELS).spikes(torch.arange(1))[:, 0].numpy()
    bits = unpack(files.load_spikes(two / "a.h5")).T.copy()
    bits[:7] = bits[60:] = False
    padded = np.pad(bits, ((20, 40), (0, 0)))
    np.testing.assert_array_equal(spikes, padded[20 + start : 20 + start + length])


def test_recordings_that_differ_in_features_are_refused(tmp_path: Path) -> None:
    _save(tmp_path, a=_train(50, seed=4), b=_train(50, seed=4, n=2))
    table = _table([("a", 0, 9, "N"), ("b", 0, 9, "N")], {"a": 50, "b": 50})
    with pytest.raises(DataError, match=r"a has 3 features .* b has 2"):
        batches.load(tmp_path, table, LABELS)


@pytest.mark.parametrize("start", [-4, 55])
def test_one_window_that_leaves_its_segment_is_silent_there(
    two: Path, start: int
) -> None:
    """Before its start or after its end, among windows that stay inside."""
    table = _table([("b", 20, 29, "N"), ("b", start, start + 9, "N")])
    spikes = batches.load(two, table, LABELS).spikes(torch.arange(2)).numpy()
    bits = unpack(files.load_spikes(two / "b.h5")).T
    np.testing.assert_array_equal(spikes[:, 0], bits[20:29])
    alone = np.pad(bits, ((9, 9), (0, 0)))[9 + start : 18 + start]
    np.testing.assert_array_equal(spikes[:, 1], alone)
