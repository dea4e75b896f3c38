"""MLflow's server opens on the cells of this checkout."""

import json
import re
import shutil
import socket
from pathlib import Path
from typing import Any

import pytest

from pipeline import tracking
from pipeline.errors import MachineError
from pipeline.tracking import answering, page, view

# MLflow and what it imports warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def home(empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty checkout with a store without runs."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    answering.fault.cache_clear()
    return tmp_path


def experiment() -> str:
    from mlflow import MlflowClient

    return str(MlflowClient(tracking.store_uri()).create_experiment("ecg_demo"))


def test_each_data_set_has_a_link(home: Path, capsys: Any) -> None:
    page.show("http://here")
    printed = capsys.readouterr().err
    assert "no run is logged yet: `make repro` makes and logs some" in printed
    place = experiment()
    assert page.links("http://here") == {"ecg_demo": f"http://here/{view.path(place)}"}
    page.show("http://here", " (stop)")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"the cells of ecg_demo: http://here/{view.path(place)}",
        "MLflow is at http://here (stop)",
    ]


def test_a_store_that_does_not_answer_has_no_links(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "fault", lambda uri: "no answer")
    assert page.links("http://here") == {}


def test_a_remote_server_is_linked_and_not_served(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@there/")
    monkeypatch.setattr(page, "serve", lambda *_: pytest.fail("served"))
    monkeypatch.setattr(page, "links", lambda address: {"ecg_demo": address})
    page.open_store(5000)
    printed = capsys.readouterr().err
    assert "MLflow is at http://there\n" in printed
    assert "secret" not in printed


def test_a_port_in_use_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind((page.HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(MachineError, match=f"port {port} of 127") as caught:
            page.serve(port, lambda: None)
    assert caught.value.remedy.endswith(f"--port {port + 1}")
    page.check_free(port)


def test_the_first_page_presets_what_it_shows(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow's own application, asked without a server."""
    place = experiment()
    for name in ("_MLFLOW_SERVER_FILE_STORE", "_MLFLOW_SERVER_ARTIFACT_ROOT"):
        monkeypatch.setenv(name, "restored after the test")
    monkeypatch.setenv("MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "true")
    from mlflow.server import app

    before = app.view_functions["serve"]
    try:
        page.application()
        text = app.test_client().get("/").get_data(as_text=True)
    finally:
        app.view_functions["serve"] = before
    found = re.search(r"Object\.entries\((.*)\)\)\n", text)
    assert found is not None
    assert found.start() < text.index("static-files/static/js/main")
    preset = json.loads(found[1])
    assert preset["mlflow.workflowType_v1"] == '"machine_learning"'
    (table,) = (preset[key] for key in preset if f'ExperimentPage-["{place}"]' in key)
    assert json.loads(table) == view.state()
