r"""Time the spike codes side by side.

    python benchmarks/encoders.py [CODE ...]

64 channels at 1 kHz for 600 s, float32, (channel, time), one thread, until the spikes
are packed to bits. Medians over rounds in which all take turns with a copy of the
array, in the processor's seconds, so that other jobs count little. Peers stand in
`_encoder_peers`; slow ones get the first samples, and their time is scaled. Memory is
what numpy allocates at most besides the signal and the packed spikes.

snnTorch is installed with the project. Other libraries are peers if they are found, and
are named with the reason if not; they are installed apart, and without what they depend
on, for their pins are not ours:

    pip install --no-deps --target PEERS spike-encoding optuna colorlog torchmetrics \
        lightning-utilities
    pip install --no-deps --target PEERS --only-binary=:all: --python-version 3.13 \
        pyspikes==0.3.1
    PYTHONPATH=.:PEERS python benchmarks/encoders.py

(pyspikes asks for Python 3.13, and works with 3.11; before 0.3 it has no step-forward.)
"""

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator

import _encoder_peers as peers
import numba
import numpy as np
import torch
from _encoder_peers import Peer
from rich.console import Console
from rich.table import Table

from pipeline.encoders.base import Encoder
from pipeline.encoders.bsa import Bsa
from pipeline.encoders.delta import Delta
from pipeline.encoders.level_crossing import LevelCrossing
from pipeline.encoders.moving_window import MovingWindow
from pipeline.encoders.rate import Rate
from pipeline.encoders.send_on_delta import SendOnDelta
from pipeline.encoders.sigma_delta import SigmaDelta
from pipeline.encoders.temporal_contrast import TemporalContrast
from pipeline.encoding.encode import encode
from pipeline.signals import Signal

SFREQ = 1000.0
N_CHANNELS = 64
DURATION_S = 600
SMOOTH = 36
FEW, FEWER = 4000, 1000
"""Samples a channel that slow peers get."""

STREAMED = 2000
"""Single samples that are streamed, one call each."""

CODES: dict[str, Encoder] = {
    "delta": Delta(),
    "send_on_delta": SendOnDelta(),
    "temporal_contrast": TemporalContrast(threshold=0.1),
    "moving_window": MovingWindow(),
    "sigma_delta": SigmaDelta(),
    "level_crossing": LevelCrossing(),
    "bsa": Bsa(),
    "rate": Rate(),
    "rate, regular": Rate(kind="regular"),
    "delta, 50 events/s": Delta(events_per_s=50.0),
    "temporal_contrast, running": TemporalContrast(factor=1.0),
}


def peers_of(code: str) -> Iterator[Peer | str]:
    """Name a code's peers; of those that are not there, why."""
    d, w = CODES["delta"].threshold, "numpy, step by step"
    if code == "delta":
        yield Peer(w, peers.step_forward(d), FEW)
        yield Peer("numba, sample by sample", peers.scalar_step_forward(d))
        yield from optional(
            "pyspikes", lambda: peers.pyspikes("StepForward", threshold=d), same=True
        )
        yield from optional(
            "spike-encoding", lambda: peers.spike_encoding_step_forward(d), FEWER
        )
    elif code == "send_on_delta":
        yield Peer(w, peers.send_on_delta(d, 4), FEW)
    elif code == "temporal_contrast":
        yield Peer("numpy, all at once", peers.temporal_contrast(0.1))
        yield Peer("spikegen.delta", peers.snntorch_delta(0.1), same=False)
        yield from optional("pyspikes", lambda: peers.pyspikes("TBR"))
    elif code == "moving_window":
        yield Peer("numpy, all at once", peers.moving_window(d, 250))
    elif code == "sigma_delta":
        yield Peer(w, peers.sigma_delta(4.0), FEW)
    elif code == "level_crossing":
        yield Peer(w, peers.level_crossing(0.5, 4), FEW)
    elif code == "bsa":
        bsa: Bsa = CODES["bsa"]
        filter_ = bsa.taps(SFREQ), bsa.first_threshold()
        yield Peer(w, peers.bsa(*filter_), FEWER)
        yield from optional(
            "pyspikes", lambda: peers.pyspikes_bsa(*filter_), 16 * FEW, same=True
        )
    elif code == "rate":
        yield Peer("numpy, all at once", peers.numpy_rate(5.0))
        yield Peer("spikegen.rate", peers.snntorch_rate(5.0), same=False)
    elif code == "rate, regular":
        yield Peer(w, peers.regular_rate(5.0), FEW)


def optional(
    name: str,
    make: Callable[[], peers.Work],
    n_steps: int | None = None,
    same: bool = False,
) -> Iterator[Peer | str]:
    """Give a library's peer, or the reason why there is none."""
    try:
        yield Peer(name, make(), n_steps, same)
    except (ImportError, AttributeError) as error:
        yield f"{name}: {error}"


