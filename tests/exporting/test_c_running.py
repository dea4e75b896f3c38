"""Programs that run on: whole recordings, decided again and again."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pipeline.device.expected import expected, expected_lines
from pipeline.device.running import RESTARTS, RUNS_ON, Running
from pipeline.device.stimulus import AdcRecording
from pipeline.networks.parts.heads import At, segment_edges
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.quantize import outputs_of
from pipeline.quantization.read_outs import IntegerReadOut
from pipeline.quantization.traces import IntegerTraces
from pipeline.training.memory import in_stretches
from pipeline.training.stretches import Stretches
from tests.exporting.programs import (
    STEPS,
    build,
    encoder_of,
    front_end_of,
    needs_gcc,
    network,
    random_samples,
    random_spikes,
    run,
    stimulus_of,
    write,
)

DECISIONS = (1, 7, 8, STEPS, STEPS, STEPS + 6, 130, 131, 199, 200)
MEMORY = Running(memory=100)
HOW = {"runs on": RUNS_ON, "remembers": MEMORY, "restarts": RESTARTS}


def recording(features: int, running: Running) -> AdcRecording:
    """200 steps, decided within strides, twice at once and after the last step."""
    samples = random_samples(features // 2)
    return AdcRecording(samples, DECISIONS, running.anew(DECISIONS))


def plain_traces(head: IntegerTraces, outputs: np.ndarray) -> list[int]:
    """Step traces through (time, neuron), a number at a time, and add them up."""
    alpha, bias, factor = (head.get_buffer(name).tolist() for name in head.TENSORS)
    rows = head.linear.weight.tolist()
    traces = [0] * len(rows)
    for spikes in outputs.astype(int).tolist():
        for k, row in enumerate(rows):
            total = sum(w * s for w, s in zip(row, spikes, strict=True))
            kept = (alpha[k] * traces[k] + 2**14) // 2**15
            traces[k] = kept + total * 2**head.up + bias[k]
    half = 2 ** (head.shift - 1)
    shares = [
        (y * m + half) // 2**head.shift for y, m in zip(traces, factor, strict=True)
    ]
    return [sum(shares[c :: head.n_classes]) for c in range(head.n_classes)]


def plain_read_out(head: IntegerReadOut, outputs: np.ndarray) -> list[int]:
    """Read the last steps of (time, neuron), a value at a time; silence before."""
    if isinstance(head, IntegerTraces):
        return plain_traces(head, outputs)
    n_read, bins = head.constants["n_read"], head.constants["bins"]
    seen = np.pad(outputs, ((n_read, 0), (0, 0)))[-n_read:].astype(int).tolist()
    columns = [
        (channel, range(first, stop))
        for first, stop in segment_edges(n_read, bins)
        for channel in range(outputs.shape[1])
    ]
    logits = []
    for k, row in enumerate(head.linear.weight.tolist()):
        total = int(head.get_buffer("bias")[k])
        for weight, (channel, steps) in zip(row, columns, strict=True):
            for step in steps:
                total += weight * seen[step][channel]
        product = total * int(head.get_buffer("multiplier")[k])
        logits.append((product + (1 << head.shift >> 1)) >> head.shift)
    return logits


def plain_decisions(
    made: IntegerNetwork, spikes: np.ndarray, running: Running
) -> list[list[int]]:
    """Decide each alone, from where its memory begins; after the end is silence."""
    logits, begin = [], 0
    for step in DECISIONS:
        padded = np.pad(spikes, ((STEPS, made.stride), (0, 0)))
        if running.restarts or step in running.anew(DECISIONS):
            begin = step - STEPS
        complete = step - begin
        if not running.restarts:
            complete = -(-complete // made.stride) * made.stride
        seen = padded[STEPS + begin : STEPS + begin + complete, None]
        last = torch.from_numpy(seen.astype(np.float32))
        if made.layers:
            last = outputs_of(made, last)[-1]
        logits.append(plain_read_out(made.head, last[:, 0].numpy()))
    return logits


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    "kind",
    [
        "leaky subtract",
        "relu",
        "competing 2 90",
        "nothing",
        "leaky subtract traces 4",
        "relu traces 1",
        "leaky zero own",
        "multisynaptic",
    ],
)
def test_decisions_are_those_of_a_plain_loop(kind: str, how: str) -> None:
    features, made = network(kind)
    running, encode = HOW[how], encoder_of(front_end_of(features // 2))
    own = recording(features, running)
    stimulus = stimulus_of(features, random_spikes(features), own)
    found = expected(made, stimulus, encode, running).decisions
    spikes, _ = encode(own.samples)
    assert found.tolist() == plain_decisions(made, spikes, running)
    assert len(set(map(tuple, found.tolist()))) > 4


@needs_gcc
@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("polynomial zero", "runs on"),
        ("competing 2 90", "remembers"),
        ("relu", "runs on"),
        ("leaky zero traces 3", "runs on"),
        ("leaky zero traces 3", "remembers"),
        ("relu traces 1", "restarts"),
        ("leaky subtract own traces 2", "remembers"),
        ("leaky zero own pruned", "runs on"),
        ("dendritic own traces 2", "remembers"),
        ("multisynaptic own", "runs on"),
        ("multisynaptic traces 2", "restarts"),
    ],
)
def test_recordings_pass_to_the_bit(kind: str, how: str, tmp_path: Path) -> None:
    features, made = network(kind)
    running = HOW[how]
    front_end = write(tmp_path, features, made, running)
    own = recording(features, running)
    # A second one: nothing is left of the first.
    stimulus = stimulus_of(features, random_spikes(features), own, own)
    stimulus.write_file(tmp_path / "s.bin")
    lines = run(build(tmp_path, "build/biospike"), tmp_path / "s.bin")
    results = expected(made, stimulus, encoder_of(front_end), running)
    assert lines == expected_lines(stimulus, results)
    half = len(results.decisions) // 2
    assert (results.decisions[:half] == results.decisions[half:]).all()


def test_running_on_and_restarting_differ() -> None:
    features, made = network("leaky subtract")
    encode = encoder_of(front_end_of(features // 2))
    found = {}
    for how, running in HOW.items():
        stimulus = stimulus_of(
            features, random_spikes(features), recording(features, running)
        )
        found[how] = expected(made, stimulus, encode, running).decisions[-1].tolist()
    assert len(set(map(tuple, found.values()))) == 3


@pytest.mark.parametrize(
    "kind",
    ["leaky zero", "leaky zero own traces 2", "dendritic own", "multisynaptic own"],
)
@pytest.mark.parametrize("size", [8, 24, 200])
def test_chunks_decide_as_one_piece(size: int, kind: str) -> None:
    features, made = network(kind)
    spikes = (torch.rand(200, 1, features) < 0.2).float()
    steps = torch.tensor(DECISIONS)
    at = At(torch.zeros_like(steps), steps)
    with torch.no_grad():
        whole = made.decide([spikes], at)
        assert (made.decide(torch.split(spikes, size), at) == whole).all()


def test_the_device_decides_as_the_evaluation() -> None:
    """Of one stretch: `Stretches` passes it in integers as the program does."""
    features, made = network("leaky subtract")
    encode = encoder_of(front_end_of(features // 2))
    own = recording(features, RUNS_ON)
    spikes, _ = encode(own.samples)
    steps = torch.tensor(DECISIONS)
    stretches = Stretches(
        torch.from_numpy(spikes.astype(np.uint8)), torch.tensor([0]),
        torch.tensor([len(spikes)]), torch.zeros_like(steps), steps,
        torch.zeros_like(steps), STEPS, 0.01,
    )  # fmt: skip
    stimulus = stimulus_of(features, random_spikes(features), own)
    found = expected(made, stimulus, encode, RUNS_ON).decisions
    rows = torch.arange(len(steps))
    assert stretches.logits(made, rows).tolist() == found.tolist()


@pytest.mark.parametrize("memory", [None, 83, 100, 170])
def test_memory_ends_where_stretches_end(memory: int | None) -> None:
    stops = np.sort(np.random.default_rng(3).integers(1, 1200, 60))
    table = pd.DataFrame({
        "recording": "a", "segment": 0, "segment_start": 0, "segment_stop": 1200,
        "start": stops - 83, "stop": stops, "role": "test",
    })  # fmt: skip
    found = in_stretches(table, limit=memory)
    starts = found.groupby("stretch").first()
    anew = Running(memory=memory).anew(stops.tolist())
    assert starts["stop"].tolist()[1:] == anew
    assert starts["stretch_start"].tolist()[1:] == [step - 83 for step in anew]


@needs_gcc
@pytest.mark.parametrize(
    ("running", "anew", "message"),
    [
        (RUNS_ON, (130,), "a network that only runs on cannot start anew"),
        (MEMORY, (131,), "the network starts anew before it has decided"),
    ],
)
def test_a_start_that_cannot_be_is_reported(
    running: Running, anew: tuple[int, ...], message: str, tmp_path: Path
) -> None:
    features, made = network("leaky subtract")
    write(tmp_path, features, made, running)
    own = AdcRecording(random_samples(2), (130, 131), anew)
    stimulus = stimulus_of(features, random_spikes(features), own)
    stimulus.write_file(tmp_path / "s.bin")
    command: list[Any] = [build(tmp_path, "build/biospike"), tmp_path / "s.bin"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr
