"""Paths as patterns with named fields: `{subject}/{run}_raw_*.txt`.

A pattern is compared with the end of a path. `{name}` stands for one or more characters
without `/`, `{name:2}` for exactly two, `*` for anything within a name. A field that
occurs twice must have the same value both times. `only` and `except` are shell patterns
(`sub-0[1-4]`) of files or of the folders that they lie in; there `*` stands for
anything, `/` included.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

TOKEN = re.compile(r"(\{\w+(?::\d+)?\}|\*)")
FIELD = re.compile(r"\{(\w+)(?::(\d+))?\}")


def _check(pattern: str) -> str:
    """Refuse braces that make no field."""
    rest = TOKEN.sub("", pattern)
    if "{" in rest or "}" in rest:
        raise ValueError("a field is written {name}, or {name:2} for two characters")
    for name, width in FIELD.findall(pattern):
        if not name.isidentifier() or name == "stem" or width in ("0", "00"):
            raise ValueError(f"{{{name}}} is no name of a field, or no width of one")
    return pattern


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_check)]
Patterns = Annotated[
    tuple[Pattern, ...], Field(min_length=1), BeforeValidator(_several)
]
"""One pattern or several, of which the first that a path fits counts."""
Globs = Annotated[tuple[str, ...], BeforeValidator(_several)]
"""Shell patterns of paths."""


def fields_of(pattern: str) -> tuple[str, ...]:
    """List the names of a pattern's fields, each once, in order."""
    return tuple(dict.fromkeys(name for name, _ in FIELD.findall(pattern)))


def normal(text: str) -> str:
    """Bring a text to Unicode's composed form: file systems differ in it."""
    return unicodedata.normalize("NFC", text)


@dataclass(frozen=True)
class Fit:
    """The match of a path with a pattern.

    Parameters
    ----------
    fields : mapping of str to str
        What each field stands for, in the pattern's order; empty if it does not fit.
    problem : str
        Why the path does not fit, or "".
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def fit(patterns: Sequence[str], path: str) -> Fit:
    """Compare a path with patterns; the first that it fits counts.

    A field may hold `_` where only one reading of the name is possible. A name that can
    be read in two ways fits nothing: `P_4_1.edf` may be run 1 of `P_4` or run `4_1` of
    `P`, and nobody should become two persons by a guess.

    Parameters
    ----------
    patterns : sequence of str
    path : str
        With `/` between folders.
    """
    found = normal(path)
    for pattern in patterns:
        if readings := _readings(pattern, found):
            if len(readings) == 1:
                return Fit(readings[0])
            ways = " or ".join(_words(reading) for reading in readings[:2])
            return Fit(problem=f"its name can be read in several ways: {ways}")
    if any(_readings(pattern.lower(), found.lower()) for pattern in patterns):
        return Fit(problem="fits the pattern but for upper and lower case")
    return Fit(problem="does not fit the pattern")


def _readings(pattern: str, path: str) -> list[dict[str, str]]:
    """List how a path can be read, up to two: without `_` in fields if possible.

    If the reading with the shortest first parts is that with the longest, it is the
    only one. If they differ in what `*` stands for alone, others may lie between.
    """
    for character in ("[^/_]", "[^/]"):
        shortest, longest = (
            _compiled(pattern, character, repeat).search(path) for repeat in ("?", "")
        )
        if shortest and longest:
            both = [shortest.groupdict(), longest.groupdict()]
            if both[0] != both[1]:
                return both
            if shortest.groups() != longest.groups():
                both[1:] = _others(pattern, character, path, both[0])
            return both[:1] + [other for other in both[1:2] if other != both[0]]
    return []


def _others(
    pattern: str, character: str, path: str, known: Mapping[str, str]
) -> list[dict[str, str]]:
    """List readings in which a field stands for something else than is known."""
    unlike = (_expression(pattern, character, "", {n: t}) for n, t in known.items())
    found = (re.search(expression, path) for expression in unlike)
    return [match.groupdict() for match in found if match]


@cache
def _compiled(pattern: str, character: str, repeat: str) -> re.Pattern[str]:
    """Translate a pattern into a regular expression.

    Parameters
    ----------
    pattern : str
    character : str
        A class of characters: those that a field may hold.
    repeat : str
        "?" for the shortest first parts, "" for the longest.
    """
    return re.compile(_expression(pattern, character, repeat, {}))


def _expression(
    pattern: str, character: str, repeat: str, unlike: Mapping[str, str]
) -> str:
    """Write a pattern as a regular expression, without given texts of fields."""
    seen: set[str] = set()
    parts = []
    for token in TOKEN.split(pattern):
        if token == "*":
            parts.append(f"([^/]*{repeat})")
        elif not (found := FIELD.fullmatch(token)):
            parts.append(re.escape(normal(token)))
        elif found[1] in seen:
            parts.append(f"(?P={found[1]})")
        else:
            seen.add(found[1])
            # A given width settles what belongs to the field, `_` included.
            one = f"[^/]{{{found[2]}}}" if found[2] else f"{character}+{repeat}"
            if found[1] in unlike:
                one = _unlike(unlike[found[1]], one, character)
            parts.append(f"(?P<{found[1]}>{one})")
    return "(?:^|/)" + "".join(parts) + "$"


def _unlike(text: str, one: str, character: str) -> str:
    """Write what fits `one` but is not the text: begins unlike it, or is longer."""
    begins = [re.escape(text[:n]) for n in range(1, len(text))]
    apart, longer = f"(?!{re.escape(text)}){one}", f"{re.escape(text)}{character}+"
    width = one.endswith("}")
    return f"(?:{'|'.join([apart] if width else [apart, longer, *begins])})"


def _words(reading: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {text}" for name, text in reading.items())


def unwanted(path: str, only: Sequence[str], excluded: Sequence[str]) -> str:
    """Explain why `only` or `except` leave a path out; "" if they do not."""
    if only and not _fits_any(path, only):
        return "is not in `only`"
    return "is in `except`" if _fits_any(path, excluded) else ""


def _fits_any(path: str, globs: Iterable[str]) -> bool:
    """Compare a path, its folders, and their ends after any `/`, with patterns."""
    parts = list(_parts(normal(path)))
    return any(fnmatchcase(part, normal(glob)) for glob in globs for part in parts)


def _parts(path: str) -> Iterator[str]:
    """List what a shell pattern may name: a file, or a folder that it lies in."""
    names = path.split("/")
    for stop in range(len(names), 0, -1):
        for start in range(stop):
            yield "/".join(names[start:stop])
