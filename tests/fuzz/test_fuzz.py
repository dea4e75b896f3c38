"""A few hundred mutants of simulated files; `make fuzz` tries more, and real ones."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.ingestion import reading
from pipeline.readers.parts.mne import edf
from pipeline.readers.parts.wfdb.tally import Tally
from tests.fuzz import __main__ as command
from tests.fuzz import corpus, running, trying, working
from tests.fuzz.items import Item
from tests.fuzz.judging import Verdict, judge
from tests.fuzz.mutants import mutant
from tests.fuzz.trying import Outcome, Taken, take_in
from tests.fuzz.working import Result, attempt

pytestmark = pytest.mark.filterwarnings(
    # Of libraries that leave a damaged file open.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
SEED, MUTANTS, AT_ONCE = 3, 240, 60
BAD = ("wrong", "crashed", "hung")


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return corpus.simulated()


def named(items: list[Item], name: str) -> list[Item]:
    return [item for item in items if item.name == name]


def verdicts(items: list[Item], count: int) -> Iterator[Result]:
    return (attempt(items, SEED, number) for number in range(count))


def test_sound_files_are_right(items: list[Item]) -> None:
    # A copy of FIF's and of MATLAB's readers would be no independent decoder, but all
    # formats are there.
    found = [attempt(items, SEED, -1 - k) for k in range(len(items))]
    assert [each for each in found if each.verdict.kind != "right"] == []
    assert len({item.decoder for item in items}) == 9


@pytest.mark.parametrize("first", range(0, MUTANTS, AT_ONCE))
def test_no_mutant_passes_unseen(items: list[Item], first: int) -> None:
    found = [attempt(items, SEED, first + k) for k in range(AT_ONCE)]
    assert [each for each in found if each.verdict.kind in BAD] == []
    kinds = Counter(each.verdict.kind for each in found)
    assert kinds["right"] > 5
    assert kinds["refused"] > 20


def test_a_mutant_is_made_again_by_its_number(items: list[Item]) -> None:
    again = corpus.simulated()
    assert [item.files for item in items] == [item.files for item in again]
    for number in (5, 77, 1234):
        one, other = (mutant(each, SEED, number) for each in (items, again))
        assert one[0].files == other[0].files
        assert one[1] == other[1]
    assert mutant(items, SEED, 5)[1] != mutant(items, SEED + 1, 5)[1]


def test_a_checksum_that_is_not_compared_is_found(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    records = named(items, "wfdb-16")
    assert all(each.verdict.kind not in BAD for each in verdicts(records, 40))
    monkeypatch.setattr(Tally, "_compare", lambda *_: None)
    wrong = [e for e in verdicts(records, 40) if e.verdict.kind == "wrong"]
    assert any("checksum" in each.verdict.why for each in wrong)


def test_a_wrong_gain_is_found(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = edf.calibration

    def broken(*arguments: object) -> object:
        scale = sound(*arguments)  # type: ignore[arg-type]
        return replace(scale, gain=scale.gain * 1.00001)

    monkeypatch.setattr(edf, "calibration", broken)
    verdict = attempt(named(items, "edf"), SEED, -1).verdict
    assert verdict.kind == "wrong"
    assert "samples differ" in verdict.why


def test_labels_that_are_moved_are_found(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = reading._labels

    def late(*arguments: object) -> object:
        labels = sound(*arguments)  # type: ignore[arg-type]
        return replace(labels, onset_s=labels.onset_s + 0.1)

    monkeypatch.setattr(reading, "_labels", late)
    for name in ("wfdb-212", "edf-notes", "csv-clock", "wfdb-notes", "array-mat"):
        assert attempt(named(items, name), SEED, -1).verdict.kind == "wrong", name


def test_an_exception_is_a_crash(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pipeline.files.save_table", broken)
    verdict = attempt(named(items, "wfdb-16"), SEED, -1).verdict
    assert verdict.kind == "crashed"
    assert "ZeroDivisionError" in verdict.why


def test_memory_that_is_not_there_is_over_the_limit(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def greedy(*_: object) -> None:
        np.empty(1 << 60, "u1")

    monkeypatch.setattr(reading, "_labels", greedy)
    assert attempt(named(items, "wfdb-16"), SEED, -1).verdict.kind == "hung"


def test_a_process_over_its_time_is_ended(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "WALL_S", -1.0)
    (result,) = running.attempts(named(items, "wfdb-16"), SEED, [0])
    assert result.verdict.kind == "hung"
    assert "over time" in result.verdict.why


def test_what_an_archive_leaves_outside_is_found(
    items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (item,) = named(items, "archive-zip-csv-clock")
    sound = trying._recordings

    def leave(work: Path) -> object:
        (work / f"{trying.STRAY}.csv").write_text("x")
        return sound(work)

    monkeypatch.setattr(trying, "_recordings", leave)
    verdict = judge(item, take_in(item, tmp_path))
    assert verdict.kind == "wrong"
    assert "written outside" in verdict.why


def taken(item: Item, folder: Path) -> Outcome:
    outcome = take_in(item, folder)
    assert judge(item, outcome).kind == "right"
    return outcome


def test_every_difference_counts(items: list[Item], tmp_path: Path) -> None:
    (item,) = named(items, "edf-notes")
    outcome = taken(item, tmp_path)
    found = outcome.recordings["A"]
    moved = [(0.05 + onset, lasts, text) for onset, lasts, text in found.marks]
    sample = found.volts.copy()
    sample[1, 7] *= 1.0001
    onset, lasts, _ = found.marks[0]
    for changed, word in (
        (replace(found, names=("C3", "Cz", "C4")), "channels"),
        (replace(found, sfreq=100.01), "Hz"),
        (replace(found, volts=sample), "C4[7]"),
        (replace(found, volts=found.volts[:, :-1]), "samples"),
        (replace(found, volts=-found.volts), "differ"),
        (replace(found, marks=moved), "another label"),
        (replace(found, marks=found.marks[1:]), "another label"),
        (replace(found, marks=[(onset, lasts, "task")]), "another label"),
        (replace(found, segments=[(0, 0.0), (800, 10.5)]), "off the clock"),
    ):
        verdict = judge(item, changed_outcome(outcome, changed))
        assert verdict.kind == "wrong"
        assert word in verdict.why


def changed_outcome(outcome: Outcome, changed: Taken) -> Outcome:
    return replace(outcome, recordings={**outcome.recordings, "A": changed})


def test_one_signal_of_two_persons_is_found(items: list[Item], tmp_path: Path) -> None:
    (item,) = named(items, "csv-no-clock")
    both = replace(item, files={**item.files, "B.csv": item.files["A.csv"]})
    outcome = taken(item, tmp_path)
    copied = replace(outcome.recordings["A"], subject="B")
    twins = replace(outcome, recordings={**outcome.recordings, "B": copied})
    assert "two persons" in judge(both, twins).why


@pytest.mark.parametrize("kind", ["right", "refused", "wrong", "crashed", "hung"])
def test_the_last_line_and_the_exit_status(
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def attempts(items: list[Item], seed: int, numbers: list[int]) -> Iterator[Result]:
        for number in numbers:
            verdict = Verdict("right" if number < 1 else kind, "since")
            yield Result(number, items[0].name, "flip", verdict)

    keep = tmp_path / "kept"
    monkeypatch.setattr(command, "attempts", attempts)
    arguments = ["fuzz", "--simulated", "--n", "3", "--keep", str(keep)]
    monkeypatch.setattr("sys.argv", arguments)
    assert command.main() == (kind in BAD)
    counts = {"right": 1, "refused": 0, "wrong": 0, "crashed": 0, "hung": 0}
    counts[kind] += 2
    last = ", ".join(f"{count} {name}" for name, count in counts.items())
    assert capsys.readouterr().out.splitlines()[-1] == f"3 mutants: {last}"
    kept = sorted(path.name for path in keep.glob("*"))
    assert kept == (["1-1-wfdb-8", "1-2-wfdb-8"] if kind in BAD else [])
    if kind in BAD:
        assert "since" in (keep / "1-1-wfdb-8" / "judged.txt").read_text()
        assert list((keep / "1-1-wfdb-8" / "files").rglob("*"))


def test_an_item_that_is_not_right_ends_the_run(
    items: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    def attempts(items: list[Item], seed: int, numbers: list[int]) -> Iterator[Result]:
        yield Result(-1, items[0].name, "", Verdict("refused", "since"))

    monkeypatch.setattr(command, "attempts", attempts)
    monkeypatch.setattr("sys.argv", ["fuzz", "--simulated"])
    assert command.main() == 2


def test_working_knows_the_items_by_negative_numbers(items: list[Item]) -> None:
    assert working.made(items, SEED, -3) == (items[2], "")
