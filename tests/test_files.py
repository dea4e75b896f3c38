"""Files are complete or absent, repeat to the byte, and refuse another schema."""

import dataclasses
import struct
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
from pipeline.files import fif as _fif
from pipeline.files import hdf5 as _hdf5
from pipeline.files import schema as _schema
from pipeline.plots import dynamics
from pipeline.report.dynamics import learned
from pipeline.signals import Signal
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


def recording() -> mne.io.RawArray:
    """30 s of noise."""
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
    folder = tmp_path / "deep" / ".partial-abc"
    folder.mkdir()
    (folder / "a_raw.fif").touch()
    (tmp_path / "a.h5").touch()
    files.clear_partial(tmp_path)
    assert list((tmp_path / "deep").iterdir()) == []
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


def test_a_signal_of_several_segments_comes_back(tmp_path: Path) -> None:
    divided = dataclasses.replace(signal(), segments=(0, 2, 5))
    files.save_signal(tmp_path / "100.h5", divided)
    assert files.load_signal(tmp_path / "100.h5").segments == (0, 2, 5)
    files.save_signal(tmp_path / "100.h5", signal())
    assert files.load_signal(tmp_path / "100.h5").segments == (0,)
    with h5py.File(tmp_path / "100.h5") as file:
        assert "segments" not in file.attrs


def test_an_open_signal_is_read_in_slices(tmp_path: Path) -> None:
    files.save_signal(tmp_path / "100.h5", signal())
    with files.open_signal(tmp_path / "100.h5") as opened:
        assert not isinstance(opened.samples, np.ndarray)
        assert opened.samples[:, 2:4].tolist() == [[2, 3], [8, 9]]


def test_a_fault_of_who_reads_is_not_the_files(tmp_path: Path) -> None:
    files.save_signal(tmp_path / "100.h5", signal())
    with (
        pytest.raises(ValueError, match="of the encoder"),
        files.open_signal(tmp_path / "100.h5"),
    ):
        raise ValueError("a fault of the encoder")


@pytest.mark.parametrize("sizes", [[6], [1, 0, 4, 1], [2, 2, 2]])
def test_pieces_give_the_bytes_of_the_signal(tmp_path: Path, sizes: list[int]) -> None:
    given, ends = signal(), np.cumsum(sizes)
    pieces = np.split(given.samples, ends[:-1], axis=1)
    files.save_signal(tmp_path / "a.h5", given)
    files.write_signal(tmp_path / "b.h5", given, pieces, 6)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_pieces_of_another_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pieces of 6 columns for an array of 7"):
        files.write_signal(tmp_path / "a.h5", signal(), [signal().samples], 7)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("block_bytes", [1, 3000, 1 << 24])
def test_pieces_give_the_bytes_of_the_train_whatever_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    """Also where a train is written in several blocks, of several chunks each."""
    monkeypatch.setattr(_hdf5, "BLOCK_BYTES", block_bytes)
    bits = np.random.default_rng(0).random((6, 300_000)) < 0.5
    train = pack(bits, dt=0.01, delay_s=0.02, features=tuple("abcdef"))
    for name, at in {"a.h5": [], "b.h5": [5, 6000, 6001, 30_000]}.items():
        files.write_spikes(tmp_path / name, train, np.split(train.packed, at, axis=1))
    back = files.load_spikes(tmp_path / "b.h5")
    np.testing.assert_array_equal(back.packed, train.packed)
    one, other = ((tmp_path / name).read_bytes() for name in ("a.h5", "b.h5"))
    assert one == other
    assert len(one) < 1.06 * train.packed.size


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
    monkeypatch.setattr(_schema, "SCHEMA", 999)
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
def test_a_missing_file_has_a_remedy(tmp_path: Path, name: str) -> None:
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
    content = path.read_bytes()
    path.write_bytes(content[: int(share * (len(content) - 1))])
    with pytest.raises(DataError, match="cannot be read") as caught:
        load(path)
    assert caught.value.where == str(path)
    assert "remove it" in caught.value.remedy
    assert "`dvc repro -s -f train@ecg-delta-lif`" in caught.value.remedy


