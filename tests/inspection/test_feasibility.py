"""Findings about windows, folds and classes."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from pipeline.components import find
from pipeline.inspection.asked import Asked
from pipeline.inspection.feasibility import (
    by_role,
    forgetful,
    misfits,
    of_trial,
    oracles,
)
from pipeline.inspection.findings import Finding
from pipeline.inspection.measuring import Seen
from pipeline.inspection.trial import Trial
from pipeline.networks.dense import Dense
from pipeline.neurons.leaky import Leaky

LABELS = {"N": "normal", "V": "ventricular"}
SETTINGS = SimpleNamespace(labels=LABELS, networks={}, neurons={}, encoders={})


def table(counts: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Make windows: how many of each class each subject has."""
    rows = [
        {
            "recording": subject,
            "subject": subject,
            "label": label,
            "reason": "",
            "start": 0,
            "stop": 100,
            "segment_start": 0,
            "segment_stop": 1000,
        }
        for subject, numbers in counts.items()
        for label, number in zip(LABELS, numbers, strict=True)
        for _ in range(number)
    ]
    windows = pd.DataFrame(rows)
    windows.insert(0, "window", np.arange(len(windows)))
    return windows


def judge(trial: Trial, seen: Mapping[str, Seen] | None = None) -> list[Finding]:
    return of_trial(cast("Asked", SETTINGS), trial, seen or {})


def kinds(trial: Trial, **seen: Seen) -> list[str]:
    return [f"{f.severity}: {f.kind}" for f in judge(trial, seen)]


EVEN = {"a": (9, 9), "b": (9, 9), "c": (9, 9)}


def test_even_classes_have_no_finding() -> None:
    assert kinds(Trial(table(EVEN))) == []


def test_windows_left_out_are_counted_by_reason() -> None:
    windows = table(EVEN)
    windows.loc[:1, "reason"] = ["window starts 0.30 s before the recording"] * 2
    (found,) = judge(Trial(windows))
    assert found.severity == "note"
    assert "2 of 54 cannot be used" in found.what
    windows.loc[:40, "reason"] = "block lasts 0.1 s, less than 1 s"
    assert judge(Trial(windows))[0].severity == "warning"


def test_rare_and_missing_classes_are_named() -> None:
    (rare, missing) = judge(Trial(table({"a": (90, 1), "b": (90, 1), "c": (90, 0)})))
    assert (rare.severity, rare.kind) == ("note", "Rare class")
    assert "V 0.74 %" in rare.what
    assert "V in 2 of 3" in missing.what


def test_a_class_of_one_subject_is_a_warning() -> None:
    trial = Trial(table({"a": (9, 9), "b": (9, 0), "c": (9, 0)}))
    assert kinds(trial) == ["warning: Class of one subject"]


def test_a_class_that_no_window_trains_is_a_warning() -> None:
    windows = table(EVEN)
    roles = np.where(windows["subject"] == "a", "test", "train").astype(object)
    folds = pd.DataFrame({"window": windows["window"], "fold": 0, "role": roles})
    assert kinds(Trial(windows, folds)) == []
    lost = (windows["label"] == "V") & (windows["subject"] == "a")
    folds.loc[lost, "role"] = "unjudged"
    (found,) = judge(Trial(windows, folds))
    assert (found.severity, found.where) == ("warning", ("fold 0 V",))


def test_windows_and_subjects_are_counted_by_role() -> None:
    windows = table({"a": (3, 1), "b": (2, 2), "c": (1, 0)})
    roles = windows["subject"].map({"a": "test", "b": "train", "c": "train"})
    folds = pd.DataFrame({"window": windows["window"], "fold": 0, "role": roles})
    counted = by_role(Trial(windows, folds), list(LABELS))
    assert counted.index.to_list() == [(0, "train"), (0, "test")]
    assert counted.loc[(0, "train")].to_list() == [2, 3, 2]
    assert counted.loc[(0, "test")].to_list() == [1, 3, 1]


