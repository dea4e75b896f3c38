"""What recordings are when their reader reads them: the look at formats without one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.components import find
from pipeline.errors import DataError
from pipeline.proposal import common
from pipeline.proposal.facts import Labels, Looked
from pipeline.readers.base import Content, Marks, Origin, Reader
from pipeline.readers.parts.select import FileSignal

WITHOUT_KEY = ("annotation", "note")
"""Places of labels that need no key, in the order in which they are tried."""


def look(
    reader: str,
    folder: Path,
    mains: Sequence[str],
    names: Sequence[str],
    stated: Mapping[str, object],
) -> Looked:
    """Read recordings; see `looking.look`.

    Raises
    ------
    DataError
        A file is damaged, or does not state what no flag states either.
    """
    made = _reader(reader, stated)
    found = [_read(made, folder, main, names, []) for main in mains]
    files = [_signals(content) for content in found]
    channels, dropped = common.shared(files)
    lines = {content.line_freq for content in found if content.line_freq}
    labels: list[Labels] = []
    for origin in _origins(made, stated):
        try:
            again = [_read(made, folder, main, names, [origin]) for main in mains]
        except DataError:
            continue
        labels += _labels(origin, again)
    return Looked(
        {},
        channels,
        dropped,
        common.rates(files, list(channels)),
        ("V",),
        lines.pop() if len(lines) == 1 else None,
        min(content.n_samples / content.sfreq for content in found),
        tuple(labels),
    )


def _reader(name: str, stated: Mapping[str, object]) -> Reader:
    """Make the reader with what flags state of the files."""
    settings = {key: stated[key] for key in ("sfreq", "unit") if key in stated}
    settings |= {"unchecked": stated.get("unchecked", ())}
    settings |= {"channel_type": stated["modality"]} if "modality" in stated else {}
    made = find("readers", name).model_validate(settings)
    assert isinstance(made, Reader)
    return made


def _read(
    reader: Reader, folder: Path, main: str, names: Sequence[str], origins: list[Origin]
) -> Content:
    files = [main, *reader.companions(folder, main, names)]
    return reader.read(folder, files, origins)


def _signals(content: Content) -> list[FileSignal]:
    each = zip(content.channels, content.types, strict=True)
    return [FileSignal(name, content.sfreq, "V", kind) for name, kind in each]


def _origins(reader: Reader, stated: Mapping[str, object]) -> list[Origin]:
    """List the places where labels may stand: the one that is asked for, or all."""
    for place in reader.origins:
        if key := common.asked_key(stated, place):
            return [(place, key)]
    return [(place, "") for place in WITHOUT_KEY if place in reader.origins]


def _labels(origin: Origin, contents: Sequence[Content]) -> list[Labels]:
    """Propose the texts of a place: blocks where they last, else events."""
    place, key = origin
    value: dict[str, Any] = {"from": place} | ({"key": key} if key else {})
    where = f"{place}:{key}" if key else place
    marks = [each.marks[origin] for each in contents if origin in each.marks]
    if not marks:
        texts = [list(each.texts.get(origin, ())) for each in contents]
        return common.texts(where, value, texts, "recording", f"the {where}")
    lasting = "blocks" if _last(marks) else "events"
    value |= {"as": lasting}
    texts = [list(each.texts) for each in marks]
    return common.texts(where, value, texts, lasting, f"the {where}")


def _last(marks: Sequence[Marks]) -> bool:
    """Whether most marks last."""
    durations = np.concatenate([each.duration_s for each in marks])
    return bool((durations > 0).sum() * 2 > len(durations))
