"""What a code costs and scores with one model: a cell a seed, in `.codes`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from _kept_cells import Score, attempted, billed, kept, sources
from compare import described

from pipeline import config, files, unfinished
from pipeline.components import find
from pipeline.encoders.base import Encoder
from pipeline.encoding.encode import annotated_beats, encode_dataset
from pipeline.encoding.summary import SUMMARY, save_summary
from pipeline.evaluation.metrics import confusion_by_subject
from pipeline.runs import HEADLINE, INT8_HEADLINE, chosen

WORK = Path(".codes")

ONE_VS_REST = {
    "loss": "one_vs_rest",
    "class_weights": "square_root",
    "select": "macro_f1",
}
HEADS = {"S": ["rhythm"]}
VARIANTS = ("one_vs_rest", "heads", "offsets", "annotated")
"""What follows a code's name after a +: each class against the rest; that, and
premature beats read from the rhythm alone; offsets that validation chooses; annotated
beats in place of detected ones, an oracle."""


@dataclass(frozen=True)
class Contestant:
    """A code with a model, and what is changed of either.

    Parameters
    ----------
    dataset, model : str
    code : str
        An entry of `encoders`.
    variants : tuple of str
        Some of `VARIANTS`.
    """

    dataset: str
    model: str
    code: str
    variants: tuple[str, ...] = ()

    @classmethod
    def read(cls, dataset: str, model: str, text: str) -> "Contestant":
        """Read `CODE[+VARIANT…]`.

        Raises
        ------
        SystemExit
            There is no such variant.
        """
        code, *variants = text.split("+")
        if unknown := set(variants) - set(VARIANTS):
            known = ", ".join(VARIANTS)
            raise SystemExit(f"{text}: no variant {', '.join(unknown)}; one of {known}")
        return cls(dataset, model, code, tuple(variants))

    @property
    def name(self) -> str:
        """Name it as it is asked for."""
        return "+".join((self.code, *self.variants))

    @property
    def spikes_name(self) -> str:
        """Name its spikes, which read-outs share."""
        oracle = ".annotated" if "annotated" in self.variants else ""
        return f"{self.dataset}-{self.code}{oracle}"

    def settings(self) -> dict[str, Any]:
        """Give encoder, network and neuron by name and settings, as `run.json` does.

        Raises
        ------
        ConfigError
            `params.yaml` has no such code or model, or a setting cannot be used.
        """
        params, model = config.load(), f"models.{self.model}"
        sections = {
            "encoder": f"encoders.{self.code}",
            "network": f"{model}.network",
            "neuron": f"{model}.neuron",
        }
        for section in sections.values():
            params.read(section)
        found = {part: dict(params.plain(name)) for part, name in sections.items()}
        if "annotated" in self.variants:
            found["encoder"] = _annotated(found["encoder"])
        if "heads" in self.variants:
            found["network"]["heads"] = HEADS
        return found

    def encoder(self) -> Encoder[Any]:
        """Build its encoder."""
        made: Encoder[Any] = self._chosen("encoder")
        return made

    def network(self) -> Any:
        """Build its network's settings."""
        return self._chosen("network")

    def neuron(self) -> Any:
        """Build its neuron's settings."""
        return self._chosen("neuron")

    def _chosen(self, part: str) -> Any:
        return chosen({"settings": self.settings()}, part)

    def sparsity(self) -> Any:
        """Read its sparsity settings."""
        return config.load().read(f"models.{self.model}.sparsity")

    def training(self) -> Any:
        """Build its training settings."""
        settings = config.load().read("training")
        changed: dict[str, str] = {}
        if {"one_vs_rest", "heads"} & set(self.variants):
            changed |= ONE_VS_REST
        if "offsets" in self.variants:
            changed["offsets"] = "validation"
        return settings.model_copy(update=changed)


