"""The complete bill of a cell: its parts, and those that only some cells have."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.encoders.delta import Delta
from pipeline.files import dump_json
from pipeline.networks.base import Network, Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.dense import Dense
from pipeline.neurons.base import Neuron
from pipeline.neurons.leaky import Leaky
from pipeline.profiling.bill import average_power, bill_cell, decided_early
from pipeline.profiling.duty import duty
from pipeline.profiling.folds import Fold
from pipeline.profiling.profile import profile
from pipeline.profiling.running import Spans
from pipeline.quantization.quantize import quantize
from pipeline.runs import HEADLINE, INT8_HEADLINE
from pipeline.training import cutoff
from pipeline.training.batches import Windows
from pipeline.training.cutoff import decide_early, summarised
from pipeline.training.settings import CutoffSettings, SparsitySettings

STEPS, DT = 40, 0.01
WINDOWS = pd.DataFrame({"recording": "r", "onset_s": [0.0, 0.5, 1.0]})
DENSE, CUTOFF = SparsitySettings(), CutoffSettings(agreement=0.5)


def windows(n: int, seed: int) -> Windows:
    """Make windows of which half fire on another feature from the start."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % 2
    rates = np.where(np.arange(2) == targets[:, None], 0.6, 0.05)
    spikes = (rng.random((n, STEPS, 2)) < rates[:, None]).astype(np.uint8)
    return Windows(
        torch.from_numpy(spikes.reshape(-1, 2)),
        torch.arange(n) * STEPS,
        torch.from_numpy(targets),
        STEPS,
        DT,
    )


def fold(
    seed: int = 0,
    network: Network = Dense(units=(5,), bins=4),  # noqa: B008
    neuron: Neuron = Leaky(threshold=0.2),  # noqa: B008
) -> Fold:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        built = network.build(Shape(STEPS, 2, 2, DT), neuron).eval()
    test, validation = windows(20, seed), windows(30, seed + 50)
    integers = quantize(built, validation.spikes(torch.arange(30)))
    return Fold(built, integers, "", test, validation)


def without(one: Fold, absent: str) -> Fold:
    return replace(one, integers=None, absent=absent)


def test_a_bill_is_the_profile_with_its_average_power() -> None:
    folds = [fold(0), fold(1)]
    energy = bill_cell(folds, WINDOWS, Delta(), DENSE)
    expected = profile([(f.network, f.integers, f.test) for f in folds], Delta())
    estimated = expected["int8"]["estimated"][INT8_HEADLINE]
    power = duty(
        estimated["energy_j_per_window"],
        estimated["encoder"]["energy_j_per_second"],
        2.0,
    )
    assert energy == {**expected, "duty": power}
    dump_json(energy)


def test_networks_that_run_on_are_billed_in_both_numbers() -> None:
    spans = Spans(windows(20, 7), 16)
    folds = [replace(fold(seed), running=spans) for seed in (0, 1)]
    energy = bill_cell(folds, WINDOWS, Delta(), DENSE)["running"]
    assert set(energy) == {"float32", "int8", "duty"}
    headline = energy["int8"]["estimated"][INT8_HEADLINE]
    assert energy["duty"]["average_w"] * 1e6 == pytest.approx(
        headline["energy_uj_per_second"]
    )
    some = bill_cell(
        [folds[0], without(folds[1], "exponentials")], WINDOWS, Delta(), DENSE
    )
    assert set(some["running"]) == {"float32"}
    dump_json(energy)


def test_a_fold_without_integers_leaves_its_reason_and_no_power() -> None:
    folds = [fold(0), without(fold(1), "layer 1: exponentials")]
    energy = bill_cell(folds, WINDOWS, Delta(), DENSE)
    assert energy["int8"] == {"absent": "layer 1: exponentials"}
    assert set(energy) == {"counted", "estimated", "int8", "assumptions"}
    assert energy["counted"]["n_windows"] == 40


@pytest.mark.parametrize(
    "int8",
    [
        {"absent": "exponentials"},
        {"estimated": {}},
        {"estimated": {INT8_HEADLINE: {"absent": "graded"}}},
        {"estimated": {INT8_HEADLINE: {"encoder": {"absent": "does not state it"}}}},
    ],
)
def test_power_needs_all_its_parts(int8: dict[str, Any]) -> None:
    assert average_power(int8, WINDOWS) is None


def test_local_learning_is_billed() -> None:
    network = Competitive(units=6, delays=2, bins=4)
    competing = fold(0, network, Leaky())
    energy = bill_cell([competing], WINDOWS, Delta(), DENSE)
    assert energy["learning"]["n_post"] == 6
    assert "learning" not in bill_cell([fold(0)], WINDOWS, Delta(), DENSE)


def test_a_cutoff_is_applied_to_each_folds_integers() -> None:
    folds = [fold(0), fold(1)]
    asked = SparsitySettings(cutoff=CUTOFF)
    summary = bill_cell(folds, WINDOWS, Delta(), asked)["cutoff"]
    for one, line in zip(folds, summary["folds"], strict=True):
        assert one.integers is not None
        alone = decide_early(one.integers, one.validation, one.test, CUTOFF)
        assert line == summarised([alone])["folds"][0]
    assert summary["steps_share"] < 1
    energies = {
        name: summary["estimated"][name][INT8_HEADLINE]["energy_uj_per_window"]
        for name in ("with", "without")
    }
    assert energies["with"] < energies["without"]
    full = bill_cell(folds, WINDOWS, Delta(), DENSE)["int8"]["estimated"]
    assert energies["without"] == pytest.approx(
        full[INT8_HEADLINE]["energy_uj_per_window"]
    )
    dump_json(summary)


def test_a_cutoff_is_of_floats_where_a_fold_has_no_integers() -> None:
    """Energies of the two are of different tables: they are never mixed."""
    folds = [fold(0), without(fold(1), "too wide")]
    energy = decided_early(folds, CUTOFF)
    floats = decided_early([without(f, "all") for f in folds], CUTOFF)
    assert energy == floats
    assert HEADLINE in energy["estimated"]["with"]
    assert INT8_HEADLINE not in energy["estimated"]["with"]


def test_a_cutoff_is_calibrated_on_validation_windows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []
    original = cutoff.decide_early

    def noted(network: Any, validation: Any, test: Any, settings: Any) -> Any:
        seen.append((network, validation, test, settings))
        return original(network, validation, test, settings)

    monkeypatch.setattr(cutoff, "decide_early", noted)
    one = fold(0)
    decided_early([one], CUTOFF)
    assert seen == [(one.integers, one.validation, one.test, CUTOFF)]
