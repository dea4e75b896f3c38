"""Count what STDP touches, and what theta costs: `python benchmarks/stdp_accesses.py`.

1000 sources fire at random at 1, 5 or 15 Hz, 1 or 100 targets at 10 Hz whatever the
weights; all traces last 20 ms; 10 s in steps of 1 ms. Words are weight words read a
step. The error is the largest difference of a weight, in shares of the largest one,
from the same rule at theta 0 over the same spikes: additive, from random weights.
Nothing is timed, and every draw has its seed.
"""

from itertools import product

import numpy as np
from rich.console import Console
from rich.table import Table

from pipeline.plasticity.three_variable import ThreeVariable
from pipeline.profiling.accesses import SCHEMES, count_accesses

DT, N_STEPS, N_PRE = 1e-3, 10_000, 1_000
TAU_S, POST_HZ = 0.02, 10.0
PRE_HZ, N_POST, THETAS = (1.0, 5.0, 15.0), (1, 100), (0.01, 0.1, 0.0)


def spikes(n: int, rate_hz: float, rng: np.random.Generator) -> np.ndarray:
    """Draw trains of independent steps."""
    return rng.random((N_STEPS, n)) < rate_hz * DT


def learned(pre: np.ndarray, post: np.ndarray, theta: float) -> np.ndarray:
    """Learn from the spikes, from the same random weights each time."""
    rng, n_post = np.random.default_rng(1), post.shape[1]
    rule = ThreeVariable(tau_pre_s=TAU_S, tau_post_s=TAU_S, theta=theta)
    learner = rule.build(N_PRE, n_post, dt=DT)
    state = learner.start(rng.random((N_PRE, n_post), dtype=np.float32))
    learner.learn(state, pre, post)
    return learner.values(state) / rule.w_max


def words(pre: np.ndarray, post: np.ndarray, theta: float) -> dict[str, str]:
    """Count weight words read a step, and runs of memory, by scheme."""
    counts = count_accesses(
        pre,
        post,
        pre_decay=kept(N_PRE),
        post_decay=kept(post.shape[1]),
        theta=theta,
    )
    return {
        scheme: f"{accesses.weight_words_read / N_STEPS:,.1f}"
        f" ({accesses.row_bursts / N_STEPS:,.1f})"
        for scheme, accesses in counts.items()
    }


def kept(n: int) -> np.ndarray:
    """Compute what a step leaves of each trace."""
    return np.full(n, np.exp(-DT / TAU_S), np.float32)


def main() -> None:
    """Print a row for each rate, number of targets and theta."""
    table = Table("pre Hz", "targets", "theta", *SCHEMES, "largest error")
    for n_post, rate_hz in product(N_POST, PRE_HZ):
        rng = np.random.default_rng(0)
        pre, post = spikes(N_PRE, rate_hz, rng), spikes(n_post, POST_HZ, rng)
        exact = learned(pre, post, 0.0)
        for theta in THETAS:
            error = np.abs(learned(pre, post, theta) - exact).max()
            problem = (f"{rate_hz:g}", str(n_post), f"{theta:g}")
            table.add_row(*problem, *words(pre, post, theta).values(), f"{error:.1e}")
    Console(width=160).print(table, "words (runs of memory) a step")


if __name__ == "__main__":
    main()
