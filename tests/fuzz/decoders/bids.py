"""A recording in a BIDS tree: EDF, and its sidecars."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.fuzz.decoders import edf
from tests.fuzz.items import VOLTS, FileError, Files, Item, Mark, Reading, number, utf8

NOTHING = ("", "n/a", "nan", "NaN")
SAME_RATE, SAME_LENGTH, ROUNDED_S = 0.01, 0.1, 1.0
"""Relative differences that nobody overlooks; seconds by which lengths are rounded."""


def table(content: bytes, only: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read a table with tabs, or those rows whose first field is one of `only`."""
    lines = [line for line in re.split("\r\n|\r|\n", utf8(content)) if line.strip()]
    if not lines:
        raise FileError("an empty table")
    names = [name.strip() for name in lines[0].split("\t")]
    rows = []
    for line in lines[1:]:
        fields = [field.strip() for field in line.split("\t")]
        if only and fields[0] not in only:
            continue
        while len(fields) > len(names) and not fields[-1]:
            fields.pop()
        if len(fields) != len(names):
            raise FileError(f"a row of {len(fields)} fields: {fields}")
        rows.append(dict(zip(names, fields, strict=True)))
    return rows


def decode(files: Files, main: str, item: Item) -> Reading:
    stem = main.rpartition("_")[0]
    kind = main.rpartition("_")[2].partition(".")[0]
    facts, units = {}, {}
    if content := files.get(f"{stem}_{kind}.json"):
        facts = json.loads(content)
    if content := files.get(f"{stem}_channels.tsv"):
        units = {row["name"]: row.get("units", "") for row in table(content)}
    own = replace(item, facts={**item.facts, "units": units})
    reading = edf.decode(files, main, own)
    _check_units(files[main], units)
    _check_facts(facts, reading)
    events = files.get(f"{stem}_events.tsv")
    if item.label["from"] == "annotation" and events is not None:
        reading = replace(reading, marks=_events(events))
    if item.label["from"] == "sidecar":
        subject = main.split("/")[0]
        own = (subject, subject.removeprefix("sub-"))
        rows = table(files[item.label["file"]], own)
        texts = {row[item.label["key"]] for row in rows}
        if len(texts) != 1:
            raise FileError(f"{len(texts)} groups of {subject}")
        reading = replace(reading, texts=sorted(texts))
    return reading


def _check_units(content: bytes, units: dict[str, str]) -> None:
    for signal in edf.read_header(content).signals:
        stated = units.get(edf.plain(signal.label, []), "") or units.get(
            signal.label, ""
        )
        factors = [VOLTS.get(u.strip().lower()) for u in (stated, signal.unit)]
        if stated not in NOTHING and all(factors) and factors[0] != factors[1]:
            raise FileError(
                f"{signal.label} in {signal.unit}, {stated} by channels.tsv"
            )


def _check_facts(facts: dict[str, Any], reading: Reading) -> None:
    lasts = reading.volts.shape[1] / reading.sfreq
    for key, found, allowed in (
        ("SamplingFrequency", reading.sfreq, SAME_RATE * reading.sfreq),
        ("RecordingDuration", lasts, max(ROUNDED_S, SAME_LENGTH * lasts)),
    ):
        stated = facts.get(key)
        is_number = isinstance(stated, int | float) and not isinstance(stated, bool)
        # Numbers that are none of a rate or a length are ignored.
        if is_number and stated > 0 and abs(stated - found) > allowed:
            raise FileError(f"{key} is {stated}, the file has {found}")


def _events(content: bytes) -> list[Mark]:
    marks = []
    for row in table(content):
        text = row.get("trial_type", "")
        if row["onset"] in NOTHING or text in NOTHING:
            continue
        lasts = row.get("duration", "0")
        onset = number(row["onset"].replace(",", "."), "an onset")
        duration = 0.0
        if lasts not in NOTHING:
            duration = number(lasts.replace(",", "."), "a duration")
        marks.append(Mark(onset, duration, text))
    return sorted(marks, key=lambda mark: mark.onset_s)
