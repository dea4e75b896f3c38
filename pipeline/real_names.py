"""The map from pseudonyms to names, which lies beside the secret, for terminals alone.

No file that the stages write, and nothing that is pushed, holds a name: `shown` is the
only way back, and it goes to a terminal.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock
from rich.console import Console

from pipeline import secret
from pipeline.errors import MachineError, PipelineError

PATIENCE_S = 60.0


def place() -> Path:
    """Give the path of the map."""
    path = secret.place()
    return path.with_name(f"{path.name}.names.json")


def remember(names: Mapping[str, str]) -> None:
    """Add names to the map, by their pseudonyms; only this account can read it.

    Raises
    ------
    MachineError
        There is no place for it.
    """
    path = place()
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        with FileLock(path.with_suffix(".lock"), timeout=PATIENCE_S, mode=0o600):
            known = _known(path) | dict(names)
            partial.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(partial, flags, 0o600), "w", encoding="utf-8") as f:
                json.dump(known, f, ensure_ascii=False, indent=0, sort_keys=True)
            partial.replace(path)
    except OSError as error:  # filelock's Timeout is one
        raise MachineError(
            str(path),
            f"the names cannot be kept there ({error.strerror or error})",
            expected="a place for the map from pseudonyms to names",
            remedy=f"free it, or set {secret.VARIABLE} to a file in another folder",
        ) from error


def shown(text: str, console: Console) -> str:
    """Write names before their pseudonyms, if a person reads the text in a terminal."""
    if not console.is_terminal or not secret.PSEUDONYM.search(text):
        return text
    try:
        known = _known(place())
    except PipelineError:
        return text
    return secret.PSEUDONYM.sub(
        lambda each: f"{known[each[0]]} ({each[0]})" if each[0] in known else each[0],
        text,
    )


def _known(path: Path) -> dict[str, str]:
    """Read the map; nothing if it is not there or damaged, for ingest makes it anew."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
