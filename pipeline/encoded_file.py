"""One recording of any format, encoded without the pipeline: `biospike encode`."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import quality, seeds
from pipeline.components import find
from pipeline.config import Params
from pipeline.encoders.base import Encoder
from pipeline.encoding.encode import encode
from pipeline.encoding.measure import measure
from pipeline.errors import ConfigError, DataError, PipelineError
from pipeline.ingestion.plausible import refuse_implausible
from pipeline.preparation.signals import SignalSettings
from pipeline.proposal import defaults
from pipeline.proposal.asking import Asking
from pipeline.proposal.facts import Chosen
from pipeline.proposal.files import Recordings, readers
from pipeline.proposal.looking import look
from pipeline.proposal.reading import (
    choose_reader,
    find_line_freq,
    find_modality,
    stated,
)
from pipeline.quality import Measured
from pipeline.readers.base import LEAVE_OUT, Content, Reader
from pipeline.signals import Signal
from pipeline.spikes import Spikes
from pipeline.wording import did_you_mean

COMMAND = "biospike encode"

UNCHECKED = r"set the reader's unchecked to \[(\w+)\]"
"""What readers advise where their files are right."""


@dataclass(frozen=True)
class EncodedFile:
    """A recording's code, and how it came about.

    Parameters
    ----------
    encoder : Encoder
    modality : str
    settings : SignalSettings
        How the signal was prepared.
    signal : Signal
    spikes : Spikes
    table : DataFrame
        What the code costs and keeps, as `measure` gives it.
    """

    encoder: Encoder[Any]
    modality: str
    settings: SignalSettings
    signal: Signal
    spikes: Spikes
    table: pd.DataFrame


@dataclass(frozen=True)
class Recognised:
    """What reading and preparing one file takes.

    Parameters
    ----------
    modality : str
    reader : mapping
        Its settings, with its name.
    line_freq : float
        Mains frequency, Hz.
    """

    modality: str
    reader: Mapping[str, Any]
    line_freq: float


def encode_file(
    path: Path,
    name: str,
    params: Params,
    flags: Mapping[str, str],
    channels: tuple[str, ...] | None = None,
) -> EncodedFile:
    """Read, prepare and encode one recording, and measure its code.

    It is read as the stage ingest reads it, and prepared as `biospike new-dataset`
    proposes for its modality.

    Parameters
    ----------
    path : Path
        The recording's main file: of a WFDB record the header.
    name : str
        An encoder of `params.yaml`.
    params : Params
    flags : mapping of str to str
        Flags that give what the file does not state.
    channels : tuple of str, optional
        Default: all of the modality.

    Raises
    ------
    ConfigError
        The encoder is not known, it does not fit the signal, or the file does not state
        what a flag must.
    DataError
        The file is absent or damaged, its format is not known, it has no such channel,
        or its samples are no signal.
    """
    encoder = _encoder(name, params)
    asked, content = _recognised_and_read(path, flags, channels)
    chosen = defaults.signal(asked.modality, content.sfreq, asked.line_freq)
    settings = SignalSettings.model_validate(_plain(chosen))
    signal = _prepared(content, settings, path.name)
    rng = seeds.generator(params.read("seed"), name, "encode", path.name)
    spikes = encode(encoder, signal, rng)
    table = measure(encoder, signal, spikes)
    return EncodedFile(encoder, asked.modality, settings, signal, spikes, table)


def read_file(path: Path, flags: Mapping[str, str]) -> Content:
    """Read one recording as the stage ingest reads it.

    Raises
    ------
    ConfigError
        The file does not state what a flag must.
    DataError
        As for `encode_file`.
    """
    return _recognised_and_read(path, flags, None)[1]


def _recognised_and_read(
    path: Path, flags: Mapping[str, str], channels: tuple[str, ...] | None
) -> tuple[Recognised, Content]:
    recordings = _recordings(path)
    asked = _recognised(recordings, flags, channels)
    return asked, _read(recordings, asked.reader)


def _encoder(name: str, params: Params) -> Encoder[Any]:
    if name not in (known := params.names("encoders")):
        raise ConfigError(
            "--encoder",
            f"there is no encoder '{name}' in params.yaml",
            expected=did_you_mean(name, known),
            remedy="correct the name, or add an entry to `encoders` in params.yaml",
        )
    encoder: Encoder[Any] = params.read(f"encoders.{name}")
    return encoder


def _recordings(path: Path) -> Recordings:
    """Take a file for a folder's one recording, beside which its other files lie."""
    if not path.is_file():
        raise DataError(
            str(path),
            "this is a folder" if path.is_dir() else "there is no such file",
            expected="the main file of a recording",
            remedy="correct the path",
        )
    if path.suffix.lower() not in (known := readers()):
        raise DataError(
            str(path),
            f"the format of '{path.suffix or path.name}' files is not known",
            expected="a file that ends in " + ", ".join(known),
            remedy="name the recording's main file, of a WFDB record its header (.hea)",
        )
    names = sorted(each.name for each in path.parent.iterdir() if each.is_file())
    return Recordings(path.parent, tuple(names), (path.name,))


