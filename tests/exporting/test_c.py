import re
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pipeline.components import available as components
from pipeline.components import find
from pipeline.device.expected import expected, expected_lines
from pipeline.device.running import RESTARTS
from pipeline.device.stimulus import AdcRecording, packed, unpacked
from pipeline.exporting.parts.c_arrays import constants
from pipeline.exporting.parts.c_rows import is_sparse, write_rows
from pipeline.exporting.parts.c_taps import InexpressibleError
from pipeline.networks.base import Shape
from pipeline.networks.dense import Dense as DenseNetwork
from pipeline.networks.parts.heads import RateHead, SegmentRates
from pipeline.networks.parts.stack import Layer, Stack
from pipeline.profiling.operations import count
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.neurons.base import available
from pipeline.quantization.neurons.leaky import IntegerLeaky
from pipeline.quantization.quantize import outputs_of, quantize
from pipeline.quantization.read_outs import IntegerHead
from pipeline.quantization.weights import Dense
from tests.exporting.programs import (
    CLASSES,
    DT,
    KINDS,
    STEPS,
    WINDOWS,
    Random,
    build,
    encoder_of,
    needs_gcc,
    network,
    random_samples,
    random_spikes,
    run,
    stimulus_of,
    write,
)


def part_of(name: str) -> str:
    """Name the layer that a map belongs to, with its recurrent weights, or the head."""
    return ".".join(name.split(".")[:2]) if name.startswith("layers") else "head"


def by_part(numbers: Iterable[tuple[str, int]]) -> list[int]:
    """Add up numbers of each part, in their order."""
    totals: Counter[str] = Counter()
    for name, number in numbers:
        totals[part_of(name)] += number
    return list(totals.values())


def rows_of(module: Any) -> np.ndarray:
    """Give the weights of a layer, a row an input."""
    rows: np.ndarray = module.weight.flatten(1).numpy().T
    return rows


def executed(made: IntegerNetwork, spikes: Tensor) -> list[int]:
    """Count, part by part, what nonzero inputs meet: of sparse rows no weight of 0."""
    totals = []

    def see(name: str, module: nn.Module, values: Tensor) -> None:
        ones: Any = deepcopy(module)
        there = torch.ones_like(ones.weight)
        if name.startswith("layers") and is_sparse(rows_of(ones)):
            there = (ones.weight != 0).to(there)
        ones.weight = nn.Parameter(there, requires_grad=False)
        ones._forward_pre_hooks.clear()
        totals.append((name, int(ones((values != 0).double()).sum())))

    head = made.head
    spiking = all(layer.unrolled.spiking for layer in cast("Any", made.layers))
    for name, module in made.named_modules():
        if isinstance(module, nn.Conv1d | nn.Linear) and (
            module is not head.linear or head.has_steps or not spiking
        ):
            module.register_forward_pre_hook(
                lambda m, inputs, name=name: see(name, m, inputs[0])
            )
        if isinstance(module, SegmentRates) and spiking:
            module.register_forward_pre_hook(
                lambda _, inputs: totals.append(
                    ("head", int((inputs[0] != 0).sum()) * CLASSES)
                )
            )
    made(spikes)
    return by_part(totals)


Counted = tuple[IntegerNetwork, Tensor, list[str]]


@pytest.fixture(scope="module")
def counts_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Counted]:
    """Build a program of a kind, once; gives the network, spikes and what it prints."""

    @cache
    def counts(kind: str) -> Counted:
        folder = tmp_path_factory.mktemp("count")
        features, made = network(kind)
        spikes = random_spikes(features)
        write(folder, features, made)
        stimulus_of(features, spikes).write_file(folder / "s.bin")
        return made, spikes, run(build(folder, "build/count"), folder / "s.bin")

    return counts


@needs_gcc
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_bits_and_the_counts(
    kind: str, counts_of: Callable[[str], Counted]
) -> None:
    made, spikes, lines = counts_of(kind)
    logits = made(spikes).numpy()
    assert len(set(map(tuple, logits.tolist()))) > WINDOWS // 2
    wanted = [
        f"window {k} class {row.argmax()} logits {' '.join(map(str, row))}"
        for k, row in enumerate(logits)
    ]
    assert lines[:WINDOWS] == wanted

    counted = count(made, spikes, dt=DT)
    rows = [line.split() for line in lines[WINDOWS:]]
    effective, updates = ([int(row[k]) for row in rows] for k in (5, 9))
    synapses = [s for s in counted.synapses if not s.name.endswith("inhibition")]
    assert effective == by_part((s.name, s.effective) for s in synapses)
    assert all(n > 0 for n in effective)
    assert sum(updates) == counted.membrane_updates
    assert updates[:-1] == [n.updates for n in counted.neurons][: len(rows) - 1]
    assert [int(row[3]) for row in rows] == executed(deepcopy(made), spikes)


