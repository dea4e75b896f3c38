"""The only module that reads and writes the files the stages hand each other.

Every file is written under a temporary name and then renamed, so that a killed run
leaves either the old file, the new one or none; it carries `schema`, and a file of
another schema is refused. Made twice from the same inputs it has the same bytes.
Nothing here unpickles.
"""

import hashlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline import _fif, _hdf5
from pipeline.axes import PackedBits, Samples
from pipeline.components import Settings
from pipeline.errors import DataError
from pipeline.machine import refusal, writing
from pipeline.spikes import Spikes

if TYPE_CHECKING:
    import h5py
    import mne
    import torch

SCHEMA = 1
DATA = Path("data")
UNFINISHED = DATA / ".unfinished"
"""Where stages work; git and DVC ignore it."""
MAKERS = {
    "raw": "fetch",
    "recordings": "ingest",
    "signals": "prepare",
    "windows": "prepare",
    "clock": "clock",
    "spikes": "encode",
    "runs": "train",
    "metrics": "evaluate",
    "energy": "profile",
}
"""The stage that makes each kind of folder."""
FORMULA = re.compile(r"[=@\t\r]|[+-](?!\d*\.?\d*(e[+-]?\d+)?$)", re.IGNORECASE)
HDF5_FAULTS = (KeyError, OSError, RuntimeError, ValueError)
"""What h5py raises where a file is damaged."""


def folder(kind: str, name: str) -> Path:
    """Name the folder of a stage's output: `data/<kind>/<name>`.

    Kinds: those of `MAKERS`, and report.

    Raises
    ------
    DataError
        The name leads elsewhere, as `../x` does.
    """
    if name == ".." or Path(name).parts not in ((), (name,)):
        raise DataError(
            f"data/{kind}",
            f"{name!r} is no name",
            expected="a data set, or a cell such as DATASET-ENCODER-MODEL",
            remedy="write it as params.yaml has it",
        )
    return DATA / kind / name


def refuse_links(folder: Path) -> None:
    """Refuse a folder of `data/` that is a link, or lies in one.

    What does not belong into such a folder is removed: it must not be another's.

    Raises
    ------
    DataError
        It, or a folder above it up to `data`, is a link.
    """
    data, full = DATA.absolute(), folder.absolute()
    if not full.is_relative_to(data):
        return
    for place in (full, *full.parents)[: len(full.relative_to(data).parts) + 1]:
        if place.is_symlink():
            raise DataError(
                str(place.relative_to(data.parent)),
                f"is a link to {place.readlink()}",
                expected="a folder of this checkout, for stages remove files there",
                remedy="remove the link, not what it leads to; recordings elsewhere "
                "are taken from there by source: {name: folder, path: …}",
            )


@dataclass(frozen=True)
class Signal:
    """The prepared signal of one recording.

    Parameters
    ----------
    samples : array, shape (channel, time), float32
        In `units`, or dimensionless once scaled. Of a signal that `open_signal` gave,
        `samples[:, start:stop]` is read from the file.
    sfreq : float
        Samples per second.
    channels, units : tuple of str
        A name and a unit a row.
    delay_s : float
        Sample k of a segment speaks of the segment's time `k / sfreq - delay_s`.
    segments : tuple of int
        First sample of each segment; filter, scale and encoder start anew there.
    """

    samples: Samples
    sfreq: float
    channels: tuple[str, ...]
    units: tuple[str, ...]
    delay_s: float
    segments: tuple[int, ...] = (0,)


@contextmanager
def replacing(path: Path, needed: int | None = None) -> Iterator[Path]:
    """Yield a temporary path that takes the name `path` when the block succeeds.

    Parameters
    ----------
    path : Path
    needed : int, optional
        Bytes that it takes, where that is known.

    Raises
    ------
    MachineError
        The disk is full, or something else that the machine refuses.
    """
    refuse_links(path.parent)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    with writing(path, needed):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the name `path` when the block succeeds.

    What was at `path` is removed only then.
    """
    refuse_links(path)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)  # of a killed run with this number
        partial.mkdir()
        try:
            yield partial
            if path.exists():
                shutil.rmtree(path)
            partial.replace(path)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def clear_partial(parent: Path) -> None:
    """Remove the temporary files and folders of killed runs below a folder."""
    refuse_links(parent)
    for leftover in list(parent.rglob(".partial-*")):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def keep_only(parent: Path, wanted: set[str]) -> None:
    """Remove the files of a folder that no longer belong to it."""
    refuse_links(parent)
    for path in parent.iterdir():
        if path.is_file() and path.name not in wanted:
            path.unlink()


def file_digest(path: Path) -> str:
    """Compute a file's SHA-256, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_digests(*paths: Path) -> dict[str, str]:
    """Compute the digest of each file, by its path; folders stand for their files.

    Raises
    ------
    DataError
        A file or folder does not exist.
    """
    for path in paths:
        _refuse_absent(path)
    found = (
        each
        for path in paths
        for each in (path.rglob("*") if path.is_dir() else [path])
    )
    return {
        each.as_posix(): file_digest(each) for each in sorted(found) if each.is_file()
    }


