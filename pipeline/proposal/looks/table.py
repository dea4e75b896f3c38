"""Text files: the header, the clock, the columns of labels and of channels."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import DataError
from pipeline.proposal import common
from pipeline.proposal.facts import Chosen, Looked
from pipeline.readers.base import Content, Marks
from pipeline.readers.parts.opening import opening
from pipeline.readers.parts.select import FileSignal
from pipeline.readers.parts.tables.head import Head, open_text, read_head, split
from pipeline.readers.parts.units import volts
from pipeline.readers.table import Table

CLOCK = re.compile(
    r"(?i)(time|timestamps?|zeit|t|seconds?|sec|date)([ _(\[]+\w+[)\]]?)?"
)
LABEL = re.compile(
    r"(?i)(re)?(class|label|gesture|geste|stimulus|marker|event|activity|target|stage|"
    r"condition|trigger|y)s?"
)
COUNTER = re.compile(r"(?i)(index|counter|sample|nr|no|row|#|repetition|subject)")
UNITS = ("s", "ms", "us")
NUMBER = re.compile(r"(?i)[+-]?[\d.,]+(e[+-]?\d+)?|nan|")
DECIMAL = re.compile(r"[+-]?\d*,\d+")
LEAST_HZ, MOST_HZ = 20.0, 50_000.0
"""Rates that recorders of biosignals have."""
MOST_PPM = 1e5
"""The largest tolerance of a clock."""
DUMMY_HZ = 1000.0
"""Stands for a rate that is not known yet, so that the labels can be read."""


def look(
    folder: Path, mains: Sequence[str], names: Sequence[str], stated: dict[str, object]
) -> Looked:
    """Read the head of a file, and all of some; see `looking.look`."""
    settings, head, words = _head(folder, mains[0])
    clock = next((n for n in head.names if CLOCK.fullmatch(n)), None)
    usual = [n for n in head.names if LABEL.fullmatch(n)]
    texts = [n for n in words if n != clock]
    label = common.asked_key(stated, "column") or next(iter([*usual, *texts]), None)
    apart = {clock, label, *words}
    wanted = [n for n in head.names if n not in apart and not COUNTER.fullmatch(n)]
    if not wanted:
        raise _no_numbers(mains[0], head)
    units = dict(zip(head.names, head.units, strict=True))
    signals = [FileSignal(n, None, units[n]) for n in wanted]
    voltage = tuple(sorted({s.unit for s in signals if volts(s.unit)}))
    trial = {name: each.value for name, each in settings.items()}
    trial |= {"channels": wanted, "channel_type": "emg"}
    trial |= {} if voltage else {"unit": "uV"}
    timed, contents = _read(folder, mains, trial, clock, label, stated)
    settings |= timed
    rate = {content.sfreq for content in contents}
    value = {"from": "column", "key": label}
    by_file = [_texts(content, label) for content in contents]
    labels = (
        common.texts(f"column:{label}", value, by_file, "blocks", f"the column {label}")
        if label
        else []
    )
    return Looked(
        settings,
        {s.name: common.kind_of(s) for s in signals},
        (),
        tuple(rate) if clock else (),
        voltage,
        labels=tuple(labels),
    )


def _no_numbers(main: str, head: Head) -> DataError:
    shown = common.some(head.names)
    return DataError(
        main,
        f"no column has numbers in its first row, among {shown}",
        expected="a text file with a column of numbers for each channel",
        remedy="name the recordings by --pattern, or move other files away",
    )


def _texts(content: Content, label: str | None) -> list[str]:
    found = content.marks.get(("column", label or ""))
    return list(found.texts) if isinstance(found, Marks) else []


def _head(folder: Path, main: str) -> tuple[dict[str, Chosen], Head, list[str]]:
    """Find what the first lines need: a sign of comments, no header, a row of units.

    Returns
    -------
    settings : dict
    head : Head
    words : list of str
        Columns whose first value is no number.
    """
    settings: dict[str, Chosen] = {}
    with opening(folder, main):
        stream, encoding = open_text(folder / main, None)
        with stream:
            first = stream.read(1)
            if first in (b"#", b"%"):
                sign = Chosen(first.decode(), "found", "starts the first line")
                settings["comment"] = sign
            try:
                head, fields = _first_row(main, stream, encoding, settings)
            except DataError:
                settings["header"] = Chosen(False, "found", "the first row is numbers")
                head, fields = _first_row(main, stream, encoding, settings)
            if not any(re.search(r"\d", field) for field in fields):
                settings["unit_row"] = Chosen(True, "found", "below the header")
                head, fields = _first_row(main, stream, encoding, settings)
    if head.delimiter != "," and any(DECIMAL.fullmatch(field) for field in fields):
        settings["decimal"] = Chosen(",", "found", "numbers have a decimal comma")
    values = zip(head.names, fields, strict=False)
    return settings, head, [n for n, text in values if not NUMBER.fullmatch(text)]


def _first_row(
    main: str, stream: BinaryIO, encoding: str | None, settings: dict[str, Chosen]
) -> tuple[Head, list[str]]:
    """Read a file's head and the fields of its first row."""
    plain = {name: each.value for name, each in settings.items()}
    stream.seek(0)
    head = read_head(main, stream, Table.model_validate(plain), encoding)
    stream.seek(head.start)
    row = stream.readline().decode(head.encoding)
    return head, split(row, head.delimiter)


