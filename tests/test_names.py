"""Names of entries and paths: what any tool on the way takes for something else."""

import pytest

from pipeline.names import LONGEST, entry_fault, entry_faults, path_fault, suggested


@pytest.mark.parametrize(
    "name",
    ["ecg_demo", "mitdb_ds1", "lif", "n", "A1", "a" * LONGEST, "console", "nano"],
)
def test_names_that_all_tools_take(name: str) -> None:
    assert entry_fault(name) == ""
    assert suggested(name, "model") == name


@pytest.mark.parametrize(
    ("name", "message", "write"),
    [
        ("x; touch y #", "';', a space, '#'", "x_touch_y"),
        ("$(touch y)", "'$'", "touch_y"),
        ("${grid}", "'$'", "grid"),
        ("it's", "holds '''", "it_s"),
        ("a-b", "parts the names of a cell", "a_b"),
        ("-x", "parts the names of a cell", "x"),
        ("a.b", "'.'", "a_b"),
        ("a/b", "'/'", "a_b"),
        ("..", "'.'", "dataset"),
        ("a\nb", "'\\n'", "a_b"),
        ("a%b", "'%'", "a_b"),
        ("a@b", "'@'", "a_b"),
        ("mäuse", "'ä'", "mause"),
        ("日本", "'日'", "dataset"),
        ("", "empty", "dataset"),
        ("2024", "begin with a letter", "dataset_2024"),
        ("_x", "begin with a letter", "x"),
        (2024, "a number", "dataset_2024"),
        (1e5, "a number", "dataset_100000_0"),
        (None, "nothing", "dataset"),
        (True, "a truth value", "dataset_True"),
        ("yes", "something else", "dataset_yes"),
        ("NULL", "something else", "dataset_NULL"),
        ("Default", "something else", "dataset_Default"),
        ("CON", "a device", "dataset_CON"),
        ("a" * (LONGEST + 1), "41 characters", "a" * LONGEST),
    ],
)
def test_names_that_some_tool_does_not_take(
    name: object, message: str, write: str
) -> None:
    assert message in entry_fault(name)
    assert suggested(name, "dataset") == write
    assert entry_fault(write) == ""


def test_names_that_differ_in_case_alone() -> None:
    ((name, fault),) = entry_faults(["Mine", "other", "mine"])
    assert name == "mine"
    assert "upper and lower case distinguish it from 'Mine'" in fault
    assert not list(entry_faults(["mine", "mine_2", "other"]))


@pytest.mark.parametrize("path", ["a/b.edf", "./a", "..a/b..", "12:30.edf", "é x/#1 %"])
def test_paths_below_a_folder(path: str) -> None:
    assert path_fault(path) == ""


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("a\\..\\..\\x", "leads out"),
        ("/x", "absolute"),
        ("\\x", "absolute"),
        ("C:\\x", "absolute"),
        ("C:x", "absolute"),
        ("\\\\host\\share\\x", "absolute"),
        ("", "no file's name"),
        (".", "no file's name"),
        ("a\0b", "no file's name"),
        ("a\nb", "no file's name"),
    ],
)
def test_paths_that_lead_elsewhere(path: str, message: str) -> None:
    assert message in path_fault(path)
