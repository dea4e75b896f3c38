"""The printed output of an exported program, parsed and compared."""

import re
from dataclasses import dataclass, field

import numpy as np

from pipeline.device.expected import Results, Train
from pipeline.errors import MeasurementError

DECISION = re.compile(
    r"(window|decision) (\d+) class (\d+) logits((?: -?\d+)+)(?: instructions (\d+))?"
)
TRAIN = re.compile(
    r"recording samples (\d+) steps (\d+) saturations (\d+) crc32 ([0-9a-f]+)"
    r"(?: front end (\d+) chain (\d+))?"
)


@dataclass(frozen=True)
class Output:
    """The printed output of a program.

    Parameters
    ----------
    results : Results
    classes : array, shape (window or decision,)
        The classes that the program chose by its logits.
    instructions, decision_instructions : list of int
        Of each window, and of each decision in a recording; empty on a host.
    front_end_instructions, chain_instructions : int
        Of all samples through the front end alone, and through all that takes them in.
    stack_bytes : int
    """

    results: Results
    classes: np.ndarray
    instructions: list[int]
    decision_instructions: list[int] = field(default_factory=list)
    front_end_instructions: int = 0
    chain_instructions: int = 0
    stack_bytes: int = 0


def parse(text: str, n_classes: int) -> Output:
    """Parse the printed output of a program.

    Raises
    ------
    MeasurementError
        A line has none of the expected forms.
    """
    decisions, trains, stack = [], [], 0
    for line in text.splitlines():
        if match := DECISION.fullmatch(line):
            decisions.append(_decision(match, n_classes))
        elif match := TRAIN.fullmatch(line):
            trains.append(match.groups())
        elif match := re.fullmatch(r"stack (\d+)", line):
            stack = int(match[1])
        elif line != "done" and not line.startswith("count "):
            raise MeasurementError(
                "the exported program",
                f"printed {line[:60]!r}",
                expected="decisions, and a checksum of each recording's spikes",
            )
    rows = {
        what: np.array([row for kind, _, row, _ in decisions if kind == what], np.int64)
        for what in ("window", "decision")
    }
    parsed = [
        Train(int(n), int(s), int(c), int(crc, 16)) for n, s, c, crc, *_ in trains
    ]
    spent = {
        what: [each for kind, _, _, each in decisions if kind == what and each]
        for what in rows
    }
    return Output(
        Results(
            rows["window"].reshape(-1, n_classes),
            rows["decision"].reshape(-1, n_classes),
            tuple(parsed),
        ),
        np.array(
            [
                chosen
                for what in ("window", "decision")
                for kind, chosen, *_ in decisions
                if kind == what
            ]
        ),
        spent["window"],
        spent["decision"],
        sum(int(front_end or 0) for *_, front_end, _ in trains),
        sum(int(chain or 0) for *_, chain in trains),
        stack,
    )


def agreement(output: Output, truth: Results) -> float | None:
    """Compute the share of decisions with the expected class and logits.

    Raises
    ------
    MeasurementError
        The number of decisions differs.
    """
    found = output.results
    pairs = ((found.windows, truth.windows), (found.decisions, truth.decisions))
    if any(len(one) != len(other) for one, other in pairs):
        raise MeasurementError(
            "the exported program",
            f"decided {len(found.windows)} windows and {len(found.decisions)} times in "
            "recordings",
            expected=f"{len(truth.windows)} and {len(truth.decisions)}",
        )
    logits, right = (np.concatenate(rows) for rows in zip(*pairs, strict=True))
    if not len(right):
        return None
    same = (logits == right).all(1) & (output.classes == right.argmax(1))
    return float(same.mean())


def _decision(
    match: re.Match[str], n_classes: int
) -> tuple[str, int, list[int], int | None]:
    what, _, chosen, written, spent = match.groups()
    logits = [int(word) for word in written.split()]
    if len(logits) != n_classes:
        raise MeasurementError(
            "the exported program",
            f"printed {len(logits)} logits",
            expected=f"{n_classes}, one a class",
        )
    return what, int(chosen), logits, int(spent) if spent else None
