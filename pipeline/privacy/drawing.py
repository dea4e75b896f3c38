"""Other draws of random codes: spikes of the same signals, in no training set."""

from functools import partial
from pathlib import Path

import numpy as np

from pipeline import files, seeds
from pipeline.encoding.encode import encode
from pipeline.parallel import parallel_map
from pipeline.training.cell import TrainedCell


def draw(
    cell: TrainedCell, recordings: list[str], n_draws: int, folder: Path
) -> tuple[Path, ...]:
    """Encode recordings anew, a folder a draw.

    Returns
    -------
    folders : tuple of Path
        Empty if the code is not random: then every draw has the same spikes.
    """
    if not is_random(cell, recordings[0]):
        return ()
    folders = tuple(folder / str(number) for number in range(n_draws))
    work = [(each, name) for each in folders for name in recordings]
    parallel_map(partial(_draw_one, cell), work, what=f"draws for {cell.name}")
    return folders


def is_random(cell: TrainedCell, recording: str) -> bool:
    """Whether two draws of a recording differ; what an oracle is given does not."""
    if cell.encoder.is_oracle:
        return False
    signal = files.load_signal(_signals(cell) / f"{recording}.h5")
    one, other = (
        encode(cell.encoder, signal, np.random.default_rng(seed)).packed
        for seed in range(2)
    )
    return not np.array_equal(one, other)


def _draw_one(cell: TrainedCell, work: tuple[Path, str]) -> None:
    """Encode a recording with the generator of its draw."""
    folder, recording = work
    signal = files.load_signal(_signals(cell) / f"{recording}.h5")
    seed = cell.run["settings"]["seed"]
    rng = seeds.generator(seed, "audit", "draw", folder.name, signal.order or recording)
    files.save_spikes(folder / f"{recording}.h5", encode(cell.encoder, signal, rng))


def _signals(cell: TrainedCell) -> Path:
    return files.folder("signals", cell.dataset)
