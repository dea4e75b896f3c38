"""Networks that run on: stretches, training segments, and the same decisions again."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from pipeline import files
from pipeline.components import find
from pipeline.errors import ConfigError, DataError
from pipeline.networks.base import Shape
from pipeline.networks.parts.heads import At
from pipeline.neurons.leaky import Leaky
from pipeline.spikes import pack
from pipeline.training import batches, stretches
from pipeline.training.fitting import freeze_norms, predict
from pipeline.training.memory import Memory, in_stretches
from pipeline.training.segments import Drawn, Segments, class_weights
from pipeline.training.settings import TrainingSettings

LABELS = ("N", "V")
DT, LENGTH = 0.01, 48
RECORDINGS = {"a": 900, "b": 1100}


def _table() -> pd.DataFrame:
    """List decisions of two recordings, the second of two segments."""
    rng = np.random.default_rng(3)
    rows = []
    for recording, begin, end, segment in (
        ("a", 0, 900, 0),
        ("b", 0, 600, 0),
        ("b", 600, 1100, 1),
    ):
        drawn = rng.choice(np.arange(begin + 5, end), 13, False)
        rows += [
            (recording, segment, stop - LENGTH, stop, begin, end)
            for stop in np.sort([*drawn, end + 10])
        ]
    names = ["recording", "segment", "start", "stop", "segment_start", "segment_stop"]
    table = pd.DataFrame(rows, columns=names)
    table["label"] = rng.choice(LABELS, len(table))
    table["block"] = np.arange(len(table)) // 3
    return table.assign(window=np.arange(len(table)), role="test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("spikes")
    rng = np.random.default_rng(0)
    for name, n_steps in RECORDINGS.items():
        bits = rng.random((3, n_steps)) < 0.2
        train = pack(bits, dt=DT, delay_s=0.02, features=("x", "y", "z"))
        files.save_spikes(target / f"{name}.h5", train)
    return target


def _network(name: str, read_out: str, neuron: Any = None, **more: Any) -> Any:
    torch.manual_seed(0)
    settings = find("networks", name)(read_out=read_out, bins=4, **more)
    network = settings.build(Shape(LENGTH, 3, 2, DT), neuron or Leaky())
    for layer in network.layers:
        weights = getattr(layer.weights, "convolution", layer.weights)
        nn.init.normal_(weights.weight, 0.1, 0.4)
    return network.eval()


def test_a_stretch_that_is_a_window_is_decided_as_the_window(folder: Path) -> None:
    table = _table().iloc[[20]].assign(segment_start=0)
    table["segment_start"], table["segment_stop"] = table["start"], table["stop"]
    alone = batches.load(folder, table, LABELS)
    running = stretches.load(folder, table, "test", LABELS, Memory())
    row = torch.arange(1)
    for read_out in ("rates", "count", "membrane", "traces"):
        network = _network("convolutional", read_out)
        expected = predict(network, alone, row)
        assert expected.std() > 0
        torch.testing.assert_close(predict(network, running, row), expected)


@pytest.mark.parametrize("name", ["convolutional", "recurrent", "dense"])
@pytest.mark.parametrize("read_out", ["rates", "count", "membrane", "traces"])
def test_running_on_is_the_same_in_pieces_and_alone(
    folder: Path, name: str, read_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = stretches.load(folder, _table(), "test", LABELS, Memory())
    network, rows = _network(name, read_out), torch.arange(42)
    once = predict(network, running, rows)
    monkeypatch.setattr(stretches, "STEPS_AT_ONCE", 64)
    monkeypatch.setattr(stretches, "TRAINS_AT_ONCE", 1)
    torch.testing.assert_close(predict(network, running, rows), once)
    assert len(once.unique(dim=0)) > 20
    # The obvious way: from the start of the segment to each decision, alone.
    for row, line in enumerate(_table().itertuples()):
        spikes = files.load_spikes(folder / f"{line.recording}.h5")
        bits = np.unpackbits(spikes.packed, axis=1)[:, : spikes.n_steps].T
        bits = np.pad(bits, ((0, 2), (0, 0)))[2:]
        lived = bits[line.segment_start : min(line.stop, line.segment_stop)]
        silent = -(-(line.stop - line.segment_start) // network.stride)
        silent = silent * network.stride - len(lived)
        inputs = torch.from_numpy(np.pad(lived, ((0, silent), (0, 0)))).float()
        later = bits[min(line.stop, line.segment_stop) : line.segment_stop][:silent]
        inputs[len(lived) : len(lived) + len(later)] = torch.from_numpy(later).float()
        at = At(torch.tensor([0]), torch.tensor([line.stop - line.segment_start]))
        with torch.no_grad():
            alone = network.decide([inputs[:, None]], at)
        torch.testing.assert_close(once[row : row + 1], alone)


def test_windows_that_leave_their_segment_are_silent_there(folder: Path) -> None:
    table = _table()
    windows = batches.load(folder, table, LABELS)
    spikes = windows.spikes(torch.arange(len(table)))
    first = table["segment_start"] - table["start"]
    cold = np.flatnonzero(first > 0)
    late = np.flatnonzero(table["stop"] > table["segment_stop"])
    assert len(cold)
    assert len(late) == 3
    for row in cold:
        assert not spikes[: first[row], row].any()
        assert spikes[first[row] :, row].any()
    for row in late:
        beyond = table["stop"][row] - table["segment_stop"][row]
        assert not spikes[LENGTH - beyond :, row].any()
    running = stretches.load(folder, table, "test", LABELS, Memory()).windows()
    assert torch.equal(running.spikes(torch.arange(len(table))), spikes)


def test_a_state_never_crosses_person_segment_or_role() -> None:
    table = _table()
    table.loc[5:8, "role"] = "train"
    table.loc[9, "role"] = "unjudged"
    known = in_stretches(table)
    keys = ["recording", "segment", "role"]
    known["role"] = known["role"].replace("unjudged", "test")
    assert (known.groupby("stretch")[keys].nunique() == 1).all(axis=None)
    parts = known.groupby("stretch").agg({"role": "first", "stretch_start": "first"})
    assert len(parts) == 5
    # A stretch after another role's begins with its own first label's interval.
    assert parts["stretch_start"].iloc[0] == 0
    assert parts["stretch_start"].iloc[1] == table["start"][5]
    assert parts["stretch_start"].iloc[2] == table["start"][9]


def test_memory_is_bounded_without_labels() -> None:
    table = _table()
    known = in_stretches(table, limit=200)
    reach = known["stop"] - known["stretch_start"]
    assert (reach <= 200 + LENGTH).all()
    assert (known["stretch_start"] <= table[["start", "segment_start"]].max(1)).all()
    shuffled = in_stretches(table.assign(label="N", block=0), limit=200)
    assert shuffled["stretch_start"].equals(known["stretch_start"])
    oracle = in_stretches(table, blocks=True)
    assert (oracle.groupby("stretch")["block"].nunique() == 1).all()


def _running(folder: Path) -> stretches.Stretches:
    return stretches.load(folder, _table(), "test", LABELS, Memory())


def test_a_batch_holds_every_decision_after_the_warm_up(folder: Path) -> None:
    running = _running(folder)
    settings = TrainingSettings(segment_s=2.0, warm_up_s=0.5, windows_per_class=40)
    cut = Segments.of(running, settings)
    counted = 0
    for batch in cut.batches(settings, np.random.default_rng(1)):
        assert batch.at is not None
        assert len(batch.spikes) == 200
        counted += len(batch.targets)
        assert 1 <= int(batch.at.stop.min()) <= int(batch.at.stop.max()) <= 200
    assert counted >= 80  # the anchors, and what lies beside them
    steps, first = running.step, running.first
    drawn = cut._around(torch.arange(42), np.random.default_rng(2))
    for anchor, (stretch, begin) in enumerate(zip(*drawn, strict=True)):
        rows, _ = cut._counted(Drawn(stretch[None], begin[None]))
        assert anchor in rows.tolist()
        warm = 50 if begin > 0 else 0
        inside = (running.stretch == stretch) & (steps > begin + warm)
        inside &= steps <= begin + 200
        assert rows.tolist() == torch.nonzero(inside).flatten().tolist()
    assert len(first) == 3


def test_a_segment_longer_than_all_stretches_has_its_own_decisions(
    folder: Path,
) -> None:
    running = _running(folder)
    cut = Segments.of(running, TrainingSettings(segment_s=60.0))
    for stretch in range(3):
        rows, _ = cut._counted(Drawn(torch.tensor([stretch]), torch.tensor([0])))
        own = torch.nonzero(running.stretch == stretch).flatten()
        assert rows.tolist() == own.tolist()


def test_training_and_evaluation_agree_on_the_same_segment(folder: Path) -> None:
    running = _running(folder)
    settings = TrainingSettings(segment_s=11.0, windows_per_class=40)
    network = _network("convolutional", "rates", dropout=0.0)
    batch = next(iter(running.batches(settings, np.random.default_rng(0))))
    network.train()
    network.decide(batch.pieces(network.stride), batch.at)
    freeze_norms(network)
    assert batch.at is not None
    learned = network.decide(batch.pieces(network.stride), batch.at)
    logits = predict(network, running, torch.arange(42))
    keys = {tuple(np.round(line, 5)) for line in logits.tolist()}
    assert all(tuple(np.round(line, 5)) in keys for line in learned.tolist())


def test_gradients_end_where_they_are_truncated(folder: Path) -> None:
    running = _running(folder)
    network = _network("dense", "rates", dropout=0.0).train()
    for reach, expected in ((None, True), (0.1, False)):
        settings = TrainingSettings(segment_s=2.0, truncate_s=reach)
        batch = next(iter(running.batches(settings, np.random.default_rng(0))))
        spikes = batch.spikes.requires_grad_()
        pieces = batch.pieces(network.stride)
        at = At(torch.tensor([0]), torch.tensor([len(spikes)]))
        network.decide(pieces, at, detach=reach is not None).sum().backward()
        assert spikes.grad is not None
        assert spikes.grad[-5:].any()
        assert bool(spikes.grad[: -LENGTH - 10].any()) == expected


def test_a_warm_up_that_fills_the_segments_is_refused(folder: Path) -> None:
    settings = TrainingSettings(segment_s=1.0, warm_up_s=1.0)
    with pytest.raises(ConfigError, match="warm-up"):
        next(iter(_running(folder).batches(settings, np.random.default_rng(0))))


def test_a_decision_before_its_segment_is_refused(folder: Path) -> None:
    table = _table()
    table.loc[3, ["start", "stop"]] = -LENGTH, 0
    with pytest.raises(DataError, match=r"window 3 of a.*has not begun"):
        stretches.load(folder, table, "test", LABELS, Memory())


@pytest.mark.parametrize("steps", [1, 3, 9])
def test_segments_shorter_than_a_stride_are_decided(folder: Path, steps: int) -> None:
    table = _table().iloc[[0]].assign(stop=steps, start=steps - LENGTH)
    table["segment_stop"] = steps
    running = stretches.load(folder, table, "test", LABELS, Memory())
    network = _network("convolutional", "rates")
    logits = predict(network, running, torch.arange(1))
    assert logits.isfinite().all()
    alone = batches.load(folder, table, LABELS)
    assert alone.spikes(torch.arange(1))[: LENGTH - steps].sum() == 0
    batch = next(iter(running.batches(TrainingSettings(), np.random.default_rng(0))))
    assert set(batch.targets.tolist()) == set(running.targets.tolist())


@pytest.mark.parametrize("read_out", ["rates", "count"])
def test_without_a_state_running_on_is_restarting(folder: Path, read_out: str) -> None:
    """Also where windows leave their segment: silence counts as silence."""
    table, rows = _table(), torch.arange(42)
    network = _network("dense", read_out, units=())
    running = stretches.load(folder, table, "test", LABELS, Memory())
    alone = batches.load(folder, table, LABELS)
    torch.testing.assert_close(
        predict(network, running, rows), predict(network, alone, rows)
    )


def test_a_decision_waits_for_the_step_that_is_complete(folder: Path) -> None:
    network = _network("convolutional", "rates")
    generator = torch.Generator().manual_seed(5)
    spikes = (torch.rand(64, 1, 3, generator=generator) < 0.3).float()
    outputs = spikes
    with torch.no_grad():
        for layer in network.layers:
            outputs, *_ = layer(outputs, None)
        logits = {}
        for stop in (48, 49, 55, 56):
            at = At(torch.tensor([0]), torch.tensor([stop]))
            logits[stop] = network.decide([spikes], at)
            n_complete = -(-stop // 8)
            read = outputs[n_complete - LENGTH // 8 : n_complete]
            torch.testing.assert_close(logits[stop], network.head(read))
    assert not torch.equal(logits[48], logits[49])
    assert torch.equal(logits[49], logits[56])


def test_weights_make_up_for_classes_that_come_along(folder: Path) -> None:
    targets = torch.tensor([0] * 9 + [1])
    for power, ratio in ((0.0, 1.0), (0.5, 3.0), (1.0, 9.0)):
        weights = class_weights(targets, power)
        assert weights[1] / weights[0] == pytest.approx(ratio)
    running = _running(folder)
    running = replace(running, targets=(torch.arange(42) % 7 == 0).long())
    settings = TrainingSettings(windows_per_class=30, class_weights="balanced")
    drawn = list(running.batches(settings, np.random.default_rng(0)))
    known = torch.cat([batch.targets for batch in drawn])
    weights = torch.cat([cast("torch.Tensor", batch.weights) for batch in drawn])
    counts = torch.bincount(known)
    assert counts[0] != counts[1]
    sums = [float(weights[known == k].sum()) for k in (0, 1)]
    assert sums[0] == pytest.approx(sums[1], rel=1e-5)
