"""Windows decided early: by the rule, at the right moment, and at the right price."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from pipeline import files
from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.convolutional import Convolutional
from pipeline.networks.dense import Dense
from pipeline.networks.recurrent import Recurrent
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.relu import Relu
from pipeline.profiling import cutoff as module
from pipeline.profiling.cutoff import applied, calibrated, cutoff, stops, summarised
from pipeline.profiling.operations import count
from pipeline.profiling.running import (
    LengthAware,
    Moments,
    Running,
    count_until,
    moments,
    running_logits,
)
from pipeline.quantization.network import IntegerNetwork, rebuild
from pipeline.training.batches import Windows
from pipeline.training.settings import CutoffSettings

N_STEPS, DT = 45, 0.01
NETWORKS: dict[str, Any] = {
    "convolutional": Convolutional(channels=(4, 5), kernels=(4, 3), strides=(2, 2)),
    "ann": Convolutional(channels=(4, 5), kernels=(4, 3), strides=(2, 2)),
    "dense": Dense(units=(6,), bins=5),
    "count": Dense(units=(6,), read_out="count"),
    "membrane": Recurrent(units=(6,), read_out="membrane"),
    "linear": Dense(units=(), bins=4),
    "linear count": Dense(units=(), read_out="count"),
    "competitive": Competitive(units=6, delays=2, bins=4),
    "reward": Competitive(units=6, delays=2, bins=4, reward={}),
}


def build(name: str) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        neuron = Relu() if name == "ann" else Leaky(threshold=0.3)
        if name in ("competitive", "reward"):
            neuron = Leaky()
        network = NETWORKS[name].build(Shape(N_STEPS, 3, 3, DT), neuron).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Linear) and not layer.weight.requires_grad:
            layer.weight.uniform_(0, 1)
    return network


def integers() -> IntegerNetwork:
    """Make a network in integers: 3 features, stride 2, 5 neurons, 4 segments."""
    rng = np.random.default_rng(6)

    def ints(low: int, high: int, *shape: int) -> Tensor:
        return torch.from_numpy(rng.integers(low, high, shape))

    tensors = {
        "layers.0.weights.convolution.weight": ints(-60, 90, 5, 3, 4).to(torch.int8),
        "layers.0.unrolled.beta": torch.full((5,), 29000),
        "layers.0.unrolled.bias": torch.zeros(5),
        "layers.0.unrolled.threshold": torch.full((5,), 100),
        "head.linear.weight": ints(-90, 90, 3, 20).to(torch.int8),
        "head.bias": ints(-50, 50, 3),
        "head.multiplier": torch.full((3,), 700),
    }
    neurons = {"kind": "leaky", "dt": 2 * DT, "shift": 0, "reset": "subtract"}
    layer = {"weights": {"kind": "convolution", "stride": 2}, "neurons": neurons}
    head = {"n_read": 22, "bins": 4, "shift": 4, "scale": 0.5}
    return rebuild(tensors, {"layers": [layer], "head": head})


def windows(seed: int, n_steps: int = N_STEPS, number: int = 80) -> Windows:
    rng = np.random.default_rng(seed)
    targets = np.arange(number) % 3
    rate = np.full((number, n_steps, 3), 0.15)
    rate[np.arange(number), :, targets] = 0.45
    trains = (rng.random(rate.shape) < rate).reshape(-1, 3).astype(np.uint8)
    first = torch.arange(number) * n_steps
    return Windows(
        torch.from_numpy(trains), first, torch.from_numpy(targets), n_steps, DT
    )


def slow_agreement(answers: Running, beta: float) -> float | None:
    """Go through windows one by one."""
    by_class: dict[int, list[bool]] = {}
    for decisions, gaps in zip(answers.decisions.T, answers.gaps.T, strict=True):
        for decision, gap in zip(decisions[:-1], gaps[:-1], strict=True):
            if gap > beta:
                by_class.setdefault(decisions[-1], []).append(decision == decisions[-1])
                break
    means = [sum(upheld) / len(upheld) for upheld in by_class.values()]
    return sum(means) / len(means) if means else None


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_beta_is_the_smallest_that_agrees_so_well(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 8)))
    asked = data.draw(st.sampled_from([0.5, 0.6, 0.75, 1.0]))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    answers = Running(rng.integers(0, 3, shape), rng.integers(0, 6, shape))
    possible = [
        beta
        for beta in sorted({0, *answers.gaps.ravel().tolist()})
        if (reached := slow_agreement(answers, beta)) is not None
        and reached >= asked - 1e-12
    ]
    assert calibrated(answers, asked) == (possible[0] if possible else None)


def test_a_window_stops_at_the_first_gap_that_is_wide_enough() -> None:
    gaps = np.array([[1.0, 3.0, 2.0], [2.5, 0.0, 2.0], [9.0, 9.0, 9.0]])
    assert stops(gaps, 2.0).tolist() == [1, 0, 2]
    assert stops(gaps, None).tolist() == [2, 2, 2]


@pytest.mark.parametrize("n_steps", [45, 47])
def test_integers_say_the_same_of_a_window_that_was_cut(n_steps: int) -> None:
    network, there = integers(), windows(1, n_steps)
    when = moments(network, there)
    assert when.steps[-1] == n_steps
    assert when.read[:-1] == tuple(s // 2 for s in when.steps[:-1])
    _check_cut(network, there, when, exact=True)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_networks_say_the_same_of_a_window_that_was_cut(name: str) -> None:
    network, there = build(name), windows(1)
    when = moments(network, there)
    assert 2 <= len(when.steps) <= 8
    _check_cut(network, there, when, exact=False)


def _check_cut(network: Any, there: Windows, when: Moments, *, exact: bool) -> None:
    spikes = there.spikes(torch.arange(20))
    full = running_logits(network, spikes, when)
    with torch.no_grad():
        plain = network(spikes)
        aware = LengthAware(network, when.read[-1])
        cut = torch.stack([aware(spikes[:steps]) for steps in when.steps])
    tolerance = {"rtol": 0.0, "atol": 0.0} if exact else {"rtol": 1e-5, "atol": 1e-6}
    torch.testing.assert_close(full[-1], plain, **tolerance)
    torch.testing.assert_close(full, cut, **tolerance)
    assert (full[0] != full[-1]).any()


def test_what_is_not_yet_seen_counts_as_silence() -> None:
    network, there = build("linear"), windows(1)
    when = moments(network, there)
    spikes = there.spikes(torch.arange(4))
    silenced = spikes.clone()
    silenced[when.steps[1] :] = 0
    with torch.no_grad():
        expected = network(silenced)
    torch.testing.assert_close(running_logits(network, spikes, when)[1], expected)


@pytest.mark.parametrize(("bins", "number"), [(4, 4), (12, 8), (40, 8)])
def test_moments_are_evenly_apart_and_few(bins: int, number: int) -> None:
    network = Dense(units=(), bins=bins).build(Shape(80, 3, 3, DT), Relu())
    when = moments(network, windows(1, 80, 3))
    assert len(when.steps) == number
    assert when.steps[-1] == 80
    apart = np.diff((0, *when.steps))
    assert apart.max() - apart.min() <= 80 / bins + 2  # a segment, rounded twice


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
            counted = spikes[edges[segment] : edges[segment + 1]].sum(0)
            expected += int((counted * weight[:, segment].sum(0)).sum())
    bill = count_until(network, there, when, at)
    assert bill.effective_acs == expected
    assert bill.n_windows == 80
    assert bill.window_s == pytest.approx(N_STEPS * DT)


def test_membranes_are_updated_until_the_end_alone() -> None:
    network, there = integers(), windows(1)
    when = moments(network, there)
    at = np.arange(80) % len(when.steps)
    bill = count_until(network, there, when, at)
    assert bill.membrane_updates == 5 * sum(when.read[moment] for moment in at)
    full = count_until(network, there, when, np.full(80, len(when.steps) - 1))
    plain = count(network, there.spikes(torch.arange(80)), dt=DT)
    assert full.effective_acs == plain.effective_acs
    assert full.membrane_updates == plain.membrane_updates
    assert bill.effective_acs < plain.effective_acs


@pytest.mark.parametrize("name", ["integers", "convolutional", "membrane"])
def test_a_cutoff_is_summarised_in_plain_values(name: str) -> None:
    network = integers() if name == "integers" else build(name)
    bill = cutoff(network, windows(1), windows(2), CutoffSettings(agreement=0.6))
    files.dump_json(bill)
    (fold,) = bill["folds"]
    assert isinstance(fold["beta"], int if name == "integers" else float)
    assert fold["agreement"]["validation"] >= 0.6
    assert 0 < bill["steps_share"] < 1
    shares = [moment["share"] for moment in bill["moments"]]
    assert sum(shares) == pytest.approx(1)
    steps = sum(m["share"] * m["steps"] for m in bill["moments"])
    assert bill["steps_share"] == pytest.approx(steps / N_STEPS)
    cut, full = (bill["counted"][key]["per_window"] for key in ("with", "without"))
    assert cut["effective_acs"] < full["effective_acs"]
    assert cut["membrane_updates"] < full["membrane_updates"]


def test_balanced_accuracies_are_of_the_decisions() -> None:
    network, there = build("convolutional"), windows(2)
    done = applied(network, windows(1), there, CutoffSettings(agreement=0.6))
    rows = torch.arange(80)
    with torch.no_grad():
        late = network(there.spikes(rows)).argmax(1).numpy()
    np.testing.assert_array_equal(done.late, late)
    logits = running_logits(network, there.spikes(rows), done.when)
    early = logits.argmax(2).numpy()[done.at, np.arange(80)]
    np.testing.assert_array_equal(done.early, early)
    assert (early != late).any()
    targets = there.targets.numpy()
    accuracies = summarised([done])["balanced_accuracy"]
    for predicted, name in ((early, "with"), (late, "without")):
        recalls = [(predicted[targets == k] == k).mean() for k in range(3)]
        assert accuracies[name] == pytest.approx(np.mean(recalls))


def test_where_nothing_agrees_no_window_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "calibrated", lambda *_: None)
    bill = cutoff(integers(), windows(1), windows(2), CutoffSettings())
    assert bill["folds"] == [
        {"beta": None, "agreement": {"validation": None, "test": None}}
    ]
    assert bill["steps_share"] == 1
    assert bill["counted"]["with"] == bill["counted"]["without"]


def test_folds_are_put_together() -> None:
    network, asked = build("dense"), CutoffSettings(agreement=0.6)
    folds = [applied(network, windows(1), windows(k), asked) for k in (2, 3)]
    together, each = summarised(folds), [summarised([fold]) for fold in folds]
    assert together["folds"] == [bill["folds"][0] for bill in each]
    shares = [bill["steps_share"] for bill in each]
    assert together["steps_share"] == pytest.approx(np.mean(shares))
    windows_counted = together["counted"]["with"]["n_windows"]
    assert windows_counted == 160


def test_steps_that_strides_leave_over_belong_to_the_last_moment() -> None:
    choices = Convolutional(channels=(4,), kernels=(5,), strides=(4,), bins=2)
    network = choices.build(Shape(11, 3, 3, DT), Leaky(threshold=0.3)).eval()
    assert moments(network, windows(1, 11, 3)) == Moments((1, 2), (4, 11))
