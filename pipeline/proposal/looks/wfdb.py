"""WFDB records: signals, annotation files, rhythm notes and comments of headers."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pipeline.errors import DataError
from pipeline.ingestion.codes import AAMI
from pipeline.proposal import common
from pipeline.proposal.facts import Chosen, Labels, Looked
from pipeline.readers.parts.wfdb.beats import BEATS
from pipeline.readers.parts.wfdb.header import values
from pipeline.readers.parts.wfdb.marks import Annotations, read_annotations
from pipeline.readers.parts.wfdb.record import WfdbRecord, read_record
from pipeline.readers.parts.wfdb.signals import file_signals
from pipeline.readers.wfdb import Wfdb

SIGNALS = ("hea", "dat", "mat", "xws", "txt", "csv", "tsv", "zip")
"""Suffixes that are no annotations."""
BEAT_CLASSES = ("N", "S", "V", "F")
RHYTHMS = {
    "(N": "sinus", "(AFIB": "af", "(AFL": "flutter", "(J": "junctional", "(VT": "vt",
    "(B": "bigeminy", "(T": "trigeminy", "(SBR": "bradycardia", "(VFL": "vfl",
}  # fmt: skip
"""Names of the rhythms of PhysioNet's notes."""
KEYS = ("Dx", "Diagnosis", "group", "label", "class", "Rhythm")
"""Keys of comments that hold a label."""


def look(
    folder: Path, mains: Sequence[str], names: Sequence[str], stated: dict[str, object]
) -> Looked:
    """Read headers and annotations; see `looking.look`."""
    records = [read_record(folder, main) for main in mains]
    files = [
        [s for s in file_signals(r, Wfdb()) if common.kind_of(s) != "other"]
        for r in records
    ]
    channels, dropped = common.shared(files)
    extension, notes = _annotations(folder, records, names)
    labels = [
        *_beats(notes),
        *_rhythms(notes),
        *_comments(records, common.asked_key(stated, "header")),
    ]
    why = f"the files *.{extension} beside the headers"
    none = Chosen(None, "found", "there are no annotation files")
    annotations = Chosen(extension, "found", why) if extension else none
    settings = {} if extension == "atr" else {"annotations": annotations}
    return Looked(
        settings,
        channels,
        dropped,
        common.rates(files, list(channels)),
        common.units(files) or ("mV",),
        shortest_s=min(map(_length_s, records)),
        labels=tuple(labels),
    )


def _length_s(record: WfdbRecord) -> float:
    frames = sum(part.length or 0 for part in record.parts)
    return frames / record.rate if record.rate and frames else float("inf")


def _annotations(
    folder: Path, records: Sequence[WfdbRecord], names: Sequence[str]
) -> tuple[str, list[Annotations]]:
    """Find the extension that most records have, and read these files."""
    stems = {record.where.removesuffix(".hea") for record in records}
    count = Counter(
        PurePosixPath(name).suffix[1:]
        for name in names
        if name.rpartition(".")[0] in stems
    )
    found = [e for e, n in count.items() if e not in SIGNALS and 2 * n >= len(records)]
    for extension in sorted(found, key=lambda e: (e != "atr", -count[e])):
        read = [_read(folder, record, extension) for record in records]
        if notes := [each for each in read if each is not None]:
            return extension, notes
    return "", []


def _read(folder: Path, record: WfdbRecord, extension: str) -> Annotations | None:
    where = str(PurePosixPath(record.where).with_suffix(f".{extension}"))
    try:
        return read_annotations(folder, where, record.rate or 1.0)
    except DataError:
        return None


def _beats(notes: Sequence[Annotations]) -> list[Labels]:
    """Propose the beats' classes, if most symbols are beats."""
    symbols = Counter(symbol for each in notes for symbol in each.symbols)
    beats = sum(n for symbol, n in symbols.items() if symbol in BEATS)
    count = Counter(
        kind for each in notes for kind in {AAMI.get(s) for s in each.symbols}
    )
    least = min(3, len(notes))
    classes = tuple(kind for kind in BEAT_CLASSES if count[kind] >= max(1, least))
    if 2 * beats < symbols.total() or len(classes) < 2:
        return []
    why = f"{beats:,} beats in {len(notes)} annotation files; classes of {least} files"
    value = {"from": "annotation", "map": "aami"}
    return [Labels("annotation", value, classes, "events", why)]


def _rhythms(notes: Sequence[Annotations]) -> list[Labels]:
    """Propose the rhythms, which stand in notes that begin with a parenthesis."""
    found = Counter(
        note.strip("\0 ")
        for each in notes
        for note in dict.fromkeys(each.notes)
        if note.startswith("(")
    )
    rhythms = [note for note, _ in found.most_common(common.MOST_CLASSES)]
    if len(rhythms) < 2:
        return []
    classes = {n: RHYTHMS.get(n, n.strip("(").lower() or n) for n in rhythms}
    why = f"rhythm in the notes of {len(notes)} annotation files"
    value = {"from": "note", "map": classes}
    named = tuple(dict.fromkeys(classes.values()))
    return [Labels("note", value, named, "spans", why)]


def _comments(records: Sequence[WfdbRecord], asked: str | None) -> list[Labels]:
    """Propose the texts of a key in the comments of headers."""
    for key in [asked] if asked else KEYS:
        try:
            found = [values(r.where, r.comments, key) for r in records if r.comments]
        except DataError:
            continue
        several = any("," in text for texts in found for text in texts)
        value = {"from": "header", "key": key} | ({"split": ","} if several else {})
        codes = [[c.strip() for t in texts for c in t.split(",")] for texts in found]
        where, what = f"header:{key}", f"the comment {key} of the headers"
        if labels := common.texts(where, value, codes, "recording", what):
            return labels
    return []
