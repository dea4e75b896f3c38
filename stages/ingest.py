"""ingest: raw files as de-identified recordings in SI units."""

from pipeline import files, real_names, secret, unfinished
from pipeline.ingestion import leaving
from pipeline.ingestion.leaving import Naming
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
    private = leaving.has_pseudonyms(manifest)
    naming = Naming(secret.load_or_make() if private else None)
    with unfinished.finishing(files.folder("recordings", stage.label)) as target:
        done = ingest(
            Intake(reader, values),
            raw,
            target,
            manifest=manifest,
            labels=list(labels),
            on_bad=stage.read("on_bad_recording"),
            code=stage.code,
            naming=naming,
        )
        settings = manifest["settings"] | stage.settings(*SECTIONS)
        # Longer names stand apart: what is learned does not depend on them. Paths and
        # the map of persons may name people.
        settings["labels"] = list(labels)
        settings["source"] = leaving.source(settings["source"], naming)
        settings["values"]["person"].pop("map")
        files.save_json(target / "settings.json", settings)
        files.save_json(target / "labels.json", labels)
        if private:
            real_names.remember(leaving.names_by_pseudonym(done.rows, naming))
    return closing_line(done, manifest)


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
