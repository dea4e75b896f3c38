"""What a network scores and costs on a device: a cell a seed, in `.device`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from _kept_cells import Score, attempted, billed, kept, sources
from compare import task

from pipeline import config, files
from pipeline.evaluation.metrics import (
    balanced_accuracy,
    confusion_by_subject,
    macro_f1,
)
from pipeline.measurement.cell import emulated
from pipeline.report.device import MACHINE
from pipeline.runs import INT8_HEADLINE
from pipeline.training.cell import TrainedCell
from pipeline.training.task import Task

WORK = Path(".device")
SETTINGS = "settings.json"


@dataclass(frozen=True)
class Contestant:
    """A model of a data set, and how its networks go from decision to decision.

    Parameters
    ----------
    dataset, encoder, model : str
    restarts : bool
        Whether they are trained and run anew for every decision.
    """

    dataset: str
    encoder: str
    model: str
    restarts: bool

    @property
    def name(self) -> str:
        """Name it as `compare` does."""
        way = "@windows" if self.restarts else ""
        return f"{self.encoder}-{self.model}{way}"

    def task(self, seed: int) -> Task:
        """Describe what it learns."""
        described = task(self.dataset, self.name, seed)
        sparsity = config.load().read(f"models.{self.model}.sparsity")
        inputs = {"spikes and sources": self.inputs(seed)}
        return replace(described, sparsity=sparsity, inputs=inputs)

    def settings(self) -> dict[str, Any]:
        """Give what it is made with, by name and settings, as `run.json` does."""
        params, model = config.load(), f"models.{self.model}"
        earlier = files.load_json(files.folder("windows", self.dataset) / SETTINGS)
        coding = files.load_json(self.spikes / SETTINGS)
        network = dict(params.plain(f"{model}.network"))
        if self.restarts:
            network["restart"] = "windows"
        neuron = dict(params.plain(f"{model}.neuron"))
        made = {"network": network, "neuron": neuron}
        return dict(earlier) | {"encoder": coding["encoder"]} | made

    @property
    def spikes(self) -> Path:
        """Where its spikes lie."""
        return files.folder("spikes", f"{self.dataset}-{self.encoder}")

    def inputs(self, seed: int) -> str:
        """Compute the digest of all that a cell depends on."""
        params, model = config.load(), f"models.{self.model}"
        return files.inputs_digest(
            self.name,
            seed,
            sources(__file__),
            files.file_digests(self.spikes, files.folder("windows", self.dataset)),
            params.read(f"{model}.network"),
            params.read(f"{model}.neuron"),
            params.read(f"{model}.sparsity"),
            params.read("training"),
            params.read("profiling"),
        )


def score(contestant: Contestant, seed: int) -> Score:
    """Train all folds, put them in integers, bill and emulate, unless that is done."""
    return attempted(partial(_scored, contestant, seed))


def _scored(contestant: Contestant, seed: int) -> Score:
    folder = WORK / f"{contestant.dataset}-{contestant.name}-{seed}"
    judge = partial(_judged, contestant, seed, folder)
    return kept(folder, contestant.inputs(seed), judge)


def _judged(contestant: Contestant, seed: int, folder: Path) -> dict[str, Any]:
    run = {
        "dataset": contestant.dataset,
        "encoder": contestant.encoder,
        "model": contestant.model,
        "settings": contestant.settings(),
        "run_key": folder.name,
    }
    cell, bill = billed(contestant.task(seed), folder, contestant.spikes, run)
    return {
        "scores": _scores(cell),
        "ways": _ways(bill),
        "state_bytes": bill["int8"]["counted"]["state_bytes"],
        "emulated": emulated(cell.fold()),
    }


def _scores(cell: TrainedCell) -> dict[str, Any]:
    """Judge the test decisions of all folds, in both kinds of numbers."""
    found = {}
    for numbers, name in (("float32", "predictions"), ("int8", "quantized")):
        predicted = files.load_table(cell.folder / f"{name}.parquet")
        table = confusion_by_subject(predicted, cell.labels)[0].sum(0)
        found[numbers] = {
            metric.__name__: float(metric(table))
            for metric in (balanced_accuracy, macro_f1)
        }
    return found


def _ways(bill: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Give the estimated parts of a second's energy, microjoules, running each way."""
    alone = bill["int8"]["estimated"][INT8_HEADLINE]
    encoder = alone["encoder"]["energy_j_per_second"]
    rate = bill["duty"]["windows_per_s"]
    ways = {"restarts": {k: j * rate for k, j in alone["parts_j_per_window"].items()}}
    if running := bill.get("running"):
        estimated = running["int8"]["estimated"][INT8_HEADLINE]
        ways["runs on"] = estimated["parts_j_per_second"]
    return {
        way: {k: 1e6 * j for k, j in ({"encoder": encoder} | parts).items()}
        for way, parts in ways.items()
    }


def instructions(found: Mapping[str, Any], way: str) -> dict[str, float] | None:
    """Give the instructions of a second on the emulated machine, by part.

    None where it was not emulated.
    """
    there = found["emulated"].get(MACHINE, found["emulated"])
    if "absent" in there:
        return None
    own = there.get("running", there) if way == "runs on" else there
    front_end = there["front_end_instructions_per_second"]
    return {
        "front end": front_end,
        "network": own["instructions_per_second"] - front_end,
    }
