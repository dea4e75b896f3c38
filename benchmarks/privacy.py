"""What certified protection costs: time and memory, and accuracy against epsilon.

    .venv/bin/python benchmarks/privacy.py speed              # beside plain training
    .venv/bin/python benchmarks/privacy.py population DIR     # 200 simulated persons

`speed` trains a convolutional network on made-up spikes of 24 persons, with and without
protection in turn, as many steps of as many decisions; each in a process of its own,
whose processor time and peak of memory it reads (Linux).

`population` clones this checkout to DIR and trains there, on 200 simulated persons,
models without protection and with three values of epsilon, with an audit of each. What
is done is kept, and the same command goes on; after each it prints what there is.
"""

import argparse
import copy
import multiprocessing
import time
from pathlib import Path
from typing import Any

from _audited_cells import audit, audited, cloned, interval, make, of_persons, read

PERSONS, PER_STEP, STEPS, BATCH = 24, 8, 20, 128
DATASET, ENCODER = "persons_200", "delta"
EPSILONS = (None, 8, 3, 1)
CHANGED: dict[str, dict[str, Any]] = {
    "linear": {"dropout": 0.0},
    "lif": {"norm": "none", "channels": [12, 12]},
}
STEPPED = {"clip": 0.5, "persons_per_step": 32, "steps": 150}
AUDITED = 6
TPR_AT = "0.01"


def measured(private: bool) -> tuple[float, float]:
    """Train once; gives processor seconds, and MiB that the peak has grown by."""
    import numpy as np
    import torch

    from pipeline.networks.base import Shape
    from pipeline.networks.convolutional import Convolutional
    from pipeline.neurons.leaky import Leaky
    from pipeline.training.accounting import guaranteed
    from pipeline.training.fitting import fit
    from pipeline.training.privacy_settings import PrivacySettings
    from pipeline.training.private import by_person, fit_privately
    from pipeline.training.settings import TrainingSettings

    torch.set_num_threads(1)
    train, persons = decisions(np.random.default_rng(0))
    shape = Shape(train.n_steps, train.n_features, 3, train.dt)
    network = Convolutional(norm="none").build(shape, Leaky())
    per_class = BATCH * STEPS // 3
    settings = TrainingSettings(
        epochs=1, windows_per_class=per_class, batch=BATCH, patience=1
    )
    asked = PrivacySettings(noise=1, persons_per_step=PER_STEP, steps=STEPS)
    guarantee = guaranteed(asked, PERSONS)
    few = train.only(torch.arange(6))
    rng, secret = np.random.default_rng(1), np.random.default_rng(2)
    before, begun = resident(), time.process_time()
    if private:
        people = by_person(train, persons)
        epochs = fit_privately(network, people, few, settings, guarantee, rng, secret)
    else:
        epochs = fit(network, train, few, settings, rng)
    list(epochs)
    return time.process_time() - begun, resident("VmHWM") - before


def decisions(rng: Any) -> tuple[Any, list[str]]:
    """Make up recordings of a minute a person, with a decision a second."""
    import torch

    from pipeline.training.stretches import Stretches

    length = 60 * 125
    spikes = rng.random((PERSONS * length, 4)) < 0.1
    stretch = torch.arange(PERSONS).repeat_interleave(55)
    step = 125 * torch.arange(4, 59).repeat(PERSONS)
    first = torch.arange(PERSONS) * length
    train = Stretches(
        torch.from_numpy(spikes).byte(),
        first,
        torch.full((PERSONS,), length),
        stretch,
        step,
        torch.from_numpy(rng.integers(0, 3, len(step))),
        312,
        1 / 125,
    )
    return train, [f"p{number:02d}" for number in stretch.tolist()]


