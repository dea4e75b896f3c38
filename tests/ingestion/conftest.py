"""A data set of a folder, taken in by its entry as a user writes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from pipeline import files
from pipeline.config import Params
from stages import Stage, fetch, ingest, prepare

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True)
class Taken:
    """What the stages made of a data set.

    Parameters
    ----------
    fetched, ingested : str
        The stages' closing lines.
    recordings : DataFrame
    folder : Path
        Where the stages worked.
    """

    fetched: str
    ingested: str
    recordings: pd.DataFrame
    folder: Path

    def raw(self, recording: str) -> "mne.io.BaseRaw":
        """Open a recording."""
        target = self.folder / "data" / "recordings" / "x"
        return files.load_recording(target / f"{recording}_raw.fif")

    def marks(self, recording: str) -> list[tuple[float, float, str]]:
        """List the labels of a recording: onset, duration, class."""
        found = self.raw(recording).annotations
        rows = zip(found.onset, found.duration, found.description, strict=True)
        return [(round(float(a), 6), round(float(b), 6), str(c)) for a, b, c in rows]

    def table(self, name: str) -> pd.DataFrame:
        """Load the table `windows` or `folds`."""
        return files.load_table(
            self.folder / "data" / "windows" / "x" / f"{name}.parquet"
        )


@pytest.fixture
def take_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Taken]:
    """Run fetch and ingest, and prepare if there are windows, on a folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    monkeypatch.delenv("DVC_ROOT", raising=False)

    def run(
        path: Path, pattern: str, on_bad: str = "raise", **entry: Mapping[str, Any]
    ) -> Taken:
        source = {"name": "folder", "path": str(path), "pattern": pattern}
        source["pseudonyms"] = False  # most tests ask for names
        source |= entry.pop("source", {})
        card = {"title": "x", "modality": "ecg", "licence": "none", "citation": "own"}
        sections = {
            "seed": 1,
            "on_bad_recording": on_bad,
            "datasets": {"x": {"card": card, "source": source, **entry}},
        }

        def stage(name: str, module: Any) -> Stage:
            return Stage(name, {"dataset": "x"}, module.SECTIONS, Params(sections))

        fetched = fetch.main(stage("fetch", fetch))
        ingested = ingest.main(stage("ingest", ingest))
        if "windows" in entry:
            prepare.main(stage("prepare", prepare))
        table = tmp_path / "data" / "recordings" / "x" / "recordings.parquet"
        return Taken(fetched, ingested, files.load_table(table), tmp_path)

    return run
