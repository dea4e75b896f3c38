"""One pair rule on given spike trains, in the packages that we are timed against.

Every step: traces decay by exp(−dt/τ), weights change, traces of those that fire rise
by one, and weights are clipped to [0, w_max]::

    w ← w − a₋·x_post   source fires
    w ← w + a₊·x_pre    target fires

No package computes products of weights and spikes: the spikes of both sides are given.
Each class describes the form in which its package runs fastest.

`plasticity.py` runs this file in the package's own interpreter, which needs NumPy and
the package: `python _plasticity_peers.py PEER PROBLEM`. A line `run` on standard input
is answered by a round's times, `save FILE` writes the weights it ended with.
"""

import json
import math
import sys
import time
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """A learning problem.

    Attributes
    ----------
    weights : array, shape (source, target), float32
        At the start.
    pre, post : array, shape (time, source) and (time, target), bool
        Who fires; no step has both.
    dt, tau_s : float
        A step, and the time constant of all traces, in seconds.
    a_plus, a_minus, w_max : float
    """

    weights: np.ndarray
    pre: np.ndarray
    post: np.ndarray
    dt: float = 0.001
    tau_s: float = 0.02
    a_plus: float = 0.02
    a_minus: float = 0.021
    w_max: float = 1.0

    def save(self, path: Path) -> None:
        """Write all of it."""
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Problem":
        """Read it again."""
        with np.load(path) as stored:
            return cls(**{k: v if v.ndim else v.item() for k, v in stored.items()})


@dataclass(frozen=True)
class Times:
    """The duration of a round, in seconds.

    Attributes
    ----------
    steps : float
        The steps alone.
    call : float
        The complete call that runs them.
    """

    steps: float
    call: float


def timed(work: Callable[[], object]) -> Times:
    """Time work that is nothing but steps."""
    begun = time.perf_counter()
    work()
    took = time.perf_counter() - begun
    return Times(took, took)


class SpikingJelly:
    """`STDPLearner`, single steps; spikes go straight into its monitors' records.

    So no hook runs and no layer is computed. Its traces keep 1 − 1/τ of themselves in a
    step, so τ is chosen to make that exp(−dt/τ). The caller adds the change and clips.
    """

    def __init__(self, problem: Problem) -> None:
        import torch
        from spikingjelly.activation_based.learning import STDPLearner

        torch.set_num_threads(1)
        n_pre, n_post = problem.weights.shape
        tau = 1 / (1 - math.exp(-problem.dt / problem.tau_s))
        self.torch, self.problem = torch, problem
        self.layer = torch.nn.Linear(n_pre, n_post, bias=False)
        self.learner = STDPLearner(
            step_mode="s",
            synapse=self.layer,
            sn=torch.nn.Identity(),
            tau_pre=tau,
            tau_post=tau,
            f_pre=lambda weights: problem.a_minus,
            f_post=lambda weights: problem.a_plus,
        )
        self.pre = torch.from_numpy(problem.pre).float().unsqueeze(1)
        self.post = torch.from_numpy(problem.post).float().unsqueeze(1)

    def run(self) -> Times:
        """Learn from the start."""
        self.learner.reset()
        start = self.torch.from_numpy(self.problem.weights).T.contiguous()
        self.layer.weight.data = start
        with self.torch.inference_mode():
            return timed(self.steps)

    def steps(self) -> None:
        """Take all steps."""
        weights = self.layer.weight.data
        learner, w_max = self.learner, self.problem.w_max
        for pre, post in zip(self.pre, self.post, strict=True):
            learner.in_spike_monitor.records.append(pre)
            learner.out_spike_monitor.records.append(post)
            weights += learner.step(on_grad=False)
            weights.clamp_(0, w_max)

    def weights(self) -> np.ndarray:
        """Give the weights, (source, target)."""
        return self.layer.weight.data.T.numpy()


class BindsNet:
    """`PostPre` of a `Connection` between two `Input` layers, in its fused form.

    Layers and connection are called as `Network.run` calls them, without the products
    that it computes of every connection.
    """

    def __init__(self, problem: Problem) -> None:
        import torch

        alone("bindsnet")
        from bindsnet.network import nodes, topology  # before learning: a circle
        from bindsnet.learning import PostPre  # isort: skip

        torch.set_num_threads(1)
        self.torch, self.problem = torch, problem
        self.source, self.target = (
            self.layer(nodes.Input, n_neurons) for n_neurons in problem.weights.shape
        )
        self.connection = topology.Connection(
            self.source,
            self.target,
            nu=(problem.a_minus, problem.a_plus),
            update_rule=PostPre,
            w=torch.from_numpy(problem.weights.copy()),
            wmin=0.0,
            wmax=problem.w_max,
        )
        self.pre = torch.from_numpy(problem.pre).unsqueeze(1)
        self.post = torch.from_numpy(problem.post).unsqueeze(1)

    def layer(self, kind: type, n_neurons: int) -> Any:
        """Make a layer whose traces rise by one, one sequence at a time."""
        made = kind(
            n_neurons,
            traces=True,
            traces_additive=True,
            tc_trace=1e3 * self.problem.tau_s,
        )
        made.compute_decays(1e3 * self.problem.dt)
        made.set_batch_size(1)
        return made

    def run(self) -> Times:
        """Learn from the start."""
        for layer in (self.source, self.target):
            layer.set_batch_size(1)  # a reset would wipe spikes: `s` is the input
        self.connection.w.data = self.torch.from_numpy(self.problem.weights.copy())
        with self.torch.inference_mode():
            return timed(self.steps)

    def steps(self) -> None:
        """Take all steps."""
        for pre, post in zip(self.pre, self.post, strict=True):
            self.source.forward(pre)
            self.target.forward(post)
            self.connection.update()

    def weights(self) -> np.ndarray:
        """Give the weights, (source, target)."""
        return self.connection.w.data.numpy()


