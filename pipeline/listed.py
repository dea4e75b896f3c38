"""Lists in settings, of which a part may stand in files outside of git: `@PATH`.

An entry `@~/lists/left_out.txt` stands for the lines of that file, so that names of
persons need not be in `params.yaml`, nor in `dvc.lock`, which repeats it. Blank lines
and lines that begin with `#` do not count.

Standard library only: the stage `inventory` starts at every run.
"""

from collections.abc import Iterable, Iterator

from pipeline.errors import DataError
from pipeline.sources.parts.walk import expanded

MARK = "@"


def files_in(entries: Iterable[str]) -> list[str]:
    """List the files that stand for entries, as they are written."""
    return [entry[1:] for entry in entries if entry.startswith(MARK)]


def listed(entries: Iterable[str]) -> tuple[str, ...]:
    """Give all entries, with the lines of files in their place.

    Raises
    ------
    DataError
        A file cannot be read.
    """
    return tuple(each for entry in entries for each in _lines(entry))


def _lines(entry: str) -> Iterator[str]:
    if not entry.startswith(MARK):
        yield entry
        return
    for line in content(entry[1:]).splitlines():
        if (text := line.strip()) and not text.startswith("#"):
            yield text


def content(path: str) -> str:
    """Read a file of entries.

    Parameters
    ----------
    path : str
        Absolute, relative to the checkout, or with ~ or $VARIABLE.

    Raises
    ------
    DataError
        It cannot be read, or a variable in its path is not set.
    """
    try:
        return expanded(path).read_text(encoding="utf-8-sig")
    except LookupError as error:
        found = f"the variable {error.args[0]} is not set"
    except (OSError, UnicodeDecodeError) as error:
        found = f"cannot be read ({getattr(error, 'strerror', None) or 'no UTF-8'})"
    raise DataError(
        f"{MARK}{path}",
        found,
        expected="a text file with an entry a line",
        remedy="bring the file back, or correct its path in params.yaml",
    )
