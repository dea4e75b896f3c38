"""Changes of an item's files, each drawn from a generator.

A mutation takes an item and gives a changed one and what it did, or None where it does
not fit the item.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from tests.fuzz.items import Files, Item

RNG = np.random.Generator
Changed = tuple[Item, str] | None
Mutation = Callable[[Item, RNG], Changed]


def own_files(item: Item) -> list[str]:
    """List the files of the recording under test, and those that all share."""
    stem = PurePosixPath(item.mains[item.target]).name.split("_")[0].split(".")[0]
    others = [
        PurePosixPath(main).name.split("_")[0].split(".")[0]
        for name, main in item.mains.items()
        if name != item.target
    ]
    if item.decoder == "archive":
        return list(item.files)
    names = [n for n in item.files if _begin(n) not in others]
    return [n for n in names if _begin(n) == stem] + [
        n for n in names if _begin(n) != stem
    ]


def _begin(path: str) -> str:
    return re.split(r"[_.]", PurePosixPath(path).name)[0]


def pick(item: Item, rng: RNG, endings: tuple[str, ...] = ()) -> str | None:
    """Draw one of the recording's files."""
    names = [n for n in own_files(item) if not endings or n.endswith(endings)]
    return str(rng.choice(names)) if names else None


def put(item: Item, path: str, content: bytes, what: str) -> Changed:
    """Replace a file."""
    if content == item.files.get(path):
        return None
    return replace(item, files={**item.files, path: content}), f"{path}: {what}"


def truncate(item: Item, rng: RNG) -> Changed:
    path = str(pick(item, rng))
    size = len(item.files[path])
    if not size:
        return None
    left = int(rng.integers(0, size))
    if rng.random() < 0.3:
        left = max(0, size - int(rng.integers(1, 9)))
    return put(item, path, item.files[path][:left], f"cut to {left} of {size} bytes")


def extend(item: Item, rng: RNG) -> Changed:
    path = str(pick(item, rng))
    content = item.files[path]
    count = int(rng.choice([1, 2, 3, 16, 1000, len(content)]))
    more = {
        "zeros": bytes(count),
        "noise": rng.bytes(count),
        "itself": content[-count:],
    }
    kind = str(rng.choice(list(more)))
    return put(
        item, path, content + more[kind], f"{len(more[kind])} bytes of {kind} more"
    )


def flip(item: Item, rng: RNG) -> Changed:
    """Flip bits, more often at the beginning, where headers are."""
    path = str(pick(item, rng))
    content = bytearray(item.files[path])
    if not content:
        return None
    end = len(content) if rng.random() < 0.5 else min(len(content), 1500)
    places = rng.integers(0, end, int(rng.choice([1, 1, 1, 2, 5])))
    bits = rng.integers(0, 8, len(places))
    for place, bit in zip(places.tolist(), bits.tolist(), strict=True):
        content[place] ^= 1 << bit
    return put(item, path, bytes(content), f"bits {bits} of bytes {places} flipped")


def overwrite(item: Item, rng: RNG) -> Changed:
    """Put zeros, ones or noise in the place of a range."""
    path = str(pick(item, rng))
    content = item.files[path]
    if not content:
        return None
    start = int(rng.integers(0, len(content)))
    count = min(int(rng.choice([1, 4, 64, 1000, 30000])), len(content) - start)
    new = [bytes(count), b"\xff" * count, rng.bytes(count), b"\x00\x80" * count]
    filling = new[int(rng.integers(0, 4))][:count]
    mixed = content[:start] + filling + content[start + count :]
    return put(item, path, mixed, f"{count} bytes from {start} are {filling[:4]!r}...")


def move(item: Item, rng: RNG) -> Changed:
    """Remove, double or exchange ranges of bytes."""
    path = str(pick(item, rng))
    content = item.files[path]
    if len(content) < 8:
        return None
    a, b, c = sorted(rng.integers(0, len(content), 3).tolist())
    kinds = {
        "removed": content[:a] + content[b:],
        "doubled": content[:b] + content[a:],
        "exchanged": content[:a] + content[b:c] + content[a:b] + content[c:],
    }
    kind = str(rng.choice(list(kinds)))
    return put(item, path, kinds[kind], f"bytes {a} to {b} ({c}) {kind}")


