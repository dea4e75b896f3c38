"""File names as templates: `{subject}/{run}_raw_*.txt` says who was recorded, and when.

`*` stands for anything within a name, `{subject}`, `{session}` and `{run}` for a part
without `/` and `_`. A template is held against the end of a path.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.errors import DataError
from pipeline.readers.base import Entry

PARTS = ("subject", "session", "run")
TOKEN = re.compile(r"(\{\w*\}|\*)")


@cache
def _compiled(template: str) -> re.Pattern[str]:
    """Translate a template into a regular expression."""
    translated = (_translate(token) for token in TOKEN.split(template))
    return re.compile("(?:^|/)" + "".join(translated) + "$")


def _translate(token: str) -> str:
    if token == "*":
        return "[^/]*"
    if TOKEN.fullmatch(token):
        return f"(?P<{token[1:-1]}>[^/_]+)"
    return re.escape(token)


def _check(template: str) -> str:
    """Allow the known parts, each once, and ask for the subject."""
    parts = re.findall(r"\{(\w*)\}", template)
    if unknown := sorted(set(parts) - set(PARTS)):
        raise ValueError(f"{{{unknown[0]}}} is none of {', '.join(PARTS)}")
    if "subject" not in parts or len(parts) != len(set(parts)):
        raise ValueError("name {subject} once, and no part twice")
    return template


Template = Annotated[
    str,
    AfterValidator(_check),
    Field(description="end of a recording's path, such as {subject}/{run}_*.txt"),
]


def fitting(template: str, paths: Mapping[str, Path]) -> dict[str, Entry]:
    """Make the entries of the paths that fit a template.

    Parameters
    ----------
    template : str
    paths : dict of str to Path
        The file that holds each path: itself, or an archive.

    Returns
    -------
    entries : dict of str to Entry
        By path, in the order of the recordings' names.

    Raises
    ------
    DataError
        No path fits.
    """
    entries = {
        path: _entry(found, file)
        for path, file in paths.items()
        if (found := _compiled(template).search(path))
    }
    if not entries:
        raise DataError(
            "raw files",
            f"none of {len(paths)} paths fits the reader's pattern",
            expected=f"{template}; there is {min(paths)}" if paths else template,
            remedy="correct the pattern in params.yaml, or fetch the data set again",
        )
    return dict(sorted(entries.items(), key=lambda item: item[1].recording))


def _entry(found: re.Match[str], file: Path) -> Entry:
    subject, session, run = (found.groupdict().get(part) or "" for part in PARTS)
    name = "_".join(filter(None, (subject, session, run)))
    return Entry(name, subject, session, run, (file,))
