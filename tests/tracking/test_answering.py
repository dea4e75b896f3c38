"""A store that takes no runs is recognised within seconds."""

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from pipeline.tracking import answering


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(answering, "ANSWER_S", 0.2)
    answering.fault.cache_clear()
    yield
    answering.fault.cache_clear()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a table and a number of its own."""
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as opened:
        opened.execute("CREATE TABLE runs (a)")
        opened.execute("PRAGMA user_version = 7")
    return path


def test_a_store_that_can_be_written_is_left_as_it_was(store: Path) -> None:
    before = store.read_bytes()
    assert answering.fault(f"sqlite:///{store}") == ""
    assert store.read_bytes() == before


def test_a_store_that_is_not_there_yet_is_not_made(tmp_path: Path) -> None:
    assert answering.fault(f"sqlite:///{tmp_path}/new/mlflow.db") == ""
    assert not list(tmp_path.iterdir())


def test_a_locked_store(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert answering.fault(f"sqlite:///{store}") == "database is locked"


def test_a_store_that_can_only_be_read(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = sqlite3.connect

    def read_only(path: Path, **settings: object) -> sqlite3.Connection:
        return opened(f"file:{path}?mode=ro", uri=True, isolation_level=None)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    reason = answering.fault(f"sqlite:///{store}")
    assert reason == "attempt to write a readonly database"


def test_what_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("no database" * 100)
    assert answering.fault(f"sqlite:///{path}") == "file is not a database"
    assert "not a folder" in answering.fault(f"sqlite:///{path}/mlflow.db")


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(403)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_refuses_answers() -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        address = f"http://user:secret@127.0.0.1:{server.server_port}/path"
        assert answering.fault(address) == ""


@pytest.mark.parametrize("listening", [True, False])
def test_a_server_that_is_dead_or_a_black_hole(listening: bool) -> None:
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        if listening:
            hole.listen()
        begun = time.monotonic()
        reason = answering.fault(f"http://127.0.0.1:{hole.getsockname()[1]}")
    assert reason == ("timed out" if listening else "[Errno 111] Connection refused")
    assert time.monotonic() - begun < 2


def test_a_wait_that_has_no_limit_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as that for a name server."""
    never = threading.Event()
    monkeypatch.setattr(answering, "_ask_server", lambda _: str(never.wait(60)))
    begun = time.monotonic()
    assert "has not answered" in answering.fault("https://mlflow.clinic")
    assert time.monotonic() - begun < 5
    never.set()


def test_a_folder_is_not_asked() -> None:
    assert answering.fault("/some/mlruns") == answering.fault("databricks") == ""
