"""A check that a store accepts runs, before MLflow, which would try for minutes."""

import os
import sqlite3
import ssl
from contextlib import closing
from functools import cache
from pathlib import Path
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

ANSWER_S = 3
"""Seconds that a store has to answer."""


@cache
def fault(uri: str) -> str:
    """Explain why a tracking store takes no runs now; empty if it takes them.

    Parameters
    ----------
    uri : str
        As MLflow takes it.
    """
    kind = urlsplit(uri).scheme
    if kind == "sqlite":
        ask = _ask_sqlite
    elif kind in ("http", "https"):
        ask = _ask_server
    elif kind.partition("+")[0] in ("postgresql", "mysql", "mssql"):
        ask = _ask_database
    else:  # a folder, which answers at once
        return ""
    found: list[str] = []
    # In a thread, for some waits have no limit, such as that for a name server.
    thread = Thread(target=lambda: found.append(ask(uri)), daemon=True)
    thread.start()
    thread.join(ANSWER_S + 1)
    return found[0] if found else f"it has not answered for {ANSWER_S + 1} s"


def _ask_sqlite(uri: str) -> str:
    """Begin to write, and take it back."""
    path = Path(uri.removeprefix("sqlite:///").partition("?")[0])
    if not path.exists():
        return _ask_folder(path.absolute().parent)
    try:
        with closing(
            sqlite3.connect(path, timeout=ANSWER_S, isolation_level=None)
        ) as store:
            store.execute("BEGIN IMMEDIATE")
            (number,) = store.execute("PRAGMA user_version").fetchone()
            store.execute(f"PRAGMA user_version = {number + 1}")
            store.execute("ROLLBACK")
    except sqlite3.Error as error:
        return str(error)
    return ""


def _ask_folder(folder: Path) -> str:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
        return f"{there} is not a folder that this account may write to"
    return ""


def _ask_server(uri: str) -> str:
    """Ask a server for anything: a refusal is an answer, too."""
    parts = urlsplit(uri)
    host, path = parts.netloc.rpartition("@")[2], f"{parts.path.rstrip('/')}/health"
    try:
        with urlopen(f"{parts.scheme}://{host}{path}", timeout=ANSWER_S):
            return ""
    except HTTPError:
        return ""
    except URLError as error:
        # MLflow has certificates of its own to judge by.
        return "" if isinstance(error.reason, ssl.SSLError) else str(error.reason)
    except (OSError, ValueError) as error:
        return str(error)


def _ask_database(uri: str) -> str:
    """Connect to a database."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with create_engine(uri).connect():
            return ""
    except (SQLAlchemyError, ImportError, OSError) as error:
        return reason(error)


def reason(error: BaseException) -> str:
    """Give the first line of what a database, or else a library, gave as its reason."""
    from sqlalchemy.exc import DBAPIError

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, DBAPIError) and cause.orig is not None:
            error = cause.orig
            break
        cause = cause.__cause__
    return (str(error).splitlines() or [type(error).__name__])[0]
