"""Arrays by scipy, h5py and numpy."""

from io import BytesIO
from typing import Any

import h5py
import numpy as np
import scipy.io

from tests.fuzz.items import VOLTS, FileError, Files, Item, Mark, Reading


def _mat(content: bytes) -> dict[str, Any]:
    if content[:8] == b"\x89HDF\r\n\x1a\n" or b"\x89HDF\r\n\x1a\n" in content[:2049]:
        return _hdf(content, turned=True)
    return dict(scipy.io.loadmat(BytesIO(content), simplify_cells=True))


def _hdf(content: bytes, *, turned: bool = False) -> dict[str, Any]:
    with h5py.File(BytesIO(content)) as file:
        found = {}
        for name, each in file.items():
            if isinstance(each, h5py.Dataset):
                value = each[()]
                value = value.T if turned and isinstance(value, np.ndarray) else value
                if each.attrs.get("MATLAB_class") == b"char":
                    value = "".join(map(chr, np.asarray(value).ravel()))
                found[name] = value
        return found


def _npz(content: bytes) -> dict[str, Any]:
    with np.load(BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def decode(files: Files, main: str, item: Item) -> Reading:
    content = files.get(main)
    if not content:
        raise FileError("is empty or not there")
    ending = main.rpartition(".")[2]
    reader = item.reader
    if ending == "npy":
        variables = {"data": np.load(BytesIO(content), allow_pickle=False)}
    elif ending == "raw":
        kind, count = np.dtype(reader["dtype"]), reader["n_channels"]
        if len(content) % (kind.itemsize * count):
            raise FileError("is cut short")
        variables = {"data": np.frombuffer(content, kind).reshape(-1, count)}
    else:
        variables = {"mat": _mat, "npz": _npz, "h5": _hdf}[ending](content)
    return _reading(variables, item)


def _reading(variables: dict[str, Any], item: Item) -> Reading:
    reader = item.reader
    data = np.asarray(variables[reader.get("variable") or "data"])
    if data.dtype.kind not in "iuf" or data.ndim != 2 or not data.size:
        raise FileError(f"samples of type {data.dtype}, shape {data.shape}")
    by_time = list(reader.get("axes", ["time", "channel"])).index("time")
    rows = (data.T if by_time == 0 else data).astype(float)
    names = [str(name) for name in reader["names"]]
    if len(names) != len(rows):
        raise FileError(f"{len(rows)} channels")
    sfreq = float(reader.get("sfreq", 0))
    if key := reader.get("sfreq_variable"):
        stated = np.asarray(variables[key])
        if stated.size != 1 or stated.dtype.kind not in "iuf":
            raise FileError("no rate")
        sfreq = float(stated.reshape(-1)[0])
    if not (np.isfinite(sfreq) and sfreq > 0):
        raise FileError("no rate")
    volts = rows * VOLTS[reader["unit"].lower()] * reader.get("scale", 1.0)
    marks, texts = [], []
    if item.label["from"] == "variable":
        found = np.asarray(variables[item.label["key"]])
        if found.size == 1:
            texts = [_text(found.reshape(-1)[0])]
        elif found.size == rows.shape[1] == max(found.shape):
            marks = blocks([_text(v) for v in found.ravel()], sfreq)
        else:
            raise FileError("labels of another length")
    return Reading(names, sfreq, volts, marks, texts)


def _text(value: Any) -> str:
    if isinstance(value, np.floating | float | np.bool_):
        return str(int(value)) if float(value).is_integer() else str(value)
    return str(value).strip()


def blocks(texts: list[str], sfreq: float) -> list[Mark]:
    """Make a mark of each run of one text."""
    starts = [k for k in range(len(texts)) if not k or texts[k] != texts[k - 1]]
    ends = [*starts[1:], len(texts)]
    return [
        Mark(a / sfreq, (b - a) / sfreq, texts[a])
        for a, b in zip(starts, ends, strict=True)
    ]
