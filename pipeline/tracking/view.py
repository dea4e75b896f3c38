"""How MLflow's pages show an experiment: a table of its cells, the best score first.

MLflow keeps a table's columns, order and filter in an experiment's tag,
`mlflow.sharedViewState.KEY`, and opens it where a link has `viewStateShareKey=KEY`.
The tag is internal to its pages: here is all that knows its form, and
`tests/tracking/test_browser.py` opens it in a browser.
"""

import json
from typing import TYPE_CHECKING

from pipeline import files

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

HEADLINES = {
    "balanced_accuracy": "the mean of the classes' sensitivities, in float32",
    "low": "the lower end of its interval over subjects",
    "high": "the upper end",
    "clock": "what the place in the recording gives, without any signal",
    "int8": "the balanced accuracy of the network in integers",
    "macro_f1": "the mean of the classes' F1",
    "uj": "estimated energy of a window, µJ: float32 arithmetic, 45 nm",
    "int8_uj": "the same in integers, memory included",
}
"""The metrics that the table shows, by their names in MLflow."""

KIND = "mlflow.experimentKind", "custom_model_development"
"""The tag of experiments that train models, and hold no traces of chats."""
CELL, FOLD = "cell", "fold"
"""Values of the tag `kind`: what a run is of."""
KEY = "cells"
NAME = "Cells, the highest balanced accuracy first"
WIDTH, WIDEST = 85, 145
"""Pixels of a column, and of that of the longest name."""
NOTE = "mlflow.note.content"
TRAINING = "workflowType=machine_learning"
"""Part of a link: without it MLflow's pages show what is for language models."""


def show(client: "MlflowClient", experiment: "Experiment") -> None:
    """Tag an experiment with its kind, its table and, if it has none, a note."""
    place, known = experiment.experiment_id, experiment.tags
    tags = dict([KIND, shared(experiment.creation_time or 0)])
    if NOTE not in known:
        tags[NOTE] = note(experiment.name, place)
    for key, value in tags.items():
        if known.get(key) != value:
            client.set_experiment_tag(place, key, value)


def shared(created_ms: int) -> tuple[str, str]:
    """Give the tag that keeps the table, under the name that its menu shows.

    Parameters
    ----------
    created_ms : int
        When the view was made, milliseconds since 1970.
    """
    about = {"name": NAME, "createdAt": created_ms, "updatedAt": created_ms}
    value = {**about, "state": json.dumps(state())}
    return f"mlflow.sharedViewState.{KEY}", json.dumps(value)


def state() -> dict[str, object]:
    """Give the filter, order and columns of the table, as MLflow's pages keep them."""
    columns = [f"metrics.`{name}`" for name in HEADLINES]
    return {
        "searchFilter": f'tags.kind = "{CELL}"',
        "orderByKey": columns[0],
        "orderByAsc": False,
        "selectedColumns": columns,
        "columnOrder": ["duration", *columns],
        "columnWidths": dict.fromkeys(columns, WIDTH) | {columns[0]: WIDEST},
    }


def path(experiment_id: str) -> str:
    """Give the part of a link after the server's address that opens the table."""
    return f"#/experiments/{experiment_id}/runs?viewStateShareKey={KEY}&{TRAINING}"


def note(dataset: str, experiment_id: str) -> str:
    """Describe an experiment, in Markdown."""
    card = files.DATA / "cards" / f"{dataset}.json"
    title = files.load_json(card)["title"] if card.exists() else dataset
    names = "\n".join(f"- `{name}`: {text}" for name, text in HEADLINES.items())
    return (
        f"{title}. [{NAME}]({path(experiment_id)})\n\n"
        f"A run is a cell; its child runs are the folds.\n\n{names}\n"
    )
