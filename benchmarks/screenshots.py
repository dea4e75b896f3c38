"""Take pictures of the report and of MLflow in a browser, and look for their faults.

    .venv/bin/python benchmarks/screenshots.py pictures
    .venv/bin/python benchmarks/screenshots.py pictures --axe axe.min.js --only report

Pictures of the report: light and dark at 1440 pixels, 390 pixels, 1920 pixels, and as
printed (PNG of its beginning, and PDF). Of MLflow: an experiment, the comparison of its
runs, a run, and its model. For each view of the report it prints whether anything is
wider than the window, what the console and the network were asked for, whether all is
open in print, and, given axe-core's script (npm install axe-core), what axe finds. Ends
with status 1 if the report has a fault.

It needs Chromium or Chrome (`--browser`) and no other package: the browser is driven
through a pipe, by the DevTools protocol.
"""

import argparse
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPORT = Path("data/report/index.html")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
ANSWER_S = 60
SETTLES_S = 4
"""Charts are drawn after the texts."""


@dataclass(frozen=True)
class View:
    """How a page is looked at.

    Parameters
    ----------
    name : str
    width, height : int
        Pixels.
    scheme : str
        light or dark.
    media : str
        screen or print.
    """

    name: str
    width: int
    height: int = 1600
    scheme: str = "light"
    media: str = "screen"


VIEWS = (
    View("light-1440", 1440),
    View("dark-1440", 1440, scheme="dark"),
    View("light-390", 390),
    View("dark-390", 390, scheme="dark"),
    View("light-1920", 1920),
    View("print", 673, 1000, media="print"),  # A4 less its margins
)


