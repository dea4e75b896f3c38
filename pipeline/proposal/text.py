"""The text of an entry, and its place in params.yaml, whose other lines stay."""

import shutil
import textwrap
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline import config
from pipeline.errors import ConfigError, MachineError
from pipeline.files.places import replacing
from pipeline.proposal.facts import Chosen

WIDTH = 96
Part = Mapping[str, "Chosen | Part"]


def entry(name: str, parts: Part, indent: int) -> str:
    """Write an entry of `datasets`; each choice has a comment above it.

    Parameters
    ----------
    name : str
    parts : mapping
        Settings with their reasons, nested as in the file.
    indent : int
        Blanks before the name.
    """
    return f"\n{' ' * indent}{name}:\n" + "".join(_lines(parts, indent + 2))


def _lines(parts: Part, indent: int) -> list[str]:
    lines: list[str] = []
    for key, part in parts.items():
        before = " " * indent
        if isinstance(part, Chosen):
            lines.append(_comment(part.reason, before))
            lines.append(_setting(key, part.value, before))
        else:
            lines += [f"{before}{key}:\n", *_lines(part, indent + 2)]
    return lines


def _comment(text: str, before: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    start = f"{before}# "
    lines = textwrap.wrap(plain, WIDTH, initial_indent=start, subsequent_indent=start)
    return "\n".join(lines) + "\n"


def _setting(key: str, value: Any, before: str) -> str:
    lines = flow({key: value}, WIDTH - len(before))
    inner = lines.removeprefix("{").removesuffix("}")
    return before + inner.replace("\n", f"\n{before} ") + "\n"


def flow(value: Any, width: int = 10**6) -> str:
    """Write a value as YAML does in one line, or in lines of some width.

    Not with `pure=True`: it leaves `12:30` bare, which the parser of `config` refuses.
    """
    yaml: Any = YAML(typ="safe")
    yaml.default_flow_style = True
    yaml.width = width
    yaml.sort_base_mapping_type_on_output = False
    written = StringIO()
    yaml.dump(value, written)
    return written.getvalue().removesuffix("...\n").strip()


def add(path: Path, name: str, parts: Part, grid: str | None = None) -> None:
    """Append an entry under `datasets`; the file is valid then, or stays as it is.

    Parameters
    ----------
    path : Path
        params.yaml.
    name : str
    parts : mapping
    grid : str or None
        `add` also puts the name behind those of `grid.dataset`, `only` in their place.

    Raises
    ------
    ConfigError
        The entry is not valid, or `datasets` is written in braces.
    MachineError
        The file is read-only.
    """
    if not path.stat().st_mode & 0o222:
        raise MachineError(
            str(path),
            "the file is read-only",
            expected="a file to which the entry can be added",
            remedy=f"make it writable: `chmod u+w {path}`",
        )
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read()
    line, indent = _place(path, text)
    lines = text.splitlines(keepends=True)
    ending = _ending(text)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += ending
    added = entry(name, parts, indent).replace("\n", ending)
    if grid:
        lines = _in_grid(text, lines, name, only=grid == "only")
    with replacing(path) as partial:
        content = "".join([*lines[:line], added, *lines[line:]])
        partial.write_bytes(content.encode())
        shutil.copymode(path, partial)
        _validate(partial, path)


def _validate(partial: Path, path: Path) -> None:
    """Refuse an entry that is not valid, in terms of the file that was to hold it."""
    try:
        config.load(partial)
    except ConfigError as error:
        raise ConfigError(
            error.where.replace(partial.name, path.name),
            error.found,
            expected=error.expected,
            remedy="state it by a flag (--classes names classes), or write the entry "
            "by docs/data.md; nothing was added",
        ) from None


def _place(path: Path, text: str) -> tuple[int, int]:
    """Find the line behind the last entry, and how far entries are indented."""
    root = YAML(typ="safe", pure=True).compose(text)
    keys = [key for key, _ in root.value]
    number = [key.value for key in keys].index("datasets")
    entries = root.value[number][1]
    if entries.flow_style:
        raise ConfigError(
            f"{path}: datasets",
            "the entries stand in braces",
            expected="a line for each key",
            remedy="write them in lines, and run the command again",
        )
    lines = text.splitlines()
    last = keys[number + 1].start_mark.line if number + 1 < len(keys) else len(lines)
    while last and not (lines[last - 1].strip() and lines[last - 1][:1] == " "):
        last -= 1
    return last, entries.value[0][0].start_mark.column


def _ending(text: str) -> str:
    """Give what ends the lines of a text."""
    return "\r\n" if "\r\n" in text else "\n"


def _in_grid(text: str, lines: list[str], name: str, *, only: bool) -> list[str]:
    """Write a name into `grid.dataset`; all lines keep their numbers."""
    node: Any = YAML(typ="safe", pure=True).compose(text)
    for key in ("grid", "dataset"):
        node = next(value for each, value in node.value if each.value == key)
    kept, first = lines.copy(), node.start_mark
    last = node.end_mark if node.flow_style else node.value[-1].end_mark
    if node.flow_style:
        names = [*([] if only else [each.value for each in node.value]), name]
        start = lines[first.line][: first.column]
        written = f"{start}{flow(names)}{lines[last.line][last.column :]}"
    else:
        before = "" if only else "".join(lines[first.line : last.line + 1])
        written = f"{before}{' ' * first.column}- {name}{_ending(text)}"
    kept[first.line : last.line + 1] = [written] + [""] * (last.line - first.line)
    return kept
