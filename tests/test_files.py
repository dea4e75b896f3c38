"""Files are whole or absent, repeat to the byte, and refuse another schema."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline import files
from pipeline.components import Settings
from pipeline.errors import DataError
from pipeline.files import Signal
from pipeline.spikes import pack


class Threshold(Settings):
    value: float = 0.5


class Limit(Settings):
    value: float = 0.5


def signal() -> Signal:
    samples = np.arange(12, dtype=np.float32).reshape(2, 6)
    return Signal(samples, 125.0, ("MLII", "V1"), ("", ""), 0.004)


def write_half(path: Path) -> None:
    path.write_text("half")
    raise ValueError("killed half-way")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    files.save_json(path, {"kept": 1})
    with pytest.raises(ValueError, match="half-way"), files.replacing(path) as partial:
        write_half(partial)
    assert files.load_json(path) == {"kept": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["table.json"]


def test_clear_partial_removes_only_what_killed_runs_left(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    leftover = tmp_path / "deep" / ".partial-17-a.h5"
    leftover.touch()
    (tmp_path / "a.h5").touch()
    files.clear_partial(tmp_path)
    assert not leftover.exists()
    assert (tmp_path / "a.h5").exists()


def test_signal_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "100.h5"
    files.save_signal(path, signal(), inputs="abc")
    back = files.load_signal(path)
    np.testing.assert_array_equal(back.samples, signal().samples)
    assert back.samples.dtype == np.float32
    assert (back.sfreq, back.channels, back.units, back.delay_s) == (
        125.0,
        ("MLII", "V1"),
        ("", ""),
        0.004,
    )
    assert files.array_inputs(path) == "abc"


def test_spikes_come_back(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).random((3, 21)) < 0.3
    train = pack(bits, dt=0.01, delay_s=0.02, features=("a", "b", "c"))
    files.save_spikes(tmp_path / "s.h5", train, inputs="x")
    back = files.load_spikes(tmp_path / "s.h5")
    np.testing.assert_array_equal(back.packed, train.packed)
    assert (back.n_steps, back.dt, back.delay_s) == (21, 0.01, 0.02)
    assert back.features == ("a", "b", "c")


def test_weights_come_back_with_their_metadata(tmp_path: Path) -> None:
    weights = {"b": torch.arange(3.0), "a": torch.eye(2)}
    files.save_weights(tmp_path / "w.safetensors", weights, meta={"fold": 1, "z": [2]})
    tensors, meta = files.load_weights(tmp_path / "w.safetensors")
    assert meta == {"fold": 1, "z": [2]}
    assert torch.equal(tensors["a"], torch.eye(2))


def test_bytes_repeat(tmp_path: Path) -> None:
    table = pd.DataFrame({"label": ["N", "S"], "count": [2, 1]})
    for name in ("first", "second"):
        folder = tmp_path / name
        files.save_signal(folder / "a.h5", signal(), inputs="abc")
        files.save_table(folder / "b.parquet", table)
        files.save_json(folder / "c.json", {"b": 1, "a": [1.5]})
        files.save_csv(folder / "d.csv", table)
        files.save_weights(folder / "e.st", {"w": torch.ones(2)}, meta={"q": 1, "p": 2})
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_table_comes_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"window": np.arange(3), "label": ["N", "S", "V"]})
    files.save_table(tmp_path / "t.parquet", table)
    pd.testing.assert_frame_equal(files.load_table(tmp_path / "t.parquet"), table)


def test_another_schema_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SCHEMA", 999)
    files.save_json(tmp_path / "a.json", {})
    files.save_signal(tmp_path / "a.h5", signal(), inputs="")
    files.save_table(tmp_path / "a.parquet", pd.DataFrame({"a": [1]}))
    monkeypatch.undo()
    for load, name in (
        (files.load_json, "a.json"),
        (files.load_signal, "a.h5"),
        (files.load_table, "a.parquet"),
    ):
        with pytest.raises(DataError, match="schema 999"):
            load(tmp_path / name)  # type: ignore[operator]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        files.load_table(tmp_path / "nothing.parquet")
    assert files.array_inputs(tmp_path / "nothing.h5") is None


def test_a_truncated_array_counts_as_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    files.save_signal(path, signal(), inputs="abc")
    path.write_bytes(path.read_bytes()[:100])
    assert files.array_inputs(path) is None


def test_not_a_number_never_reaches_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        files.save_json(tmp_path / "a.json", {"accuracy": float("nan")})
    assert not (tmp_path / "a.json").exists()


def test_inputs_digest_knows_class_and_value() -> None:
    same = files.inputs_digest(Threshold(), "raw")
    assert same == files.inputs_digest(Threshold(value=0.5), "raw")
    assert same != files.inputs_digest(Threshold(value=0.6), "raw")
    assert same != files.inputs_digest(Limit(), "raw")
    assert same != files.inputs_digest(Threshold(), "other")


def test_keep_only_removes_what_no_longer_belongs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    files.keep_only(tmp_path, {"a"})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
