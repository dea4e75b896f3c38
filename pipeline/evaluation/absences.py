"""The classes that are not evaluated, with their reasons."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

Unjudged = Sequence[Mapping[str, Any]]
"""fold, label and number of windows that are not tested, for no window of that label
trains in that fold."""


def in_all_folds(
    tested: Collection[str], labels: Sequence[str], unjudged: Unjudged
) -> dict[str, str]:
    """Explain, for each class that no fold tests, why it is not tested."""

    def why(label: str) -> str:
        """Report whether the class was tested nowhere, or trained nowhere."""
        count = sum(row["windows"] for row in unjudged if row["label"] == label)
        if not count:
            return "no test window in any fold"
        return f"no training window in the folds of its {count} test windows"

    return {label: why(label) for label in labels if label not in tested}


def in_fold(
    fold: int, tested: Collection[str], labels: Sequence[str], unjudged: Unjudged
) -> dict[str, str]:
    """Explain, for each class that a fold does not test, why it is not tested."""

    def why(label: str) -> str:
        """Report whether the fold lacks windows to test or to train."""
        for row in unjudged:
            if (row["fold"], row["label"]) == (fold, label):
                return f"no training window for its {row['windows']} test windows"
        return "no test window"

    return {label: why(label) for label in labels if label not in tested}
