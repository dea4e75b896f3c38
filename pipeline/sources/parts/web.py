"""An address on the web that raw files are taken from, within bounds.

A server cannot keep a stage waiting for ever, fill the disk, or send it elsewhere: each
file has a least rate and a largest size, and redirects stay on the host that was asked.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from rich.progress import Progress, TaskID

from pipeline.errors import DataError
from pipeline.parallel import console

if TYPE_CHECKING:
    from requests import Response

RETRIES = 2
TIMEOUT_S = (10.0, 60.0)  # to connect, and between two pieces
PATIENCE_S = 60.0
"""The longest wait for an answer's headers, and the period of the rate check."""
LEAST_BYTES_PER_S = 1024
LARGEST_UNSTATED = 2**32
"""Most bytes of a file whose length the server does not state."""
MOST_REDIRECTS = 5
CHUNK_BYTES = 2**16
GONE = (404, 410)
REDIRECTS = (301, 302, 303, 307, 308)
BY_HAND = "fetch it by hand into the data set's folder of a mirror (BIOSPIKE_MIRROR)"

Check = Callable[[Path], object]


@dataclass(frozen=True)
class Web:
    """An address on the web.

    Parameters
    ----------
    base : str
        URL of the data set's folder.
    names : dict of str to str
        Names of those files that are called differently there, as a URL has them.
    hosts : tuple of str
        Further hosts to which it may redirect.
    """

    base: str
    names: Mapping[str, str] = field(default_factory=dict)
    hosts: tuple[str, ...] = ()

    def where(self, name: str) -> str:
        """Give a file's URL."""
        return f"{self.base.rstrip('/')}/{self.names.get(name) or quote(name)}"

    def digest(self, name: str) -> str | None:
        """Know nothing of a file before it is downloaded."""
        return None

    def take(self, name: str, path: Path, verify: Check, bar: Progress) -> None:
        """Download a file to `path`, unless `verify` refuses it.

        Raises
        ------
        FileNotFoundError
            The server reports that there is no such file.
        OSError
            The connection failed, also when tried again, or was too slow.
        DataError
            The file is refused, too large, or the server redirects elsewhere.
        """
        import pooch

        pooch.get_logger().setLevel("WARNING" if console.is_terminal else "INFO")
        path.unlink(missing_ok=True)  # it is wrong, and pooch would keep it
        store = pooch.create(
            path.parent,
            base_url=self.base,
            registry={path.name: None},
            urls={path.name: self.where(name)},
            retry_if_failed=RETRIES,
        )
        task = bar.add_task(f"{name} (KiB)", total=None)
        hosts = urlsplit(self.base).hostname or "", *self.hosts
        try:
            store.fetch(path.name, downloader=_Downloader(verify, bar, task, hosts))
        finally:
            bar.remove_task(task)


@dataclass(frozen=True)
class _Downloader:
    """The downloader of pooch; it checks a file before the file gets its name.

    Pooch tries again after errors of `requests`; a file that is missing or wrong is
    raised as another error, since asking again would not mend it.
    """

    verify: Check
    bar: Progress
    task: TaskID
    hosts: tuple[str, ...]

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        from requests import RequestException
        from urllib3.exceptions import HTTPError

        path = Path(output_file)
        with _answer(url, self.hosts) as answer:
            if answer.status_code in GONE:
                raise FileNotFoundError(url)
            answer.raise_for_status()
            size = _stated_size(answer)
            room = shutil.disk_usage(path.parent).free
            most = LARGEST_UNSTATED if size is None else size
            if size is not None and size > room:
                raise _too_large(url, f"it has {size / 1e6:,.0f} MB", room)
            self.bar.reset(self.task, total=size / 1024 if size else None)
            try:
                self._write(url, _pieces(answer.raw), path, min(most, room))
            except HTTPError as error:
                raise RequestException(f"broken off: {error}") from error
        self.verify(path)

    def _write(self, url: str, pieces: Iterator[bytes], path: Path, most: int) -> None:
        so_far = 0
        with path.open("wb") as file:
            for piece in pieces:
                so_far += len(piece)
                if so_far > most:
                    raise _too_large(url, "it has no end in sight", most)
                file.write(piece)
                self.bar.advance(self.task, len(piece) / 1024)


def _answer(url: str, hosts: tuple[str, ...]) -> "Response":
    """Ask for a file, and follow redirects to the hosts that are allowed.

    Raises
    ------
    DataError
        The server redirects elsewhere, or from https to http.
    """
    asked = url
    for _ in range(MOST_REDIRECTS):
        answer = _asked(asked)
        goal = answer.headers.get("Location", "")
        if answer.status_code not in REDIRECTS or not goal:
            return answer
        answer.close()
        before, asked = urlsplit(asked), urljoin(asked, goal)
        now = urlsplit(asked)
        if now.scheme not in ("https", before.scheme):
            raise _elsewhere(
                url,
                f"redirects from {before.scheme} to {now.scheme or 'nothing'}",
                f"correct source.home, or {BY_HAND}",
            )
        if now.hostname not in hosts:
            raise _elsewhere(
                url,
                f"redirects to {now.hostname}",
                f"if its files lie there now, add that host to source.redirects; if "
                f"it asks for a login, {BY_HAND}",
            )
    raise _elsewhere(url, f"redirects more than {MOST_REDIRECTS} times", BY_HAND)


def _asked(url: str) -> "Response":
    """Give the answer to one request, if its headers come in time."""
    import requests

    outcome: list[Any] = []

    def ask() -> None:
        """Note the answer, or the error."""
        try:
            # Packed text would be unpacked without a bound.
            headers = {"Accept-Encoding": "identity"}
            outcome.append(
                requests.get(
                    url,
                    timeout=TIMEOUT_S,
                    stream=True,
                    allow_redirects=False,
                    headers=headers,
                )
            )
        except Exception as error:
            outcome.append(error)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE_S + TIMEOUT_S[0])
    if not outcome:
        raise TimeoutError(f"its headers did not come in {PATIENCE_S:g} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    answer: Response = outcome[0]
    return answer


def _pieces(raw: Any) -> Iterator[bytes]:
    """Yield what comes as it comes.

    Raises
    ------
    TimeoutError
        It comes too slowly.
    """
    begun, so_far = time.monotonic(), 0
    while piece := raw.read1(CHUNK_BYTES, decode_content=False):
        so_far += len(piece)
        if (seconds := time.monotonic() - begun) > PATIENCE_S:
            if so_far < LEAST_BYTES_PER_S * seconds:
                raise TimeoutError(
                    f"{so_far} bytes in {seconds:.0f} s, which is less than "
                    f"{LEAST_BYTES_PER_S} bytes a second"
                )
            begun, so_far = time.monotonic(), 0
        yield piece


def _stated_size(answer: "Response") -> int | None:
    text = answer.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def _too_large(url: str, found: str, most: int) -> DataError:
    expected = f"at most {most / 1e6:,.0f} MB, or room on the disk"
    return DataError(url, found, expected=expected, remedy=BY_HAND)


def _elsewhere(url: str, found: str, remedy: str) -> DataError:
    host = urlsplit(url).hostname
    return DataError(url, found, expected=f"the file itself, of {host}", remedy=remedy)
