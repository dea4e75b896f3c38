"""What is right and what is wrong.

The intake and an independent decoder read the same mutated files.

right
    The intake took a recording in, and samples in volts, names and order of the
    channels, rate, clock and labels are those of the decoder. That holds for every
    mutant whose change nobody could see: other samples in a file without a checksum, a
    gain, a unit or a rate that no second statement contradicts, another label, rows
    that a table without a clock lacks.
refused
    The intake refused it with a `DataError` or `ConfigError` that names a place and a
    reason. Refusing is always safe; that sound files are not refused is tested on the
    items themselves, which must all be right before anything is mutated.
wrong
    The intake took it in, and it differs from what the decoder makes of it; or the
    decoder finds that the files contradict themselves. They do so where

    - a header cannot be read by its format's description, or a number in it is none;
    - a file is shorter than its header promises, or a tenth longer;
    - a checksum, a first value or an end mark is another one (WFDB, zip, gzip, NPZ);
    - over 2 of 1,000 samples leave the digital range, or it that of their type (EDF);
    - two statements of a rate differ by over 1 %: a record's length and the clock of
      EDF+, `srate` and `xmax` of EEGLAB, a sidecar and its file, a table's clock;
    - units are unknown, missing or differ between a sidecar and its file;
    - notes of EDF+ cannot be read, or a record lacks its time;
    - a row has more or fewer fields than the header, but for the last one;
    - beats are those of another record;
    - samples are no finite numbers, larger than a body makes them, or one value
      all along; a rate is below 1 Hz or above 1 MHz;
    - two persons have the same signal, or two members of an archive the same name.
crashed
    Any other exception, or the end of the process.
hung
    Over the limits of time or memory, whatever a header claims.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import combinations

import numpy as np

from tests.fuzz.items import FileError, Item, Mark, Reading
from tests.fuzz.trying import Outcome, Taken

SAME = 4e-7
"""Relative to a channel's largest value: recordings are kept as float32."""
USUAL_V, LARGEST_V = 1.0, 100.0
"""99 of 100 samples of any electrode are smaller, and all of them."""
RATES = (1.0, 1e6)
"""Hz between which any recording of a body has its rate."""
HELD_S = 0.3
"""How exact the times of labels are on a clock that holds samples."""
STILL_S = 0.2
"""One value for so long at the end is no signal: labels there do not count."""


@dataclass(frozen=True)
class Verdict:
    """right, refused, wrong, crashed or hung, and why."""

    kind: str
    why: str = ""


def judge(item: Item, outcome: Outcome) -> Verdict:
    """Judge what became of a mutant."""
    if outcome.strayed:
        return Verdict("wrong", f"written outside: {', '.join(outcome.strayed)}")
    if outcome.kind != "accepted":
        return Verdict(outcome.kind, outcome.message)
    if fault := item.facts.get("fault"):
        return Verdict("wrong", f"to be refused: {fault}")
    for name, taken in outcome.recordings.items():
        try:
            reading = expected(item, name)
            check_body(reading)
        except FileError as fault:
            return Verdict("wrong", f"{name} is to be refused: {fault}")
        if difference := compare(item, reading, taken):
            return Verdict("wrong", f"{name}: {difference}")
    if twins := copies(outcome.recordings):
        return Verdict("wrong", twins)
    if item.target not in outcome.recordings:
        return Verdict("refused", "it is listed as not used")
    return Verdict("right")


def expected(item: Item, name: str) -> Reading:
    """Let the decoder read a recording."""
    if name not in item.mains:
        raise FileError("there is no such recording")
    decoder = import_module(f"tests.fuzz.decoders.{item.decoder}")
    try:
        reading: Reading = decoder.decode(dict(item.files), item.mains[name], item)
    except FileError:
        raise
    except Exception as error:
        raise FileError(f"cannot be decoded: {error!r}") from error
    if item.label["from"] == "field":
        # Without another word, recordings are called group_subject.
        fields = item.facts.get("fields", {})
        return replace(reading, texts=[fields.get(name, name.partition("_")[0])])
    return reading


