"""Changes that know a format: header fields, clocks, rows, sidecars."""

import gzip
import re
from dataclasses import replace

import numpy as np

from tests.fuzz.items import Item, utf8
from tests.fuzz.mutations import RNG, Changed, pick, put
from tests.fuzz.mutations_texts import ODD

EDF_FIELDS = {
    "version": (0, 8),
    "patient": (8, 80),
    "start": (168, 16),
    "header bytes": (184, 8),
    "kind": (192, 44),
    "records": (236, 8),
    "record seconds": (244, 8),
    "signals": (252, 4),
}
EDF_COLUMNS = {
    "label": (0, 16),
    "unit": (96, 8),
    "physical minimum": (104, 8),
    "physical maximum": (112, 8),
    "digital minimum": (120, 8),
    "digital maximum": (128, 8),
    "samples": (216, 8),
}
KINDS = ("EDF+C", "EDF+D", "BDF+C", "BDF+D", "", "24BIT", "EDF")


def edf_field(item: Item, rng: RNG) -> Changed:
    """Write another text into one of the header's fields."""
    path = pick(item, rng, (".edf", ".bdf"))
    if path is None:
        return None
    content = item.files[path]
    count = int(content[252:256])
    if rng.random() < 0.4:
        name = str(rng.choice(list(EDF_FIELDS)))
        start, width = EDF_FIELDS[name]
    else:
        name = str(rng.choice(list(EDF_COLUMNS)))
        before, width = EDF_COLUMNS[name]
        start = 256 + before * count + width * int(rng.integers(0, count))
    old = content[start : start + width].decode("latin-1").strip()
    new = _another(old, name, rng).encode("utf-8")[:width].ljust(width)
    changed = content[:start] + new + content[start + width :]
    return put(item, path, changed, f"{name} {old!r} is {new!r}")


def _another(old: str, name: str, rng: RNG) -> str:
    if name == "kind":
        return str(rng.choice(KINDS))
    if name == "unit":
        return str(rng.choice(["mV", "V", "nV", "", "uV", "µV", "mmHg", "degC", "MV"]))
    if re.fullmatch(r"-?\d+(\.\d+)?", old) and rng.random() < 0.7:
        value = float(old)
        near = [value * f for f in (0.5, 2, 10, 0.1, -1, 0.99)] + [value + 1, value - 1]
        return f"{near[int(rng.integers(0, len(near)))]:g}"
    return str(rng.choice(np.array(ODD, object)))


def edf_notes(item: Item, rng: RNG) -> Changed:
    """Change a time, a text or the structure of the notes."""
    path = pick(item, rng, (".edf", ".bdf"))
    if path is None:
        return None
    content = item.files[path]
    found = list(re.finditer(rb"[+-][\d.]+(\x15[\d.]+)?\x14[^\x00]*\x00", content))
    if not found:
        return None
    note = found[int(rng.integers(0, len(found)))]
    old = note[0]
    kinds = [
        old.replace(b"\x14", b"\x15", 1),
        old.replace(b"+", b" ", 1),
        re.sub(rb"\d", lambda m: b"%d" % rng.integers(0, 10), old, count=1),
        old.replace(b"\x00", b"\x14"),
        bytes(len(old)),
        old.replace(b"rest", b"task").replace(b"\x15", b"\x14"),
        re.sub(rb"[a-z]{4}", b"\xe4\xf6x\x00", old),
    ]
    new = kinds[int(rng.integers(0, len(kinds)))][: len(old)]
    changed = content[: note.start()] + new + content[note.end() :]
    return put(item, path, changed, f"note {old!r} is {new!r}")


def rows(item: Item, rng: RNG) -> Changed:
    """Remove, double, still or spoil rows of a table."""
    path = pick(item, rng, (".csv", ".txt"))
    if path is None:
        return None
    lines = item.files[path].decode().split("\n")
    start = int(rng.integers(1, len(lines) - 1))
    count = int(rng.choice([1, 2, 20, 200]))
    block = lines[start : start + count]
    kinds = {
        "removed": [],
        "doubled": block + block,
        "reversed": block[::-1],
        "still": [block[0]] * len(block),
        "spoiled": [_spoiled(row, rng) for row in block],
        "without the last field": [re.sub(r"[,;\t][^,;\t]*$", "", r) for r in block],
        "with one more field": [
            f"{row}{d}1" for d in ",;\t" if d in block[0] for row in block
        ],
    }
    kind = str(rng.choice(list(kinds)))
    changed = [*lines[:start], *kinds[kind], *lines[start + count :]]
    what = f"{len(block)} rows from {start} {kind}"
    return put(item, path, "\n".join(changed).encode(), what)


