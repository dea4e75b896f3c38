"""inventory: names, sizes and times of the files in the folders of folder sources.

It runs at every `dvc repro`, so that a file that is added, changed, removed or renamed
makes its data set's `fetch` stale. It takes no package but the standard library: start
it as a file (`python -S -E stages/inventory.py`), for `stages` imports others.
"""

import json
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    # Modules beside this file are called like some of the standard library.
    sys.path[0] = str(Path(__file__).absolute().parents[1])

from pipeline import machine, stopping
from pipeline.checkout import check_here
from pipeline.errors import ConfigError, MachineError
from pipeline.names import entry_fault
from pipeline.sources.parts.walk import expanded, walk

LISTED = Path("data/code/folders.json")
TARGET = Path("data/inventory")
OTHER = "{}\n"
"""The inventory of a data set whose source is no folder."""


def main() -> str:
    """Write `data/inventory/<dataset>.json` for every data set.

    The stage `code` has checked the names; they are checked again before they become
    files.
    """
    listed = json.loads(LISTED.read_text(encoding="utf-8"))
    folders: dict[str, str] = listed["folders"]
    for name in (*folders, *listed["others"]):
        if fault := entry_fault(name):
            raise SystemExit(f"inventory: {LISTED} names {name!r}: {fault}")
    texts = {name: _look(name, path) for name, path in folders.items()}
    texts |= dict.fromkeys(listed["others"], OTHER)
    if link := next((p for p in (TARGET, *TARGET.parents) if p.is_symlink()), None):
        raise SystemExit(f"inventory: {link} is a link; remove it, for others' files")
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        _keep_or_write(TARGET / f"{name}.json", text)
    for path in TARGET.iterdir():
        if path.suffix != ".json" or path.stem not in texts:
            path.unlink()
    return f"{len(folders)} of {len(texts)} data sets are folders"


def _look(dataset: str, path: str) -> str:
    """Describe a folder; "" if it is not there and what is known of it stays."""
    try:
        folder = expanded(path)
        files, _ = walk(folder)
    except LookupError as error:
        reason = f"the variable {error.args[0]} is not set"
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
    else:
        lines = ",\n".join(map(json.dumps, files))
        return f'{{"folder": {json.dumps(str(folder))}, "files": [\n{lines}\n]}}\n'
    before = TARGET / f"{dataset}.json"
    if not before.exists() or "absent" in json.loads(before.read_text("utf-8")):
        return json.dumps({"absent": reason}) + "\n"
    sys.stderr.write(f"inventory {dataset}: {reason}; its earlier results are kept\n")
    return ""


def _keep_or_write(path: Path, text: str) -> None:
    """Write a file unless its content is the same, or there is nothing new."""
    if not text or (path.exists() and path.read_text(encoding="utf-8") == text):
        return
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


if __name__ == "__main__":
    begun = time.monotonic()
    stopping.install()
    try:
        check_here()
        with machine.writing(TARGET):
            done = main()
    except (ConfigError, MachineError) as error:
        sys.stderr.write(f"inventory {error}\n")
        raise SystemExit(2) from None
    sys.stderr.write(f"inventory: {done} ({time.monotonic() - begun:.2f} s)\n")
