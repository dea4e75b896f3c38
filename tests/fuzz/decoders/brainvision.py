"""BrainVision Core Data Format 1.0."""

import re

import numpy as np

from tests.fuzz.items import (
    INTEGER,
    SPARE,
    FileError,
    Files,
    Item,
    Mark,
    Reading,
    chosen,
    number,
    utf8,
    volts_of,
)

FORMATS = {"INT_16": "<i2", "UINT_16": "<u2", "INT_32": "<i4", "IEEE_FLOAT_32": "<f4"}


def sections(content: bytes) -> dict[str, dict[str, str]]:
    """Read the keys by section; the first line may hold anything, as for MNE."""
    text = utf8(content)
    found: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        if line.startswith("[") and "]" in line:
            section = found.setdefault(line[1 : line.index("]")], {})
        elif "=" in line and not line.startswith(";"):
            key, _, value = (part.strip() for part in line.partition("="))
            # Markers may share a number.
            key = (
                f"{key} {len(found)}{len(section)}"
                if re.fullmatch(r"Mk\d*", key)
                else key
            )
            if section.setdefault(key, value) != value:
                raise FileError(f"two values of {key}")
    return found


def decode(files: Files, main: str, item: Item) -> Reading:
    if not files.get(main):
        raise FileError("no header")
    head = sections(files[main])
    common = head["Common Infos"]
    folder = main.rpartition("/")[0]
    folder += "/" * bool(folder)
    n_channels = int(number(common["NumberOfChannels"], "number of channels", INTEGER))
    interval = number(common["SamplingInterval"], "sampling interval")
    if interval <= 0 or n_channels < 1:
        raise FileError("no interval or no channels")
    found = [(re.match(r"Ch(\d+)", k), v) for k, v in head["Channel Infos"].items()]
    places = {int(key[1]): value.split(",") for key, value in found if key}
    if sorted(places) != list(range(1, n_channels + 1)):
        raise FileError("another number of channels")
    infos = [places[k] for k in sorted(places)]
    names = [info[0].replace("\\1", ",") for info in infos]
    table = _samples(files, folder, head, n_channels)
    rows = []
    for name in chosen(item, names):
        k = names.index(name)
        more = [part.strip() for part in infos[k][2:4]] + ["", ""]
        step = number(more[0], "resolution") if more[0] else 1.0
        rows.append(table[k] * step * volts_of(more[1] or "µV", None))
    marks = _marks(files, folder, common, 1e6 / interval)
    sfreq = 1e6 / interval
    return Reading(chosen(item, names), sfreq, np.stack(rows), marks)


def _samples(
    files: Files, folder: str, head: dict[str, dict[str, str]], n_channels: int
) -> np.ndarray:
    common = head["Common Infos"]
    content = files.get(folder + common["DataFile"])
    if not content:
        raise FileError("no samples")
    if common.get("DataFormat") != "BINARY":
        raise FileError("no binary samples")
    kind = FORMATS[head["Binary Infos"]["BinaryFormat"]]
    width = n_channels * np.dtype(kind).itemsize
    if len(content) % width:
        raise FileError("samples end within a point")
    stated = common.get("DataPoints")
    points = len(content) // width
    if stated:
        count = int(number(stated, "DataPoints", INTEGER))
        if not count <= points <= count * (1 + SPARE):
            raise FileError(f"{points} points, {count} stated")
    samples = np.frombuffer(content, kind).astype(float)
    if common["DataOrientation"] == "VECTORIZED":
        return samples.reshape(n_channels, points)
    if common["DataOrientation"] != "MULTIPLEXED":
        raise FileError("unknown orientation")
    return samples.reshape(points, n_channels).T


def _marks(
    files: Files, folder: str, common: dict[str, str], sfreq: float
) -> list[Mark]:
    if not common.get("MarkerFile"):
        return []
    content = files.get(folder + common["MarkerFile"])
    if not content:
        raise FileError("no markers")
    marks = []
    # Markers are what stands behind their section's name, whatever comes between.
    _, _, behind = content.partition(b"[Marker Infos]")
    lines: dict[str, str] = {}
    for section in sections(b"\n[Marker Infos]" + behind).values():
        lines |= section
    for key, value in lines.items():
        if key in ("Codepage", "DataFile"):
            continue
        if not re.fullmatch(r"Mk\d* \d+", key):
            raise FileError(f"a marker called {key}")
        kind, text, at, *_ = [*value.split(","), "", ""]
        place = int(number(at, "a marker's place", INTEGER))
        marks.append(Mark((place - 1) / sfreq, 0.0, f"{kind}/{text}"))
    return sorted(marks, key=lambda mark: mark.onset_s)
