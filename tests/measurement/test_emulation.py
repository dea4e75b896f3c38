import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from pipeline.device.expected import Results, expected
from pipeline.device.running import RUNS_ON
from pipeline.device.stimulus import AdcRecording, Stimulus, packed
from pipeline.encoders.delta import Delta
from pipeline.errors import DataError, MeasurementError
from pipeline.exporting.c import write_sample, write_sources
from pipeline.front_end.chain import design_front_end, saturations
from pipeline.measurement import emulation, toolchain
from pipeline.measurement.emulation import PROCESSORS, Processor, emulate
from pipeline.measurement.output import agreement, parse
from pipeline.networks.base import Shape
from pipeline.networks.parts.stack import Layer
from pipeline.preparation.signals import Scale, SignalSettings
from pipeline.quantization.network import IntegerNetwork
from pipeline.quantization.neurons.leaky import IntegerLeaky
from pipeline.quantization.read_outs import IntegerHead
from pipeline.quantization.weights import Convolution

SHAPE = Shape(60, 4, 3, 0.01)
N_WINDOWS = 6

needs_gcc = pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which("make")), reason="no gcc or make here"
)
Fed = tuple[Stimulus, Results]


def needs(processor: Processor) -> Any:
    reason = toolchain.absent(processor.tools)
    return pytest.param(
        processor,
        marks=pytest.mark.skipif(reason is not None, reason=str(reason)),
        id=processor.name,
    )


EMULATED = [needs(processor) for processor in PROCESSORS]


