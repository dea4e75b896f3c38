"""Real files of many formats go in by an entry, or are refused with the true cause."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import DataError

ECG = {"name": "wfdb", "channels": ["ecg"], "line_freq": 60}
MNE = {"name": "mne"}
CONSTANT = {"label": {"from": "constant", "key": "x"}}


def entry(folder: str, pattern: str, **more: Any) -> dict[str, Any]:
    settings = {"labels": ["x"], "reader": MNE, "values": CONSTANT}
    return {"folder": folder, "pattern": pattern, **settings, **more}


def wfdb(channels: list[str] | None = None, **more: Any) -> dict[str, Any]:
    return {"name": "wfdb", "channels": channels, **more}


def trials(*texts: str, lasts: str = "events") -> dict[str, Any]:
    """Let each text be a class; FIF files take names in Latin letters only."""
    classes = {text: text if text.isascii() else "other" for text in texts}
    rule = {"from": "annotation", "as": lasts, "map": classes}
    return {"labels": list(classes.values()), "values": {"label": rule}}


BIDS = "sub-{subject}/emg/sub-{subject}_*_emg.edf"
IN_VOLTS = {"name": "mne", "unchecked": ["rate"]}
"""Their tables of channels state V, their files uV."""
DIAGNOSIS = {
    "from": "header",
    "key": "Reason for admission",
    "map": {"Myocardial infarction": "x"},
}
TAKEN = {
    "wfdb-ptb": (
        entry(
            "wfdb",
            "{subject}_re.hea",
            reader=wfdb(["i", "ii", "v1"]),
            values={"label": DIAGNOSIS},
        ),
        {"s0010": (3, 1000, 38.4)},
    ),
    "wfdb-several-rates": (
        entry(
            "wfdb",
            "{subject}signals.hea",
            reader=wfdb(["II", "III", "V"], missing="pause"),
        ),
        {"mixed": (3, 249.89, 226.4)},
    ),
    "wfdb-matlab": (
        entry(
            "wfdb",
            "{subject}l.hea",
            reader=wfdb(["II", "V"]),
            source={"only": "a103l*"},
        ),
        {"a103": (2, 250, 330)},
    ),
    "wfdb-beats-of-a-detector": (
        entry(
            "wfdb",
            "0{subject}.hea",
            reader=wfdb(["MCL1"], annotations="gqrsh", unchecked=["beats"]),
            labels=["N"],
            values={"label": {"from": "annotation"}},
            source={"only": "0370*"},
        ),
        {"3700181": (1, 500, 600)},
    ),
    "wfdb-multi-segment": (
        entry(
            "wfdb",
            "{subject}s.hea",
            reader=wfdb(["II", "V"], missing="pause"),
            source={"only": "fixed1"},
        ),
        {"v102": (2, 250, 899.94)},
    ),
    "eeglab": (
        entry("eeglab", "{subject}_data.set", **trials("square", "rt")),
        {"eeglab": (32, 128, 238.3)},
    ),
    "brainvision": (
        entry(
            "eeglab", "{subject}bva.vhdr", **trials("Stimulus/S  1", "Stimulus/S  3")
        ),
        {"test": (29, 200, 10.56)},
    ),
    "edf": (entry("eeglab", "{subject}.edf"), {"test": (16, 256, 60)}),
    "bdf": (entry("eeglab", "{subject}.bdf"), {"test": (16, 256, 60)}),
    "edf-utf8": (
        entry("edf", "{subject}_utf8.edf", **trials("XLSpike", "中文测试八个字")),
        {"test": (1, 128, 698)},
    ),
    "bids-two-wristbands": (
        entry("bids/emg_TwoWristbands", BIDS, reader=IN_VOLTS),
        {"01": (32, 2000, 0.5)},
    ),
    "bids-body-parts": (
        entry("bids/emg_MultiBodyParts", BIDS, reader=IN_VOLTS),
        {"01": (2, 2000, 0.5)},
    ),
    "bids-units": (
        entry(
            "bids/emg_ConcurrentIndependentUnits",
            "sub-{subject}/emg/sub-{subject}_task-jumping_recording-highDensity_emg.edf",
            reader=IN_VOLTS,
        ),
        {"01": (128, 2000, 0.5)},
    ),
}


def take(take_in: Any, root: Path, settings: dict[str, Any], **more: Any) -> Any:
    given = {k: v for k, v in settings.items() if k not in ("folder", "pattern")}
    folder = root / "formats" / settings["folder"]
    return take_in(folder, settings["pattern"], **given, **more)


@pytest.mark.parametrize("name", TAKEN)
def test_a_format_goes_in_by_its_entry(
    real_data: Path, take_in: Any, name: str
) -> None:
    settings, expected = TAKEN[name]
    taken = take(take_in, real_data, settings)
    rows = taken.recordings.query("status == 'used'").set_index("recording")
    assert set(rows.index) == set(expected)
    for recording, (n_channels, sfreq, seconds) in expected.items():
        row = rows.loc[recording]
        assert row["n_channels"] == n_channels
        assert row["sfreq"] == pytest.approx(sfreq, rel=1e-3)
        assert row["duration_s"] == pytest.approx(seconds, rel=1e-2)


REFUSED = {
    "bids-in-volts": (
        entry("bids/emg_TwoWristbands", BIDS),
        "in uV by the file, V by channels.tsv, and 31 more such",
    ),
    "bids-damaged": (
        entry("bids/emg_Multimodal", BIDS),
        "the header is damaged: its number of signals",
    ),
    "bids-empty": (
        entry(
            "bids/eeg_matchingpennies",
            "sub-{subject}/eeg/sub-{subject}_task-matchingpennies_eeg.vhdr",
        ),
        "is empty (0 bytes)",
    ),
    "wfdb-other-units": (
        entry("wfdb", "{subject}l.hea", reader=wfdb(), source={"only": "a103l*"}),
        "the unit of channel 'PLETH' is 'NU'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_format_is_refused_with_the_true_cause(
    real_data: Path, take_in: Any, name: str
) -> None:
    settings, cause = REFUSED[name]
    with pytest.raises(DataError) as caught:
        take(take_in, real_data, settings)
    assert cause in caught.value.found
