"""A traced decision is the one that was taken, and its parts lie at their times."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline import files
from pipeline.decisions import replay as replaying
from pipeline.decisions.activation import GAMMA_PER_S, spike_activation
from pipeline.decisions.signals import filtered, recorded
from pipeline.decisions.tested import SUREST, decided, decision, others, surest
from pipeline.decisions.trace import DecisionTrace, trace
from pipeline.errors import DataError
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.parallel import Parallel
from pipeline.neurons.relu import Relu
from pipeline.training.cell import TrainedCell
from tests.decisions.conftest import SECOND

CELL = "toy-delta-lif"
STEPS, DT, LAG, PAUSE_S = 16, 0.02, 3, 5.0


def test_it_ends_in_the_stored_prediction(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "STEPS_AT_ONCE", 10)  # several pieces before
    cell = TrainedCell.open(CELL)
    for row in decided(cell).iloc[[0, 1, 7, 12, 22]].itertuples():
        traced = trace(cell, decision(cell, row.window))
        likely = torch.from_numpy(traced.evidence.values[:, -1]).softmax(0)
        np.testing.assert_allclose(likely, [row.p_calm, row.p_busy], rtol=1e-5)
        known = traced.decision
        assert (known.truth, known.predicted) == (row.label, row.predicted)
        assert (known.subject, known.session) == ("person 0", "1")
        check_times(traced, row.window)


def test_others_beside_it_are_those_of_its_recording_while_its_spikes_last(
    here: Path,
) -> None:
    cell = TrainedCell.open(CELL)
    taken = decided(cell).set_index("window")["predicted"]
    found = decision(cell, 5)
    span = (found.onset_s - 1.0, found.onset_s + 1.0)
    near = cell.table[cell.table["onset_s"].between(*span)]
    near = near[(near["recording"] == found.recording) & (near["window"] != 5)]
    assert 2 in near["window"].tolist()  # no fold tested it
    expected = [
        (row.onset_s, row.label, taken.get(row.window, "")) for row in near.itertuples()
    ]
    assert others(cell, found, span) == expected
    assert "" in [each.predicted for each in others(cell, found, span)]
    spikes = trace(cell, found).spikes
    assert trace(cell, found).others == tuple(
        others(cell, found, (spikes.start_s, spikes.time_s[-1]))
    )


def check_times(traced: DecisionTrace, window: int) -> None:
    """Samples are their times; the spikes are those of the window; nothing is later."""
    stop_s = traced.decision.onset_s + STEPS * DT
    for series, scale in ((traced.filtered, 1), (traced.recorded, 1e-9)):
        np.testing.assert_allclose(series.values[0] / scale, series.time_s, atol=1e-4)
    np.testing.assert_allclose(
        traced.filtered.time_s[[0, -1]], [traced.decision.onset_s, stop_s - DT]
    )
    train = files.load_spikes(Path("data/spikes/toy-delta/r0.h5"))
    bits = np.unpackbits(train.packed, axis=1)[:, window * STEPS + LAG :][:, :STEPS]
    np.testing.assert_array_equal(traced.spikes.values[:, : bits.shape[1]], bits)
    (layer,) = traced.layers
    for series in (traced.spikes, traced.evidence, layer.outputs, layer.membranes):
        assert series.time_s[-1] == pytest.approx(stop_s - DT)
    assert layer.outputs.values.shape == (6, STEPS // 2)
    assert layer.thresholds.shape == (6,)
    assert [each.rows for each in traced.activation] == [("code",), ("layer 1",)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_signal_ends_with_its_segment(here: Path, number: int) -> None:
    """What a window lacks there, another segment does not fill."""
    series, clock = filtered("toy", "r0", number, SECOND - 8, SECOND + 8)
    assert series.values.shape[1] == 8
    np.testing.assert_allclose(series.values[0], series.time_s, atol=1e-4)
    before = recorded("toy", "r0", series, clock.segment)
    np.testing.assert_allclose(before.values[0] / 1e-9, before.time_s, atol=1e-4)


@pytest.mark.parametrize("checkout", ["never"], indirect=True)
def test_evidence_is_what_would_have_been_decided(here: Path) -> None:
    cell = TrainedCell.open(CELL)
    early, late = (trace(cell, decision(cell, window)) for window in (4, 5))
    network, window = cell.fold(0).network, 5
    lived, place = replaying._stretch(cell.fold(0), window)
    stop = int(lived.step[place]) - 6
    spikes = lived.cut(lived.stretch[place : place + 1], torch.tensor([0]), stop)
    with torch.no_grad():
        at = replaying.At(torch.tensor([0]), torch.tensor([stop]))
        expected = network.decide([spikes], at)[0]
    np.testing.assert_allclose(late.evidence.values[:, -4], expected, rtol=1e-5)
    assert early.evidence.time_s[-1] == pytest.approx(late.evidence.time_s[0] - 2 * DT)


def test_the_surest_are_three_errors_and_three_hits_of_a_class(here: Path) -> None:
    cell = TrainedCell.open(CELL)
    table = decided(cell)
    chosen = surest(cell)
    for label in cell.labels:
        for right in (False, True):
            mine = table[table["label"] == label]
            mine = mine[(mine["predicted"] == label) == right]
            expected = sorted(mine["probability"], reverse=True)[:SUREST]
            found = [
                each.probability
                for each in chosen
                if each.truth == label and each.is_right == right
            ]
            assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ("window", "why"), [(2, "no fold tested it"), (30, "no fold"), (999, "no such")]
)
def test_other_decisions_are_refused(here: Path, window: int, why: str) -> None:
    with pytest.raises(DataError, match=why) as caught:
        decision(TrainedCell.open(CELL), window)
    assert caught.value.expected == "one of the 23 tested, from 0 to 23"


def test_another_network_than_that_of_the_run_is_refused(here: Path) -> None:
    cell = TrainedCell.open(CELL)
    with torch.no_grad():
        cell.fold(0).network.head.linear.bias.add_(torch.tensor([0.0, 3.0]))
    with pytest.raises(DataError, match="probabilities that differ by"):
        trace(cell, decision(cell, 0))


@pytest.mark.parametrize("kind", [Dense, Recurrent])
def test_membranes_follow_the_equation(kind: type[Dense]) -> None:
    neuron = Leaky(threshold=0.3, tau_mem_s=0.05)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        network = kind(units=(3,), bins=2).build(Shape(20, 2, 2, 0.01), neuron).eval()
        spikes = (torch.rand(20, 1, 2) < 0.5).float()
    layer = network.layers[0]
    with torch.no_grad():
        (found,) = replaying._recorded(network, spikes, [()])
        currents = layer.weights(spikes)[:, 0]
        back = getattr(layer.unrolled, "recurrent", None)
        u, fired = torch.zeros(3), torch.zeros(3)
        for t, current in enumerate(currents):
            fed = 0 if back is None else back(fired)
            u = np.exp(-0.01 / 0.05) * u + current + fed - 0.3 * fired
            fired = (u > 0.3).float()
            np.testing.assert_array_equal(found.outputs[t], fired)
            np.testing.assert_allclose(found.membranes[t], u, atol=1e-6)
    np.testing.assert_allclose(found.thresholds, [0.3] * 3)
    assert found.outputs.sum() > 5


@pytest.mark.parametrize("neuron", [Relu(), Parallel()])
def test_neurons_without_a_membrane_have_none(neuron: Relu | Parallel) -> None:
    network = Dense(units=(3,), bins=2).build(Shape(20, 2, 2, 0.01), neuron).eval()
    with torch.no_grad():
        (found,) = replaying._recorded(network, torch.ones(20, 1, 2), [()])
    assert (found.membranes, found.thresholds) == (None, None)


def test_activation_maps_follow_their_equation() -> None:
    spikes = (np.random.default_rng(0).random((4, 30)) < 0.4).astype(float)
    found = spike_activation(spikes, 0.02)
    for t in range(30):
        scores = [
            row[t]
            * sum(row[p] * np.exp(-GAMMA_PER_S * 0.02 * (t - p)) for p in range(t))
            for row in spikes
        ]
        assert found[t] == pytest.approx(np.mean(scores))
