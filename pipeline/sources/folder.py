"""A folder of recordings on this machine."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from pipeline.errors import DataError
from pipeline.files import DATA, UNFINISHED
from pipeline.sources.base import LINKS, MANIFEST, Fetched, Source
from pipeline.sources.parts.choose import choose, shown
from pipeline.sources.parts.noted import noted_digests
from pipeline.sources.parts.tidy import remove_others
from pipeline.sources.parts.walk import File, checkout, expanded, walk

KEPT = "; what was made of it before is kept"


class Folder(Source):
    """Take the files where they are: the raw folder holds links to them.

    Nothing is copied, and nothing in the folder is changed. A file whose size and time
    are those of an earlier run is not read again.
    """

    path: Annotated[
        str,
        Field(
            min_length=1,
            description="absolute, relative to the checkout, or with ~ or $VARIABLE",
        ),
    ]
    pseudonyms: Annotated[
        bool,
        Field(
            description="whether persons and recordings leave ingest under pseudonyms"
        ),
    ] = True

    @property
    def has_pseudonyms(self) -> bool:
        """Whether names of persons and recordings end at ingest."""
        return self.pseudonyms

    def tracked_folder(self) -> Path:
        """Give the folder's absolute path.

        Raises
        ------
        DataError
            A variable in it is not set.
        """
        try:
            return expanded(self.path)
        except LookupError as error:
            raise DataError(
                f"source.path {self.path}",
                f"the variable {error.args[0]} is not set",
                expected="a variable with a path",
                remedy=f"export {error.args[0]}=/path/of/the/folder{KEPT}",
            ) from None

    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Link the files below `target/links`; see `Source.fetch`.

        Raises
        ------
        DataError
            The folder is not there, holds no files that are wanted, or is one of
            `data/`; a file cannot be read; two names differ in case or Unicode form.
        """
        folder = self.tracked_folder()
        _refuse_outputs(folder)
        found, skipped = _walk(folder)
        by_path = {file[0]: file for file in found}
        choice = choose(by_path, self, str(folder))
        notes = UNFINISHED / "digests" / f"{target.name}.json"
        digests = noted_digests(folder, [by_path[p] for p in choice.wanted], notes)
        _link(target, folder, choice.wanted)
        left_out = {shown(path): reason for path, reason in skipped.items()}
        return Fetched(digests, choice.absent, choice.left_out | left_out, root=LINKS)


def _refuse_outputs(folder: Path) -> None:
    """Refuse a folder that holds results, or lies among them."""
    data = (checkout() / DATA).resolve()
    real = folder.resolve()
    if real.is_relative_to(data) or data.is_relative_to(real):
        raise DataError(
            f"source.path {folder}",
            f"this project writes its results to {data}",
            expected="a folder apart from it",
            remedy="move the recordings, and correct source.path",
        )


def _walk(folder: Path) -> tuple[list[File], dict[str, str]]:
    if not folder.is_dir():
        raise DataError(
            f"source.path {folder}",
            "this is a file" if folder.exists() else "there is no such folder",
            expected="the folder of the recordings",
            remedy=f"mount it, or correct source.path{KEPT}",
        )
    try:
        return walk(folder)
    except OSError as error:
        raise DataError(
            str(error.filename or folder),
            f"cannot be read ({error.strerror})",
            expected="a folder that this account may read",
            remedy=f"correct its permissions, or mount it again{KEPT}",
        ) from error


def _link(target: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Make the links in a raw folder those that are wanted, and remove all else."""
    remove_others(target, {MANIFEST, *(f"{LINKS}/{name}" for name in names)})
    for name in names:
        link, goal = target / LINKS / name, folder / name
        if link.is_symlink() and link.readlink() == goal:
            continue
        link.unlink(missing_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(goal)
