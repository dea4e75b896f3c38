"""Live decisions are those of the recording in one piece, whatever the chunks."""

from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import ConfigError
from pipeline.live.decider import LiveDecider
from pipeline.networks.parts.deployed import fixed
from pipeline.networks.parts.scaled import ScaledConvolution, ScaledLinear
from tests.live import made

EVERY = 40
DENSE = {"name": "dense", "units": [7]}
CELLS: dict[str, dict[str, Any]] = {
    "rates": {},
    "restarting": {"network": {**made.CONVOLUTIONAL, "restart": "windows"}},
    "count": {"network": {**DENSE, "read_out": "count"}},
    "membrane": {"network": {**DENSE, "read_out": "membrane"}},
    "traces": {"network": {**made.CONVOLUTIONAL, "read_out": "traces"}},
    "recurrent": {
        "network": {"name": "recurrent", "units": [7], "read_out": "count"},
        "encoder": {"name": "isi", "frame_s": 0.08},
    },
    "snntorch": {
        "network": {
            "name": "snntorch",
            "module": "tests.networks.nets:Looping",
            "read_out": "membrane",
        }
    },
    "bounded": {"memory_s": 1.7},
}


def decided(which: Any, samples: np.ndarray, cuts: list[int]) -> list[Any]:
    live = LiveDecider(which, made.CHANNELS, made.SFREQ, EVERY / 125)
    pieces = np.split(samples, cuts, axis=1)
    return [decision for piece in pieces for decision in live.push(piece)]


CUTS = {
    "one piece": [],
    "ten milliseconds": list(range(2, 500, 3)),
    "any": sorted(np.random.default_rng(1).integers(0, 500, 15).tolist()),
}
"""Twice the same cut is a chunk of no samples."""


@pytest.mark.parametrize("name", CELLS)
def test_any_chunks_give_the_decisions_of_one_piece(name: str) -> None:
    which = made.fold(**CELLS[name])
    samples = made.volts(2 if name == "snntorch" else 4)
    expected = made.in_one_piece(which, samples, EVERY)
    assert len(expected) >= 5
    assert len({row.argmax() for row in expected}) > 1 or np.ptp(expected, 0).any()
    for cuts in CUTS.values():
        found = decided(which, samples, cuts)
        assert [each.at_s for each in found] == pytest.approx(
            EVERY / 125 * np.arange(1, len(expected) + 1)
        )
        likely = np.array([each.probabilities for each in found])
        np.testing.assert_allclose(likely, expected, atol=2e-6)
        labels = [made.LABELS[k] for k in expected.argmax(1)]
        assert [each.label for each in found] == labels
        assert found[0].probability == max(found[0].probabilities)


def test_a_network_that_begins_anew_forgets() -> None:
    which = made.fold()
    live = LiveDecider(which, made.CHANNELS, made.SFREQ, EVERY / 125)
    first = live.push(made.volts(2))
    live.push(made.volts(0.9, seed=3))
    live.reset()
    assert live.push(made.volts(2)) == first


def test_what_is_kept_does_not_grow() -> None:
    for name in ("rates", "restarting", "bounded", "membrane"):
        live = LiveDecider(made.fold(**CELLS[name]), made.CHANNELS, made.SFREQ, 0.32)
        sizes = []
        for piece in np.split(made.volts(), 100, axis=1):
            live.push(piece)
            sizes.append(len(live._last))
        assert max(sizes[50:]) <= made.N_STEPS + EVERY + 3


def test_the_delay_is_that_of_filter_code_and_strides() -> None:
    live = LiveDecider(made.fold(), made.CHANNELS, made.SFREQ, 1.0)
    assert live.delay_s == pytest.approx((live.lag + 2) / 125)
    assert live.lag == round(live.plan.delay_s * 125) > 0


def test_what_knows_where_labels_change_is_no_live_network() -> None:
    which = made.fold(network={**made.CONVOLUTIONAL, "restart": "blocks"})
    with pytest.raises(ConfigError, match="starts anew where labels change"):
        LiveDecider(which, made.CHANNELS, made.SFREQ, 1.0)


@pytest.mark.parametrize("name", ["rates", "recurrent", "traces", "snntorch"])
def test_the_network_that_decides_is_the_folds_to_the_bit(name: str) -> None:
    which = made.fold(**CELLS[name])
    spikes = (torch.rand(30, 2, which.shape.n_features) < 0.4).float()
    with torch.no_grad():
        assert torch.equal(fixed(which.network)(spikes), which.network(spikes))
    live = LiveDecider(which, made.CHANNELS, made.SFREQ, 1.0)
    scaled = [type(each) for each in live.network.modules()]
    assert not {ScaledLinear, ScaledConvolution} & set(scaled)
