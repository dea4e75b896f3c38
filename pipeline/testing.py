"""What every component must do, as checks for its author and for our own tests.

Each check raises AssertionError with what was broken.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.base import Encoder
from pipeline.errors import DataError, MeasurementError
from pipeline.kernels._sequence import UnstableError
from pipeline.meters.base import Meter
from pipeline.neurons.base import Neuron
from pipeline.plasticity._learner import Learner
from pipeline.plasticity._state import State
from pipeline.plasticity.base import Rule


def check_encoder(encoder: Encoder[Any]) -> None:
    """Check that a spike code keeps the contract of `pipeline.encoders.base`.

    Names and shapes; equal spikes for any division into chunks; nothing before t
    changes with the signal after t; states are not changed; `decode` keeps its bound.
    """
    signal = _example_signal()
    spikes = _encode(encoder, [signal])
    _check_shapes(encoder, signal, spikes)
    _check_chunks(encoder, signal, spikes)
    _check_causal(encoder, signal, spikes)
    _check_state(encoder, signal)
    _check_decode(encoder)


def check_meter(meter: Meter) -> None:
    """Check that a meter says why it cannot measure, or measures; never a made-up 0."""
    done: list[bool] = []
    reason = meter.unavailable()
    if reason is None:
        joules = meter.measure(lambda: done.append(True))
        assert done == [True], f"the work was done {len(done)} times"
        assert 0 <= joules < float("inf"), f"{joules} J"
        return
    assert reason.strip(), "the reason is empty"
    try:
        joules = meter.measure(lambda: done.append(True))
    except MeasurementError:
        return
    raise AssertionError(f"gives {joules} J although it is unavailable: {reason}")


def _example_signal() -> Samples:
    """Make noise of unit RMS with rare large bursts, 3 channels."""
    rng = np.random.default_rng(20260101)
    noise = rng.standard_normal((3, 1000)) * (1 + 4 * (rng.random((3, 1000)) < 0.01))
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)


def _encode(encoder: Encoder[Any], chunks: list[Samples]) -> SpikeBits:
    state = encoder.initial_state(chunks[0].shape[0], np.random.default_rng(7))
    pieces = []
    for chunk in chunks:
        piece, state = encoder.encode(chunk, state)
        pieces.append(piece)
    return np.concatenate(pieces, axis=1)


def _check_shapes(encoder: Encoder[Any], signal: Samples, spikes: SpikeBits) -> None:
    names = encoder.features(("a", "b", "c"))
    assert len(set(names)) == len(names), f"feature names repeat: {names}"
    expected = len(names), signal.shape[1]
    assert spikes.shape == expected, f"spikes {spikes.shape}, expected {expected}"
    assert spikes.dtype == np.bool_, f"spikes are {spikes.dtype}, not bool"
    assert spikes.any(), "no spike for a signal of unit RMS"
    assert encoder.delay_s(250.0) >= 0, "the code speaks before the signal"
    decoded = encoder.decode(spikes)
    assert decoded.shape == signal.shape, f"decoded {decoded.shape}"
    assert decoded.dtype == np.float32, f"decoded to {decoded.dtype}, not float32"


def _check_chunks(encoder: Encoder[Any], signal: Samples, spikes: SpikeBits) -> None:
    rng = np.random.default_rng(11)
    for n_cuts in (1, 2, 7, 40):
        cuts = np.sort(rng.integers(0, signal.shape[1] + 1, n_cuts))
        edges = [0, *cuts.tolist(), signal.shape[1]]
        chunks = [signal[:, start:stop] for start, stop in pairwise(edges)]
        same = np.array_equal(_encode(encoder, chunks), spikes)
        assert same, f"spikes change when chunks end at {edges[1:-1]}"


def _check_causal(encoder: Encoder[Any], signal: Samples, spikes: SpikeBits) -> None:
    for step in (0, 1, 500, signal.shape[1] - 1):
        changed = signal.copy()
        changed[:, step:] = 1 - 3 * changed[:, step:]
        same = np.array_equal(_encode(encoder, [changed])[:, :step], spikes[:, :step])
        assert same, f"a change from sample {step} on changes earlier spikes"


def _check_state(encoder: Encoder[Any], signal: Samples) -> None:
    start = encoder.initial_state(signal.shape[0], np.random.default_rng(7))
    _, state = encoder.encode(signal[:, :100], start)
    kept = deepcopy(state)
    first, _ = encoder.encode(signal[:, 100:], state)
    again, _ = encoder.encode(signal[:, 100:], state)
    fresh, _ = encoder.encode(signal[:, 100:], kept)
    same = np.array_equal(first, again) and np.array_equal(first, fresh)
    assert same, "encode changes the state that it was given"


def _check_decode(encoder: Encoder[Any]) -> None:
    bound = encoder.decode_bound()
    if bound is None:
        return
    phase = np.linspace(0, 4 * np.pi, 20_000)
    slow = np.stack([3 * np.sin(phase), np.sin(2 * phase)]).astype(np.float32)
    error = np.abs(encoder.decode(_encode(encoder, [slow])) - slow).max()
    assert error <= bound * (1 + 1e-5), f"decode is {error:g} off, bound {bound:g}"


def check_neuron(neuron: Neuron, *, dt: float = 0.01) -> None:
    """Check that a neuron model keeps the contract of `pipeline.neurons.base`.

    Its whole-sequence `run` against its own single steps: equal spikes and states in
    single precision, equal gradients in double. Every learned parameter gets gradient
    and changes the output; chunks and whole sequences give the same; a change never
    reaches back in time; states are not changed; no step, one window and NaN are dealt
    with.
    """
    layer = neuron.build((5,), dt=dt)
    currents = _example_currents(5 * neuron.inputs)
    _check_convention(neuron, layer, currents)
    _check_run(layer, currents)
    _check_gradients(layer, currents)
    _check_learned(layer, currents)
    _check_pieces(layer, currents)
    _check_sequence_causal(layer, currents)
    if neuron.spiking:
        _check_nan(layer, currents)
        _check_state_sizes(layer, currents)


def _example_currents(n: int) -> Tensor:
    """Make currents of 60 steps and 3 windows with rare large bursts."""
    generator = torch.Generator().manual_seed(20260101)
    noise = torch.randn(60, 3, n, generator=generator)
    bursts = torch.rand(60, 3, n, generator=generator) < 0.02
    return 0.3 + 0.6 * noise + 20 * bursts


def _steps(layer: Any, currents: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
    """Step through currents one by one."""
    outputs = []
    for current in currents.unbind(0):
        output, *state = layer(current, *state)
        outputs.append(output)
    return torch.stack(outputs), *state


def _check_convention(neuron: Neuron, layer: Any, currents: Tensor) -> None:
    state = layer.initial_state(currents[0])
    kept = [values.clone() for values in state]
    outputs, *after = layer(currents[0], *state)
    assert outputs.shape == (3, 5), f"outputs {tuple(outputs.shape)}, expected (3, 5)"
    assert len(after) == len(state), f"{len(state)} state variables become {len(after)}"
    layer.run(currents, *state)
    same = all(torch.equal(a, b) for a, b in zip(state, kept, strict=True))
    assert same, "the state that it was given is changed"
    outputs, *_ = layer.run(currents)
    assert outputs.isfinite().all(), "outputs are not finite"
    assert outputs.any(), "no output for currents with bursts"
    assert not neuron.spiking or not outputs.all(), "fires at every step"


def _check_run(layer: Any, currents: Tensor) -> None:
    outputs, *state = layer.run(currents)
    first = layer.initial_state(currents[0])
    expected, *expected_state = _steps(layer, currents, *first)
    assert torch.equal(outputs, expected), "run and single steps give other outputs"
    for one, other in zip(state, expected_state, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-6)
    single, *_ = layer.run(currents[:, :1])
    assert torch.equal(single, outputs[:, :1]), "one window alone gives other outputs"
    nothing, *same = layer.run(currents[:0], *state)
    assert len(nothing) == 0, "no steps give outputs"
    unchanged = all(torch.equal(a, b) for a, b in zip(same, state, strict=True))
    assert unchanged, "no steps change the state"


def _check_gradients(layer: Any, currents: Tensor) -> None:
    """Compare the gradients of currents, first state and parameters."""
    layer, currents = deepcopy(layer).double(), currents.double()
    found = _gradients(layer, layer.run, currents)
    expected = _gradients(layer, partial(_steps, layer), currents)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, msg=f"gradient of {name}")
    silent = [name for name, gradient in found.items() if not gradient.any()]
    assert not silent, f"no gradient reaches {', '.join(silent)}"


def _gradients(
    layer: Any, run: Callable[..., Any], currents: Tensor
) -> dict[str, Tensor]:
    """Differentiate a weighted sum of outputs and last state."""
    state = layer.initial_state(currents[0])
    inputs = {"currents": currents, **{f"state {k}": v for k, v in enumerate(state)}}
    inputs = {name: v.clone().requires_grad_() for name, v in inputs.items()}
    outputs, *last = run(*inputs.values())
    weights = torch.linspace(-1, 2, outputs.numel(), dtype=outputs.dtype)
    loss = (outputs.flatten() * weights).sum() + sum(v.sum() for v in last)
    inputs |= dict(layer.named_parameters())
    gradients = torch.autograd.grad(loss, list(inputs.values()))
    return dict(zip(inputs, gradients, strict=True))


def _check_learned(layer: Any, currents: Tensor) -> None:
    """Check that every learned parameter changes what comes out."""
    expected, *state = layer.run(currents)
    for name, _ in layer.named_parameters():
        changed = deepcopy(layer)
        with torch.no_grad():
            changed.get_parameter(name).add_(0.2)
        outputs, *after = changed.run(currents)
        moved = any(not torch.equal(a, b) for a, b in zip(after, state, strict=True))
        same = torch.equal(outputs, expected) and not moved
        assert not same, f"{name} changes nothing"


def _check_pieces(layer: Any, currents: Tensor) -> None:
    """Check that a sequence gives the same in any pieces."""
    expected, *last = layer.run(currents)
    for cuts in ([1], [30], [7, 7, 50]):
        state: list[Tensor] = []
        pieces = []
        for piece in currents.tensor_split(cuts):
            outputs, *state = layer.run(piece, *state)
            pieces.append(outputs)
        assert torch.equal(torch.cat(pieces), expected), f"cut at {cuts}: other outputs"
        same = all(torch.equal(a, b) for a, b in zip(state, last, strict=True))
        assert same, f"cut at {cuts}: another last state"


def _check_sequence_causal(layer: Any, currents: Tensor) -> None:
    expected, *_ = layer.run(currents)
    for step in (0, 1, 30, 59):
        changed = currents.clone()
        changed[step:] = 1 - 3 * changed[step:]
        outputs, *_ = layer.run(changed)
        same = torch.equal(outputs[:step], expected[:step])
        assert same, f"a change from step {step} on changes earlier outputs"


def _check_nan(layer: Any, currents: Tensor) -> None:
    broken = currents.clone()
    broken[31, 1, 2] = float("nan")
    try:
        layer.run(broken)
    except UnstableError as error:
        step = error.step
    else:
        raise AssertionError("NaN goes through without an error")
    assert step == 31, f"NaN at step 31 is reported at step {step}"


def _check_state_sizes(layer: Any, currents: Tensor) -> None:
    """Check that a state of other windows is refused: loops would write beyond it."""
    state = layer.initial_state(currents[0])
    for other in ([v[:1] for v in state], [v.repeat(2, 1) for v in state], state[1:]):
        if not other:
            continue
        try:
            layer.run(currents, *other)
        except DataError:
            continue
        raise AssertionError(f"takes a state of shapes {[v.shape for v in other]}")


def check_rule(rule: Rule, *, n_pre: int = 7, n_post: int = 5) -> None:
    """Check that a learning rule keeps the contract of `pipeline.plasticity.base`.

    Equal states, bit for bit, for any cut of trains, when run twice, and when saved and
    loaded in the middle; weights stay finite and in [0, w_max]; it learns something;
    no step changes nothing; trains are not changed; weights and states that do not fit
    are refused.
    """
    learner = rule.build(n_pre, n_post, dt=1e-3)
    trains = _example_trains(n_pre, n_post)
    whole = _learned(learner, [trains])
    _check_trains_kept(learner, trains)
    _check_learns(learner, whole)
    _check_range(learner)
    _check_cuts(learner, trains, whole)
    _check_saved(learner, trains, whole)
    _check_refusals(learner)


Trains = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Spikes (time, source) and (time, target), and rewards (time,)."""


