"""Take the neuron `drift` of this checkout through everything; prints what it passed.

It runs in a process of its own, in a checkout to which a neuron's files were added.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import pipeline
from pipeline import testing
from pipeline.components import find
from pipeline.exporting import nir as nir_target
from pipeline.networks.base import Shape
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.network import IntegerNetwork, describe, rebuild
from pipeline.quantization.quantize import quantize
from tests.exporting import test_c, test_nir

FEATURES, UNITS = 4, 9
SHAPE = Shape(test_c.STEPS, FEATURES, test_c.CLASSES, test_c.DT)


def built(neuron: Any) -> Any:
    torch.manual_seed(1)
    return (
        find("networks", "dense")
        .model_validate({"units": (UNITS, UNITS)})
        .build(SHAPE, neuron)
    )


def drawn(each: int) -> tuple[Tensor, Tensor]:
    """Draw so many windows of each class, in which another feature is busy."""
    rates = torch.eye(test_c.CLASSES, FEATURES).repeat(each, 1)
    draws = torch.rand(test_c.STEPS, *rates.shape)
    labels = torch.arange(test_c.CLASSES).repeat(each)
    return (draws < 0.05 + 0.4 * rates).float(), labels


def trained(network: Any) -> Any:
    """Learn which feature is busy; the loss must fall."""
    spikes, labels = drawn(8)
    optimizer = torch.optim.Adam(network.parameters(), 0.05)
    losses = []
    for _ in range(12):
        loss = torch.nn.functional.cross_entropy(network(spikes), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0], losses
    return network.eval()


def by_hand(sums: list[list[int]], of: dict[str, list[int]], shift: int) -> Any:
    """Run one window of sums (time, neuron) by plain loops over Python's integers."""
    n = len(of["beta"])
    membrane, late, spikes = [0] * n, [0] * n, []
    for row in sums:
        fired = []
        for k in range(n):
            kept = 0 if membrane[k] > of["threshold"][k] else membrane[k]
            leaked = (2 * of["beta"][k] * kept + 2**15) // 2**16
            membrane[k] = leaked - of["decay"][k] + late[k]
            late[k] = row[k] * 2**shift + of["bias"][k]
            fired.append(int(membrane[k] > of["threshold"][k]))
        spikes.append(fired)
    return spikes


def check_integers(network: Any, spikes: Tensor) -> IntegerNetwork:
    integers = quantize(network, spikes)
    values = spikes
    for layer in integers.layers:
        parts: Any = layer
        sums = parts.weights(values)
        values, *_ = parts.unrolled(sums)
        of = {name: buffer.tolist() for name, buffer in parts.unrolled.named_buffers()}
        shift = parts.unrolled.constants["shift"]
        for window in range(sums.shape[1]):
            expected = by_hand(sums[:, window].tolist(), of, shift)
            assert values[:, window].tolist() == expected
        assert 0.01 < values.float().mean() < 0.9
    again = rebuild(integers.state_dict(), describe(integers))
    assert torch.equal(again(spikes), integers(spikes))
    agreed = (integers(spikes).argmax(1) == network(spikes).argmax(1)).float().mean()
    assert agreed > 0.7, float(agreed)
    return integers


def check_c(integers: IntegerNetwork, spikes: Tensor, folder: Path) -> None:
    folder.mkdir(parents=True)
    test_c.write(folder, FEATURES, integers)
    test_c.stimulus_of(FEATURES, spikes).write_file(folder / "s.bin")
    program = test_c.build(folder, "build/biospike", "-O1")
    logits = integers(spikes).numpy()
    assert len(set(logits.argmax(1))) > 1
    assert test_c.run(program, folder / "s.bin") == [
        f"window {k} class {row.argmax()} logits {' '.join(map(str, row))}"
        for k, row in enumerate(logits)
    ]


def check_nir(network: Any, spikes: Tensor, path: Path) -> None:
    exact = network.double()
    nir_target.write(exact, SHAPE, path, about={})
    layers, logits = test_nir.watched(exact, spikes.double())
    read = test_nir.Reader(path).run(spikes.double().numpy())
    for number, expected in enumerate(layers, 1):
        np.testing.assert_array_equal(read[f"layer_{number}_spikes"], expected)
    np.testing.assert_allclose(read["output"][-1], logits, rtol=0, atol=1e-12)


def check_message() -> None:
    """A neuron without integer form names those that have one, the new one too."""
    with pytest.raises(QuantizationError) as caught:
        quantize(built(find("neurons", "complementary")()), drawn(4)[0])
    assert "drift" in caught.value.expected


def main(folder: Path) -> None:
    assert Path(pipeline.__file__).is_relative_to(Path.cwd()), pipeline.__file__
    neuron = find("neurons", "drift")
    testing.check_neuron(neuron.model_validate({"decay": 2.0}))
    network, (spikes, _) = trained(built(neuron())), drawn(4)
    passed = ["training", "int8"]
    integers = check_integers(network, spikes)
    check_message()
    if shutil.which("gcc") and shutil.which("make"):
        check_c(integers, spikes, folder / "c")
        passed.append("C")
    check_nir(network, spikes, folder / "network.nir")
    print(*passed, "NIR")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