def small_network() -> IntegerNetwork:
    rng = torch.Generator().manual_seed(0)

    def weights(*shape: int) -> torch.Tensor:
        return torch.randint(-127, 128, shape, generator=rng).to(torch.int8)

    tensors = {
        "beta": torch.full((9,), 30000),
        "bias": torch.zeros(9, dtype=torch.int64),
        "threshold": torch.full((9,), 2000),
    }
    neurons = IntegerLeaky(tensors, dt=0.02, shift=3, reset="subtract")
    constants = {"bias": torch.arange(3), "multiplier": torch.full((3,), 5000)}
    head = IntegerHead(weights(3, 36), constants, n_read=30, bins=4, shift=8, scale=1.0)
    layers = [Layer(Convolution(weights(9, 4, 5), stride=2), neurons)]
    return cast("IntegerNetwork", IntegerNetwork(layers, head).eval())


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Fed]:
    """Write a program, and what it is fed with."""
    folder: Path = tmp_path_factory.mktemp("program")
    settings = SignalSettings(l_freq=2, h_freq=40, scale=Scale(tau_s=0.5, floor=1e-6))
    front_end = design_front_end(settings, Delta(threshold=0.5), 250, 2)
    network, rng = small_network(), np.random.default_rng(1)
    samples = rng.normal(0, 900, (2, 130)).cumsum(1).astype(np.int32)
    windows = packed(rng.random((N_WINDOWS, SHAPE.n_steps, 4)) < 0.2)
    recordings = (AdcRecording(samples, (60, 100)),)
    stimulus = Stimulus(SHAPE, 2, windows, recordings)

    def encode(codes: np.ndarray) -> tuple[np.ndarray, int]:
        spikes, memory = front_end.encode(codes)
        return spikes.T[front_end.settling_steps :], saturations(memory)

    results = expected(network, stimulus, encode, RUNS_ON)
    write_sources(folder, network, SHAPE, front_end, RUNS_ON)
    write_sample(folder, stimulus, results)
    return folder, (stimulus, results)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Emulate these processors alone."""

    def only(*processors: Processor) -> None:
        monkeypatch.setattr(emulation, "PROCESSORS", processors)

    return only


@needs_gcc
def test_the_host_agrees(program: tuple[Path, Fed], alone: Any) -> None:
    alone()
    folder, fed = program
    before = sorted(folder.rglob("*"))
    host = emulate(folder, host=fed, device=fed)["host"]
    assert host["agreement"] == host["front_end_agreement"] == 1
    assert (host["windows"], host["decisions"], host["recordings"]) == (N_WINDOWS, 2, 1)
    assert sorted(folder.rglob("*")) == before


@needs_gcc
def test_another_truth_is_seen(program: tuple[Path, Fed], alone: Any) -> None:
    alone()
    folder, (stimulus, results) = program
    other = results.windows.copy()
    other[0, 0] += 1
    train = replace(results.trains[0], crc32=results.trains[0].crc32 ^ 1)
    false = Results(other, results.decisions, (train,))
    measured = emulate(folder, host=(stimulus, false), device=(stimulus, false))["host"]
    assert measured["agreement"] == 1 - 1 / (N_WINDOWS + 2)
    assert measured["front_end_agreement"] == 0


@pytest.mark.parametrize("processor", EMULATED)
def test_processors_agree_and_repeat_exactly(
    processor: Processor, program: tuple[Path, Fed], alone: Any
) -> None:
    alone(processor)
    folder, fed = program
    first, again = (
        emulate(folder, host=fed, device=fed)[processor.name] for _ in range(2)
    )
    assert first == again
    assert first["agreement"] == first["front_end_agreement"] == 1
    assert first["windows"] == N_WINDOWS
    # 30 output steps of 9 membranes: more than nothing, less than a desktop's program.
    assert 30 * 9 * 10 < first["instructions_per_window"] < 100_000
    assert first["instructions_per_window_sd"] > 0
    assert 50 < first["front_end_instructions_per_sample"] < 5000
    assert 2_000 < first["flash_bytes"] < 20_000
    # A byte a step of the window, a word a membrane, and more.
    assert 60 + 9 * 4 < first["ram_bytes"] < 5_000
    assert 50 < first["stack_bytes"] < 1000


@pytest.mark.parametrize("processor", EMULATED)
def test_silence_costs_less_than_noise(
    processor: Processor, program: tuple[Path, Fed], alone: Any
) -> None:
    """Events are what is paid for."""
    alone(processor)
    folder, (stimulus, _) = program
    noise, silence = (
        replace(stimulus, windows=np.full_like(stimulus.windows, byte))
        for byte in (15, 0)
    )
    spent = []
    for each in (noise, silence):
        output = emulation._run_processor(processor, folder, each)
        spent.append(set(output.instructions))
    (loud,), (quiet,) = spent  # equal windows cost the same
    # 4 features x 5 taps x 28 steps x 9 targets, at two instructions an addition.
    assert loud - quiet > 2 * 4 * 5 * 28 * 9


def test_tools_that_are_not_here_are_named(
    program: tuple[Path, Fed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain.shutil, "which", lambda _: None)
    folder, fed = program
    measured = emulate(folder, host=fed, device=fed)
    assert set(measured) == {"host", "cortex_m4", "rv32imac"}
    assert measured["host"] == {
        "absent": "no gcc, make here: on Debian, `apt-get install gcc make`"
    }
    assert "apt-get install" in measured["cortex_m4"]["absent"]
    assert "gcc-arm-none-eabi" in measured["cortex_m4"]["absent"]
    assert "qemu-system-misc" in measured["rv32imac"]["absent"]


LINES = """\
stack 96
window 0 class 1 logits -3 4 instructions 17
window 1 class 0 logits 5 -4 instructions 19
decision 3 class 1 logits 1 2 instructions 31
recording samples 8 steps 4 saturations 0 crc32 00ff00ff front end 800 chain 850
done
"""


def test_what_is_printed_is_read() -> None:
    output = parse(LINES, 2)
    assert output.results.windows.tolist() == [[-3, 4], [5, -4]]
    assert output.classes.tolist() == [1, 0, 1]
    assert (output.instructions, output.decision_instructions) == ([17, 19], [31])
    assert (output.front_end_instructions, output.chain_instructions) == (800, 850)
    assert output.stack_bytes == 96
    (train,) = output.results.trains
    assert (train.samples, train.steps, train.crc32) == (8, 4, 0xFF00FF)
    assert agreement(output, output.results) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("window 0 class 1 logits 1\n", "printed 1 logits"),
        ("window 0 class 1 logits 1 2 3\n", "printed 3 logits"),
        ("Segmentation fault\n", "printed 'Segmentation fault'"),
        ("window 0 class 1 lo", "printed 'window 0 class 1 lo'"),
    ],
)
def test_rubbish_is_refused(text: str, found: str) -> None:
    with pytest.raises(MeasurementError) as caught:
        parse(text, 2)
    assert found in caught.value.found


def test_a_class_that_is_not_the_largest_logit_disagrees() -> None:
    output = parse("window 0 class 0 logits 1 2\nwindow 1 class 1 logits 1 2\n", 2)
    assert agreement(output, output.results) == 0.5


def test_fewer_decisions_are_refused() -> None:
    output = parse("window 0 class 1 logits 1 2\n", 2)
    truth = Results(np.zeros((2, 2), int), np.empty((0, 2), int), ())
    with pytest.raises(MeasurementError, match="decided 1 windows"):
        agreement(output, truth)


def test_a_program_that_dies_or_hangs_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match=r"status 3 \(on fire"):
        emulation._run(["sh", "-c", "echo on fire >&2; exit 3"], tmp_path, 10)
    with pytest.raises(MeasurementError, match=r"was not done after 0\.1 s"):
        emulation._run(["sleep", "5"], tmp_path, 0.1)


@needs_gcc
def test_a_program_that_does_not_build_is_reported(
    program: tuple[Path, Fed], alone: Any, tmp_path: Path
) -> None:
    alone()
    folder, fed = program
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "network.c").write_text("int f(void) { return g(); }\n")
    with pytest.raises(MeasurementError, match="make -s"):
        emulate(broken, host=fed, device=fed)


@pytest.mark.parametrize("processor", EMULATED)
def test_a_program_that_crashes_on_a_processor_is_reported(
    processor: Processor, program: tuple[Path, Fed], alone: Any, tmp_path: Path
) -> None:
    alone(processor)
    folder, (stimulus, _) = program
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    source = (broken / "network.c").read_text()
    trap = "int biospike_argmax(const int32_t logits[BIOSPIKE_CLASSES])\n{\n"
    assert trap in source
    (broken / "network.c").write_text(source.replace(trap, trap + "__builtin_trap();"))
    with pytest.raises(MeasurementError, match=r"status|ended after"):
        emulation._run_processor(processor, broken, stimulus)


def test_a_decision_after_the_end_is_refused(program: tuple[Path, Fed]) -> None:
    _, (stimulus, _) = program
    late = AdcRecording(np.zeros((2, 30), np.int32), (31,))
    with pytest.raises(DataError, match="31 steps"):
        expected(
            small_network(),
            replace(stimulus, recordings=(late,)),
            lambda samples: (np.zeros((30, 4), bool), 0),
            RUNS_ON,
        )
