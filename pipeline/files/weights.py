"""Weights of networks as safetensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.files import schema as _schema
from pipeline.files.documents import dump_json
from pipeline.files.places import replacing

if TYPE_CHECKING:
    import torch


def save_weights(
    path: Path, tensors: "Mapping[str, torch.Tensor]", *, meta: Mapping[str, Any]
) -> None:
    """Write weights as safetensors with one metadata key of sorted JSON.

    With one key the bytes repeat; with several, their order does not.
    """
    from safetensors.torch import save

    # Copies, for two names may share one tensor.
    contiguous = {
        k: v.detach().cpu().contiguous().clone() for k, v in sorted(tensors.items())
    }
    text = dump_json({"schema": _schema.SCHEMA, **meta})
    with replacing(path) as partial:
        partial.write_bytes(save(contiguous, metadata={"biospike": text}))


def load_weights_meta(path: Path) -> dict[str, Any]:
    """Read the metadata of weights alone, without torch."""
    from safetensors import SafetensorError, safe_open

    with (
        _schema.reading(path, OSError, ValueError, SafetensorError),
        safe_open(path, framework="np") as file,
    ):
        return _weights_meta(path, file.metadata())


def load_weights(path: Path) -> "tuple[dict[str, torch.Tensor], dict[str, Any]]":
    """Read weights and their metadata."""
    from safetensors import SafetensorError, safe_open

    with (
        _schema.reading(path, OSError, ValueError, SafetensorError),
        safe_open(path, framework="pt") as file,
    ):
        meta = _weights_meta(path, file.metadata())
        return {name: file.get_tensor(name) for name in sorted(file.keys())}, meta


def _weights_meta(path: Path, metadata: Mapping[str, str] | None) -> dict[str, Any]:
    meta = _schema.parse_object((metadata or {}).get("biospike", "{}"))
    _schema.check(path, meta.pop("schema", None))
    return meta
