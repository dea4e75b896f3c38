"""Compare models and encoders on a data set, paired over seeds and persons.

    python benchmarks/compare.py ecg_demo delta-lif delta-linear --seeds 3
    python benchmarks/compare.py ecg_demo delta-lif delta-lif@windows --seeds 3

A contestant is an encoder with a model; `@windows` makes its network restart for every
decision. The spikes must be there (`dvc repro encode@<dataset>-<encoder>`). All
contestants are trained in the same folds with the same seeds, and decide the same test
windows. Values are means over the seeds, of the pooled test tables. Differences are
from the first contestant; their intervals are BCa bootstraps over persons.
"""

import argparse
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

from pipeline import config, files, seeds
from pipeline.evaluation.metrics import (
    balanced_accuracy,
    confusion_by_subject,
    f1,
    macro_f1,
)
from pipeline.evaluation.statistics import Bootstrap, Counts, estimate
from pipeline.networks.parts.settings import LayeredNetwork
from pipeline.neurons.base import Neuron
from pipeline.parallel import parallel_map
from pipeline.roles import trained_folds
from pipeline.training import devices
from pipeline.training.fold import fitted
from pipeline.training.settings import TrainingSettings
from pipeline.training.task import Task
from pipeline.training.trained import predictions

METRICS = (balanced_accuracy, macro_f1)
BOOTSTRAP = Bootstrap(resamples=5000, confidence=0.95)


@dataclass(frozen=True)
class Result:
    """What a contestant scored.

    Parameters
    ----------
    name : str
    labels : tuple of str
    tables : array, shape (seed, person, true class, predicted class)
    seconds : float
        Of training and prediction, summed over seeds and folds.
    """

    name: str
    labels: tuple[str, ...]
    tables: np.ndarray
    seconds: float

    def mean(self, metric: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Average a metric of the pooled tables over the seeds."""
        return np.asarray(np.mean([metric(t.sum(0)) for t in self.tables], axis=0))


def task(dataset: str, contestant: str, seed: int) -> Task:
    """Describe what a contestant learns."""
    cell, _, restart = contestant.partition("@")
    encoder, model = cell.split("-")
    params = config.load()
    network = params.read(f"models.{model}.network")
    if restart:
        network = network.model_copy(update={"restart": restart})
    return described(
        files.folder("spikes", f"{dataset}-{encoder}"),
        dataset,
        name=f"{dataset}-{encoder}-{model}",
        network=network,
        neuron=params.read(f"models.{model}.neuron"),
        settings=params.read("training"),
        seed=seed,
    )


def described(
    spikes: Path,
    dataset: str,
    *,
    name: str,
    network: LayeredNetwork,
    neuron: Neuron,
    settings: TrainingSettings,
    seed: int,
    inputs: Mapping[str, str] | None = None,
) -> Task:
    """Describe what is learned of spikes that lie in a folder; see `Task`."""
    windows = files.folder("windows", dataset)
    about = files.load_json(windows / "settings.json")
    encoding = files.load_json(spikes / "settings.json")
    return Task(
        name=name,
        spikes=spikes,
        windows=files.load_table(windows / "windows.parquet"),
        folds=files.load_table(windows / "folds.parquet"),
        labels=tuple(about["labels"]),
        network=network,
        neuron=neuron,
        settings=settings,
        seed=seed,
        inputs=inputs or {},
        memory_s=about["windows"].get("memory_s"),
        parts=tuple((part, n_features) for part, n_features in encoding["parts"]),
    )


def tested(job: tuple[Task, int]) -> tuple[pd.DataFrame, float]:
    """Train a fold and predict its test windows; gives also the seconds it took."""
    task, fold = job
    begun = time.perf_counter()
    with devices.repeatable(seeds.integer(task.seed, "train", task.name, fold)):
        network = fitted(task, fold).network
        table = predictions(task, network, fold)
    return table, time.perf_counter() - begun


def result(dataset: str, contestant: str, n_seeds: int) -> Result:
    """Train and test a contestant with every seed."""
    tables, seconds = [], 0.0
    labels: tuple[str, ...] = ()
    for seed in range(n_seeds):
        described = task(dataset, contestant, seed)
        labels = described.labels
        jobs = [(described, fold) for fold in trained_folds(described.folds)]
        done = parallel_map(tested, jobs, what=f"{dataset}-{contestant}, seed {seed}")
        seconds += sum(spent for _, spent in done)
        predicted = pd.concat([table for table, _ in done])
        tables.append(confusion_by_subject(predicted, labels)[0])
    return Result(contestant, labels, np.array(tables), seconds)


def difference(
    metric: Callable[[np.ndarray], np.ndarray], one: Result, other: Result
) -> str:
    """Estimate by how many points a result is above another."""
    n_persons = one.tables.shape[1]
    estimated = estimate(
        _mean_difference(metric, one.tables, other.tables),
        [np.arange(n_persons)],
        n_persons,
        BOOTSTRAP,
        seeds.generator(0, metric.__name__),
    )
    ends = [
        "—" if end is None else f"{100 * end:+.1f}"
        for end in (estimated.low, estimated.high)
    ]
    return f"{100 * (estimated.value or 0):+.1f} ({' to '.join(ends)})"


def _mean_difference(
    metric: Callable[[np.ndarray], np.ndarray], one: np.ndarray, other: np.ndarray
) -> Callable[[Counts], np.ndarray]:
    """Make the mean difference over seeds a function of how often persons count."""

    def statistic(counts: Counts) -> np.ndarray:
        def pooled(tables: np.ndarray) -> np.ndarray:
            flat = tables.reshape(*tables.shape[:2], -1)
            summed = np.einsum("...s,ksc->k...c", counts, flat)
            return metric(summed.reshape(*summed.shape[:-1], *tables.shape[2:]))

        return np.asarray((pooled(one) - pooled(other)).mean(0))

    return statistic


def _line(one: Result, first: Result) -> list[str]:
    """Write a result as a line of the table."""
    line = [one.name]
    for metric in METRICS:
        gained = "" if one is first else difference(metric, one, first)
        line += [f"{one.mean(metric):.3f}", gained]
    return [*line, *(f"{value:.3f}" for value in one.mean(f1)), f"{one.seconds:.0f}"]


def main() -> None:
    """Print a table, a line a contestant."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    parser.add_argument("contestants", nargs="+", metavar="ENCODER-MODEL[@RESTART]")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    results = [result(asked.dataset, name, asked.seeds) for name in asked.contestants]
    table = Table("contestant", title=f"{asked.dataset}, {asked.seeds} seeds")
    for metric in METRICS:
        table.add_column(metric.__name__.replace("_", " "))
        table.add_column("difference, points")
    for label in results[0].labels:
        table.add_column(f"F1 {label}")
    table.add_column("seconds")
    for one in results:
        table.add_row(*_line(one, results[0]))
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
