"""The pattern that the paths of all recordings fit.

Paths are divided at `/`, `_`, `-`, `.` and blanks. What is equal in all paths is
literal; what differs becomes a field, named after the word before it (`sub-01`) or
after its place: a folder is a person, and so is the name's part with most values.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pipeline.patterns import fit

PARTS = re.compile(r"[/_\-. ]|[^/_\-. ]+")
PAIRS = re.compile(r"[A-Za-z]+\d+[A-Za-z]+\d+")
PERSON = re.compile(r"(?i)(sub|subj|subject|s|p|pat|patient|person|participant|id)")
NAMED = {
    "sub": "subject", "subj": "subject", "subject": "subject", "patient": "subject",
    "participant": "subject", "person": "subject", "ses": "session",
    "sess": "session", "session": "session", "day": "session", "run": "run",
    "trial": "run", "task": "task", "cond": "condition", "condition": "condition",
    "acq": "acq", "recording": "recording", "class": "label", "label": "label",
}  # fmt: skip
"""Fields by the word that stands before them."""
FREE = ("run", "part", "piece")
"""Fields of what no word names."""


@dataclass(frozen=True)
class Naming:
    """A pattern, and what its fields are in each path.

    Parameters
    ----------
    pattern : str
    fields : tuple of mapping
        Of each path, in their order.
    """

    pattern: str
    fields: tuple[dict[str, str], ...]

    @property
    def persons(self) -> int:
        """How many persons there are; 0 if no field names them."""
        return len({f["subject"] for f in self.fields if "subject" in f})

    def values(self, field: str) -> list[str]:
        """List what a field stands for, each once, sorted."""
        return sorted({fields[field] for fields in self.fields if field in fields})


def by_pattern(pattern: str, paths: Sequence[str]) -> Naming | None:
    """Read paths by a pattern; None unless it fits all and distinguishes them."""
    fits = [fit([pattern], path) for path in paths]
    if any(each.problem for each in fits):
        return None
    names = {tuple(each.fields.values()) for each in fits}
    if len(names) < len(paths):
        return None
    return Naming(pattern, tuple(dict(each.fields) for each in fits))


def guess(paths: Sequence[str]) -> Naming | None:
    """Find a pattern that fits all paths, the most detailed first.

    Parameters
    ----------
    paths : sequence of str
        Of one depth and one suffix.

    Returns
    -------
    naming : Naming or None
        None if no pattern fits all of them and distinguishes them.
    """
    return next(filter(None, (by_pattern(p, paths) for p in _patterns(paths))), None)


def _patterns(paths: Sequence[str]) -> list[str]:
    """List patterns to try."""
    suffix = PurePosixPath(paths[0]).suffix
    depth = paths[0].count("/")
    found = []
    split = [_split(path, suffix) for path in paths]
    if len({tuple(p for p in parts if _separates(p)) for parts in split}) == 1:
        found += _by_parts(split, suffix)
    found += [f"{{subject}}/{{run}}{suffix}"] * (depth > 0)
    found += [f"{{subject}}/{{session}}/{{run}}{suffix}"] * (depth > 1)
    return [*found, f"{{subject}}{suffix}"]


def _split(path: str, suffix: str) -> list[str]:
    """Divide a path without its suffix."""
    stem = path.removesuffix(suffix)
    folder, slash, name = stem.rpartition("/")
    inner = PARTS.findall(name)
    if len(inner) == 1 and PAIRS.fullmatch(name):
        inner = re.findall(r"\d+|[A-Za-z]+", name)
    return [*PARTS.findall(folder), *([slash] if slash else []), *inner]


def _separates(part: str) -> bool:
    """Whether a part separates others."""
    return len(part) == 1 and part in "/_-. "


def _by_parts(split: Sequence[Sequence[str]], suffix: str) -> list[str]:
    """Write patterns from parts: with `*` for a tail of differences, then without."""
    columns = list(zip(*split, strict=True))
    varying = [k for k, column in enumerate(columns) if len(set(column)) > 1]
    bids = [k for k in _persons_of_bids(columns) if k not in varying]
    fields = _fields(columns, sorted([*varying, *bids]))
    if not fields:
        return []
    before = range(min(fields))
    first = max((k + 1 for k in before if columns[k][0] == "/"), default=0)
    written = [
        f"{{{fields[k]}}}" if k in fields else column[0]
        for k, column in enumerate(columns)
    ]
    full = "".join(written[first:]) + suffix
    tail = [k for k, name in fields.items() if name in FREE[1:]]
    if not tail:
        return [full]
    return ["".join(written[first : min(tail)]) + f"*{suffix}", full]


def _persons_of_bids(columns: Sequence[Sequence[str]]) -> list[int]:
    """Find what follows `sub-`, which names a person even where there is one only."""
    return [
        k
        for k in range(2, len(columns))
        if columns[k - 2][0] == "sub" and columns[k - 1][0] == "-"
    ]


def _fields(columns: Sequence[Sequence[str]], varying: Sequence[int]) -> dict[int, str]:
    """Name the parts that differ; parts that are equal in each path are one field."""
    named: dict[int, str] = {}
    by_values: dict[tuple[str, ...], str] = {}
    slash = max((k for k, column in enumerate(columns) if column[0] == "/"), default=-1)
    person = _person(columns, varying, slash)
    for k in varying:
        key = tuple(columns[k])
        if key in by_values:
            named[k] = by_values[key]
            continue
        name = _name(columns, k, slash, set(by_values.values()), is_person=k == person)
        if name:
            named[k] = by_values[key] = name
    return named


def _person(
    columns: Sequence[Sequence[str]], varying: Sequence[int], slash: int
) -> int | None:
    """Find the part that names the person."""
    for k in varying:
        if NAMED.get(_word(columns, k)) == "subject":
            return k
    free = [k for k in varying if _word(columns, k) not in NAMED]
    folders = [k for k in free if k < slash]
    named = [k for k in free if PERSON.fullmatch(_letters(columns, k))]
    most = sorted(free, key=lambda k: -len(set(columns[k])))
    return next(iter([*folders, *named, *most]), None)


def _letters(columns: Sequence[Sequence[str]], k: int) -> str:
    """Give the letters before the digits of all values, as `S` of S01 and S02."""
    found = {re.sub(r"\d+$", "", text) for text in columns[k]}
    if found == {""} and k:
        found = set(columns[k - 1])
    return next(iter(found)) if len(found) == 1 else ""


def _word(columns: Sequence[Sequence[str]], k: int) -> str:
    """Give the word before a part: that of `sub-01`, `run_2`."""
    before = columns[k - 2] if k > 1 and _separates(columns[k - 1][0]) else ("",)
    return before[0].lower() if len(set(before)) == 1 else ""


def _name(
    columns: Sequence[Sequence[str]],
    k: int,
    slash: int,
    taken: set[str],
    *,
    is_person: bool,
) -> str:
    """Name a part that differs; "" where no name is left."""
    if is_person:
        return "subject"
    hinted = NAMED.get(_word(columns, k), "")
    if hinted and hinted not in taken:
        return hinted
    free = ("session", *FREE) if k < slash else FREE
    return next((name for name in free if name not in taken), "")
