"""Windows decided early, at the right price."""

from typing import Any

import numpy as np
import pytest
import torch

from pipeline import files
from pipeline.profiling.bill import decided_early
from pipeline.profiling.cutoff import count_until
from pipeline.profiling.folds import Fold
from pipeline.profiling.operations import count
from pipeline.training import cutoff
from pipeline.training.early import moments
from pipeline.training.settings import CutoffSettings
from tests.cutoffs import DT, N_STEPS, build, integers, windows


def bill(network: Any, *seeds: int) -> dict[str, Any]:
    """The bill of the same network in folds, each of its own test windows."""
    asked = CutoffSettings(agreement=0.6)
    folds = [Fold(network, None, "", windows(seed), windows(1)) for seed in seeds]
    return decided_early(folds, asked)


def test_operations_end_where_windows_end() -> None:
    """Spike by spike, with weights that are 0 in some segments only."""
    network, there = build("linear"), windows(1)
    with torch.no_grad():
        network.head.linear.weight[:, :5] = 0
    when = moments(network, there)
    at = np.arange(80) % len(when.steps)
    weight = network.head.linear.weight.detach().unflatten(1, (4, 3)) != 0
    edges = [0, *when.steps]
    expected = 0
    for k, spikes in enumerate(there.spikes(torch.arange(80)).unbind(1)):
        for segment in range(at[k] + 1):
            inside = spikes[edges[segment] : edges[segment + 1]].sum(0)
            expected += int((inside * weight[:, segment].sum(0)).sum())
    counted = count_until(network, there, when, at)
    assert counted.effective_acs == expected
    assert counted.n_windows == 80
    assert counted.window_s == pytest.approx(N_STEPS * DT)


def test_membranes_are_updated_until_the_end_alone() -> None:
    network, there = integers(), windows(1)
    when = moments(network, there)
    at = np.arange(80) % len(when.steps)
    counted = count_until(network, there, when, at)
    assert counted.membrane_updates == 5 * sum(when.read[moment] for moment in at)
    full = count_until(network, there, when, np.full(80, len(when.steps) - 1))
    plain = count(network, there.spikes(torch.arange(80)), dt=DT)
    assert full.effective_acs == plain.effective_acs
    assert full.membrane_updates == plain.membrane_updates
    assert counted.effective_acs < plain.effective_acs


@pytest.mark.parametrize("name", ["integers", "convolutional", "membrane"])
def test_a_cutoff_takes_fewer_operations(name: str) -> None:
    network = integers() if name == "integers" else build(name)
    billed = bill(network, 2)
    files.dump_json(billed)
    cut, full = (billed["counted"][key]["per_window"] for key in ("with", "without"))
    assert cut["effective_acs"] < full["effective_acs"]
    assert cut["membrane_updates"] < full["membrane_updates"]


def test_where_nothing_agrees_no_window_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cutoff, "calibrated", lambda *_: None)
    billed = bill(integers(), 2)
    assert billed["folds"] == [
        {"beta": None, "agreement": {"validation": None, "test": None}}
    ]
    assert billed["steps_share"] == 1
    assert billed["counted"]["with"] == billed["counted"]["without"]


def test_folds_are_put_together() -> None:
    network = build("dense")
    together, each = bill(network, 2, 3), [bill(network, seed) for seed in (2, 3)]
    assert together["folds"] == [one["folds"][0] for one in each]
    shares = [one["steps_share"] for one in each]
    assert together["steps_share"] == pytest.approx(np.mean(shares))
    assert together["counted"]["with"]["n_windows"] == 160
