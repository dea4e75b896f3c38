"""MLflow's registry: models that somebody chose, a version for each run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.errors import DataError
from pipeline.tracking import store
from pipeline.tracking.model import ABSENT, TAG
from pipeline.training.cell import TrainedCell

if TYPE_CHECKING:
    from mlflow import MlflowClient

CLOSE = 0.01
"""Most by which a probability may differ from the expected one: another machine may
round otherwise."""
KEPT = ("run_key", "raw.digest", "data.digest", "git.commit", "git.dirty")
"""Tags that a version takes from its run."""


@dataclass(frozen=True)
class Logged:
    """The model of a run.

    Parameters
    ----------
    run_id, uri : str
    tags : mapping of str to str
        Of the run.
    about : mapping
        The model's own metadata.
    """

    run_id: str
    uri: str
    tags: Mapping[str, str]
    about: Mapping[str, Any]


def find(cell: TrainedCell) -> Logged:
    """Find the model that MLflow keeps of a published cell.

    Raises
    ------
    DataError
        It keeps none; with the reason.
    """
    import mlflow

    client = _client()
    experiment = client.get_experiment_by_name(cell.dataset)
    assert experiment is not None  # of a published cell
    which = f"tags.run_key = '{cell.run['run_key']}'"
    (run,) = client.search_runs([experiment.experiment_id], which, max_results=1)
    if TAG not in run.data.tags:
        raise DataError(
            f"{cell.name}: model",
            run.data.tags.get(ABSENT, "it is not logged"),
            expected="a cell that decides about recorded samples",
            remedy="choose another cell, or bring the signals back: `dvc repro "
            f"encode@{cell.dataset}-{cell.run['encoder']}`",
        )
    models = client.search_logged_models(
        [experiment.experiment_id], f"source_run_id = '{run.info.run_id}'"
    )
    model = next(each for each in models if str(each.status) == "READY")
    uri = f"models:/{model.model_id}"
    about = mlflow.models.get_model_info(uri).metadata or {}
    return Logged(run.info.run_id, uri, run.data.tags, about)


def check_answer(logged: Logged) -> None:
    """Let a model decide about its example, and compare with what it decided then.

    Raises
    ------
    DataError
        It decides otherwise.
    """
    import mlflow

    model = mlflow.pyfunc.load_model(logged.uri)
    example = logged.about["example"]
    found = model.predict(model.input_example, params={"fold": example["fold"]})
    (answer,) = found.to_dict("records")
    expected = example["expected"]
    gaps = [
        abs(answer[name] - value)
        for name, value in expected.items()
        if isinstance(value, float)
    ]
    if not all(gap <= CLOSE for gap in gaps):  # a gap may be NaN
        raise DataError(
            f"MLflow, {logged.uri}",
            f"the model answers its example by {answer}",
            expected=f"{expected}, within {CLOSE:g}",
            remedy="do not use it: its files are not those that were logged",
        )


def register(logged: Logged, name: str, card: str) -> int:
    """Make a version of a registered model, once for each model; renew its card."""
    from mlflow.exceptions import MlflowException

    client = _client()
    try:
        client.get_registered_model(name)
    except MlflowException:
        client.create_registered_model(name)
    versions = client.search_model_versions(f"name = '{name}'")
    mine = [each for each in versions if each.source == logged.uri]
    version = mine[0] if mine else client.create_model_version(
        name, logged.uri, logged.run_id, tags=_tags(logged)
    )  # fmt: skip
    client.update_model_version(name, version.version, card)
    return int(version.version)


def _tags(logged: Logged) -> dict[str, str]:
    return {key: logged.tags[key] for key in KEPT if key in logged.tags}


def _client() -> "MlflowClient":
    import mlflow

    store.quieten()
    mlflow.set_tracking_uri(store.uri())
    return mlflow.MlflowClient(store.uri())
