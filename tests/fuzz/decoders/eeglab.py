"""EEGLAB sets: a MATLAB struct, and floats beside it."""

from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import scipy.io

from tests.fuzz.items import SPARE, FileError, Files, Item, Mark, Reading, chosen

SAME_RATE = 0.01


def _list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    return list(value) if isinstance(value, list | np.ndarray) else []


def decode(files: Files, main: str, item: Item) -> Reading:
    if not files.get(main):
        raise FileError("is empty or not there")
    found = scipy.io.loadmat(BytesIO(files[main]), simplify_cells=True)
    eeg = found.get("EEG", found)
    sfreq, points = float(eeg["srate"]), int(eeg["pnts"])
    n_channels = int(eeg["nbchan"])
    if not (np.isfinite(sfreq) and sfreq > 0):
        raise FileError("no rate")
    if points != eeg["pnts"] or n_channels != eeg["nbchan"] or int(eeg["trials"]) != 1:
        raise FileError("counts that are none, or epochs")
    lasts = float(eeg.get("xmax", (points - 1) / sfreq)) - float(eeg.get("xmin", 0))
    # Times that run backwards state no rate.
    if lasts > 0 and abs(lasts * sfreq / (points - 1) - 1) > SAME_RATE:
        raise FileError(f"{points} points at {sfreq} Hz do not last {lasts} s")
    names = [str(place["labels"]) for place in _list(eeg["chanlocs"])]
    if len(names) != n_channels:
        raise FileError("names of other channels")
    samples = _samples(files, main, eeg["data"], n_channels, points)
    picked = chosen(item, names)
    rows = samples[[names.index(name) for name in picked]] * 1e-6
    marks = [
        Mark((float(event["latency"]) - 1) / sfreq, 0.0, str(event["type"]))
        for event in _list(eeg["event"])
    ]
    marks = [mark for mark in marks if mark.text != "boundary"]
    return Reading(picked, sfreq, rows, sorted(marks, key=lambda m: m.onset_s))


def _samples(
    files: Files, main: str, data: Any, n_channels: int, points: int
) -> np.ndarray:
    if isinstance(data, str):
        path = PurePosixPath(main)
        content = files.get(str(path.parent / data)) or files.get(
            str(path.with_suffix(".fdt"))
        )
        size = 4 * n_channels * points
        if not content or not size <= len(content) <= size * (1 + SPARE):
            raise FileError("the samples have another length")
        samples = np.frombuffer(content[:size], "<f4").reshape(points, n_channels).T
        return samples.astype(float)
    array = np.asarray(data)
    if array.shape != (n_channels, points) or array.dtype.kind not in "iuf":
        raise FileError(f"samples of shape {array.shape}")
    return array.astype(float)
