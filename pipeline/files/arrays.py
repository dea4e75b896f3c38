"""Prepared signals and spike trains as HDF5, written and read piece by piece."""

import json
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.axes import PackedBits, Samples
from pipeline.files import hdf5 as _hdf5
from pipeline.files import schema as _schema
from pipeline.files.documents import dump_json
from pipeline.files.places import replacing
from pipeline.signals import Signal
from pipeline.spikes import Spikes

if TYPE_CHECKING:
    import h5py

HDF5_FAULTS = (KeyError, OSError, RuntimeError, ValueError)
"""The exceptions of h5py where a file is damaged."""


def save_signal(path: Path, signal: Signal) -> None:
    """Write a prepared signal as HDF5, uncompressed."""
    write_signal(path, signal, [signal.samples], signal.samples.shape[1])


def write_signal(
    path: Path, about: Signal, pieces: Iterable[Samples], n_samples: int
) -> None:
    """Write a prepared signal that comes piece by piece.

    Parameters
    ----------
    path : Path
    about : Signal
        What the signal is; its own samples are not looked at.
    pieces : iterable of array, shape (channel, time)
        All samples, in order.
    n_samples : int
        Samples of a channel, in all pieces together.
    """
    attributes = {
        "schema": _schema.SCHEMA,
        "sfreq": about.sfreq,
        "delay_s": about.delay_s,
        "channels": dump_json(about.channels),
        "units": dump_json(about.units),
    }
    if len(about.segments) > 1:
        attributes["segments"] = dump_json(about.segments)
    if about.order:
        attributes["order"] = about.order
    shape = len(about.channels), n_samples
    needed = math.prod(shape) * np.dtype(np.float32).itemsize
    with replacing(path, needed) as partial:
        _hdf5.write(partial, pieces, shape, attributes, dtype=np.float32)


@contextmanager
def open_signal(path: Path) -> Iterator[Signal]:
    """Open a prepared signal, whose samples are read when asked for."""
    with _opened(path) as (samples, attributes):
        with _schema.reading(path, *HDF5_FAULTS):
            signal = Signal(
                samples,
                float(attributes["sfreq"]),
                tuple(json.loads(attributes["channels"])),
                tuple(json.loads(attributes["units"])),
                float(attributes["delay_s"]),
                tuple(json.loads(attributes.get("segments", "[0]"))),
                str(attributes.get("order", "")),
            )
        yield signal


def signal_order(path: Path) -> str:
    """Read what order and draws go by instead of a recording's name; "": by it."""
    with _opened(path) as (_, attributes):
        return str(attributes.get("order", ""))


def load_signal(path: Path) -> Signal:
    """Read a prepared signal."""
    with _schema.reading(path, *HDF5_FAULTS), open_signal(path) as signal:
        return replace(signal, samples=np.asarray(signal.samples[()]))


def save_spikes(path: Path, spikes: Spikes) -> None:
    """Write a spike train as HDF5, deflated."""
    write_spikes(path, spikes, [spikes.packed])


def write_spikes(path: Path, about: Spikes, pieces: Iterable[PackedBits]) -> None:
    """Write a spike train that comes piece by piece.

    Not lzf: its table starts uninitialised, and now and then a byte differs.

    Parameters
    ----------
    path : Path
    about : Spikes
        What the train is; its own bits are not looked at.
    pieces : iterable of array, shape (feature, byte), uint8
        All bits, packed, in order.
    """
    attributes = {
        "schema": _schema.SCHEMA,
        "n_steps": about.n_steps,
        "dt": about.dt,
        "delay_s": about.delay_s,
        "features": dump_json(about.features),
    }
    shape = len(about.features), -(-about.n_steps // 8)
    with replacing(path) as partial:
        _hdf5.write(
            partial, pieces, shape, attributes, dtype=np.uint8, compression="gzip"
        )


@contextmanager
def open_spikes(path: Path) -> Iterator[Spikes]:
    """Open a spike train, whose packed bits are read when asked for."""
    with _opened(path) as (packed, attributes):
        with _schema.reading(path, *HDF5_FAULTS):
            spikes = Spikes(
                packed,
                int(attributes["n_steps"]),
                float(attributes["dt"]),
                float(attributes["delay_s"]),
                tuple(json.loads(attributes["features"])),
            )
        yield spikes


def load_spikes(path: Path) -> Spikes:
    """Read a spike train."""
    with _schema.reading(path, *HDF5_FAULTS), open_spikes(path) as spikes:
        return replace(spikes, packed=np.asarray(spikes.packed[()]))


@contextmanager
def _opened(path: Path) -> "Iterator[tuple[h5py.Dataset, dict[str, Any]]]":
    """Open an array and what it is; faults of its user are none of the file."""
    import h5py

    with _schema.reading(path, *HDF5_FAULTS):
        file = h5py.File(path, "r")
    with file:
        with _schema.reading(path, *HDF5_FAULTS):
            attributes = dict(file.attrs)
            _schema.check(path, int(attributes.get("schema", 0)))
            values = file["values"]
        yield values, attributes
