"""Writers of formats, each field in our hands."""

from collections.abc import Mapping, Sequence

import numpy as np

from tests.fuzz.decoders.mit_annotations import AUX, SKIP, SYMBOLS
from tests.fuzz.items import Mark

CODES = {symbol: code for code, symbol in SYMBOLS.items()}


def _pack(values: np.ndarray, bits: int, per_word: int) -> np.ndarray:
    """Fill up to a number of values a word, as unsigned."""
    full = np.append(values, np.zeros(-len(values) % per_word, np.int64))
    return (full & ((1 << bits) - 1)).reshape(-1, per_word)


def wfdb_samples(fmt: int, values: np.ndarray) -> bytes:
    """Encode samples of all signals, one frame after the other."""
    plain = {16: "<i2", 32: "<i4", 61: ">i2"}
    if fmt in plain:
        return values.astype(plain[fmt]).tobytes()
    if fmt == 160:
        return (values + (1 << 15)).astype("<u2").tobytes()
    if fmt == 80:
        return (values + 128).astype("u1").tobytes()
    if fmt == 8:
        return values.astype("i1").tobytes()
    if fmt == 24:
        return values.astype("<i4").view("u1").reshape(-1, 4)[:, :3].tobytes()
    if fmt == 212:
        a, b = _pack(values, 12, 2).T
        rows = np.stack([a & 255, a >> 8 | (b >> 8) << 4, b & 255], 1)
        return rows.astype("u1").tobytes()[: -(-len(values) * 3 // 2)]
    a, b, c = _pack(values, 10, 3).T
    if fmt == 311:
        return (a | b << 10 | c << 20).astype("<u4").tobytes()
    low, high = a << 1 | (c & 31) << 11, b << 1 | (c >> 5) << 11
    return np.stack([low, high], 1).astype("<u2").tobytes()


def wfdb_record(
    name: str,
    names: Sequence[str],
    millivolts: np.ndarray,
    sfreq: float,
    fmt: int,
    gain: float,
    comments: Sequence[str] = (),
) -> dict[str, bytes]:
    """Write a header with checksums and one signal file."""
    digital = np.round(millivolts * gain).astype(np.int64)
    stored = digital
    if fmt == 8:
        stored = np.clip(np.diff(digital, axis=1, prepend=digital[:, :1]), -128, 127)
        digital = digital[:, :1] + np.cumsum(stored, axis=1)
    lines = [f"{name} {len(names)} {sfreq:g} {digital.shape[1]}"]
    for label, row in zip(names, digital, strict=True):
        total = int(row.sum()) % 65536
        total -= 65536 * (total >= 32768)
        lines.append(f"{name}.dat {fmt} {gain:g}/mV 12 0 {row[0]} {total} 0 {label}")
    lines += [f"# {comment}" for comment in comments]
    return {
        f"{name}.hea": "\n".join([*lines, ""]).encode(),
        f"{name}.dat": wfdb_samples(fmt, stored.T.ravel()),
    }


def mit_annotations(found: Sequence[tuple[int, str, str]]) -> bytes:
    """Write annotations: sample, symbol, note."""
    words: list[int] = []
    before = 0
    for sample, symbol, note in found:
        step = sample - before
        if step > 1023:
            words += [SKIP << 10, step >> 16, step & 65535]
            step = 0
        words.append(CODES[symbol] << 10 | step)
        if note:
            text = note.encode()
            words.append(AUX << 10 | len(text))
            padded = text + b"\0" * (len(text) % 2)
            words += np.frombuffer(padded, "<u2").tolist()
        before = sample
    return np.array([*words, 0], "<u2").tobytes()


def rhythm(changes: Mapping[int, str]) -> bytes:
    """Write notes of rhythm."""
    return mit_annotations([(at, "+", note) for at, note in sorted(changes.items())])


def edf(
    labels: Sequence[str],
    microvolts: np.ndarray,
    rate: int,
    *,
    bdf: bool = False,
    starts: Sequence[float] | None = None,
    notes: Sequence[Mark] = (),
    patient: str = "X X X X",
    unit: str = "uV",
    kind: str | None = None,
) -> bytes:
    """Write records of a second; `starts` makes it EDF+D, notes EDF+C."""
    size, most = (3, 8388607) if bdf else (2, 32767)
    n_records, half = microvolts.shape[1] // rate, float(np.abs(microvolts).max()) + 1
    half = round(half)
    digital = np.round(microvolts / half * most).astype("<i4")
    names, columns, rates = list(labels), [], [rate] * len(labels)
    for row in digital:
        raw = row.view("u1").reshape(n_records, rate, 4)[..., :size]
        columns.append(raw.reshape(n_records, -1))
    own = kind or ("EDF+D" if starts else "EDF+C" if notes else "")
    if own:
        names.append("BDF Annotations" if bdf else "EDF Annotations")
        lists = _lists(starts or range(n_records), notes)
        width = -(-max(map(len, lists)) // 6) * 6 + 12
        columns.append(
            np.frombuffer(b"".join(t.ljust(width, b"\0") for t in lists), "u1").reshape(
                n_records, width
            )
        )
        rates.append(width // size)
    head = _edf_head(names, rates, n_records, (half, most), patient, unit, own, bdf)
    return head + np.hstack(columns).tobytes()


def _lists(starts: Sequence[float] | range, notes: Sequence[Mark]) -> list[bytes]:
    lists = []
    for place, start in enumerate(starts):
        entries = f"+{start:g}\x14\x14\0"
        if not place:
            for note in notes:
                lasts = f"\x15{note.duration_s:g}" if note.duration_s else ""
                entries += f"+{note.onset_s:g}{lasts}\x14{note.text}\x14\0"
        lists.append(entries.encode())
    return lists


def _edf_head(
    names: Sequence[str],
    rates: Sequence[int],
    n_records: int,
    ends: tuple[float, int],
    patient: str,
    unit: str,
    kind: str,
    bdf: bool,
) -> bytes:
    def field(text: object, width: int) -> bytes:
        return str(text).encode()[:width].ljust(width)

    def each(texts: Sequence[object], width: int) -> bytes:
        return b"".join(field(text, width) for text in texts)

    half, most = ends
    count = len(names)
    begin = b"\xffBIOSEMI" if bdf else field("0", 8)
    begin += field(patient, 80) + field("Startdate 01-JAN-2024 X X X", 80)
    begin += b"01.01.2408.00.00" + field(256 * (1 + count), 8)
    begin += field(kind.replace("EDF", "BDF") if bdf else kind, 44)
    begin += field(n_records, 8) + field("1", 8) + field(count, 4)
    units = ["" if name.endswith("Annotations") else unit for name in names]
    ranges = ([-half] * count, [half] * count, [-most] * count, [most] * count)
    return (
        begin
        + each(names, 16)
        + b" " * 80 * count
        + each(units, 8)
        + b"".join(each(values, 8) for values in ranges)
        + b" " * 80 * count
        + each(rates, 8)
        + b" " * 32 * count
    )


def brainvision(
    name: str,
    labels: Sequence[str],
    microvolts: np.ndarray,
    sfreq: float,
    marks: Sequence[tuple[int, str]],
    *,
    floats: bool = False,
) -> dict[str, bytes]:
    """Write header, markers and samples: 16 bits side by side, or floats by channel."""
    step = 1.0 if floats else 0.1
    infos = [f"Ch{k}={n},,{step:g},µV" for k, n in enumerate(labels, 1)]
    header = [
        "Brain Vision Data Exchange Header File Version 1.0",
        "[Common Infos]",
        "Codepage=UTF-8",
        f"DataFile={name}.eeg",
        f"MarkerFile={name}.vmrk",
        "DataFormat=BINARY",
        f"DataOrientation={'VECTORIZED' if floats else 'MULTIPLEXED'}",
        f"NumberOfChannels={len(labels)}",
        f"DataPoints={microvolts.shape[1]}",
        f"SamplingInterval={1e6 / sfreq:g}",
        "[Binary Infos]",
        f"BinaryFormat={'IEEE_FLOAT_32' if floats else 'INT_16'}",
        "[Channel Infos]",
        *infos,
        "",
    ]
    lines = [
        "Brain Vision Data Exchange Marker File, Version 1.0",
        "[Common Infos]",
        "Codepage=UTF-8",
        f"DataFile={name}.eeg",
        "[Marker Infos]",
        "Mk1=New Segment,,1,1,0,20240101080000000000",
        *(f"Mk{k}=Stimulus,{t},{at + 1},1,0" for k, (at, t) in enumerate(marks, 2)),
        "",
    ]
    stored = microvolts.astype("<f4") if floats else np.round(microvolts / step)
    samples = stored if floats else stored.astype("<i2").T
    return {
        f"{name}.vhdr": "\n".join(header).encode(),
        f"{name}.vmrk": "\n".join(lines).encode(),
        f"{name}.eeg": samples.tobytes(),
    }


def csv_table(
    header: Sequence[str],
    columns: Sequence[Sequence[object]],
    *,
    delimiter: str = ",",
    decimal: str = ".",
    number: str = "{:.6g}",
) -> bytes:
    """Write a table, numbers rounded."""

    def cell(value: object) -> str:
        if isinstance(value, float):
            return number.format(value).replace(".", decimal)
        return str(value)

    rows = [delimiter.join(map(cell, row)) for row in zip(*columns, strict=True)]
    return "\n".join([delimiter.join(header), *rows, ""]).encode()
