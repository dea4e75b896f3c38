"""Train one network a fold, the same bytes every time.

A fold's weights file is its only lasting part: it holds what the fold learned and its
history. A run that was killed keeps finished folds, and predictions always come from
the weights as they stand in the file.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import files, seeds, unfinished
from pipeline.errors import PipelineError
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.networks.parts.stack import Stack
from pipeline.parallel import parallel_map
from pipeline.roles import trained_folds
from pipeline.training import devices, dynamics, private, progress
from pipeline.training.fitting import GradientError
from pipeline.training.fold import first_rng, fitted, shape_of
from pipeline.training.local import save_snapshots
from pipeline.training.quantizing import quantize_fold, save_quantized
from pipeline.training.task import Task, load_role
from pipeline.training.trained import (
    load_network,
    load_quantized,
    predictions,
    quantized_path,
    weights_path,
)

OTHER_FILES = {"history.csv", "run.json"}


def train(task: Task, folder: Path) -> list[dict[str, Any]]:
    """Train all folds of a cell that test something, and predict their test windows.

    Writes `fold-<k>.safetensors`, `fold-<k>.int8.safetensors`, `predictions.parquet`,
    `history.csv`, and, where the network runs in integers, `quantized.parquet`, where
    neurons learn their dynamics, `learned.parquet` and `portraits.parquet`, where a
    layer learns by local rules, `weights.parquet`, `units.parquet` and
    `fields.parquet`. Folds that `folder` already holds, made of the same inputs, are
    kept.

    Returns
    -------
    folds : list of dict
        For each fold: fold, epochs, best_epoch, n_validation, n_test, parameters,
        n_train or, of protected persons, `privacy`, and `quantized`: the validation
        windows' balanced accuracies in float32 and int8 and whether it was fine-tuned,
        or why it is `absent`.

    Raises
    ------
    DataError
        A fold lacks a role or trains one class alone, or its spikes do not fit its
        windows.
    ConfigError
        The network does not fit the windows, or `sparsity` or `privacy` the network.
    PipelineError
        The loss is no longer a number, or neurons run away.
    """
    task.sparsity.check(task.network)
    task.settings.check(task.network)
    task.privacy.check(task.network, task.settings, task.sparsity)
    folder.mkdir(parents=True, exist_ok=True)
    files.clear_partial(folder)
    folds = trained_folds(task.folds)
    work = partial(_train_and_predict, task, folder)
    here = task.privacy.certified  # their noise comes from the secret of this machine
    done = parallel_map(work, folds, what=f"train {task.name}", here=here)
    metas = [one.meta for one in done]
    history = [
        {"fold": meta["fold"], **progress.columns(epoch)}
        for meta in metas
        for epoch in meta["history"]
    ]
    files.save_csv(folder / "history.csv", pd.DataFrame(history))
    weights = [weights_path(folder, fold) for fold in folds]
    networks = [load_network(path, task.network, task.neuron)[0] for path in weights]
    made = _save_predictions(folder, done)
    made |= dynamics.save(folder, networks, metas)
    made |= _save_snapshots(task, folder, networks, metas)
    made |= {path.name for path in weights}
    made |= {quantized_path(folder, fold).name for fold in folds}
    files.keep_only(folder, made | OTHER_FILES)
    return [
        {
            **one.meta["summary"],
            "n_test": len(one.predicted),
            "quantized": one.quantized,
        }
        for one in done
    ]


def _save_predictions(folder: Path, done: Sequence["_Fold"]) -> set[str]:
    """Save what was predicted; in integers only if every fold has such a network."""
    tables = {"predictions.parquet": [one.predicted for one in done]}
    integers = [one.predicted_in_integers for one in done]
    there = [table for table in integers if table is not None]
    if len(there) == len(done):
        tables["quantized.parquet"] = there
    for name, parts in tables.items():
        files.save_table(folder / name, pd.concat(parts))
    return set(tables)


@dataclass(frozen=True)
class _Fold:
    """A trained fold: the metadata of its weights, and what its networks predict."""

    meta: dict[str, Any]
    predicted: pd.DataFrame
    quantized: dict[str, Any]
    """The result of its quantization."""
    predicted_in_integers: pd.DataFrame | None


def _train_and_predict(task: Task, folder: Path, fold: int) -> _Fold:
    """Train a fold and put it in integers, unless that is done; and predict."""
    path, integer_path = weights_path(folder, fold), quantized_path(folder, fold)
    inputs = _fold_inputs(task, fold)
    seed = seeds.integer(task.seed, "train", task.name, fold)
    with devices.repeatable(seed), _named(f"{task.name}, fold {fold}"):
        if not unfinished.is_made_of(path, inputs):
            # Elsewhere, as on a GPU, the same inputs may give other weights.
            integer_path.unlink(missing_ok=True)
            notes = progress.Notes(folder, fold)
            notes.begin()
            made = fitted(task, fold, lambda epoch, _: notes.epoch(asdict(epoch)))
            notes.end()
            files.save_weights(path, made.network.state_dict(), meta=made.meta)
            unfinished.note_inputs(path, inputs)
        network, _ = load_network(path, task.network, task.neuron)
        if not unfinished.is_made_of(integer_path, inputs):
            _quantize_fold(task, network, integer_path, fold)
            unfinished.note_inputs(integer_path, inputs)
        integer_network, quantized = load_quantized(integer_path)
        return _Fold(
            files.load_weights(path)[1],
            predictions(task, network, fold),
            quantized,
            predictions(task, integer_network, fold) if integer_network else None,
        )


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Name the fold whose neurons ran away, or whose gradients are not finite."""
    try:
        yield
    except (UnstableError, GradientError) as error:
        raise PipelineError(
            f"{where}: {error.where}",
            error.found,
            expected=error.expected,
            remedy=error.remedy,
        ) from None


def _fold_inputs(task: Task, fold: int) -> str:
    # When windows are decided changes nothing that is learned: a killed run keeps its
    # folds when only the cutoff changes.
    learned_by = task.sparsity.model_copy(update={"cutoff": None})
    choices = (task.network, task.neuron, task.settings, learned_by, task.privacy)
    names = (task.name, list(task.labels), task.seed, fold)
    return files.inputs_digest(*choices, *names, dict(task.inputs))


def _quantize_fold(task: Task, network: Stack, path: Path, fold: int) -> None:
    """Put a fold in integers, by its train and validation windows alone; save that.

    Where persons are protected, what is fitted is fitted to spikes that are nobody's.
    """
    train, validation = (
        load_role(task, fold, role) for role in ("train", "validation")
    )
    rng = seeds.generator(task.seed, "train", task.name, fold, "integers")
    made_up = None
    if task.privacy.certified:
        made_up = private.made_up(shape_of(task, train), rng)
    quantized = quantize_fold(network, train, validation, task.settings, rng, made_up)
    save_quantized(path, quantized, meta={"fold": fold})


def _save_snapshots(
    task: Task, folder: Path, networks: list[Stack], metas: list[dict[str, Any]]
) -> set[str]:
    """Tabulate what layers were while they learned by local rules, if any did."""
    if (local := task.network.local) is None:
        return set()
    recording = task.windows["recording"].iloc[0]
    features = files.load_spikes(task.spikes / f"{recording}.h5").features
    first = [first_rng(task, meta["fold"]) for meta in metas]
    folds = list(zip(networks, metas, first, strict=True))
    return save_snapshots(folder, local, folds, features)
