"""Labels in tables beside the recordings, and in file names."""

from pathlib import Path

import pytest

from pipeline.proposal.naming import Naming
from pipeline.proposal.outside import MOST_RUNS, outside

NOBODY = Naming("{subject}.edf", ({"subject": "a"}, {"subject": "b"}))


def naming(*rows: dict[str, str]) -> Naming:
    return Naming("", rows)


@pytest.mark.parametrize(
    ("name", "column", "found"),
    [
        ("participants.tsv", "group", True),
        ("patients_2024.csv", "Diagnosis", True),
        ("lists/labels.csv", "dx", True),
        ("participants.tsv", "age", False),
        ("notes.tsv", "group", False),
        ("participants.txt", "group", False),
    ],
)
def test_tables_of_persons_have_groups(
    tmp_path: Path, name: str, column: str, found: bool
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    sign = "\t" if name.endswith("tsv") else ","
    path.write_text(f"id{sign}{column}\na{sign}ill\nb{sign}well\n")
    places = [each.where for each in outside(tmp_path, [name], NOBODY, None)]
    assert places == ([f"sidecar:{name}:{column}"] if found else [])


def test_any_table_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "visits.tsv").write_text("id\tarm\na\tleft\nb\tright\n")
    asked = "sidecar:visits.tsv:arm"
    (found,) = outside(tmp_path, ["visits.tsv"], NOBODY, asked)
    assert found.where == asked
    assert found.classes == ("left", "right")
    assert found.value == {"from": "sidecar", "file": "visits.tsv", "key": "arm"}
    assert found.lasting == "recording"
    assert outside(tmp_path, ["visits.tsv"], NOBODY, "sidecar:visits.tsv:leg") == []
    assert outside(tmp_path, ["gone.tsv"], NOBODY, "sidecar:gone.tsv:arm") == []


def test_a_table_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "groups.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "labels.csv").write_text("id,group\na,x\nb,y\n")
    found = outside(tmp_path, ["groups.csv", "labels.csv"], NOBODY, None)
    assert [each.where for each in found] == ["sidecar:labels.csv:group"]


def test_words_in_names_are_labels_and_numbers_of_runs_may_be() -> None:
    rows = [
        {"subject": s, "condition": c, "run": r, "session": d}
        for s in "ab"
        for c in ("rest", "task")
        for r in "12"
        for d in "xy"
    ]
    found = outside(Path(), [], naming(*rows), None)
    kinds = {each.where: (each.classes, each.certain) for each in found}
    assert kinds == {
        "field:condition": (("rest", "task"), True),
        "field:run": (("1", "2"), False),
    }


def test_a_field_of_many_values_is_no_label() -> None:
    rows = [{"subject": "a", "task": f"t{k:02}"} for k in range(MOST_RUNS + 1)]
    assert outside(Path(), [], naming(*rows), None) == []
    assert len(outside(Path(), [], naming(*rows[:-1]), None)) == 1
    assert outside(Path(), [], naming(*rows[:1]), None) == []


def test_a_word_as_a_run_is_a_label() -> None:
    rows = [{"subject": "a", "run": run} for run in ("rest", "walk")]
    (found,) = outside(Path(), [], naming(*rows), None)
    assert found.certain
