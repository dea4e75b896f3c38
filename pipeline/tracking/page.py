"""MLflow's server on the runs of this checkout, for this machine alone.

It is one process on 127.0.0.1, MLflow's own application with one page replaced. The
first page sets, in a browser without choices of its own, that models in training are
shown, and each experiment as its table (`pipeline.tracking.view`). MLflow's pages keep
such choices in the browser; without them they show what is for language models.
"""

import json
import os
import socket
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import MachineError
from pipeline.parallel import console
from pipeline.tracking import answering, store, view

HOST = "127.0.0.1"
PRESET = {
    "mlflow.workflowType_v1": '"machine_learning"',
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": "true",
    "mlflow.settings.telemetry.enabled_v1": "false",
    "mlflow.telemetry.info.alert.dismissed_v1": "true",
}
"""What the first page stores in a browser that has no choice of its own stored."""
SCRIPT = """<script>
try {
  for (const [key, value] of Object.entries(%s))
    if (localStorage.getItem(key) === null) localStorage.setItem(key, value)
} catch (refused) {}  // a browser that stores nothing
if (!location.hash) location.hash = "#/experiments"
</script>"""


def open_store(port: int) -> None:
    """Serve the runs of this checkout, and print a link to each data set's.

    Where `MLFLOW_TRACKING_URI` names a server, its links are all that is needed.

    Parameters
    ----------
    port : int
        Of 127.0.0.1.
    """
    uri = store.uri()
    if uri.startswith("http"):
        show(store.shown().rstrip("/"))
        return
    address = f"http://{HOST}:{port}"
    serve(port, lambda: show(address, " (stop with Ctrl-C)"))


def show(address: str, more: str = "") -> None:
    """Print a link to the runs of each data set, or how to get some."""
    found = links(address)
    for dataset, link in found.items():
        console.print(f"the cells of {dataset}: {link}", soft_wrap=True)
    if not found:
        console.print("no run is logged yet: `make repro` makes and logs some")
    console.print(f"MLflow is at {address}{more}", soft_wrap=True)


def links(address: str) -> dict[str, str]:
    """Give the page of each data set's cells.

    Parameters
    ----------
    address : str
        Of MLflow's pages.

    Returns
    -------
    links : dict
        By data set; empty if the store does not answer.
    """
    if answering.fault(store.uri()):
        return {}
    from mlflow import MlflowClient

    store.quieten()
    return {
        each.name: f"{address}/{view.path(each.experiment_id)}"
        for each in MlflowClient(store.uri()).search_experiments()
        if each.experiment_id != "0"  # MLflow's own, which is empty
    }


def serve(port: int, started: Callable[[], None]) -> None:
    """Serve MLflow's pages until a signal.

    Parameters
    ----------
    port : int
        Of 127.0.0.1.
    started : callable
        Is called when the server answers.

    Raises
    ------
    MachineError
        Another program uses the port.
    """
    check_free(port)
    import uvicorn

    class Server(uvicorn.Server):
        """A server that reports when it answers."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            started()

    config = uvicorn.Config(application(), HOST, port, log_level="warning")
    Server(config).run()


def application() -> Any:
    """Make MLflow's application on this checkout's store, with our first page."""
    store.quieten()
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # for language models
    from mlflow.server import app as pages
    from mlflow.server.constants import (
        ARTIFACT_ROOT_ENV_VAR,
        BACKEND_STORE_URI_ENV_VAR,
    )

    os.environ[BACKEND_STORE_URI_ENV_VAR] = store.uri()
    os.environ[ARTIFACT_ROOT_ENV_VAR] = (store.home() / "mlartifacts").as_uri()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own code
        from mlflow.server.fastapi_app import app

    pages.view_functions["serve"] = lambda: first(Path(str(pages.static_folder)))
    return app


def first(folder: Path) -> str:
    """Write MLflow's first page with what it presets, before its own scripts."""
    from mlflow import MlflowClient

    known = MlflowClient(store.uri()).search_experiments()
    script = SCRIPT % json.dumps(preset(e.experiment_id for e in known))
    page = (folder / "index.html").read_text(encoding="utf-8")
    return page.replace("<head>", f"<head>{script}", 1)


def preset(experiment_ids: Iterable[str]) -> dict[str, str]:
    """Give what a browser stores, by its keys: choices, and a table an experiment."""
    table = json.dumps(view.state())
    tables = {
        f'MLflowLocalStorage-1.1-ExperimentPage-["{each}"]-ReactComponentState': table
        for each in experiment_ids
    }
    return PRESET | tables


def check_free(port: int) -> None:
    """Refuse a port that another program uses."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError as error:
            raise MachineError(
                f"port {port} of {HOST}",
                f"cannot be used ({error.strerror})",
                expected="a port that no other program uses",
                remedy=f"stop that program, or give another: --port {port + 1}",
            ) from None
