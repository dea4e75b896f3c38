"""The example of coincidence detection: STDP finds the inputs that fire together."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from pipeline.plasticity.base import Rule
from pipeline.plasticity.pair import Pair
from pipeline.plasticity.three_variable import ThreeVariable
from tests.docs.examples import explained, load, refused

RULE = ThreeVariable(a_plus=0.01, a_minus=0.02)


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return load("coincidence_detection")


@pytest.mark.parametrize(
    ("seed", "jitter_ms"), [(0, 0.0), (1, 2.0), (2, 0.0), (3, 2.0)]
)
def test_exactly_the_five_that_fire_together_become_strong(
    example: ModuleType, seed: int, jitter_ms: float
) -> None:
    story = example.live(seed, 60, jitter_ms / 1000, RULE)
    together, alone = np.split(story.weights[-1], [5])
    assert together.min() > 0.5 > alone.max()
    assert story.answered[-10:].mean() > 0.95
    assert np.nanmean(story.caused[-10:]) > 0.95
    assert np.nanmean(story.caused[:3]) < 0.95


@pytest.mark.parametrize(
    "rule",
    [
        Pair(a_plus=0.01, a_minus=0.02),
        ThreeVariable(a_plus=0.01, a_minus=0.02, precision="int8"),
    ],
)
def test_other_rules_find_them_too(example: ModuleType, rule: Rule) -> None:
    together, alone = np.split(example.live(1, 60, 0.002, rule).weights[-1], [5])
    assert together.min() > 0.5 > alone.max()


def test_who_does_not_fire_together_is_not_found(example: ModuleType) -> None:
    """With a jitter of 100 ms the five are like the others."""
    story = example.live(0, 60, 0.1, RULE)
    together, alone = np.split(story.weights[-1], [5])
    assert together.min() < alone.max()


def test_all_inputs_have_the_same_rate(example: ModuleType) -> None:
    rng = np.random.default_rng(0)
    seconds = [example.second_of_inputs(rng, 0.002)[0] for _ in range(300)]
    rates = np.sum(seconds, axis=(0, 1)) / 300
    np.testing.assert_allclose(rates, 10, rtol=0.1)


def test_answers_by_hand(example: ModuleType) -> None:
    fired = np.array([10, 95, 105, 420])
    answered, caused = example.answers(np.array([100, 300, 410]), fired, early=4)
    assert answered == pytest.approx(2 / 3)
    assert caused == pytest.approx(2 / 4)
    assert np.isnan(example.answers(np.array([100]), np.array([]), early=4)).all()


def test_weakening_must_outweigh_clearly(example: ModuleType) -> None:
    """What the script reports for few inputs and nearly balanced changes."""
    rule = ThreeVariable(a_plus=0.01, a_minus=0.0105)
    assert (example.live(0, 100, 0.002, rule).weights[-1] > 0.5).all()


def test_the_script_explains_how_to_use_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--picture" in explained("coincidence_detection", monkeypatch, capsys)


def test_the_script_runs_and_draws(
    example: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "picture.svg"
    example.main(["--seconds", "2", "--picture", str(path)])
    printed = capsys.readouterr().out
    assert "Weights before" in printed
    assert "coincidences answered" in printed
    assert path.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--seconds", "0"],
        ["--jitter-ms", "-1"],
        ["--a-minus", "0.01"],
        ["--picture", "a.doc"],
        ["--picture", "no/a.svg"],
    ],
)
def test_wrong_arguments_are_refused(
    example: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    printed = refused(example, arguments, capsys)
    assert "expected" in printed or "folder" in printed
