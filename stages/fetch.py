"""fetch: a data set's original files, checksummed."""

from collections import Counter
from typing import Any

from pipeline import files
from pipeline.listed import listed
from pipeline.sources.base import MANIFEST, Fetched, Source
from stages import Stage, run

SECTIONS = ("seed", "datasets.{dataset}.card", "datasets.{dataset}.source")


def main(stage: Stage) -> str:
    """Link, download, copy from a mirror, or simulate a data set's original files."""
    folder = files.folder("raw", stage.label)
    files.clear_partial(folder)
    source: Source = stage.read("datasets.{dataset}.source")
    fetched = source.fetch(folder, seed=stage.read("seed"))
    manifest: dict[str, Any] = {
        "files": fetched.files,
        "absent": fetched.absent,
        "left_out": fetched.left_out,
        "root": fetched.root,
        "pattern": source.pattern,
        "only": listed(source.only),
        "except": listed(source.excluded),
        "settings": stage.settings("seed", "datasets.{dataset}.source"),
    }
    if source.has_pseudonyms:
        manifest["pseudonyms"] = True
    files.save_json(folder / MANIFEST, manifest)
    card = stage.settings("datasets.{dataset}.card")["card"]
    files.save_json(files.folder("cards", f"{stage.label}.json"), card)
    return _closing(fetched)


def _closing(fetched: Fetched) -> str:
    """Report how many files there are, and why others are missing."""
    line = f"{len(fetched.files)} files"
    if fetched.absent:
        line += f", {len(fetched.absent)} absent ({_reasons(fetched.absent)})"
    if fetched.left_out:
        line += f", {len(fetched.left_out)} left out ({_reasons(fetched.left_out)})"
    return line


def _reasons(by_path: dict[str, str]) -> str:
    counts = Counter(reason.removeprefix("is ") for reason in by_path.values())
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items()))


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
