"""The words of memory that the layers of a network move: reads, writes, widths.

Each kind of word of a layer has a memory of its own, which holds `stored` of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "weights", "biases", "sums", "values", "spikes", "states", "constants"
]  # fmt: skip


SUMS_AT_ONCE = 8
"""Sums that stay in registers while inputs are walked, as in the exported program."""


@dataclass(frozen=True)
class Moved:
    """Words of one kind that a layer moved, over all windows.

    Parameters
    ----------
    kind : str
    read, written : int
        Words.
    bits : int
        Of a word.
    stored : int
        Words that their memory holds.
    """

    kind: Kind
    read: int
    written: int
    bits: int
    stored: int

    @property
    def words(self) -> int:
        """Read and written."""
        return self.read + self.written

    @property
    def memory_bytes(self) -> int:
        """Size of the memory in bytes, rounded up."""
        return -(-self.stored * self.bits // 8)


@dataclass(frozen=True)
class SynapseStore:
    """The words of memory that the weights of one layer need, and their widths.

    Parameters
    ----------
    weights, sources, targets : int
        Weights; inputs that are within reach at once, sums.
    weight_bits, sum_bits, value_bits : int
        Of a weight, of a sum or bias, and of a graded input.
    """

    weights: int = 0
    sources: int = 0
    targets: int = 0
    weight_bits: int = 32
    sum_bits: int = 32
    value_bits: int = 32

    def moved(
        self, effective: int, dense: int, outputs: int, biases: int, *, graded: bool
    ) -> Iterator[Moved]:
        """List the words that so many operations move, by the rules in `rules`."""
        yield Moved("weights", effective, 0, self.weight_bits, self.weights)
        yield Moved("biases", biases, 0, self.sum_bits, self.targets)
        yield Moved("sums", outputs, outputs, self.sum_bits, self.targets)
        kind: Kind = "values" if graded else "spikes"
        bits = self.value_bits if graded else 1
        walks = -(-self.targets // SUMS_AT_ONCE)
        met = dense // self.targets if self.targets else 0
        yield Moved(kind, walks * met, 0, bits, self.sources)


@dataclass(frozen=True)
class NeuronStore:
    """The words of memory that the neurons of one layer need, and their widths.

    Parameters
    ----------
    neurons : int
    variables : int
        Variables of a neuron's state.
    read, written : int
        Words of state that an update reads and writes.
    constants : int
        Words of a neuron that differ from other neurons'; an update reads them all.
    accumulators : int
        Of a read-out.
    state_bits, value_bits : int
        Of state and constants, and of a graded output.
    """

    neurons: int = 0
    variables: int = 0
    read: int = 0
    written: int = 0
    constants: int = 0
    accumulators: int = 0
    state_bits: int = 32
    value_bits: int = 32

    def moved(
        self,
        updates: int,
        outputs: int,
        rescalings: int,
        accumulated: int,
        *,
        graded: bool,
    ) -> Iterator[Moved]:
        """List the words that so many updates move, by the rules in `rules`."""
        # A neuron without a membrane reads its constants for each of its results too.
        rounds = max(updates, outputs, rescalings)
        states = updates * self.read, updates * self.written
        kept = self.neurons * self.variables
        yield Moved("states", *states, self.state_bits, kept)
        read = rounds * self.constants
        constants = self.neurons * self.constants
        yield Moved("constants", read, 0, self.state_bits, constants)
        bits = self.value_bits if graded else 1
        kind: Kind = "values" if graded else "spikes"
        yield Moved(kind, 0, outputs, bits, self.neurons)
        sums = accumulated, accumulated
        yield Moved("sums", *sums, self.state_bits, self.accumulators)