def _read(
    folder: Path,
    mains: Sequence[str],
    trial: dict[str, Any],
    clock: str | None,
    label: str | None,
    stated: dict[str, object],
) -> tuple[dict[str, Chosen], list[Content]]:
    """Read tables with the unit of time that gives a rate which recorders have.

    Raises
    ------
    DataError
        No unit of time does, or the rows do not keep the rate.
    """
    rate = stated.get("sfreq")
    origins = [("column", label)] if label else []
    given = {"sfreq": rate or (None if clock else DUMMY_HZ)}
    given |= {"unchecked": stated.get("unchecked", ())}
    settings = _time(folder, mains[0], trial, clock) if clock else {}
    held = settings | {"held": Chosen(True, "found", "rows repeat the last sample")}
    problem: DataError | None = None
    for each in [settings, held] if clock and rate else [settings]:
        plain = {name: chosen.value for name, chosen in each.items()}
        reader = Table.model_validate(trial | plain | given)
        try:
            return each, [reader.read(folder, [main], origins) for main in mains]
        except DataError as error:
            problem = problem or error
    assert problem is not None  # else it would have returned
    if rate or not clock:
        raise problem
    raise DataError(
        problem.where,
        problem.found,
        expected=problem.expected,
        remedy=f"{problem.remedy}; --sfreq states the device's rate",
    )


def _time(
    folder: Path, main: str, trial: dict[str, Any], clock: str
) -> dict[str, Chosen]:
    """Find the unit of time: by the column's name, else by the rate that it gives."""
    time = Chosen(clock, "found", "the column of the clock")
    if unit := re.search(r"(?<![a-z])(us|ms|s)[)\]]?$", clock.lower()):
        named = Chosen(unit[1], "found", "as the column's name states")
        return {"time": time, "time_unit": named}
    faults: list[DataError] = []
    for each in UNITS:
        lenient = {"time": clock, "time_unit": each, "unchecked": ("held", "rate")}
        reader = Table.model_validate(trial | lenient | {"tolerance_ppm": MOST_PPM})
        try:
            rate = reader.read(folder, [main], []).sfreq
        except DataError as fault:
            faults.append(fault)
            continue
        if LEAST_HZ <= rate <= MOST_HZ:
            why = f"{rate:.4g} rows a second, a rate that recorders have"
            return {"time": time, "time_unit": Chosen(each, "found", why)}
    if len(faults) == len(UNITS):  # not the unit is at fault
        raise faults[0]
    raise DataError(
        main,
        f"the column '{clock}' gives no rate in s, ms or us",
        expected=f"{LEAST_HZ:g} to {MOST_HZ:g} Hz",
        remedy="write the entry by docs/data.md, with the reader's time_unit",
    )