def test_a_recording_cut_between_two_tags_is_not_taken_for_a_shorter_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_fif, "BUFFER_VALUES", 200)
    path = tmp_path / "a.fif"
    files.save_recording(path, recording())
    content = path.read_bytes()
    data_tag = b"\x00\x00\x01\x2c\x00\x00\x00\x04"  # kind 300, float32
    path.write_bytes(content[: content.rindex(data_tag)])
    with mne.io.read_raw_fif(path, verbose="error") as cut:
        assert 0 < cut.n_times < 3000
    with pytest.raises(DataError, match=r"the end of a\.fif is missing"):
        files.load_recording(path)


class Lazy(mne.io.BaseRaw):
    """30 s of noise that are read piece by piece."""

    def __init__(self) -> None:
        self.read: list[int] = []
        info = recording().info
        extras = [{"read": self.read}]
        super().__init__(info, False, (0,), (2999,), (None,), extras, "single")

    def _read_segment_file(self, data, idx, fi, start, stop, cals, mult) -> None:  # type: ignore[no-untyped-def]
        self._raw_extras[fi]["read"].append(stop - start)
        data[:] = recording().get_data()[idx, start:stop]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 14 kB in a file."""
    monkeypatch.setattr(_fif, "BUFFER_VALUES", 500)
    monkeypatch.setattr(_fif, "PART_SIZE", 14_000)
    monkeypatch.setattr("mne.io.base._NEXT_FILE_BUFFER", 2000)


@pytest.mark.usefixtures("small_parts")
def test_a_long_recording_comes_back_from_several_files(tmp_path: Path) -> None:
    path = tmp_path / "a_raw.fif"
    raw, onset = Lazy(), [0.5, 12.25, 29.5]
    raw.set_annotations(mne.Annotations(onset, 0.0, ["a", "b", "c"]))
    files.save_recording(path, raw)
    assert max(raw.read) == 250
    parts = files.recording_parts(path)
    names = ["a_raw.fif", *(f"a_raw-{k}.fif" for k in range(1, len(parts)))]
    assert [part.name for part in parts] == names
    assert len(parts) > 2
    assert sorted(tmp_path.iterdir()) == sorted(parts)
    back = files.load_recording(path)
    np.testing.assert_allclose(back.get_data(), recording().get_data(), rtol=1e-6)
    assert back.annotations.onset.tolist() == onset
    first = [part.read_bytes() for part in parts]
    files.save_recording(path, Lazy().set_annotations(raw.annotations))
    assert [part.read_bytes() for part in parts] == first


@pytest.mark.usefixtures("small_parts")
def test_no_part_states_who_wrote_it_and_when_and_where(tmp_path: Path) -> None:
    path = tmp_path / "a_raw.fif"
    files.save_recording(path, recording())
    for part in files.recording_parts(path):
        assert tmp_path.name.encode() not in part.read_bytes()
        with part.open("rb") as file:
            while len(tag := file.read(16)) == 16:
                _, kind, size, _ = struct.unpack(">4i", tag)
                data = file.read(size)
                if kind == _fif.FIFF_ID:
                    assert data[4:] == _fif.NOBODY


def test_a_shorter_recording_leaves_nothing_of_a_longer_one(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a_raw.fif"
    request.getfixturevalue("small_parts")
    files.save_recording(path, recording())
    monkeypatch.undo()
    other = tmp_path / "a_raw-x.fif"
    other.touch()
    files.save_recording(path, recording().crop(0, 5))
    assert sorted(tmp_path.iterdir()) == [other, path]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("lost", [1, -1])
def test_a_lost_or_cut_part_is_named(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "a_raw.fif"
    files.save_recording(path, recording())
    part = files.recording_parts(path)[lost]
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(DataError, match=f"the end of {part.name} is missing"):
        files.load_recording(path)
    part.unlink()
    with pytest.raises(DataError, match=rf"{part.name}.*does not exist"):
        files.load_recording(path)


def test_late_marks_keep_their_sample(tmp_path: Path) -> None:
    """In float32, which MNE writes, the last would lie a fifth of a sample off."""
    times = np.array([0.0, 12.345678, 79_999.111111, 79_999.98])
    for lasts in (0.0, 0.02):
        onset, duration = _times_kept(tmp_path, times, lasts)
        # In memory, MNE rounds to microseconds.
        np.testing.assert_allclose(onset, times, rtol=0, atol=1e-6)
        assert (duration == lasts).all()


def _times_kept(
    folder: Path, times: np.ndarray, duration_s: float
) -> tuple[np.ndarray, np.ndarray]:
    info = mne.create_info(["a"], 50.0, "ecg")
    samples = np.zeros((1, 4_000_000))
    raw = mne.io.RawArray(samples, info, copy=None, verbose="error")
    raw.set_annotations(mne.Annotations(times, duration_s, ["x"] * len(times)))
    files.save_recording(folder / "a_raw.fif", raw)
    marks = files.load_recording(folder / "a_raw.fif").annotations
    return marks.onset, marks.duration


def test_marks_that_rounding_does_not_move_need_no_second_note(tmp_path: Path) -> None:
    raw = recording()
    raw.set_annotations(mne.Annotations([1.1, 20.3], [0, 0.25], ["x", "y"]))
    files.save_recording(tmp_path / "a_raw.fif", raw)
    assert any(mne.read_annotations(tmp_path / "a_raw.fif").extras)
    raw.set_annotations(mne.Annotations([1.1, 20.5], [0, 0.25], ["x", "y"]))
    files.save_recording(tmp_path / "a_raw.fif", raw)
    assert not any(mne.read_annotations(tmp_path / "a_raw.fif").extras)


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
        _schema.check(Path(place), 0)
    assert caught.value.remedy.endswith(f"(`dvc repro -s -f {maker}`)")


def test_every_stage_that_is_named_makes_that_folder() -> None:
    """`dvc.yaml` states which stage makes which folder, and so does `MAKERS`."""
    from ruamel.yaml import YAML

    text = (Path(__file__).parents[1] / "dvc.yaml").read_text()
    for stage, entry in YAML(typ="safe").load(text)["stages"].items():
        for out in entry["outs"]:
            place = out if isinstance(out, str) else next(iter(out))
            names = "-".join(entry.get("matrix", {}))
            for axis in ("dataset", "encoder", "model"):
                place = place.replace(f"${{item.{axis}}}", axis)
            file = Path(place) if Path(place).suffix else Path(place) / "a.json"
            assert _schema.maker(file) == (f"{stage}@{names}" if names else stage)


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


def test_a_spreadsheet_finds_no_formula_in_a_table(tmp_path: Path) -> None:
    names = ["=1+1", "@SUM(A1)", "+N", "-x", "\tx", "-1.5", "+2e3", "a=b", "P01", "-"]
    table = pd.DataFrame({"subject": names, "=n": [-0.5] * len(names)})
    files.save_csv(tmp_path / "a.csv", table)
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines == [
        "subject,'=n",
        *("'=1+1,-0.5", "'@SUM(A1),-0.5", "'+N,-0.5", "'-x,-0.5", "'\tx,-0.5"),
        *("-1.5,-0.5", "+2e3,-0.5", "a=b,-0.5", "P01,-0.5", "-,-0.5"),
    ]
    assert list(table.columns) == ["subject", "=n"]
    assert list(table["subject"]) == names


def test_the_bytes_do_not_depend_on_who_holds_the_array(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profiler that looks at the stack does, as in the workers of Dask."""
    held: list[object] = []
    fill = _hdf5._fill

    def write(name: str) -> bytes:
        bits = np.random.default_rng(1).integers(0, 256, (3, 40_000), np.uint8)
        about = {"b": 1, "a": "word"}
        path = tmp_path / name
        _hdf5.write(path, [bits], bits.shape, about, dtype=np.uint8, compression="gzip")
        return path.read_bytes()

    plain = write("plain")
    monkeypatch.setattr(
        _hdf5, "_fill", lambda array, rest: (held.append(array), fill(array, rest))
    )
    assert write("held") == plain
