"""The example of exact spike times: against an integrator, differences and jumps."""

import math
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from tests.docs.examples import explained, load, refused


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load("exact_spike_times")


def array(values: object) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def dense_spikes(
    times: np.ndarray, weights: np.ndarray, duration: float, tau: float, post: float
) -> np.ndarray:
    """Integrate the angle a with V = tan(a/2), which is finite at a spike.

    After `duration` the current is the constant `post`; a passes odd multiples of π.
    """

    def slope(time: float, state: np.ndarray) -> list[float]:
        angle, current = state
        current = post if time > duration else current
        cosine, sine = math.cos(angle), math.sin(angle)
        # a' = 2 V' / (1 + V²) with V² = tan²(a/2)
        return [
            ((1 - cosine) - sine + current * (1 + cosine)) / tau,
            -2 * state[1] / tau,
        ]

    def crosses(time: float, state: np.ndarray) -> float:
        return math.cos(state[0] / 2)

    order = np.argsort(times)
    stops = [0.0, *times[order], duration, duration + 5 * tau]
    kicks = [*weights[order], 0.0, 0.0]
    state, found = np.zeros(2), []
    for begin, end, kick in zip(stops, stops[1:], kicks, strict=False):
        if end > begin:
            shift = 1e-12 if begin == duration else 0.0
            path = solve_ivp(
                slope,
                (begin + shift, end),
                state,
                rtol=1e-11,
                atol=1e-12,
                events=crosses,
            )
            found.extend(path.t_events[0])
            state = path.y[:, -1]
        state = np.add(state, [0.0, kick])
    return np.array(found)


def test_spike_times_equal_a_dense_integration(example: ModuleType) -> None:
    trial = example.Trial(spikes=4)
    rng = np.random.default_rng(0)
    post = trial.drive + 0.25
    ordinary = 0
    for _ in range(25):
        times = rng.uniform(0, 40, 6)
        weights = rng.normal(1, 5, 6)
        got = example.respond(array(times[None]), array(weights[None]), trial)
        dense = dense_spikes(times, weights, 40.0, 10.0, post)
        assert (dense < 40).sum() == got.fired.item()
        np.testing.assert_allclose(got.times[0, 0], dense[:4], atol=1e-6)
        ordinary += int(got.fired)
    assert ordinary > 15


def test_many_spikes_in_one_stretch(example: ModuleType) -> None:
    trial = example.Trial(spikes=5)
    times, weights = np.array([1.0]), np.array([200.0])
    got = example.respond(array(times[None]), array(weights[None]), trial)
    dense = dense_spikes(times, weights, 40.0, 10.0, trial.drive + 0.25)
    assert got.fired.item() == (dense < 40).sum() >= 4
    np.testing.assert_allclose(got.times[0, 0], dense[:5], atol=1e-6)


@pytest.mark.parametrize(
    "voltage", [1e-3, 0.05, 0.4, 0.99, 1.0, 1.3, 3.0, 40.0, -0.5, -30.0]
)
@pytest.mark.parametrize(
    "current", [-2.0, -0.1, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.1, 3.0, 50.0]
)
def test_first_spike_solves_its_equation(
    example: ModuleType, voltage: float, current: float
) -> None:
    """C(s) q = S(s) p at the spike, and never before."""
    pair = np.array([voltage, 1.0]) / math.hypot(voltage, 1.0)
    state = example.State(
        *(array([[value]]) for value in (*pair, current)), array([[0.0]])
    )
    spike = example.first_spike(state).item()
    s = np.linspace(0, min(spike, 1.0), 2001)
    frequency = np.sqrt(complex(current))
    sine = np.sin(frequency * s) / frequency if current else s + 0j
    bottom = (np.cos(frequency * s) * pair[1] - sine * pair[0]).real
    assert (bottom[:-1] > 0).all()
    if spike < 1:
        assert abs(bottom[-1]) < 1e-12
    else:
        assert bottom[-1] > -1e-12


@pytest.mark.parametrize("seam", [-1e-2, 1e-2, 0.0])
def test_functions_have_no_seams(example: ModuleType, seam: float) -> None:
    around = (seam + array([-1e-9, 0.0, 1e-9])).requires_grad_()
    for values in example.circular(around):
        assert (values.max() - values.min()).item() < 2e-9
        (slope,) = torch.autograd.grad(values.sum(), around, retain_graph=True)
        assert (slope.max() - slope.min()).item() < 1e-9


@pytest.mark.parametrize("weak", [-1e-3, 1e-3, 0.0])
def test_first_spike_has_no_seams(example: ModuleType, weak: float) -> None:
    current = (weak + array([-1e-10, 0.0, 1e-10])).requires_grad_()
    for voltage in (1.1, 3.0, 20.0):
        length = math.hypot(voltage, 1)
        top, bottom = array([voltage / length] * 3), array([1 / length] * 3)
        state = example.State(top, bottom, current, torch.zeros(3))
        spike = example.first_spike(state)
        assert (spike.max() - spike.min()).item() < 1e-9
        (slope,) = torch.autograd.grad(spike.sum(), current)
        assert (slope.max() - slope.min()).item() < 1e-8


