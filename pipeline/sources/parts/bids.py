"""Writing recordings as a BIDS tree of EDF files."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.sources.parts.waves import MAINS_HZ

if TYPE_CHECKING:
    import mne

Event = tuple[float, float, str]
"""Onset and duration in seconds, and what happened."""


@dataclass(frozen=True)
class Sitting:
    """The metadata of one recording in a BIDS tree.

    Parameters
    ----------
    subject, session, task, datatype : str
        BIDS entities; `session` may be empty; `datatype` is emg or eeg.
    sidecar : dict
        What the JSON beside the recording states about amplifier and electrodes.
    """

    subject: str
    session: str
    task: str
    datatype: str
    sidecar: dict[str, str] = field(default_factory=dict)


def make_raw(
    volts: np.ndarray,
    channels: list[str],
    sfreq: float,
    kind: str,
    events: list[Event],
) -> "mne.io.RawArray":
    """Make a recording without date or person.

    Parameters
    ----------
    volts : array, shape (channel, time)
        Samples.
    channels : list of str
        A name a row.
    sfreq : float
        Samples per second.
    kind : str
        MNE's channel type, of all channels.
    events : list of Event
        All that is marked.
    """
    import mne

    info = mne.create_info(channels, sfreq, kind)
    info["line_freq"] = MAINS_HZ
    raw = mne.io.RawArray(volts, info, verbose="error")
    onsets, durations, labels = zip(*events, strict=True)
    return raw.set_annotations(mne.Annotations(onsets, durations, labels))


def write_recording(root: Path, raw: "mne.io.BaseRaw", sitting: Sitting) -> None:
    """Write one recording with its events, channels and sidecar below a BIDS root."""
    import mne_bids

    path = mne_bids.BIDSPath(
        root=root,
        subject=sitting.subject,
        session=sitting.session or None,
        task=sitting.task,
        datatype=sitting.datatype,
    )
    written = mne_bids.write_raw_bids(
        raw,
        path,
        format="EDF",
        allow_preload=True,
        emg_placement="Other" if sitting.datatype == "emg" else None,
        readme=False,
        verbose="error",
    )
    sidecar = written.copy().update(extension=".json")
    mne_bids.update_sidecar_json(sidecar, sitting.sidecar, verbose="error")


def keep_subject(root: Path, subject: str) -> None:
    """Remove what MNE-BIDS writes for the entire set: here it is one subject's."""
    for path in root.iterdir():
        if path.name != f"sub-{subject}":
            path.unlink()


def description(name: str, about: str, subjects: list[str]) -> dict[str, str]:
    """Make the files every BIDS tree has at its root, as text by name."""
    described = {"Name": name, "BIDSVersion": "1.11.0", "DatasetType": "raw"}
    participants = ["participant_id", *(f"sub-{subject}" for subject in subjects)]
    return {
        "README.md": f"# {name}\n\n{about}\n",
        "dataset_description.json": json.dumps(described, indent=2) + "\n",
        "participants.tsv": "\n".join(participants) + "\n",
    }
