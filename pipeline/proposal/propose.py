"""An entry of params.yaml for a folder of recordings."""

import glob
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.errors import DataError
from pipeline.patterns import fit
from pipeline.proposal import defaults
from pipeline.proposal.asking import Asking
from pipeline.proposal.common import kind_of, some
from pipeline.proposal.facts import Chosen, How, Labels, Looked
from pipeline.proposal.files import BESIDE, Recordings, find
from pipeline.proposal.labels import choose
from pipeline.proposal.looking import look
from pipeline.proposal.naming import Naming, by_pattern, guess
from pipeline.proposal.reading import (
    choose_reader,
    find_line_freq,
    find_modality,
    stated,
)
from pipeline.readers.parts.mne.bids import datatype_of
from pipeline.readers.parts.select import FileSignal


@dataclass(frozen=True)
class Proposal:
    """A proposed entry.

    Parameters
    ----------
    recordings : Recordings
    naming : Naming
    looked : Looked
    parts : mapping
        Of the entry, with reasons.
    """

    recordings: Recordings
    naming: Naming
    looked: Looked
    parts: Mapping[str, Any]

    def plain(self, part: str) -> dict[str, Any]:
        """Give a part of the entry without reasons."""
        settings: dict[str, Any] = {k: v.value for k, v in self.parts[part].items()}
        return settings


def propose(path: str, folder: Path, asking: Asking) -> Proposal:
    """Look at a folder of recordings and propose an entry.

    Parameters
    ----------
    path : str
        As the entry states the folder.
    folder : Path
        Where it is.
    asking : Asking

    Raises
    ------
    DataError
        The folder holds no recordings, several formats or modalities, or no labels.
    ConfigError
        A question has no answer, or a flag cannot be used.
    """
    pattern = asking.flags.get("pattern", "")
    recordings = _of_one_datatype(find(folder, pattern), asking)
    naming = _naming(recordings, pattern)
    looked = look(recordings, stated(asking))
    _refuse_nothing_common(folder, looked)
    modality = find_modality(recordings, looked, asking)
    line_freq = find_line_freq(looked, asking)
    reader = choose_reader(recordings, looked, modality, line_freq, asking)
    labels = choose(recordings, naming, looked, asking)
    asking.refuse_missing()
    assert modality is not None  # else a question has no answer
    assert labels is not None
    rate = min(looked.rates or (float(reader["sfreq"].value),))
    kind = str(modality.value)
    parts = {
        "card": _card(folder, modality),
        "labels": Chosen(list(labels.classes), _how(labels), labels.why),
        "source": source_of(path, recordings, naming, asking),
        "reader": reader,
        "values": _values(labels, naming),
        "signal": defaults.signal(
            kind, rate, float(line_freq.value), whole=labels.lasting == "recording"
        ),
        "windows": defaults.windows(kind, labels, looked.shortest_s),
        "folds": defaults.folds(naming),
    }
    return Proposal(recordings, naming, looked, parts)


def _of_one_datatype(recordings: Recordings, asking: Asking) -> Recordings:
    """Keep the recordings of one datatype of a BIDS tree."""
    kinds = Counter(kind for main in recordings.mains if (kind := datatype_of(main)))
    if len(kinds) < 2:
        return recordings
    wanted = asking.flags.get("modality", "")
    if wanted in kinds:
        mains = tuple(m for m in recordings.mains if datatype_of(m) == wanted)
        return replace(recordings, mains=mains)
    listed = ", ".join(f"{kind} ({n} files)" for kind, n in kinds.items())
    raise DataError(
        str(recordings.folder),
        f"holds recordings of several modalities: {listed}",
        expected="one modality in a data set",
        remedy=f"propose an entry for each: --modality {next(iter(kinds))}",
    )


