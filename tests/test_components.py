"""Every component keeps the contract of its kind, the day its file is added."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import testing
from pipeline.components import available, find
from pipeline.errors import ConfigError
from pipeline.readers.base import Origin
from tests.fuzz.items import Mark
from tests.fuzz.writing import csv_table, edf, rhythm, wfdb_record
from tests.readers.xdf_files import Made, xdf


@pytest.mark.parametrize("name", available("encoders"))
def test_encoder(name: str) -> None:
    testing.check_encoder(find("encoders", name)())


@pytest.mark.parametrize("name", available("meters"))
def test_meter(name: str) -> None:
    testing.check_meter(find("meters", name)())


@pytest.mark.parametrize("name", available("neurons"))
def test_neuron(name: str) -> None:
    testing.check_neuron(find("neurons", name)())


@pytest.mark.parametrize("name", available("plasticity"))
def test_rule(name: str) -> None:
    testing.check_rule(find("plasticity", name)())


NETWORKS = {"snntorch": {"module": "tests.networks.nets:Hidden"}}
"""Settings of networks that need some; of these, one's own tests check the rest."""

NEURONS = ("leaky", "relu")
"""A spiking neuron and the matched rectified unit; networks that take one take it."""


def _takes(network: str, neuron: str) -> bool:
    try:
        made = find("networks", network).model_validate(NETWORKS.get(network, {}))
        made.check(find("neurons", neuron)())
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize(
    ("network", "neuron"),
    [
        (network, neuron)
        for network in available("networks")
        for neuron in NEURONS
        if _takes(network, neuron)
    ],
)
def test_network(network: str, neuron: str) -> None:
    testing.check_network(find("networks", network)(), find("neurons", neuron)())


SOURCES: dict[str, dict[str, Any]] = {
    "synthetic_ecg": {"subjects": 2, "minutes": 0.5},
    "synthetic_eeg": {"subjects": 2, "trials": 2},
    "synthetic_emg": {"subjects": 2},
    "folder": {"path": "recordings", "pattern": "{subject}.csv", "except": ["x.csv"]},
    "download": {
        "home": "https://example.invalid/",
        "mirror": "recordings",
        "files": ["a.csv", "b.csv"],
        "pattern": "{subject}.csv",
    },
}
"""Settings of sources that need some, or would take long without."""


@pytest.mark.parametrize("name", available("sources"))
def test_source(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_MIRROR", str(tmp_path))
    (tmp_path / "recordings").mkdir()
    for file in ("a.csv", "b.csv", "x.csv"):
        (tmp_path / "recordings" / file).write_text(f"of {file}\n")
    source = find("sources", name).model_validate(SOURCES.get(name, {}))
    testing.check_source(source)


def _microvolts() -> np.ndarray:
    return np.random.default_rng(3).uniform(-100, 100, (2, 300)).round(1)


def _array(folder: Path) -> tuple[str, tuple[Origin, ...]]:
    codes = np.repeat([1.0, 2.0], 150)
    np.savez(folder / "a.npz", x=_microvolts(), code=codes)
    return "a.npz", (("variable", "code"),)


def _table(folder: Path) -> tuple[str, tuple[Origin, ...]]:
    columns = [*_microvolts().tolist(), [1.0] * 100 + [2.0] * 200]
    (folder / "a.csv").write_bytes(csv_table(["u", "v", "code"], columns))
    return "a.csv", (("column", "code"),)


def _mne(folder: Path) -> tuple[str, tuple[Origin, ...]]:
    notes = [Mark(0.5, 1.0, "rest"), Mark(2.0, 0.0, "cue")]
    content = edf(["EEG C3", "EEG C4"], _microvolts(), 100, notes=notes)
    (folder / "a.edf").write_bytes(content)
    return "a.edf", (("annotation", ""), ("field", "patient"))


def _wfdb(folder: Path) -> tuple[str, tuple[Origin, ...]]:
    signals = _microvolts() / 1000
    written = wfdb_record("a", ["I", "II"], signals, 100.0, 16, 200.0, ["81 F"])
    written["a.atr"] = rhythm({50: "(N", 170: "(AFIB"})
    for name, content in written.items():
        (folder / name).write_bytes(content)
    return "a.hea", (("annotation", ""), ("note", ""))


def _xdf(folder: Path) -> tuple[str, tuple[Origin, ...]]:
    pytest.importorskip("pyxdf")
    values, stamps = _microvolts().T, np.arange(300) / 100
    signals = Made(1, "Amp", "EEG", values, stamps, 100, ("C3", "C4"))
    cues = Made(2, "Cues", "Markers", ["left", "right"], np.array([0.5, 2.0]))
    (folder / "a.xdf").write_bytes(xdf(signals, cues))
    return "a.xdf", (("annotation", ""),)


READERS: dict[str, tuple[Callable[[Path], tuple[str, tuple[Origin, ...]]], Any]] = {
    "array": (_array, {"variable": "x"}),
    "mne": (_mne, {}),
    "table": (_table, {"channels": ["u", "v"]}),
    "wfdb": (_wfdb, {}),
    "xdf": (_xdf, {}),
}
"""A writer of a recording in a reader's format, and what the file does not state."""


@pytest.mark.parametrize("name", available("readers"))
def test_reader(name: str, tmp_path: Path) -> None:
    assert name in READERS, f"no recording in the format of {name} to read"
    write, settings = READERS[name]
    main, origins = write(tmp_path)
    silent = {"channel_type": "eeg", "unit": "uV", "sfreq": 100}
    known = silent if name in ("array", "table") else {}
    reader = find("readers", name).model_validate(known | settings)
    testing.check_reader(reader, tmp_path, main, origins)