def alone(package: str) -> None:
    """Let a package's modules be imported without its `__init__`.

    BindsNET's imports games, pictures and plots, which the rule does not need.
    """
    module = types.ModuleType(package)
    module.__path__ = list(find_spec(package).submodule_search_locations)
    sys.modules[package] = module


class Brian2:
    """Traces on neurons, spikes from a table, float32, compiled by Cython.

    A synapse then has one variable, and no spike calls `exp`. What `run` prepares each
    time anew is in `Times.call` alone.
    """

    precision: type = np.float32

    def __init__(self, problem: Problem) -> None:
        import brian2

        brian2.prefs.codegen.target = "cython"
        brian2.prefs.core.default_float_dtype = self.precision
        self.brian2, self.problem = brian2, problem
        brian2.defaultclock.dt = problem.dt * brian2.second
        self.synapses = self.connect(*self.populations())
        self.synapses.connect()
        self.synapses.w = problem.weights.ravel()
        self.network = brian2.Network(self.synapses, self.synapses.source)
        self.network.add(self.synapses.target)
        self.network.store()

    @property
    def names(self) -> dict[str, Any]:
        """Constants of the equations."""
        problem = self.problem
        return {
            "tau": problem.tau_s * self.brian2.second,
            "a_plus": problem.a_plus,
            "a_minus": problem.a_minus,
            "w_max": problem.w_max,
        }

    def populations(self) -> Iterator[Any]:
        """Make sources, then targets."""
        for spikes in (self.problem.pre, self.problem.post):
            table = self.brian2.TimedArray(
                spikes.astype(self.precision), dt=self.brian2.defaultclock.dt
            )
            yield self.brian2.NeuronGroup(
                spikes.shape[1],
                "dx/dt = -x / tau : 1",
                threshold="fires(t, i) > 0",
                reset="x += 1",
                method="exact",
                namespace=self.names | {"fires": table},
            )

    def connect(self, source: Any, target: Any) -> Any:
        """Make the synapses, still without any."""
        return self.brian2.Synapses(
            source,
            target,
            "w : 1",
            on_pre="w = clip(w - a_minus * x_post, 0, w_max)",
            on_post="w = clip(w + a_plus * x_pre, 0, w_max)",
            namespace=self.names,
        )

    def run(self) -> Times:
        """Learn from the start."""
        self.network.restore()
        duration = len(self.problem.pre) * self.problem.dt * self.brian2.second
        reports: list[float] = []
        begun = time.perf_counter()
        with np.errstate(over="ignore"):  # it tests float32 against 1e50
            self.network.run(
                duration,
                report=lambda *_: reports.append(time.perf_counter()),
                report_period=1e6 * self.brian2.second,
                namespace={},
            )
        return Times(reports[-1] - reports[0], time.perf_counter() - begun)

    def weights(self) -> np.ndarray:
        """Give the weights, (source, target)."""
        return np.asarray(self.synapses.w).reshape(self.problem.weights.shape)


class Brian2Manual(Brian2):
    """As in Brian2's manual: both traces event-driven on every synapse, float64."""

    precision = np.float64

    def populations(self) -> Iterator[Any]:
        """Make sources, then targets."""
        for spikes in (self.problem.pre, self.problem.post):
            steps, neurons = np.nonzero(spikes)
            yield self.brian2.SpikeGeneratorGroup(
                spikes.shape[1], neurons, steps * self.brian2.defaultclock.dt
            )

    def connect(self, source: Any, target: Any) -> Any:
        """Make the synapses, still without any."""
        return self.brian2.Synapses(
            source,
            target,
            """
            w : 1
            dof_source/dt = -of_source / tau : 1 (event-driven)
            dof_target/dt = -of_target / tau : 1 (event-driven)
            """,
            on_pre="""
            w = clip(w - a_minus * of_target, 0, w_max)
            of_source += 1
            """,
            on_post="""
            w = clip(w + a_plus * of_source, 0, w_max)
            of_target += 1
            """,
            namespace=self.names,
        )


PEERS = {
    "spikingjelly": SpikingJelly,
    "bindsnet": BindsNet,
    "brian2": Brian2,
    "brian2, manual": Brian2Manual,
}


def serve(name: str, path: Path) -> None:
    """Answer the lines of standard input until they end."""
    peer = PEERS[name](Problem.load(path))
    peer.run()
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order, _, file = line.strip().partition(" ")
        if order == "save":
            np.save(file, peer.weights())
        answer = vars(peer.run()) if order == "run" else "saved"
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
