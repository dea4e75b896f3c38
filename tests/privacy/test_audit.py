"""A network that memorises is caught; persons it never met are not in its answers."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline import files
from pipeline.errors import DataError, PipelineError
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.privacy import answers, drawing, opening
from pipeline.privacy import audit as auditing
from pipeline.privacy.results import OTHER, PERSON, TRAINING, load
from pipeline.privacy.settings import AuditSettings
from pipeline.privacy.words import headline, strongest
from pipeline.training.cell import TrainedCell
from pipeline.training.privacy_settings import PrivacySettings
from tests.privacy import toy

SETTINGS = AuditSettings(models=6, draws=2)
EVALUATION = EvaluationSettings(resamples=200)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the toy cell, in which the tests of this module run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder := tmp_path_factory.mktemp("toy"))
        toy.write(np.random.default_rng(1))
        yield folder


@pytest.fixture
def cell(checkout: Path) -> TrainedCell:
    return TrainedCell.open(toy.CELL)


@pytest.fixture(scope="module")
def found(checkout: Path) -> dict[str, Any]:
    return auditing.audit(toy.CELL, SETTINGS, EVALUATION)


def auc(found: dict[str, Any], queries: str, way: str, attack: str) -> dict[str, Any]:
    wanted = {"queries": queries, "way": way, "attack": attack, "level": PERSON}
    (row,) = (r for r in found["attacks"] if wanted.items() <= r.items())
    return dict(row["auc"])


@pytest.mark.parametrize("way", ["stored", "dropout"])
@pytest.mark.parametrize("attack", ["confidence", "reference", "RMIA", "trajectory"])
def test_a_network_that_memorises_is_caught(
    found: dict[str, Any], attack: str, way: str
) -> None:
    by_training = auc(found, TRAINING, way, attack)
    assert by_training["value"] > (0.95 if attack == "trajectory" else 0.75)
    assert by_training["low"] > 0.5
    by_another = auc(found, OTHER, way, attack)
    assert by_another["low"] < 0.5 < by_another["high"]


def test_the_planted_controls_are_in_the_result(found: dict[str, Any]) -> None:
    controls = found["controls"]
    assert set(controls["non_members"]) == {*controls["memoriser"], "trajectory"}
    assert all(each["value"] > 0.9 for each in controls["memoriser"].values())
    for each in controls["non_members"].values():
        assert each["low"] < 0.5 < each["high"]


def test_what_is_memorised_is_of_no_use(found: dict[str, Any]) -> None:
    """Labels are drawn by lot: of others the networks know nothing."""
    accuracy = found["accuracy"]["stored"]
    assert accuracy["members"]["low"] > 0.6
    assert accuracy["non_members"]["low"] < 0.5 < accuracy["non_members"]["high"]


def test_the_result_and_the_answers_are_kept(
    found: dict[str, Any], cell: TrainedCell
) -> None:
    folder = files.folder("audits", toy.CELL)
    kept = {f"answers-{k}.safetensors" for k in range(6)}
    assert {path.name for path in folder.iterdir()} == {"audit.json", *kept}
    assert load(folder) == found
    best = strongest(found["attacks"])
    assert best is not None
    assert f"{best['auc']['value']:.3f}" in headline(found)
    assert "of 6 persons" in headline(found)
    persons = found["persons"]
    persons_in = sorted(chain(*persons["training_sets"]))
    assert persons_in == sorted(3 * persons["candidates"])


def test_a_network_answers_as_after_one_of_its_epochs(
    found: dict[str, Any], cell: TrainedCell
) -> None:
    """The one that validates best is kept; of epochs only candidates' answers are."""
    collected = answers.load(plan(cell).membership, files.folder("audits", toy.CELL))
    windows = opening.usable_windows(cell)
    asked = np.flatnonzero(windows["subject"].isin(found["persons"]["candidates"]))
    targets = windows["label"].map(cell.labels.index).to_numpy()[asked]
    for way, final in collected.final.items():
        right = final[:, asked, targets][:, None]
        nearest = np.abs(collected.epochs[way] - right).max(axis=2).min(axis=1)
        np.testing.assert_allclose(nearest, 0, atol=1e-6)


def plan(cell: TrainedCell, code: str = "1") -> answers.Plan:
    windows = opening.usable_windows(cell)
    members = opening.divided(cell, windows, SETTINGS)
    task = opening.audit_task(cell, windows, members)
    return answers.Plan(task, members, SETTINGS, (), code)


