"""Quantize a trained fold, and fine-tune it where rounding costs accuracy.

Rounding weights after training is free; where it costs more than a percent of the
validation windows, the network is tuned (`pipeline.training.tuning`).
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline import files
from pipeline.networks.parts.stack import Stack
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.network import IntegerNetwork, describe
from pipeline.quantization.quantize import quantize
from pipeline.training.batches import some_of_each_class
from pipeline.training.fitting import Examples, balanced, chooses, predict
from pipeline.training.settings import TrainingSettings
from pipeline.training.tuning import tuned

TOLERATED = 0.01
"""Balanced accuracy that rounding may cost before the network is tuned."""

CALIBRATED = 64
"""Training windows of each class that activations are scaled by."""


@dataclass(frozen=True)
class Quantized:
    """A fold's network in integers.

    Parameters
    ----------
    network : IntegerNetwork or None
        None where the network does not run in integers.
    validation_float32, validation_int8 : float or None
        Balanced accuracy of both on the same validation windows. Of a tuned network it
        is that of the epoch that these windows chose.
    fine_tuned : bool
        Whether it learned on after it was rounded.
    absent : str or None
        Why there is no network.
    """

    network: IntegerNetwork | None
    validation_float32: float
    validation_int8: float | None = None
    fine_tuned: bool = False
    absent: str | None = None


def quantize_fold(
    network: Stack,
    train: Examples,
    validation: Examples,
    settings: TrainingSettings,
    rng: np.random.Generator,
    made_up: Tensor | None = None,
) -> Quantized:
    """Put a network in integers, and tune it where that costs too much.

    Layers that learned by local rules stay as they are; then their read-out is tuned.
    The network that is best on the validation windows is kept, and of equals the one
    that was not tuned; where they cannot choose, nothing is tuned, nor where offsets
    were added to the logits, which learning would undo. Test windows are never seen. It
    runs on the CPU.

    Parameters
    ----------
    network : Stack
        A trained network; it is not changed.
    train, validation : Windows or Stretches
    settings : TrainingSettings
        Of the training.
    rng : Generator
        Draws windows and what is dropped out.
    made_up : Tensor, shape (time, window, feature), or None
        Spikes that activations are scaled by instead of training windows; then nothing
        is tuned, and no person is seen without noise.
    """
    cpu = torch.device("cpu")
    network, train = deepcopy(network).to(cpu).eval(), train.to(cpu)
    validator = _Validator(validation.to(cpu), settings, rng)
    calibration = made_up
    if calibration is None:
        windows = train.windows()
        calibration = windows.spikes(some_of_each_class(windows, CALIBRATED, rng))
    float32 = validator.accuracy(network)
    try:
        best = quantize(network, calibration)
    except QuantizationError as error:
        return Quantized(None, float32, absent=f"{error.where}: {error.found}")
    reached, plain = validator.accuracy(best), best
    tunable = chooses(validation) and settings.offsets == "none" and made_up is None
    if tunable and float32 - reached > TOLERATED:
        for candidate in tuned(network, plain, train, calibration, settings, rng):
            accuracy = validator.accuracy(candidate)
            if accuracy > reached:
                best, reached = candidate, accuracy
    return Quantized(best, float32, reached, fine_tuned=best is not plain)


def save_quantized(path: Path, quantized: Quantized, meta: Mapping[str, Any]) -> None:
    """Write the integer network of a fold, or why there is none, for `load_quantized`.

    Its key `quantized` reports the result as `run.json` does.
    """
    network = quantized.network
    files.save_weights(
        path,
        network.state_dict() if network else {},
        meta={
            **meta,
            "network": describe(network) if network else None,
            "quantized": summary(quantized),
        },
    )


def summary(quantized: Quantized) -> dict[str, Any]:
    """Put what became of a fold into plain values."""
    if quantized.absent:
        return {"absent": quantized.absent}
    return {
        "validation_float32": quantized.validation_float32,
        "validation_int8": quantized.validation_int8,
        "fine_tuned": quantized.fine_tuned,
    }


class _Validator:
    """Scores networks on the same validation decisions."""

    def __init__(
        self, examples: Examples, settings: TrainingSettings, rng: np.random.Generator
    ) -> None:
        self.examples = examples
        self.rows = examples.validation_rows(settings.validation_windows_per_class, rng)

    def accuracy(self, network: Stack) -> float:
        """Compute the balanced accuracy."""
        logits = predict(network, self.examples, self.rows)
        return balanced(network.values(logits), self.examples.targets[self.rows])[1]
