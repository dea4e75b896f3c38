"""The places that raw files are taken from: a folder, or an address on the web.

Execution options: `BIOSPIKE_MIRROR` is a folder or URL that holds a folder of files for
each data set, and `BIOSPIKE_MIRROR_PARTIAL=1` says that archives there are cut down.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import quote

from rich.progress import Progress, TaskID

from pipeline.errors import DataError
from pipeline.files import file_digest, replacing
from pipeline.parallel import console
from pipeline.sources._walk import checkout, walk

RETRIES = 2
TIMEOUT_S = (10.0, 60.0)  # to connect, and between two pieces
CHUNK_BYTES = 2**16
GONE = (404, 410)

Check = Callable[[Path], object]


@dataclass(frozen=True)
class Folder:
    """A folder on this machine.

    Parameters
    ----------
    root : Path
        The data set's folder.
    """

    root: Path

    def where(self, name: str) -> str:
        """Say where a file is expected."""
        return str(self.root / name)

    def digest(self, name: str) -> str | None:
        """Compute the SHA-256 of a file; None if it is not there."""
        path = self.root / name
        return file_digest(path) if path.is_file() else None

    def take(self, name: str, path: Path, verify: Check, bar: Progress) -> None:
        """Copy a file to `path`, unless `verify` refuses the copy.

        Raises
        ------
        FileNotFoundError
            The folder lacks the file.
        DataError
            There is no such folder, the file is a link out of the mirror, or the copy
            is refused.
        """
        self._refuse_absent()
        if self._leads_out(name):
            raise DataError(
                self.where(name),
                f"is a link out of the mirror, to {(self.root / name).resolve()}",
                expected="files that lie in the mirror",
                remedy="copy the file there; the source `folder` follows links",
            )
        with replacing(path) as partial:
            shutil.copyfile(self.root / name, partial)
            verify(partial)

    def listing(self) -> tuple[list[str], dict[str, str]]:
        """List the files that lie there, and why others do not count.

        Raises
        ------
        DataError
            There is no such folder.
        """
        self._refuse_absent()
        files, left_out = walk(self.root)
        names = [path for path, _, _ in files]
        out = dict.fromkeys(filter(self._leads_out, names), "a link out of the mirror")
        return [name for name in names if name not in out], left_out | out

    def _leads_out(self, name: str) -> bool:
        """Whether a file is a link out of the mirror; its folders may be links."""
        real = (self.root / name).resolve()
        inside = self.root.resolve(), self.root.parent.resolve()
        return not any(real.is_relative_to(folder) for folder in inside)

    def _refuse_absent(self) -> None:
        if not self.root.is_dir():
            raise DataError(
                str(self.root),
                "there is no such folder",
                expected="a mirror with this data set's files",
                remedy="correct BIOSPIKE_MIRROR (a relative path counts from the "
                "project's root), or unset it to download",
            )


@dataclass(frozen=True)
class Web:
    """An address on the web.

    Parameters
    ----------
    base : str
        URL of the data set's folder.
    names : dict of str to str
        Names of those files that are called differently there, as a URL has them.
    """

    base: str
    names: Mapping[str, str] = field(default_factory=dict)

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
            The server says that there is no such file.
        OSError
            The connection failed, also when tried again.
        DataError
            The file is refused.
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
        try:
            store.fetch(path.name, downloader=_Downloader(verify, _FileBar(bar, task)))
        finally:
            bar.remove_task(task)


Origin = Folder | Web


def mirror_of(name: str) -> Origin | None:
    """Find the mirror of a data set; None if no mirror is asked for."""
    place = os.environ.get("BIOSPIKE_MIRROR")
    if not place:
        return None
    if place.startswith(("http://", "https://")):
        return Web(f"{place.rstrip('/')}/{name}")
    return Folder(checkout() / Path(place).expanduser() / name)


def archives_may_be_cut_down() -> bool:
    """Whether the mirror's archives may lack members."""
    return os.environ.get("BIOSPIKE_MIRROR_PARTIAL") == "1"


class _FileBar:
    """What pooch takes for a progress bar, drawn in KiB as a task of the house's."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

    @property
    def total(self) -> float | None:
        return self._bar.tasks[self._task].total

    @total.setter
    def total(self, n_bytes: int) -> None:
        self._bar.reset(self._task, total=n_bytes / 1024 if n_bytes else None)

    def update(self, n_bytes: int) -> None:
        self._bar.advance(self._task, n_bytes / 1024)

    def reset(self) -> None:
        self._bar.reset(self._task)

    def close(self) -> None:
        """Do nothing: who made the task removes it."""


@dataclass(frozen=True)
class _Downloader:
    """Pooch's HTTP downloader, which looks at the file before it gets its name.

    Pooch tries again after errors of `requests`; a file that is missing or wrong is
    raised as another error, since asking again would not mend it.
    """

    verify: Check
    file_bar: _FileBar

    def __call__(self, url: str, output_file: str, pooch: object) -> None:
        from pooch import HTTPDownloader
        from requests import HTTPError, Response

        download = HTTPDownloader(self.file_bar, CHUNK_BYTES, timeout=TIMEOUT_S)
        try:
            download(url, output_file, pooch)
        except HTTPError as error:
            # raise_for_status always gives the answer, which pooch leaves open.
            answer = cast(Response, error.response)
            answer.close()
            if answer.status_code in GONE:
                raise FileNotFoundError(url) from error
            raise
        self.verify(Path(output_file))