def inputs_digest(*parts: object) -> str:
    """Compute the SHA-256 of settings and digests, as sorted JSON.

    A component counts by its class and its fields.
    """
    plain = [
        [type(part).__name__, part.model_dump(mode="json", serialize_as_any=True)]
        if isinstance(part, Settings)
        else part
        for part in parts
    ]
    return hashlib.sha256(dump_json([SCHEMA, *plain]).encode()).hexdigest()


def dump_json(value: object, *, indent: int | None = None) -> str:
    """Write JSON with sorted keys; NaN and infinity are refused."""
    return json.dumps(
        value, sort_keys=True, indent=indent, allow_nan=False, ensure_ascii=False
    )


def save_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object."""
    text = dump_json({"schema": SCHEMA, **value}, indent=2)
    with replacing(path) as partial:
        partial.write_text(text + "\n", encoding="utf-8")


def load_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of this schema."""
    with _reading(path, OSError, ValueError):
        value: dict[str, Any] = _parse_object(path.read_text(encoding="utf-8"))
        _check_schema(path, value.pop("schema", None))
        return value


def save_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    metadata = {**(arrow.schema.metadata or {}), b"schema": str(SCHEMA).encode()}
    with replacing(path) as partial:
        pq.write_table(arrow.replace_schema_metadata(metadata), partial)


def load_table(path: Path) -> pd.DataFrame:
    """Read a parquet table of this schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _reading(path, OSError, ValueError, pa.ArrowException):
        arrow = pq.read_table(path)
        _check_schema(path, int((arrow.schema.metadata or {}).get(b"schema", 0)))
        frame: pd.DataFrame = arrow.to_pandas()
        return frame


def save_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV, for curves that DVC and people read.

    Texts that a spreadsheet takes for formulas begin with `'`.
    """
    table = table.rename(columns=_no_formula)
    for column in table.select_dtypes(["object", "string"]):
        table[column] = table[column].map(_no_formula)
    with replacing(path) as partial:
        table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")


def _no_formula(value: Any) -> Any:
    is_formula = isinstance(value, str) and FORMULA.match(value)
    return f"'{value}" if is_formula else value


def recording_parts(path: Path) -> list[Path]:
    """List the files of a recording: of one over 2 GB, also those that continue it."""
    return _fif.parts(path)


def save_recording(path: Path, raw: "mne.io.BaseRaw") -> None:
    """Write a recording as FIF, float32, read piece by piece.

    One over 2 GB goes into several files (`recording_parts`), with `-1`, `-2` after the
    name. The main file appears last, so that what is found complete is complete.
    """
    raw.info["description"] = dump_json({"schema": SCHEMA})
    needed = len(raw.ch_names) * raw.n_times * np.dtype(np.float32).itemsize
    with writing(path, needed):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=path.parent) as folder:
            written = _fif.write(Path(folder) / path.name, raw)
            for old in _fif.parts(path):
                old.unlink(missing_ok=True)
            for part in reversed(written):
                part.replace(path.with_name(part.name))


def load_recording(path: Path) -> "mne.io.BaseRaw":
    """Open a recording; its samples are read when asked for."""
    with _reading(path, OSError, ValueError, RuntimeError):
        raw = _fif.read(path)
        stated = _parse_object(raw.info["description"] or "{}")
        _check_schema(path, stated.get("schema"))
        return raw


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
        "schema": SCHEMA,
        "sfreq": about.sfreq,
        "delay_s": about.delay_s,
        "channels": dump_json(about.channels),
        "units": dump_json(about.units),
    }
    if len(about.segments) > 1:
        attributes["segments"] = dump_json(about.segments)
    shape = len(about.channels), n_samples
    needed = math.prod(shape) * np.dtype(np.float32).itemsize
    with replacing(path, needed) as partial:
        _hdf5.write(partial, pieces, shape, attributes, dtype=np.float32)


