"""An experiment's tags name its kind and its table, in the form of MLflow 3.17."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline import files, tracking
from pipeline.tracking import view

# MLflow and what it imports warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def client(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a store without runs, in an empty checkout."""
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return MlflowClient(tracking.store_uri())


def shown(client: Any) -> Any:
    """An experiment with its tags."""
    found = client.get_experiment_by_name("ecg_demo")
    place = found.experiment_id if found else client.create_experiment("ecg_demo")
    view.show(client, client.get_experiment(place))
    return client.get_experiment(place)


def test_the_tags_of_an_experiment_say_how_it_is_shown(client: Any) -> None:
    files.save_json(files.DATA / "cards" / "ecg_demo.json", {"title": "A simulation"})
    experiment = shown(client)
    tags = experiment.tags
    assert tags["mlflow.experimentKind"] == "custom_model_development"
    saved = json.loads(tags["mlflow.sharedViewState.cells"])
    assert saved["name"] == "Cells, the highest balanced accuracy first"
    # Of the experiment's time, so that it is not another tag with every publication.
    assert saved["createdAt"] == saved["updatedAt"] == experiment.creation_time
    state = json.loads(saved["state"])
    assert state["selectedColumns"] == [f"metrics.`{name}`" for name in view.HEADLINES]
    assert state["columnOrder"] == ["duration", *state["selectedColumns"]]
    assert set(state["columnWidths"]) == set(state["selectedColumns"])
    link = view.path(experiment.experiment_id)
    assert "viewStateShareKey=cells" in link
    note = tags["mlflow.note.content"]
    assert note.startswith(f"A simulation. [{view.NAME}]({link})")
    assert all(f"- `{name}`: " in note for name in view.HEADLINES)


def test_mlflow_takes_the_filter_and_the_order(client: Any) -> None:
    experiment = shown(client)
    place, state = experiment.experiment_id, view.state()
    for kind, value in ((view.CELL, 0.5), (view.CELL, 0.75), (view.FOLD, 0.9)):
        run = client.create_run(place, tags={"kind": kind})
        client.log_metric(run.info.run_id, "balanced_accuracy", value)
    unfinished = client.create_run(place, tags={"kind": view.CELL})
    assert state["orderByAsc"] is False
    order = [f"{state['orderByKey']} DESC"]
    found = client.search_runs([place], state["searchFilter"], order_by=order)
    values = [run.data.metrics.get("balanced_accuracy") for run in found]
    assert values == [0.75, 0.5, None]
    assert found[-1].info.run_id == unfinished.info.run_id


def test_a_second_time_changes_nothing_and_a_note_of_a_person_stays(
    client: Any,
) -> None:
    before = shown(client)
    client.set_experiment_tag(before.experiment_id, view.NOTE, "mine")
    after = shown(client)
    assert after.tags == {**before.tags, view.NOTE: "mine"}
    # Another version's table gives way.
    client.set_experiment_tag(before.experiment_id, "mlflow.sharedViewState.cells", "")
    assert shown(client).tags == after.tags


def test_without_a_card_the_note_has_the_name(client: Any) -> None:
    assert shown(client).tags[view.NOTE].startswith("ecg_demo. [")
