"""The model that MLflow keeps of a cell."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.tracking import store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TAG = "logged.model"
"""Tags a run with the digest of the weights whose model is logged."""

SERVING_PACKAGES = (
    "h5py",
    "jaxtyping",
    "joblib",
    "mlflow",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "rich",
    "safetensors",
    "snntorch",
    "threadpoolctl",
    "torch",
)


def log_model(
    client: "MlflowClient", parent: "Run", folder: Path, run: Mapping[str, Any]
) -> None:
    """Log the model as code, settings and safetensors: nothing in it is pickled.

    It is logged once; what a publish that broke off left of one is deleted.
    """
    weights = [folder / f"fold-{line['fold']}.safetensors" for line in run["folds"]]
    digest = files.inputs_digest([files.file_digest(path) for path in weights])
    if parent.data.tags.get(TAG) == digest:
        return
    for model in client.search_logged_models(
        [parent.info.experiment_id], f"source_run_id = '{parent.info.run_id}'"
    ):
        if str(model.status) != "READY":
            client.delete_logged_model(model.model_id)
    _log(parent, folder, run, weights)
    client.set_tag(parent.info.run_id, TAG, digest)


def _log(
    parent: "Run", folder: Path, run: Mapping[str, Any], weights: Sequence[Path]
) -> None:
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    shape = files.load_weights_meta(weights[0])["shape"]
    window = (-1, shape["n_steps"], shape["n_features"])
    single = np.dtype(np.float32)
    here = Path(__file__)
    mlflow.set_tracking_uri(store.uri())
    with mlflow.start_run(run_id=parent.info.run_id):
        mlflow.pyfunc.log_model(
            name=parent.info.run_name,
            python_model=str(here.with_name("serving.py")),
            code_paths=[str(here.parents[1])],
            artifacts={
                "run": str(folder / "run.json"),
                **{path.stem: str(path) for path in weights},
            },
            signature=ModelSignature(
                Schema([TensorSpec(single, window)]),
                Schema([TensorSpec(single, (-1, shape["n_classes"]))]),
                ParamSchema(
                    [ParamSpec("fold", DataType.long, run["folds"][0]["fold"])]
                ),
            ),
            pip_requirements=_requirements(),
        )


def _requirements() -> list[str]:
    """Pin what the model code imports."""
    from importlib.metadata import version

    return [f"{name}=={version(name)}" for name in SERVING_PACKAGES]
