"""Text files, line by line."""

import bz2
import csv
import gzip
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.fuzz.items import VOLTS, FileError, Files, Item, Mark, Reading, number

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6}
TOLERANCE = 0.01
"""Relative difference between two statements of a rate that nobody overlooks."""
DELIMITERS = "\t;|, "


def _text(content: bytes, main: str, encoding: str | None) -> str:
    if main.endswith(".gz"):
        content = gzip.decompress(content)
    elif main.endswith(".bz2"):
        content = bz2.decompress(content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode(encoding or "utf-8-sig").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _wanted(item: Item) -> list[str]:
    reader = item.reader
    names = [] if reader.get("layout") == "long" else list(reader["channels"])
    keys = [reader.get(k) for k in ("time", "channel_column", "value_column")]
    names += [str(key) for key in keys if key]
    if item.label["from"] == "column":
        names.append(str(item.label["key"]))
    return names


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return [field.strip() for field in next(csv.reader([line], delimiter=delimiter))]


def _names(line: str, delimiter: str) -> list[str]:
    """Split a line, without an empty field at its end."""
    names = _split(line, delimiter)
    return names[:-1] if len(names) > 1 and not names[-1] else names


def _fits(lines: Sequence[str], delimiter: str, item: Item) -> bool:
    names = _names(lines[0], delimiter)
    return all(names.count(name) == 1 for name in _wanted(item))


def _rows(text: str, item: Item) -> tuple[list[str], list[list[str]]]:
    """Give the names of the columns, and the rows with as many fields."""
    reader = item.reader
    lines = text.replace("\r\n", "\n").split("\n")
    comment = reader.get("comment")
    lines = [line for line in lines if not (comment and line.startswith(comment))]
    lines = [line for line in lines if line.strip(DELIMITERS + "\r")]
    own = reader.get("delimiter")
    found = [d for d in ([own] if own else DELIMITERS) if _fits(lines, d, item)]
    if not found:
        raise FileError("a column is not there once")
    # What parts the last line into as many fields as the first is the delimiter.
    even = [d for d in found if len(_names(lines[-1], d)) == len(_names(lines[0], d))]
    delimiter = [*even, *found][0]
    names = _names(lines[0], delimiter)
    rows = [
        _split(line, delimiter) for line in lines[1 + bool(reader.get("unit_row")) :]
    ]
    rows = [
        row[:-1] if len(row) == len(names) + 1 and not row[-1] else row for row in rows
    ]
    if rows and len(rows[-1]) < len(names):
        rows.pop()
    for row in rows:
        if len(row) != len(names):
            raise FileError(f"a row of {len(row)} fields: {row[:4]}")
    return names, rows


def _numbers(item: Item, texts: Sequence[str]) -> np.ndarray:
    decimal = item.reader.get("decimal", ".")
    if decimal != ".":
        if any("." in text for text in texts):
            raise FileError("a point where the decimal sign is another")
        texts = [text.replace(decimal, ".") for text in texts]
    return np.array([number(text, "a sample") for text in texts])


def _complete(item: Item, names: list[str], rows: list[list[str]]) -> list[list[str]]:
    """Leave out a last row that was cut short within a field."""
    try:
        if item.reader.get("layout") != "long":
            columns = [
                *item.reader["channels"],
                *filter(None, [item.reader.get("time")]),
            ]
            for name in columns:
                _numbers(item, [rows[-1][names.index(str(name))]])
    except FileError:
        return rows[:-1]
    return rows


def decode(files: Files, main: str, item: Item) -> Reading:
    if not files.get(main):
        raise FileError("is empty or not there")
    reader = item.reader
    text = _text(files[main], main, reader.get("encoding"))
    names, rows = _rows(text, item)
    if len(rows) < 2:
        raise FileError("no rows")
    rows = _complete(item, names, rows)
    columns = {
        n: [row[k] for row in rows] for k, n in enumerate(names) if n in _wanted(item)
    }
    if reader.get("layout") == "long":
        columns = _long(item, columns)
    volts = [_numbers(item, columns[name]) for name in reader["channels"]]
    values = np.stack(volts) * VOLTS[reader["unit"].lower()]
    times = None
    if reader.get("time"):
        unit = SECONDS[reader.get("time_unit", "s")]
        times = _numbers(item, columns[reader["time"]]) * unit
    reading = _timed(item, values, times)
    if item.label["from"] == "column":
        texts = columns[str(item.label["key"])]
        own = reading.times_s
        ends = [*own[1:], own[-1] + 1 / reading.sfreq]
        marks = [
            Mark(a, b - a, _canonical(t))
            for a, b, t in zip(own.tolist(), ends, texts, strict=True)
        ]
        reading = replace(reading, marks=_joined(marks))
    return reading


def _joined(marks: list[Mark]) -> list[Mark]:
    out: list[Mark] = []
    for mark in marks:
        if out and out[-1].text == mark.text:
            end = mark.onset_s + mark.duration_s
            out[-1] = replace(out[-1], duration_s=end - out[-1].onset_s)
        else:
            out.append(mark)
    return out


def _canonical(text: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return text
    return str(int(value)) if value.is_integer() and not text.isdigit() else text


def _long(item: Item, columns: dict[str, list[str]]) -> dict[str, list[str]]:
    """Bring a row a value to a row a sample."""
    reader = item.reader
    which, values = columns[reader["channel_column"]], columns[reader["value_column"]]
    others = [
        n
        for n in columns
        if n not in (reader["channel_column"], reader["value_column"])
    ]
    parts: dict[str, Any] = {}
    for k, name in enumerate(which):
        parts.setdefault(name, []).append(k)
    if sorted(parts) != sorted(reader["channels"]):
        raise FileError(f"channels {sorted(parts)}")
    shortest = min(map(len, parts.values()))
    if max(map(len, parts.values())) > shortest + 1:
        raise FileError("channels of several lengths")
    first = parts[reader["channels"][0]][:shortest]
    out = {name: [columns[name][k] for k in first] for name in others}
    for name, places in parts.items():
        out[name] = [values[k] for k in places[:shortest]]
        for other in others:
            if [columns[other][k] for k in places[:shortest]] != out[other]:
                raise FileError("channels of several times")
    return out


def _timed(item: Item, values: np.ndarray, times: np.ndarray | None) -> Reading:
    reader = item.reader
    names, sfreq = list(reader["channels"]), float(reader.get("sfreq", 0))
    if times is None:
        return Reading(names, sfreq, values)
    times = times - times[0]
    steps = np.diff(times)
    if reader.get("held"):
        if (steps < 0).any():
            raise FileError("the clock jumps back")
        return Reading(names, sfreq, values, clock_s=times, held=True)
    if (steps <= 0).any():
        raise FileError("the clock jumps back or stands still")
    usual = steps[steps < 1.5 * np.median(steps)]
    rate = 1 / usual.mean()
    if sfreq and abs(rate / sfreq - 1) > TOLERANCE:
        raise FileError(f"{rate:g} Hz by the clock")
    if not sfreq:
        sfreq = round(rate) if abs(rate - round(rate)) < 1e-3 * rate else rate
    slack = 1.5 / sfreq + 1e-3 * float(times[-1])
    return Reading(names, sfreq, values, clock_s=times, slack_s=slack)
