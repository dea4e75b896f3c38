"""The same three training problems, written for the libraries we are timed against.

All peers start from the same products (linear layers and convolutions), see the same
random spikes and labels, and take one Adam step a call. They differ in the neurons
between the products, which the classes here describe.

Libraries are imported when a peer is built: `norse` and `spikingjelly` are not among
our dependencies.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional

BETA, THRESHOLD, SLOPE = 0.9, 1.0, 2.0
INPUT_RATE = 0.1
LEARNING_RATE = 1e-3
GAIN = 3.0  # of the weights, so that every layer fires


@dataclass(frozen=True)
class Problem:
    """A training problem.

    Attributes
    ----------
    name : str
        One of `PROBLEMS`.
    n_steps, n_batch, n_inputs : int
        Of the input spikes, (step, batch, input).
    hidden : tuple of int
        Neurons of each hidden layer.
    n_classes : int
        Logits.
    kernel : int
        Steps of a convolution, 0 for linear layers.
    recurrent : bool
        Whether the hidden layer takes its own last spikes, all to all.
    averages_products : bool
        Whether the logits are the mean over time of the readout's products, not the
        readout's product of the spikes' mean.
    """

    name: str
    n_steps: int
    n_batch: int
    n_inputs: int
    hidden: tuple[int, ...]
    n_classes: int = 5
    kernel: int = 0
    recurrent: bool = False
    averages_products: bool = False


PROBLEMS = {
    problem.name: problem
    for problem in (
        Problem("mlp", 100, 128, 64, (256, 256), averages_products=True),
        Problem("convolution", 250, 64, 12, (32, 64), kernel=7),
        Problem("recurrent", 300, 64, 64, (128,), recurrent=True),
    )
}


class AlongTime(nn.Module):
    """A convolution along time, its channels last outside: (time, batch, channel)."""

    def __init__(self, n_inputs: int, n_outputs: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(n_inputs, n_outputs, kernel, padding=kernel // 2)

    def forward(self, steps: Tensor) -> Tensor:
        """Convolve all steps at once."""
        convolved = self.convolution(steps.permute(1, 2, 0))
        return convolved.permute(2, 0, 1).contiguous()


class Products(nn.Module):
    """The weights that all peers share: all but the neurons' own."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        widths = (problem.n_inputs, *problem.hidden)
        self.hidden = nn.ModuleList(
            AlongTime(n_inputs, n_outputs, problem.kernel)
            if problem.kernel
            else nn.Linear(n_inputs, n_outputs)
            for n_inputs, n_outputs in zip(widths, problem.hidden, strict=False)
        )
        self.recurrent = (
            nn.Linear(widths[-1], widths[-1]) if problem.recurrent else None
        )
        self.readout = nn.Linear(widths[-1], problem.n_classes)

    def draw(self, generator: torch.Generator) -> None:
        """Draw weights evenly, biases zero; the hidden ones `GAIN` times PyTorch's."""
        for name, values in self.named_parameters():
            if values.ndim == 1:
                nn.init.zeros_(values)
                continue
            bound = values[0].numel() ** -0.5
            gain = GAIN if name.startswith("hidden") else 1.0
            nn.init.uniform_(values, -gain * bound, gain * bound, generator)


class Neurons(nn.Module):
    """A layer of neurons, run over currents of shape (time, batch, neuron)."""

    def forward(self, currents: Tensor, recurrent: nn.Linear | None) -> Tensor:
        """Give the spikes, of the currents' shape."""
        raise NotImplementedError


