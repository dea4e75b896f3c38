"""ingest: raw files as de-identified recordings in SI units."""

from pipeline import files, unfinished
from pipeline.ingestion.recordings import ingest
from stages import Stage, run

SECTIONS = (
    "on_bad_recording",
    "datasets.{dataset}.labels",
    "datasets.{dataset}.reader",
)


def main(stage: Stage) -> str:
    """Read, de-identify and judge every recording of a data set."""
    raw = files.folder("raw", stage.label)
    manifest = files.load_json(raw / "manifest.json")
    with unfinished.finishing(files.folder("recordings", stage.label)) as target:
        recordings = ingest(
            stage.read("datasets.{dataset}.reader"),
            raw,
            target,
            digests=manifest["files"],
            absent=manifest["absent"],
            labels=stage.read("datasets.{dataset}.labels"),
            on_bad=stage.read("on_bad_recording"),
            code=stage.code,
        )
        settings = manifest["settings"] | stage.settings(*SECTIONS)
        files.save_json(target / "settings.json", settings)
    counts = recordings["status"].value_counts()
    return ", ".join(f"{count} {status}" for status, count in counts.items())


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
