"""inventory: what of this machine, outside of the checkout, results depend on.

    NAME.json          files of a folder source: names, sizes and times; for `fetch`
    NAME.secret.json   fingerprint of the secret of pseudonyms; for `ingest`
    NAME.folds.json    fingerprint of lists of recordings in files; for `prepare`

It runs at every `dvc repro`, so that a file that is added, changed, removed or renamed
makes its data set's `fetch` stale. Of data sets under pseudonyms it writes fingerprints
instead of names. It takes no package but the standard library: start it as a file
(`python -S -E stages/inventory.py`), for `stages` imports others.
"""

import json
import os
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Modules beside this file are called like some of the standard library.
    sys.path[0] = str(Path(__file__).absolute().parents[1])

from pipeline import machine, secret, stopping
from pipeline.checkout import check_here
from pipeline.errors import ConfigError, DataError, MachineError
from pipeline.listed import content
from pipeline.names import entry_fault
from pipeline.secret import Secret
from pipeline.sources.parts.walk import expanded, walk

LISTED = Path("data/code/folders.json")
TARGET = Path("data/inventory")


def main() -> str:
    """Write the inventory of every data set.

    The stage `code` has checked the names; they are checked again before they become
    files.
    """
    listed = json.loads(LISTED.read_text(encoding="utf-8"))
    names = (*listed["folders"], *listed["others"])
    for name in names:
        if fault := entry_fault(name):
            raise SystemExit(f"inventory: {LISTED} names {name!r}: {fault}")
    texts = {file: text for name in names for file, text in _looked(name, listed)}
    if link := next((p for p in (TARGET, *TARGET.parents) if p.is_symlink()), None):
        raise SystemExit(f"inventory: {link} is a link; remove it, for others' files")
    TARGET.mkdir(parents=True, exist_ok=True)
    for file, text in texts.items():
        _keep_or_write(TARGET / file, text)
    for path in TARGET.iterdir():
        if path.name not in texts:
            path.unlink()
    return f"{len(listed['folders'])} of {len(names)} data sets are folders"


def _looked(name: str, listed: dict[str, Any]) -> list[tuple[str, str]]:
    """Describe what a data set depends on; "" where what is known of it stays."""
    key = _key(name) if name in listed.get("pseudonyms", ()) else None
    found: dict[str, Any] | None = {}
    if name in listed["folders"]:
        found = _look(name, listed["folders"][name], key)
    lists = {kind: listed.get(kind, {}).get(name, []) for kind in ("sources", "folds")}
    taken = {kind: _fingerprints(name, each, key) for kind, each in lists.items()}
    files = None if found is None or taken["sources"] is None else found
    if files is not None and taken["sources"]:
        files["lists"] = taken["sources"]
    own = {"secret": key.fingerprint()} if key else {}
    described = {
        f"{name}.json": files,
        f"{name}.secret.json": own,
        f"{name}.folds.json": taken["folds"],
    }
    return [(file, _text(each)) for file, each in described.items()]


def _key(name: str) -> Secret:
    """Read the secret, or make it if nothing was ever made with one."""
    before = TARGET / f"{name}.secret.json"
    known = json.loads(before.read_text("utf-8")) if before.exists() else {}
    key = secret.load() if known else secret.load_or_make()
    if known and known["secret"] != key.fingerprint():
        sys.stderr.write(
            f"inventory {name}: the secret is another than before; its persons get "
            "other pseudonyms\n"
        )
    return key


def _look(dataset: str, path: str, key: Secret | None) -> dict[str, Any] | None:
    """Describe a folder; None if it is not there and what is known of it stays."""
    try:
        folder = expanded(path)
        files, _ = walk(folder)
    except LookupError as error:
        reason = f"the variable {error.args[0]} is not set"
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
    else:
        if key:  # sorted anew: the order of names would show a part of them
            hidden = sorted((key.fingerprint(name), *rest) for name, *rest in files)
            return {"folder": key.fingerprint(str(folder)), "files": hidden}
        return {"folder": str(folder), "files": files}
    if _was_there(TARGET / f"{dataset}.json"):
        sys.stderr.write(f"inventory {dataset}: {reason}; its earlier results stay\n")
        return None
    return {"absent": key.fingerprint(reason) if key else reason}


def _fingerprints(
    dataset: str, paths: list[str], key: Secret | None
) -> dict[str, str] | None:
    """Give fingerprints of files of lists; None if one cannot be read now."""
    try:
        texts = [content(path) for path in paths]
    except DataError as error:
        sys.stderr.write(f"inventory {dataset}: {error.where} {error.found}\n")
        return None
    digests = [
        key.fingerprint(text) if key else sha256(text.encode()).hexdigest()[:16]
        for text in texts
    ]
    return dict(zip(paths, digests, strict=True))


def _was_there(before: Path) -> bool:
    return before.exists() and "absent" not in json.loads(before.read_text("utf-8"))


def _text(described: dict[str, Any] | None) -> str:
    """Write a description, a file a line."""
    if described is None:
        return ""
    if "files" not in described:
        return f"{json.dumps(described)}\n"
    head = {key: each for key, each in described.items() if key != "files"}
    start = json.dumps(head)[1:-1]
    lines = ",\n".join(map(json.dumps, described["files"]))
    return f'{{{start}, "files": [\n{lines}\n]}}\n'


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