@pytest.mark.parametrize("weight", [-1e5, 1e5])
def test_the_strongest_weights_stay_finite(example: ModuleType, weight: float) -> None:
    weights = array([[weight]]).requires_grad_()
    times = example.respond(array([[0.0]]), weights, example.Trial()).times
    (slope,) = torch.autograd.grad(times.sum(), weights)
    assert times.isfinite().all()
    assert slope.isfinite().all()


def test_gradients_of_times_and_weights(example: ModuleType) -> None:
    generator = torch.Generator().manual_seed(1)
    times = 30 * torch.rand(2, 4, generator=generator, dtype=torch.float64)
    weights = 9 * torch.rand(3, 4, generator=generator, dtype=torch.float64) - 3
    trial = example.Trial()
    assert (example.respond(times, weights, trial).fired > 0).any()
    assert torch.autograd.gradcheck(
        lambda t, w: example.respond(t, w, trial).times,
        (times.requires_grad_(), weights.requires_grad_()),
        eps=1e-6,
        atol=1e-5,
    )


def test_gradients_at_no_current_and_at_rest(example: ModuleType) -> None:
    """A silent neuron has a gradient, and it is finite and exact."""
    weights = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    times = array([[1.0, 5.0, 5.0]]).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda w: example.respond(times.detach(), w, example.Trial()).times, weights
    )
    first = example.respond(times, weights, example.Trial()).times[0, 0, 0]
    (slope,) = torch.autograd.grad(first, weights)
    assert (slope < 0).all()


def test_gradients_of_the_network(example: ModuleType) -> None:
    weights = example.random_weights(torch.Generator().manual_seed(2))
    task = example.exclusive_or()
    assert example.gradient_error(weights, task, example.Trial()) < 1e-6


def test_differences_put_the_values_back(example: ModuleType) -> None:
    values = array([[1.0, 2.0]])
    slopes = example.central_differences(lambda: (values**2).sum(), values)
    torch.testing.assert_close(slopes, array([[2.0, 4.0]]))
    assert values.tolist() == [[1.0, 2.0]]


