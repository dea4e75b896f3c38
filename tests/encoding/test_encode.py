"""Encoding a data set: the same bytes however it is run, and nothing twice."""

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import files, seeds, unfinished
from pipeline.encoders.base import Encoder
from pipeline.encoders.delta import Delta
from pipeline.encoders.rate import Rate
from pipeline.encoders.rhythm import Rhythm
from pipeline.encoding import encode as encoding
from pipeline.encoding.encode import annotated_beats, encode_dataset
from pipeline.errors import ConfigError
from pipeline.signals import Signal
from pipeline.spikes import unpack


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three prepared recordings in an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    monkeypatch.setattr(encoding, "PIECE_VALUES", 2 * 67)
    for index, name in enumerate(["r1", "r2", "r3"]):
        prepare(name, index)


def prepare(name: str, seed: int) -> Signal:
    samples = np.random.default_rng(seed).normal(size=(2, 250)).astype(np.float32)
    signal = Signal(samples, 125.0, ("I", "II"), ("", ""), 0.02)
    path = files.folder("signals", "demo") / f"{name}.h5"
    files.save_signal(path, signal)
    return signal


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The folder that unfinished work lies in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def encode(
    encoder: Encoder[object], target: Path, *, seed: int = 1, code: str = "one"
) -> list[str]:
    """Names of the recordings that were really encoded."""
    done = encode_dataset(
        encoder, target, name="code", dataset="demo", seed=seed, code=code
    )
    assert [one.recording for one in done] == ["r1", "r2", "r3"]
    return [one.recording for one in done if one.made]


def contents(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: path.read_bytes() for path in found}


def test_the_file_holds_the_code_of_the_full_signal(target: Path) -> None:
    signal, encoder = prepare("r2", 1), Rate()
    encode(encoder, target)
    spikes = files.load_spikes(target / "r2.h5")
    rng = seeds.generator(1, "code", "demo", "r2")
    full, _ = encoder.encode(
        signal.samples, encoder.initial_state(2, signal.sfreq, rng)
    )
    np.testing.assert_array_equal(unpack(spikes), full)
    assert (spikes.dt, spikes.delay_s, spikes.n_steps) == (0.008, 0.0, 250)
    assert spikes.features == ("I+", "I-", "II+", "II-")


@pytest.mark.parametrize("encoder", [Delta(), Rate()], ids=["delta", "rate"])
def test_segments_are_encoded_as_recordings_of_their_own(
    encoder: Encoder[object],
) -> None:
    """Joined bit by bit: neither length is a multiple of eight, nor of a piece."""
    samples = np.random.default_rng(0).normal(size=(2, 250)).astype(np.float32)
    about = Signal(samples, 125.0, ("I", "II"), ("", ""), 0.02)
    both = encoding.encode(
        encoder, replace(about, segments=(0, 3, 101)), np.random.default_rng(1)
    )
    generator = np.random.default_rng(1)
    generators = generator, *generator.spawn(2)
    parts = np.split(samples, [3, 101], axis=1)
    alone = [
        unpack(encoding.encode(encoder, replace(about, samples=part), own))
        for part, own in zip(parts, generators, strict=True)
    ]
    np.testing.assert_array_equal(unpack(both), np.concatenate(alone, axis=1))
    together = encoding.encode(encoder, about, np.random.default_rng(1))
    assert not np.array_equal(unpack(both), unpack(together))


def test_segments_draw_apart() -> None:
    samples = np.ones((1, 200), np.float32)
    signal = Signal(samples, 125.0, ("I",), ("",), 0.0, segments=(0, 100))
    spikes = unpack(encoding.encode(Rate(), signal, np.random.default_rng(0)))
    assert spikes[0, :100].any()
    assert not np.array_equal(spikes[:, :100], spikes[:, 100:])