def _recognised(
    recordings: Recordings,
    flags: Mapping[str, str],
    channels: tuple[str, ...] | None,
) -> Recognised:
    """Find what the file states about itself; flags give the rest."""
    asking = Asking(flags, None, COMMAND)
    with _guarded(recordings):
        looked = look(recordings, stated(asking))
    modality = find_modality(recordings, looked, asking)
    line_freq = find_line_freq(looked, asking)
    reader = choose_reader(recordings, looked, modality, line_freq, asking)
    asking.refuse_missing()
    assert modality is not None  # else a question has no answer
    known = tuple(looked.channels)
    for channel in channels or ():
        if known and channel not in known:
            raise ConfigError(
                "--channels",
                f"{recordings.mains[0]} has no channel '{channel}'",
                expected=did_you_mean(channel, known),
                remedy="correct the flag, or leave it out for all channels",
            )
    own = {"channels": list(channels)} if channels else {}
    plain = {**_plain(reader), **own}
    return Recognised(str(modality.value), plain, float(line_freq.value))


def _plain(chosen: Mapping[str, Chosen]) -> dict[str, Any]:
    """Give settings without their reasons."""
    return {key: each.value for key, each in chosen.items()}


def _read(recordings: Recordings, settings: Mapping[str, Any]) -> Content:
    """Read a file by its reader, and refuse what is no signal."""
    from pipeline.ingestion.lazy import Pieces

    plain = dict(settings)
    reader = find("readers", plain.pop("name")).model_validate(plain)
    assert isinstance(reader, Reader)
    (main,), folder = recordings.mains, recordings.folder
    with _guarded(recordings):
        others = reader.companions(folder, main, recordings.names)
        content = reader.read(folder, (main, *others), ())
        if content.n_samples <= 0 or not content.channels:
            raise DataError(
                main,
                f"{len(content.channels)} channels of {content.n_samples} samples",
                expected="at least one sample",
                remedy="name another file",
            )
        pieces = iter(Pieces(content))
        measured = quality.measure(pieces, content.sfreq, content.line_freq)
        _refuse_not_finite(main, content, measured)
        refuse_implausible(main, content, measured, reader.unchecked)
    return content


def _refuse_not_finite(where: str, content: Content, measured: Measured) -> None:
    for channel, share in zip(content.channels, measured.nan_share, strict=True):
        if share:
            raise DataError(
                f"{where}, channel {channel}",
                f"{round(share * content.n_samples)} of {content.n_samples} samples "
                "are no finite numbers",
                expected="numbers: a filter would carry anything else to the end",
                remedy="choose other channels by --channels, or mend the recording",
            )


@contextmanager
def _guarded(recordings: Recordings) -> Iterator[None]:
    """Make a refusal of what a library raises over a file."""
    try:
        yield
    except DataError as error:
        raise DataError(
            error.where,
            error.found,
            expected=error.expected,
            remedy=in_flags(error.remedy),
        ) from error
    except (PipelineError, MemoryError):
        raise
    except Exception as error:
        text = next(iter(str(error).splitlines()), "no reason given")
        raise DataError(
            str(recordings.folder / recordings.mains[0]),
            f"the reader failed with {type(error).__name__} ({text})",
            expected=f"a recording in the format of {recordings.suffix} files",
            remedy="name a sound file; --debug shows where reading failed",
        ) from error


def in_flags(remedy: str) -> str:
    """Write a reader's remedy with flags in place of settings in `params.yaml`."""
    for words in (f", or {LEAVE_OUT}", f", {LEAVE_OUT}"):
        remedy = remedy.replace(words, "")
    if remedy.startswith(LEAVE_OUT):
        others = remedy.removeprefix(LEAVE_OUT).removeprefix(", ").removeprefix("or ")
        remedy = others or "name another file"
    return re.sub(UNCHECKED, r"give --unchecked \1", remedy)


def _prepared(content: Content, settings: SignalSettings, where: str) -> Signal:
    """Filter, resample and scale a recording in memory."""
    from pipeline.ingestion.lazy import LazyRaw, Pieces
    from pipeline.preparation.streaming import prepare_recording

    raw = LazyRaw(content, Pieces(content))
    starts = tuple(segment.start for segment in content.segments)
    return prepare_recording(raw, settings, starts, where=where)
