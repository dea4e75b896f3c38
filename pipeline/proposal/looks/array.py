"""Files of arrays: the variables of samples, rate, names and labels."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from pipeline.proposal import common
from pipeline.proposal.facts import Chosen, Labels, Looked
from pipeline.readers.parts.arrays.channels import names_in, rate_in, texts_of
from pipeline.readers.parts.arrays.files import Store
from pipeline.readers.parts.arrays.hdf import is_hdf, open_hdf
from pipeline.readers.parts.arrays.mat import open_mat
from pipeline.readers.parts.arrays.npy import open_npy, open_npz
from pipeline.readers.parts.opening import opening, present
from pipeline.readers.parts.select import FileSignal

RATE = ("fs", "sfreq", "srate", "sampling_rate", "samplingrate", "rate", "hz")
NAMES = ("ch_names", "channels", "channel_names", "chanlabels", "chnames", "names")
LABEL = ("label", "labels", "class", "y", "target", "group", "stimulus", "restimulus")


def look(
    folder: Path, mains: Sequence[str], names: Sequence[str], stated: dict[str, object]
) -> Looked:
    """List variables and read the small ones; see `looking.look`."""
    stores = [_store(folder, main) for main in mains]
    variable = _samples(stores[0])
    settings: dict[str, Chosen] = {}
    others = [name.partition(" (")[0] for name in stores[0].others]
    apart = [name for name in stores[0].shapes if name != variable]
    if len(stores[0].shapes) > 1:
        settings["variable"] = Chosen(variable, "found", "the largest matrix")
    rate = _named(apart, RATE)
    if rate is not None:
        settings["sfreq_variable"] = Chosen(rate, "found", "samples per second")
    named = _named(others, NAMES)
    if named is not None:
        settings["names_variable"] = Chosen(named, "found", "names of the channels")
    label = common.asked_key(stated, "variable") or _named([*apart, *others], LABEL)
    files = [_signals(store, rate, named) for store in stores]
    channels, dropped = common.shared(files)
    return Looked(
        settings,
        channels if named else {},
        dropped,
        common.rates(files, list(channels)),
        labels=tuple(_labels(stores, variable, label)),
    )


def _store(folder: Path, main: str) -> Store:
    """Open a file in its format."""
    path = folder / main
    present(folder, [main])
    with opening(folder, main):
        kind = path.suffix.lower()
        if kind == ".mat" and not is_hdf(path):
            return open_mat(main, path)
        if kind == ".npy":
            return open_npy(main, path, ())
        return (open_npz if kind == ".npz" else open_hdf)(main, path, ())


def _samples(store: Store) -> str:
    """Name the largest array, which holds the samples."""
    if not store.shapes:
        return store.only_matrix()
    sizes = {
        name: math.prod(shape) * (name.lower() not in LABEL)
        for name, shape in store.shapes.items()
    }
    name = max(sizes, key=lambda each: sizes[each])
    shape = store.shapes[name]
    if len(shape) > 2:
        raise DataError(
            store.where,
            f"variable '{name}' has {len(shape)} axes: {shape}",
            expected="time and channels",
            remedy="write the entry by docs/data.md, with the reader's axes",
        )
    return name


def _named(have: Sequence[str], names: Sequence[str]) -> str | None:
    """Find a variable by what such variables are usually called."""
    by_name = {name.rpartition(".")[2].lower(): name for name in reversed(have)}
    return next((by_name[name] for name in names if name in by_name), None)


def _signals(store: Store, rate: str | None, named: str | None) -> list[FileSignal]:
    names = names_in(store, named) or ("0",)
    return [FileSignal(name, rate_in(store, rate)) for name in names]


def _labels(stores: Sequence[Store], variable: str, label: str | None) -> list[Labels]:
    """Propose a variable with one value a file, or one a sample."""
    if label is None:
        return []
    found: list[Any] = []
    for store in stores:
        try:
            found.append(texts_of(store, label, max(store.shapes[variable]), 1.0))
        except (DataError, KeyError):
            return []
    once = all(isinstance(each, tuple) for each in found)
    texts = [list(each if isinstance(each, tuple) else each.texts) for each in found]
    value = {"from": "variable", "key": label} | ({} if once else {"as": "blocks"})
    lasting = "recording" if once else "blocks"
    what = f"the variable {label}"
    return common.texts(f"variable:{label}", value, texts, lasting, what)