def recording() -> Signal:
    """Make noise that is smooth over 36 samples, of unit RMS."""
    n_samples = int(DURATION_S * SFREQ)
    samples = np.empty((N_CHANNELS, n_samples), np.float32)
    rng = np.random.default_rng(0)
    for row in samples:
        noise = rng.standard_normal(n_samples + SMOOTH, dtype=np.float32)
        sums = np.cumsum(noise, dtype=np.float64)
        row[:] = (sums[SMOOTH:] - sums[:-SMOOTH]) / np.sqrt(SMOOTH)
    names = tuple(f"E{n}" for n in range(N_CHANNELS))
    return Signal(samples, SFREQ, names, ("",) * N_CHANNELS, 0.0)


def seconds(work: Callable[[], object]) -> float:
    """Time one call, seconds of the processor."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def ours(encoder: Encoder, signal: Signal) -> np.ndarray:
    """Encode and pack."""
    return encode(encoder, signal, np.random.default_rng(1)).packed


def check(encoder: Encoder, peer: Peer, signal: Signal) -> None:
    """Hold a peer's bits against ours, on the first samples."""
    piece = np.ascontiguousarray(signal.samples[:, :FEWER])
    state = encoder.initial_state(N_CHANNELS, SFREQ, np.random.default_rng(1))
    bits, _ = encoder.encode_packed(piece, state)
    if not np.array_equal(bits, peer.work(piece)):
        raise AssertionError(f"{peer.name} gives other bits than {encoder!r}")


def peak_mb(encoder: Encoder, signal: Signal) -> float:
    """Measure what is allocated besides the signal and the packed spikes."""
    tracemalloc.start()
    packed = ours(encoder, signal)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (peak - packed.nbytes) / 1e6


def streamed_us(encoder: Encoder, signal: Signal) -> float:
    """Time one sample of all channels in a stream, microseconds, the median."""
    state = encoder.initial_state(N_CHANNELS, SFREQ, np.random.default_rng(1))
    times = []
    for step in range(STREAMED):
        sample = signal.samples[:, step : step + 1]
        begun = time.process_time()
        _, state = encoder.encode(sample, state)
        times.append(time.process_time() - begun)
    return 1e6 * statistics.median(times)


def compare(code: str, signal: Signal, rounds: int) -> list[tuple[str, ...]]:
    """Time a code, a copy and the code's peers in turn; give rows of the table."""
    encoder = CODES[code]
    found = list(peers_of(code))
    absent = [each for each in found if isinstance(each, str)]
    there = [each for each in found if isinstance(each, Peer)]
    for peer in there:
        if peer.same:
            check(encoder, peer, signal)
    ours(encoder, signal)  # compiles
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        take = {"copy": seconds(signal.samples.copy)}
        take["ours"] = seconds(lambda: ours(encoder, signal))
        for peer in there:
            n_steps = peer.n_steps or signal.samples.shape[1]
            piece = signal.samples[:, :n_steps]
            scale = signal.samples.shape[1] / n_steps
            work = peer.work
            take[peer.name] = scale * seconds(lambda: work(piece))  # noqa: B023
        for name, each in take.items():
            times.setdefault(name, []).append(each)
    median = {name: statistics.median(each) for name, each in times.items()}
    rows = [
        (
            code,
            f"{median['ours']:.3f}",
            f"{median['copy'] / median['ours']:.2f}",
            f"{peak_mb(encoder, signal):.0f}",
            f"{streamed_us(encoder, signal):.1f}",
        )
    ]
    for peer in there:
        marks = ("" if peer.same else ", other bits") + (
            f", {peer.n_steps} samples scaled" if peer.n_steps else ""
        )
        ratio = f"{median[peer.name] / median['ours']:.1f} times ours"
        rows.append(
            (f"  {peer.name}{marks}", f"{median[peer.name]:.3f}", "", ratio, "")
        )
    others = set(peers.LIBRARIES) - {*peers.COMPUTE.get(code, ())}
    notes = [f"  absent: {each}" for each in absent]
    notes += [f"  do not compute it: {', '.join(sorted(others))}"]
    return rows + [(note, "", "", "", "") for note in notes]


def main() -> None:
    """Print a table of all codes, or of those asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("code", nargs="*", default=list(CODES))
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    numba.set_num_threads(1)
    signal, console = recording(), Console(width=110)
    columns = ("code", "median s", "copy / ours", "MB more", "µs a sample")
    table = Table(*columns)
    for code in asked.code:
        for row in compare(code, signal, asked.rounds):
            table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
