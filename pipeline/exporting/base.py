"""The interface of every exporter."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from pipeline.components import Component
from pipeline.training.cell import TrainedFold


class Exporter(Component):
    """A format that a trained network leaves in, exactly or not at all."""

    suffix: ClassVar[str]
    """The end of the name that it writes to, where none is given."""

    @abstractmethod
    def export(self, trained: TrainedFold, path: Path) -> None:
        """Write the trained network of a fold; what was there stays until it is done.

        The same fold gives the same bytes every time.

        Parameters
        ----------
        trained : TrainedFold
        path : Path
            The file or folder to write.

        Raises
        ------
        PipelineError
            The format cannot express a part of the network; it names the part and the
            reason, and writes nothing.
        DataError
            A file of the cell is missing, or `path` holds what is not ours.
        """
