"""The base class of sources of raw files."""

from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

from pipeline.components import Component
from pipeline.patterns import Globs, Patterns

MANIFEST = "manifest.json"
"""The file that the stage `fetch` writes beside the raw files."""
LINKS = "links"
"""Folder of symbolic links in a raw folder, which DVC ignores: the manifest lists
their files, and a folder that is not mounted then makes nothing stale."""


@dataclass(frozen=True)
class Fetched:
    """The delivery of a source.

    Parameters
    ----------
    files : dict of str to str
        SHA-256 of each delivered file, by its path.
    absent : dict of str to str
        Files that the data set has but the source did not deliver, with the reason.
    left_out : dict of str to str
        Files that the source found and did not deliver, with the reason.
    root : str
        Folder in the raw folder from which the paths count: `LINKS` or "".
    """

    files: dict[str, str]
    absent: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    root: str = ""


class Source(Component):
    """The origin of a data set's raw files, and the rule that selects recordings.

    A recording is named after the fields of the pattern that its file fits:
    `{subject}`, `{session}`, `{run}` or any other. Members of zip and tar archives are
    files, `archive.zip/folder/file`.
    """

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    pattern: Annotated[
        Patterns,
        Field(
            description="path of a recording's main file, such as {subject}/{run}.edf; "
            "of several patterns the first that fits counts"
        ),
    ]
    only: Annotated[
        Globs, Field(description="shell patterns of the files to take; none: all")
    ] = ()
    excluded: Annotated[
        Globs,
        Field(
            alias="except",
            description="shell patterns of the files to leave out; as in `only`, an "
            "entry @PATH stands for the lines of a file",
        ),
    ] = ()

    @property
    def has_pseudonyms(self) -> bool:
        """Whether names of persons and recordings end at ingest."""
        return False

    @abstractmethod
    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Put the raw files below `target`, keep those that are right, remove others.

        Parameters
        ----------
        target : Path
            The data set's raw folder.
        seed : int
            For simulators: equal seeds give equal bytes.

        Raises
        ------
        DataError
            A file is missing, cut short or not the one its checksum promises.
        """
