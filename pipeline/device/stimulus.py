"""The input of a program on a device: windows of packed spikes, and raw samples.

A host reads it from a file, whose format `host_main.c` documents; a microcontroller has
it built in.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline import files
from pipeline.networks.base import Shape

MAGIC, FORMAT, WINDOWS, RECORDING = b"BSPK", 2, 1, 2
LINE = 88


@dataclass(frozen=True)
class AdcRecording:
    """A recording as a converter gives it, and the times of its decisions.

    Parameters
    ----------
    samples : array, shape (channel, time), int32
    decisions : sequence of int, ascending
        The number of encoded steps before each decision.
    anew : sequence of int
        The decisions before which the network starts anew, a window ago.
    """

    samples: np.ndarray
    decisions: Sequence[int] = ()
    anew: Sequence[int] = ()


@dataclass(frozen=True)
class Stimulus:
    """The input to be classified.

    Parameters
    ----------
    shape : Shape
    n_channels : int
        Of the recordings.
    windows : array, shape (window, step, byte), uint8
        As `packed` makes them.
    recordings : sequence of AdcRecording
        A microcontroller receives the samples of the first.
    """

    shape: Shape
    n_channels: int
    windows: np.ndarray
    recordings: Sequence[AdcRecording] = ()

    def write_file(self, path: Path) -> None:
        """Write the file that the host program reads."""
        with files.replacing(path) as partial, partial.open("wb") as stream:
            stream.writelines(self._parts())

    def write_source(self, path: Path) -> None:
        """Write `stimulus.c`."""
        with files.replacing(path) as partial:
            partial.write_text(self._source(), encoding="utf-8")

    def _parts(self) -> Iterator[bytes]:
        shape = self.shape
        sizes = self.n_channels, shape.n_features, shape.n_steps
        yield MAGIC + _words(FORMAT, *sizes)
        yield _words(WINDOWS, len(self.windows)) + self.windows.tobytes()
        for recording in self.recordings:
            samples, times = recording.samples, recording.decisions
            counts = samples.shape[1], len(times), len(recording.anew)
            yield _words(RECORDING, *counts, *times, *recording.anew)
            yield samples.T.astype("<i4").tobytes()

    def _source(self) -> str:
        nothing = AdcRecording(np.empty((1, 0), np.int32))
        first = self.recordings[0] if self.recordings else nothing
        signal = first.samples
        windows = self.windows.reshape(len(self.windows), -1)
        return (
            '/* The input of the harness. */\n#include "stimulus.h"\n\n'
            f"const uint32_t stimulus_windows = {len(windows)};\n"
            f"const uint32_t stimulus_samples = {signal.shape[1]};\n"
            "const uint8_t stimulus_spikes[][BIOSPIKE_STEPS * BIOSPIKE_SPIKE_BYTES] = "
            f"{_nested(windows)};\n"
            "const int32_t stimulus_signal[][BIOSPIKE_CHANNELS] = "
            f"{_nested(signal.T)};\n"
            + _listed("decisions", first.decisions)
            + _listed("anew", first.anew)
        )


def packed(spikes: np.ndarray) -> np.ndarray:
    """Pack spikes (…, feature) to bytes: feature f is bit f % 8 of byte f / 8."""
    return np.packbits(spikes.astype(bool), axis=-1, bitorder="little")


def unpacked(windows: np.ndarray, n_features: int) -> np.ndarray:
    """Unpack bytes (…, byte) to spikes (…, feature)."""
    bits = np.unpackbits(windows, axis=-1, count=n_features, bitorder="little")
    return bits.astype(bool)


def _words(*values: int) -> bytes:
    return np.array(values, "<u4").tobytes()


def _listed(name: str, steps: Sequence[int]) -> str:
    """Write steps as C, and how many there are."""
    return (
        f"const uint32_t stimulus_n_{name} = {len(steps)};\n"
        f"const uint32_t stimulus_{name}[] = {_row(list(steps) or [0])[4:-1]};\n"
    )


def _nested(rows: np.ndarray) -> str:
    """Write rows as C; of none, one of zeros: C99 has no empty arrays."""
    if not rows.size:
        return "{{0}}"
    return "{\n" + "\n".join(map(_row, rows.tolist())) + "\n}"


def _row(values: list[int]) -> str:
    text = ", ".join(map(str, values))
    inside = textwrap.fill(
        text, LINE, initial_indent="    {", subsequent_indent="     "
    )
    return inside + "},"
