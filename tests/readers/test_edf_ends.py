"""Where EDF signals end: with any number of channels, and anything behind them."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import DataError
from pipeline.quality import FLAT_S
from pipeline.readers.base import Content
from pipeline.readers.mne import Mne
from pipeline.readers.parts.mne.edf_header import read_edf_header

WriteEdf = Callable[..., list[np.ndarray]]
RATE, SECONDS = 100, 10
ALL = ("annotation", "")


def _read(folder: Path, main: str) -> Content:
    return Mne().read(folder, [main], (ALL,))


def _noise(n_channels: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(-400, 400, (n_channels, SECONDS * RATE))


@pytest.mark.parametrize("name", ["a.edf", "a.bdf"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_samples_in_blocks_of_few_records(
    tmp_path: Path,
    write_edf: WriteEdf,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    n_channels: int,
) -> None:
    expected = np.stack(write_edf(tmp_path / name, _noise(n_channels))) * 1e-6
    for n_bytes in (1, 500, 1300, 1 << 24):
        monkeypatch.setattr("pipeline.readers.parts.mne.edf.BLOCK_BYTES", n_bytes)
        content = _read(tmp_path, name)
        found = content.read(0, content.n_samples)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-15)
        np.testing.assert_array_equal(content.read(199, 401), found[:, 199:401])


def _last_lively(values: np.ndarray) -> int:
    """Find the end as it is defined, by a loop over the changes of a full signal."""
    near, n_samples = FLAT_S * RATE, values.shape[1]
    changes = [
        n for n in range(n_samples - 1) if not (values[:, n] == values[:, n + 1]).all()
    ]
    end = n_samples
    for before, after in pairwise(changes):
        if after - before < near:
            end = after + 2
    return end if n_samples - end >= near else n_samples


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("seed", range(12))
def test_the_end_is_that_of_the_definition(
    tmp_path: Path, write_edf: WriteEdf, n_channels: int, seed: int
) -> None:
    """Constants with rare changes, of any length, and of any distance to each other."""
    rng = np.random.default_rng(seed)
    changes = rng.random((n_channels, SECONDS * RATE)) < rng.choice([0.003, 0.01, 0.02])
    values = np.cumsum(changes, axis=1) * 5.0
    values[:, : rng.integers(1, 400)] += rng.choice([0.0, 9.0])
    write_edf(tmp_path / "a.edf", values)
    content = _read(tmp_path, "a.edf")
    assert content.end == _last_lively(values)


@pytest.mark.parametrize("before", [907, 908, 909])
def test_the_last_two_changes_lie_in_two_pieces_of_the_search(
    tmp_path: Path, write_edf: WriteEdf, before: int
) -> None:
    """A record, 101 samples, is searched at a time; what is flat lasts 20.2 samples."""
    values = np.zeros((1, 10 * 101))
    values[:, before + 1 :] = 5
    values[:, before + 1 + 20 :] = 9
    write_edf(tmp_path / "a.edf", values, rates=101)
    assert _read(tmp_path, "a.edf").end == before + 22


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("short", [True, False])
def test_constants_as_long_as_what_is_flat_are_no_signal(
    tmp_path: Path, write_edf: WriteEdf, n_channels: int, short: bool
) -> None:
    near = round(FLAT_S * RATE)
    values = _noise(n_channels)
    constant = near + (0 if short else 1)
    values[:, -constant:] = 3.0
    write_edf(tmp_path / "a.edf", values)
    content = _read(tmp_path, "a.edf")
    assert content.end == 1000 - (0 if short else near)
    assert bool(content.remarks) is not short


@pytest.mark.parametrize("n_channels", [1, 3])
@pytest.mark.parametrize("name", ["a.edf", "a.bdf"])
def test_two_records_of_padding_are_let_in_and_no_byte_more(
    tmp_path: Path, write_edf: WriteEdf, n_channels: int, name: str
) -> None:
    record = n_channels * RATE * (3 if name.endswith("bdf") else 2)
    path = tmp_path / name
    write_edf(path, _noise(n_channels), tail=bytes(2 * record))
    (remark,) = read_edf_header(path, name).remarks
    assert remark == f"bytes behind the last sample, left out: {2 * record}"
    assert _read(tmp_path, name).n_samples == SECONDS * RATE
    write_edf(path, _noise(n_channels), tail=bytes(2 * record + 1))
    with pytest.raises(DataError, match="bytes, and its header states"):
        read_edf_header(path, name)


@pytest.mark.parametrize("more", [0, 1])
def test_a_twentieth_of_a_long_file_may_be_padding(
    tmp_path: Path, write_edf: WriteEdf, more: int
) -> None:
    path = tmp_path / "a.edf"
    write_edf(path, np.tile(_noise(1), 10))
    stated = path.stat().st_size
    with path.open("ab") as stream:
        stream.write(bytes(stated // 20 + more))
    assert stated // 20 > 2 * 2 * RATE
    if more:
        with pytest.raises(DataError, match="its header states"):
            read_edf_header(path, "a.edf")
    else:
        assert read_edf_header(path, "a.edf").n_records == 100
