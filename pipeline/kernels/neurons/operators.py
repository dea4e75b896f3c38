"""Registration of functions as torch operators, and views of tensors as arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor
from torch.library import define, impl, infer_schema, register_fake


def add_operator(
    name: str, function: Callable[..., Any], shapes: Callable[..., Any]
) -> None:
    """Make a function `torch.ops.biospike.<name>`, by its annotated types.

    Not by `torch.library.custom_op`: at its first call that imports torch's compiler,
    which takes longer than profiling a cell.

    Parameters
    ----------
    name : str
    function : callable
        Of tensors and numbers; it changes none of its arguments.
    shapes : callable
        Returns empty tensors of the shapes of `function`'s results.
    """
    operator = f"biospike::{name}"
    define(operator, infer_schema(function, mutates_args=()))
    impl(operator, "default", function)
    register_fake(operator, shapes)


def as_arrays(*tensors: Tensor) -> list[np.ndarray]:
    """View tensors as arrays, row by row in memory."""
    return [tensor.detach().contiguous().numpy() for tensor in tensors]


def precision(tensor: Tensor) -> np.dtype[Any]:
    """Name a tensor's precision as arrays do."""
    return np.dtype(str(tensor.dtype).removeprefix("torch."))
