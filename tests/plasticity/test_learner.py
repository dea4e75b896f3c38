"""One state, cut anywhere, saved and loaded; what does not fit is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from pipeline import files
from pipeline.components import available, find
from pipeline.errors import ConfigError, DataError
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.base import Rule
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.parts.learner import Learner
from pipeline.plasticity.parts.state import LearningState
from pipeline.plasticity.reward import Reward
from pipeline.plasticity.scaling import Scaling
from pipeline.plasticity.three_variable import ThreeVariable
from pipeline.plasticity.triplet import Triplet

N_PRE, N_POST, STEPS = 6, 4, 200
SETS: dict[str, tuple[Rule, ...]] = {
    "homeostatic": (
        ThreeVariable(theta=0.05),
        AdaptiveThreshold(tau_s=0.5),
        Normalisation(mean=0.4, every_s=0.03),
        Scaling(every_s=0.02, tau_s=0.1),
    ),
    "bytes": (ThreeVariable(precision="int8"), AdaptiveThreshold()),
    "rewarded": (Reward(), AdaptiveThreshold()),
}
LEARNERS = {
    name: Learner(rules, N_PRE, N_POST, dt=1e-3) for name, rules in SETS.items()
}


def _trains(seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    pre, post = rng.random((STEPS, N_PRE)) < 0.1, rng.random((STEPS, N_POST)) < 0.1
    return pre, post, rng.standard_normal(STEPS).astype(np.float32)


def _weights(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((N_PRE, N_POST), np.float32)


def _bits(state: LearningState) -> list[bytes]:
    weights: Any = state.weights
    stored = weights.data if isinstance(weights, csr_array) else weights
    traces = [array.tobytes() for rule in state.traces for array in rule]
    return [np.asarray(stored).tobytes(), state.thresholds.tobytes(), *traces]


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(sorted(LEARNERS)),
    st.lists(st.integers(0, STEPS), max_size=5),
    st.integers(0, 99),
)
def test_any_cut_of_several_rules_gives_the_same(
    name: str, cuts: list[int], seed: int
) -> None:
    learner, trains = LEARNERS[name], _trains(seed)
    uncut, cut = learner.start(_weights()), learner.start(_weights())
    learner.learn(uncut, *trains)
    for pieces in zip(*(np.split(x, sorted(cuts)) for x in trains), strict=True):
        learner.learn(cut, *pieces)
    assert _bits(cut) == _bits(uncut)
    assert cut.clock == uncut.clock == STEPS


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(sorted(LEARNERS)), st.integers(0, STEPS))
def test_learning_resumes_from_a_file_at_any_step(
    tmp_path_factory: pytest.TempPathFactory, name: str, cut: int
) -> None:
    learner, trains = LEARNERS[name], _trains(3)
    uncut, first = learner.start(_weights()), learner.start(_weights())
    learner.learn(uncut, *trains)
    learner.learn(first, *(x[:cut] for x in trains))
    path = tmp_path_factory.mktemp("states") / "state.safetensors"
    learner.save(path, first)
    state = learner.load(path)
    assert _bits(state) == _bits(first)
    learner.learn(state, *(x[cut:] for x in trains))
    assert _bits(state) == _bits(uncut)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_sparse_rows_resume_too(tmp_path: Path, precision: str) -> None:
    learner = ThreeVariable(precision=precision).build(N_PRE, N_POST, dt=1e-3)
    weights = np.where(_weights(1) < 0.5, _weights(), 0)
    uncut, first = (learner.start(csr_array(weights.copy())) for _ in range(2))
    (pre, post, _), path = _trains(4), tmp_path / "state.safetensors"
    learner.learn(uncut, pre, post)
    learner.learn(first, pre[:77], post[:77])
    learner.save(path, first)
    state = learner.load(path)
    learner.learn(state, pre[77:], post[77:])
    assert _bits(state) == _bits(uncut)
    np.testing.assert_array_equal(state.weights.toarray(), uncut.weights.toarray())


def test_a_file_repeats_byte_for_byte(tmp_path: Path) -> None:
    learner = LEARNERS["homeostatic"]
    for name in ("one", "two"):
        state = learner.start(_weights())
        learner.learn(state, *_trains(1))
        learner.save(tmp_path / name, state)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_copy_stands_still() -> None:
    learner = LEARNERS["homeostatic"]
    state = learner.start(_weights())
    learner.learn(state, *_trains(1))
    copy, before = state.copy(), _bits(state)
    learner.learn(state, *_trains(2))
    assert _bits(copy) == before != _bits(state)


def test_rules_take_their_steps_in_order() -> None:
    """Normalising after learning leaves the mean; learning after it does not."""
    rules = Pair(), Normalisation(mean=0.3, every_s=0.001)
    rng, sums = np.random.default_rng(2), []
    pre, post = rng.random((50, N_PRE)) < 0.5, rng.random((50, N_POST)) < 0.5
    for each in (rules, rules[::-1]):
        learner = Learner(each, N_PRE, N_POST, dt=1e-3)
        state = learner.start(_weights())
        learner.learn(state, pre, post)
        sums.append(state.weights.sum(0))
    np.testing.assert_allclose(sums[0], 0.3 * N_PRE, rtol=1e-5)
    assert np.abs(sums[1] - 0.3 * N_PRE).max() > 1e-3


def test_weights_are_taken_over_and_views_of_trains_do() -> None:
    learner, weights = Pair().build(N_PRE, N_POST, dt=1e-3), _weights()
    pre, post, _ = _trains(1)
    state, expected = learner.start(weights), learner.start(_weights())
    learner.learn(state, np.asfortranarray(pre), np.repeat(post, 2, 0)[::2])
    learner.learn(expected, pre, post)
    assert state.weights is weights
    assert _bits(state) == _bits(expected)


@pytest.mark.parametrize("w_max", [0.1, 0.3, 1.0, 1e3])
def test_what_was_learned_can_be_started_from(w_max: float) -> None:
    """A weight at w_max is within it, rounded as it is."""
    learner = Pair(w_max=w_max).build(1, 1, dt=1e-3)
    pre, post = np.zeros((3, 1), np.bool_), np.zeros((3, 1), np.bool_)
    pre[0], post[1] = True, True
    state = learner.start(np.full((1, 1), w_max, np.float32))
    learner.learn(state, pre, post)
    learner.start(state.weights)


BAD_WEIGHTS = {
    "above w_max": np.full((N_PRE, N_POST), 1.001, np.float32),
    "below 0": np.full((N_PRE, N_POST), -1e-6, np.float32),
    "NaN": np.where(np.eye(N_PRE, N_POST), np.nan, 0.5).astype(np.float32),
    "infinite": np.full((N_PRE, N_POST), np.inf, np.float32),
    "float64": np.full((N_PRE, N_POST), 0.5),
    "turned": np.full((N_POST, N_PRE), 0.5, np.float32),
    "flat": np.full(N_PRE * N_POST, 0.5, np.float32),
    "a view": np.full((N_POST, N_PRE), 0.5, np.float32).T,
}


@pytest.mark.parametrize("kind", BAD_WEIGHTS)
@pytest.mark.parametrize("name", ["pair", "three_variable"])
def test_bad_weights_are_refused(name: str, kind: str) -> None:
    learner = find("plasticity", name)().build(N_PRE, N_POST, dt=1e-3)
    with pytest.raises(DataError, match=r"^weights"):
        learner.start(BAD_WEIGHTS[kind])


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_rules_that_know_no_largest_weight_refuse_what_is_not_finite(
    value: float,
) -> None:
    learner = AdaptiveThreshold().build(N_PRE, N_POST, dt=1e-3)
    weights = _weights()
    weights[1, 2] = value
    with pytest.raises(DataError, match="finite"):
        learner.start(weights)
    learner.start(100 * _weights())


def _broken(**parts: Any) -> csr_array:
    """Build rows behind the back of scipy's own check."""
    weights = csr_array(np.where(_weights(1) < 0.7, _weights(), 0))
    for name, value in parts.items():
        setattr(weights, name, value)
    return weights


