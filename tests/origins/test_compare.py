"""What differs from a run is named, here and in another checkout."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline import files, tracing
from pipeline.errors import ConfigError, DataError
from pipeline.origins import words
from pipeline.origins.compare import aligned, compare, differences, settings_now
from pipeline.origins.origin import Origin, of_run
from pipeline.tracing import origin_of, trace_run
from tests import raw_cell

ROOT = Path(__file__).parents[2]


def origin() -> Origin:
    return of_run(files.load_json(files.folder("runs", raw_cell.CELL) / "run.json"))


def verdicts(found: Any) -> dict[str, str]:
    return {each.name: each.verdict for each in found if each.verdict != "same"}


def test_an_origin_has_digests_and_no_names(here: Path) -> None:
    made = origin()
    assert made.cell == raw_cell.CELL
    assert len(made.raw) == 4
    assert made.absent == ""
    text = json.dumps(made.plain() | {"settings": {}})
    assert not any(name in text for name in (*raw_cell.RAW, "r1.h5", "p1"))
    assert Origin.of_plain(json.loads(json.dumps(made.plain()))) == made
    assert made.tags["raw.digest"] == made.raw_digest
    assert "raw.absent" not in made.tags
    assert made.commit == ""  # no repository
    assert made.tags["environment.python"].startswith("3.")


def test_an_origin_that_is_not_known_says_why(here: Path) -> None:
    Path("dvc.lock").unlink()
    made = origin()
    assert made.raw == ()
    assert made.tags["raw.absent"] == (
        "dvc.lock has no fetch@toy: DVC did not run it here"
    )
    assert "raw.digest" not in made.tags
    assert compare(made).absent["raw files"] == made.absent


def test_the_digest_is_of_contents_in_any_order(here: Path) -> None:
    """And not of names: pseudonyms of another checkout may sort them otherwise."""
    before = origin()
    folder = files.folder("raw", "toy")
    content = (folder / "r3.dat").read_bytes()
    (folder / "r3.dat").unlink()
    renamed = {**raw_cell.RAW, "a.dat": content}
    del renamed["r3.dat"]
    raw_cell.fetch(renamed)
    raw_cell.lock()
    assert origin().raw_digest == before.raw_digest
    raw_cell.fetch({**renamed, "a.dat": b"other"})
    raw_cell.lock()
    assert origin().raw_digest != before.raw_digest


def test_nothing_differs_where_it_was_made(here: Path) -> None:
    compared = compare(origin())
    assert not compared.differing
    assert len(compared.raw) == 4
    assert {Path(each.name).parent.name for each in compared.inputs} == {
        "toy-code", "toy", "train",
    }  # fmt: skip
    # Its params.yaml has no such data set.
    assert "there is no data set 'toy'" in compared.absent["settings"]


def test_a_changed_input_is_named(here: Path) -> None:
    made = origin()
    (files.folder("raw", "toy") / "r2.dat").write_bytes(b"other")
    (files.folder("spikes", raw_cell.SPIKES) / "r3.h5").write_bytes(b"other")
    (files.folder("raw", "toy") / "r3.dat").unlink()
    compared = compare(made)
    assert verdicts(compared.raw) == {
        "data/raw/toy/r2.dat": "changed", "data/raw/toy/r3.dat": "not here",
    }  # fmt: skip
    assert verdicts(compared.inputs) == {"data/spikes/toy-code/r3.h5": "changed"}
    with pytest.raises(DataError) as caught:
        words.refuse_differing(made, compared)
    text = str(caught.value)
    assert "2 files changed, 1 file not here" in text
    assert "data/raw/toy/r2.dat" in text


def test_another_checkout_is_compared_by_digests(here: Path) -> None:
    """There a file was left out, one changed and one added, all fetched properly."""
    made = origin()
    shutil.rmtree("data")
    raw_cell.fetch({"r0.dat": b"new", "r1.dat": b"x" * 9, "r2.dat": bytes([2] * 50)})
    compared = compare(made)
    assert verdicts(compared.raw) == {
        "data/raw/toy/r0.dat": "changed",
        "data/raw/toy/r1.dat": "changed",
        "raw file 4 of 4": "not here",
    }
    assert "data/raw/toy/r2.dat" not in verdicts(compared.raw)
    gone = set(verdicts(compared.inputs).values())
    assert gone == {"not here"}


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ("abc", "abc", "same same same"),
        ("abc", "axc", "same changed same"),
        ("abc", "ac", "same not_here same"),
        ("abc", "abxc", "same same added same"),
        ("", "ab", "added added"),
        ("ab", "", "not_here not_here"),
        ("abcd", "axyd", "same changed changed same"),
        ("abcd", "axyzd", "same changed changed added same"),
        ("abcd", "ayd", "same changed not_here same"),
        ("aab", "ab", "not_here same same"),
    ],
)
def test_files_are_paired_in_their_order(theirs: str, ours: str, expected: str) -> None:
    named = [(f"{k}", letter) for k, letter in enumerate(ours)]
    found = aligned(theirs, named, "raw file")
    assert [each.verdict.replace(" ", "_") for each in found] == expected.split()
    own = [each.name for each in found if each.name.isdecimal()]
    assert own == [name for name, _ in named]


def test_settings_that_differ(here: Path) -> None:
    then = {"source": {"name": "x"}, "values": {"person": {"a": 1}}, "seed": 1}
    now = {
        "source": {"name": "x", "path": "/ward"},
        "values": {"person": {"a": 1, "map": {"Meier": 1}}},
        "seed": 2,
        "more": {"b": None},
    }
    (found,) = differences(then, now)
    assert found == ("seed", 1, 2)
    assert differences(then, {**then, "more": 3})[0] == ("more", None, 3)


def test_the_settings_of_now_are_those_of_the_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of `run.json` are compared in tests/repro."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "tests" / "params.yaml", "params.yaml")
    names = {"dataset": "ecg_demo", "encoder": "delta", "model": "lif"}
    now = settings_now(names)
    assert now["labels"] == ["N", "S", "V"]
    assert now["encoder"] == {
        "name": "delta", "threshold": 0.5, "adapt_s": 10.0, "events_per_s": None,
    }  # fmt: skip
    assert now["network"]["name"] == "convolutional"
    assert now["training"]["epochs"] == 2
    assert now["source"]["subjects"] == 6
    with pytest.raises(ConfigError, match="lif2"):
        settings_now({**names, "model": "lif2"})


def test_a_trace_prints_everything_and_ends_in_what_differs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace_run(raw_cell.CELL, Console(width=120))
    printed = capsys.readouterr().out
    for text in ("data/raw/toy/r1.dat", "encoder.frame_s", "0.08", "raw files",
                 "stages/run encode toy-code", "python 3.", "no git repository",
                 "settings: not compared"):  # fmt: skip
        assert text in printed
    (files.folder("raw", "toy") / "r1.dat").write_bytes(b"other")
    with pytest.raises(DataError, match=r"r1\.dat"):
        trace_run(raw_cell.CELL, Console(width=120))


def test_many_files_are_counted(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "MOST", 2)
    (files.folder("raw", "toy") / "r1.dat").write_bytes(b"other")
    made = origin()
    words.show(made, compare(made), Console(width=120))
    printed = capsys.readouterr().out
    assert "3 files are the same" in printed
    assert "r1.dat" in printed
    assert "r2.dat" not in printed


def test_names_behind_pseudonyms_are_shown_in_a_terminal_alone(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.folder("raw", "toy") / "manifest.json"
    files.save_json(path, files.load_json(path) | {"pseudonyms": True})
    raw_cell.lock()
    (files.folder("raw", "toy") / "r1.dat").write_bytes(b"other")
    with pytest.raises(DataError, match="1 file changed: raw file 2 here"):
        trace_run(raw_cell.CELL, Console(width=120))
    printed = capsys.readouterr().out
    assert "raw file 3 here" in printed
    assert not any(name in printed for name in raw_cell.RAW)
    monkeypatch.setattr(tracing, "console", Console(force_terminal=True))
    with pytest.raises(DataError, match=r"1 file changed: data/raw/toy/r1\.dat"):
        trace_run(raw_cell.CELL, Console(force_terminal=True))
    with pytest.raises(DataError, match="raw file 2 here"):
        trace_run(raw_cell.CELL, Console(force_terminal=False))


def test_brackets_in_names_and_settings_are_shown(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw_cell.fetch({"r[b]1.dat": b"x"})
    raw_cell.lock()
    made = replace(origin(), settings={"source": {"pattern": "r[a-z]*.dat"}})
    words.show(made, compare(made), Console(width=120))
    printed = capsys.readouterr().out
    assert "data/raw/toy/r[b]1.dat" in printed
    assert '"r[a-z]*.dat"' in printed


def test_a_cell_that_is_not_there(here: Path) -> None:
    shutil.copy(ROOT / "tests" / "params.yaml", "params.yaml")
    with pytest.raises(DataError, match="has not been trained here"):
        origin_of("ecg_demo-delta-lif")
    with pytest.raises(ConfigError, match="there is no cell 'toy-code-nets'"):
        origin_of("toy-code-nets")
