"""Networks whose training sets are known, and their answers to queries.

A network is trained as those of the cell are, by its settings and functions; only the
persons differ. Its answers are kept, not its weights: the audit needs no more, and a
file of weights reveals the persons it was trained on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline import files, seeds, unfinished
from pipeline.errors import DataError, PipelineError
from pipeline.networks.parts.stack import Stack
from pipeline.parallel import parallel_map
from pipeline.privacy.membership import Membership
from pipeline.privacy.results import DRAWS, DROPOUT, ONCE, STORED
from pipeline.privacy.settings import AuditSettings
from pipeline.training import devices
from pipeline.training.fitting import Epoch, Examples, predict
from pipeline.training.fold import fitted
from pipeline.training.task import Task, load_role

Queries = list[tuple[str, Examples]]
"""Decisions that networks are asked for, each with the way to query."""


@dataclass(frozen=True)
class Plan:
    """What is trained and asked.

    Parameters
    ----------
    task : Task
        Its folds are those of `membership.fold_table`.
    membership : Membership
    settings : AuditSettings
    draws : tuple of Path
        Folders with spike trains of other draws; empty if the code is not random.
    code : str
        Digest of the code that audits.
    """

    task: Task
    membership: Membership
    settings: AuditSettings
    draws: tuple[Path, ...]
    code: str


@dataclass(frozen=True)
class Answers:
    """What the networks answered.

    Parameters
    ----------
    final : mapping of str to array, shape (model, decision, class)
        Probabilities of the trained networks, by the way to query.
    epochs : mapping of str to array, shape (model, epoch, candidate's decision)
        Probabilities of the true class after each epoch, for decisions of candidates
        alone; a network that stopped early keeps its last ones.
    """

    final: Mapping[str, np.ndarray]
    epochs: Mapping[str, np.ndarray]


def collect(plan: Plan, folder: Path) -> Answers:
    """Train the networks and query them, in parallel; what `folder` holds is kept.

    Writes `answers-<k>.safetensors`.

    Raises
    ------
    PipelineError
        A network failed, or its file does not fit the audit.
    """
    n_models = len(plan.membership.member)
    work = partial(_answered, plan, folder)
    here = plan.task.privacy.certified  # their noise comes from this machine's secret
    parallel_map(work, range(n_models), what=plan.task.name, here=here)
    return load(plan.membership, folder)


def load(membership: Membership, folder: Path) -> Answers:
    """Read the answers of all networks.

    Raises
    ------
    DataError
        A file is missing, or the training set of its network is not known.
    """
    final: dict[str, list[np.ndarray]] = {}
    epochs: dict[str, list[np.ndarray]] = {}
    for model in range(len(membership.member)):
        path = answers_path(folder, model)
        tensors, meta = files.load_weights(path)
        _check_training_set(path, meta, membership.training_set(model))
        for name, tensor in tensors.items():
            part, _, way = name.partition(".")
            kept = final if part == "final" else epochs
            kept.setdefault(way, []).append(tensor.double().numpy())
    longest = {way: max(map(len, each)) for way, each in epochs.items()}
    padded = {way: [_last_kept(p, longest[way]) for p in epochs[way]] for way in epochs}
    ways = [way for way in (STORED, ONCE, DRAWS, DROPOUT) if way in final]
    return Answers(
        {way: np.stack(final[way]) for way in ways},
        {way: np.stack(padded[way]) for way in ways},
    )


def answers_path(folder: Path, model: int) -> Path:
    """Name the file of a network's answers."""
    return folder / f"answers-{model}.safetensors"


def _check_training_set(
    path: Path, meta: Mapping[str, Any], persons: list[str]
) -> None:
    found = meta.get("training_set")
    if found != persons:
        raise DataError(
            str(path),
            "the training set of this network is not known"
            if found is None
            else "this network has another training set",
            expected=f"answers of the network trained on {', '.join(persons)}",
            remedy="remove the file, and run `biospike audit` again",
        )


def _last_kept(p: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([p, np.repeat(p[-1:], length - len(p), axis=0)])


def _answered(plan: Plan, folder: Path, model: int) -> None:
    """Train a network and write its answers, unless that is done."""
    path, task = answers_path(folder, model), plan.task
    persons = plan.membership.training_set(model)
    inputs = files.inputs_digest(plan.settings, plan.code, dict(task.inputs), persons)
    if unfinished.is_made_of(path, inputs):
        return
    queries = list(_queries(plan))
    of_candidates = list(_of_candidates(plan, queries))
    after: dict[str, list[Tensor]] = {}

    def ask(_: Epoch, network: Stack) -> None:
        """Ask for the true classes after an epoch."""
        for way, likely in _ask(network, of_candidates).items():
            right = likely.gather(1, of_candidates[0][1].targets.unsqueeze(1).cpu())
            after.setdefault(way, []).append(right.squeeze(1))

    seed = seeds.integer(task.seed, task.name, model)
    try:
        with devices.repeatable(seed):
            network = fitted(task, model, ask).network
            final = _ask(network, queries)
    except PipelineError as error:
        raise PipelineError(
            f"network {model + 1} of {len(plan.membership.member)}: {error.where}",
            error.found,
            expected=error.expected,
            remedy=error.remedy
            or "correct it, and run `biospike audit` again: "
            "networks that are done are kept",
        ) from error
    tensors = {f"final.{way}": likely.float() for way, likely in final.items()}
    tensors |= {f"epochs.{way}": torch.stack(p).float() for way, p in after.items()}
    files.save_weights(path, tensors, meta={"training_set": persons})
    unfinished.note_inputs(path, inputs)


def _queries(plan: Plan) -> Iterator[tuple[str, Examples]]:
    """Load what the networks are asked, each with the way to query."""
    device, task = devices.choose(), plan.task
    fold = len(plan.membership.member)
    stored = load_role(task, fold, "test")
    yield STORED, stored.to(device)
    for number, spikes in enumerate(plan.draws):
        drawn = load_role(replace(task, spikes=spikes), fold, "test").to(device)
        if number == 0:
            yield ONCE, drawn
        yield DRAWS, drawn
    for number in range(plan.settings.draws):
        rng = seeds.generator(task.seed, "audit", "dropout", number)
        yield DROPOUT, dropped(stored, plan.settings.dropout, rng).to(device)


def _of_candidates(plan: Plan, queries: Queries) -> Iterator[tuple[str, Examples]]:
    """Keep the candidates' decisions: the attack on epochs needs no others."""
    subject = plan.task.windows["subject"]
    known = subject.isin(plan.membership.candidates)
    rows = torch.from_numpy(np.flatnonzero(known)).to(devices.choose())
    for way, examples in queries:
        yield way, examples.only(rows)


def dropped(examples: Examples, share: float, rng: np.random.Generator) -> Examples:
    """Drop a share of the spikes at random."""
    kept = torch.from_numpy(rng.random(tuple(examples.trains.shape)) >= share)
    return replace(examples, trains=examples.trains * kept)


def _ask(network: Stack, queries: Queries) -> dict[str, Tensor]:
    """Average the probabilities of all queries of each way, (decision, class)."""
    asked: dict[str, list[Tensor]] = {}
    for way, examples in queries:
        rows = torch.arange(len(examples.targets), device=examples.targets.device)
        logits = network.values(predict(network, examples, rows))
        asked.setdefault(way, []).append(logits.double().softmax(1).cpu())
    return {way: torch.stack(each).mean(dim=0) for way, each in asked.items()}
