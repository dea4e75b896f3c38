"""Changes of texts: numbers, fields, lines and encodings."""

import re

import numpy as np

from tests.fuzz.items import Item, utf8
from tests.fuzz.mutations import RNG, Changed, pick, put

TEXTS = (".hea", ".vhdr", ".vmrk", ".csv", ".txt", ".tsv", ".json")
ODD = (
    *("", " ", "0", "-1", "1", "1e308", "1e400", "-inf", "nan", "NaN", "inf", "0x10"),
    *("1_000", "1,5", "1.5", "999999999", "99999999999999999999", "4294967296"),
    *(
        "2147483648",
        "65536",
        "-32768",
        "n/a",
        "250",
        "0.001",
        "1e-9",
        "1e9",
        "ä",
        "\x00",
    ),
    *(
        "V",
        "uV",
        "mV",
        "nV",
        "mmHg",
        "µV",
        "../x",
        "'",
        '"',
        "1/2",
        "128(64)",
        "~",
        "٣",
    ),
)
"""What stands in a field's place."""
NUMBER = re.compile(rb"[-+]?\d+(?:\.\d+)?")


def number(item: Item, rng: RNG) -> Changed:
    """Put something else in the place of a number in a text, or in its beginning."""
    path = pick(item, rng, TEXTS) if rng.random() < 0.7 else pick(item, rng)
    if path is None:
        return None
    content = item.files[path]
    head = content if rng.random() < 0.3 else content[:2500]
    found = list(NUMBER.finditer(head))
    if not found:
        return None
    match = found[int(rng.integers(0, len(found)))]
    new = _other_number(match[0].decode(), rng).encode()
    if not path.endswith(TEXTS) or rng.random() < 0.2:
        # Fields of a fixed width.
        new = new[: len(match[0])].ljust(len(match[0]))
    changed = content[: match.start()] + new + content[match.end() :]
    return put(item, path, changed, f"{match[0]!r} at {match.start()} is {new!r}")


def _other_number(text: str, rng: RNG) -> str:
    value = float(text)
    near = [f"{value * f:g}" for f in (0.5, 2, 10, 1.01, -1, 1000, 1e-3)]
    near += [f"{value + d:g}" for d in (1, -1, 10, 0.5)]
    return str(rng.choice(near if rng.random() < 0.6 else np.array(ODD, object)))


def field(item: Item, rng: RNG) -> Changed:
    """Remove, double, exchange or replace a field of a line."""
    path = pick(item, rng, TEXTS)
    if path is None:
        return None
    lines = utf8(item.files[path]).split("\n")
    top = min(len(lines), 20) if rng.random() < 0.7 else len(lines)
    at = int(rng.integers(0, top))
    parts = re.split(r"([ \t,;=:/\"{}\[\]+])", lines[at])
    k = int(rng.integers(0, len(parts)))
    kind = str(rng.choice(["removed", "doubled", "exchanged", "replaced"]))
    if kind == "removed":
        del parts[k]
    elif kind == "doubled":
        parts.insert(k, parts[k])
    elif kind == "exchanged":
        other = int(rng.integers(0, len(parts)))
        parts[k], parts[other] = parts[other], parts[k]
    else:
        parts[k] = str(rng.choice(np.array(ODD, object)))
    lines[at] = "".join(parts)
    what = f"field {k} of line {at + 1} {kind}: {lines[at][:70]!r}"
    return put(item, path, "\n".join(lines).encode("utf-8", "replace"), what)


def line(item: Item, rng: RNG) -> Changed:
    """Remove, double, exchange or insert a line."""
    path = pick(item, rng, TEXTS)
    if path is None:
        return None
    lines = item.files[path].split(b"\n")
    top = min(len(lines), 20) if rng.random() < 0.5 else len(lines)
    a, b = rng.integers(0, top, 2).tolist()
    kind = str(rng.choice(["removed", "doubled", "exchanged", "inserted", "moved"]))
    if kind == "removed":
        del lines[a]
    elif kind == "doubled":
        lines.insert(b, lines[a])
    elif kind == "exchanged":
        lines[a], lines[b] = lines[b], lines[a]
    elif kind == "moved":
        lines.insert(b, lines.pop(a))
    else:
        noise = [b"", b"#", b"# x: 1", b"[x]", b";", b"\x00", b"1 2 3", b",,,", b"\t\t"]
        lines.insert(a, noise[int(rng.integers(0, len(noise)))])
    return put(item, path, b"\n".join(lines), f"lines {a + 1}, {b + 1} {kind}")


def encode(item: Item, rng: RNG) -> Changed:
    """Write a text in another encoding, or with other ends of lines."""
    path = pick(item, rng, TEXTS)
    if path is None:
        return None
    text = utf8(item.files[path])
    kinds = {
        "UTF-16": text.encode("utf-16"),
        "UTF-16 without a mark": text.encode("utf-16-le"),
        "UTF-8 with a mark": text.encode("utf-8-sig"),
        "Latin-1": text.encode("latin-1", "replace"),
        "CRLF": text.replace("\n", "\r\n").encode(),
        "CR": text.replace("\n", "\r").encode(),
        "no-break spaces": text.replace(" ", "\u00a0").encode(),
        "decimal commas": text.replace(".", ",").encode(),
        "points for commas": text.replace(",", ".").encode(),
        "semicolons": text.replace(",", ";").encode(),
        "upper case": text.upper().encode(),
    }
    kind = str(rng.choice(list(kinds)))
    return put(item, path, kinds[kind], kind)
