"""Removal of files that do not belong in a folder."""

import os
from collections.abc import Container
from pathlib import Path


def remove_others(folder: Path, wanted: Container[str]) -> None:
    """Remove the files below a folder that do not belong there, and empty folders.

    Links are removed, never followed.

    Parameters
    ----------
    folder : Path
    wanted : container of str
        Paths below the folder that stay.
    """
    for inner, folders, names in os.walk(folder, topdown=False):
        for name in (*folders, *names):
            path = Path(inner, name)
            if path.is_dir() and not path.is_symlink():
                _remove_empty(path)
            elif path.relative_to(folder).as_posix() not in wanted:
                path.unlink()


def remove_links_to(folder: Path, path: str) -> None:
    """Remove links that stand where folders on the way to a file belong.

    Parameters
    ----------
    folder : Path
    path : str
        The file's, below the folder.
    """
    for inner in list(Path(path).parents)[-2::-1]:
        if (folder / inner).is_symlink():
            (folder / inner).unlink()


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()
