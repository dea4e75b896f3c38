"""The checkout that a command is started in: its folder and its commit.

Standard library only: the stage `inventory` starts at every run.
"""

import subprocess
from pathlib import Path

from pipeline.errors import ConfigError

FILES = ("params.yaml", "dvc.yaml")
"""Files in the folder of every checkout."""


def check_here() -> None:
    """Refuse to work in a folder that is no checkout.

    Raises
    ------
    ConfigError
        `params.yaml` and `dvc.yaml` are not here; a folder above may have them.
    """
    here = Path.cwd()
    if _is_checkout(here):
        return
    absent = " and no ".join(name for name in FILES if not (here / name).is_file())
    above = next((folder for folder in here.parents if _is_checkout(folder)), None)
    if above:
        remedy = f"`cd {above}`, and start it again"
    else:
        remedy = "`cd` to your checkout of biospike, and start it again there"
    raise ConfigError(
        f"the folder {here}",
        f"there is no {absent}, so it is not the folder of a checkout",
        expected="to be started in the folder that has params.yaml and dvc.yaml",
        remedy=remedy,
    )


def _is_checkout(folder: Path) -> bool:
    return all((folder / name).is_file() for name in FILES)


def revision() -> tuple[str, bool]:
    """Ask git which commit is checked out here, and whether files differ from it.

    Returns
    -------
    commit : str
        Empty if this is no repository, or there is no git.
    dirty : bool
    """
    commit = _git("rev-parse", "HEAD")
    return commit, bool(commit and _git("status", "--porcelain"))


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""
