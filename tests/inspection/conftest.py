"""Arrays that are watched like recordings."""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from pipeline import quality
from pipeline.axes import Segment
from pipeline.ingestion.labelling import Labels
from pipeline.inspection.measuring import Seen, Watch
from pipeline.readers.base import Content


@pytest.fixture
def watch() -> Callable[..., Seen]:
    """Watch samples pass by in pieces, with classes at every second."""
    return _watch


def _watch(
    samples: np.ndarray,
    sfreq: float = 250.0,
    kind: str = "emg",
    *,
    line_freq: float | None = None,
    segments: Sequence[Segment] = (Segment(0, 0.0),),
    classes: Sequence[str] = (),
    blocks: bool = False,
    step: int = 10_000,
) -> Seen:
    """Watch samples pass by in pieces, with classes at every second."""
    names = tuple(f"c{k}" for k in range(len(samples)))

    def read(start: int, stop: int) -> np.ndarray:
        return samples[:, start:stop]

    types = (kind,) * len(names)
    n_samples = samples.shape[1]
    content = Content(
        names,
        types,
        sfreq,
        n_samples,
        read,
        segments=tuple(segments),
        line_freq=line_freq,
    )
    watching = Watch(content, {})
    pieces = [read(k, min(k + step, n_samples)) for k in range(0, n_samples, step)]
    for piece in pieces:
        watching.add(piece)
    onset = np.arange(len(classes), dtype=float)
    duration = np.full(len(classes), 1.0 if blocks else 0.0)
    labels = Labels(onset, duration, tuple(classes), Counter(), Counter())
    return watching.finish(quality.measure(pieces, sfreq, line_freq), labels)
