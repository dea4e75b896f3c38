"""Changes of variables and samples in files of arrays, packed again as they were."""

import io
from typing import Any

import numpy as np
import scipy.io

from tests.fuzz import corpus_research
from tests.fuzz.decoders import array
from tests.fuzz.items import Item
from tests.fuzz.mutations import RNG, Changed, put

NUMBERS = (0.0, -1.0, 1.0, np.nan, np.inf, -np.inf, 1e-9, 1e9, 1e30, 1e300, 250.5)


def variables(item: Item, rng: RNG) -> Changed:
    """Change one of the variables."""
    path = item.mains[item.target]
    ending = path.rpartition(".")[2]
    readers = {"mat": array._mat, "npz": array._npz, "h5": array._hdf}
    if ending not in readers:
        return None
    found = readers[ending](item.files[path])
    found = {k: np.squeeze(v) for k, v in found.items() if k in ("data", "fs", "state")}
    name = str(rng.choice(list(found)))
    what, found[name] = _other_array(np.asarray(found[name]), rng)
    if rng.random() < 0.1:
        del found[name]
        what = "not there"
    content = corpus_research._array_bytes(ending, found, hdf="73" in item.name)
    return put(item, path, content, f"variable {name} is {what}")


def _other_array(values: np.ndarray, rng: RNG) -> tuple[str, np.ndarray]:
    spoiled = np.array(values, float)
    value = float(rng.choice(NUMBERS))
    spoiled.reshape(-1)[rng.integers(0, spoiled.size, 3)] = value
    integers = np.clip(np.nan_to_num(values), -1e9, 1e9)
    kinds = {
        f"with {value} in it": spoiled,
        "transposed": values.T,
        "shorter": values[:-1] if values.ndim else values,
        "another number": values * float(rng.choice([0.5, 2, 1.001, -1, 1000])),
        "complex": values.astype(complex),
        "empty": np.empty(0),
        "with one more axis": values[..., None],
        "small integers": (integers % 100).astype("i1"),
        "true or false": values.astype(bool),
        "unsigned": np.abs(integers).astype("u8"),
        "half precision": (integers % 1000).astype("f2"),
    }
    kind = str(rng.choice(list(kinds)))
    return kind, np.asarray(kinds[kind])


def samples(item: Item, rng: RNG) -> Changed:
    """Put odd numbers among samples that are stored as floats."""
    forms = {"npy": ("<f4", 128), "fdt": ("<f4", 0), "eeg": ("<f4", 0)}
    stem = item.mains[item.target].rpartition(".")[0]
    paths = [p for p in item.files if p.rpartition(".")[0] == stem]
    paths = [p for p in paths if p.rpartition(".")[2] in forms]
    if not paths or "int16" in item.name:
        return None
    kind, start = forms[paths[0].rpartition(".")[2]]
    content = item.files[paths[0]]
    values = np.frombuffer(content[start:], kind).copy()
    places = rng.integers(0, len(values), int(rng.choice([1, 5, 500])))
    value = float(rng.choice([*NUMBERS[:-2], 1e30]))
    values[places] = value
    changed = content[:start] + values.tobytes()
    return put(item, paths[0], changed, f"{len(places)} samples are {value}")


def eeg_fields(item: Item, rng: RNG) -> Changed:
    """Change a field of an EEGLAB set."""
    path = item.mains[item.target]
    eeg = scipy.io.loadmat(io.BytesIO(item.files[path]), simplify_cells=True)["EEG"]
    name = str(rng.choice(["srate", "nbchan", "pnts", "trials", "xmin", "xmax"]))
    kind = int(rng.integers(0, 4))
    if kind < 2:
        near = [float(eeg[name]) * f for f in (0.5, 2, 1.5)] + [float(eeg[name]) + 1]
        eeg[name] = float(rng.choice([*near, *NUMBERS]))
        what = f"{name} is {eeg[name]}"
    elif kind == 2:
        what = _other_event(eeg["event"], rng)
    else:
        what = _other_place(eeg["chanlocs"], rng)
    eeg["event"], eeg["chanlocs"] = list(eeg["event"]), list(eeg["chanlocs"])
    out = io.BytesIO()
    scipy.io.savemat(out, {"EEG": eeg})
    content = b"MATLAB 5.0 MAT-file".ljust(116) + out.getvalue()[116:]
    return put(item, path, content, what)


def _other_event(events: list[dict[str, Any]], rng: RNG) -> str:
    event = events[int(rng.integers(0, len(events)))]
    event["latency"] = float(rng.choice([*NUMBERS, -500.0, 5000.0, 700.25]))
    return f"an event at {event['latency']}"


def _other_place(places: list[dict[str, Any]], rng: RNG) -> str:
    place = places[int(rng.integers(0, len(places)))]
    place["labels"] = str(rng.choice(["", "C3", "X1", "C3 "]))
    return f"a channel is called {place['labels']!r}"
