"""EEG-BIDS and EMG-BIDS trees (https://bids-specification.readthedocs.io)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pipeline.errors import DataError
from pipeline.readers._edf_header import check_channels, read_edf_header
from pipeline.readers._raw import annotate, choose, opening, present
from pipeline.readers.base import Entry, Reader

if TYPE_CHECKING:
    import mne

MAIN = (".edf", ".bdf", ".vhdr", ".set")
"""The one file of a recording that names the others."""


class Bids(Reader):
    """A BIDS tree; labels by `trial_type`, mains frequency by the sidecar."""

    datatype: Annotated[
        Literal["eeg", "emg"], Field(description="folder and suffix in the tree")
    ]
    labels: Annotated[
        dict[str, str],
        Field(
            min_length=1,
            description="label of a trial_type (of trial_type/value where one "
            "trial_type has several values); others are left out",
        ),
    ]
    channels: Annotated[
        tuple[str, ...] | None,
        Field(min_length=1, description="names in order; null: all of the datatype"),
    ] = None

    def entries(self, folder: Path) -> list[Entry]:
        """List the recordings of the tree."""
        found = folder.glob(f"sub-*/**/{self.datatype}/*_{self.datatype}.*")
        mains = sorted(path for path in found if path.suffix in MAIN)
        return [self._entry(folder, main) for main in mains]

    def read(self, folder: Path, entry: Entry) -> "mne.io.BaseRaw":
        """Read one recording.

        Parameters
        ----------
        folder : Path
        entry : Entry

        Returns
        -------
        raw : mne.io.BaseRaw
            Volts; channels marked bad in `channels.tsv` are kept, for all recordings
            need the same ones.

        Raises
        ------
        DataError
            A file is missing, empty, cut short or damaged, lacks a channel, or has
            events beyond its end.
        """
        import mne_bids

        present(folder, entry.files)
        main = entry.files[0]
        is_edf = main.suffix in (".edf", ".bdf")
        header = read_edf_header(folder, main) if is_edf else None
        with opening(folder, main.as_posix()):
            path = mne_bids.get_bids_path_from_fname(folder / main)
            raw = mne_bids.read_raw_bids(path, verbose="warning")
        names = self._choose(main.as_posix(), raw)
        if header is not None:
            check_channels(main, header, names)
        with opening(folder, main.as_posix()):
            raw.reorder_channels(names).load_data(verbose="warning")
        found = raw.annotations
        annotate(raw, found.onset, found.duration, list(found.description), self.labels)
        return raw

    def _choose(self, where: str, raw: "mne.io.BaseRaw") -> list[str]:
        names = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
        if self.channels is not None:
            choose(list(names), self.channels, where)
            return list(self.channels)
        chosen = [name for name, kind in names.items() if kind == self.datatype]
        if not chosen:
            raise DataError(
                where,
                f"has no channel of type {self.datatype}, among {', '.join(names)}",
                expected="types in channels.tsv",
                remedy="name the reader's channels in params.yaml",
            )
        return chosen

    def _entry(self, folder: Path, main: Path) -> Entry:
        parts = dict(part.split("-", 1) for part in main.stem.split("_")[:-1])
        return Entry(
            main.stem.rpartition("_")[0],
            subject=parts["sub"],
            session=parts.get("ses", ""),
            run=parts.get("run", ""),
            files=(main.relative_to(folder), *self._companions(folder, main)),
        )

    def _companions(self, folder: Path, main: Path) -> list[Path]:
        """List the files that say something of a recording: BIDS's inheritance.

        They lie beside it or above it, speak of the signal, its channels or its
        events, and every entity in their names is one of the recording's.
        """
        entities = set(main.stem.split("_")[:-1])
        above = [parent for parent in main.parents if parent.is_relative_to(folder)]
        beside = (path for parent in above for path in parent.glob("*_*.*"))
        return sorted(
            path.relative_to(folder)
            for path in beside
            if path != main
            and path.stem.rpartition("_")[2] in (self.datatype, "channels", "events")
            and entities.issuperset(path.stem.split("_")[:-1])
        )
