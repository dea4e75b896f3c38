"""The model that MLflow keeps of a cell: it takes samples and gives classes.

It is code, settings and safetensors: nothing in it is pickled. Of this package it
carries the modules that its own filter, code, network and neuron need to run, and no
others; of what third parties wrote, the pinned versions.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.components import package_of
from pipeline.digests import Needs, modules_of, needs
from pipeline.entries import components_in
from pipeline.errors import DataError
from pipeline.tracking import store
from pipeline.training.cell import TrainedCell

if TYPE_CHECKING:
    import numpy as np
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.models import ModelSignature

TAG = "logged.model"
"""Tags a run with the digest of the weights whose model is logged."""
ABSENT = "model.absent"
"""Tags a run with the reason why it has no model."""
FORMAT = 2
"""Version of the model's format: models of format 1 took spikes."""
KEPT = ("dataset", "encoder", "model", "labels", "run_key", "settings", "folds")
"""What a model keeps of `run.json`: no names of recordings."""


@dataclass(frozen=True)
class Served:
    """A cell that can be served, with an example and the answer to it.

    Parameters
    ----------
    cell : TrainedCell
    about : mapping
        What it takes, and the example's answer, as `profile` wrote them.
    recorded : array, shape (1, time, channel)
        The example, volts.
    """

    cell: TrainedCell
    about: Mapping[str, Any]
    recorded: "np.ndarray"


class Untried:
    """MLflow's flavor `pyfunc`, as `mlflow.pyfunc.log_model` takes it, without a try.

    MLflow would run the example, and import torch into the report.
    The stage `profile` has run it.
    """

    @staticmethod
    def save_model(*, validate_serving_input: bool, **given: Any) -> None:
        """Write the model's folder."""
        import mlflow

        mlflow.pyfunc.save_model(**given)


def log_model(client: "MlflowClient", parent: "Run", cell: TrainedCell) -> None:
    """Log the model, once; what a publish that broke off left of one is deleted.

    A cell that cannot decide about samples has none, and a tag with the reason, as has
    one that is not profiled yet.
    """
    run_id, place = parent.info.run_id, parent.info.experiment_id
    weights = [cell.folder / f"fold-{fold.number}.safetensors" for fold in cell.folds]
    digest = files.inputs_digest(FORMAT, [files.file_digest(path) for path in weights])
    if parent.data.tags.get(TAG) == digest:
        return
    served, absent = _served(cell)
    if served is None:
        client.set_tag(run_id, ABSENT, absent)
        return
    made = client.search_logged_models([place], f"source_run_id = '{run_id}'")
    for model in made:
        if str(model.status) != "READY":
            client.delete_logged_model(model.model_id)
    trained = client.get_run(run_id).info
    _log(parent, served)
    # MLflow ends the run anew, now.
    client.set_terminated(run_id, trained.status, trained.end_time)
    client.set_tag(run_id, TAG, digest)
    if ABSENT in client.get_run(run_id).data.tags:
        client.delete_tag(run_id, ABSENT)


def _served(cell: TrainedCell) -> tuple[Served | None, str]:
    """Read what serves a cell; None, and why, if nothing can."""
    from pipeline.decisions.stored import load_example

    try:
        about, recorded = load_example(cell.name)
    except DataError as error:
        return None, f"{error.where}: {error.found}"
    if "absent" in about:
        return None, about["absent"]
    return Served(cell, about, recorded), ""


def code_needed(cell: TrainedCell) -> Needs:
    """List the sources and packages that serving a cell takes."""
    parts = {part: getattr(cell, part) for part in ("encoder", "network", "neuron")}
    used = set(modules_of(components_in(parts.values())))
    # Of a component of another package, the file here that names it.
    named = {
        f"{package_of(f'{part}s')}.{cell.run['settings'][part]['name']}"
        for part in parts
    }
    return needs({"pipeline.decisions.raw", *used, *named})


def _log(parent: "Run", served: Served) -> None:
    import mlflow
    from mlflow.models import Model

    cell, needed = served.cell, code_needed(served.cell)
    names = [f"fold-{fold.number}" for fold in cell.folds]
    mlflow.set_tracking_uri(store.uri())
    with (
        TemporaryDirectory() as place,
        mlflow.start_run(run_id=parent.info.run_id),
    ):
        artifacts = _made(Path(place), served)
        artifacts |= {n: str(cell.folder / f"{n}.safetensors") for n in names}
        Model.log(
            artifact_path=None,
            flavor=Untried,
            name=parent.info.run_name,
            python_model=str(Path(__file__).with_name("serving.py")),
            code_paths=_copied(needed, Path(place) / "code"),
            artifacts=artifacts,
            signature=_signature(served),
            input_example=served.recorded,
            metadata=dict(served.about),
            pip_requirements=_requirements(needed),
            flavor_name="pyfunc.ModelFromCode",
            validate_serving_input=False,
        )


def _made(place: Path, served: Served) -> dict[str, str]:
    """Write what the model is built from."""
    run = served.cell.run
    files.save_json(place / "run.json", {key: run[key] for key in KEPT})
    takes = {key: served.about[key] for key in ("channels", "sfreq")}
    files.save_json(place / "input.json", takes)
    return {name: str(place / f"{name}.json") for name in ("run", "input")}


def _copied(needed: Needs, folder: Path) -> list[str]:
    """Copy sources into a folder; gives what lies in it."""
    for name, path in needed.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)
    return [str(path) for path in sorted(folder.iterdir())]


def _signature(served: Served) -> "ModelSignature":
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import (
        ColSpec,
        DataType,
        ParamSchema,
        ParamSpec,
        Schema,
        TensorSpec,
    )

    about, kinds = served.about, {str: DataType.string, float: DataType.double}
    shape = (-1, -1, len(about["channels"]))
    volts = TensorSpec(np.dtype(np.float64), shape)
    expected = about["example"]["expected"].items()
    columns: list[ColSpec | TensorSpec] = [
        ColSpec(kinds[type(value)], name) for name, value in expected
    ]
    params = [
        ParamSpec("fold", DataType.long, served.cell.folds[0].number),
        ParamSpec("sfreq", DataType.double, float(about["sfreq"])),
    ]
    return ModelSignature(Schema([volts]), Schema(columns), ParamSchema(params))


def _requirements(needed: Needs) -> list[str]:
    """Pin what the model code imports."""
    from importlib.metadata import version

    packages = needed.packages | {"mlflow": version("mlflow")}
    return [f"{name}=={number}" for name, number in sorted(packages.items())]
