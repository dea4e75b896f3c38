"""A WFDB header as its lines state it, without the defaults that wfdb assumes.

wfdb reads headers as ASCII, which makes volts of microvolts in `µV`, and takes 250 Hz
for a rate that it cannot read. So the fields are found by wfdb's own expressions, in
text with all its characters.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, either
from pipeline.readers.parts.opening import present

RATE = re.compile(r"(\d+\.?\d*|\.\d+)(/-?\d+\.?\d*(\(-?\d+\.?\d*\))?)?$")
"""Frames per second, with the counter's frequency and beginning."""
UNIT, N_FIELDS = 2, 8
"""Place of the gain and its unit in a signal's line; fields before the description."""
FIRST = re.compile(r"[-\w]+(/\d+)?[ \t]+\d+([ \t]|$)")
INTEGER = re.compile(r"-?\d+")
PAIR = re.compile(r"([^:=]+?)\s*[:=]\s*(.*)")
ANGLED = re.compile(r"<([^<>]+)>\s*[:=]\s*(.*?)\s*(?=<[^<>]+>\s*[:=]|$)")
"""`<age>: 25  <sex>: M`, several in a line."""


@dataclass(frozen=True)
class HeaderSignal:
    """One signal's line.

    Parameters
    ----------
    name, file, fmt : str
    per_frame : int
        Samples per frame.
    skew : int
        Frames by which its samples lie late in the file.
    offset : int
        Bytes (FLAC: samples) before its file's first sample.
    gain : float or None
        ADC units per physical unit; None if the signal is not calibrated.
    unit : str
        "" if it is not stated.
    first, checksum : int or None
        The first sample and the sum of all, of which 16 bits count.
    unclear : str
        What wfdb cannot read in the format, gain or unit; "" if nothing.
    """

    name: str
    file: str
    fmt: str
    per_frame: int
    skew: int
    offset: int
    gain: float | None
    unit: str
    first: int | None
    checksum: int | None
    unclear: str


@dataclass(frozen=True)
class Header:
    """One header.

    Parameters
    ----------
    where : str
        The header's path.
    rate : float or None
        Frames per second; None if it is not stated or no number.
    rate_text : str
        What stands in its place.
    length : int or None
        Frames; None if it is not stated.
    signals : tuple of HeaderSignal
    segments : tuple of (str, int)
        Name and frames of each segment; "~" is a pause.
    comments : tuple of str
        Without `#`.
    """

    where: str
    rate: float | None
    rate_text: str
    length: int | None
    signals: tuple[HeaderSignal, ...]
    segments: tuple[tuple[str, int], ...]
    comments: tuple[str, ...]


def read_header(folder: Path, where: str) -> Header:
    """Read a header.

    Raises
    ------
    DataError
        It is missing or empty, a line cannot be read, or lines are missing.
    """
    from wfdb.io.header import rx_record

    present(folder, [where])
    lines, comments = _lines((folder / where).read_bytes())
    match = rx_record.match(lines[0]) if lines else None
    if match is None or not FIRST.match(lines[0]):
        raise _damaged(where, "its first line names no record and number of signals")
    stated = match.groupdict()
    rest, several = lines[1:], bool(stated["n_seg"])
    expected = int(stated["n_seg"] or stated["n_sig"])
    if len(rest) != expected:
        kind = "segments" if several else "signals"
        raise _damaged(where, f"{len(rest)} lines of {kind}; its first: {expected}")
    for line in lines:
        _refuse_other_signs(where, line)
    rate, rate_text = _rate(lines[0])
    if (words := lines[0].split())[3:] and not words[3].isdigit():
        raise _damaged(where, f"its first line has the length '{words[3]}'")
    return Header(
        where,
        rate,
        rate_text,
        int(stated["sig_len"]) if stated["sig_len"] else None,
        ()
        if several
        else tuple(_signal(where, k, text) for k, text in enumerate(rest)),
        tuple(_segment(where, text) for text in rest) if several else (),
        comments,
    )


