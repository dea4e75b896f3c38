"""Numbers as C writes them."""

import textwrap
from collections.abc import Sequence

import numpy as np

WIDTH = 88


def define(name: str, value: int) -> str:
    """Write a constant of the preprocessor."""
    return f"#define BIOSPIKE_{name} {value}\n"


def constants(kind: str, name: str, values: np.ndarray) -> str:
    """Write an array of constants, flat, in the order of its memory."""
    flat = np.asarray(values).reshape(-1)
    lines = textwrap.fill(
        ", ".join(map(_number, flat.tolist())),
        WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
    )
    return f"static const {kind} {name}[{flat.size}] = {{\n{lines}}};\n"


def variables(kind: str, *named: tuple[str, int]) -> str:
    """Declare static variables: arrays, or single ones where the length is 0."""
    words = [f"{name}[{n}]" if n else name for name, n in named]
    return f"static {kind} {', '.join(words)};\n"


def structure(fields: Sequence[tuple[str, object]], indent: str) -> str:
    """Write an initialiser by the names of its fields."""
    lines = [f"{indent}    .{name} = {value}," for name, value in fields]
    return "\n".join(["{", *lines, f"{indent}}}"])


def history_of(number: int, width: int, span: int, *, graded: bool) -> tuple[str, str]:
    """Write the ring of the events of `span` steps, and its initialiser."""
    memory = variables(
        "uint16_t",
        (f"newest_{number}", 0),
        (f"n_{number}", span),
        (f"channel_{number}", span * width),
    )
    fields = [f"{width}", f"{span}", f"&newest_{number}", f"n_{number}"]
    fields += [f"channel_{number}", f"value_{number}" if graded else "0"]
    if graded:
        memory += variables("uint8_t", (f"value_{number}", span * width))
    return memory, "{" + ", ".join(fields) + "}"


def _number(value: int) -> str:
    # C has no negative literals: the smallest number is a difference.
    return "(-2147483647 - 1)" if value == -(2**31) else str(value)
