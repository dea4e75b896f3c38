"""Digests of files, and of the settings that a file was made with."""

import hashlib
from pathlib import Path

from pipeline.components import Settings
from pipeline.files import schema as _schema
from pipeline.files.documents import dump_json


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
        _schema.refuse_absent(path)
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
    return hashlib.sha256(dump_json([_schema.SCHEMA, *plain]).encode()).hexdigest()
