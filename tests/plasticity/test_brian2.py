"""The same rule, and the same network, in Brian2 learn the same weights.

Brian2 wants an older NumPy, so it is not installed with us: this runs in an environment
of its own, which besides brian2 needs what the rule needs and pytest: `pip install
brian2==2.9.0 "numpy<2.4" setuptools numba pandas pydantic jaxtyping scipy pytest
pytest-timeout`, then `python -m pytest tests/plasticity/test_brian2.py`.
"""

import numpy as np
import pytest

brian2 = pytest.importorskip("brian2", reason="Brian2 lives in another environment")

from pipeline.plasticity.parts.population import Population  # noqa: E402
from pipeline.plasticity.three_variable import ThreeVariable  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Brian2's own

DT, N_STEPS, N_PRE, N_POST = 1e-3, 2000, 20, 15
TAU_PRE_S, TAU_POST_S = 0.017, 0.033
A_PLUS, A_MINUS, W_MAX = 0.08, 0.045, 0.75


def trains(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw spikes at 20 Hz; where both sides fire in a step, only one is let."""
    generator = np.random.default_rng(seed)
    pre = generator.random((N_STEPS, N_PRE)) < 0.02
    post = generator.random((N_STEPS, N_POST)) < 0.02
    sources_turn = generator.random(N_STEPS) < 0.5
    pre[post.any(1) & ~sources_turn] = False
    post[pre.any(1)] = False
    return pre, post


def learned_by_brian2(
    weights: np.ndarray, pre: np.ndarray, post: np.ndarray
) -> np.ndarray:
    """Learn with event-driven traces on synapses, as Brian2's manual shows."""
    brian2.prefs.codegen.target = "numpy"
    brian2.defaultclock.dt = DT * brian2.second
    source, target = generator_of(pre), generator_of(post)
    synapses = brian2.Synapses(
        source,
        target,
        """
        w : 1
        dof_source/dt = -of_source / tau_source : 1 (event-driven)
        dof_target/dt = -of_target / tau_target : 1 (event-driven)
        """,
        on_pre="""
        w = clip(w - a_minus * of_target, 0, w_max)
        of_source += 1
        """,
        on_post="""
        w = clip(w + a_plus * of_source, 0, w_max)
        of_target += 1
        """,
        namespace={
            "tau_source": TAU_PRE_S * brian2.second,
            "tau_target": TAU_POST_S * brian2.second,
            "a_plus": A_PLUS,
            "a_minus": A_MINUS,
            "w_max": W_MAX,
        },
    )
    synapses.connect()
    synapses.w = weights.ravel()
    network = brian2.Network(source, target, synapses)
    network.run(N_STEPS * DT * brian2.second, namespace={})
    return np.asarray(synapses.w).reshape(weights.shape)


def generator_of(spikes: np.ndarray) -> "brian2.SpikeGeneratorGroup":
    """Make a group that fires as prescribed."""
    steps, neurons = np.nonzero(spikes)
    times = steps * brian2.defaultclock.dt
    return brian2.SpikeGeneratorGroup(spikes.shape[1], neurons, times)


def learned_by_us(
    weights: np.ndarray, pre: np.ndarray, post: np.ndarray, theta: float = 0.0
) -> np.ndarray:
    """Learn with the three-variable rule."""
    rule = ThreeVariable(
        a_plus=A_PLUS,
        a_minus=A_MINUS,
        tau_pre_s=TAU_PRE_S,
        tau_post_s=TAU_POST_S,
        theta=theta,
        w_max=W_MAX,
    )
    learner = rule.build(N_PRE, N_POST, dt=DT)
    state = learner.start(weights.copy())
    learner.learn(state, pre, post)
    return learner.values(state)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_brian2_learns_the_same_weights(seed: int) -> None:
    """Brian2 computes in float64 and we in float32: rounding is what is left."""
    generator = np.random.default_rng(100 + seed)
    weights = W_MAX * generator.random((N_PRE, N_POST), dtype=np.float32)
    pre, post = trains(seed)
    expected = learned_by_brian2(weights, pre, post)
    learned = learned_by_us(weights, pre, post)
    assert (expected == 0).any()
    assert (expected == W_MAX).any()
    assert np.abs(expected - weights).max() > 0.3 * W_MAX
    np.testing.assert_allclose(learned, expected, rtol=0, atol=5e-6 * W_MAX)


def test_what_theta_drops_is_within_the_bound() -> None:
    """Each spike of a target can lose at most a_plus times theta."""
    weights = np.full((N_PRE, N_POST), W_MAX / 2, np.float32)
    pre, post = trains(3)
    exact = learned_by_brian2(weights, pre, post)
    apart = np.abs(learned_by_us(weights, pre, post, theta=0.1) - exact)
    assert 1e-3 < apart.max() <= A_PLUS * 0.1 * post.sum(0).max()


def brian_network(
    pre: np.ndarray, weights: np.ndarray, rule: ThreeVariable, population: Population
) -> tuple[np.ndarray, np.ndarray]:
    """Run the same neurons and synapses in Brian2; gives spikes and weights.

    Every step: potentials move on, neurons fire and start again from 0, currents decay
    and get the step's input, pairs of this step and earlier ones change weights, and
    only then do traces rise.
    """
    n_pre, n_post = weights.shape
    brian2.start_scope()
    brian2.defaultclock.dt = population.dt * brian2.second
    train = brian2.TimedArray(pre.astype(float), dt=population.dt * brian2.second)
    neurons = population.neurons
    names = {
        "beta": float(neurons.beta),
        "alpha": float(neurons.alpha),
        "pre_decay": float(np.exp(-population.dt / rule.tau_pre_s)),
        "post_decay": float(np.exp(-population.dt / rule.tau_post_s)),
        "rise": rule.a_plus,
        "fall": rule.a_minus,
        "w_max": rule.w_max,
        "train": train,
    }
    model = "x : 1\nfired : 1"
    sources = brian2.NeuronGroup(
        n_pre, model, threshold="train(t, i) > 0.5", reset="fired = 1", namespace=names
    )
    targets = brian2.NeuronGroup(
        n_post,
        model + "\nv : 1\ng : 1",
        threshold="v >= 1",
        reset="fired = 1; v = 0",
        namespace=names,
    )
    synapses = brian2.Synapses(
        sources,
        targets,
        "w : 1",
        on_pre="g_post += w; w = clip(w - fall * x_post * (1 - fired_post), 0, w_max)",
        on_post="w = clip(w + rise * x_pre * (1 - fired_pre), 0, w_max)",
        namespace=names,
    )
    synapses.connect()
    synapses.w = weights.ravel()
    sources.run_regularly("fired = 0; x *= pre_decay", when="start")
    targets.run_regularly("fired = 0; x *= post_decay; v = beta * v + g", when="start")
    targets.run_regularly("g *= alpha", when="resets")
    for group in (sources, targets):
        group.run_regularly("x += fired", when="end")
    monitor = brian2.SpikeMonitor(targets)
    network = brian2.Network(sources, targets, synapses, monitor)
    for group in (sources, targets):
        network.add(*group.contained_objects)
    network.schedule = ["start", "groups", "thresholds", "resets", "synapses", "end"]
    network.run(len(pre) * population.dt * brian2.second)
    spikes = np.zeros((len(pre), n_post), bool)
    spikes[np.rint(monitor.t / brian2.defaultclock.dt).astype(int), monitor.i] = True
    return spikes, np.asarray(synapses.w).reshape(weights.shape)


@pytest.mark.parametrize("seed", range(3))
def test_the_same_network_fires_and_learns_as_in_brian2(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pre = rng.random((400, 30)) < 0.05
    weights = rng.uniform(0, 0.4, (30, 8)).astype(np.float32)
    rule = ThreeVariable(a_plus=0.02, a_minus=0.03, tau_post_s=0.03, theta=0.0)
    population = Population((rule,), 30, 8, dt=1e-3)
    spikes, expected = brian_network(pre, weights, rule, population)
    state = population.start(weights.copy())
    ours = population.run(state, pre)
    assert ours.sum() > 50
    assert np.array_equal(ours, spikes)
    assert (pre[:, :, None] & ours[:, None]).any(), "no spikes of the same step"
    assert np.abs(state.weights - weights).max() > 0.05
    np.testing.assert_allclose(state.weights, expected, atol=1e-5)
