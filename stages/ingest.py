"""ingest: raw files as de-identified recordings in SI units."""

from pipeline import files, unfinished
from pipeline.ingestion.reading import Intake
from pipeline.ingestion.recordings import ingest
from pipeline.ingestion.words import closing_line
from stages import Stage, run

SECTIONS = (
    "on_bad_recording",
    "datasets.{dataset}.labels",
    "datasets.{dataset}.reader",
    "datasets.{dataset}.values",
)


def main(stage: Stage) -> str:
    """Read, de-identify and check every recording of a data set."""
    raw = files.folder("raw", stage.label)
    manifest = files.load_json(raw / "manifest.json")
    reader = stage.read("datasets.{dataset}.reader")
    values = stage.read("datasets.{dataset}.values")
    labels = stage.read("datasets.{dataset}.labels")
    with unfinished.finishing(files.folder("recordings", stage.label)) as target:
        done = ingest(
            Intake(reader, values),
            raw,
            target,
            manifest=manifest,
            labels=list(labels),
            on_bad=stage.read("on_bad_recording"),
            code=stage.code,
        )
        settings = manifest["settings"] | stage.settings(*SECTIONS)
        # Longer names stand apart: what is learned does not depend on them. Paths and
        # the map of persons may name people.
        settings["labels"] = list(labels)
        settings["source"].pop("path", None)
        settings["values"]["person"].pop("map")
        files.save_json(target / "settings.json", settings)
        files.save_json(target / "labels.json", labels)
    return closing_line(done, manifest)


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
