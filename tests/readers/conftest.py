"""What tests of the readers share: a writer of EDF with each field in our hands."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

HALF = 500.0
"""Physical values run from minus to plus this."""
LIST_BYTES = 120
"""A list of notes in a data record; divisible by the sample sizes 2 and 3."""
Note = tuple[float, float, bytes]
WriteEdf = Callable[..., list[np.ndarray]]


def field(text: object, width: int) -> bytes:
    raw = text if isinstance(text, bytes) else str(text).encode()
    assert len(raw) <= width
    return raw.ljust(width)


def entries(start: str, notes: Sequence[Note]) -> bytes:
    out = f"{start}\x14\x14\x00".encode()
    for onset, duration, text in notes:
        lasts = f"\x15{duration:g}".encode() if duration else b""
        out += f"+{onset:g}".encode() + lasts + b"\x14" + text + b"\x14\x00"
    assert len(out) <= LIST_BYTES
    return out.ljust(LIST_BYTES, b"\0")


def table(
    labels: Sequence[str],
    units: Sequence[str | bytes],
    physical: tuple[float, float],
    digital: tuple[int, int],
    samples: Sequence[int],
) -> bytes:
    def each(values: Sequence[object], width: int) -> bytes:
        return b"".join(field(value, width) for value in values)

    n = len(labels)
    return (
        each(labels, 16)
        + b" " * 80 * n
        + each(units, 8)
        + b"".join(each([value] * n, 8) for value in (*physical, *digital))
        + b" " * 80 * n
        + each(samples, 8)
        + b" " * 32 * n
    )


def write(
    path: Path,
    values: Sequence[np.ndarray] | np.ndarray,
    *,
    labels: Sequence[str] = ("EEG C3", "EEG C4", "EEG Cz"),
    unit: str | bytes | Sequence[str] = "uV",
    rates: Sequence[int] | int = 100,
    kind: str = "",
    starts: Sequence[str] | None = None,
    notes: Mapping[int, Sequence[Note]] | None = None,
    n_records: int | None = None,
    tail: bytes = b"",
    physical: tuple[float, float] = (-HALF, HALF),
    inner: float = 1.0,
    patient: str = "X17 F 01-JAN-1950 Doe",
) -> list[np.ndarray]:
    """Write data records of a second; return what an exact reader gives back.

    The header states the inner share of both ranges.
    """
    size = 3 if path.suffix == ".bdf" else 2
    most = 2 ** (8 * size - 1) - 1
    rows = [np.asarray(row, float) for row in values]
    each = [rates] * len(rows) if isinstance(rates, int) else list(rates)
    n = len(rows[0]) // each[0]
    gain = (physical[1] - physical[0]) / (2 * most)
    digits = [np.round((row - physical[0]) / gain).astype("<i4") - most for row in rows]
    blocks = [
        row.reshape(n, rate, 1).view(np.uint8)[..., :size].reshape(n, -1)
        for row, rate in zip(digits, each, strict=True)
    ]
    names = list(labels[: len(rows)])
    units = [unit] * len(rows) if isinstance(unit, str | bytes) else list(unit)
    if starts is not None:
        names.append("BDF Annotations" if size == 3 else "EDF Annotations")
        units, each = [*units, ""], [*each, LIST_BYTES // size]
        lists = [entries(at, (notes or {}).get(k, ())) for k, at in enumerate(starts)]
        blocks.append(np.frombuffer(b"".join(lists), np.uint8).reshape(n, -1))
    head = b"\xffBIOSEMI" if size == 3 else field("0", 8)
    head += field(patient, 80) + field("Startdate 01-JAN-2024 A7 X X", 80)
    head += b"01.01.2408.00.00" + field(256 * (1 + len(names)), 8) + field(kind, 44)
    head += field(n if n_records is None else n_records, 8) + field("1", 8)
    head += field(len(names), 4) + table(
        names,
        units,
        (physical[0] * inner, physical[1] * inner),
        (-round(most * inner), round(most * inner)),
        each,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + np.hstack(blocks).tobytes() + tail)
    return [row * gain + physical[0] + most * gain for row in digits]


@pytest.fixture
def write_edf() -> WriteEdf:
    """Give the writer to tests."""
    return write