def empty(item: Item, rng: RNG) -> Changed:
    path = str(pick(item, rng))
    return put(item, path, b"", "empty")


def remove(item: Item, rng: RNG) -> Changed:
    path = str(pick(item, rng))
    left = {name: content for name, content in item.files.items() if name != path}
    return replace(item, files=left), f"{path}: removed"


def swap(item: Item, rng: RNG) -> Changed:
    """Give a recording a file of the other one."""
    if item.decoder == "archive":
        return None
    path = str(pick(item, rng))
    others = [n for n in item.files if _form(n) == _form(path) and n != path]
    if not others:
        return None
    other = str(rng.choice(others))
    return put(item, path, item.files[other], f"is {other}")


def _form(path: str) -> str:
    """Give a file's name without what is a recording's own."""
    begin, _, rest = PurePosixPath(path).name.partition("_")
    return rest or PurePosixPath(begin).suffix


def mix(item: Item, rng: RNG) -> Changed:
    """Begin as one's own file and go on as the other recording's."""
    path = str(pick(item, rng))
    others = [n for n in item.files if _form(n) == _form(path) and n != path]
    if not others:
        return None
    other = item.files[str(rng.choice(others))]
    at = int(rng.integers(0, max(1, min(len(other), len(item.files[path])))))
    mixed = item.files[path][:at] + other[at:]
    return put(item, path, mixed, f"is another's from byte {at} on")


def copy(item: Item, rng: RNG) -> Changed:
    """Give the recording to another person, too, perhaps with another header."""
    if item.decoder == "archive":
        return None
    mine = [n for n in own_files(item) if _begin(n) == _begin(own_files(item)[0])]
    stem = PurePosixPath(item.mains[item.target]).name
    begin = re.split(r"[_.]", stem)[0]
    who = begin.removeprefix("sub-")
    new: Files = {}
    for path in mine:
        content = item.files[path]
        if path.endswith((".hea", ".vhdr", ".vmrk")):
            content = content.replace(who.encode() + b".", b"C.")
            content = re.sub(rb"^%s\b" % who.encode(), b"C", content)
        if path.endswith(".edf") and rng.random() < 0.5:
            content = content[:8] + b"Y" + content[9:]
        new[_renamed(path, who, "C")] = content
    names = {n.replace(who, "C"): _renamed(m, who, "C") for n, m in item.mains.items()}
    (main,) = [(n, m) for n, m in names.items() if m in new] or [("", "")]
    if not main[1] or "segments" in item.name:
        return None
    mains = {**item.mains, main[0]: main[1]}
    known = item.facts.get("fields", {})
    fields = {n.replace(who, "C"): t.replace(who, "C") for n, t in known.items()}
    facts = {**item.facts, "fields": {**fields, **known}}
    return (
        replace(item, files={**item.files, **new}, mains=mains, facts=facts),
        f"{sorted(new)} are copies of {who}",
    )


def _renamed(path: str, who: str, new: str) -> str:
    return re.sub(rf"(?<![A-Za-z0-9]){who}(?=[_./])", new, path)


def foreign(item: Item, rng: RNG) -> Changed:
    """Put a file of another format in the place of the main file."""
    path = str(pick(item, rng))
    kinds = {
        "HTML": b"<!DOCTYPE html><html><body>Please log in</body></html>",
        "ZIP": b"PK\x03\x04" + rng.bytes(400),
        "HDF": b"\x89HDF\r\n\x1a\n" + rng.bytes(900),
        "noise": rng.bytes(int(rng.integers(1, 5000))),
        "zeros": bytes(4096),
        "text": b"time,c1,c2,c3,label\n" + b"1,2,3,4,0\n" * 300,
        "LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    }
    kind = str(rng.choice(list(kinds)))
    return put(item, path, kinds[kind], f"is {kind}")
