"""The places that raw files are taken from: a folder, or an address on the web.

Execution options: `BIOSPIKE_MIRROR` is a folder or URL that holds a folder of files for
each data set, and `BIOSPIKE_MIRROR_PARTIAL=1` states that archives there are cut down.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from pipeline.errors import DataError
from pipeline.files import file_digest, replacing
from pipeline.sources.parts.walk import checkout, walk
from pipeline.sources.parts.web import Check, Web


@dataclass(frozen=True)
class Folder:
    """A folder on this machine.

    Parameters
    ----------
    root : Path
        The data set's folder.
    """

    root: Path

    def where(self, name: str) -> str:
        """Name the place where a file is expected."""
        return str(self.root / name)

    def digest(self, name: str) -> str | None:
        """Compute the SHA-256 of a file; None if it is not there."""
        path = self.root / name
        return file_digest(path) if path.is_file() else None

    def take(self, name: str, path: Path, verify: Check, bar: Progress) -> None:
        """Copy a file to `path`, unless `verify` refuses the copy.

        Raises
        ------
        FileNotFoundError
            The folder lacks the file.
        DataError
            There is no such folder, the file is a link out of the mirror, or the copy
            is refused.
        """
        self._refuse_absent()
        if self._leads_out(name):
            raise DataError(
                self.where(name),
                f"is a link out of the mirror, to {(self.root / name).resolve()}",
                expected="files that lie in the mirror",
                remedy="copy the file there; the source `folder` follows links",
            )
        with replacing(path) as partial:
            shutil.copyfile(self.root / name, partial)
            verify(partial)

    def listing(self) -> tuple[list[str], dict[str, str]]:
        """List the files that lie there, and why others do not count.

        Raises
        ------
        DataError
            There is no such folder.
        """
        self._refuse_absent()
        files, left_out = walk(self.root)
        names = [path for path, _, _ in files]
        out = dict.fromkeys(filter(self._leads_out, names), "a link out of the mirror")
        return [name for name in names if name not in out], left_out | out

    def _leads_out(self, name: str) -> bool:
        """Whether a file is a link out of the mirror; its folders may be links."""
        real = (self.root / name).resolve()
        inside = self.root.resolve(), self.root.parent.resolve()
        return not any(real.is_relative_to(folder) for folder in inside)

    def _refuse_absent(self) -> None:
        if not self.root.is_dir():
            raise DataError(
                str(self.root),
                "there is no such folder",
                expected="a mirror with this data set's files",
                remedy="correct BIOSPIKE_MIRROR (a relative path counts from the "
                "project's root), or unset it to download",
            )


Origin = Folder | Web


def mirror_of(name: str) -> Origin | None:
    """Find the mirror of a data set; None if no mirror is asked for."""
    place = os.environ.get("BIOSPIKE_MIRROR")
    if not place:
        return None
    if place.startswith(("http://", "https://")):
        return Web(f"{place.rstrip('/')}/{name}")
    return Folder(checkout() / Path(place).expanduser() / name)


def archives_may_be_cut_down() -> bool:
    """Whether the mirror's archives may lack members."""
    return os.environ.get("BIOSPIKE_MIRROR_PARTIAL") == "1"