def _annotated(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Give every code of beats, be it a part, annotated ones."""
    parts = [_annotated(part) for part in plain.get("parts", ())]
    changed = dict(plain) | ({"parts": parts} if parts else {})
    if "beats" in find("encoders", plain["name"]).model_fields:
        changed["beats"] = "annotated"
    return changed


def score(contestant: Contestant, seed: int) -> Score:
    """Encode, train, test and count, unless that is done."""
    return attempted(partial(_scored, contestant, seed))


def _scored(contestant: Contestant, seed: int) -> Score:
    encoding = encoded(contestant)
    spikes = WORK / "spikes" / contestant.spikes_name
    name = f"{contestant.dataset}-{contestant.model}-{contestant.name}-{seed}"
    folder = WORK / "cells" / name
    return kept(
        folder,
        _inputs(contestant, spikes, seed),
        lambda: _judged(contestant, seed, spikes, folder) | {"encoding": encoding},
    )


def encoded(contestant: Contestant) -> dict[str, Any]:
    """Encode the prepared signals of a data set, and say what the code keeps of them.

    Raises
    ------
    PipelineError
        The code does not fit the data set, or the signals are not there.
    """
    dataset, encoder = contestant.dataset, contestant.encoder()
    target = WORK / "spikes" / contestant.spikes_name
    tables = WORK / "encoding" / contestant.spikes_name
    signals = files.file_digests(files.folder("signals", dataset))
    inputs = files.inputs_digest(encoder, sources(), signals)
    if unfinished.is_made_of(tables / SUMMARY, inputs):
        return dict(files.load_json(tables / SUMMARY))
    target.mkdir(parents=True, exist_ok=True)
    made = encode_dataset(
        encoder,
        target.absolute(),
        name=contestant.code,
        dataset=dataset,
        seed=config.load().read("seed"),
        code=sources(),
        annotated=annotated_beats(dataset) if encoder.is_oracle else None,
    )
    parts = encoder.named_parts(made[0].n_features)
    files.save_json(target / "settings.json", {"parts": parts})
    tables.mkdir(parents=True, exist_ok=True)
    found = save_summary(tables, made, encoder, dataset, target)
    unfinished.note_inputs(tables / SUMMARY, inputs)
    return dict(found)


def _judged(
    contestant: Contestant, seed: int, spikes: Path, folder: Path
) -> dict[str, Any]:
    """Train all folds, count what the test windows say, and bill the networks."""
    task = described(
        spikes,
        contestant.dataset,
        name=f"{contestant.dataset}-{contestant.code}-{contestant.model}",
        network=contestant.network(),
        neuron=contestant.neuron(),
        settings=contestant.training(),
        seed=seed,
        inputs={"spikes and sources": _inputs(contestant, spikes, seed)},
    )
    task = replace(task, sparsity=contestant.sparsity())
    run = {"dataset": contestant.dataset, "settings": contestant.settings()}
    _, bill = billed(task, folder, spikes, run)
    predicted = files.load_table(folder / "predictions.parquet")
    tables, persons = confusion_by_subject(predicted, task.labels)
    return {
        "labels": list(task.labels),
        "persons": persons,
        "tables": tables.tolist(),
        "energy": _energy(bill),
    }


def _energy(bill: Mapping[str, Any]) -> dict[str, Any]:
    """Take what stands for a cell out of its bill; what is not there has its reason."""
    floats = bill["estimated"][HEADLINE]
    integers = bill["int8"].get("estimated", {}).get(INT8_HEADLINE, bill["int8"])
    coding = floats.get("encoder", floats)
    coding_j = coding.get("energy_j_per_window")
    return {
        "network_uj": floats.get("energy_uj_per_window"),
        "encoder_uj": None if coding_j is None else coding_j * 1e6,
        "encoder_absent": coding.get("absent"),
        "int8_uj": integers.get("energy_uj_per_window"),
        "int8_absent": integers.get("absent"),
    }


def _inputs(contestant: Contestant, spikes: Path, seed: int) -> str:
    """Compute the digest of all that a cell depends on."""
    windows = files.folder("windows", contestant.dataset)
    return files.inputs_digest(
        contestant.name,
        seed,
        sources(__file__),
        files.file_digests(spikes, windows),
        contestant.network(),
        contestant.neuron(),
        contestant.training(),
        contestant.sparsity(),
        config.load().read("profiling"),
    )
