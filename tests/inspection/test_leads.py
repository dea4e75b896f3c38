"""Inverted and swapped leads: planted in sets of recordings, and sets without."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.inspection.leads import of_leads
from pipeline.inspection.measuring import Seen
from pipeline.readers.wfdb import Wfdb

Watching = Callable[..., Seen]
SFREQ = 100.0
MLII, CHEST = ("MLII",), ("V1", "V2", "V3", "V4", "V5", "V6")


def ecg(seed: int) -> np.ndarray:
    """Make two leads: R waves up in the first, S waves down in the second."""
    rng = np.random.default_rng(seed)
    time = np.arange(3000) / SFREQ
    phase = (time * rng.uniform(0.9, 1.3)) % 1
    wave = np.exp(-(((phase - 0.5) / 0.02) ** 2))
    leads = np.stack([1e-3 * wave, -8e-4 * wave]) * rng.uniform(0.7, 1.3)
    return leads + 2e-5 * rng.standard_normal((2, len(time)))


def eeg(seed: int) -> np.ndarray:
    """Make six channels on a line: neighbours share what they see."""
    rng = np.random.default_rng(seed)
    sources = rng.standard_normal((8, 3000))
    weights = np.exp(-0.5 * np.subtract.outer(np.arange(6), np.arange(8) - 1) ** 2)
    return 1e-5 * (weights @ sources)


def lead_findings(
    watch: Watching, kind: str, recordings: list[np.ndarray]
) -> list[tuple[str, tuple[str, ...]]]:
    seen = {f"r{k}": watch(x, SFREQ, kind) for k, x in enumerate(recordings)}
    found = of_leads(seen)
    assert all(finding.severity == "note" for finding in found)
    return [(finding.kind, finding.where) for finding in found]


@pytest.mark.parametrize(("kind", "make"), [("ecg", ecg), ("eeg", eeg)])
def test_a_sound_set_has_no_finding(
    watch: Watching, kind: str, make: Callable[[int], np.ndarray]
) -> None:
    assert lead_findings(watch, kind, [make(k) for k in range(8)]) == []


@pytest.mark.parametrize(("kind", "make"), [("ecg", ecg), ("eeg", eeg)])
def test_an_inverted_lead_is_named(
    watch: Watching, kind: str, make: Callable[[int], np.ndarray]
) -> None:
    recordings = [make(k) for k in range(8)]
    recordings[3][1] *= -1
    inverted = ("Perhaps an inverted lead", ("r3 c1",))
    assert lead_findings(watch, kind, recordings) == [inverted]


def test_swapped_channels_of_eeg_are_named(watch: Watching) -> None:
    recordings = [eeg(k) for k in range(8)]
    recordings[5] = recordings[5][[0, 4, 2, 3, 1, 5]]
    swapped = ("Perhaps swapped leads", ("r5 c1 and c4",))
    assert lead_findings(watch, "eeg", recordings) == [swapped]


def test_swapped_leads_of_an_ecg_are_named(watch: Watching) -> None:
    recordings = [ecg(k) for k in range(8)]
    recordings[2] = recordings[2][::-1]
    found = dict(lead_findings(watch, "ecg", recordings))
    assert found["Perhaps swapped leads"] == ("r2 c0 and c1",)


def test_a_lead_that_points_either_way_has_no_usual_sign(watch: Watching) -> None:
    recordings = [ecg(k) for k in range(10)]
    for k in (1, 4, 8):
        recordings[k][1] *= -1
    assert lead_findings(watch, "ecg", recordings) == []


def test_few_recordings_and_emg_are_not_compared(watch: Watching) -> None:
    recordings = [ecg(k) for k in range(4)]
    recordings[0] *= -1
    assert lead_findings(watch, "ecg", recordings) == []
    assert lead_findings(watch, "emg", [-ecg(0), *map(ecg, range(8))]) == []


def test_record_114_is_found_only_where_its_leads_are_taken_by_place(
    watch: Watching, real_data: Path
) -> None:
    """Its upper signal is the chest lead, unlike that of the others."""
    names = ("101", "106", "109", "114", "116", "119", "124", "201", "208", "215")

    def found(channels: dict[str, tuple[str, ...]]) -> list[tuple[str, ...]]:
        seen = {}
        for name in names:
            own = channels
            if name == "114" and channels["chest"] != CHEST:
                own = {"MLII": CHEST, "chest": MLII}
            reader = Wfdb(channels=own, annotations=None)
            parts = (f"{name}.hea", f"{name}.dat")
            content = reader.read(real_data / "mitdb", parts, ())
            seen[name] = watch(content.read(0, 72_000), content.sfreq, "ecg")
        return [f.where for f in of_leads(seen)]

    assert found({"MLII": MLII, "chest": CHEST}) == []
    by_place = found({"MLII": MLII, "chest": (*CHEST, "none")})
    assert ("114 c0 and c1",) in by_place
