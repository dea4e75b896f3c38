"""The header of an EDF or BDF file, read to hold the file against it.

MNE accepts a file cut short, brings channels of several rates to the highest and takes
samples of an unknown unit for volts; the header tells all three beforehand.
Layout: Kemp & Olivan 2003, doi 10.1016/S1388-2457(03)00123-8.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DataError

FIXED = 256
"""Bytes of the fixed part, and of each signal's part after it."""
LABEL, UNIT, SAMPLES = (0, 16), (96, 8), (216, 8)
"""Bytes of a signal's part before a field, and the field's width; the header holds
one field of all signals, then the next."""
VOLTS = ("V", "mV", "uV", "µV", "μV", "nV")


@dataclass(frozen=True)
class EdfHeader:
    """What the header promises.

    Parameters
    ----------
    labels : tuple of str
        As they stand in the file, such as `EEG Fp1`.
    units : tuple of str
        Physical dimension of each signal.
    samples : tuple of int
        Samples a data record of each signal.
    n_records : int
        Data records; -1 if the recording was never closed.
    header_bytes, sample_bytes : int
        Length of the header and of one sample (EDF 2, BDF 3).
    """

    labels: tuple[str, ...]
    units: tuple[str, ...]
    samples: tuple[int, ...]
    n_records: int
    header_bytes: int
    sample_bytes: int

    @property
    def expected_bytes(self) -> int:
        """Length of a whole file."""
        record = sum(self.samples) * self.sample_bytes
        return self.header_bytes + self.n_records * record


def read_edf_header(folder: Path, file: Path) -> EdfHeader:
    """Read the header of a file and check that the file is whole.

    Raises
    ------
    DataError
        The header is damaged, or the file shorter than it promises.
    """
    path = folder / file
    with path.open("rb") as stream:
        text = stream.read(FIXED).decode("latin-1")
        n_signals = _number(file, "number of signals", text[252:256])
        text += stream.read(FIXED * n_signals).decode("latin-1")
    header = EdfHeader(
        tuple(_fields(text, n_signals, LABEL)),
        tuple(_fields(text, n_signals, UNIT)),
        tuple(
            _number(file, "samples a record", field)
            for field in _fields(text, n_signals, SAMPLES)
        ),
        _number(file, "number of data records", text[236:244]),
        _number(file, "length of the header", text[184:192]),
        3 if text.startswith("\xff") else 2,
    )
    _check_size(file, path.stat().st_size, header)
    return header


def check_channels(file: Path, header: EdfHeader, labels: Sequence[str]) -> None:
    """Refuse channels of several rates, or that are not measured in volts."""
    places = [header.labels.index(label) for label in labels]
    if others := sorted({header.units[k] for k in places} - set(VOLTS)):
        raise DataError(
            str(file),
            f"a channel has the unit '{others[0]}'",
            expected="one of " + ", ".join(VOLTS),
            remedy="choose other channels in the reader's settings",
        )
    if len(rates := {header.samples[k] for k in places}) > 1:
        raise DataError(
            str(file),
            f"channels of several rates: {sorted(rates)} samples a data record",
            expected="one rate",
            remedy="choose channels of one rate in the reader's settings",
        )


def _fields(text: str, n_signals: int, place: tuple[int, int]) -> Iterator[str]:
    begin, width = place
    start = FIXED + n_signals * begin
    for signal in range(n_signals):
        yield text[start + signal * width : start + (signal + 1) * width].strip()


def _number(file: Path, what: str, field: str) -> int:
    try:
        return int(field)
    except ValueError:
        raise DataError(
            str(file),
            f"the header is damaged: its {what} is {field.strip()!r}",
            expected="a number",
            remedy="fetch the file again, or ask who delivered it",
        ) from None


def _check_size(file: Path, found: int, header: EdfHeader) -> None:
    if header.header_bytes != FIXED * (1 + len(header.labels)):
        raise DataError(
            str(file),
            f"the header is damaged: it says {header.header_bytes} bytes",
            expected=f"{FIXED * (1 + len(header.labels))} bytes for "
            f"{len(header.labels)} signals",
            remedy="fetch the file again, or ask who delivered it",
        )
    if header.n_records == 0 or found < header.expected_bytes:
        raise DataError(
            str(file),
            f"is cut short: {found} bytes, {header.n_records} data records",
            expected=f"{header.expected_bytes} bytes by its header, and some data",
            remedy="fetch the file again, or ask who delivered it",
        )
