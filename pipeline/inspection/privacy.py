"""Findings about names: where they end, and where they would not.

Under pseudonyms `check` and its page show the names of the files, on this machine; what
`ingest` writes has none. Channels keep their names, and so do lists in `params.yaml`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.ingestion import leaving
from pipeline.ingestion.catalogue import Row
from pipeline.inspection.findings import Finding
from pipeline.listed import MARK
from pipeline.secret import PSEUDONYM

LEAST = 3
"""Letters of a name from which it is looked for in other texts."""


def of_names(
    rows: Sequence[Row], manifest: Mapping[str, Any], entry: Mapping[str, Any]
) -> list[Finding]:
    """Report names that would leave, of a data set under pseudonyms.

    Parameters
    ----------
    rows : sequence of Row
        With the names of the files.
    manifest : mapping
        What the stage fetch wrote.
    entry : mapping
        The data set's entry as it stands in `params.yaml`.
    """
    if not leaving.has_pseudonyms(manifest):
        return []
    names = {text for row in rows for text in (row.subject, row.recording)}
    words = {name.casefold() for name in names if len(re.sub(r"\W", "", name)) >= LEAST}
    return [*_listed(entry, words), *_channels(rows, words)]


def _listed(entry: Mapping[str, Any], words: set[str]) -> Iterator[Finding]:
    """Find names in settings, which git and dvc.lock hold too."""
    person = entry.get("values", {}).get("person", {}) or {}
    held = {
        "source.path": [entry["source"].get("path", "")],
        "source.only": entry["source"].get("only", []),
        "source.except": entry["source"].get("except", []),
        "values.person.map": [*(person.get("map") or {})],
        "folds.train": entry.get("folds", {}).get("train", []),
        "folds.test": entry.get("folds", {}).get("test", []),
    }
    named = tuple(place for place, texts in held.items() if any(_names(texts, words)))
    if named:
        yield Finding(
            "warning",
            "Names in params.yaml",
            "git has this file, and dvc.lock repeats these settings",
            named,
            f"write a list into a file outside of the checkout, and {MARK}PATH in its "
            "place; name recordings by pseudonyms; of a map of persons make a sidecar; "
            "in a path write $VARIABLE",
        )


def _names(texts: Any, words: set[str]) -> Iterator[str]:
    """Yield the texts that hold a name, but for pseudonyms and names of files."""
    for text in [texts] if isinstance(texts, str) else texts:
        plain = str(text).casefold()
        free = plain.startswith(MARK) or PSEUDONYM.fullmatch(str(text))
        if not free and any(word in plain for word in words):
            yield plain


def _channels(rows: Sequence[Row], words: set[str]) -> Iterator[Finding]:
    """Find channels that are called like a person or a recording."""
    channels = {name for row in rows for name in json.loads(row.channels)}
    if found := sorted(name for name in channels if any(_names(name, words))):
        yield Finding(
            "error",
            "Channel called like a person",
            "names of channels leave ingest as they are",
            tuple(found),
            "rename them by the reader's channels: {NAME HERE: [name in the file]}",
        )
