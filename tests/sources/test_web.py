"""Servers that send too much, too slowly, something else, or elsewhere."""

import gzip
import io
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from pipeline.errors import DataError
from pipeline.sources.download import Download
from pipeline.sources.parts import web as _web
from pipeline.sources.parts.delivery import Delivery
from pipeline.sources.parts.web import Web

CONTENT = b"#Simulated\n" * 1000
PAGE = b"\n<!-- 1 --><!DOCTYPE html>\n<html><title>Log in</title></html>"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        place = self.path.rpartition("/")[2].partition("?")[0]
        getattr(self, place.partition(".")[0].replace("-", "_"))()

    def answer(self, *headers: tuple[str, str], status: int = 200) -> None:
        self.send_response(status)
        for header in headers:
            self.send_header(*header)
        self.end_headers()

    def send(self, content: bytes, *headers: tuple[str, str]) -> None:
        self.answer(("Content-Length", str(len(content))), *headers)
        self.wfile.write(content)

    def forever(self, piece: bytes, pause_s: float) -> None:
        for _ in range(2000):
            try:
                self.wfile.write(piece)
                self.wfile.flush()
            except OSError:
                return
            threading.Event().wait(pause_s)

    def good(self) -> None:
        self.send(CONTENT)

    def unstated(self) -> None:
        self.answer()
        self.wfile.write(CONTENT)

    def slow(self) -> None:
        self.answer()
        self.forever(b"x", 0.02)

    def slow_headers(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\n")
        self.forever(b"x", 0.02)

    def endless(self) -> None:
        self.answer()
        self.forever(bytes(2**16), 0)

    def large(self) -> None:
        self.answer(("Content-Length", str(10**18)))

    def page(self) -> None:
        self.send(PAGE)

    def packed(self) -> None:
        self.send(gzip.compress(bytes(2**24)), ("Content-Encoding", "gzip"))

    def to(self, place: str) -> None:
        self.answer(("Location", place), status=302)

    def here(self) -> None:
        self.to("../set/good.hea")

    def elsewhere(self) -> None:
        port: Any = self.server.server_address[1]
        self.to(f"http://localhost:{port}/good.hea?token=1")

    def loop(self) -> None:
        self.to("loop.hea")

    def file(self) -> None:
        self.to("file:///etc/passwd")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/set/"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("BIOSPIKE_MIRROR", raising=False)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    monkeypatch.setattr(_web, "PATIENCE_S", 10.0)
    monkeypatch.setattr(_web, "TIMEOUT_S", (10.0, 10.0))
    monkeypatch.setattr(_web, "LARGEST_UNSTATED", 2**20)


Fetch = Callable[..., bytes]


@pytest.fixture
def fetch(home: str, tmp_path: Path) -> Fetch:
    """Fetch one file, long before a server that never ends, and give its bytes."""

    def fetch(name: str, *hosts: str) -> bytes:
        target = tmp_path / "raw"
        begun = time.monotonic()
        try:
            with Progress(disable=True) as bar:
                Delivery(Web(home, hosts=hosts), False, target, bar).take(name)
            return (target / name).read_bytes()
        finally:
            assert time.monotonic() - begun < 30
            left = {path.name for path in target.glob("*")}
            assert left <= {name}

    return fetch


@pytest.mark.parametrize("name", ["good.hea", "unstated.hea", "here.hea"])
def test_what_is_right_comes(fetch: Fetch, name: str) -> None:
    assert fetch(name) == CONTENT


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("slow.hea", "less than 1024 bytes a second"),
        ("slow-headers.hea", "headers did not come"),
        ("endless.hea", "no end"),
        ("large.hea", "1,000,000,000,000 MB"),
        ("page.hea", "a web page came in place of the file"),
        ("loop.hea", "redirects more than 5 times"),
        ("elsewhere.hea", "redirects to localhost"),
        ("file.hea", "redirects from http to file"),
    ],
)
def test_what_is_not_the_file_ends_soon(
    home: str,
    fetch: Fetch,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    message: str,
) -> None:
    if name.startswith("slow"):
        monkeypatch.setattr(_web, "PATIENCE_S", 1.0)
        monkeypatch.setattr(_web, "TIMEOUT_S", (1.0, 10.0))
    with pytest.raises(DataError, match=message) as caught:
        fetch(name)
    assert caught.value.where == f"{home}{name}"
    assert "BIOSPIKE_MIRROR" in caught.value.remedy
    assert not list((tmp_path / "raw").glob("*"))


def test_a_page_may_be_asked_for(fetch: Fetch) -> None:
    assert fetch("page.html") == PAGE


def test_another_host_counts_if_the_settings_name_it(fetch: Fetch, home: str) -> None:
    assert fetch("elsewhere.hea", "localhost") == CONTENT
    settings = {"home": home, "mirror": "set", "pattern": "x", "files": ["good.hea"]}
    source = Download.model_validate({**settings, "redirects": ["localhost"]})
    assert source.redirects == ("localhost",)


def test_packed_bytes_are_not_unpacked(fetch: Fetch) -> None:
    assert len(fetch("packed.hea")) < 2**15


@pytest.mark.parametrize("goal", ["http://x.org/a.hea", "https://y.org/a.hea", "//y/"])
def test_https_stays_https_on_its_host(
    monkeypatch: pytest.MonkeyPatch, goal: str
) -> None:
    from requests import Response

    asked: list[str] = []

    def ask(url: str) -> Response:
        answer = Response()
        answer.status_code, answer.headers["Location"] = 302, goal
        answer.raw = io.BytesIO()
        asked.append(url)
        return answer

    monkeypatch.setattr(_web, "_asked", ask)
    with pytest.raises(DataError, match=r"redirects (from https to http|to y)"):
        _web._answer("https://x.org/a.hea", ("x.org",))
    assert asked == ["https://x.org/a.hea"]
