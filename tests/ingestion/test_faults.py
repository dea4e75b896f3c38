"""What goes wrong with one file stops no other, and never leaves old beside new."""

import errno
import pickle
import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from pipeline import files
from pipeline.errors import DataError
from pipeline.ingestion.reading import Intake
from pipeline.ingestion.recordings import ingest, inspect
from pipeline.ingestion.values import Values
from pipeline.readers.base import Content, Origin, Reader

VALUES = Values.model_validate(
    {"label": {"from": "field", "key": "kind", "map": {"a": "a", "b": "b"}}}
)
FAULTS: dict[str, Exception] = {
    "recursion": RecursionError("too deep"),
    "assertion": AssertionError(),
    "unicode": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    "io": OSError(errno.EIO, "Input/output error"),
    "memory": MemoryError("Unable to allocate 3 TiB"),
    "full": OSError(errno.ENOSPC, "No space left on device"),
}


class Faulty(Reader):
    """Noise, unless the file names a fault; `late-` faults come with the samples."""

    origins: ClassVar[frozenset[str]] = frozenset()

    def read(
        self, folder: Path, files: Sequence[str], origins: Collection[Origin]
    ) -> Content:
        written = (folder / files[0]).read_text()
        seed = list(files[0].encode())
        samples = 1e-4 * np.random.default_rng(seed).standard_normal((2, 600))
        when, _, fault = written.rpartition("-")
        if fault in FAULTS and not when:
            raise FAULTS[fault]

        def piece(start: int, stop: int) -> np.ndarray:
            if fault in FAULTS:
                raise FAULTS[fault]
            return samples[:, start:stop]

        return Content(("x", "y"), ("emg", "emg"), 200, 600, piece)


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    folder = tmp_path / "data" / "raw" / "study"
    folder.mkdir(parents=True)
    for name in ("p1_a", "p1_b", "p2_a", "p2_b"):
        (folder / f"{name}.txt").write_text(name)
    return folder


def manifest(raw: Path) -> dict[str, Any]:
    listed = {path.name: files.file_digest(path) for path in raw.iterdir()}
    selection = {"pattern": ["{subject}_{kind}.txt"], "only": [], "except": []}
    return {"root": "", "files": listed, "absent": {}, "left_out": {}, **selection}


def run(raw: Path, on_bad: Any = "raise", fetched: Any = None) -> dict[str, str]:
    done = ingest(
        Intake(Faulty(), VALUES),
        raw,
        raw.parents[1] / "out",
        manifest=fetched or manifest(raw),
        labels=["a", "b"],
        code="one",
        on_bad=on_bad,
    )
    return {row.recording: row.reason for row in done.rows if row.status == "refused"}


@pytest.mark.parametrize("when", ["", "late-"])
@pytest.mark.parametrize("fault", ["recursion", "assertion", "unicode", "io"])
def test_any_exception_over_one_recording_refuses_that_one(
    raw: Path, fault: str, when: str
) -> None:
    (raw / "p1_a.txt").write_text(when + fault)
    name = type(FAULTS[fault]).__name__
    with pytest.raises(DataError) as caught:
        run(raw)
    assert caught.value.where == "recording p1_a"
    assert f"the reader failed with {name} (" in caught.value.found
    assert caught.value.__cause__ is FAULTS[fault]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert run(raw, "skip") == {"p1_a": f"the reader failed with {name}"}
    assert len(list((raw.parents[1] / "out").glob("*.fif"))) == 3
    done = inspect(Intake(Faulty(), VALUES), raw, manifest(raw), ["a", "b"])
    assert name in done.problems["p1_a"]


@pytest.mark.parametrize("fault", ["memory", "full"])
def test_a_machine_at_its_limits_ends_the_stage(raw: Path, fault: str) -> None:
    (raw / "p1_a.txt").write_text(fault)
    with pytest.raises(type(FAULTS[fault])):
        run(raw, "skip")


def test_what_cannot_be_written_is_no_fault_of_a_recording(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, raw: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(files, "save_recording", refuse)
    with pytest.raises(PermissionError):
        run(raw, "skip")


def test_files_that_changed_since_they_were_fetched(raw: Path) -> None:
    """Called without DVC, the stage does not take a file for what it was."""
    fetched = manifest(raw)
    run(raw, fetched=fetched)
    (raw / "p1_a.txt").write_text("another")
    with pytest.raises(DataError, match="has changed since it was fetched") as caught:
        run(raw, fetched=fetched)
    assert caught.value.where == "p1_a.txt"
    assert "dvc repro ingest@study" in caught.value.remedy
    assert run(raw, "skip", fetched) == {"p1_a": "has changed since it was fetched"}
    assert run(raw) == {}


def test_a_repaired_recording_is_read_anew(raw: Path) -> None:
    (raw / "p1_a.txt").write_text("recursion")
    assert list(run(raw, "skip")) == ["p1_a"]
    (raw / "p1_a.txt").write_text("p1_a")
    assert run(raw, "skip") == {}


def test_a_refused_ingest_leaves_no_catalogue_of_other_files(raw: Path) -> None:
    out = raw.parents[1] / "out"
    run(raw)
    assert (out / "recordings.parquet").exists()
    (raw / "p3_a.txt").write_text("more")
    (raw / "p9_a.txt").write_text("recursion")
    with pytest.raises(DataError):
        run(raw)
    assert (out / "p3_a_raw.fif").exists()  # a later run goes on from it
    assert not (out / "recordings.parquet").exists()
    assert not (out / "files.json").exists()


def test_an_archive_that_changed_since_it_was_fetched(raw: Path) -> None:
    with zipfile.ZipFile(raw / "more.zip", "w") as archive:
        archive.writestr("p7_a.txt", "more")
    fetched = manifest(raw)
    assert run(raw, fetched=fetched) == {}
    with zipfile.ZipFile(raw / "more.zip", "w") as archive:
        archive.writestr("p7_a.txt", "other")
    with pytest.raises(DataError, match="has changed since it was fetched") as caught:
        run(raw, fetched=fetched)
    assert caught.value.where == "more.zip"


def test_a_file_that_may_not_be_read(
    raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched, digest = manifest(raw), files.file_digest

    def refuse(path: Path) -> str:
        if path.name == "p1_a.txt":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return digest(path)

    monkeypatch.setattr(files, "file_digest", refuse)
    with pytest.raises(DataError, match="this account may not read") as caught:
        run(raw, fetched=fetched)
    assert caught.value.where.endswith("p1_a.txt")
    assert "chmod" in caught.value.remedy
    assert "on_bad_recording: skip" in caught.value.remedy
    (reason,) = run(raw, "skip", fetched).values()
    assert reason == "this account may not read or write it"
