"""Findings about files and recordings: refused, absent, unlabelled, left out."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.files import dump_json
from pipeline.ingestion.catalogue import Row
from pipeline.ingestion.found import Found
from pipeline.ingestion.recordings import Ingested
from pipeline.inspection.findings import Finding
from pipeline.inspection.recordings import of_recordings
from pipeline.readers.base import LEAVE_OUT

MANIFEST: Mapping[str, Any] = {"left_out": {}, "absent": {}}
SOUND = Row("a", "p", annotations='{"N": 90}')


def judge(*rows: Row, on_bad: Any = "skip", **known: Any) -> list[Finding]:
    found = known.pop("found", Found(()))
    unclaimed = known.pop("unclaimed", Counter())
    done = Ingested([SOUND, *rows], found, unclaimed, **known)
    return of_recordings(done, MANIFEST, on_bad)


def test_sound_recordings_have_no_finding() -> None:
    assert judge() == []


def test_refused_recordings_are_grouped_by_reason_whatever_the_numbers() -> None:
    reasons = ("1.5% are no numbers", "20% are no numbers", "the end mark is missing")
    rows = [
        Row(f"r{k}", "p", status="refused", reason=reason)
        for k, reason in enumerate(reasons)
    ]
    problems = {"r0": "a.csv: 1.5% are no numbers, from 3 s"}
    found = judge(*rows, problems=problems, remedies={"r0": "mend it"})
    assert [(f.severity, f.where) for f in found] == [
        ("warning", ("r0", "r1")),
        ("warning", ("r2",)),
    ]
    so = "(so r0, and the others are like it)"
    assert found[0].what == f"{problems['r0']} {so}"
    assert found[1].what == reasons[2]
    assert found[0].remedy == "mend it"
    ended = judge(*rows[:1], on_bad="raise", problems=problems)
    assert ended[0].severity == "error"
    assert "on_bad_recording: skip" in ended[0].remedy
    known = {"r0": f"mend it, or {LEAVE_OUT}"}
    ended = judge(*rows[:1], on_bad="raise", problems=problems, remedies=known)
    assert ended[0].remedy == known["r0"]


def test_absent_and_unlabelled_recordings_are_named() -> None:
    absent = Row("b", "q", status="absent", reason="RECORDS lists it")
    (found,) = judge(absent)
    assert (found.severity, found.where, found.what) == ("note", ("b",), absent.reason)
    (found,) = judge(Row("c", "q", status="unlabelled", reason="no label"))
    assert (found.severity, found.where) == ("warning", ("c",))


@pytest.mark.parametrize(("outside", "severity"), [(2, "note"), (50, "warning")])
def test_many_labels_outside_the_signal_are_a_warning(
    outside: int, severity: str
) -> None:
    left_out = dump_json({"lies outside the signal": outside})
    (found,) = judge(Row("b", "p", left_out=left_out))
    assert (found.severity, found.kind) == (severity, "Marks left out")
    assert f"{outside} marks" in found.what


def test_texts_without_a_class_are_shown() -> None:
    row = Row("b", "p", left_out=dump_json({"no class takes it": 5}))
    (found,) = judge(row, unclaimed=Counter({"+": 4, "~": 1}))
    assert found.what == "5 marks: no class takes it ('+' 4, '~' 1)"


def test_remarks_that_differ_in_numbers_are_one() -> None:
    rows = [
        Row(name, "p", remarks=dump_json([f"{k} s left out"]))
        for k, name in enumerate("bcd")
    ]
    (found,) = judge(*rows)
    assert (found.severity, found.where) == ("note", ("b", "c", "d"))


def test_files_left_out_are_grouped_and_chosen_ones_are_not_named() -> None:
    left_out = {
        "x.csv": "does not fit the pattern",
        "y.csv": "does not fit the pattern: two readings",
        "z.csv": "is in `except`",
        "README": "describes the data set",
    }
    (found,) = judge(found=Found((), left_out))
    assert (found.what, found.where) == ("does not fit the pattern", ("x.csv", "y.csv"))


def test_identifying_fields_are_grouped_by_the_kind_of_file() -> None:
    survey = {"p.tsv": ("age",), "q.edf": ("name",), "r.edf": ("name", "sex")}
    first, second = judge(survey=survey)
    assert (first.where, second.where) == (("p.tsv",), ("q.edf", "r.edf"))
    assert "the files state name, sex; ingest keeps nothing" in second.what
