"""The bill of networks that run on, beside plain counts of what they do."""

from typing import Any

import numpy as np
import pytest
import torch

from pipeline.files import dump_json
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.profiling.cost_tables import tables_for
from pipeline.profiling.counts import Counted
from pipeline.profiling.energy import parts_j_per_window
from pipeline.profiling.operations import count
from pipeline.profiling.running import Spans, running_bill
from pipeline.quantization.quantize import quantize
from pipeline.runs import HEADLINE
from pipeline.training.batches import Windows

STEPS, WARM, N, DT = 20, 30, 6, 0.01
ENCODER = {"accumulate": 400}


def spans(warm: int = WARM, anew_per_s: float = 0.0) -> Spans:
    rng = np.random.default_rng(0)
    trains = torch.from_numpy((rng.random((400, 3)) < 0.3).astype(np.uint8))
    first = torch.arange(N) * 50 + WARM - warm
    targets = torch.zeros_like(first)
    windows = Windows(trains, first, targets, warm + STEPS, DT)
    return Spans(windows, warm, anew_per_s)


def network(neuron: Any, read_out: Any = "rates") -> Any:
    """A layer of five, whose membranes remember; each draws its own weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = Dense(units=(5,), bins=4, read_out=read_out).build(
            Shape(STEPS, 3, 2, DT), neuron
        )
    return built.eval()


def bill(net: Any, numbers: Any = "float32", **changes: Any) -> dict[str, Any]:
    return running_bill([(net, spans(**changes))], ENCODER, numbers, 2.0)


def all_spikes() -> torch.Tensor:
    own = spans().windows
    return own.spikes(torch.arange(N))


@pytest.mark.parametrize("integers", [False, True])
def test_a_second_is_what_warm_layers_do(integers: bool) -> None:
    net = network(Leaky(threshold=0.2, tau_mem_s=0.1))
    spikes = all_spikes()
    if integers:
        net = quantize(net, spikes[WARM:])
    found = bill(net, "int8" if integers else "float32")
    seconds = N * STEPS * DT
    with torch.no_grad():
        hidden, *_ = net.layers[0](spikes, None)
    fired = int(hidden[WARM:].sum())
    cold, *_ = net.layers[0](spikes[WARM:], None)
    assert fired != int(cold.sum())  # memory makes a difference
    taken = int(spikes[WARM:].sum()) * 5
    per_second = found["counted"]["per_second"]
    assert per_second["effective_acs"] == pytest.approx(taken / seconds, rel=0.1)
    assert per_second["membrane_updates"] == pytest.approx(5 / DT)
    assert per_second["spikes"] == pytest.approx(fired / seconds)
    # A decision adds a row of two classes for each spike of its window.
    reading = found["counted"]["per_decision"]
    assert reading["effective_acs"] == pytest.approx(int(cold.sum()) * 2 / N, rel=0.1)
    assert reading["membrane_updates"] == 0
    assert reading["rescalings"] == 2 * integers
    dump_json(found)


def test_traces_run_with_the_signal_and_are_added_up_for_a_decision() -> None:
    net = network(Leaky(threshold=0.2, tau_mem_s=0.1), "membrane")
    found = bill(quantize(net, all_spikes()[WARM:]), "int8")["counted"]
    assert found["per_second"]["membrane_updates"] == pytest.approx((5 + 2) / DT)
    assert found["per_second"]["rescalings"] == 0
    reading = found["per_decision"]
    assert reading["rescalings"] == 2
    assert reading["membrane_updates"] == reading["effective_acs"] == 0
    assert reading["shifted_additions"] == 0
    assert found["per_restarted_window"]["rescalings"] == 2


def test_a_restarted_window_is_counted_as_windows_are() -> None:
    net = network(Leaky(threshold=0.2))
    alone: Counted = count(net, all_spikes()[WARM:], dt=DT)
    found = bill(net)
    restarted = found["counted"]["per_restarted_window"]
    assert restarted["effective_acs"] == alone.effective_acs / N
    table = tables_for("float32")[HEADLINE]
    joules = sum(parts_j_per_window(alone, table).values())
    estimated = found["estimated"][HEADLINE]
    assert estimated["restarted_j_per_decision"] == pytest.approx(joules)


def test_a_second_has_encoder_signal_and_decisions() -> None:
    net = network(Leaky(threshold=0.2))
    plain, limited = (
        bill(net, anew_per_s=anew)["estimated"][HEADLINE] for anew in (0.0, 0.25)
    )
    coding = (
        ENCODER["accumulate"] * tables_for("float32")[HEADLINE].joules["accumulate"]
    )
    assert plain["encoder_j_per_second"] == pytest.approx(coding / (STEPS * DT))
    always = plain["encoder_j_per_second"] + plain["signal_j_per_second"]
    assert plain["always_on_w"] == pytest.approx(always)
    total = 1e6 * (always + 2 * plain["reading_j_per_decision"])
    assert plain["energy_uj_per_second"] == pytest.approx(total)
    window = plain["restarted_j_per_decision"]
    assert plain["restarting_uj_per_second"] == pytest.approx(
        1e6 * (plain["encoder_j_per_second"] + 2 * window)
    )
    for each in (plain, limited):
        parts = sum(each["parts_j_per_second"].values()) + each["encoder_j_per_second"]
        assert each["energy_uj_per_second"] == pytest.approx(1e6 * parts)
    # What starts anew passes a window again.
    assert limited["always_on_w"] == pytest.approx(always + 0.25 * window)


def test_an_ann_that_streams_computes_each_step_once() -> None:
    """Without memory, a warm window is a cold one; graded rates are multiplied."""
    found = bill(network(Relu()))
    counted = found["counted"]
    window = counted["per_restarted_window"]
    for name in ("effective_acs", "effective_macs"):
        both = counted["per_second"][name] * STEPS * DT + counted["per_decision"][name]
        assert both == pytest.approx(window[name])
    assert counted["per_decision"]["effective_macs"] > 0


def test_a_read_out_of_every_step_runs_all_the_time() -> None:
    counted = bill(network(Leaky(threshold=0.2), "membrane"))["counted"]
    assert set(counted["per_decision"].values()) == {0}
    assert counted["per_second"]["membrane_updates"] == pytest.approx((5 + 2) / DT)


def test_nothing_is_added_to_an_encoder_that_states_no_operations() -> None:
    found = running_bill([(network(Leaky()), spans())], None, "float32", 2.0)
    estimated = found["estimated"][HEADLINE]
    assert "absent" in estimated["encoder"]
    assert "energy_uj_per_second" not in estimated


def test_without_memory_there_is_nothing_to_warm() -> None:
    cold, warm = (bill(network(Relu()), warm=steps)["counted"] for steps in (0, WARM))
    assert cold["per_second"] == pytest.approx(warm["per_second"])