def _example_trains(n_pre: int, n_post: int, *, rate: float = 0.05) -> Trains:
    """Make 3 seconds of random spikes and rewards."""
    rng = np.random.default_rng(20260101)
    pre, post = rng.random((3000, n_pre)) < rate, rng.random((3000, n_post)) < rate
    return pre, post, rng.standard_normal(3000).astype(np.float32)


def _example_state(learner: Learner) -> State:
    largest = min(learner.w_max, 1.0)
    shape = learner.n_pre, learner.n_post
    weights = np.random.default_rng(7).random(shape, np.float32) * np.float32(largest)
    return learner.start(weights)


def _learned(learner: Learner, pieces: list[Trains]) -> State:
    state = _example_state(learner)
    for piece in pieces:
        learner.learn(state, *piece)
    return state


def _cut(trains: Trains, edges: list[int]) -> list[Trains]:
    return [tuple(x[a:b] for x in trains) for a, b in pairwise(edges)]  # type: ignore[misc]


def _parts(state: State) -> list[Any]:
    traces = [array for rule in state.traces for array in rule]
    clock = np.array(state.clock)
    return [state.weights, state.thresholds, state.membranes, clock, *traces]


def _alike(one: State, other: State) -> bool:
    """Compare all of two states, bit for bit."""
    return all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(_parts(one), _parts(other), strict=True)
    )


