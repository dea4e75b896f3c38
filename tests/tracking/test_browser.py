"""What a person sees who opens MLflow, in Chromium.

The names of MLflow's tags and of what its pages store are its own, so only its pages
can judge them. Where there is no Chromium, `test_view.py` and `test_page.py` alone hold
their form.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import tracking
from pipeline.tracking import view

# MLflow and what it imports warn of each other.
pytestmark = pytest.mark.filterwarnings("ignore")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1900,900",
)
PATIENCE_MS = 15_000
"""Of the browser's own clock, which runs as fast as the page loads."""


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)}")
    return found


@pytest.fixture(scope="module")
def server(
    browser: str, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """`biospike ui` on a store with two cells, one of them in training; its address."""
    home = tmp_path_factory.mktemp("checkout")
    shutil.copy(empty_store, home / "mlflow.db")
    for name in ("params.yaml", "dvc.yaml"):
        (home / name).touch()
    write_runs(f"sqlite:///{home}/mlflow.db")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    root = str(Path(tracking.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": root, "DVC_ROOT": str(home)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    command = [sys.executable, "-m", "pipeline", "ui", "--port", str(port)]
    with (home / "printed").open("w") as printed:
        process = subprocess.Popen(command, cwd=home, env=environment, stderr=printed)
    try:
        while "MLflow is at" not in (home / "printed").read_text():
            assert process.poll() is None, (home / "printed").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def write_runs(uri: str) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    place = client.create_experiment("ecg_demo")
    view.show(client, client.get_experiment(place))
    for name, kind, values in (
        ("ecg_demo-delta-ann", view.CELL, (0.625, 0.5, 0.75, 0.3, 0.6, 0.4, 2, 0.5)),
        ("ecg_demo-delta-lif", view.CELL, ()),
        ("ecg_demo-delta-lif fold 0", view.FOLD, (0.875,)),
    ):
        run = client.create_run(place, run_name=name, tags={"kind": kind})
        for metric, value in zip(view.HEADLINES, values, strict=False):
            client.log_metric(run.info.run_id, metric, value)


def seen(browser: str, address: str, profile: Path) -> str:
    """The page's elements, once its scripts have run."""
    budget = f"--virtual-time-budget={PATIENCE_MS}"
    own = f"--user-data-dir={profile}"
    done = subprocess.run(
        [browser, *QUIET, own, budget, "--dump-dom", address],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout


def test_the_link_opens_the_table_of_cells(
    browser: str, server: str, tmp_path: Path
) -> None:
    page = seen(browser, f"{server}/{view.path('1')}", tmp_path)
    head = r'aria-colindex="(\d+)" col-id="metrics.`(\w+)`" aria-sort'
    heads = re.findall(head, page)
    shown = [name for _, name in sorted((int(place), name) for place, name in heads)]
    assert shown == list(view.HEADLINES)
    assert view.NAME in page
    assert "0.625" in page
    assert page.index("ecg_demo-delta-ann<") < page.index("ecg_demo-delta-lif<")
    assert "fold 0" not in page
    assert "Traces in" not in page


def test_the_first_click_is_on_models_in_training(
    browser: str, server: str, tmp_path: Path
) -> None:
    """The first page and, in the same browser, an experiment without our link."""
    first = seen(browser, server, tmp_path)
    assert "ecg_demo" in first
    page = seen(browser, f"{server}/#/experiments/1", tmp_path)
    assert 'col-id="metrics.`int8_uj`"' in page
    assert "0.625" in page