@contextmanager
def open_signal(path: Path) -> Iterator[Signal]:
    """Open a prepared signal, whose samples are read when asked for."""
    with _opened(path) as (samples, attributes):
        with _reading(path, *HDF5_FAULTS):
            signal = Signal(
                samples,
                float(attributes["sfreq"]),
                tuple(json.loads(attributes["channels"])),
                tuple(json.loads(attributes["units"])),
                float(attributes["delay_s"]),
                tuple(json.loads(attributes.get("segments", "[0]"))),
            )
        yield signal


def load_signal(path: Path) -> Signal:
    """Read a prepared signal."""
    with _reading(path, *HDF5_FAULTS), open_signal(path) as signal:
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
        "schema": SCHEMA,
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
        with _reading(path, *HDF5_FAULTS):
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
    with _reading(path, *HDF5_FAULTS), open_spikes(path) as spikes:
        return replace(spikes, packed=np.asarray(spikes.packed[()]))


def save_weights(
    path: Path, tensors: "Mapping[str, torch.Tensor]", *, meta: Mapping[str, Any]
) -> None:
    """Write weights as safetensors with one metadata key of sorted JSON.

    With one key the bytes repeat; with several, their order does not.
    """
    from safetensors.torch import save

    contiguous = {k: v.detach().cpu().contiguous() for k, v in sorted(tensors.items())}
    text = dump_json({"schema": SCHEMA, **meta})
    with replacing(path) as partial:
        partial.write_bytes(save(contiguous, metadata={"biospike": text}))


def load_weights_meta(path: Path) -> dict[str, Any]:
    """Read the metadata of weights alone, without torch."""
    from safetensors import SafetensorError, safe_open

    with (
        _reading(path, OSError, ValueError, SafetensorError),
        safe_open(path, framework="np") as file,
    ):
        return _weights_meta(path, file.metadata())


def load_weights(path: Path) -> "tuple[dict[str, torch.Tensor], dict[str, Any]]":
    """Read weights and their metadata."""
    from safetensors import SafetensorError, safe_open

    with (
        _reading(path, OSError, ValueError, SafetensorError),
        safe_open(path, framework="pt") as file,
    ):
        meta = _weights_meta(path, file.metadata())
        return {name: file.get_tensor(name) for name in sorted(file.keys())}, meta


def _weights_meta(path: Path, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    meta = _parse_object((metadata or {}).get("biospike", "{}"))
    _check_schema(path, meta.pop("schema", None))
    return meta


@contextmanager
def _opened(path: Path) -> "Iterator[tuple[h5py.Dataset, dict[str, Any]]]":
    """Open an array and what it is; faults of its user are none of the file."""
    import h5py

    with _reading(path, *HDF5_FAULTS):
        file = h5py.File(path, "r")
    with file:
        with _reading(path, *HDF5_FAULTS):
            attributes = dict(file.attrs)
            _check_schema(path, int(attributes.get("schema", 0)))
            values = file["values"]
        yield values, attributes


def _parse_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


@contextmanager
def _reading(path: Path, *faults: type[Exception]) -> Iterator[None]:
    """Say which stage makes a file that is absent or whose reading ends in a fault."""
    _refuse_absent(path)
    try:
        yield
    except faults as error:
        if refused := refusal(error, path):
            raise refused from error
        text = next(iter(str(error).splitlines()), "")
        raise DataError(
            str(path),
            f"cannot be read ({type(error).__name__}: {text})",
            expected="a complete file",
            remedy="remove it, and run the stage that makes it again "
            f"(`dvc repro -s -f {_maker(path)}`)",
        ) from error


def _refuse_absent(path: Path) -> None:
    if not path.exists():
        raise DataError(
            str(path),
            "there is no such file",
            expected="what an earlier stage writes",
            remedy=f"run the stage that makes it (`dvc repro {_maker(path)}`)",
        )


def _check_schema(path: Path, schema: object) -> None:
    if schema != SCHEMA:
        raise DataError(
            str(path),
            f"it was written with schema {schema}",
            expected=f"schema {SCHEMA}",
            remedy="run the stage that makes it again "
            f"(`dvc repro -s -f {_maker(path)}`)",
        )


def _maker(path: Path) -> str:
    """Name what `dvc repro` makes a file with, as far as its place says."""
    parts = tuple(part for part in path.parts if part != UNFINISHED.name)
    inside = parts[parts.index(DATA.name) + 1 :] if DATA.name in parts else ()
    match inside:
        case ["report" | "code" | "inventory" as stage, *_]:
            return stage
        case ["cards", name]:
            return f"fetch@{Path(name).stem}"
        case ["measured", cell, _]:
            return f"profile@{cell}"
        case [kind, name, _] if kind in MAKERS:
            return f"{MAKERS[kind]}@{name}"
    return "STAGE"
