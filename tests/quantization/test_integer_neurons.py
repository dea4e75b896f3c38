"""Integer neurons beside twins that are plain loops over Python's own integers."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.quantization.arithmetic import WordOverflowError
from pipeline.quantization.neurons.base import available, find

Twin = list[list[int]]
N_STEPS, BATCH, WIDTH, BRANCHES = 30, 2, 4, 3
RESETS = ("subtract", "zero", "none")
LIMIT = 2**31


def _round(product: int, bits: int) -> int:
    """Round to nearest, halves up, by definition: the floor of x/2^bits + 1/2."""
    return product if bits == 0 else (2 * product + 2**bits) // 2 ** (bits + 1)


def leaky(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    """Run one window, currents (time, neuron); gives spikes and membranes."""
    spikes, states = [], [[0] * WIDTH]
    for current in currents:
        after, fired = [], []
        for n in range(WIDTH):
            u, theta = states[-1][n], of["threshold"][n]
            reset = u > theta
            kept = 0 if reset and constants["reset"] == "zero" else u
            new = (
                _round(of["beta"][n] * kept, 15) + current[n] * 2 ** constants["shift"]
            )
            new += of["bias"][n]
            new -= theta if reset and constants["reset"] == "subtract" else 0
            assert -LIMIT <= new < LIMIT
            after.append(new)
            fired.append(int(new > theta))
        states.append(after)
        spikes.append(fired)
    return spikes, states[-1:]


def polynomial(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    spikes, states = [], [[0] * WIDTH]
    bits = constants["fraction"]
    for current in currents:
        after, fired = [], []
        for n in range(WIDTH):
            u, theta, clip = states[-1][n], of["threshold"][n], of["clip"][n]
            reset = u > theta
            kept = 0 if reset and constants["reset"] == "zero" else u
            x = min(max(kept, -clip), clip)
            slope = of["a2"][n] + _round(of["a3"][n] * x, bits)
            new = _round(_round(x * x, bits) * slope, 14)
            new += _round(of["beta"][n] * kept, 15) + of["a0"][n]
            new += _round(current[n] * of["multiplier"][n], constants["shift"])
            new += of["bias"][n]
            new -= theta if reset and constants["reset"] == "subtract" else 0
            after.append(new)
            fired.append(int(new > theta))
        states.append(after)
        spikes.append(fired)
    return spikes, states[-1:]


def relu(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    outputs = [
        [
            min(
                max(
                    _round(
                        (i + of["bias"][n]) * of["multiplier"][n], constants["shift"]
                    ),
                    0,
                ),
                127,
            )
            for n, i in enumerate(current)
        ]
        for current in currents
    ]
    return outputs, []


def competing(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    potential, synaptic, spikes = [0] * WIDTH, [0] * WIDTH, []
    for current in currents:
        potential = [
            _round(constants["beta"] * v, 15) + g
            for v, g in zip(potential, synaptic, strict=True)
        ]
        above = [v - t for v, t in zip(potential, of["threshold"], strict=True)]
        firing = sorted((-a, n) for n, a in enumerate(above) if a >= 0)
        chosen = {n for _, n in firing[: constants["winners"]]}
        drop = constants["inhibition"] * len(chosen)
        potential = [0 if n in chosen else v - drop for n, v in enumerate(potential)]
        synaptic = [
            _round(constants["alpha"] * g, 15) + i * 2 ** constants["shift"]
            for g, i in zip(synaptic, current, strict=True)
        ]
        spikes.append([int(n in chosen) for n in range(WIDTH)])
    return spikes, [potential, synaptic]


def adaptive_threshold(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    spikes, membrane, raised = [], [0] * WIDTH, [0] * WIDTH
    for current in currents:
        fired = []
        for n in range(WIDTH):
            u, crossed = membrane[n], of["threshold"][n] + raised[n]
            reset = u > crossed
            raised[n] = _round(of["rho"][n] * raised[n], 15) + reset * of["jump"][n]
            kept = 0 if reset and constants["reset"] == "zero" else u
            u = _round(of["beta"][n] * kept, 15) + of["bias"][n]
            u += current[n] * 2 ** constants["shift"]
            u -= crossed if reset and constants["reset"] == "subtract" else 0
            membrane[n] = u
            fired.append(int(u > of["threshold"][n] + raised[n]))
        spikes.append(fired)
    return spikes, [membrane, raised]


def adaptive(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    spikes, membrane, recovery = [], [0] * WIDTH, [0] * WIDTH
    for current in currents:
        fired = []
        for n in range(WIDTH):
            w, theta = recovery[n], of["threshold"][n]
            u = _round(of["beta"][n] * (membrane[n] + w), 15) - w + of["bias"][n]
            u += current[n] * 2 ** constants["shift"]
            s = int(u > theta)
            m = {"zero": u * (1 - s), "subtract": u - s * theta, "none": u}
            membrane[n] = m[constants["reset"]]
            recovery[n] = _round(of["rho"][n] * w, 15) + s * of["from_spike"][n]
            recovery[n] += _round(of["from_membrane"][n] * membrane[n], 15)
            fired.append(s)
        spikes.append(fired)
    return spikes, [membrane, recovery]


def resonate(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    spikes = []
    real, imaginary, tired = [0] * WIDTH, [0] * WIDTH, [0] * WIDTH
    for current in currents:
        fired = []
        for n in range(WIDTH):
            x, y, q, sine = real[n], imaginary[n], tired[n], of["sine"][n]
            k = max(0, of["cosine"][n] - _round(constants["drag"] * q, 15))
            raised = of["threshold"][n] + _round(of["threshold"][n] * q, 15)
            real[n] = _round(k * x - sine * y, 15) + of["bias"][n]
            real[n] += current[n] * 2 ** constants["shift"]
            imaginary[n] = _round(sine * x + k * y, 15)
            fired.append(int(real[n] > raised))
            tired[n] = _round(of["rho"][n] * q, 15) + fired[-1] * 2**15
        spikes.append(fired)
    return spikes, [real, imaginary, tired]


def dendritic(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    spikes, membrane = [], [0] * WIDTH
    branches = [[0] * WIDTH for _ in range(constants["branches"])]
    for current in currents:
        fired = []
        for n in range(WIDTH):
            theta, total = of["threshold"][n], 0
            for k, branch in enumerate(branches):
                place = k * WIDTH + n
                d = _round(of["branch_beta"][place] * branch[n], 15)
                d += current[place] * 2 ** of["up"][place] + of["bias"][place]
                branch[n], total = d, total + d
            v = membrane[n]
            reset = theta if v > theta else 0
            membrane[n] = _round(of["beta"][n] * v, 15) + total - reset
            fired.append(int(membrane[n] > theta))
        spikes.append(fired)
    return spikes, [membrane, *branches]


def multisynaptic(
    currents: Any, of: dict[str, Any], constants: dict[str, Any]
) -> tuple[Twin, Twin]:
    counts, membrane = [], [0] * WIDTH
    for current in currents:
        passed = []
        for n in range(WIDTH):
            lowest, u = of["threshold"][n], membrane[n]
            u = _round(of["beta"][n] * (0 if u > lowest else u), 15) + of["bias"][n]
            membrane[n] = u + current[n] * 2 ** constants["shift"]
            thetas = [lowest + k * of["apart"][n] for k in range(constants["most"])]
            passed.append(sum(membrane[n] > theta for theta in thetas))
        counts.append(passed)
    return counts, [membrane]


TWINS = {
    "adaptive": adaptive,
    "adaptive_threshold": adaptive_threshold,
    "leaky": leaky,
    "polynomial": polynomial,
    "relu": relu,
    "competing": competing,
    "resonate": resonate,
    "dendritic": dendritic,
    "multisynaptic": multisynaptic,
}


def _drawn(rng: np.random.Generator) -> dict[str, dict[str, list[int]]]:
    """Draw constants a neuron, so that all neurons fire now and then."""

    def some(low: int, high: int, n: int = WIDTH) -> list[int]:
        return rng.integers(low, high, n).tolist()

    fires = {"bias": some(-300, 300), "threshold": some(200, 2000)}
    bent = {"a0": some(-99, 99), "a2": some(-5000, 5000), "a3": some(-2000, 2000)}
    beta = {"beta": some(0, 2**15)}
    scaled = {"multiplier": some(0, 2**12), "clip": some(500, 4000)}
    slow = {"rho": some(2**14, 2**15)}
    coupled = {"from_membrane": some(0, 3000), "from_spike": some(0, 500)}
    return {
        "adaptive": {**beta, **fires, **slow, **coupled},
        "adaptive_threshold": {**beta, **fires, **slow, "jump": some(0, 500)},
        "leaky": {**beta, **fires},
        "polynomial": {**beta, **fires, **bent, **scaled},
        "relu": {"bias": some(-50, 50), "multiplier": some(0, 2**20)},
        "competing": {"threshold": some(200, 2000)},
        "resonate": {
            **fires,
            **slow,
            "cosine": some(-(2**10), 2**15),
            "sine": some(0, 2**14),
        },
        "dendritic": {
            **beta,
            "threshold": some(2000, 9000),
            "branch_beta": some(0, 2**15, BRANCHES * WIDTH),
            "bias": some(-300, 300, BRANCHES * WIDTH),
            "up": some(0, 6, BRANCHES * WIDTH),
        },
        "multisynaptic": {**beta, **fires, "apart": some(0, 900)},
    }


def _constants(kind: str, rng: np.random.Generator) -> dict[str, Any]:
    shift = int(rng.integers(0, 6))
    leaks = {"shift": shift, "reset": RESETS[rng.integers(3)]}
    return {
        "adaptive": leaks,
        "adaptive_threshold": leaks,
        "leaky": leaks,
        "polynomial": {
            "shift": int(rng.integers(8, 14)),
            "fraction": int(rng.integers(8, 12)),
            "reset": RESETS[rng.integers(3)],
        },
        "relu": {"shift": int(rng.integers(10, 20))},
        "competing": {
            "beta": int(rng.integers(2**15)),
            "alpha": int(rng.integers(2**15)),
            "inhibition": int(rng.integers(900)),
            "winners": int(rng.integers(1, WIDTH + 1)),
            "shift": shift,
        },
        "resonate": {"shift": shift, "drag": int(rng.integers(2**11))},
        "dendritic": {"branches": BRANCHES},
        "multisynaptic": {"shift": shift, "most": int(rng.integers(1, 17))},
    }[kind]


def _currents(rng: np.random.Generator, branches: int) -> torch.Tensor:
    shape = (N_STEPS, BATCH, branches * WIDTH)
    return torch.from_numpy(rng.integers(-200, 400, shape))


def test_every_kind_has_a_plain_twin() -> None:
    assert sorted(TWINS) == available()


@pytest.mark.parametrize("kind", sorted(TWINS))
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_all_bits_are_those_of_the_plain_twin(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    of, constants = _drawn(rng)[kind], _constants(kind, rng)
    tensors = {name: torch.tensor(values) for name, values in of.items()}
    neurons = find(kind)(tensors, dt=0.01, **constants)
    currents = _currents(rng, neurons.branches)
    outputs, *state = neurons(currents)
    for window in range(BATCH):
        expected, last = TWINS[kind](currents[:, window].tolist(), of, constants)
        assert outputs[:, window].tolist() == expected
        for found in state:
            assert found.reshape(-1, BATCH, WIDTH)[:, window].tolist() == last


@pytest.mark.parametrize("kind", sorted(TWINS.keys() - {"relu"}))
def test_a_window_in_two_pieces_is_a_window(kind: str) -> None:
    rng = np.random.default_rng(3)
    of, constants = _drawn(rng)[kind], _constants(kind, rng)
    neurons = find(kind)(
        {name: torch.tensor(values) for name, values in of.items()},
        dt=0.01,
        **constants,
    )
    currents = _currents(rng, neurons.branches)
    full, _ = neurons(currents)
    first, state = neurons(currents[:11])
    second, _ = neurons(currents[11:], state)
    assert full.any()
    assert torch.equal(torch.cat([first, second]), full)


def test_halves_are_rounded_up() -> None:
    """β is 1/2; what is left of 3 is 1.5, of −3 it is −1.5."""
    tensors = {"beta": [2**14] * 2, "bias": [0] * 2, "threshold": [100] * 2}
    as_tensors = {name: torch.tensor(values) for name, values in tensors.items()}
    neurons = find("leaky")(as_tensors, dt=1.0, shift=0, reset="none")
    _, membrane = neurons(torch.tensor([[[3, -3]], [[0, 0]]]))
    assert membrane.tolist() == [[2, -1]]


@pytest.mark.parametrize("shift", [22, 30])
def test_a_membrane_beyond_32_bits_is_refused(shift: int) -> None:
    """Instead of wrapping round."""
    tensors = {"beta": [2**15 - 1], "bias": [0], "threshold": [2**31 - 1]}
    as_tensors = {name: torch.tensor(values) for name, values in tensors.items()}
    neurons = find("leaky")(as_tensors, dt=1.0, shift=shift, reset="none")
    currents = torch.full((9, 1, 1), 127)
    with pytest.raises(WordOverflowError, match="membrane"):
        neurons(currents)


def test_a_branch_beyond_32_bits_is_refused() -> None:
    """Of three, the second; a membrane beyond it is one of a sum."""
    few = {"beta": [0], "threshold": [9], "branch_beta": [0] * 3, "bias": [0] * 3}
    tensors = {name: torch.tensor(values) for name, values in few.items()}
    for wide, where in ((31, "branch"), (30, "membrane")):
        up = torch.tensor([30, wide, 30])
        neurons = find("dendritic")({**tensors, "up": up}, dt=1.0, branches=3)
        neurons(torch.tensor([[[1, 0, 0]]]))
        with pytest.raises(WordOverflowError, match=f"dendritic neurons: {where}"):
            neurons(torch.ones(1, 1, 3, dtype=torch.int64))


def test_several_thresholds_do_not_hide_a_membrane_beyond_32_bits() -> None:
    few = {"beta": [2**15 - 1], "bias": [0], "threshold": [9], "apart": [1]}
    tensors = {name: torch.tensor(values) for name, values in few.items()}
    neurons = find("multisynaptic")(tensors, dt=1.0, shift=24, most=4)
    assert neurons(torch.full((9, 1, 1), 127))[0].max() == 4
    with pytest.raises(WordOverflowError, match="multisynaptic neurons: membrane"):
        neurons(torch.full((9, 1, 1), -127))


def test_a_constant_beyond_32_bits_is_refused() -> None:
    tensors = {"beta": [1], "bias": [0], "threshold": [2**31]}
    as_tensors = {name: torch.tensor(values) for name, values in tensors.items()}
    with pytest.raises(WordOverflowError, match="threshold"):
        find("leaky")(as_tensors, dt=1.0, shift=0, reset="none")
