"""The lock leads from raw files to a cell, or the reason says where it does not."""

import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline import files
from pipeline.origins import lock
from tests import raw_cell


def gap() -> str:
    lock._stages.cache_clear()
    steps = lock.chain(raw_cell.NAMES)
    return lock.gap(steps, raw_cell.NAMES) or lock.raw_fault(steps[0], "toy")


def write_lock(change: Callable[[str], str]) -> None:
    path = Path("dvc.lock")
    path.write_text(change(path.read_text()))


def test_a_chain_without_a_gap(here: Path) -> None:
    assert gap() == ""
    steps = lock.chain(raw_cell.NAMES)
    assert [step.name for step in steps] == [
        "fetch@toy", "ingest@toy", "prepare@toy", "encode@toy-code",
        "train@toy-code-net",
    ]  # fmt: skip
    assert steps[0].command == "stages/run fetch toy"


def test_digests_are_those_of_another_implementation(here: Path) -> None:
    for path in (f"data/runs/{raw_cell.CELL}", "data/raw/toy"):
        assert lock.digest(Path(path)) == raw_cell.entry(path)["md5"]
    # Written down from `md5sum`.
    Path("a").write_text("a\n")
    assert lock.digest(Path("a")) == "60b725f10c9c85c70d97880dfe8191b3"


def test_what_dvc_ignores_changes_no_digest(here: Path) -> None:
    folder = Path("data/raw/toy")
    before = lock.digest(folder)
    for name in ("links", "__pycache__"):
        (folder / name).mkdir()
        (folder / name / "x").touch()
    assert lock.digest(folder) == before
    (folder / "links.txt").touch()
    assert lock.digest(folder) != before


def test_no_lock(here: Path) -> None:
    Path("dvc.lock").unlink()
    assert gap() == "dvc.lock has no fetch@toy: DVC did not run it here"


def test_a_stage_that_read_something_else(here: Path) -> None:
    md5 = raw_cell.entry("data/recordings/toy")["md5"]
    # What ingest wrote comes first, and what prepare read after it.
    write_lock(lambda text: text.replace(md5, "0" * 32 + ".dir", 1))
    assert gap() in (
        "prepare@toy read another data/recordings/toy than ingest@toy wrote last",
        "data/recordings/toy does not hold what ingest@toy wrote",
    )


def test_a_run_that_dvc_did_not_make(here: Path) -> None:
    (files.folder("runs", raw_cell.CELL) / "history.csv").write_text("x")
    found = gap()
    assert found == "data/runs/toy-code-net does not hold what train@toy-code-net wrote"
    shutil.rmtree(files.folder("runs", raw_cell.CELL))
    assert gap() == "data/runs/toy-code-net is not here"


def test_a_raw_file_that_changed_does_not_blame_the_manifest(here: Path) -> None:
    (files.folder("raw", "toy") / "r2.dat").write_bytes(b"other")
    assert gap() == ""


def test_raw_files_that_were_fetched_again_by_hand(here: Path) -> None:
    raw_cell.fetch({**raw_cell.RAW, "r2.dat": b"other"})
    assert gap() == "data/raw/toy has another manifest than fetch@toy wrote"
    shutil.rmtree("data/raw/toy")
    assert gap() == "data/raw/toy is not here"
