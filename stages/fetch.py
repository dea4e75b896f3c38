"""fetch: a data set's original files, checksummed."""

from pipeline import files
from pipeline.sources.base import Source
from stages import Stage, run

SECTIONS = ("seed", "datasets.{dataset}.card", "datasets.{dataset}.source")


def main(stage: Stage) -> str:
    """Download, copy from a mirror, or simulate the original files of a data set."""
    folder = files.folder("raw", stage.label)
    files.clear_partial(folder)
    source: Source = stage.read("datasets.{dataset}.source")
    fetched = source.fetch(folder, seed=stage.read("seed"))
    manifest = {
        "files": fetched.files,
        "absent": fetched.absent,
        "settings": stage.settings("seed", "datasets.{dataset}.source"),
    }
    files.save_json(folder / "manifest.json", manifest)
    card = stage.settings("datasets.{dataset}.card")["card"]
    files.save_json(files.DATA / "cards" / f"{stage.label}.json", card)
    absent = f", {len(fetched.absent)} subjects absent" if fetched.absent else ""
    return f"{len(fetched.files)} files{absent}"


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
