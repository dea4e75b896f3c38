"""Encoding a data set: the same bytes however it is run, and nothing twice."""

from pathlib import Path

import numpy as np
import pytest

from pipeline import encoding, files, seeds
from pipeline.encoders.base import Encoder
from pipeline.encoders.delta import Delta
from pipeline.encoders.rate import Rate
from pipeline.encoding import encode_dataset
from pipeline.files import Signal
from pipeline.spikes import unpack


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three prepared recordings in an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    monkeypatch.setattr(encoding, "CHUNK", 64)
    for index, name in enumerate(["r1", "r2", "r3"]):
        prepare(name, index)


def prepare(name: str, seed: int) -> Signal:
    samples = np.random.default_rng(seed).normal(size=(2, 250)).astype(np.float32)
    signal = Signal(samples, 125.0, ("I", "II"), ("", ""), 0.02)
    path = files.folder("signals", "demo") / f"{name}.h5"
    files.save_signal(path, signal, inputs=str(seed))
    return signal


def encode(encoder: Encoder[object], name: str = "code", seed: int = 1) -> list[str]:
    """Names of the recordings that were really encoded."""
    done = encode_dataset(encoder, name=name, dataset="demo", seed=seed)
    assert [one.recording for one in done] == ["r1", "r2", "r3"]
    return [one.recording for one in done if one.made]


def contents(name: str = "code") -> dict[str, bytes]:
    folder = files.folder("spikes", f"demo-{name}")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_file_holds_the_code_of_the_whole_signal() -> None:
    signal, encoder = prepare("r2", 1), Rate()
    encode(encoder)
    spikes = files.load_spikes(files.folder("spikes", "demo-code") / "r2.h5")
    rng = seeds.generator(1, "code", "demo", "r2")
    whole, _ = encoder.encode(signal.samples, encoder.initial_state(2, rng))
    np.testing.assert_array_equal(unpack(spikes), whole)
    assert (spikes.dt, spikes.delay_s, spikes.n_steps) == (0.008, 0.0, 250)
    assert spikes.features == ("I+", "I-", "II+", "II-")


def test_the_spike_rate_is_told() -> None:
    done = encode_dataset(Delta(), name="code", dataset="demo", seed=1)
    spikes = files.load_spikes(files.folder("spikes", "demo-code") / "r1.h5")
    assert done[0].spikes_per_s == pytest.approx(unpack(spikes).mean() * 125)


def test_a_second_run_keeps_everything() -> None:
    assert encode(Rate()) == ["r1", "r2", "r3"]
    before = contents()
    assert encode(Rate()) == []
    assert contents() == before


@pytest.mark.parametrize("encoder", [Delta(), Rate()], ids=["delta", "rate"])
def test_bytes_repeat_on_any_number_of_workers(
    encoder: Encoder[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(encoder)
    before = contents()
    for path in files.folder("spikes", "demo-code").iterdir():
        path.unlink()
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    # Workers start from the module as it stands on disk, with its own chunk.
    encode(encoder)
    assert contents() == before


def test_only_what_changed_is_made_again() -> None:
    encode(Rate())
    prepare("r2", 99)
    assert encode(Rate()) == ["r2"]
    everything = ["r1", "r2", "r3"]
    assert encode(Rate(full_scale=3.0)) == everything
    assert encode(Rate(full_scale=3.0), seed=2) == everything


def test_changed_code_makes_all_again(monkeypatch: pytest.MonkeyPatch) -> None:
    encode(Delta())
    monkeypatch.setattr(encoding, "code_digest", lambda module: "other")
    assert encode(Delta()) == ["r1", "r2", "r3"]


def test_recordings_draw_apart() -> None:
    prepare("r2", 0)
    encode(Rate())
    one, same_signal, _ = contents().values()
    assert one != same_signal


def test_leftovers_and_damage_are_mended() -> None:
    encode(Delta())
    before, folder = contents(), files.folder("spikes", "demo-code")
    (folder / "gone.h5").write_bytes(b"a recording that is no longer there")
    (folder / ".partial-1-r1.h5").write_bytes(b"a killed run")
    (folder / "r1.h5").write_bytes(before["r1.h5"][:100])
    assert encode(Delta()) == ["r1"]
    assert contents() == before