def _lines(content: bytes) -> tuple[list[str], tuple[str, ...]]:
    """Part a header's lines from its comments."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line.strip() for line in re.split("[\r\n]+", text)]
    comments = (line.strip("# \t") for line in lines if line.startswith("#"))
    stated = [line for line in lines if line and not line.startswith("#")]
    return stated, tuple(line for line in comments if line)


def _refuse_other_signs(where: str, line: str) -> None:
    """Refuse signs other than ASCII, but in a unit and a description.

    Python takes digits of other scripts for digits; wfdb leaves such signs out, which
    moves the fields behind them.
    """
    words = line.split(None, N_FIELDS)[:N_FIELDS]
    fields = [
        word.partition("/")[0] if k == UNIT else word for k, word in enumerate(words)
    ]
    for field in fields:
        if not field.isascii():
            raise _damaged(where, f"a field holds '{field}', which is no ASCII")


def _rate(line: str) -> tuple[float | None, str]:
    """Give the rate of a record line, None for 0, and the text in its place."""
    words = line.split()
    text = words[2] if len(words) > 2 else ""
    match = RATE.match(text)
    return (float(match[1]) or None if match else None), text


def _signal(where: str, place: int, line: str) -> HeaderSignal:
    from wfdb.io.header import rx_signal

    if not (match := rx_signal.match(line)):
        raise _damaged(where, f"its line of signal {place} cannot be read: '{line}'")
    for k, word in enumerate(line.split(None, N_FIELDS)[:N_FIELDS]):
        if k > UNIT and not INTEGER.fullmatch(word):
            found = f"field {k + 1} of signal {place} is '{word}', no integer"
            raise _damaged(where, found)
    stated = match.groupdict()
    name, unit, unclear = stated["sig_name"], stated["units"], ""
    if _is_unclear(line, match):
        words = [*line.split(None, 8), *[""] * 9]
        name, unit, unclear = words[8], words[2].partition("/")[2], " ".join(words[1:3])
    return HeaderSignal(
        name=name.strip() or f"signal {place}",
        file=stated["file_name"],
        fmt=stated["fmt"],
        per_frame=int(stated["samps_per_frame"] or 1) or 1,
        skew=int(stated["skew"] or 0),
        offset=int(stated["byte_offset"] or 0),
        gain=_number(stated["adc_gain"]),
        unit=unit,
        first=_integer(stated["init_value"]),
        checksum=_integer(stated["checksum"]),
        unclear=unclear,
    )


def _is_unclear(line: str, match: re.Match[str]) -> bool:
    """Report whether wfdb's expression splits a line wrongly.

    It takes `1E3/mV` for a gain of 1 and a unit `E3/mV`.
    """
    ends = match.end("byte_offset"), match.end("units")
    broken = any(line[end : end + 1].strip() for end in ends)
    no_slash = bool(match["units"]) and line[match.start("units") - 1] != "/"
    return broken or no_slash


def _number(text: str) -> float | None:
    """Give a gain, None for one that is 0 or not stated."""
    try:
        return float(text) or None
    except ValueError:
        return None


def _integer(text: str) -> int | None:
    return int(text) if text.lstrip("-") else None


def _segment(where: str, line: str) -> tuple[str, int]:
    from wfdb.io.header import rx_segment

    if not (match := rx_segment.match(line)):
        raise _damaged(where, f"a line of a segment cannot be read: '{line}'")
    return match["seg_name"], int(match["seg_len"])


def _damaged(where: str, found: str) -> DataError:
    return DataError(
        where,
        found,
        expected="a complete WFDB header",
        remedy=either(REPLACE, LEAVE_OUT),
    )


def values(where: str, comments: tuple[str, ...], key: str) -> tuple[str, ...]:
    """Give the texts of a key in a header's comments, of `""` all comments.

    Parameters
    ----------
    where : str
        The header.
    comments : tuple of str
        Such as `Age: 56`, `Sex=F` or `<age>: 25  <sex>: M`.
    key : str
        Upper and lower case do not count.

    Raises
    ------
    DataError
        No comment has the key.
    """
    pairs = [pair for line in comments for pair in _pairs(line)]
    wanted = _plain(key)
    found = [text for name, text in pairs if _plain(name) == wanted]
    if texts := tuple(found) if wanted else comments:
        return texts
    keys = ", ".join(dict.fromkeys(name for name, _ in pairs))
    raise DataError(
        where,
        f"no comment has the key '{key}'" if wanted else "has no comments",
        expected=f"one of its keys: {keys}" if keys else "comments such as '# Age: 56'",
        remedy=either("correct the key in params.yaml", LEAVE_OUT),
    )


def _pairs(line: str) -> list[tuple[str, str]]:
    if angled := ANGLED.findall(line):
        return [(name, text) for name, text in angled]
    match = PAIR.match(line)
    return [(match[1], match[2].strip())] if match else []


def _plain(key: str) -> str:
    return " ".join(key.strip("#<> \t").casefold().split())