def test_a_network_that_failed_is_named_and_the_others_are_kept(
    cell: TrainedCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, fit = [], answers.fitted

    def fail_third(task: Any, model: int, look: Any) -> Any:
        trained.append(model)
        if model == 2:
            raise PipelineError("fold 2", "the loss is nan")
        return fit(task, model, look)

    monkeypatch.setattr(answers, "fitted", fail_third)
    for expected in ([0, 1, 2], [2]):
        trained.clear()
        with pytest.raises(PipelineError, match="network 3 of 6: fold 2: the loss"):
            answers.collect(plan(cell), tmp_path)
        assert trained == expected
    with pytest.raises(PipelineError):
        answers.collect(plan(cell, code="2"), tmp_path)
    assert trained == [2, 0, 1, 2]


def test_no_cluster_trains_what_draws_from_the_secret(
    cell: TrainedCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []

    def note(*_: Any, what: str, here: bool) -> None:
        asked.append(here)
        raise InterruptedError(what)

    monkeypatch.setattr(answers, "parallel_map", note)
    plain = plan(cell)
    noisy = PrivacySettings(noise=1, persons_per_step=2)
    certified = replace(plain, task=replace(plain.task, privacy=noisy))
    for each in (plain, certified):
        with pytest.raises(InterruptedError):
            answers.collect(each, tmp_path)
    assert asked == [False, True]


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({}, "training set .* not known"),
        ({"training_set": ["s0"]}, "another training set"),
    ],
)
def test_a_target_whose_split_is_unknown_is_refused(
    found: dict[str, Any], cell: TrainedCell, tmp_path: Path, meta: Any, words: str
) -> None:
    for path in files.folder("audits", toy.CELL).glob("answers-*"):
        tensors, known = files.load_weights(path)
        changed = meta if path.stem == "answers-4" else known
        files.save_weights(tmp_path / path.name, tensors, meta=changed)
    with pytest.raises(DataError, match=words) as caught:
        answers.load(plan(cell).membership, tmp_path)
    assert "answers-4" in caught.value.where


def changed_run(cell: TrainedCell, path: str, digest: str) -> TrainedCell:
    run = {**cell.run, "inputs": {**cell.run["inputs"], path: digest}}
    return TrainedCell(cell.name, run, cell.folder, cell.windows, cell.spikes)


def test_a_run_of_other_code_or_files_is_refused(cell: TrainedCell) -> None:
    opening.check_current(cell)
    code = changed_run(cell, "data/code/train/ann.json", "0" * 64)
    with pytest.raises(DataError, match="code that trains has changed") as caught:
        opening.check_current(code)
    assert "dvc repro train@toy-delta-ann" in caught.value.remedy
    for path, words in (
        ("data/spikes/toy-delta/r0_0.h5", "has changed since"),
        ("data/spikes/toy-delta/gone.h5", "is missing"),
    ):
        with pytest.raises(DataError, match=words):
            opening.check_current(changed_run(cell, path, "0" * 64))


def test_a_cell_that_is_not_trained_is_refused(checkout: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        auditing.audit("toy-delta-lif", SETTINGS, EVALUATION)


def test_dropout_takes_a_share_of_the_spikes(cell: TrainedCell) -> None:
    examples = answers.load_role(plan(cell).task, 6, "test")
    fewer = answers.dropped(examples, 0.2, np.random.default_rng(0))
    assert not ((fewer.trains == 1) & (examples.trains == 0)).any()
    share = int(fewer.trains.sum()) / int(examples.trains.sum())
    assert share == pytest.approx(0.8, abs=0.02)
    assert torch.equal(examples.targets, fewer.targets)


def test_only_random_codes_are_drawn_again(
    cell: TrainedCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert drawing.draw(cell, ["r0_0", "r1_0"], 2, tmp_path) == ()
    settings = {**cell.run["settings"], "encoder": {"name": "rate"}}
    run = {**cell.run, "settings": settings}
    random = TrainedCell(cell.name, run, cell.folder, cell.windows, cell.spikes)
    folders = drawing.draw(random, ["r0_0", "r1_0"], 2, tmp_path)
    one, other = (files.load_spikes(each / "r1_0.h5") for each in folders)
    assert one.features == other.features
    assert not np.array_equal(one.packed, other.packed)
    signals = files.folder("signals", cell.dataset)
    signal = files.load_signal(signals / "r1_0.h5")
    for name in ("R-A", "R-B"):  # pseudonyms of two machines
        files.save_signal(signals / f"{name}.h5", replace(signal, order="f-000000"))
    (folder,) = drawing.draw(random, ["R-A", "R-B"], 1, tmp_path)
    one, other = (files.load_spikes(folder / f"{name}.h5") for name in ("R-A", "R-B"))
    assert np.array_equal(one.packed, other.packed)
