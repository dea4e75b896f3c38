"""Defaults that follow from the modality, the rate, the mains and the labels."""

import pytest

from pipeline.proposal import defaults
from pipeline.proposal.facts import Labels
from pipeline.proposal.naming import Naming

RECORDING = Labels("field:run", {"from": "field"}, ("a", "b"), "recording", "")


@pytest.mark.parametrize(
    ("modality", "rate", "line_freq", "notch"),
    [
        ("eeg", 500, 50, True),
        ("eeg", 500, 60, False),
        ("eeg", 100, 50, False),
        ("ecg", 500, 50, False),
    ],
)
def test_mains_are_removed_in_the_band_or_near_it_and_below_half_the_rate(
    modality: str, rate: float, line_freq: float, notch: bool
) -> None:
    chosen = defaults.signal(modality, rate, line_freq)
    assert ("notch" in chosen) == notch
    assert chosen["h_freq"].value < min(rate, 125) / 2


@pytest.mark.parametrize(
    ("shortest_s", "kind"),
    [(20.0, "recording"), (defaults.SHORT_S, "sliding"), (None, "sliding")],
)
def test_short_recordings_with_one_label_make_one_window(
    shortest_s: float | None, kind: str
) -> None:
    assert defaults.windows("ecg", RECORDING, shortest_s).value["kind"] == kind


@pytest.mark.parametrize(("persons", "scheme"), [(2, "within"), (3, "cross")])
def test_folds_of_persons_need_three(persons: int, scheme: str) -> None:
    naming = Naming("", tuple({"subject": str(k)} for k in range(persons)))
    assert defaults.folds(naming).value["scheme"].startswith(scheme)
