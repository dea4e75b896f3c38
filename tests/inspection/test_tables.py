"""Totals of a data set, counted by hand."""

import json
from types import SimpleNamespace
from typing import Any

import pandas as pd

from pipeline.inspection import tables
from pipeline.roles import UNKNOWN


def checked(names: dict[str, str], subjects: str = "aab") -> Any:
    """Three recordings in use, one that is not, and the windows of those in use."""
    rows = [
        SimpleNamespace(
            recording=f"r{k}",
            subject=UNKNOWN if subject == "?" else subject,
            status="used",
            duration_s=60.0 * (k + 1),
            annotations=json.dumps({"N": 3, "V": k}),
        )
        for k, subject in enumerate(subjects)
    ]
    refused = SimpleNamespace(**{**vars(rows[0]), "status": "refused"})
    used = pd.DataFrame(
        [("a", "N")] * 5 + [("a", "V")] + [("b", "N")] * 2, columns=["subject", "label"]
    )
    return SimpleNamespace(
        done=SimpleNamespace(rows=[*rows, refused]),
        trial=SimpleNamespace(used=used),
        asked=SimpleNamespace(labels=names),
    )


def test_classes_have_labels_windows_shares_and_persons() -> None:
    table = tables.classes(checked({"N": "normal", "V": "ectopic", "S": "other"}))
    assert table.to_dict("list") == {
        "class": ["N", "V", "S"],
        "meaning": ["normal", "ectopic", "other"],
        "labels": [9, 0 + 1 + 2, 0],
        "windows": [7, 1, 0],
        "%": [87.5, 12.5, 0.0],
        "subjects": [2, 1, 0],
    }
    short = tables.classes(checked({"N": "N", "V": "V"}))
    assert list(short.columns) == ["class", "labels", "windows", "%", "subjects"]


def test_subjects_have_recordings_minutes_and_windows_of_each_class() -> None:
    table = tables.subjects(checked({"N": "N", "V": "V", "S": "S"}))
    assert table.to_dict("list") == {
        "subject": ["a", "b"],
        "recordings": [2, 1],
        "minutes": [3.0, 3.0],
        "N": [5, 2],
        "V": [1, 0],
        "S": [0, 0],
    }


def test_nobody_counts_whom_nobody_knows() -> None:
    assert tables.subjects(checked({"N": "N"}, subjects="???")).empty