def _spoiled(row: str, rng: RNG) -> str:
    parts = re.split(r"([,;\t])", row)
    place = 2 * int(rng.integers(0, (len(parts) + 1) // 2))
    parts[place] = str(rng.choice(np.array(ODD, object)))
    return "".join(parts)


def packed_rows(item: Item, rng: RNG) -> Changed:
    """Change a packed table and pack it again, so that its checksum is right."""
    path = pick(item, rng, (".gz",))
    if path is None or path.endswith(".tar.gz"):
        return None
    inner = f"{path[:-7]}.csv"
    plain = gzip.decompress(item.files[path])
    done = rows(replace(item, files={inner: plain}), rng)
    if done is None:
        return None
    packed = gzip.compress(done[0].files[inner], mtime=0)
    return put(item, path, packed, done[1])


def beats(item: Item, rng: RNG) -> Changed:
    """Move, remove or end annotations early."""
    path = pick(item, rng, (".atr",))
    if path is None:
        return None
    words = np.frombuffer(item.files[path], "<u2").copy()
    k = int(rng.integers(0, len(words) - 1))
    kinds = {
        "without the end mark": words[:-1],
        "ends early": np.concatenate([words[:k], [0]]),
        "ends in the middle": np.concatenate([words[:k], [0], words[k:]]),
        "one less": np.delete(words, k),
        "one twice": np.insert(words, k, words[k]),
        "late by a skip": np.insert(words, k, [59 << 10, 0, 700]),
        "after the end": np.insert(words, len(words) - 1, [59 << 10, 1, 0, 1 << 10]),
        "far back": np.insert(words, k, [59 << 10, 65535, 60000]),
        "another code": np.where(np.arange(len(words)) == k, words ^ (5 << 10), words),
    }
    kind = str(rng.choice(list(kinds)))
    return put(item, path, kinds[kind].astype("<u2").tobytes(), f"{kind}, word {k}")


def other_beats(item: Item, rng: RNG) -> Changed:
    """Give a record the beats of another one."""
    if item.label["from"] != "annotation" or item.decoder != "wfdb":
        return None
    mine, other = (m.replace(".hea", ".atr") for m in list(item.mains.values())[:2])
    changed = put(item, mine, item.files[other], f"is {other}")
    if changed is None:
        return None
    facts = {**item.facts, "fault": "the beats of another record"}
    return replace(changed[0], facts=facts), changed[1]


def zeros(item: Item, rng: RNG) -> Changed:
    """Zero samples: a long range, or all of a channel."""
    path = pick(item, rng, (".dat", ".edf", ".bdf", ".eeg", ".fdt", ".raw", ".npy"))
    if path is None:
        return None
    content = item.files[path]
    start = int(rng.integers(0, len(content))) // 12 * 12
    stop = len(content) if rng.random() < 0.5 else start + int(rng.integers(1, 30000))
    stop = min(stop, len(content))
    changed = content[:start] + bytes(stop - start) + content[stop:]
    return put(item, path, changed, f"bytes {start} to {stop} are zero")


def sidecar(item: Item, rng: RNG) -> Changed:
    """Change what a sidecar states."""
    path = pick(item, rng, (".json", "channels.tsv", "events.tsv", "participants.tsv"))
    if path is None:
        return None
    text = utf8(item.files[path])
    found = list(re.finditer(r"[^\s:,{}]+", text))
    match = found[int(rng.integers(0, len(found)))]
    new = _another(match[0], "unit" if match[0] in ("uV", "mV") else "", rng)
    changed = text[: match.start()] + new + text[match.end() :]
    return put(item, path, changed.encode(), f"{match[0]!r} is {new!r}")
