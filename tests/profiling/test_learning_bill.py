"""The bill of learning: bytes by hand, means a step, and plain numbers."""

import json

import numpy as np
import pytest

from pipeline.profiling.accesses import SCHEMES, count_accesses
from pipeline.profiling.learning_bill import (
    ASSUMPTIONS,
    STORES,
    bytes_of,
    learning_bill,
)

RNG = np.random.default_rng(0)
PRE, POST = RNG.random((100, 5)) < 0.1, RNG.random((100, 3)) < 0.2
DECAYS = {
    "pre_decay": np.full(5, 0.9, np.float32),
    "post_decay": np.full(3, 0.8, np.float32),
}


@pytest.mark.parametrize(
    ("scheme", "settings", "synapse", "neuron"),
    [
        ("dense", {}, 4, 16),
        ("two_tables", {}, 4, 16),
        ("forward_only", {}, 4, 12),
        ("forward_only_skipping", {}, 4, 12),
        ("compiled", {}, 4, 12),
        ("traces_on_synapses", {}, 12, 8),
        ("compiled", {"adaptive_threshold": True}, 4, 16),
        ("compiled", {"precision": "int8"}, 1, 9),
        ("dense", {"precision": "int8"}, 1, 10),
        ("traces_on_synapses", {"precision": "int8"}, 3, 8),
        # index; pointer of the row
        ("dense", {"compressed": True}, 8, 20),
        ("compiled", {"compressed": True}, 8, 16),
        ("compiled", {"compressed": True, "precision": "int8"}, 5, 13),
        ("traces_on_synapses", {"compressed": True}, 16, 12),
        # index, source, place; pointers of the row and of the column
        ("two_tables", {"compressed": True}, 16, 24),
    ],
)
def test_bytes_by_hand(scheme, settings, synapse, neuron) -> None:
    kept = bytes_of(scheme, **settings)
    assert kept == {"per_synapse": synapse, "per_neuron": neuron}


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(KeyError, match="three_tables"):
        bytes_of("three_tables")


def test_a_bill_is_plain_and_says_means() -> None:
    bill = learning_bill(PRE, POST, dt=1e-3, theta=0.1, **DECAYS)
    assert json.loads(json.dumps(bill)) == bill
    assert (bill["n_steps"], bill["n_pre"], bill["n_post"]) == (100, 5, 3)
    assert bill["pre_rate_hz"] == pytest.approx(PRE.sum() / 5 / 0.1)
    assert bill["post_rate_hz"] == pytest.approx(POST.sum() / 3 / 0.1)
    counts = count_accesses(PRE, POST, theta=0.1, **DECAYS)
    assert list(bill["per_step"]) == list(SCHEMES)
    for scheme, words in bill["per_step"].items():
        assert words == {k: n / 100 for k, n in vars(counts[scheme]).items()}


def test_connections_precision_and_thresholds_reach_the_bill() -> None:
    fan_out = np.array([0, 1, 1, 2, 3, 3]), np.array([0, 2, 1])
    bill = learning_bill(
        PRE,
        POST,
        dt=1e-3,
        theta=0.1,
        fan_out=fan_out,
        precision="int8",
        adaptive_threshold=True,
        **DECAYS,
    )
    assert list(bill["bytes"]) == list(STORES)
    assert bill["bytes"]["compiled"] == {"per_synapse": 5, "per_neuron": 17}
    assert bill["per_step"]["dense"]["weight_words_read"] == 3
    assert bill["per_step"]["dense"]["index_words_read"] == 3 + 2 * 5


def test_every_claim_of_less_names_its_baseline() -> None:
    claims = [a for a in ASSUMPTIONS if "no more" in a or "saved" in a or "save " in a]
    assert len(claims) == 5
    for claim in claims:
        assert sum(f"`{scheme}`" in claim for scheme in STORES) >= 1
    assert all(any(f"`{s}`" in a for a in ASSUMPTIONS) for s in STORES)