def _moved(values: np.ndarray, place: int, value: int) -> np.ndarray:
    moved = values.copy()
    moved[place] = value
    return moved


def test_rows_that_lead_elsewhere_are_refused() -> None:
    learner = ThreeVariable().build(N_PRE, N_POST, dt=1e-3)
    uncut = _broken()
    indices, indptr, data = uncut.indices, uncut.indptr, uncut.data
    for broken in (
        _broken(indices=_moved(indices, 3, N_POST)),
        _broken(indices=_moved(indices, 0, -1)),
        _broken(indptr=_moved(indptr, 2, indptr[4] + 1)),
        _broken(indptr=_moved(indptr, 0, -1)),
        _broken(indptr=_moved(indptr, 0, 1)),
        _broken(indptr=_moved(indptr, -1, len(data) + 5)),
        _broken(indptr=indptr[1:]),
        _broken(data=data[:-1]),
        _broken(data=data + 1),
        _broken(data=data.astype(np.float64)),
        csr_array(_weights().T.copy()),
    ):
        with pytest.raises(DataError, match=r"^weights"):
            learner.start(broken)
    learner.start(uncut)


@pytest.mark.parametrize("rule", [Pair(), Triplet(), Reward(), Normalisation()])
def test_rules_for_matrices_refuse_rows(rule: Rule) -> None:
    learner = rule.build(N_PRE, N_POST, dt=1e-3)
    with pytest.raises(ConfigError, match="sparse"):
        learner.start(csr_array(_weights()))


