"""Signal, reconstruction and raster in one figure."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from pipeline.plots.excerpt import excerpt, save


def table(n_features: int) -> pd.DataFrame:
    time_s = np.arange(100) / 50
    wave = np.sin(time_s)
    spikes = {f"c$+{k}": np.arange(100) % (k + 2) == 0 for k in range(n_features)}
    return pd.DataFrame({"time_s": time_s, "signal": wave, "decoded": wave, **spikes})


def test_an_excerpt_is_drawn_and_described() -> None:
    drawn = excerpt(table(2), "MLII", "delta")
    ElementTree.fromstring(drawn.svg)
    assert "reconstruction" in drawn.svg
    assert (
        "Channel MLII for 2.0 seconds, the signal and its reconstruction" in drawn.alt
    )
    assert "84 delta spikes in 2 features" in drawn.alt
    assert drawn == excerpt(table(2), "MLII", "delta")


def test_no_reconstruction_and_many_features_are_drawn() -> None:
    drawn = excerpt(table(50).assign(decoded=np.nan), "$", "rhythm")
    ElementTree.fromstring(drawn.svg)
    assert "reconstruction" not in drawn.svg + drawn.alt


def test_a_picture_is_saved_as_png(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    save(table(2), "MLII", path, "png")
    assert path.read_bytes().startswith(b"\x89PNG")