def _naming(recordings: Recordings, pattern: str) -> Naming:
    mains = recordings.mains
    if naming := by_pattern(pattern, mains) if pattern else guess(mains):
        return naming
    raise DataError(
        str(recordings.folder),
        f"no pattern fits its {len(mains)} recordings, such as {mains[0]}",
        expected="paths that name person and run in one way",
        remedy="state it: --pattern '{subject}/{run}.edf' (docs/data.md)",
    )


def _refuse_nothing_common(folder: Path, looked: Looked) -> None:
    if looked.channels or not looked.dropped:
        return
    signals = [FileSignal(name, None) for name in looked.dropped]
    kinds = sorted({kind for s in signals if (kind := kind_of(s))})
    found = f" (of the modalities {', '.join(kinds)})" if len(kinds) > 1 else ""
    raise DataError(
        str(folder),
        f"its recordings have no channel in common{found}: {some(looked.dropped)}",
        expected="recordings of one modality and montage",
        remedy="propose an entry for each: --pattern names the files of one",
    )


def _card(folder: Path, modality: Chosen) -> dict[str, Chosen]:
    title = f"Recordings of {folder.name}"
    return {
        "title": Chosen(title, "default", "the folder's name; write what it is"),
        "modality": modality,
        "licence": Chosen("not stated", "default", "write who may use it"),
        "citation": Chosen("not stated", "default", "write whom to cite"),
    }


def source_of(
    path: str, recordings: Recordings, naming: Naming, asking: Asking
) -> dict[str, Chosen]:
    """Choose the settings of the source: which files are recordings, and no others."""
    n = len(recordings.mains)
    fields = ", ".join(
        f"{field} ({len(naming.values(field))})"
        for field in dict.fromkeys(f for each in naming.fields for f in each)
    )
    why = f"fits all recordings ({n}); fields and numbers of values: {fields}"
    if recordings.others:
        why += f"; {len(recordings.others)} files at another depth do not"
    flag = asking.flags.get("pattern")
    pattern = naming.pattern if flag else _narrowed(recordings, naming.pattern)
    source = {
        "name": Chosen("folder", "default", "the files are linked, never copied"),
        "path": Chosen(path, "asked", "the folder that was named"),
        "pattern": Chosen(pattern, "asked" if flag else "found", why),
    }
    if others := _others_fit(recordings, pattern):
        why = f"no recording, though the pattern fits: {some(others)}"
        source["except"] = Chosen(_excluded(recordings, others), "found", why)
    return source


def _excluded(recordings: Recordings, others: list[str]) -> list[str]:
    """Write what leaves files out: each, or a folder of a BIDS tree that has more."""
    beside = BESIDE - {part for n in recordings.mains for part in n.split("/")[:-1]}
    patterns = (
        next((part for part in n.split("/")[:-1] if part in beside), glob.escape(n))
        for n in others
    )
    return list(dict.fromkeys(patterns))


def _others_fit(recordings: Recordings, pattern: str) -> list[str]:
    """List files that a pattern would take for recordings too."""
    rest = set(recordings.names) - set(recordings.mains)
    return [name for name in sorted(rest) if not fit([pattern], name).problem]


def _narrowed(recordings: Recordings, pattern: str) -> str:
    """Put folders before a pattern that fits others, such as a table at the top."""
    if not _others_fit(recordings, pattern):
        return pattern
    above = [name.split("/")[: -1 - pattern.count("/")] for name in recordings.mains]
    same = len(set(map(tuple, above))) == 1 and not set("{}*") & set("/".join(above[0]))
    return "".join(f"{name if same else '*'}/" for name in above[0]) + pattern


def _how(labels: Labels) -> How:
    return "found" if labels.certain else "asked"


def _values(labels: Labels, naming: Naming) -> dict[str, Chosen]:
    values = {"label": Chosen(labels.value, _how(labels), labels.why)}
    if not naming.persons:
        unknown = "no field of the pattern names a person"
        values["person"] = Chosen({"from": "unknown"}, "found", unknown)
    return values
