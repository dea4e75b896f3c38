"""`biospike stream`: what it asks for, prints, and refuses."""

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from pipeline import __main__, files, streaming
from pipeline.errors import ConfigError, DataError
from pipeline.live import command
from pipeline.training.cell import TrainedCell
from tests import raw_cell
from tests.live import made


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with a cell, and an ECG beside it in a file of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("checkout"))
        raw_cell.write(raw_cell.DELTA)
        recorded = files.load_recording(
            files.folder("recordings", raw_cell.DATASET) / "r1_raw.fif"
        )
        recorded.save("patient_raw.fif", verbose="error")
        return Path.cwd()


@pytest.fixture
def here(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(checkout)
    return checkout


def arguments(*more: str) -> argparse.Namespace:
    return __main__.parser().parse_args(["stream", raw_cell.CELL, *more])


def printed(*more: str) -> list[str]:
    out = Console(file=io.StringIO(), width=200)
    streaming.run(arguments(*more), out)
    written: Any = out.file
    return written.getvalue().splitlines()


def test_a_replayed_file_is_decided_line_by_line(here: Path) -> None:
    lines = printed("--replay", "patient_raw.fif", "--speed", "inf", "--every", "0.4")
    assert lines[0] == "— patient_raw.fif: 2 channels, 250 Hz"
    found = [line.split() for line in lines[1:-1]]
    assert [line[0] for line in found] == [f"{0.4 * n:.2f}" for n in range(1, 25)]
    assert {line[2] for line in found} <= {"calm", "busy"}
    assert all(line[3].endswith("%") for line in found)
    assert lines[-1].startswith("24 decisions, computing: median")
    samples = files.load_recording(here / "patient_raw.fif").get_data()
    fold = TrainedCell.open(raw_cell.CELL).fold()
    live = streaming_decisions(fold, samples)
    assert [line[2] for line in found] == live


def streaming_decisions(fold: Any, samples: np.ndarray) -> list[str]:
    from pipeline.live.decider import LiveDecider

    decider = LiveDecider(fold, raw_cell.CHANNELS, raw_cell.SFREQ, 0.4)
    return [each.label for each in decider.push(samples)]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--speed", "0"], "--speed: 0"),
        (["--every", "-1"], "--every: -1 s"),
        (["--every", "inf"], "--every: inf s"),
        (["--channels", "a"], "(?s)--channels: 1 names.*one for each of a, b"),
        (["--channels", "a,x"], "there is no channel x"),
        (["--fold", "7"], "no fold 7"),
        (["--name", "ECG"], "--name ECG: it names a live stream, and --replay takes"),
        (["--replay", "absent.edf"], "absent.edf: there is no such file"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    here: Path, flags: list[str], message: str
) -> None:
    given = ["--replay", "patient_raw.fif", "--speed", "inf", *flags]
    out = Console(file=io.StringIO())
    with pytest.raises((ConfigError, DataError), match=message):
        streaming.run(arguments(*given), out)
    written: Any = out.file
    assert written.getvalue() == ""


def test_the_speed_of_a_live_stream_is_its_own(here: Path) -> None:
    with pytest.raises(ConfigError, match="--speed 10: it is of a file"):
        printed("--speed", "10")


def test_a_stream_without_a_decision_says_so() -> None:
    assert command.ending([]) == "no decision was due"
    assert "median 2.00 ms, 99 % within" in command.ending([1e-3, 2e-3, 9e-3])


def test_a_stream_of_the_network_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the Lab Streaming Layer itself, where it is installed."""
    from pipeline.live.lsl import LslInlet

    outlet, inlet = made.announced(monkeypatch, "biospike test")
    assert isinstance(inlet, LslInlet)
    assert inlet.about.channels == ("a", "b")
    sent = np.arange(20.0).reshape(10, 2)
    outlet.push_chunk(sent.tolist())
    came = [inlet.pull().samples for _ in range(4)]
    np.testing.assert_allclose(np.concatenate(came, axis=1), 1e-6 * sent.T, rtol=1e-6)
