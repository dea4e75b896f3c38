"""What every reader does."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.components import Component

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True)
class Entry:
    """One recording among a data set's raw files, before its samples are read.

    Parameters
    ----------
    recording : str
        Name of the recording, unique in the data set, fit for a file name.
    subject : str
        Who was recorded: recordings of one person share it, whatever their files say.
    session, run : str
        Sitting and take, as in BIDS.
    files : tuple of Path
        The files it is read from, relative to the raw folder.
    """

    recording: str
    subject: str
    session: str
    run: str
    files: tuple[Path, ...]


class Reader(Component):
    """A file format, with what this data set needs to say about it."""

    @abstractmethod
    def entries(self, folder: Path) -> list[Entry]:
        """List the recordings of a raw folder, sorted by name."""

    @abstractmethod
    def read(self, folder: Path, entry: Entry) -> "mne.io.BaseRaw":
        """Read one recording.

        Returns
        -------
        raw : mne.io.BaseRaw
            Samples in SI units; channel types set; annotations whose descriptions are
            the *data set's own labels* (beats, blocks or events), all others left out.

        Raises
        ------
        DataError
            The files are truncated, contradict each other, or lack a channel.
        """