def test_one_order_of_classes_is_worth_knowing(watch: Callable[..., Seen]) -> None:
    samples = 1e-5 * np.random.default_rng(0).standard_normal((1, 3000))

    def order(orders: Sequence[str], *, blocks: bool = True) -> list[str]:
        seen: dict[str, Any] = {
            f"r{k}": watch(samples, classes=tuple(each), blocks=blocks)
            for k, each in enumerate(orders)
        }
        return kinds(Trial(table(EVEN)), **seen)

    assert order(["abcabc", "abc", "aabc"]) == ["note: One order of classes"]
    assert order(["abc", "bac", "cab"]) == []
    assert order(["abc"] * 3, blocks=False) == [], "beats follow each other as they do"
    assert order(["ab"] * 3) == [], "two orders of two classes are a coin"


@pytest.mark.parametrize(("n_cold", "severity"), [(5, "note"), (6, "warning")])
def test_windows_that_see_silence_are_counted(n_cold: int, severity: str) -> None:
    windows = table(EVEN)
    windows.loc[: n_cold - 1, "start"] = -1
    (found,) = judge(Trial(windows))
    assert (found.severity, found.kind) == (severity, "Cold decisions")
    assert found.what.startswith(f"{n_cold} of 54 windows begin before")
    windows = table(EVEN).assign(segment_stop=99)
    (found,) = judge(Trial(windows))
    assert (found.severity, found.kind) == ("warning", "Late decisions")


def test_unknown_persons_are_no_subjects() -> None:
    windows = table(EVEN).assign(subject="")
    assert kinds(Trial(windows)) == ["note: Persons unknown"]
    folds = pd.DataFrame({"window": windows["window"], "fold": 0, "role": "test"})
    assert by_role(Trial(windows, folds), list(LABELS))["subjects"].tolist() == [0]


def test_models_that_forget_before_a_label_ends_are_named() -> None:
    table = pd.DataFrame(
        {"start": [0, 100], "stop": [500, 600], "label": ["N", "V"], "reason": ""}
    )
    trial: Any = SimpleNamespace(used=table, sfreq=100.0, channels=("x",))
    fast, slow = Leaky(tau_mem_s=0.05), Leaky(tau_mem_s=(0.05, 3.0))
    membrane = Dense(units=[4], read_out="membrane")
    asked: Any = SimpleNamespace(
        labels=("N", "V"),
        encoders={"delta": find("encoders", "delta")()},
        networks={
            "fast": membrane,
            "slow": membrane,
            "swings": membrane,
            "rates": Dense(units=[4]),
            "traces": Dense(units=[4], read_out="traces", longest_s=2.0),
        },
        neurons={
            "fast": fast,
            "slow": slow,
            "swings": find("neurons", "resonate")(damping_hz=(0.4, 5.0)),
            "rates": fast,
            "traces": fast,
        },
    )
    (found,) = forgetful(asked, trial)
    assert found.where == ("models.fast",)
    assert "0.45 s back" in found.what


def test_encoders_that_do_not_fit_are_named() -> None:
    trial: Any = SimpleNamespace(used=table(EVEN), sfreq=100.0, channels=("I",))
    joined, rhythm = find("encoders", "joined"), find("encoders", "rhythm")
    asked: Any = SimpleNamespace(
        encoders={
            "fits": rhythm(),
            "other": joined(parts=[{"name": "delta", "channels": ["MLII"]}]),
            "oracle": joined(parts=[{"name": "rhythm", "beats": "annotated"}]),
        },
    )
    found = [(f.severity, f.where[0], f.what) for f in misfits(asked, trial)]
    ((severity, where, what),) = found
    assert (severity, where) == ("error", "encoders.other")
    assert "no channel 'MLII'" in what
    trial.sfreq = 25.0
    slow = [f.where[0] for f in misfits(asked, trial)]
    assert slow == ["encoders.fits", "encoders.other", "encoders.oracle"]


def test_oracles_are_named() -> None:
    rhythm = find("encoders", "rhythm")
    asked: Any = SimpleNamespace(
        encoders={"fits": rhythm(), "oracle": rhythm(beats="annotated")},
        networks={"goes_on": Dense(), "knows": Dense(restart="blocks")},
    )
    found = [(f.severity, f.where) for f in oracles(asked)]
    assert found == [
        ("warning", ("encoders.oracle",)),
        ("warning", ("models.knows",)),
    ]