class Network(nn.Module):
    """Products over all steps at once, neurons between them."""

    def __init__(
        self, problem: Problem, products: Products, neurons: list[Neurons]
    ) -> None:
        super().__init__()
        self.averages_products = problem.averages_products
        self.products = products
        self.neurons = nn.ModuleList(neurons)

    def forward(self, spikes: Tensor) -> Tensor:
        """Give logits, (batch, class), of spikes, (time, batch, input)."""
        for product, neurons in zip(self.products.hidden, self.neurons, strict=True):
            spikes = neurons(product(spikes), self.products.recurrent)
        return self.readout(spikes)

    def readout(self, spikes: Tensor) -> Tensor:
        """Average over time: the last product of spikes, or the spikes before it."""
        if self.averages_products:
            return self.products.readout(spikes).mean(0)
        return self.products.readout(spikes.mean(0))


def stepped(
    cell: Callable[[Tensor, Any], tuple[Tensor, Any]],
    currents: Tensor,
    recurrent: nn.Linear | None,
) -> Tensor:
    """Run a library's single-step cell over time.

    Parameters
    ----------
    cell : callable
        Gives spikes and the next state of a current and the state, None at first.
    currents : Tensor
        (time, batch, neuron). They are unbound: the backward pass of `currents[t]`
        fills a tensor of all times, so that a loop of them is quadratic in time.
    recurrent : Linear or None
        Product of the last spikes, added to the current.

    Returns
    -------
    Tensor
        Spikes, of the currents' shape.
    """
    outputs: list[Tensor] = []
    state = None
    for current in currents.unbind(0):
        if recurrent is not None and outputs:
            current = current + recurrent(outputs[-1])
        spikes, state = cell(current, state)
        outputs.append(spikes)
    return torch.stack(outputs)


class SnnTorch(Neurons):
    """`snntorch.Leaky`: β and threshold learned by each neuron.

    u[t] = β·u[t−1] + i[t] − θ·s[t−1], s = u > θ; the reset carries no gradient.
    The recurrent problem adds a Linear's product by hand, which is no slower than
    `RLeaky` with `linear_features`.
    """

    def __init__(self, n_neurons: int) -> None:
        super().__init__()
        self.leaky = leaky(n_neurons)

    def forward(self, currents: Tensor, recurrent: nn.Linear | None) -> Tensor:
        """Loop over time."""
        self.leaky.reset_mem()
        return stepped(self.leaky, currents, recurrent)


def leaky(n_neurons: int) -> nn.Module:
    """Make a `snntorch.Leaky`, off the list on which snnTorch keeps all ever made."""
    import snntorch
    from snntorch import surrogate

    cell = snntorch.Leaky(
        torch.full((n_neurons,), BETA),
        torch.full((n_neurons,), THRESHOLD),
        spike_grad=surrogate.atan(SLOPE),
        learn_beta=True,
        learn_threshold=True,
        reset_mechanism="subtract",
    )
    snntorch.SpikingNeuron.instances.remove(cell)
    return cell


class TutorialNetwork(Network):
    """snnTorch's multi-layer perceptron as its tutorials write it: one loop of all."""

    def forward(self, spikes: Tensor) -> Tensor:
        """Step through all layers, then through time."""
        cells = [neurons.leaky for neurons in self.neurons]
        membranes = [cell.reset_mem() for cell in cells]
        logits = []
        for step in range(len(spikes)):
            fired = spikes[step]
            for layer, cell in enumerate(cells):
                current = self.products.hidden[layer](fired)
                fired, membranes[layer] = cell(current, membranes[layer])
            logits.append(self.products.readout(fired))
        return torch.stack(logits).mean(0)


