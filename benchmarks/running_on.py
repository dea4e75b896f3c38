"""Compare networks that run on with networks that restart for every decision.

    python benchmarks/running_on.py --dataset ecg_demo --dataset mitdb_ds1 --seeds 3

The spikes of the data sets must be there (`dvc repro encode@<dataset>-<encoder>`). Both
are trained in the same folds with the same settings and seeds and decide the same test
windows. The difference in balanced accuracy and macro F1 is the mean over the seeds of
the pooled test tables' difference; its interval is a BCa bootstrap over persons.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from rich.console import Console
from rich.table import Table

from pipeline import config, files, seeds
from pipeline.evaluation.metrics import (
    balanced_accuracy,
    confusion_by_subject,
    macro_f1,
)
from pipeline.evaluation.statistics import Bootstrap, Counts, estimate
from pipeline.parallel import parallel_map
from pipeline.roles import trained_folds
from pipeline.training import devices
from pipeline.training.fold import fitted
from pipeline.training.task import Task
from pipeline.training.trained import predictions

METRICS = (balanced_accuracy, macro_f1)
WAYS = ("never", "windows")
BOOTSTRAP = Bootstrap(resamples=5000, confidence=0.95)


def tasks(dataset: str, encoder: str, model: str, seed: int) -> Iterator[Task]:
    """Make the two ways of learning a cell."""
    params = config.load()
    windows = files.folder("windows", dataset)
    settings = files.load_json(windows / "settings.json")
    network = params.read(f"models.{model}.network")
    task = Task(
        name=f"{dataset}-{encoder}-{model}",
        spikes=files.folder("spikes", f"{dataset}-{encoder}"),
        windows=files.load_table(windows / "windows.parquet"),
        folds=files.load_table(windows / "folds.parquet"),
        labels=tuple(settings["labels"]),
        network=network,
        neuron=params.read(f"models.{model}.neuron"),
        settings=params.read("training"),
        seed=seed,
        inputs={},
        memory_s=settings["windows"]["memory_s"],
    )
    for restart in WAYS:
        changed = network.model_copy(update={"restart": restart})
        yield replace(task, network=changed)


def tested(job: tuple[Task, int]) -> tuple[pd.DataFrame, float]:
    """Train a fold and predict its test windows; gives also the seconds it took."""
    task, fold = job
    begun = time.perf_counter()
    with devices.repeatable(seeds.integer(task.seed, "train", task.name, fold)):
        network = fitted(task, fold).network
        table = predictions(task, network, fold)
    return table, time.perf_counter() - begun


def compare(dataset: str, encoder: str, model: str, n_seeds: int) -> list[str]:
    """Train and test both ways; gives a line of the table."""
    tables: dict[str, list[np.ndarray]] = {way: [] for way in WAYS}
    spent = dict.fromkeys(WAYS, 0.0)
    labels: tuple[str, ...] = ()
    for seed in range(n_seeds):
        for task in tasks(dataset, encoder, model, seed):
            labels = task.labels
            jobs = [(task, fold) for fold in trained_folds(task.folds)]
            done = parallel_map(tested, jobs, what=f"{task.name}, seed {seed}")
            way = str(task.network.restart)
            spent[way] += sum(seconds for _, seconds in done)
            found = pd.concat([table for table, _ in done])
            tables[way].append(confusion_by_subject(found, labels)[0])
    line = [dataset, model, str(len(tables["never"][0]))]
    for metric in METRICS:
        ours, theirs = (np.array(tables[way]) for way in WAYS)
        values = [
            np.mean([metric(table.sum(0)) for table in way]) for way in (ours, theirs)
        ]
        found = estimate(
            _difference(metric, ours, theirs),
            [np.arange(ours.shape[1])],
            ours.shape[1],
            BOOTSTRAP,
            seeds.generator(0, dataset, metric.__name__),
        )
        ends = (found.low, found.high)
        interval = " to ".join(
            "—" if end is None else f"{100 * end:+.1f}" for end in ends
        )
        line += [
            *(f"{value:.3f}" for value in values),
            f"{100 * (found.value or 0):+.1f} ({interval})",
        ]
    return [*line, f"{spent['windows'] / spent['never']:.2f}"]


def _difference(
    metric: Callable[[np.ndarray], np.ndarray], ours: np.ndarray, theirs: np.ndarray
) -> Callable[[Counts], np.ndarray]:
    """Make the mean difference over seeds a function of how often persons count."""

    def statistic(counts: Counts) -> np.ndarray:
        def pooled(tables: np.ndarray) -> np.ndarray:
            flat = tables.reshape(*tables.shape[:2], -1)
            summed = np.einsum("...s,ksc->k...c", counts, flat)
            return metric(summed.reshape(*summed.shape[:-1], *tables.shape[2:]))

        return np.asarray((pooled(ours) - pooled(theirs)).mean(0))

    return statistic


def main() -> None:
    """Print a table, a line a data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", action="append", required=True)
    parser.add_argument("--encoder", default="delta")
    parser.add_argument("--model", default="lif")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    table = Table(
        "data set",
        "model",
        "persons",
        *("balanced accuracy, runs on", "restarts", "difference, points"),
        *("macro F1, runs on", "restarts", "difference, points"),
        "time: restarts ÷ runs on",
    )
    for dataset in asked.dataset:
        line = compare(dataset, asked.encoder, asked.model, asked.seeds)
        Console(width=200).print(" | ".join(line), highlight=False)
        table.add_row(*line)
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