@dataclass
class Browser:
    """A browser at the other end of two pipes.

    Parameters
    ----------
    process : Popen
    asks, answers : int
        Ends of the pipes.
    """

    process: subprocess.Popen[bytes]
    asks: int
    answers: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _count: int = 0
    _rest: bytes = b""

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and give its result; events on the way are kept.

        Raises
        ------
        RuntimeError
            The browser refuses, or ends.
        """
        self._count += 1
        command: dict[str, Any] = {"id": self._count, "method": method}
        command |= {"params": params} | (
            {"sessionId": self.session} if self.session else {}
        )
        os.write(self.asks, json.dumps(command).encode() + b"\0")
        while (message := self._next()).get("id") != self._count:
            self.events.append(message)
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self.answers, 1 << 20)
            if not read:
                raise RuntimeError("the browser has ended")
            self._rest += read
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def evaluate(self, script: str) -> Any:
        """Run a script in the page and give its value."""
        options = {"awaitPromise": True, "returnByValue": True}
        found = self.ask("Runtime.evaluate", expression=script, **options)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["text"])
        return found["result"].get("value")

    def wait_for(self, script: str) -> bool:
        """Wait until a script is true in the page; False if that takes too long."""
        until = time.monotonic() + ANSWER_S
        while not self.evaluate(script):
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
        return True

    def picture(self, path: Path) -> None:
        """Write what the window shows as PNG."""
        data = self.ask("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def show(self, address: str, view: View) -> None:
        """Open a page in a view."""
        size = {"width": view.width, "height": view.height}
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            **size, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        scheme = [{"name": "prefers-color-scheme", "value": view.scheme}]
        self.ask("Emulation.setEmulatedMedia", media=view.media, features=scheme)
        self.events.clear()
        self.ask("Page.navigate", url=address)
        self.wait_for("document.readyState === 'complete'")


@contextmanager
def browser(program: str) -> Iterator[Browser]:
    """Start a browser with an empty profile, and end it."""
    asked, asks = os.pipe()
    answers, answering = os.pipe()

    def at_three_and_four() -> None:
        """Chromium reads from the descriptor 3 and writes to 4."""
        os.dup2(asked, 13)
        os.dup2(answering, 14)
        os.dup2(13, 3)
        os.dup2(14, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [program, *QUIET, f"--user-data-dir={profile}"],
            preexec_fn=at_three_and_four, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(asked)
        os.close(answering)
        try:
            driven = Browser(process, asks, answers)
            target = driven.ask("Target.createTarget", url="about:blank")["targetId"]
            attached = driven.ask(
                "Target.attachToTarget", targetId=target, flatten=True
            )
            driven.session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                driven.ask(f"{domain}.enable")
            yield driven
        finally:
            process.terminate()
            process.wait(10)


def look_at_report(driven: Browser, report: Path, folder: Path, axe: str) -> list[str]:
    """Take all views of the report, and list the faults that they show."""
    faults = []
    for view in VIEWS:
        driven.show(report.absolute().as_uri(), view)
        driven.picture(folder / f"report-{view.name}.png")
        found = [*_too_wide(driven), *_noise(driven)]
        if view.media == "print":
            found += _closed(driven)
            options = {"printBackground": True, "preferCSSPageSize": True}
            pdf = driven.ask("Page.printToPDF", **options)["data"]
            (folder / "report.pdf").write_bytes(base64.b64decode(pdf))
        elif axe:
            found += _axe(driven, axe)
        print(f"report, {view.name}: {'; '.join(found) or 'no fault'}")
        faults += found
    megabytes = report.stat().st_size / 1e6
    print(f"report: {megabytes:.1f} MB")
    return faults + ([f"{megabytes:.1f} MB"] if megabytes > 10 else [])


def _too_wide(driven: Browser) -> list[str]:
    wide, window = driven.evaluate(
        "[document.documentElement.scrollWidth, window.innerWidth]"
    )
    return [f"{wide} pixels in a window of {window}"] if wide > window else []


def _noise(driven: Browser) -> list[str]:
    """List what the page logged, and what it asked of the network."""
    found = []
    for event in driven.events:
        method, given = event.get("method"), event.get("params", {})
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            found.append(f"console: {json.dumps(given)[:200]}")
        elif method == "Log.entryAdded":
            found.append(f"console: {given['entry']['text']}")
        elif method == "Network.requestWillBeSent":
            address = given["request"]["url"]
            if not address.startswith(("file:", "data:")):
                found.append(f"network: {address}")
    return found


def _closed(driven: Browser) -> list[str]:
    """Find what print leaves out, for it is not open on the screen."""
    closed = driven.evaluate(
        "[...document.querySelectorAll('details')].filter(each => "
        "!each.lastElementChild.checkVisibility()).length"
    )
    return [f"{closed} parts are closed"] if closed else []


def _axe(driven: Browser, script: str) -> list[str]:
    driven.evaluate(f"{script}; true")
    found = driven.evaluate(
        "axe.run(document).then(all => all.violations.map("
        "each => `axe: ${each.id}, ${each.nodes.length} times, such as "
        "${each.nodes[0].html.slice(0, 120)}`))"
    )
    return list(found)


def look_at_mlflow(driven: Browser, folder: Path) -> None:
    """Take pictures of an experiment, a comparison, a run and a model."""
    with mlflow() as address:
        cell, pages = places(address)
        for name, page in pages.items():
            driven.show("about:blank", VIEWS[0])
            driven.show(page, View(name, 1440, 1000))
            drawn = driven.wait_for(f"document.body.innerText.includes('{cell}')")
            time.sleep(SETTLES_S)
            driven.picture(folder / f"mlflow-{name}.png")
            print(f"MLflow, {name}: {'taken' if drawn else f'{cell} is not on it'}")


@contextmanager
def mlflow() -> Iterator[str]:
    """Let `biospike ui` serve this checkout's runs on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "pipeline", "ui", "--port", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 2 * ANSWER_S
        while not _answers(address) and time.monotonic() < until:
            time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def places(address: str) -> tuple[str, dict[str, str]]:
    """Find the first cell of the first data set with two, and its pages by name."""
    from mlflow import MlflowClient

    from pipeline.tracking import page

    os.environ["MLFLOW_TRACKING_URI"] = address
    client = MlflowClient()
    for dataset, link in page.links(address).items():
        experiment = client.get_experiment_by_name(dataset)
        number = experiment.experiment_id
        runs = client.search_runs([number], order_by=["attributes.start_time ASC"])
        cells = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
        if len(cells) < 2:
            continue
        asked = json.dumps([run.info.run_id for run in cells]).replace('"', "%22")
        run = cells[0].info
        at = f"{address}/#/experiments/{number}"
        pages = {
            "experiment": link,
            "comparison": f"{address}/#/compare-runs?runs={asked}"
            f"&experiments=[%22{number}%22]",
            "run": f"{at}/runs/{run.run_id}",
        }
        models = client.search_logged_models([number])
        models = [each for each in models if each.source_run_id == run.run_id]
        if models:
            pages["model"] = f"{at}/models/{models[0].model_id}"
        return run.run_name, pages
    raise SystemExit("MLflow has no data set with two cells: run `biospike publish`")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--report", type=Path, default=REPORT)
    parser.add_argument("--axe", type=Path, help="axe.min.js of axe-core")
    parser.add_argument("--only", choices=("report", "mlflow"))
    parser.add_argument("--browser", help="Chromium or Chrome")
    return parser.parse_args()


def main() -> None:
    """Take the pictures."""
    asked = arguments()
    program = asked.browser or next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise SystemExit(f"no browser: looked for {', '.join(BROWSERS)}")
    axe = asked.axe.read_text(encoding="utf-8") if asked.axe else ""
    asked.folder.mkdir(parents=True, exist_ok=True)
    faults: list[str] = []
    with browser(program) as driven:
        if asked.only != "mlflow":
            faults = look_at_report(driven, asked.report, asked.folder, axe)
        if asked.only != "report":
            look_at_mlflow(driven, asked.folder)
    raise SystemExit(1 if faults else 0)


if __name__ == "__main__":
    main()
