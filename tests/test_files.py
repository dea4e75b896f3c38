"""Files are whole or absent, repeat to the byte, and refuse another schema."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import mne
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from pipeline import files
from pipeline.components import Settings
from pipeline.errors import DataError
from pipeline.files import Signal
from pipeline.plots import dynamics
from pipeline.report.dynamics import learned
from pipeline.spikes import Spikes, pack


class Threshold(Settings):
    value: float = 0.5


class Limit(Settings):
    value: float = 0.5


def signal() -> Signal:
    samples = np.arange(12, dtype=np.float32).reshape(2, 6)
    return Signal(samples, 125.0, ("MLII", "V1"), ("", ""), 0.004)


def spikes() -> Spikes:
    bits = np.random.default_rng(0).random((3, 21)) < 0.3
    return pack(bits, dt=0.01, delay_s=0.02, features=("a", "b", "c"))


def recording() -> mne.io.BaseRaw:
    """30 s of noise, which FIF keeps in pieces."""
    samples = np.random.default_rng(0).normal(size=(2, 3000)) * 1e-5
    info = mne.create_info(["Fp1", "Cz"], 100.0, "eeg")
    return mne.io.RawArray(samples, info, verbose="error")


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
    files.save_signal(path, signal())
    back = files.load_signal(path)
    np.testing.assert_array_equal(back.samples, signal().samples)
    assert back.samples.dtype == np.float32
    assert (back.sfreq, back.channels, back.units, back.delay_s) == (
        125.0,
        ("MLII", "V1"),
        ("", ""),
        0.004,
    )


def test_spikes_come_back(tmp_path: Path) -> None:
    train = spikes()
    files.save_spikes(tmp_path / "s.h5", train)
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
        files.save_signal(folder / "a.h5", signal())
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
    files.save_signal(tmp_path / "a.h5", signal())
    files.save_table(tmp_path / "a.parquet", pd.DataFrame({"a": [1]}))
    monkeypatch.undo()
    for load, name in (
        (files.load_json, "a.json"),
        (files.load_signal, "a.h5"),
        (files.load_table, "a.parquet"),
    ):
        with pytest.raises(DataError, match="schema 999"):
            load(tmp_path / name)  # type: ignore[operator]


Load = Callable[[Path], Any]
WEIGHTS = {"w": torch.arange(12.0)}
TABLE = pd.DataFrame({"window": np.arange(300), "label": ["N", "S", "V"] * 100})
KINDS: dict[str, tuple[Callable[[Path], None], Load]] = {
    "a.json": (lambda path: files.save_json(path, {"a": [1, 2]}), files.load_json),
    "a.parquet": (lambda path: files.save_table(path, TABLE), files.load_table),
    "a.safetensors": (
        lambda path: files.save_weights(path, WEIGHTS, meta={"inputs": "x"}),
        files.load_weights,
    ),
    "signal.h5": (
        lambda path: files.save_signal(path, signal()),
        files.load_signal,
    ),
    "spikes.h5": (
        lambda path: files.save_spikes(path, spikes()),
        files.load_spikes,
    ),
    "a.fif": (
        lambda path: files.save_recording(path, recording()),
        files.load_recording,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_missing_file_says_what_to_do(tmp_path: Path, name: str) -> None:
    load = KINDS[name][1]
    with pytest.raises(DataError, match="no such file") as caught:
        load(tmp_path / "data" / "spikes" / "emg-delta" / name)
    assert "`dvc repro encode@emg-delta`" in caught.value.remedy


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("name", KINDS)
def test_a_cut_file_is_named_with_its_stage(
    tmp_path: Path, name: str, share: float
) -> None:
    save, load = KINDS[name]
    path = tmp_path / "data" / "runs" / "ecg-delta-lif" / name
    save(path)
    load(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * (len(whole) - 1))])
    with pytest.raises(DataError, match="cannot be read") as caught:
        load(path)
    assert caught.value.where == str(path)
    assert "remove it" in caught.value.remedy
    assert "`dvc repro -s -f train@ecg-delta-lif`" in caught.value.remedy


def test_a_recording_cut_between_two_tags_is_not_taken_for_a_shorter_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.fif"
    files.save_recording(path, recording())
    whole = path.read_bytes()
    data_tag = b"\x00\x00\x01\x2c\x00\x00\x00\x04"  # kind 300, float32
    path.write_bytes(whole[: whole.rindex(data_tag)])
    with mne.io.read_raw_fif(path, verbose="error") as cut:
        assert 0 < cut.n_times < 3000
    with pytest.raises(DataError, match="the end is missing"):
        files.load_recording(path)


@pytest.mark.parametrize("text", ["[1, 2]", "3", "null", '{"a": ', '{"\udc80": 1}'])
def test_json_that_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=r"a\.json: cannot be read"):
        files.load_json(path)


@pytest.mark.parametrize("text", ["[1]", "{'schema': 1}"])
def test_weights_with_broken_metadata_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "w.safetensors"
    save_file(WEIGHTS, path, metadata={"biospike": text})
    with pytest.raises(DataError, match=r"w\.safetensors: cannot be read"):
        files.load_weights(path)


@pytest.mark.parametrize("lost", ["values", "sfreq", "channels"])
def test_a_signal_that_lacks_a_part_is_refused(tmp_path: Path, lost: str) -> None:
    path = tmp_path / "a.h5"
    files.save_signal(path, signal())
    with h5py.File(path, "a") as file:
        del (file if lost == "values" else file.attrs)[lost]
    with pytest.raises(DataError, match="cannot be read") as caught:
        files.load_signal(path)
    assert lost in caught.value.found


@pytest.mark.parametrize(
    ("place", "maker"),
    [
        ("data/recordings/mitdb/100.fif", "ingest@mitdb"),
        ("data/signals/mitdb/100.h5", "prepare@mitdb"),
        ("data/windows/mitdb/folds.parquet", "prepare@mitdb"),
        ("/home/a/data/spikes/mitdb-delta/100.h5", "encode@mitdb-delta"),
        ("data/metrics/mitdb-delta-lif/metrics.json", "evaluate@mitdb-delta-lif"),
        ("data/energy/mitdb-delta-lif/energy.json", "profile@mitdb-delta-lif"),
        ("data/report/details.json", "report"),
        ("data/cards/mitdb.json", "fetch@mitdb"),
        ("data/code/prepare.json", "code"),
        ("data/code/train/lif.json", "code"),
        ("data/measured/mitdb-delta-lif/0123.json", "profile@mitdb-delta-lif"),
        ("/home/a/data/.unfinished/spikes/mitdb-delta/100.h5", "encode@mitdb-delta"),
        ("elsewhere/a.json", "STAGE"),
    ],
)
def test_a_file_of_another_schema_names_its_stage(place: str, maker: str) -> None:
    with pytest.raises(DataError, match="schema 0") as caught:
        files._check_schema(Path(place), 0)
    assert caught.value.remedy.endswith(f"(`dvc repro -s -f {maker}`)")


def test_every_stage_that_is_named_makes_that_folder() -> None:
    """`dvc.yaml` says which stage makes which folder, and so does `MAKERS`."""
    from ruamel.yaml import YAML

    text = (Path(__file__).parents[1] / "dvc.yaml").read_text()
    for stage, told in YAML(typ="safe").load(text)["stages"].items():
        for out in told["outs"]:
            place = out if isinstance(out, str) else next(iter(out))
            names = "-".join(told.get("matrix", {}))
            for axis in ("dataset", "encoder", "model"):
                place = place.replace(f"${{item.{axis}}}", axis)
            file = Path(place) if Path(place).suffix else Path(place) / "a.json"
            assert files._maker(file) == (f"{stage}@{names}" if names else stage)


@pytest.mark.parametrize("look", [learned, lambda cell: dynamics.of_run(folder(cell))])
def test_report_and_publish_name_a_cut_table_of_what_was_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[str], Any]
) -> None:
    """What the two ask for; both end with one block and status 2 at a DataError."""
    monkeypatch.chdir(tmp_path)
    path = folder("ecg-delta-lif") / "learned.parquet"
    files.save_table(path, TABLE)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"learned\.parquet: cannot be read") as caught:
        look("ecg-delta-lif")
    assert "train@ecg-delta-lif" in caught.value.remedy


def folder(cell: str) -> Path:
    return files.folder("runs", cell)


def test_digests_are_of_files_and_of_all_files_in_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["spikes/r2", "spikes/deep/r1", "folds", "alone/not asked for"]
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)
    found = files.file_digests(Path("spikes"), Path("folds"))
    assert list(found) == ["folds", "spikes/deep/r1", "spikes/r2"]
    assert found == {name: files.file_digest(Path(name)) for name in found}
    assert files.file_digests(Path("folds"), Path("spikes")) == found
    Path("folds").write_text("other")
    changed = files.file_digests(Path("spikes"), Path("folds"))
    assert {name for name in found if changed[name] != found[name]} == {"folds"}


def test_digests_of_what_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        files.file_digests(tmp_path, tmp_path / "folds.parquet")


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