@needs_gcc
@pytest.mark.parametrize("kind", ["competing 1 0", "competing 2 90", "competing 12 90"])
def test_each_spike_inhibits_every_other_neuron(
    kind: str, counts_of: Callable[[str], Counted]
) -> None:
    made, spikes, lines = counts_of(kind)
    counted = count(made, spikes, dt=DT)
    inhibited = [s for s in counted.synapses if s.name.endswith("inhibition")]
    assert int(lines[WINDOWS].split()[7]) == sum(s.effective for s in inhibited)
    fired = counted.neurons[0].nonzero
    assert sum(s.effective for s in inhibited) == fired * 11 * kind.endswith("90")
    if "12" in kind:  # several fire in a step
        assert fired > counted.neurons[0].updates / 12 / 2


@needs_gcc
@pytest.mark.parametrize("kind", ["leaky subtract", "relu", "nothing"])
def test_samples_go_through_the_front_end(kind: str, tmp_path: Path) -> None:
    features, made = network(kind)
    front_end = write(tmp_path, features, made)
    samples = random_samples(features // 2)
    # Before a window is full, at its end, twice at once, and later.
    recording = AdcRecording(samples, (1, STEPS - 1, STEPS, STEPS, STEPS + 7, 200))
    loud = AdcRecording(np.full_like(samples, 2**23 - 1), (200,))
    stimulus = stimulus_of(features, random_spikes(features), recording, loud)
    stimulus.write_file(tmp_path / "s.bin")
    lines = run(build(tmp_path, "build/biospike"), tmp_path / "s.bin")
    results = expected(made, stimulus, encoder_of(front_end), RESTARTS)
    assert lines == expected_lines(stimulus, results)
    assert results.trains[1].saturations == 420 * features // 2
    assert results.trains[0].saturations == 0


@needs_gcc
def test_of_equal_logits_the_first_class_wins(tmp_path: Path) -> None:
    features, made = network("nothing")
    head = cast("IntegerHead", made.head)
    head.linear.weight.zero_()
    for name in ("bias", "multiplier"):
        head.get_buffer(name).fill_(1)
    write(tmp_path, features, made)
    stimulus_of(features, random_spikes(features)).write_file(tmp_path / "s.bin")
    lines = run(build(tmp_path, "build/biospike"), tmp_path / "s.bin")
    assert all(" class 0 logits 0 0 0" in line for line in lines)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A program, and a file of a recording that it reads."""
    folder = tmp_path_factory.mktemp("reader")
    features, made = network("leaky subtract")
    write(folder, features, made)
    recording = AdcRecording(random_samples(2, 90), (20, 30))
    stimulus = stimulus_of(features, random_spikes(features), recording)
    replace(stimulus, windows=stimulus.windows[:0]).write_file(folder / "s.bin")
    program = build(folder, "build/biospike")
    assert run(program, folder / "s.bin")
    return program, folder / "s.bin"


@needs_gcc
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "the file ends too early"),
        (lambda data: data[:10], "the file ends too early"),
        (lambda data: b"RIFF" + data[4:], "not a file of stimuli"),
        (lambda data: data[:4] + b"\1" + data[5:], "of another version"),
        (lambda data: data[:8] + b"\7" + data[9:], "another number of channels"),
        (lambda data: data[:12] + b"\7" + data[13:], "another number of features"),
        (lambda data: data[:16] + b"\7" + data[17:], "windows of another length"),
        (lambda data: data + b"\7\0\0\0", "a part of an unknown kind"),
        (lambda data: data[:48] + b"\xff" + data[49:], "before its last decision"),
        (lambda data: data[:44] + b"\xff" + data[45:], "out of order"),
    ],
)
def test_bad_files_are_reported_and_end_the_program(
    change: Any, message: str, reader: tuple[Path, Path], tmp_path: Path
) -> None:
    program, sound = reader
    (tmp_path / "t.bin").write_bytes(change(sound.read_bytes()))
    done = subprocess.run(
        [program, tmp_path / "t.bin"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "t.bin" in done.stderr


@needs_gcc
def test_a_missing_file_is_reported(reader: tuple[Path, Path]) -> None:
    program, _ = reader
    done = subprocess.run([program, "none.bin"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "none.bin: No such file" in done.stderr


@needs_gcc
def test_every_neuron_that_runs_in_integers_runs_in_c(tmp_path: Path) -> None:
    """One network with a layer of each: a new neuron is among them."""
    neurons: list[Any] = [find("neurons", name)() for name in components("neurons")]
    layers, features, width = [], 4, 4
    for neuron in neurons:
        if neuron.equations() in available():
            torch.manual_seed(len(layers))
            shape = Shape(STEPS, width, CLASSES, DT)
            (layer,) = DenseNetwork(units=(12,)).build(shape, neuron).layers
            nn.init.uniform_(layer.weights.weight, -0.3, 0.9)
            layers.append(layer)
            width = 12
    head = RateHead(width, CLASSES, n_read=STEPS, bins=3, dropout=0.0)
    spikes = random_spikes(features)
    made = quantize(Stack(layers, head), spikes)
    for outputs in outputs_of(made, spikes):
        assert outputs.any()
        assert not outputs.all()
    write(tmp_path, features, made)
    stimulus_of(features, spikes).write_file(tmp_path / "s.bin")
    lines = run(build(tmp_path, "build/biospike", "-O1"), tmp_path / "s.bin")
    logits = made(spikes).numpy()
    assert len(set(map(tuple, logits.tolist()))) > WINDOWS // 2
    assert [line.partition("logits ")[2] for line in lines] == [
        " ".join(map(str, row)) for row in logits
    ]


@pytest.mark.parametrize("kind", ["leaky subtract", "relu own"])
def test_pruned_rows_are_without_zeros_and_list_nothing(
    kind: str, tmp_path: Path
) -> None:
    sizes = []
    for name in (kind, f"{kind} pruned"):
        features, made = network(name)
        folder = tmp_path / name
        folder.mkdir()
        write(folder, features, made)
        text = (folder / "model.c").read_text()
        assert ("starts" in text) == name.endswith("pruned")
        (line,) = re.findall(r"MOST_ROWS (\d+)", (folder / "model.h").read_text())
        sizes.append(int(line))
    assert sizes[1] < sizes[0]


def test_rows_are_sparse_where_that_is_smaller_and_faster() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.random((100, 32))

    def rows(share: float, weights: np.ndarray = drawn) -> np.ndarray:
        return np.where(weights < share, 1, 0).astype(np.int8)

    assert [is_sparse(rows(share)) for share in (0.05, 0.15, 0.25, 1)] == [
        True, True, False, False,
    ]  # fmt: skip
    # Of three targets the pointers of rows are more than what is left out.
    assert not is_sparse(rows(0.1, rng.random((100, 3))))
    assert not is_sparse(rows(0.1, rng.random((100, 300))))
    assert not is_sparse(rows(0.01, rng.random((2**15, 256))))
    assert not is_sparse(np.zeros((100, 32), np.int8))
    assert not is_sparse(np.empty((0, 32), np.int8))


def test_sparse_rows_hold_every_weight_at_its_target() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.integers(-127, 128, (40, 24)) * (rng.random((40, 24)) < 0.1)
    rows = drawn.astype(np.int8)
    rows[7] = rows[-1] = 0
    text, initialiser = write_rows("own", 3, rows)
    assert initialiser == "{own_3, own_starts_3, own_targets_3}"
    found = [
        [int(value) for value in re.findall(r"-?\d+", part)]
        for part in re.findall(r"= \{(.*?)\}", text, re.DOTALL)
    ]
    weights, starts, targets = found
    again = np.zeros_like(rows)
    for row, (first, stop) in enumerate(pairwise(starts)):
        again[row, targets[first:stop]] = weights[first:stop]
    assert (again == rows).all()


def test_only_the_kinds_that_are_there_are_written(tmp_path: Path) -> None:
    features, made = network("mixed")
    write(tmp_path, features, made)
    kinds = {"leaky.c", "polynomial.c", "relu.c", "competing.c"}
    assert {p.name for p in tmp_path.glob("*.c")} & kinds == {"leaky.c", "relu.c"}
    assert (tmp_path / "model.mk").read_text().splitlines() == [
        "NEURONS := leaky.c relu.c",
        "READ_OUT := rates.c",
    ]
    assert not (tmp_path / "traces.c").exists()


def test_an_unknown_neuron_is_refused_by_layer_and_kind(tmp_path: Path) -> None:
    class Odd(IntegerLeaky):
        kind = "odd"

    draw = Random()
    tensors = dict(draw.leaky(9).named_buffers())
    odd = Odd(tensors, dt=DT, shift=4, reset="subtract")
    layers = [
        Layer(draw.convolution(4, 5, 3, 1), draw.leaky(5)),
        Layer(Dense(draw.weights(9, 5)), odd),
    ]
    made = cast("IntegerNetwork", IntegerNetwork(layers, draw.head(9, 2)))
    with pytest.raises(InexpressibleError) as caught:
        write(tmp_path, 4, made)
    assert "layer 2" in caught.value.where
    assert "odd" in caught.value.found


def test_unknown_weights_are_refused_by_layer_and_kind(tmp_path: Path) -> None:
    draw = Random()
    layers = [Layer(nn.Identity(), draw.leaky(4))]
    made = cast("IntegerNetwork", IntegerNetwork(layers, draw.head(4, 2)))
    with pytest.raises(InexpressibleError, match="Identity") as caught:
        write(tmp_path, 4, made)
    assert "layer 1" in caught.value.where


def test_the_smallest_number_has_no_literal() -> None:
    text = constants("int32_t", "a", np.array([[-(2**31)], [7]]))
    assert text == "static const int32_t a[2] = {\n    (-2147483647 - 1), 7};\n"


def test_packing_turns_around() -> None:
    spikes = random_spikes(19).numpy().astype(bool)
    assert (unpacked(packed(spikes), 19) == spikes).all()
    one = np.zeros(19, bool)
    one[[1, 8, 18]] = True
    assert packed(one).tolist() == [2, 1, 4]


@needs_gcc
@pytest.mark.parametrize("kind", ["competing 2 90", "relu"])
def test_it_builds_without_a_word(kind: str, tmp_path: Path) -> None:
    features, made = network(kind)
    write(tmp_path, features, made)
    build(tmp_path, "build/biospike", "-O3 -Wconversion -Wshadow -Wno-sign-conversion")
