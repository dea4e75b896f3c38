"""What every network must do."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.networks.base import Network, Shape
from pipeline.neurons.base import Neuron

SHAPE = Shape(n_steps=240, n_features=5, n_classes=3, dt=0.01)
"""Windows of the spikes here."""

BATCH = 4


def check_network(network: Network, neuron: Neuron, *, shape: Shape = SHAPE) -> None:
    """Check that a topology keeps the contract of `pipeline.networks.base`.

    One seed builds one network; logits are finite and have a row for each window; every
    parameter that learns gets a gradient; a window has the same logits alone and among
    others; a network that runs on through pieces of time decides as in one pass, and
    from what came before; reading spikes changes nothing.

    Parameters
    ----------
    network : Network
    neuron : Neuron
        One that fits in it.
    shape : Shape
        Windows that it can read.
    """
    spikes = _example_spikes(shape)
    built = _built(network, neuron, shape)
    _check_seed(built, _built(network, neuron, shape), spikes)
    _check_logits(built, spikes, shape)
    _check_learning(built, spikes)
    _check_windows(built, spikes)
    _check_pieces(built, spikes)
    _check_running_causal(built, spikes)


def _example_spikes(shape: Shape) -> Tensor:
    """Make spikes (time, batch, feature) of rates from window to window."""
    generator = torch.Generator().manual_seed(20260101)
    size = shape.n_steps, BATCH, shape.n_features
    rates = torch.linspace(0.1, 0.5, BATCH)[:, None]
    return (torch.rand(size, generator=generator) < rates).float()


def _built(network: Network, neuron: Neuron, shape: Shape) -> Any:
    """Build one, and let it see windows, for norms that follow what they saw."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        built = network.build(shape, neuron).train()
        with torch.no_grad():
            for _ in range(20):
                built(_example_spikes(shape))
    return built.eval()


def _logits(built: Any, spikes: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = built(spikes)
    return logits


def _check_seed(built: Any, again: Any, spikes: Tensor) -> None:
    states = built.state_dict(), again.state_dict()
    assert states[0].keys() == states[1].keys(), "one seed builds other tensors"
    same = all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert same, "one seed builds other numbers"
    same = torch.equal(_logits(built, spikes), _logits(again, spikes))
    assert same, "one seed builds networks of other logits"


def _check_logits(built: Any, spikes: Tensor, shape: Shape) -> None:
    kept, given = deepcopy(built.state_dict()), spikes.clone()
    logits = _logits(built, spikes)
    expected = BATCH, shape.n_classes
    assert logits.shape == expected, f"logits {tuple(logits.shape)}, not {expected}"
    assert logits.isfinite().all(), "logits are not finite"
    assert not (logits == logits[0]).all(), "all windows have the same logits"
    assert torch.equal(spikes, given), "the spikes that it was given are changed"
    after = built.state_dict()
    same = all(torch.equal(value, after[name]) for name, value in kept.items())
    assert same, "reading windows changes what it keeps"


def _check_learning(built: Any, spikes: Tensor) -> None:
    """Check that a loss of the logits reaches every parameter that learns."""
    learning = deepcopy(built)
    learned = {n: p for n, p in learning.named_parameters() if p.requires_grad}
    assert learned, "nothing of it learns"
    logits = learning(spikes)
    loss = functional.cross_entropy(logits, torch.arange(BATCH) % logits.shape[1])
    found = torch.autograd.grad(loss, list(learned.values()), allow_unused=True)
    gradients = dict(zip(learned, found, strict=True))
    silent = [name for name, g in gradients.items() if g is None or not g.any()]
    assert not silent, f"no gradient reaches {', '.join(silent)}"
    wild = [name for name, g in gradients.items() if not g.isfinite().all()]
    assert not wild, f"gradients that are not finite: {', '.join(wild)}"


def _check_windows(built: Any, spikes: Tensor) -> None:
    logits = _logits(built, spikes)
    for k in range(BATCH):
        alone = _logits(built, spikes[:, k : k + 1])[0]
        close = torch.allclose(alone, logits[k], rtol=1e-4, atol=1e-5)
        assert close, f"window {k} has other logits alone than among others"


def _decided(built: Any, pieces: tuple[Tensor, ...], stops: list[int]) -> Tensor:
    """Run on through pieces, and decide for every window at each of the steps."""
    from pipeline.networks.parts.heads import At

    n_rows = pieces[0].shape[1]
    row, stop = torch.meshgrid(torch.arange(n_rows), torch.tensor(stops), indexing="ij")
    with torch.no_grad():
        logits: Tensor = built.decide(pieces, At(row.flatten(), stop.flatten()))
    return logits.reshape(n_rows, len(stops), -1)


def _check_pieces(built: Any, spikes: Tensor) -> None:
    n_steps, stride = len(spikes), built.stride
    stops = [n_steps // 2, n_steps - 1, n_steps]
    at_once = _decided(built, (spikes,), stops)
    close = torch.allclose(at_once[:, -1], _logits(built, spikes), rtol=1e-4, atol=1e-5)
    assert close, "it decides otherwise when it runs on than for a window"
    for n_strides in (1, 3, 7):
        pieces = torch.split(spikes, n_strides * stride)
        close = torch.allclose(
            _decided(built, pieces, stops), at_once, rtol=1e-4, atol=1e-5
        )
        assert close, f"it decides otherwise in pieces of {n_strides * stride} steps"


def _check_running_causal(built: Any, spikes: Tensor) -> None:
    """Check that what comes after a decision does not change it."""
    stop = len(spikes) // 2 // built.stride * built.stride
    changed = spikes.clone()
    changed[stop:] = 1 - changed[stop:]
    decided = [_decided(built, (each,), [stop]) for each in (spikes, changed)]
    assert torch.equal(*decided), f"spikes from step {stop} on change earlier decisions"
