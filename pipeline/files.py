"""The only module that reads and writes the files the stages hand each other.

Every file is written under a temporary name and then renamed, so that a killed run
leaves either the old file, the new one or none; it carries `schema`, and a file of
another schema is refused. Made twice from the same inputs it has the same bytes.
Nothing here unpickles.
"""

import hashlib
import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline.axes import Samples
from pipeline.components import Settings
from pipeline.errors import DataError
from pipeline.spikes import Spikes

if TYPE_CHECKING:
    import mne
    import torch

SCHEMA = 1
FIFF_ID = 31
"""Type of the FIF tags that name a machine and a moment."""
NOBODY = struct.pack(">4i", 0, 0, 0, 2**31 - 1)
"""No machine, two numbers, and MNE's mark for no date: seconds and microseconds."""
FIF_END = struct.pack(">4i", 108, 0, 0, -1)
"""The tag that ends a FIF file: no meaning, no type, no size, and none comes next."""
DATA = Path("data")
UNFINISHED = DATA / ".unfinished"
"""Where stages work; git and DVC ignore it."""
MAKERS = {
    "raw": "fetch",
    "recordings": "ingest",
    "signals": "prepare",
    "windows": "prepare",
    "spikes": "encode",
    "runs": "train",
    "metrics": "evaluate",
    "energy": "profile",
}
"""The stage that makes each kind of folder."""
HDF5_FAULTS = (KeyError, OSError, RuntimeError, ValueError)
"""What h5py raises where a file is damaged."""


def folder(kind: str, name: str) -> Path:
    """Name the folder of a stage's output: `data/<kind>/<name>`.

    Kinds: those of `MAKERS`, and report.
    """
    return DATA / kind / name


@dataclass(frozen=True)
class Signal:
    """The prepared signal of one recording.

    Parameters
    ----------
    samples : array, shape (channel, time), float32
        In `units`, or dimensionless once scaled.
    sfreq : float
        Samples per second.
    channels, units : tuple of str
        A name and a unit a row.
    delay_s : float
        Sample k speaks of the recording's time `k / sfreq - delay_s`.
    """

    samples: Samples
    sfreq: float
    channels: tuple[str, ...]
    units: tuple[str, ...]
    delay_s: float


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that takes the name `path` when the block succeeds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
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
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    partial.mkdir()
    try:
        yield partial
        if path.exists():
            shutil.rmtree(path)
        partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def clear_partial(parent: Path) -> None:
    """Remove the temporary files of killed runs below a folder."""
    for leftover in parent.rglob(".partial-*"):
        leftover.unlink(missing_ok=True)


def keep_only(parent: Path, wanted: set[str]) -> None:
    """Remove the files of a folder that no longer belong to it."""
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
    """Write a table as CSV, for curves that DVC and people read."""
    with replacing(path) as partial:
        table.to_csv(partial, index=False, float_format="%.6g", lineterminator="\n")


def save_recording(path: Path, raw: "mne.io.BaseRaw") -> None:
    """Write a recording as FIF, float32."""
    raw.info["description"] = dump_json({"schema": SCHEMA})
    path.parent.mkdir(parents=True, exist_ok=True)
    # MNE looks at the end of the name, so the temporary name keeps it.
    with replacing(path) as partial:
        raw.save(partial, fmt="single", overwrite=True, verbose="error")
        _erase_ids(partial)


def load_recording(path: Path) -> "mne.io.BaseRaw":
    """Open a recording; its samples are read when asked for."""
    import mne

    with _reading(path, OSError, ValueError, RuntimeError):
        _check_end(path)
        raw = mne.io.read_raw_fif(path, preload=False, verbose="error")
        told = _parse_object(raw.info["description"] or "{}")
        _check_schema(path, told.get("schema"))
        return raw


def save_signal(path: Path, signal: Signal) -> None:
    """Write a prepared signal as HDF5, uncompressed."""
    attributes = {
        "sfreq": signal.sfreq,
        "delay_s": signal.delay_s,
        "channels": dump_json(signal.channels),
        "units": dump_json(signal.units),
    }
    _save_array(path, signal.samples, attributes, compression=None)


def load_signal(path: Path) -> Signal:
    """Read a prepared signal."""
    with _reading(path, *HDF5_FAULTS):
        samples, attributes = _load_array(path)
        return Signal(
            samples,
            float(attributes["sfreq"]),
            tuple(json.loads(attributes["channels"])),
            tuple(json.loads(attributes["units"])),
            float(attributes["delay_s"]),
        )