class SpikingJelly(Neurons):
    """`ParametricLIFNode`, torch backend: one time constant learned by a layer.

    v = (1 − 1/τ)·v + i, s = v ≥ θ, then v −= θ·s: unlike snnTorch's, what a spike
    subtracts decays with the rest at the next step. The threshold is not learned.
    Multi-step, which calls an operator of the library's own; the recurrent problem
    steps by hand, twice as fast as `LinearRecurrentContainer`.
    """

    def __init__(self, n_neurons: int) -> None:
        super().__init__()
        from spikingjelly.activation_based import neuron, surrogate

        self.node = neuron.ParametricLIFNode(
            init_tau=1 / (1 - BETA),
            decay_input=False,
            v_threshold=THRESHOLD,
            v_reset=None,
            surrogate_function=surrogate.ATan(SLOPE),
            detach_reset=True,
            step_mode="m",
        )

    def forward(self, currents: Tensor, recurrent: nn.Linear | None) -> Tensor:
        """Run all steps in one call, or, when recurrent, each in its own."""
        self.node.reset()
        if recurrent is None:
            return self.node(currents)
        self.node.step_mode = "s"
        return stepped(
            lambda current, _: (self.node(current), None), currents, recurrent
        )


class Norse(Neurons):
    """`LIFBoxCell`: rate 1/τ and threshold learned by each neuron.

    v += dt/τ·(i − v), s = v > θ, then v −= θ·s, with gradient through the reset. The
    current counts (1 − β)-fold, so θ is that much lower, for the same spikes. There is
    no arctangent surrogate: SuperSpike, 1 / (1 + |v − θ|)², takes its place. Norse does
    not register the parameters as a module's, so they are registered here.
    """

    def __init__(self, n_neurons: int, dt: float = 0.001) -> None:
        super().__init__()
        from norse.torch.functional.lif_box import LIFBoxParameters
        from norse.torch.functional.reset import reset_subtract
        from norse.torch.module.lif_box import LIFBoxCell

        self.rate = nn.Parameter(torch.full((n_neurons,), (1 - BETA) / dt))
        self.threshold = nn.Parameter(torch.full((n_neurons,), THRESHOLD * (1 - BETA)))
        parameters = LIFBoxParameters(
            tau_mem_inv=self.rate, v_th=self.threshold, reset_method=reset_subtract
        )
        self.cell = LIFBoxCell(parameters, dt)

    def forward(self, currents: Tensor, recurrent: nn.Linear | None) -> Tensor:
        """Loop over time."""
        return stepped(self.cell, currents, recurrent)


class ArcTan(torch.autograd.Function):
    """Heaviside forward, the derivative of an arctangent backward."""

    @staticmethod
    def forward(ctx: FunctionCtx, excess: Tensor) -> Tensor:
        """Fire above zero."""
        ctx.save_for_backward(excess)
        return (excess > 0).to(excess)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        """Weigh by the surrogate's derivative."""
        (excess,) = ctx.saved_tensors
        return gradient * (SLOPE / 2) / (1 + (torch.pi / 2 * SLOPE * excess) ** 2)


def leaky_step(
    current: Tensor, membrane: Tensor, beta: Tensor, threshold: Tensor
) -> tuple[Tensor, Tensor]:
    """Make one step of snnTorch's `Leaky` in plain PyTorch; spikes and membrane."""
    reset = (membrane > threshold).to(membrane)
    membrane = beta.clamp(0, 1) * membrane + current - reset * threshold
    return ArcTan.apply(membrane - threshold), membrane


def recurrent_step(
    current: Tensor,
    spikes: Tensor,
    membrane: Tensor,
    beta: Tensor,
    threshold: Tensor,
    weight: Tensor,
    bias: Tensor,
) -> tuple[Tensor, Tensor]:
    """Make one step with recurrent input; spikes and membrane."""
    current = current + functional.linear(spikes, weight, bias)
    return leaky_step(current, membrane, beta, threshold)


