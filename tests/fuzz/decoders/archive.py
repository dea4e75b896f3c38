"""Members of zip and tar archives as files in a folder."""

import io
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import PurePosixPath

from tests.fuzz.items import FileError, Files, Item, Reading

Members = Iterator[tuple[str, bytes]]


def _plain(name: str) -> str:
    parts = PurePosixPath(name).parts
    return "/".join(part for part in parts if part not in ("..", ".", "/"))


def _zip(content: bytes, wanted: str) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                name = _plain(member.filename)
                yield name, archive.read(member) if name == wanted else b""


def _tar(content: bytes, wanted: str) -> Members:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive.getmembers():
            if member.isdir():
                continue
            name = _plain(member.name)
            stream = archive.extractfile(member) if name == wanted else None
            yield name, stream.read() if stream and member.isfile() else b""


def decode(files: Files, main: str, item: Item) -> Reading:
    archive, _, wanted = main.partition("/")
    content = files.get(archive)
    if not content:
        raise FileError("is empty or not there")
    members = list((_zip if archive.endswith(".zip") else _tar)(content, wanted))
    shown = (name for name, _ in members if not name.startswith("__MACOSX/"))
    counts = Counter(shown)  # hidden members are left out, whatever they are called
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise FileError(f"several members are called {repeated[0]}")
    shown = {f"{archive}/{name}": found for name, found in members}
    inner = import_module(f"tests.fuzz.decoders.{item.facts['inner']}")
    reading: Reading = inner.decode(shown, main, item)
    return reading