@pytest.mark.parametrize("values", [1, 16, 34, 1000])
def test_any_pieces_give_the_same_bytes(
    target: Path, values: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = replace(prepare("r1", 0), segments=(0, 99))
    files.save_signal(files.folder("signals", "demo") / "r1.h5", signal)
    encode(Rate(), target)
    before = contents(target)
    monkeypatch.setattr(encoding, "PIECE_VALUES", values)
    assert encode(Rate(), target, code="other") == ["r1", "r2", "r3"]
    assert contents(target) == before


def test_the_spike_rate_is_reported(target: Path) -> None:
    asked = {"name": "code", "dataset": "demo", "seed": 1, "code": "one"}
    for made in (True, False):
        first, *_ = encode_dataset(Delta(), target, **asked)
        spikes = files.load_spikes(target / "r1.h5")
        assert first.spikes_per_s == pytest.approx(unpack(spikes).mean() * 125)
        assert first.made == made


def test_a_second_run_keeps_everything(target: Path) -> None:
    assert encode(Rate(), target) == ["r1", "r2", "r3"]
    before = contents(target)
    assert encode(Rate(), target) == []
    assert contents(target) == before


@pytest.mark.parametrize("encoder", [Delta(), Rate()], ids=["delta", "rate"])
def test_bytes_repeat_on_any_number_of_workers(
    encoder: Encoder[object], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode(encoder, target)
    before = contents(target)
    again = target.with_name("again")
    again.mkdir()
    monkeypatch.setenv("BIOSPIKE_WORKERS", "2")
    # Workers start from the module as it stands on disk, with longer pieces.
    assert encode(encoder, again) == ["r1", "r2", "r3"]
    assert contents(again) == before


def test_only_what_changed_is_made_again(target: Path) -> None:
    encode(Rate(), target)
    prepare("r2", 99)
    assert encode(Rate(), target) == ["r2"]
    everything = ["r1", "r2", "r3"]
    assert encode(Rate(full_scale=3.0), target) == everything
    assert encode(Rate(full_scale=3.0), target, seed=2) == everything


def test_changed_code_makes_all_again(target: Path) -> None:
    encode(Delta(), target)
    assert encode(Delta(), target, code="other") == ["r1", "r2", "r3"]
    assert encode(Delta(), target, code="other") == []


def test_recordings_draw_apart(target: Path) -> None:
    prepare("r2", 0)
    encode(Rate(), target)
    one, same_signal, _ = contents(target).values()
    assert one != same_signal


def test_leftovers_are_removed_and_what_was_lost_is_made_again(target: Path) -> None:
    encode(Delta(), target)
    before = contents(target)
    (target / "gone.h5").write_bytes(b"a recording that is no longer there")
    (target / "r1.h5").unlink()
    (target / unfinished.NOTES / "r3.h5").unlink()
    assert encode(Delta(), target) == ["r1", "r3"]
    assert contents(target) == before


def test_a_damaged_file_is_made_again(target: Path) -> None:
    encode(Delta(), target)
    before = contents(target)
    (target / "r1.h5").write_bytes(before["r1.h5"][:100])
    assert encode(Delta(), target) == ["r1"]
    assert contents(target) == before


def test_a_run_that_broke_off_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the third recording; the other two are kept, and the folder is complete."""
    folder, loaded = files.folder("spikes", "demo-code"), []

    def open_(path: Path) -> AbstractContextManager[Signal]:
        loaded.append(path.stem)
        if path.stem == "r3":
            raise KeyboardInterrupt
        return open_signal(path)

    open_signal = files.open_signal
    with monkeypatch.context() as patch:
        patch.setattr(files, "open_signal", open_)
        with pytest.raises(KeyboardInterrupt), unfinished.finishing(folder) as work:
            encode(Delta(), work)
    assert list(dict.fromkeys(loaded)) == ["r1", "r2", "r3"]
    assert not folder.exists()
    with unfinished.finishing(folder) as work:
        assert encode(Delta(), work) == ["r3"]
    assert list(contents(folder)) == ["r1.h5", "r2.h5", "r3.h5"]


def test_an_oracle_gets_the_annotated_beats_of_each_segment(target: Path) -> None:
    """The beats of one segment change nothing in the other."""
    signal = replace(prepare("r1", 0), segments=(0, 160))
    files.save_signal(files.folder("signals", "demo") / "r1.h5", signal)
    beats = np.array([10, 40, 70, 100, 159, 160, 165, 185, 205])
    table = pd.DataFrame({"recording": "r1", "sample": beats})
    files.save_table(files.folder("windows", "demo") / "annotated.parquet", table)
    oracle = Rhythm(beats="annotated")
    asked = {"name": "code", "dataset": "demo", "seed": 1, "code": "one"}
    annotated = annotated_beats("demo")
    encode_dataset(oracle, target, **asked, annotated=annotated)
    bits = unpack(files.load_spikes(target / "r1.h5"))
    for start, stop in ((0, 160), (160, 250)):
        inside = beats[(beats >= start) & (beats < stop)] - start
        own = oracle.on(("I", "II"), tuple(inside.tolist()))
        state = own.initial_state(2, 125.0, np.random.default_rng(0))
        alone, _ = own.encode(signal.samples[:, start:stop], state)
        assert alone.any()
        np.testing.assert_array_equal(bits[:, start:stop], alone)
    assert not unpack(files.load_spikes(target / "r2.h5")).any()
    again = encode_dataset(oracle, target, **asked, annotated=annotated)
    assert not any(one.made for one in again)
    again = encode_dataset(oracle, target, **asked, annotated={"r1": beats + 1})
    assert [one.recording for one in again if one.made] == ["r1"]


def test_a_data_set_without_annotated_beats_has_no_oracle(target: Path) -> None:
    table = pd.DataFrame({"recording": [], "sample": []})
    files.save_table(files.folder("windows", "demo") / "annotated.parquet", table)
    assert annotated_beats("demo") is None
    with pytest.raises(ConfigError, match="no annotated beats"):
        encode(Rhythm(beats="annotated"), target)