class Compiled(Neurons):
    """`torch.compile` of snnTorch's step in plain PyTorch; the loop is not compiled.

    β and threshold are learned by each neuron. States start with a gradient, or the
    first step would be compiled once more.
    """

    def __init__(self, n_neurons: int) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.full((n_neurons,), BETA))
        self.threshold = nn.Parameter(torch.full((n_neurons,), THRESHOLD))
        self.leaky_step = torch.compile(leaky_step, dynamic=False, fullgraph=True)
        self.recurrent_step = torch.compile(
            recurrent_step, dynamic=False, fullgraph=True
        )

    def forward(self, currents: Tensor, recurrent: nn.Linear | None) -> Tensor:
        """Loop over time."""
        membrane = torch.zeros_like(currents[0], requires_grad=True)
        spikes = torch.zeros_like(membrane, requires_grad=True)
        outputs = []
        for current in currents.unbind(0):
            if recurrent is None:
                spikes, membrane = self.leaky_step(
                    current, membrane, self.beta, self.threshold
                )
            else:
                spikes, membrane = self.recurrent_step(
                    current,
                    spikes,
                    membrane,
                    self.beta,
                    self.threshold,
                    recurrent.weight,
                    recurrent.bias,
                )
            outputs.append(spikes)
        return torch.stack(outputs)


class Rectifier(Neurons):
    """No neurons: rectified linear units, so that what is left is the products' time.

    Without recurrence all steps are rectified at once.
    """

    def __init__(self, n_neurons: int) -> None:
        super().__init__()

    def forward(self, currents: Tensor, recurrent: nn.Linear | None) -> Tensor:
        """Rectify."""
        if recurrent is None:
            return currents.relu()
        return stepped(lambda current, _: (current.relu(), None), currents, recurrent)


PEERS: dict[str, Callable[[int], Neurons]] = {
    "snntorch": SnnTorch,
    "spikingjelly": SpikingJelly,
    "norse": Norse,
    "compiled": Compiled,
    "products": Rectifier,
}


@dataclass
class Training:
    """A network with its data; calling it makes one training step.

    Attributes
    ----------
    network : Module
        Gives logits, (batch, class), of `spikes`.
    spikes : Tensor
        The fixed input, (time, batch, input).
    labels : Tensor
        (batch,)
    optimiser : Optimizer
        Adam over all the network's parameters.
    """

    network: nn.Module
    spikes: Tensor
    labels: Tensor
    optimiser: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        """Set up Adam."""
        self.optimiser = torch.optim.Adam(self.network.parameters(), LEARNING_RATE)

    def step(self) -> None:
        """Go forward and backward, and move the parameters."""
        self.optimiser.zero_grad()
        logits = self.network(self.spikes)
        functional.cross_entropy(logits, self.labels).backward()
        self.optimiser.step()

    __call__ = step


def data(problem: Problem, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw spikes, (time, batch, input), and labels, (batch,)."""
    size = (problem.n_steps, problem.n_batch, problem.n_inputs)
    spikes = (torch.rand(size, generator=generator) < INPUT_RATE).float()
    n_labels = (problem.n_batch,)
    labels = torch.randint(problem.n_classes, n_labels, generator=generator)
    return spikes, labels


def drawn_products(problem: Problem, generator: torch.Generator) -> Products:
    """Make the weights that all peers start from."""
    products = Products(problem)
    products.draw(generator)
    return products


def training(peer: str, problem: Problem, generator: torch.Generator) -> Training:
    """Make a peer's training of any problem; see `build`."""
    spikes, labels = data(problem, generator)
    products = drawn_products(problem, generator)
    neurons = [PEERS[peer](n_neurons) for n_neurons in problem.hidden]
    tutorial = peer == "snntorch" and problem.name == "mlp"
    network = (TutorialNetwork if tutorial else Network)(problem, products, neurons)
    return Training(network, spikes, labels)


def build(peer: str, problem: str, generator: torch.Generator) -> Callable[[], None]:
    """Make a peer's training of one of the problems.

    Parameters
    ----------
    peer : str
        One of `PEERS`.
    problem : str
        One of `PROBLEMS`.
    generator : torch.Generator
        Draws the data, then the weights; generators of one seed give all peers the
        same.

    Returns
    -------
    Training
        A call of it makes one training step.

    Raises
    ------
    ModuleNotFoundError
        If the peer's library is not installed.
    """
    return training(peer, PROBLEMS[problem], generator)
