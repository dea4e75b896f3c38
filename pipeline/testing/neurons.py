"""The contract of neurons."""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pipeline.errors import DataError
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.neurons.base import Neuron


def check_neuron(neuron: Neuron, *, dt: float = 0.01) -> None:
    """Check that a neuron model keeps the contract of `pipeline.neurons.base`.

    Its full-sequence `run` against its own single steps: equal spikes and states in
    single precision, equal gradients in double. Every learned parameter gets gradient
    and changes the output; chunks and full sequences give the same; a change never
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
