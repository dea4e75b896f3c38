"""What a module of snnTorch's layers does with a few steps, before it learns.

The pipeline cannot read a module's source; it runs it. A module that cannot be run in
pieces, whose windows share a state, or that keeps something for itself, is refused.
"""

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pipeline.errors import ConfigError, PipelineError
from pipeline.networks.parts.modules import WHERE
from pipeline.networks.parts.stepped import (
    KINDS,
    STATES,
    SteppedModule,
    layers_in,
    n_passed,
)

STEPS, CUT = 6, 2
BATCHES = (2, 3)
"""Of two sizes, so that no layer is as wide as both."""


class _UnfitError(Exception):
    """A module does not keep the contract."""


def stepped(
    module: nn.Module, n_inputs: int, n_outputs: int, *, dt: float, last: bool
) -> SteppedModule:
    """Put a module into a network, stepped from outside or by itself, as it is made.

    Raises
    ------
    ConfigError
        It has no neurons whose states are known, or other inputs or outputs, or states
        that cannot be handled.
    """
    _check_kinds(module)
    faults = []
    for loops in (False, True):
        made = SteppedModule(module, n_outputs, dt=dt, loops=loops, last=last)
        training = module.training
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                _check(made.eval(), n_inputs)
        except _UnfitError as fault:
            faults.append(str(fault))
            continue
        finally:
            made.train(training)
        return made
    one, every = faults
    raise ConfigError(
        WHERE,
        f"{type(module).__name__} given a step, (batch, {n_inputs}): {one}; given all "
        f"steps, (time, batch, {n_inputs}): {every}",
        expected=f"outputs of {n_outputs} columns in the same order, and states that "
        "are those of snnTorch's layers, or are taken and given back",
        remedy="see docs/snntorch.md",
    )


def _check_kinds(module: nn.Module) -> None:
    layers = list(layers_in(module))
    strange = sorted({type(n).__name__ for n in layers if type(n) not in KINDS})
    if layers and not strange:
        return
    known = ", ".join(kind.__name__ for kind in KINDS)
    raise ConfigError(
        WHERE,
        f"{type(module).__name__} has layers of {', '.join(strange)}"
        if strange
        else f"{type(module).__name__} has none of snnTorch's layers",
        expected=f"layers of {known}",
        remedy="use these; for others, write pipeline/networks/NAME.py",
    )


def _check(net: SteppedModule, n_inputs: int) -> None:
    before = _kept(net.module)
    for batch in BATCHES:
        spikes = (torch.rand(STEPS, batch, n_inputs) < 0.5).float()
        outputs, state = _run(net, spikes)
        _check_sizes(net, outputs, state, batch)
        _check_same(net, before, spikes, outputs)
        _check_pieces(net, spikes, outputs, state)
        alone, _ = _run(net, spikes[:, :1])
        if not _close(alone, outputs[:, :1]):
            raise _UnfitError("a window's outputs depend on the windows beside it")


def _run(
    net: SteppedModule, spikes: Tensor, state: tuple[Tensor, ...] = ()
) -> tuple[Tensor, tuple[Tensor, ...]]:
    try:
        outputs, *after = net(spikes, *state)
    except PipelineError as error:
        raise _UnfitError(error.found) from error
    except Exception as error:
        text = str(error).partition("\n")[0]
        raise _UnfitError(f"it fails ({type(error).__name__}: {text})") from error
    return outputs, tuple(after)


def _check_sizes(
    net: SteppedModule, outputs: Tensor, state: tuple[Any, ...], batch: int
) -> None:
    rows, expected = "" if net.loops else " a step", (STEPS, batch, net.width)
    if tuple(outputs.shape) != expected:
        found = tuple(outputs.shape if net.loops else outputs.shape[1:])
        wanted = expected if net.loops else expected[1:]
        which = "last" if net.last else "first"
        raise _UnfitError(
            f"its {which} value has the shape {found}{rows}, not {wanted}"
        )
    passed = state[len(state) - n_passed(net.module) :]
    if not all(isinstance(each, Tensor) for each in passed):
        raise _UnfitError(
            f"it takes {len(passed)} states and does not give back as many"
        )
    used = [each for each in state if each.numel()]
    if any(each.shape[0] != batch for each in used):
        raise _UnfitError("its states do not follow the batch")
    if not used:
        raise _UnfitError("none of its neurons is run")


def _check_same(
    net: SteppedModule, before: dict[str, Any], spikes: Tensor, outputs: Tensor
) -> None:
    after = _kept(net.module)
    for name in {**before, **after}:
        if name not in before or not _equal(before[name], after.get(name)):
            raise _UnfitError(f"it keeps {name} from one call to the next")
    if not _close(_run(net, spikes)[0], outputs):
        raise _UnfitError("it gives other outputs for the same spikes")


def _check_pieces(
    net: SteppedModule, spikes: Tensor, outputs: Tensor, state: tuple[Tensor, ...]
) -> None:
    first, between = _run(net, spikes[:CUT])
    second, after = _run(net, spikes[CUT:], between)
    same = _close(torch.cat([first, second]), outputs)
    if not same or not all(map(_close, after, state)):
        raise _UnfitError("in two pieces it does not go on where the first one ended")
    _, other = _run(net, spikes[CUT:], tuple(each + 0.5 for each in between))
    if all(map(_close, after, other)):
        raise _UnfitError("its neurons start anew at every call")


def _close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, 1e-4, 1e-5)


def _kept(module: nn.Module) -> dict[str, Any]:
    """Copy what a module keeps beside its layers' states: attributes and buffers."""
    return {
        name: copy.copy(value) if isinstance(value, list | dict | set) else value
        for name, value in _values(module)
    }


def _values(module: nn.Module) -> Iterator[tuple[str, Any]]:
    hidden = vars(nn.Module())
    for path, each in module.named_modules():
        own = {k: v for k, v in vars(each).items() if k not in hidden}
        if isinstance(each, KINDS):
            own.pop("reset", None)
        buffers = {k: v.clone() for k, v in each.named_buffers(recurse=False)}
        for name, value in {**own, **buffers}.items():
            if not (isinstance(each, KINDS) and name in STATES):
                yield f"{path}.{name}".lstrip("."), value


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) or isinstance(other, Tensor):
        both = isinstance(one, Tensor) and isinstance(other, Tensor)
        return both and torch.equal(one, other)
    try:
        return bool(one is other or one == other)
    except (RuntimeError, ValueError):
        return False
