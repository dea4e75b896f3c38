"""The expected results of a program on a device: decisions of the integer network.

They are written in the lines that `host_main.c` prints, so that `diff` compares them.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.device.running import Running
from pipeline.device.stimulus import AdcRecording, Stimulus, packed, unpacked
from pipeline.errors import DataError
from pipeline.networks.parts.heads import At
from pipeline.quantization.network import IntegerNetwork

BATCH = 256
"""Windows that the network runs at once."""

FrontEnd = Callable[[np.ndarray], tuple[np.ndarray, int]]
"""Maps samples (channel, time), int32, to spikes (step, feature) and saturations."""


@dataclass(frozen=True)
class Train:
    """The output of the front end for one recording.

    Parameters
    ----------
    samples, steps, saturations : int
    crc32 : int
        Of the packed spikes, step after step.
    """

    samples: int
    steps: int
    saturations: int
    crc32: int


@dataclass(frozen=True)
class Results:
    """The results of a program: its logits, and its front end's output.

    Parameters
    ----------
    windows : array, shape (window, class)
        Logits of the packed windows.
    decisions : array, shape (decision, class)
        Logits of all recordings' decisions.
    trains : tuple of Train
        One a recording.
    """

    windows: np.ndarray
    decisions: np.ndarray
    trains: tuple[Train, ...]


def expected(
    network: IntegerNetwork, stimulus: Stimulus, front_end: FrontEnd, running: Running
) -> Results:
    """Run the integer network and the front end's model on a stimulus.

    Raises
    ------
    DataError
        A recording has fewer steps than a decision requires.
    """
    n_features = stimulus.shape.n_features
    windows = unpacked(stimulus.windows, n_features)
    trains, decisions = [], []
    for recording in stimulus.recordings:
        spikes, saturations = front_end(recording.samples)
        crc = zlib.crc32(packed(spikes).tobytes())
        n_samples = recording.samples.shape[1]
        trains.append(Train(n_samples, len(spikes), saturations, crc))
        _check_decisions(recording, len(spikes))
        if running.restarts:
            decisions.append(_restarted(network, stimulus, recording, spikes))
        else:
            n_steps = stimulus.shape.n_steps
            decisions += _run_on(network, n_steps, recording, spikes)
    none = np.empty((0, stimulus.shape.n_classes), np.int64)
    return Results(
        _logits(network, windows), np.concatenate([none, *decisions]), tuple(trains)
    )


def expected_lines(stimulus: Stimulus, results: Results) -> list[str]:
    """Write the expected results as the host program prints them."""
    lines = [_line("window", k, row) for k, row in enumerate(results.windows)]
    rows = iter(results.decisions)
    for recording, train in zip(stimulus.recordings, results.trains, strict=True):
        lines += [_line("decision", at, next(rows)) for at in recording.decisions]
        lines.append(
            f"recording samples {train.samples} steps {train.steps} "
            f"saturations {train.saturations} crc32 {train.crc32:08x}"
        )
    return lines


def _line(what: str, number: int, logits: np.ndarray) -> str:
    written = " ".join(map(str, logits.tolist()))
    return f"{what} {number} class {logits.argmax()} logits {written}"


def _check_decisions(recording: AdcRecording, n_steps: int) -> None:
    if recording.decisions and recording.decisions[-1] > n_steps:
        raise DataError(
            "stimulus",
            f"a decision after {recording.decisions[-1]} steps",
            expected=f"at most the {n_steps} that the recording has",
        )


def _restarted(
    network: IntegerNetwork,
    stimulus: Stimulus,
    recording: AdcRecording,
    spikes: np.ndarray,
) -> np.ndarray:
    """Classify the steps before each decision; steps before the first are silent."""
    n_steps = stimulus.shape.n_steps
    padded = np.pad(spikes, ((n_steps, 0), (0, 0)))
    rows = np.add.outer(np.array(recording.decisions, np.int64), np.arange(n_steps))
    batches = [rows[k : k + BATCH] for k in range(0, len(rows), BATCH)]
    none = np.empty((0, stimulus.shape.n_classes), np.int64)
    return np.concatenate([none, *(_logits(network, padded[b]) for b in batches)])


def _run_on(
    network: IntegerNetwork, n_window: int, recording: AdcRecording, spikes: np.ndarray
) -> list[np.ndarray]:
    """Pass a recording once, anew only where asked; after it there is silence."""
    asked = np.array(recording.decisions, np.int64)
    firsts = np.searchsorted(asked, recording.anew)
    begins = [0, *(step - n_window for step in recording.anew)]
    parts = zip(begins, np.split(asked, firsts), strict=True)
    silent = np.pad(spikes, ((0, network.stride), (0, 0)))
    return [
        _decided(network, silent[begin:], steps - begin)
        for begin, steps in parts
        if len(steps)
    ]


def _decided(
    network: IntegerNetwork, spikes: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """Decide after so many steps, each at the first output complete at it or after."""
    stop = -(-int(steps[-1]) // network.stride) * network.stride
    piece = torch.from_numpy(np.ascontiguousarray(spikes[:stop, None], np.float32))
    stops = torch.from_numpy(steps)
    with torch.no_grad():
        logits = network.decide([piece], At(torch.zeros_like(stops), stops))
    decided: np.ndarray = logits.numpy()
    return decided


def _logits(network: IntegerNetwork, windows: np.ndarray) -> np.ndarray:
    """Run windows (window, step, feature) in batches."""
    parts = [np.empty((0, network.head.n_classes), np.int64)]
    for start in range(0, len(windows), BATCH):
        batch = windows[start : start + BATCH].swapaxes(0, 1)
        spikes = torch.from_numpy(np.ascontiguousarray(batch, np.float32))
        with torch.no_grad():
            parts.append(network(spikes).numpy())
    return np.concatenate(parts)
