"""`biospike encode`: one recording from its file to its events."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import __main__, config
from pipeline.aer import from_events
from pipeline.encoded_file import encode_file, in_flags
from pipeline.encoders.delta import Delta
from pipeline.encoding.encode import encode
from pipeline.errors import ConfigError, DataError, PipelineError
from pipeline.readers.base import LEAVE_OUT
from pipeline.spikes import unpack
from tests.fuzz.writing import csv_table, wfdb_record

PARAMS = Path(__file__).parent / "params.yaml"
SFREQ = 250.0
CSV = {"modality": "ecg", "unit": "mV", "sfreq": "250"}
"""What a table does not state."""

Command = Callable[..., tuple[int, str]]


def millivolts() -> np.ndarray:
    """Two leads, a beat a second for 20 s, as the gain of 1000 stores them."""
    phase = (np.arange(5000) / SFREQ) % 1 - 0.5
    noise = np.random.default_rng(1).normal(0, 0.01, (2, 5000))
    wave: np.ndarray = np.exp(-((phase / 0.02) ** 2)) * [[1.2], [-0.7]] + noise
    return wave.round(3)


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout with one recording as a WFDB record and as a table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    Path("params.yaml").write_text(PARAMS.read_text())
    Path("dvc.yaml").touch()
    record = wfdb_record("a", ["MLII", "V1"], millivolts(), SFREQ, 16, 1000.0)
    for name, content in record.items():
        Path(name).write_bytes(content)
    write_table(millivolts())


def write_table(signal: np.ndarray) -> None:
    Path("a.csv").write_bytes(csv_table(["MLII", "V1"], signal.tolist()))


@pytest.fixture
def biospike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    monkeypatch.setattr(__main__.stopping, "install", lambda: None)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["biospike", "encode", *words])
        try:
            __main__.main()
        except SystemExit as ended:
            return int(ended.code or 0), "".join(capsys.readouterr())
        return 0, "".join(capsys.readouterr())

    return run


def test_a_recording_is_encoded_printed_drawn_and_written(biospike: Command) -> None:
    outputs = "--picture", "out/a.png", "--events", "out/a.npy"
    code, printed = biospike("a.hea", "--encoder", "delta", *outputs)
    assert code == 0, printed
    found = encode_file(Path("a.hea"), "delta", config.read(), {})
    assert (found.modality, found.settings.h_freq) == ("ecg", 40)
    assert found.signal.samples.shape == (2, 2500)  # 125 samples/s
    again = encode(Delta(threshold=0.5), found.signal, np.random.default_rng(0))
    np.testing.assert_array_equal(found.spikes.packed, again.packed)
    (lead,) = [line.split() for line in printed.splitlines() if "MLII" in line]
    row = found.table.iloc[0]
    assert lead[1] == f"{row['events_per_s']:.1f}"
    assert lead[2] == f"{row['sparsity']:.1%}"
    assert lead[3:5] == [f"{row['snr_db']:.1f}", "dB"]
    assert "operations a second, at most: 750 additions" in printed
    assert Path("out/a.png").read_bytes().startswith(b"\x89PNG")
    events = np.load("out/a.npy", allow_pickle=False)
    back = from_events(events, (4, 2500), 125.0)
    np.testing.assert_array_equal(back, unpack(found.spikes))


def test_a_table_gives_the_same_with_the_flags_that_it_needs(biospike: Command) -> None:
    record = encode_file(Path("a.hea"), "delta", config.read(), {})
    table = encode_file(Path("a.csv"), "delta", config.read(), CSV)
    np.testing.assert_allclose(
        record.signal.samples, table.signal.samples, rtol=0, atol=1e-4
    )
    one = encode_file(Path("a.csv"), "delta", config.read(), CSV, ("V1",))
    assert one.signal.channels == ("V1",)
    np.testing.assert_array_equal(one.signal.samples[0], table.signal.samples[1])
    code, printed = biospike("a.csv", "--encoder", "delta")
    assert code == 2
    assert "biospike encode: the files do not state" in " ".join(printed.split())
    assert "--sfreq" in printed
    assert "--unit" in printed


def refused(path: str, encoder: str = "delta", *channels: str) -> PipelineError:
    with pytest.raises((ConfigError, DataError)) as caught:
        encode_file(Path(path), encoder, config.read(), CSV, channels or None)
    assert caught.value.expected
    assert caught.value.remedy
    return caught.value


def test_rubbish_is_refused_in_words(biospike: Command) -> None:
    assert "no such file" in str(refused("b.hea"))
    Path("folder.edf").mkdir()
    assert "this is a folder" in str(refused("folder.edf"))
    Path("a.docx").write_text("a letter")
    assert "'.docx' files is not known" in str(refused("a.docx"))
    assert ".hea" in refused("a.docx").expected
    for name in ("a.edf", "a.set", "a.fif", "a.mat", "b.npy", "b.csv"):
        Path(name).write_text("this is no recording\n")
        assert refused(name).found
    Path("book.csv").write_bytes(b"PK\x03\x04" + bytes(range(256)) * 9)
    assert refused("book.csv").found == "is no text: it holds bytes of the value 0"
    assert refused("book.csv").remedy == "export it as CSV"
    assert "did you mean 'delta'" in str(refused("a.hea", "detla"))
    assert "'V2'" in str(refused("a.hea", "delta", "V2"))
    assert refused("a.csv", "delta", "V2").expected == "one of MLII, V1"
    for words, flag in ((["--picture", "a.jpg"], "--picture"), (["--events", "a"], "")):
        code, printed = biospike("a.hea", "--encoder", "delta", *words)
        assert code == 2
        assert f"{flag or '--events'}: the file a" in printed


@pytest.mark.parametrize(
    ("value", "found"),
    [(np.inf, "1 of 5000 samples are no finite numbers"), (1e9, "V")],
)
def test_samples_that_no_body_makes_are_refused(value: float, found: str) -> None:
    signal = millivolts()
    signal[1, 300] = value
    np.save("a.npy", signal)
    error = refused("a.npy")
    assert found in str(error)
    assert "on_bad_recording" not in error.remedy
    assert value == np.inf or "give --unchecked amplitude" in error.remedy


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        (LEAVE_OUT, "name another file"),
        (f"replace it, or {LEAVE_OUT}", "replace it"),
        (f"replace it, {LEAVE_OUT}, or wait", "replace it, or wait"),
        (f"{LEAVE_OUT}, or wait", "wait"),
        ("set the reader's unchecked to [range]", "give --unchecked range"),
    ],
)
def test_remedies_of_a_data_set_are_written_for_one_file(
    remedy: str, shown: str
) -> None:
    assert in_flags(remedy) == shown