def test_bad_trains_and_rewards_are_refused() -> None:
    learner = LEARNERS["rewarded"]
    state, (pre, post, rewards) = learner.start(_weights()), _trains(1)
    before = _bits(state)
    for trains in (
        (pre.astype(np.uint8), post),
        (pre, post.astype(np.float32)),
        (pre[:, :3], post),
        (pre, post[:, :2]),
        (pre, post[:-1]),
        (pre[:, :, None], post),
        (pre.T, post.T),
        (pre, post, rewards[:-1]),
        (pre, post, rewards[:, None]),
        (pre, post, np.where(np.arange(STEPS) == 5, np.nan, 0)),
        (pre, post, np.where(np.arange(STEPS) == 5, np.inf, 0)),
    ):
        with pytest.raises(DataError):
            learner.learn(state, *trains)
    assert _bits(state) == before
    assert state.clock == 0


TAUS = {
    "pair": ("tau_pre_s", "tau_post_s"),
    "three_variable": ("tau_pre_s", "tau_post_s"),
    "triplet": ("tau_plus_s", "tau_minus_s", "tau_x_s", "tau_y_s"),
    "reward": ("tau_pre_s", "tau_post_s", "tau_eligibility_s"),
    "adaptive_threshold": ("tau_s",),
    "scaling": ("tau_s",),
    "normalisation": (),
}


@pytest.mark.parametrize("name", available("plasticity"))
def test_time_constants_must_be_longer_than_a_step(name: str) -> None:
    for setting in TAUS[name]:
        for tau in (0.001, 0.0005):
            rule = find("plasticity", name)(**{setting: tau})
            with pytest.raises(ConfigError, match=f"{setting}.*steps of 0.001 s"):
                rule.build(N_PRE, N_POST, dt=1e-3)


@pytest.mark.parametrize("count", [1, N_PRE - 1, N_PRE + 1])
def test_there_is_a_time_constant_for_every_neuron(count: int) -> None:
    for rule in (
        Pair(tau_pre_s=(0.01,) * count),
        ThreeVariable(tau_pre_s=(0.01,) * count),
        Triplet(tau_x_s=(0.01,) * count),
        Reward(tau_pre_s=(0.01,) * count),
    ):
        with pytest.raises(ConfigError, match=f"{count} time constants for {N_PRE}"):
            rule.build(N_PRE, N_POST, dt=1e-3)


def test_one_short_time_constant_among_many_is_found() -> None:
    rule = Pair(tau_post_s=(0.02, 0.03, 0.0001, 0.02))
    with pytest.raises(ConfigError, match="tau_post_s"):
        rule.build(N_PRE, N_POST, dt=1e-3)


@pytest.mark.parametrize("kind", [Pair, ThreeVariable])
def test_an_unbalanced_additive_rule_warns(kind: type[Pair]) -> None:
    for settings_ in (
        {"a_plus": 0.01, "a_minus": 0.01},
        {"tau_pre_s": 0.03},
        {"tau_pre_s": (0.01,) * 5 + (0.03,)},
        {"tau_post_s": (0.02, 0.02, 0.01, 0.02)},
    ):
        with pytest.warns(UserWarning, match="will drive weights to w_max"):
            kind(**settings_).build(N_PRE, N_POST, dt=1e-3)
    kind().build(N_PRE, N_POST, dt=1e-3)
    kind(a_minus=0.001, dependence="power_law").build(N_PRE, N_POST, dt=1e-3)


def test_rules_agree_about_weights() -> None:
    for rules in (
        (Pair(w_max=1.0), Normalisation(w_max=2.0)),
        (ThreeVariable(precision="int8"), Normalisation()),
        (ThreeVariable(precision="int8"), ThreeVariable()),
    ):
        with pytest.raises(ConfigError, match=r"w_max differs|different types"):
            Learner(rules, N_PRE, N_POST, dt=1e-3)
    Learner((Pair(w_max=2.0), Scaling(w_max=2.0)), N_PRE, N_POST, dt=1e-3)