def save_spikes(path: Path, spikes: Spikes) -> None:
    """Write a spike train as HDF5, deflated.

    Not lzf: its table starts uninitialised, and now and then a byte differs.
    """
    attributes = {
        "n_steps": spikes.n_steps,
        "dt": spikes.dt,
        "delay_s": spikes.delay_s,
        "features": dump_json(spikes.features),
    }
    _save_array(path, spikes.packed, attributes, compression="gzip")


def load_spikes(path: Path) -> Spikes:
    """Read a spike train."""
    with _reading(path, *HDF5_FAULTS):
        packed, attributes = _load_array(path)
        return Spikes(
            packed,
            int(attributes["n_steps"]),
            float(attributes["dt"]),
            float(attributes["delay_s"]),
            tuple(json.loads(attributes["features"])),
        )


def save_weights(
    path: Path, tensors: "Mapping[str, torch.Tensor]", *, meta: Mapping[str, Any]
) -> None:
    """Write weights as safetensors with one metadata key of sorted JSON.

    With one key the bytes repeat; with several, their order does not.
    """
    from safetensors.torch import save_file

    contiguous = {k: v.detach().cpu().contiguous() for k, v in sorted(tensors.items())}
    text = dump_json({"schema": SCHEMA, **meta})
    with replacing(path) as partial:
        save_file(contiguous, partial, metadata={"biospike": text})


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


def _save_array(
    path: Path,
    values: np.ndarray,
    attributes: Mapping[str, Any],
    *,
    compression: str | None,
) -> None:
    import h5py

    with replacing(path) as partial, h5py.File(partial, "w") as file:
        file.create_dataset("values", data=values, compression=compression)
        everything = {"schema": SCHEMA, **attributes}
        for key in sorted(everything):
            file.attrs[key] = everything[key]


def _load_array(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    import h5py

    with h5py.File(path, "r") as file:
        attributes = dict(file.attrs)
        _check_schema(path, int(attributes.get("schema", 0)))
        return np.asarray(file["values"][()]), attributes


def _erase_ids(path: Path) -> None:
    """Take the machine's network address and the time out of all ids of a FIF file.

    A FIF file is a row of tags: kind, type, size and next, four bytes each, then the
    data. MNE writes the two into every tag of the id type, after a version.
    """
    with path.open("r+b") as file:
        while len(tag := file.read(16)) == 16:
            _, data_type, size, _ = struct.unpack(">4i", tag)
            if data_type == FIFF_ID:
                file.seek(4, os.SEEK_CUR)
                file.write(NOBODY)
            else:
                file.seek(size, os.SEEK_CUR)


def _check_end(path: Path) -> None:
    """Refuse a FIF file that was cut: MNE reads one cut between two tags as shorter."""
    with path.open("rb") as file:
        file.seek(-len(FIF_END), os.SEEK_END)
        if file.read() != FIF_END:
            raise ValueError("the end is missing")


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
        said = next(iter(str(error).splitlines()), "")
        raise DataError(
            str(path),
            f"cannot be read ({type(error).__name__}: {said})",
            expected="a whole file",
            remedy="remove it, and run the stage that makes it again "
            f"(`dvc repro -s -f {_maker(path)}`)",
        ) from error


def _refuse_absent(path: Path) -> None:
    if not path.exists():
        raise DataError(
            str(path),
            "there is no such file",
            remedy=f"run the stage that makes it (`dvc repro {_maker(path)}`)",
        )


def _check_schema(path: Path, schema: object) -> None:
    if schema != SCHEMA:
        raise DataError(
            str(path),
            f"written with schema {schema}",
            expected=f"schema {SCHEMA}",
            remedy="run the stage that makes it again "
            f"(`dvc repro -s -f {_maker(path)}`)",
        )


def _maker(path: Path) -> str:
    """Name what `dvc repro` makes a file with, as far as its place says."""
    parts = tuple(part for part in path.parts if part != UNFINISHED.name)
    inside = parts[parts.index(DATA.name) + 1 :] if DATA.name in parts else ()
    match inside:
        case ["report" | "code" as stage, *_]:
            return stage
        case ["cards", name]:
            return f"fetch@{Path(name).stem}"
        case ["measured", cell, _]:
            return f"profile@{cell}"
        case [kind, name, _] if kind in MAKERS:
            return f"{MAKERS[kind]}@{name}"
    return "STAGE"
