"""Simulated subjects are complete, kept while right, and redone when not."""

from functools import partial
from pathlib import Path

import pytest

from pipeline.digests import describe
from pipeline.files import file_digest
from pipeline.sources.parts.simulation import (
    Simulation,
    WriteSubject,
    simulate,
    simulation_inputs,
    subject_names,
)
from pipeline.sources.synthetic_eeg import SyntheticEeg


@pytest.fixture(autouse=True)
def one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")


def writer(text: str, log: list[str]) -> WriteSubject:
    def write(subject: str, folder: Path) -> None:
        log.append(subject)
        inner = folder / f"sub-{subject}" / "deep"
        inner.mkdir(parents=True)
        (inner / "signal").write_text(text + subject)

    return write


def run(target: Path, count: int, text: str) -> list[str]:
    """Simulate, check the checksums, and report who was written."""
    log: list[str] = []
    simulation = Simulation(target, text, subject_names(count))
    files = simulate(simulation, writer(text, log))
    assert files == {
        f"sub-{s}/deep/signal": file_digest(target / f"sub-{s}/deep/signal")
        for s in simulation.subjects
    }
    return log


def test_what_is_right_is_kept(tmp_path: Path) -> None:
    assert run(tmp_path, 2, "a") == ["01", "02"]
    assert run(tmp_path, 2, "a") == []
    assert run(tmp_path, 3, "a") == ["03"]


def test_other_inputs_are_written_anew(tmp_path: Path) -> None:
    run(tmp_path, 2, "a")
    assert run(tmp_path, 2, "b") == ["01", "02"]
    assert (tmp_path / "sub-01/deep/signal").read_text() == "b01"


@pytest.mark.parametrize("damage", ["change", "remove", "forget"])
def test_only_the_damaged_subject_is_redone(tmp_path: Path, damage: str) -> None:
    run(tmp_path, 2, "a")
    match damage:
        case "change":
            (tmp_path / "sub-02/deep/signal").write_text("cut")
        case "remove":
            (tmp_path / "sub-02/deep/signal").unlink()
        case "forget":
            (tmp_path / ".inputs/02.json").unlink()
    assert run(tmp_path, 2, "a") == ["02"]


def test_subjects_no_longer_wanted_leave_nothing(tmp_path: Path) -> None:
    run(tmp_path, 3, "a")
    (tmp_path / "foreign").write_text("of another source")
    (tmp_path / "links").mkdir()
    (tmp_path / "links/gone").symlink_to(tmp_path / "nowhere")
    assert run(tmp_path, 1, "a") == []
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")}
    folders = {".inputs", "sub-01", "sub-01/deep"}
    assert left == folders | {".inputs/01.json", "sub-01/deep/signal"}


def fail(subject: str, folder: Path, *, at: str) -> None:
    (folder / "half").write_text("half")
    if subject == at:
        raise KeyboardInterrupt


def test_a_killed_subject_is_redone_and_leaves_no_trace(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, "a", ["01"])
    with pytest.raises(KeyboardInterrupt):
        simulate(simulation, partial(fail, at="01"))
    assert (tmp_path / ".unfinished-01/half").exists()
    assert run(tmp_path, 2, "a") == ["01", "02"]
    assert not list(tmp_path.rglob("*half*"))
    assert not list(tmp_path.glob(".unfinished*"))


def test_inputs_follow_settings_seed_and_code_but_not_the_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = simulation_inputs(SyntheticEeg(), 1)
    assert simulation_inputs(SyntheticEeg(), 1) == first
    assert simulation_inputs(SyntheticEeg(subjects=3, only="sub-01/*"), 1) == first
    assert simulation_inputs(SyntheticEeg(trials=10), 1) != first
    assert simulation_inputs(SyntheticEeg(), 2) != first

    described: list[tuple[str, list[object]]] = []

    def describe(stage: str, components: list[object]) -> dict[str, str]:
        described.append((stage, components))
        return {"modules": "changed"}

    monkeypatch.setattr("pipeline.sources.parts.simulation.describe", describe)
    changed = simulation_inputs(SyntheticEeg(), 1)
    assert changed != first
    assert simulation_inputs(SyntheticEeg(), 1) == changed
    assert described == [("fetch", [SyntheticEeg()])] * 2


def test_inputs_hold_the_simulator_with_what_it_draws_by_and_no_other() -> None:
    modules = describe("fetch", [SyntheticEeg()])["modules"]
    names = ("synthetic_eeg", "parts.simulation", "parts.waves", "parts.bids")
    assert {f"pipeline.sources.{name}" for name in names} <= set(modules)
    assert not any("ecg" in name or "emg" in name for name in modules)
