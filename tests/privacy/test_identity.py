"""Spikes name the person where they differ from person to person, and only there."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from pipeline import config, files
from pipeline.errors import DataError
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.privacy import identity, words
from pipeline.privacy.identity import Asked
from pipeline.privacy.results import IDENTITY
from pipeline.signals import Signal

SFREQ, N_WINDOWS, N_STEPS = 100.0, 6, 50
PARAMS = {
    "seed": 1,
    "evaluation": {"resamples": 200},
    "encoders": {
        "delta": {"name": "delta"},
        "rate": {"name": "rate"},
        "events": {"name": "events"},
        "oracle": {
            "name": "joined",
            "parts": [{"name": "rhythm", "channels": ["a"], "beats": "annotated"}],
        },
        "of_others": {
            "name": "joined",
            "parts": [{"name": "delta", "channels": ["chest"]}],
        },
    },
}


def table(n_persons: int, sessions: int) -> pd.DataFrame:
    """Make windows, one after the other, of everyone's recordings."""
    rows = [
        {
            "recording": f"r{person}_{session}",
            "subject": f"s{person}",
            "session": f"{session}",
            "start": k * N_STEPS,
            "stop": (k + 1) * N_STEPS,
        }
        for person in range(n_persons)
        for session in range(sessions)
        for k in range(N_WINDOWS)
    ]
    return pd.DataFrame(rows).reset_index(names="window")


def test_bins_are_averaged_as_in_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    series = rng.random((3, 400)) < 0.4
    windows = pd.DataFrame({"start": [-20, 33, 380], "stop": [27, 80, 427]})
    found = identity.binned(series, windows, delay=5)
    for k, (start, stop) in enumerate(windows.itertuples(index=False)):
        edges = [start + (stop - start) * n // 10 + 5 for n in range(11)]
        edges = [min(max(edge, 0), 400) for edge in edges]
        plain = [
            sum(row[a:b]) / max(b - a, 1) for row in series for a, b in pairwise(edges)
        ]
        np.testing.assert_allclose(found[k], plain, atol=1e-12)


def asked(windows: pd.DataFrame) -> Asked:
    return Asked("x", windows, 3, EvaluationSettings(resamples=200))


def test_the_nearest_template_is_counted_by_person_and_by_decision() -> None:
    """On a line, scaled by the templates' spread; s2 looks like s1 the second time."""
    windows = pd.DataFrame({"subject": ["s0"] * 3 + ["s1"] * 3 + ["s2"] * 3})
    windows["template"] = [True, False, False] * 3
    features = np.array([0, 1, 9, 10, 9, 11, 20, 12, 14.0])[:, None]
    found = identity.recognised(asked(windows), features, "code")
    assert found["persons"]["value"] == pytest.approx(2 / 3)
    # s0: 1 of 2 (9 is nearer to 10), s1: both, s2: none
    assert found["decisions"]["value"] == pytest.approx((0.5 + 1 + 0) / 3)
    wide = np.column_stack([features, 1e6 * (np.arange(9) % 3)])  # no person's own
    assert identity.recognised(asked(windows), wide, "code") == found
    rng = np.random.default_rng(0)
    vectors, templates = rng.normal(size=(20, 4)), rng.normal(size=(5, 4))
    plain = [min(range(5), key=lambda k: sum((v - templates[k]) ** 2)) for v in vectors]
    assert identity.nearest(vectors, templates).tolist() == plain


def test_sessions_come_before_halves() -> None:
    windows, between = identity.halved(table(3, sessions=2))
    assert between == identity.SESSIONS
    assert (windows["template"] == (windows["session"] == "0")).all()
    alone = table(3, sessions=2).query("not (subject == 's2' and session == '1')")
    assert set(identity.halved(alone)[0]["subject"]) == {"s0", "s1"}


def test_no_window_lies_in_both_halves() -> None:
    overlapping = table(2, sessions=1)
    overlapping["start"] -= 70  # each reaches into the two before
    windows, between = identity.halved(overlapping)
    assert between == identity.HALVES
    for _, own in windows.groupby("recording"):
        first, second = own[own["template"]], own[~own["template"]]
        assert first["stop"].max() <= second["start"].min()
        assert len(second)


def test_unknown_persons_are_no_persons() -> None:
    windows = table(2, sessions=1)
    windows.loc[windows["subject"] == "s1", "subject"] = ""
    with pytest.raises(DataError, match="1 known persons"):
        identity.halved(windows)


def test_persons_without_anything_to_recognise_are_left_out() -> None:
    windows = table(3, sessions=1)
    single = windows.drop(windows.index[1:N_WINDOWS])  # of s0
    halved, _ = identity.halved(single)
    assert set(halved["subject"]) == {"s1", "s2"}
    with pytest.raises(DataError, match="0 known persons with two sessions, or"):
        identity.halved(windows.groupby("recording").head(1))


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Codes of four persons, each of whom has a rhythm of their own."""
    monkeypatch.chdir(tmp_path)
    return audited("x", lambda name: name)


def audited(dataset: str, named: Callable[[str], str]) -> dict[str, Any]:
    """Write a data set whose persons and recordings have other names, and audit it."""
    windows = table(4, sessions=2)
    folder = files.folder("windows", dataset)
    held = windows.assign(
        **{column: windows[column].map(named) for column in ("recording", "subject")}
    )
    files.save_table(folder / "windows.parquet", held)
    folds = windows[["window"]].assign(fold=0, role="train")
    files.save_table(folder / "folds.parquet", folds)
    rng = np.random.default_rng(5)
    times = np.arange(N_WINDOWS * N_STEPS) / SFREQ
    signals = files.folder("signals", dataset)
    for recording, own in windows.groupby("recording"):
        person = int(own["subject"].iloc[0][1:])
        wave = np.sin(2 * np.pi * (1 + person) * 2 * times)
        samples = (2 * wave + rng.normal(0, 0.1, (2, len(times)))).astype(np.float32)
        about = SFREQ, ("a", "b"), ("", ""), 0.0
        signal = Signal(samples, *about, order=f"{recording}-000000")
        files.save_signal(signals / f"{named(str(recording))}.h5", signal)
    return identity.audit_codes(config.Params(PARAMS), dataset)


def test_other_names_give_equal_results(
    found: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under pseudonyms each machine has names of its own."""
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    letters = str.maketrans("0123", "2031")
    assert audited("x", lambda name: name.translate(letters)) == found


def test_a_code_that_follows_the_signal_names_the_person(found: dict[str, Any]) -> None:
    codes = found["codes"]
    assert (found["persons"], found["chance"]) == (4, 0.25)
    for name in ("signal", "delta"):
        assert codes[name]["persons"]["value"] == 1
        assert codes[name]["decisions"]["value"] > 0.9
    assert codes["delta"]["snr_db"] > 3
    assert "snr_db" not in codes["signal"]
    assert "of signals of" in codes["events"]["absent"]
    assert "oracle" in codes["oracle"]["absent"]
    assert "chest" in codes["of_others"]["absent"]
    assert files.load_json(files.folder("audits", "x") / IDENTITY) == found


def test_the_table_has_every_code_or_its_reason(
    found: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words.show_codes(found, Console(width=200))
    shown = capsys.readouterr().out
    assert "4 persons, recognised in another session" in shown
    assert all(name in shown for name in found["codes"])
    assert f"{found['codes']['delta']['snr_db']:.1f}" in shown
