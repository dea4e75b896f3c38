"""Audit a trained cell: can one find out whom it was trained on.

Networks are trained with the cell's own settings, each on half of the persons; every
one is the target once, the others its references. What is audited is thus the way of
training, not one file of weights.
"""

import shutil
from typing import Any

import numpy as np
import torch

from pipeline import files, unfinished
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.networks.parts.heads import SegmentRates
from pipeline.privacy import answers, drawing, judging, opening
from pipeline.privacy.judging import Case
from pipeline.privacy.results import LAYOUT, RESULT
from pipeline.privacy.settings import AuditSettings
from pipeline.training.cell import TrainedCell
from pipeline.training.task import Task, load_role

BINS = 10
"""Pieces of a window in which the memoriser counts spikes."""
AT_ONCE = 512

Plain = dict[str, Any]


def audit(name: str, settings: AuditSettings, evaluation: EvaluationSettings) -> Plain:
    """Audit a cell, and write `data/audits/<cell>`.

    Writes `audit.json`, which is returned, and `answers-<k>.safetensors`, what each
    network answered. A killed audit keeps the networks that are done.

    Parameters
    ----------
    name : str
        The cell.
    settings : AuditSettings
    evaluation : EvaluationSettings
        Resamples and confidence of intervals.

    Raises
    ------
    DataError
        The cell is not trained or not by today's code, its persons are unknown or too
        few, a class is of one person alone, or a network's training set is not known.
    PipelineError
        A network failed.
    """
    cell = TrainedCell.open(name)
    opening.check_current(cell)
    windows = opening.usable_windows(cell)
    membership = opening.divided(cell, windows, settings)
    task = opening.audit_task(cell, windows, membership)
    with unfinished.finishing(files.folder("audits", name)) as folder:
        drawn = folder / "draws"
        recordings = sorted(windows["recording"].unique())
        draws = drawing.draw(cell, recordings, settings.draws, drawn)
        code = opening.code_digest(cell, "audit")
        plan = answers.Plan(task, membership, settings, draws, code)
        answered = answers.collect(plan, folder)
        shutil.rmtree(drawn, ignore_errors=True)
        targets = load_role(task, settings.models, "test").targets.numpy()
        bootstrap = evaluation.bootstrap
        case = Case(windows, targets, membership, answered, bootstrap, task.seed)
        found = {
            **{axis: cell.run[axis] for axis in ("dataset", "encoder", "model")},
            "layout": LAYOUT,
            "run_key": cell.run["run_key"],
            "settings": settings.model_dump(),
            "interval": {
                "method": "percentiles of persons and networks drawn together",
                **evaluation.model_dump(),
            },
            "persons": persons(case),
            "accuracy": judging.accuracies(case),
            "attacks": judging.attacked(case),
            "controls": controls(task, case),
        }
        files.save_json(folder / RESULT, found)
        kept = {answers.answers_path(folder, k).name for k in range(settings.models)}
        files.keep_only(folder, {RESULT, *kept})
    return found


def persons(case: Case) -> Plain:
    """List who was what."""
    membership = case.membership
    networks = range(len(membership.member))
    return {
        "candidates": list(membership.candidates),
        "validation": list(membership.validation),
        "population": list(membership.population),
        "training_sets": [membership.training_set(k) for k in networks],
    }


def controls(task: Task, case: Case) -> Plain:
    """Judge the planted controls."""
    chosen = judging.memorised(case)
    features = counted_spikes(task, len(case.membership.member), chosen)
    return judging.controlled(case, features, chosen)


def counted_spikes(task: Task, fold: int, chosen: np.ndarray) -> np.ndarray:
    """Count the spikes of decisions' windows in bins, (decision, feature · bin)."""
    windows = load_role(task, fold, "test").windows()
    rates = SegmentRates(BINS)
    split = torch.split(torch.from_numpy(chosen), AT_ONCE)
    counts = [rates(windows.spikes(rows)) for rows in split]
    return torch.cat(counts).double().numpy()