def resident(name: str = "VmRSS") -> float:
    """Read this process's memory, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def compare(rounds: int) -> None:
    """Train in turn with and without protection; print medians and ratios."""
    spawn = multiprocessing.get_context("spawn")
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    for _ in range(rounds):
        for private, runs in found.items():
            with spawn.Pool(1) as pool:
                runs.append(pool.apply(measured, (private,)))
    middle = {
        private: [sorted(each)[rounds // 2] for each in zip(*runs, strict=True)]
        for private, runs in found.items()
    }
    print(f"{'':10} {'processor s':>12} {'MiB':>8}")
    for title, private in (("plain", False), ("private", True)):
        print(f"{title:10} {middle[private][0]:12.2f} {middle[private][1]:8.0f}")
    ratios = [p / q for p, q in zip(middle[True], middle[False], strict=True)]
    print(f"{'ratio':10} {ratios[0]:12.2f} {ratios[1]:8.2f}")


def population(folder: Path) -> None:
    """Train and audit what is not done yet, and print the table after each."""
    cloned(folder, describe)
    for cell in cells():
        make(folder, "evaluate", cell)
        audit(folder, cell)
        show(folder)


def cells() -> list[str]:
    """Name the cells, those that are quick first."""
    models = [model_name(base, e) for base in ("linear", "lif") for e in EPSILONS]
    return [f"{DATASET}-{ENCODER}-{model}" for model in models]


def model_name(base: str, epsilon: float | None) -> str:
    """Name a model by what protects it."""
    return f"{base}_plain" if epsilon is None else f"{base}_epsilon_{epsilon:g}"


def describe(params: dict[str, Any]) -> None:
    """Add the persons and the models."""
    persons = copy.deepcopy(params["datasets"]["ecg_demo"])
    persons["source"] |= {"subjects": 200, "minutes": 1.0}
    persons["folds"]["n_folds"] = 2
    params["datasets"][DATASET] = persons
    for base in ("linear", "lif"):
        for epsilon in EPSILONS:
            model = copy.deepcopy(params["models"][base])
            model["network"] |= {"restart": "windows", **CHANGED[base]}
            if epsilon is not None:
                model["privacy"] = {"epsilon": epsilon, **STEPPED}
            params["models"][model_name(base, epsilon)] = model
    params["training"]["patience"] = params["training"]["epochs"]
    params["audit"]["models"] = AUDITED
    params["grid"]["dataset"], params["grid"]["encoder"] = [DATASET], [ENCODER]
    params["grid"]["model"] = [cell.split("-")[-1] for cell in cells()]


def show(folder: Path) -> None:
    """Print what there is: epsilon, accuracy of other persons, and attacks.

    The strongest attack is that of the highest AUC. Its true positive rate is given at
    1 % of false positives.
    """
    print(
        f"\n{'model':18} {'epsilon':>7} {'accuracy':>22} {'highest AUC':>22} "
        f"{'TPR at 1 %':>10}  attack"
    )
    for cell in cells():
        if not audited(folder, cell):
            continue
        run, metrics, found = (
            read(folder, kind, cell)
            for kind in ("runs/run", "metrics/metrics", "audits/audit")
        )
        given = [fold.get("privacy", {}).get("epsilon") for fold in run["folds"]]
        epsilon = "none" if None in given else f"{max(given):.2f}"
        best = max(of_persons(found), key=lambda row: row["auc"]["value"])
        values = f"{interval(metrics['balanced_accuracy'])} {interval(best['auc'])}"
        rate, attack = best["tpr"][TPR_AT]["value"], f"{best['attack']}, {best['way']}"
        print(f"{run['model']:18} {epsilon:>7} {values} {rate:10.3f}  {attack}")


def main() -> None:
    """Read what is to be measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    speed = kinds.add_parser("speed")
    speed.add_argument("--rounds", type=int, default=3)
    kinds.add_parser("population").add_argument("folder", type=Path)
    given = parser.parse_args()
    if given.kind == "speed":
        compare(given.rounds)
    else:
        population(given.folder.resolve())


if __name__ == "__main__":
    main()
