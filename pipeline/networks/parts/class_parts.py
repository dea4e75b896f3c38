"""Heads: which parts of a joined code each class's logit reads, without torch."""

from collections.abc import Mapping, Sequence
from itertools import chain, repeat

from pipeline.components import did_you_mean
from pipeline.errors import ConfigError
from pipeline.networks.base import Shape

Heads = Mapping[str, Sequence[str]]
"""The names of parts by class; a class that is not named reads every part."""

WHERE = "params.yaml: models.*.network.heads"


def check_heads(heads: Heads, shape: Shape) -> None:
    """Refuse classes and parts that are not there.

    Raises
    ------
    ConfigError
    """
    for label, names in heads.items():
        if label not in shape.labels:
            raise ConfigError(
                WHERE,
                f"the data set has no class '{label}'",
                expected=did_you_mean(label, shape.labels),
                remedy="correct the name, or leave the class out to read every part",
            )
        for name in names:
            if name not in (there := part_names(shape)):
                raise ConfigError(
                    WHERE,
                    f"the code has no part '{name}', which {label} is to read",
                    expected=did_you_mean(name, there),
                    remedy="correct the name, or choose a joined encoder that has it",
                )


def check_columns(widths: Sequence[int], shape: Shape) -> None:
    """Refuse layers that have fewer neurons than the code has parts.

    Raises
    ------
    ConfigError
    """
    parts = part_names(shape)
    if short := [width for width in widths if width < len(parts)]:
        raise ConfigError(
            WHERE,
            f"a layer of {short[0]} neurons for the parts {', '.join(parts)}",
            expected="at least one neuron a part in every layer",
            remedy="set more neurons in models.*.network, or leave `heads` out",
        )


def part_names(shape: Shape) -> list[str]:
    """List the code's parts in order; parts of one name are one."""
    return list(dict.fromkeys(name for name, _ in shape.parts))


def part_of_features(shape: Shape) -> list[int]:
    """Give each feature's part, as its place among the names."""
    names = part_names(shape)
    each = (repeat(names.index(name), width) for name, width in shape.parts)
    return list(chain.from_iterable(each))


def part_of_neurons(width: int, n_parts: int) -> list[int]:
    """Divide a layer's neurons evenly among the parts."""
    return [neuron * n_parts // width for neuron in range(width)]


def parts_of_class(heads: Heads, shape: Shape, label: str) -> set[int]:
    """Give the parts that a class reads, as places among the names."""
    names = part_names(shape)
    return {names.index(name) for name in heads.get(label, names)}