def _check_learns(learner: Learner, whole: State) -> None:
    start = _example_state(learner)
    learned = zip(_parts(whole)[:2], _parts(start)[:2], strict=True)
    assert any(not np.array_equal(a, b) for a, b in learned), (
        "it learns nothing from 3 seconds of spikes"
    )


def _check_cuts(learner: Learner, trains: Trains, whole: State) -> None:
    n_steps = len(trains[0])
    assert _alike(_learned(learner, [trains]), whole), "two runs give other states"
    rng = np.random.default_rng(11)
    for n_cuts in (1, 2, 7, 40):
        cuts = np.sort(rng.integers(0, n_steps + 1, n_cuts)).tolist()
        state = _learned(learner, _cut(trains, [0, *cuts, n_steps]))
        assert _alike(state, whole), f"the state changes when trains are cut at {cuts}"
    nothing = _cut(trains, [0, 0])
    same = _alike(_learned(learner, [trains, *nothing]), whole)
    assert same, "no steps change the state"


def _check_saved(learner: Learner, trains: Trains, whole: State) -> None:
    before, after = _cut(trains, [0, 1234, len(trains[0])])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.safetensors"
        learner.save(path, _learned(learner, [before]))
        state = learner.load(path)
    learner.learn(state, *after)
    assert _alike(state, whole), "it goes on differently when saved and loaded"