def check_body(reading: Reading) -> None:
    """Find samples that no body makes."""
    if not reading.volts.size:
        raise FileError("no samples")
    if not RATES[0] <= reading.sfreq <= RATES[1]:
        raise FileError(f"a rate of {reading.sfreq:g} Hz")
    if not np.isfinite(reading.volts).all():
        raise FileError("samples that are no numbers")
    for name, row in zip(reading.names, reading.volts, strict=True):
        if np.ptp(row) == 0:
            raise FileError(f"{name} is one value all along")
        size = np.abs(row - np.median(row))
        if np.percentile(size, 99) > USUAL_V or size.max() > LARGEST_V:
            raise FileError(f"{name} is larger than a body makes it: {size.max():g} V")


def copies(recordings: Mapping[str, Taken]) -> str:
    """Find one signal under two persons."""
    for (one, a), (other, b) in combinations(recordings.items(), 2):
        if a.subject != b.subject and np.array_equal(a.volts, b.volts):
            return f"{one} and {other} are the same signal of two persons"
    return ""


def compare(item: Item, reading: Reading, taken: Taken) -> str:
    """Describe how a recording differs from its reading; "" if it does not."""
    if taken.names != tuple(reading.names):
        return f"channels {taken.names}, expected {reading.names}"
    if abs(taken.sfreq / reading.sfreq - 1) > 1e-6:
        return f"{taken.sfreq} Hz, expected {reading.sfreq}"
    if reading.held:
        return _compare_held(item, reading, taken)
    if taken.volts.shape != reading.volts.shape:
        return f"samples {taken.volts.shape}, expected {reading.volts.shape}"
    largest = np.abs(reading.volts).max(axis=1, keepdims=True)
    wrong = np.abs(taken.volts - reading.volts) > SAME * largest
    if wrong.any():
        k, at = np.argwhere(wrong)[0]
        return (
            f"{wrong.sum()} samples differ, the first {taken.names[k]}[{at}]: "
            f"{taken.volts[k, at]:g} V, expected {reading.volts[k, at]:g}"
        )
    return _compare_clock(reading, taken) or _compare_labels(item, reading, taken)


def _compare_held(item: Item, reading: Reading, taken: Taken) -> str:
    """Compare the order of fresh samples, and how long recording and labels last."""
    found, fresh = (_fresh(each.volts) for each in (taken, reading))
    size = min(found.shape[1], fresh.shape[1])
    lasts, should = taken.volts.shape[1] / taken.sfreq, float(reading.times_s[-1])
    if size < fresh.shape[1] - 2 or found.shape[1] > fresh.shape[1]:
        return f"{found.shape[1]} fresh samples, expected {fresh.shape[1]}"
    largest = np.abs(fresh).max()
    if np.abs(found[:, :size] - fresh[:, :size]).max() > SAME * largest:
        return "fresh samples in another order or of other values"
    if lasts > should + 1 or lasts < 0.5 * should:
        return f"lasts {lasts:g} s, expected {should:g}"
    expected_s, found_s = Counter[str](), Counter[str]()
    for mark in labels_of(item, reading):
        expected_s[mark.text] += mark.duration_s  # type: ignore[assignment]
    for _, duration_s, text in taken.marks:
        found_s[text] += duration_s  # type: ignore[assignment]
    for text in expected_s | found_s:
        # Long holds are pauses, in which nothing has a label.
        least = expected_s[text] - max(0.0, should - lasts)
        if not least - HELD_S <= found_s[text] <= expected_s[text] + HELD_S:
            return f"{found_s[text]:g} s of '{text}', expected {expected_s[text]:g}"
    return ""


def _fresh(volts: np.ndarray) -> np.ndarray:
    changed = np.any(np.diff(volts, axis=1) != 0, axis=0)
    return volts[:, np.concatenate([[True], changed])]


def own_clock(taken: Taken) -> np.ndarray:
    """Give the time of each sample by the segments."""
    times = np.empty(taken.volts.shape[1])
    for start, onset_s in taken.segments:
        after = np.arange(len(times) - start) / taken.sfreq
        times[start:] = onset_s + after
    return times


def _compare_clock(reading: Reading, taken: Taken) -> str:
    late = np.abs(own_clock(taken) - reading.times_s)
    allowed = reading.slack_s + 1e-6
    if late.max() > allowed:
        at = int(late.argmax())
        return f"sample {at} is {late[at]:g} s off the clock ({allowed:g} allowed)"
    return ""


