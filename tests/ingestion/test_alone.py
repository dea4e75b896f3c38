"""What one recording needs does not grow with the files of its data set."""

import pickle
from collections.abc import Collection
from pathlib import Path

import pytest

from pipeline.errors import DataError
from pipeline.ingestion import alone, found, reading
from pipeline.ingestion.archives import View
from pipeline.ingestion.reading import Intake, Job
from pipeline.ingestion.values import Values
from pipeline.readers.wfdb import Wfdb

VALUES = {"label": {"from": "sidecar", "file": "table.csv", "key": "group"}}
SELECTION = found.Selection(["{subject}.hea"])


class Asking(Wfdb):
    """Asks whether files are there, as readers do for each recording."""

    def companions(
        self, folder: Path, main: str, files: Collection[str]
    ) -> tuple[str, ...]:
        assert type(files).__contains__ is not list.__contains__  # it would ask all
        return tuple(n for n in [main.replace(".hea", ".dat")] if n in files)


def job(*others: str, n: int = 2) -> Job:
    names = [f"p{k}.{end}" for k in range(n) for end in ("hea", "dat")]
    digests = {name: f"{k:064}" for k, name in enumerate([*names, *others])}
    intake = Intake(Asking(), Values.model_validate(VALUES))
    return Job(intake, View(Path("raw"), digests), None, "skip", "")


def own(whole: Job) -> list[Job]:
    listed = alone.with_sidecars(whole, found.find(Asking(), whole.view, SELECTION))
    return alone.jobs(whole, listed.entries)


def test_a_job_knows_the_files_of_its_recording_alone() -> None:
    few, many = (own(job("table.csv", n=n)) for n in (2, 2000))
    assert set(few[0].view.digests) == {"p0.hea", "p0.dat", "table.csv"}
    assert len(few) == 2
    assert len(many) == 2000
    assert len(pickle.dumps(many[0])) < 1.1 * len(pickle.dumps(few[0]))


@pytest.mark.parametrize(
    ("others", "problem"),
    [((), "is not there"), (("a/table.csv", "b/table.csv"), "2 sidecars")],
)
def test_what_is_wrong_with_a_sidecar_is_still_known(
    others: tuple[str, ...], problem: str
) -> None:
    whole = job(*others)
    (mine, _), (entry, _) = (
        own(whole),
        found.find(Asking(), whole.view, SELECTION).entries,
    )
    with pytest.raises(DataError, match=problem):
        reading._texts(mine, entry, None, mine.intake.values.label)  # type: ignore
