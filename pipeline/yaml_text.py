"""Reading of YAML files, with their faults in our own words.

A fault is shown with its line, column and the text of the line.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from pipeline.errors import ConfigError

LONGEST_LINE = 70
"""Characters of a line that a message shows."""
KEY = "`key: value`, with a space after the colon"
ALIGNED = "the same number of spaces before all keys of a mapping"
INDENTED = (
    "the line does not fit those above it: its indentation, or a bracket too many"
)


class Fault(NamedTuple):
    """The fault that the parser found, in words.

    Parameters
    ----------
    sign : str
        What the parser's text contains.
    found, expected : str
    opening : bool
        Whether the place where it began helps more than the place where it was noticed.
    """

    sign: str
    found: str
    expected: str
    opening: bool = False


FAULTS = (
    Fault("duplicate key", "a key stands twice in one mapping", "each key once"),
    Fault(
        "duplicate anchor", "two anchors (&) have one name", "a name for each"
    ),
    Fault("quoted scalar found unexpected end", "the quote that begins here is not "
          "closed", "the same quote, ' or \", at both ends", opening=True),
    Fault("unknown escape", "a backslash within \" \" that means nothing",
          "single quotes around texts with backslashes"),
    Fault("flow sequence", "the list that begins here with [ is not closed, or lacks a "
          "comma", "[first, second]", opening=True),
    Fault("flow mapping", "the mapping that begins here with { is not closed, or lacks "
          "a comma", "{key: value, key: value}", opening=True),
    Fault("mapping values are not allowed", "a colon makes a second key of this line, "
          "or the line is indented more than those it belongs to",
          f"{KEY}, quotes around texts that contain ': ', and {ALIGNED}"),
    Fault("cannot start any token", "a text that begins with a sign of YAML's own",
          "quotes around texts that begin with @, %, ` or another sign"),
    Fault("could not find expected ':'", "a line that is no key", KEY, opening=True),
    Fault("undefined alias", "an alias (*) whose anchor (&) does not stand above it",
          "`key: &name …` above, for `*name`"),
    Fault("for merging", "<< has no mapping to merge", "`<<: *name`, of a mapping"),
    Fault("constructor for the tag", "a tag (!) that params.yaml does not know",
          "quotes around texts that begin with !"),
    Fault("unhashable key", "a mapping or list is used as a key", KEY),
    Fault("single document", "a second document begins", "no line of three dashes"),
    Fault("document start", INDENTED, ALIGNED),
    Fault("expected key", INDENTED, ALIGNED),
)  # fmt: skip
"""The first whose sign is in the parser's text explains it."""

TAB = Fault("", "a tab indents the line", "spaces: YAML takes no tabs")
UNKNOWN = Fault("", "YAML cannot be read on from here", KEY)


def load(path: Path) -> Any:
    """Read a YAML file.

    Raises
    ------
    ConfigError
        There is no such file, or it is not YAML; with the place and the line.
    """
    text = _text(path)
    try:
        return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        raise _marked(path, text, error) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise _unmarked(path, text, error) from None


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            str(path),
            "there is no such file",
            remedy=f"bring it back: `git checkout {path}`",
        ) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig")
        odd = content[error.start]
        raise _error(
            path,
            before + content[error.start :].decode("latin-1"),
            (before.count("\n"), len(before.rpartition("\n")[2])),
            f"byte {error.start:,} (0x{odd:02x}) is not UTF-8",
            "a text in UTF-8: save it again with this encoding",
        ) from None


def _marked(path: Path, text: str, error: MarkedYAMLError) -> ConfigError:
    """Explain what the parser found at a place."""
    stated = f"{error.context or ''} {error.problem or ''}"
    fault = next((each for each in FAULTS if each.sign in stated), UNKNOWN)
    mark = error.problem_mark or error.context_mark
    place = (mark.line, mark.column) if mark else (0, 0)
    line = _line(text, place[0])
    if "\t" in line[: len(line) - len(line.lstrip())]:
        fault, place = TAB, (place[0], line.index("\t"))
    elif fault.opening and (mark := error.context_mark):
        place = mark.line, mark.column
    found = fault.found
    if key := re.match('found duplicate key "([^"]*)"', error.problem or ""):
        found = f"the key '{key[1]}' stands twice in one mapping"
    return _error(path, text, place, found, fault.expected)


def _unmarked(path: Path, text: str, error: Exception) -> ConfigError:
    """Explain what stops the reader without a place."""
    if isinstance(error, RecursionError):
        return ConfigError(
            str(path),
            "brackets within brackets without an end",
            expected="lists and mappings a few deep",
            remedy=f"correct {path}",
        )
    if isinstance(error, YAMLError):
        odd = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\U0010ffff]", text)
        found, expected = "a character that nobody sees", "a text without such ones"
    else:
        odd = re.search(r"\b\d{4}-\d\d?-\d\d?|!!", text)
        found = "a date that is none, or a number that is none"
        expected = "a date of the calendar, or quotes around the text"
    before = text[: odd.start() if odd else 0]
    place = before.count("\n"), len(before.rpartition("\n")[2])
    return _error(path, text, place, found, expected)


def _error(
    path: Path, text: str, place: tuple[int, int], found: str, expected: str
) -> ConfigError:
    line, column = place
    shown = _line(text, line).rstrip()
    shown = shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]}…"
    return ConfigError(
        f"{path}, line {line + 1}, column {column + 1}",
        f"{found}\n  the line: {shown!r}",
        expected=expected,
        remedy=f"correct {path}",
    )


def _line(text: str, number: int) -> str:
    """Give a line by its number; where the file ended early, the last one."""
    lines = text.splitlines() or [""]
    return lines[min(number, len(lines) - 1)]
