"""A checkout beside an origin: what is the same, and what is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from pipeline import config, entries, files
from pipeline.errors import ConfigError
from pipeline.ingestion.leaving import has_pseudonyms
from pipeline.origins import lock
from pipeline.origins.origin import KINDS, Origin
from pipeline.runs import flatten

SAME, CHANGED, ADDED, GONE = "same", "changed", "added", "not here"
SETTINGS = (
    "seed",
    "on_bad_recording",
    *(
        f"datasets.{{dataset}}.{part}"
        for part in (
            *("labels", "source", "reader", "values"),
            *("signal", "windows", "folds"),
        )
    ),
    "encoders.{encoder}",
    *(
        f"models.{{model}}.{part}"
        for part in ("network", "neuron", "sparsity", "privacy")
    ),
    "training",
)
"""The sections of `params.yaml` that shape a run."""


class Compared(NamedTuple):
    """A file of this checkout, or one that it lacks.

    Parameters
    ----------
    name : str
        Its path here, or its number among those here or those of the run.
    verdict : str
        same, changed, added or not here.
    digest : str
        SHA-256 of the file here or, of one that is not here, of that of the run.
    """

    name: str
    verdict: str
    digest: str


class Difference(NamedTuple):
    """A setting that differs.

    Parameters
    ----------
    key : str
    then, now : object
        Its values; None where there is none.
    """

    key: str
    then: Any
    now: Any


@dataclass(frozen=True)
class Comparison:
    """What is the same here, and what is not.

    Parameters
    ----------
    raw, inputs : tuple of Compared
        Raw files, and the files that training read.
    settings : tuple of Difference
    absent : dict of str to str
        What could not be compared, with the reason.
    """

    raw: tuple[Compared, ...]
    inputs: tuple[Compared, ...]
    settings: tuple[Difference, ...]
    absent: dict[str, str]

    @property
    def differing(self) -> list[str]:
        """Name everything that is not the same."""
        compared = (*self.raw, *self.inputs)
        found = [each.name for each in compared if each.verdict != SAME]
        return found + [each.key for each in self.settings]


def compare(origin: Origin, *, by_name: bool = False) -> Comparison:
    """Compare the files and settings of this checkout with those of a run.

    Every file is read: a file that was changed after it was fetched is found.

    Parameters
    ----------
    origin : Origin
    by_name : bool
        Whether raw files are named also where their data set has pseudonyms; else they
        have numbers.
    """
    absent: dict[str, str] = {}
    raw: tuple[Compared, ...] = ()
    if origin.absent:
        absent["raw files"] = origin.absent
    else:
        raw = _raw_files(origin, by_name=by_name)
    names = dict(zip(entries.AXES, origin.cell.split("-"), strict=True))
    try:
        now = settings_now(names)
    except ConfigError as error:
        absent["settings"] = f"{error.where}: {error.found}"
        now = origin.settings
    return Comparison(
        raw, _inputs(origin, names), differences(origin.settings, now), absent
    )


def _raw_files(origin: Origin, *, by_name: bool) -> tuple[Compared, ...]:
    """Compare the raw files; all are missing if they were never fetched here."""
    manifest = lock.load_manifest(origin.dataset)
    folder, names = (
        files.folder("raw", origin.dataset),
        sorted(manifest.get("files", {})),
    )
    hidden = has_pseudonyms(manifest) and not by_name
    ours = [
        (
            f"raw file {number} here" if hidden else (folder / name).as_posix(),
            lock.here(origin.dataset, manifest, name),
        )
        for number, name in enumerate(names, 1)
    ]
    return aligned(origin.raw, ours, "raw file")


def _inputs(origin: Origin, names: Mapping[str, str]) -> tuple[Compared, ...]:
    """Compare what training read; a digest of code says that a module differs."""
    dataset, encoder = names["dataset"], names["encoder"]
    windows = files.folder("windows", dataset)
    tables = "folds.parquet", "settings.json", "windows.parquet"
    ours = {
        "spikes": sorted(files.folder("spikes", f"{dataset}-{encoder}").glob("*")),
        "windows": [windows / name for name in tables],
        "code": [entries.code_path("train", names)],
    }
    found: list[Compared] = []
    for kind in KINDS:
        here = [path for path in ours[kind] if path.is_file()]
        digests = [(path.as_posix(), files.file_digest(path)) for path in here]
        found += aligned(origin.inputs[kind], digests, f"file of data/{kind}")
    return tuple(found)


def aligned(
    theirs: Sequence[str], ours: Sequence[tuple[str, str]], kind: str
) -> tuple[Compared, ...]:
    """Set digests side by side, both in the order of the files' paths.

    Between files that are the same, those of both sides are paired in order: they are
    changed. What is left of one side was added here, or is not here.

    Parameters
    ----------
    theirs : sequence of str
        Digests of a run's files.
    ours : sequence of (str, str)
        Paths and digests of the files here; "" if a file is gone.
    kind : str
        What a file is called that has no name here.
    """
    found: list[Compared] = []
    matcher = SequenceMatcher(None, theirs, [sha for _, sha in ours], autojunk=False)
    for _, start, stop, first, last in matcher.get_opcodes():
        pairs = min(stop - start, last - first)
        for k in range(first, first + pairs):
            name, sha = ours[k]
            then = theirs[start + k - first]
            verdict = SAME if sha == then else CHANGED if sha else GONE
            found.append(Compared(name, verdict, sha or then))
        found += [
            Compared(name, ADDED, sha) for name, sha in ours[first + pairs : last]
        ]
        found += [
            Compared(f"{kind} {k + 1} of {len(theirs)}", GONE, theirs[k])
            for k in range(start + pairs, stop)
        ]
    return tuple(found)


def settings_now(names: Mapping[str, str]) -> dict[str, Any]:
    """Read the settings that would shape a cell now, as its run has them.

    Raises
    ------
    ConfigError
        `params.yaml` has no such entry, or cannot be read.
    """
    params = config.read()
    entries.check_names(params, names)
    found = {
        section.rpartition(".")[2].strip("{}"): entries.resolved(
            params, section.format(**names)
        )
        for section in SETTINGS
    }
    found["labels"] = list(found["labels"])
    if found["source"].get("pseudonyms"):  # paths and patterns may name persons
        found["source"] = {key: found["source"][key] for key in ("name", "pseudonyms")}
    return found


def differences(
    then: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[Difference, ...]:
    """List settings that differ; those that a run does not keep are left out."""
    before, after = flatten(then), flatten(now)
    kept = ("source.path", "values.person.map")
    keys = sorted({*before, *after})
    return tuple(
        Difference(key, before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
        and not any(key == each or key.startswith(f"{each}.") for each in kept)
    )
