"""What every source of raw files does."""

from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.components import Component


@dataclass(frozen=True)
class Fetched:
    """What a source delivered.

    Parameters
    ----------
    files : dict of str to str
        SHA-256 of each delivered file, by its path within the raw folder.
    absent : dict of str to str
        Subjects the data set has but the source did not deliver, with the reason.
    """

    files: dict[str, str]
    absent: dict[str, str] = field(default_factory=dict)


class Source(Component):
    """Where a data set's raw files come from."""

    @abstractmethod
    def fetch(self, target: Path, *, seed: int) -> Fetched:
        """Put the raw files below `target`, keeping those that are already right.

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