def labels_of(item: Item, reading: Reading) -> list[Mark]:
    """Give the classes at their times by the entry's rule."""
    rule = item.label
    classes = {str(code): name for code, name in rule["map"].items()}
    ranks = list(dict.fromkeys(classes.values()))
    end_s = reading.times_s[-1] + 1 / reading.sfreq
    if rule.get("as") == "recording" or reading.texts:
        texts = [t.strip() for t in reading.texts or [m.text for m in reading.marks]]
        found = [classes[text] for text in texts if text in classes]
        return [Mark(0.0, end_s, min(found, key=ranks.index))] if found else []
    marks = [m for m in reading.marks if m.text.strip()]
    if rule["from"] == "note" and all(code[0] == "(" for code in classes):
        # Beside rhythms, other notes are remarks.
        marks = [mark for mark in marks if mark.text.strip()[0] == "("]
    if rule.get("as") == "spans" or rule["from"] == "note":
        onsets = sorted({mark.onset_s for mark in marks})
        ends = dict(zip(onsets, [*onsets[1:], end_s], strict=True))
        marks = [Mark(m.onset_s, ends[m.onset_s] - m.onset_s, m.text) for m in marks]
    elif is_events(item):
        marks = [Mark(m.onset_s, 0.0, m.text) for m in marks]
    places: dict[tuple[float, float], list[str]] = defaultdict(list)
    for mark in marks:
        if (code := mark.text.strip()) in classes:
            places[mark.onset_s, mark.duration_s].append(classes[code])
    return [Mark(*at, min(found, key=ranks.index)) for at, found in places.items()]


def is_events(item: Item) -> bool:
    """Whether labels are instants."""
    rule = item.label
    return rule.get("as", "events" if rule["from"] == "annotation" else "") == "events"


def _end(reading: Reading) -> int:
    """Find where the signal ends, if one value follows."""
    changes = np.flatnonzero(np.any(np.diff(reading.volts, axis=1) != 0, axis=0))
    near = STILL_S * reading.sfreq
    lively = changes[1:][np.diff(changes) < near]
    end = int(lively[-1]) + 2 if lively.size else reading.volts.shape[1]
    return end if reading.volts.shape[1] - end >= near - 1 else reading.volts.shape[1]


def _compare_labels(item: Item, reading: Reading, taken: Taken) -> str:
    marks = labels_of(item, reading)
    found = [Mark(*mark) for mark in taken.marks]
    end = _end(reading)
    if is_events(item):
        return _compare_events(reading, marks, found, end)
    times = reading.times_s
    half = 0.5 / reading.sfreq
    for name in {mark.text for mark in [*marks, *found]}:
        mask, own = np.zeros((2, len(times)), bool)
        edges = 2
        for mark in (m for m in marks if m.text == name):
            begin, stop = mark.onset_s - half, mark.onset_s + mark.duration_s - half
            mask |= (times >= begin) & (times < stop)
            edges += 2
        for mark in (m for m in found if m.text == name):
            begin, stop = (
                round(at * reading.sfreq)
                for at in (mark.onset_s, mark.onset_s + mark.duration_s)
            )
            own[begin:stop] = True
        if (wrong := int((mask != own)[:end].sum())) > edges + len(taken.segments):
            return f"{wrong} samples of '{name}' have another label"
    return ""


def _compare_events(
    reading: Reading, marks: Sequence[Mark], found: Sequence[Mark], end: int
) -> str:
    times, sfreq = reading.times_s, reading.sfreq
    sure, allowed = [], []
    for mark in marks:
        at = int(np.abs(times - mark.onset_s).argmin())
        far = abs(times[at] - mark.onset_s) * sfreq
        if far <= 1.5 + reading.slack_s * sfreq:
            allowed.append((at, mark.text))
        if far <= 0.45 and at < end - 2:
            sure.append((at, mark.text))
    own = [(round(mark.onset_s * sfreq), mark.text) for mark in found]
    if missing := _without(sure, own):
        return f"{len(missing)} of {len(sure)} events are missing, such as {missing[0]}"
    if added := _without(own, allowed):
        return f"{len(added)} events that are not there, such as {added[0]}"
    return ""


def _without(
    some: Sequence[tuple[int, str]], others: Sequence[tuple[int, str]]
) -> list[tuple[int, str]]:
    """List the events without a like one at most two samples away."""
    near = {(at + d, text) for at, text in others for d in (-2, -1, 0, 1, 2)}
    return [event for event in some if event not in near]


def describe(item: Item) -> str:
    """Write an entry as one can read it."""
    return json.dumps(item.entry, indent=1, ensure_ascii=False, default=str)
