"""The front end's reference implementation, code and all."""

import importlib

import numpy as np

from pipeline.axes import SpikeBits
from pipeline.device.code_design import thermometer
from pipeline.device.coding import Part
from pipeline.device.front_end import FrontEnd
from pipeline.kernels.front_end.plain import plain_prepared

KERNELS = "pipeline.kernels.front_end.codes"


def plain_front_end(codes: np.ndarray, front_end: FrontEnd) -> tuple[SpikeBits, int]:
    """Turn a complete recording into spikes, and count the saturated samples."""
    levels, scales, n_saturated = plain_prepared(codes, front_end.constants)
    coded = [plain_part(part, levels, scales) for part in front_end.parts]
    return np.concatenate(coded), n_saturated


def plain_part(part: Part, levels: np.ndarray, scales: np.ndarray) -> SpikeBits:
    kernel = importlib.import_module(f"{KERNELS}.{part.name}")
    counts = [
        kernel.plain(part.code.constants, levels[row].tolist(), scales[row].tolist())
        for row in part.rows
    ]
    shape = len(part.rows), levels.shape[1]
    return thermometer(np.array(counts, np.int8).reshape(shape), part.code.most)
