"""Check a data set: read all of it once, try the stages, and report."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pipeline import files
from pipeline.config import Params
from pipeline.errors import DataError
from pipeline.evaluation.clock import Clock
from pipeline.ingestion import leaving
from pipeline.ingestion.recordings import Ingested, inspect
from pipeline.inspection import asked as asking
from pipeline.inspection import clock as timing
from pipeline.inspection import trial as trying
from pipeline.inspection.asked import Asked
from pipeline.inspection.feasibility import of_trial, refusals
from pipeline.inspection.findings import Finding, count, in_order, people
from pipeline.inspection.leads import of_leads
from pipeline.inspection.measuring import Observer
from pipeline.inspection.privacy import of_names
from pipeline.inspection.recordings import of_recordings
from pipeline.inspection.signals import of_signals
from pipeline.inspection.trial import Trial
from pipeline.preparation.windows import Beats
from pipeline.sources.base import MANIFEST

Verdict = Literal["yes", "not yet", "no"]


@dataclass(frozen=True)
class Checked:
    """A data set, checked.

    Parameters
    ----------
    asked : Asked
    done : Ingested
    manifest : mapping
        What the stage fetch wrote.
    trial : Trial
    clock : Clock or None
        What needs no signal; None where no fold can be judged.
    findings : list of Finding
        The most severe first.
    """

    asked: Asked
    done: Ingested
    manifest: Mapping[str, Any]
    trial: Trial
    clock: Clock | None
    findings: list[Finding]

    @property
    def verdict(self) -> Verdict:
        """Whether it can be used: as it is, once an error is mended, or not at all."""
        refused = refusals(self.asked, self.trial)
        if self.trial.folds is None or len(refused) == len(self.asked.networks):
            return "no"
        errors = any(finding.severity == "error" for finding in self.findings)
        return "not yet" if errors else "yes"

    @property
    def answer(self) -> str:
        """Report whether it can be used, and with how many windows."""
        used, folds = self.trial.used, self.trial.folds
        if self.verdict == "no" or folds is None:
            rows = [row for row in self.done.rows if row.status == "used"]
            there = f"{count(len(rows), 'recording')} and {count(len(used), 'window')}"
            return f"No: {there} are usable, and nothing could be trained."
        amount = (
            f"{count(len(used), 'window')} of "
            f"{people(used['subject'])} in "
            f"{count(folds['fold'].nunique(), 'fold')}"
        )
        if self.verdict == "not yet":
            return f"Not yet: an error below ends a stage. Without it: {amount}."
        return f"Yes: {amount}."

    @property
    def amount(self) -> str:
        """Report how many recordings and hours are in use."""
        rows = self.done.rows
        used = [row for row in rows if row.status == "used"]
        hours = sum(row.duration_s for row in used) / 3600
        return f"{len(used):,} of {count(len(rows), 'recording')} in use, {hours:.3g} h"

    @property
    def detected_later(self) -> bool:
        """Whether prepare will lay windows around beats that it detects itself."""
        windows = self.asked.windows
        return isinstance(windows, Beats) and windows.beats == "detected"


def check(params: Params, dataset: str) -> Checked:
    """Read every recording of a fetched data set, try windows and folds, and judge.

    Parameters
    ----------
    params : Params
    dataset : str

    Raises
    ------
    ConfigError
        There is no such data set.
    DataError
        It has not been fetched, or none of its files is a recording.
    """
    asked = asking.read(params, dataset)
    folder = files.folder("raw", dataset)
    manifest = _manifest(folder, dataset)
    labels = list(asked.labels)
    intake = asked.intake
    done = inspect(intake, folder, manifest, labels, Observer(intake.reader))
    trial = trying.run(asked, done.rows, done.seen)
    if leaving.has_pseudonyms(manifest):  # whose order is that of the samples
        by_name = sorted(done.rows, key=lambda row: (row.recording, row.subject))
        done = replace(done, rows=by_name)
    seen = {
        row.recording: done.seen[row.recording]
        for row in done.rows
        if row.status == "used"
    }
    clock, without_signal = timing.of_trial(params, asked, trial)
    found = [
        *_stale(params, dataset, manifest),
        *of_names(done.rows, manifest, params.plain(f"datasets.{dataset}")),
        *of_recordings(done, manifest, asked.on_bad),
        *of_signals(seen, asked.signal),
        *of_leads({n: s for n, s in seen.items() if "stim" not in s.types}),
        *of_trial(asked, trial, seen),
        *without_signal,
    ]
    return Checked(asked, done, manifest, trial, clock, in_order(found))


def _manifest(folder: Path, dataset: str) -> dict[str, Any]:
    if not (folder / MANIFEST).exists():
        raise DataError(
            str(folder),
            "there are no raw files yet",
            expected="the files of the stage fetch",
            remedy=f"add {dataset} to grid.dataset in params.yaml, and run "
            f"`dvc repro fetch@{dataset}`",
        )
    return files.load_json(folder / MANIFEST)


def _stale(params: Params, dataset: str, manifest: Mapping[str, Any]) -> list[Finding]:
    """Report where the raw files are those of another source."""
    source = params.read(f"datasets.{dataset}.source").model_dump(mode="json")
    fetched = manifest["settings"]["source"]
    if source == {key: v for key, v in fetched.items() if key != "name"}:
        return []
    return [
        Finding(
            "warning",
            "Source has changed",
            "the raw files are those of the source as it was when they were fetched",
            (f"datasets.{dataset}.source",),
            f"run `dvc repro fetch@{dataset}`, then check again",
        )
    ]