def test_a_wrong_gradient_is_noticed(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = example.random_weights(torch.Generator().manual_seed(2))
    right = example.advance

    def cut(state: object, end: torch.Tensor, found: torch.Tensor) -> object:
        return right(state._replace(current=state.current.detach()), end, found)

    monkeypatch.setattr(example, "advance", cut)
    error = example.gradient_error(weights, example.exclusive_or(), example.Trial())
    assert error > 1e-3


def test_a_spike_passes_the_end_without_a_jump(example: ModuleType) -> None:
    trial = example.Trial()
    _, times = example.sweep(trial)
    first = times[:, 0]
    assert first[0] > trial.duration > first[-1]
    assert (first.diff() < 0).all()
    assert times.diff(dim=0).abs().max() < 3
    assert (times.diff(dim=1) > 0).all()


def crossing(example: ModuleType, trial: object) -> float:
    """Find the weight whose spike comes at the end, by bisection."""
    low, high = 0.0, 8.0
    for _ in range(80):
        middle = (low + high) / 2
        late = example.respond(array([[5.0]]), array([[middle]]), trial).times[0, 0, 0]
        low, high = (middle, high) if late > trial.duration else (low, middle)
    return high


def test_time_slope_and_curvature_are_continuous_at_the_end(
    example: ModuleType,
) -> None:
    trial = example.Trial()
    at = crossing(example, trial)
    found = []
    for weight in (at - 1e-7, at + 1e-7):
        w = array([[weight]]).requires_grad_()
        response = example.respond(array([[5.0]]), w, trial)
        time = response.times[0, 0, 0]
        (slope,) = torch.autograd.grad(time, w, create_graph=True)
        (curve,) = torch.autograd.grad(slope.sum(), w)
        found.append((response.fired.item(), time, slope, curve))
    below, above = found
    assert (below[0], above[0]) == (0, 1)
    for a, b in zip(below[1:], above[1:], strict=True):
        assert a.item() == pytest.approx(b.item(), rel=1e-4)


def test_no_time_jumps_at_the_last_digits(example: ModuleType) -> None:
    trial = example.Trial()
    at = crossing(example, trial)
    near = array([[at + place * 2e-16 * at] for place in range(-50, 51)])
    times = example.respond(array([[5.0]]), near, trial).times[0]
    assert (times.max(0).values - times.min(0).values).max() < 1e-9


def test_a_spike_meets_an_input_without_a_jump(example: ModuleType) -> None:
    """All times move continuously as an input passes the neuron's own spike."""
    trial, weights = example.Trial(), array([[6.0, 9.0]])
    spike = example.respond(array([[1.0, 40.0]]), weights, trial).times[0, 0, 0].item()
    second = spike + torch.linspace(-1e-6, 1e-6, 101, dtype=torch.float64)
    times = torch.stack([torch.ones_like(second), second], dim=1)
    found = example.respond(times, weights, trial).times[:, 0]
    assert (found.max(0).values - found.min(0).values).max() < 1e-4


def test_a_hidden_spike_passes_the_end_without_a_jump(example: ModuleType) -> None:
    trial = example.Trial()
    at = crossing(example, trial)
    hidden = at + torch.linspace(-1e-6, 1e-6, 41, dtype=torch.float64)
    output = [
        example.forward(
            array([[5.0]]), example.Weights(w.view(1, 1), array([[50.0]])), trial
        )
        for w in hidden
    ]
    times = torch.stack([response.times[0, 0] for response in output])
    assert (times.max(0).values - times.min(0).values).max() < 1e-2
    assert times.diff(dim=0).abs().max() < 1e-3


def test_membrane_obeys_its_equation(example: ModuleType) -> None:
    trial = example.Trial()
    grid = torch.linspace(8, 9, 1001, dtype=torch.float64)
    voltage = example.membrane(array([[5.0]]), array([[1.5]]), trial, grid).numpy()
    current = 1.5 * np.exp(-2 * (grid.numpy() - 5) / 10)
    slope = np.gradient(voltage, grid.numpy(), edge_order=2)
    expected = (voltage * (voltage - 1) + current) / 10
    np.testing.assert_allclose(slope, expected, atol=1e-6)


def test_membrane_keeps_the_order_of_its_grid(example: ModuleType) -> None:
    """Inputs before, between and beyond the samples."""
    trial = example.Trial()
    grid = array([0.0, 10.0, 20.0])
    times, weights = array([[15.0, 60.0, 5.0]]), array([[1.0, 9.0, 1.0]])
    uncut = example.membrane(times, weights, trial, grid)
    parts = [example.membrane(times, weights, trial, grid[k, None]) for k in range(3)]
    torch.testing.assert_close(uncut, torch.cat(parts))
    assert uncut[0] == 0 < uncut[1]


@pytest.mark.parametrize(
    ("times", "weights", "message"),
    [
        ([[-1.0]], [[1.0]], "input time is -1 ms, expected 0 or later"),
        ([[math.nan]], [[1.0]], "input times hold NaN"),
        ([[1.0]], [[-2e5]], "weights sum to 200000, expected at most 100000"),
        ([[1.0]], [[math.inf]], "weights hold NaN or infinity"),
        ([[1.0, 2.0]], [[1.0]], "2 inputs and 1 columns of weights"),
        ([1.0], [[1.0]], "input times have dimensions 1"),
        ([[1.0]], [1.0], "weights have dimensions 1"),
    ],
)
def test_wrong_input_is_refused(
    example: ModuleType, times: object, weights: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        example.respond(array(times), array(weights), example.Trial())


def test_float32_is_refused(example: ModuleType) -> None:
    with pytest.raises(ValueError, match=r"torch\.float32, expected 2 of .*float64"):
        example.respond(array([[1.0]]), torch.ones(1, 1), example.Trial())


@pytest.mark.parametrize("name", ["duration", "time_constant", "drive", "spikes"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf])
def test_wrong_trial_is_refused(example: ModuleType, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} is .*, expected a positive number"):
        example.Trial(**{name: value})


def test_too_many_hidden_spikes_are_refused(example: ModuleType) -> None:
    weights = example.Weights(array([[200.0]]), array([[1.0]]))
    with pytest.raises(ValueError, match="expected at most 1"):
        example.forward(array([[1.0]]), weights, example.Trial(spikes=1))


def test_learning_makes_a_silent_neuron_fire(example: ModuleType) -> None:
    weights = example.random_weights(torch.Generator().manual_seed(2))
    trial, task = example.Trial(), example.exclusive_or()
    assert (example.forward(task.times, weights, trial).fired == 0).all()
    losses = example.learn(weights, task, trial, 60)
    assert losses[-1] < losses[0] / 5
    assert (example.forward(task.times, weights, trial).fired > 0).all()


def test_the_script_explains_how_to_use_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--picture" in explained("exact_spike_times", monkeypatch, capsys)


def test_the_script_runs_and_draws(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "picture.svg"
    example.main(["--steps", "2", "--picture", str(path)])
    assert "Loss before" in capsys.readouterr().out
    assert path.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    "arguments", [["--steps", "0"], ["--picture", "a.doc"], ["--picture", "no/a.svg"]]
)
def test_wrong_arguments_are_refused(
    example: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    printed = refused(example, arguments, capsys)
    assert "expected" in printed or "folder" in printed