OTHERS: dict[str, Learner] = {
    "one more source": Pair().build(N_PRE + 1, N_POST, dt=1e-3),
    "one more target": Pair().build(N_PRE, N_POST + 1, dt=1e-3),
    "bytes": ThreeVariable(precision="int8").build(N_PRE, N_POST, dt=1e-3),
    "more traces": Triplet().build(N_PRE, N_POST, dt=1e-3),
    "more rules": LEARNERS["homeostatic"],
    "rewards": LEARNERS["rewarded"],
}
SAME_SHAPES: dict[str, Learner] = {
    "another rule": ThreeVariable().build(N_PRE, N_POST, dt=1e-3),
    "another setting": Pair(a_plus=0.009).build(N_PRE, N_POST, dt=1e-3),
    "another step": Pair().build(N_PRE, N_POST, dt=2e-3),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_state_of_another_network_is_refused(kind: str) -> None:
    learner, other = Pair().build(N_PRE, N_POST, dt=1e-3), OTHERS[kind]
    shape = other.n_pre, other.n_post
    state = other.start(np.full(shape, 0.5, np.float32))
    pre, post, _ = _trains(1)
    with pytest.raises(DataError, match="another network"):
        learner.learn(state, pre, post)


@pytest.mark.parametrize("kind", [*OTHERS, *SAME_SHAPES])
def test_the_file_of_another_network_is_refused(tmp_path: Path, kind: str) -> None:
    learner, other = Pair().build(N_PRE, N_POST, dt=1e-3), (OTHERS | SAME_SHAPES)[kind]
    state = other.start(np.full((other.n_pre, other.n_post), 0.5, np.float32))
    other.save(tmp_path / "state", state)
    with pytest.raises(DataError, match="another network"):
        learner.load(tmp_path / "state")


def test_the_file_of_other_connections_is_refused(tmp_path: Path) -> None:
    """The digest in the file is of its own connections: mixed files do not load."""
    from pipeline import files

    learner = ThreeVariable().build(N_PRE, N_POST, dt=1e-3)
    learner.save(tmp_path / "state", learner.start(_broken()))
    tensors, meta = files.load_weights(tmp_path / "state")
    tensors["weights.indices"][0] += 1000
    meta.pop("schema", None)
    files.save_weights(tmp_path / "mixed", tensors, meta=meta)
    with pytest.raises(DataError):
        learner.load(tmp_path / "mixed")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    learner, path = LEARNERS["homeostatic"], tmp_path / "state.safetensors"
    learner.save(path, learner.start(_weights()))
    uncut = path.read_bytes()
    for length in (0, 5, 100, len(uncut) // 2, len(uncut) - 1):
        path.write_bytes(uncut[:length])
        with pytest.raises(DataError):
            learner.load(path)
    with pytest.raises(DataError):
        learner.load(tmp_path / "absent")


def test_amplitudes_that_int8_cannot_hold_are_refused() -> None:
    rule = ThreeVariable(precision="int8", a_plus=1e-8)
    with pytest.raises(ConfigError, match="too small for int8"):
        rule.build(3, 2, dt=1e-3)


def test_thresholds_that_are_no_numbers_are_refused() -> None:
    learner = Pair().build(3, 2, dt=1e-3)
    with pytest.raises(DataError, match="thresholds"):
        learner.start(np.zeros((3, 2), np.float32), np.float32([1, np.nan]))


@pytest.mark.parametrize("name", ["weights.data", "weights.indptr", "thresholds"])
def test_a_state_that_was_tampered_with_is_refused(name: str, tmp_path: Path) -> None:
    learner = ThreeVariable().build(3, 2, dt=1e-3)
    state = learner.start(csr_array(np.full((3, 2), 0.5, np.float32)))
    path = tmp_path / "state.safetensors"
    learner.save(path, state)
    tensors, meta = files.load_weights(path)
    tensors[name] = tensors[name][:-1] if "indptr" in name else tensors[name] * np.nan
    files.save_weights(path, tensors, meta=meta)
    with pytest.raises(DataError):
        learner.load(path)


def test_sparse_weights_are_not_handed_to_a_rule_that_looks_at_all() -> None:
    state = (
        ThreeVariable()
        .build(3, 2, dt=1e-3)
        .start(csr_array(np.full((3, 2), 0.5, np.float32)))
    )
    silent = np.zeros((4, 3), bool), np.zeros((4, 2), bool)
    with pytest.raises(DataError, match="another network"):
        Pair().build(3, 2, dt=1e-3).learn(state, *silent)


@pytest.mark.parametrize("dt", [0.0, -1.0, np.nan, np.inf])
def test_steps_without_a_time_are_refused(dt: float) -> None:
    with pytest.raises(ConfigError, match="steps of"):
        Normalisation().build(3, 2, dt=dt)


def test_read_only_weights_are_refused() -> None:
    weights = np.zeros((3, 2), np.float32)
    weights.flags.writeable = False
    with pytest.raises(DataError, match="read-only"):
        Pair().build(3, 2, dt=1e-3).start(weights)
