"""Plain EDF, EDF+ and BDF files whose names say who was recorded, and when."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from pipeline.axes import Precise
from pipeline.quality import FLAT_S
from pipeline.readers._edf_header import check_channels, read_edf_header
from pipeline.readers._pattern import Template, fitting
from pipeline.readers._raw import (
    ChannelType,
    LineFrequency,
    choose,
    opening,
    present,
)
from pipeline.readers.base import Entry, Reader

if TYPE_CHECKING:
    import mne


class Edf(Reader):
    """EDF files, each of which is one block of the label that belongs to its run."""

    pattern: Template
    labels: Annotated[dict[str, str], Field(description="label of a file by its run")]
    channels: Annotated[
        tuple[str, ...],
        Field(min_length=1, description="names in order, without the type before them"),
    ]
    channel_type: ChannelType = "eeg"
    line_freq: LineFrequency = None

    def entries(self, folder: Path) -> list[Entry]:
        """List the files that fit the pattern."""
        files = (path.relative_to(folder) for path in folder.rglob("*.*"))
        paths = {file.as_posix(): file for file in files}
        return list(fitting(self.pattern, paths).values())

    def read(self, folder: Path, entry: Entry) -> "mne.io.BaseRaw":
        """Read one file.

        Parameters
        ----------
        folder : Path
        entry : Entry

        Returns
        -------
        raw : mne.io.BaseRaw
            The chosen channels in volts; the annotations of EDF+ are left out.

        Raises
        ------
        DataError
            The file is empty, cut short or damaged, lacks a channel, or the chosen
            channels have several rates or another unit.
        """
        import mne

        (file,) = entry.files
        present(folder, entry.files)
        header = read_edf_header(folder, file)
        # EDF+ writes "EEG Fp1": the type, a space, the sensor.
        prefix = f"{self.channel_type.upper()} "
        named = {label.removeprefix(prefix): label for label in header.labels}
        choose(list(named), self.channels, str(file))
        labels = [named[name] for name in self.channels]
        check_channels(file, header, labels)
        with opening(folder, str(file)):
            # Left out here, a faster channel cannot raise the rate of the others.
            raw = mne.io.read_raw(folder / file, include=labels, verbose="warning")
            raw.load_data(verbose="error").reorder_channels(labels)
        raw.rename_channels(dict(zip(labels, self.channels, strict=True)))
        raw.set_channel_types(dict.fromkeys(self.channels, self.channel_type))
        raw.info["line_freq"] = self.line_freq
        _label_whole(raw, self.labels.get(entry.run))
        return raw


def _label_whole(raw: "mne.io.BaseRaw", label: str | None) -> None:
    """Replace the annotations of EDF+ by one block of the label, or by none."""
    import mne

    raw.info["temp"] = {"unlabelled": len(raw.annotations)}
    length_s = _length_s(raw.get_data(), float(raw.info["sfreq"]))
    labelled = label is not None and length_s > 0
    block = mne.Annotations([0.0], [length_s], [label]) if labelled else None
    raw.set_annotations(block, verbose="error")


def _length_s(samples: Precise, sfreq: float) -> float:
    """Tell when the signal ends: constants may fill up the last data records."""
    changes = np.flatnonzero(np.diff(samples, axis=1).any(axis=0))
    soon_after_another = np.diff(changes) < FLAT_S * sfreq
    lively = changes[1:][soon_after_another]
    return float((lively[-1] + 2) / sfreq) if lively.size else 0.0