def _check_trains_kept(learner: Learner, trains: Trains) -> None:
    """Check that the trains are as they were made."""
    fresh = _example_trains(learner.n_pre, learner.n_post)
    same = all(np.array_equal(a, b) for a, b in zip(trains, fresh, strict=True))
    assert same, "the trains that it was given are changed"


def _check_range(learner: Learner) -> None:
    """Check weights on their way, until every bound is reached."""
    for trains in _extreme_trains(learner.n_pre, learner.n_post):
        state = _example_state(learner)
        for piece in _cut(trains, list(range(0, 3001, 100))):
            learner.learn(state, *piece)
            values = learner.values(state)
            finite = np.isfinite(values).all() and np.isfinite(state.thresholds).all()
            assert finite, "weights or thresholds are not finite"
            low, high = values.min(), values.max()
            within = low >= 0 and high <= np.float32(learner.w_max)
            assert within, f"weights leave 0 to {learner.w_max:g}: {low:g} to {high:g}"


def _extreme_trains(n_pre: int, n_post: int) -> list[Trains]:
    """Make trains from sparse to dense, and targets just after and before sources."""
    noise = [_example_trains(n_pre, n_post, rate=rate) for rate in (0.05, 0.5, 0.95)]
    phase, rewards = np.arange(3000)[:, None] % 20, np.ones(3000, np.float32)
    volleys = [
        (np.repeat(phase == k, n_pre, 1), np.repeat(phase == 1 - k, n_post, 1), rewards)
        for k in (0, 1)
    ]
    return noise + volleys


def _check_refusals(learner: Learner) -> None:
    """Check that what does not fit is refused: loops would read and write beyond it."""
    n_pre, n_post, w_max = learner.n_pre, learner.n_post, learner.w_max
    for what, value in {"NaN": np.nan, "negative": -0.1, "infinite": np.inf}.items():
        weights = np.full((n_pre, n_post), value, np.float32)
        _refuses(f"{what} weights", learner.start, weights)
    if w_max < np.inf:
        heavy = np.full((n_pre, n_post), 1.1 * w_max, np.float32)
        _refuses("weights above w_max", learner.start, heavy)
    silence = [np.zeros((1, n), np.bool_) for n in (n_pre, n_post)]
    rule = learner.rules[0]
    for more in ((1, 0), (0, 1)):
        other = rule.build(n_pre + more[0], n_post + more[1], dt=learner.dt)
        state = _example_state(other)
        _refuses("the state of another size", learner.learn, state, *silence)


def _refuses(what: str, call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except DataError:
        return
    raise AssertionError(f"takes {what}")
