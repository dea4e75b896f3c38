"""The MLflow store of the runs, and the settings of MLflow."""

import logging
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.tracking.answering import ANSWER_S


def uri() -> str:
    """Name the tracking store; the checkout may have any path."""
    if stated := os.environ.get("MLFLOW_TRACKING_URI"):
        return stated
    path = str(home() / "mlflow.db")
    written = path.replace("%", "%25").replace("?", "%3F")
    # Of what begins `sqlite:///`, MLflow also makes the folder, taking `%25` as it is.
    driver = "" if written == path else "+pysqlite"
    return f"sqlite{driver}:///{written}"


def is_off() -> bool:
    """Whether nothing is to be logged."""
    return os.environ.get("BIOSPIKE_TRACKING", "").lower() == "off"


def shown() -> str:
    """Name the tracking store without a password in it."""
    return re.sub(r"//[^@/]*@", "//", uri())


def artifacts(dataset: str) -> str | None:
    """Name the folder of a data set's artifacts; a server decides itself."""
    served = uri().startswith("http")
    return None if served else (home() / "mlartifacts" / dataset).as_uri()


def home() -> Path:
    """Find the checkout; queued experiments work in copies below its `.dvc/tmp`."""
    here = Path(os.environ.get("DVC_ROOT") or Path.cwd()).resolve()
    return next((p.parent for p in here.parents if p.name == ".dvc"), here)


def quieten() -> None:
    """Nothing phones home, nothing waits long for a dead server, no chatter."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["DO_NOT_TRACK"] = "true"
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "5")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It logs the traceback of what it raises.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@cache
def hurry() -> None:
    """Let MLflow wait 3 s for a locked SQLite store, not 20 s a step."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    def shorten(*given: Any) -> tuple[str, Any]:
        """Let SQLite wait for as long as an answer may take."""
        _, _, statement, parameters, *_ = given
        if statement.startswith("PRAGMA busy_timeout"):
            statement = f"PRAGMA busy_timeout = {1000 * ANSWER_S}"
        return statement, parameters

    event.listen(Engine, "before_cursor_execute", shorten, retval=True)
