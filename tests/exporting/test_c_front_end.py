"""The front end in C against the one in Python, bit for bit."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from pipeline.device.stimulus import packed
from pipeline.encoders.delta import Delta
from pipeline.exporting.c import SOURCES
from pipeline.exporting.parts.c_encoder import FOLDER, write_encoder
from pipeline.exporting.parts.c_front_end import folded_taps, front_end_constants
from pipeline.front_end.chain import (
    FrontEnd,
    design_front_end,
    saturations,
)
from pipeline.kernels.front_end.state import RAIL
from pipeline.preparation.causal import anti_alias
from pipeline.preparation.signals import SignalSettings

PARAMS = YAML(typ="safe").load(Path(__file__).parents[2] / "params.yaml")
COMPILER = os.environ.get("CC") or shutil.which("gcc")
FLAGS = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic"]
SANITIZE = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
RATES = {
    "ecg_demo": (250, 2),
    "emg_demo": (1000, 3),
    "eeg_demo": (250, 5),
    "mitdb": (360, 2),
    "emg_gestures": (200, 8),
    "eegmat": (500, 19),
}
HARNESS = """
#include <stdio.h>
#include "front_end.h"

int main(void)
{
    int32_t sample[BIOSPIKE_CHANNELS];
    uint8_t spikes[BIOSPIKE_SPIKE_BYTES];
    biospike_front_end_reset();
    while (fread(sample, sizeof sample, 1, stdin) == 1)
        if (biospike_front_end_push(sample, spikes))
            fwrite(spikes, sizeof spikes, 1, stdout);
    fprintf(stderr, "%lu", (unsigned long)biospike_front_end_saturations());
    return 0;
}
"""

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no gcc here")


def of_dataset(dataset: str) -> FrontEnd:
    sfreq, n_channels = RATES[dataset]
    signal = SignalSettings.model_validate(PARAMS["datasets"][dataset]["signal"])
    return design_front_end(signal, Delta(threshold=0.5), sfreq, n_channels)


def of_settings(n_channels: int = 2, **changes: object) -> FrontEnd:
    scale = {"tau_s": 1, "floor": 1e-6}
    settings = SignalSettings.model_validate({"scale": scale, **changes})
    return design_front_end(settings, Delta(threshold=0.3), 250, n_channels)


def compiled(front_end: FrontEnd, folder: Path) -> Path:
    for name in ("front_end.c", "front_end.h", "encoder.h", "beats.h", "arithmetic.h"):
        shutil.copy(SOURCES / name, folder)
    write_encoder(front_end, folder)
    (folder / "front_end_constants.h").write_text(front_end_constants(front_end))
    (folder / "main.c").write_text(HARNESS)
    program = folder / "program"
    names = ("main.c", "front_end.c", "encoder.c")
    sources = [str(folder / name) for name in names]
    sources += map(str, (folder / FOLDER).glob("*.c"))
    command = [str(COMPILER), *FLAGS, *SANITIZE, *sources, "-o", str(program)]
    command.append(f"-I{folder}")
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return program


def check_equal(front_end: FrontEnd, folder: Path, length: int) -> None:
    program = compiled(front_end, folder)
    for name, signal in signals(front_end.n_channels, length).items():
        codes = signal.astype(np.int32)
        spikes, memory = front_end.encode(codes)
        done = subprocess.run(
            [program], input=codes.T.tobytes(), capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        got = np.frombuffer(done.stdout, np.uint8).reshape(-1, front_end.spike_bytes)
        np.testing.assert_array_equal(got, packed(spikes.T), err_msg=name)
        assert int(done.stderr) == saturations(memory)


def signals(n_channels: int, length: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    shape, place = (n_channels, length), np.arange(length)
    walk = rng.normal(size=shape).cumsum(axis=1) * 300 + rng.normal(size=shape) * 3000
    return {
        "walk": walk + 5_000_000,
        "no samples": walk[:, :0],
        "one sample": walk[:, :1],
        "zeros": np.zeros(shape),
        "hush": rng.integers(-2, 3, shape),
        "beyond the rails": rng.choice([-(2**31), -RAIL, 0, RAIL, 2**31 - 1], shape),
        "square": np.broadcast_to(np.where(place // 97 % 2, RAIL, -RAIL), shape),
        "fading": rng.normal(size=shape) * RAIL * np.exp2(-place * 24 / length),
    }


@needs_compiler
@pytest.mark.parametrize("dataset", RATES)
def test_same_bits_as_in_python(dataset: str, tmp_path: Path) -> None:
    check_equal(of_dataset(dataset), tmp_path, 20_000)


@needs_compiler
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"n_channels": 5, "l_freq": 1, "sfreq": 250},
        {"h_freq": 20, "notch": 50, "sfreq": 50},
        {"n_channels": 3, "sfreq": 100, "scale": {"tau_s": 3600, "floor": 1e-5}},
        {"n_channels": 1, "scale": {"tau_s": 1, "floor": 1e-5, "shared": True}},
    ],
)
def test_same_bits_with_parts_of_the_filter(
    changes: dict[str, object], tmp_path: Path
) -> None:
    check_equal(of_settings(**changes), tmp_path, 5000)  # type: ignore[arg-type]


def test_the_header_is_the_same_every_time() -> None:
    front_end = of_dataset("mitdb")
    header = front_end_constants(front_end)
    assert header == front_end_constants(of_dataset("mitdb"))
    assert "#define BIOSPIKE_CHANNELS 2\n" in header
    assert "EVEN(1073741824, -2, 1)" in header  # no multiplication for that zero
    assert max(map(len, header.splitlines())) <= 92


@pytest.mark.parametrize("down", [2, 3, 4, 7])
def test_folding_keeps_what_is_not_zero(down: int) -> None:
    taps = np.rint(anti_alias(1, down) * 2**30).astype(np.int64)
    folded = folded_taps(taps, down)
    assert len(folded) == 10 * (down - 1) + 1
    assert 2 * sum(folded) - folded[-1] == taps.sum()


def test_a_filter_of_another_kind_is_not_folded() -> None:
    with pytest.raises(ValueError, match="no filter of"):
        folded_taps(np.arange(41), 2)
