"""prepare: filtered, resampled, scaled signals; labelled windows; leak-free folds."""

from collections.abc import Mapping
from typing import Any

from pipeline import files, secret, unfinished
from pipeline.preparation.prepare import WINDOWS, prepare
from pipeline.preparation.schemes import Predefined
from stages import Stage, run

SECTIONS = (
    "datasets.{dataset}.signal",
    "datasets.{dataset}.windows",
    "datasets.{dataset}.folds",
)


def main(stage: Stage) -> str:
    """Prepare the signals, windows and folds of a data set."""
    earlier = files.load_json(files.folder("recordings", stage.label) / "settings.json")
    folds = stage.read("datasets.{dataset}.folds")
    if isinstance(folds, Predefined):
        folds = folds.named(_stored_name if _has_pseudonyms(earlier) else str)
    with (
        unfinished.finishing(files.folder("signals", stage.label)) as signals,
        unfinished.finishing(files.folder("windows", stage.label)) as tables,
    ):
        files.keep_only(tables, set())  # of a killed run, perhaps with other windows
        prepared = prepare(
            stage.label,
            signals,
            tables,
            signal=stage.read("datasets.{dataset}.signal"),
            windows=stage.read("datasets.{dataset}.windows"),
            folds=folds,
            labels=earlier["labels"],
            seed=earlier["seed"],
            code=stage.code,
        )
        settings = earlier | stage.settings(*SECTIONS)
        if isinstance(folds, Predefined):
            settings["folds"] = folds.model_dump(mode="json")
        files.save_json(tables / "settings.json", settings)
    made = sum(one.made for one in prepared)
    windows = sum(len(one.windows) for one in prepared)
    used = sum(int((one.windows["reason"] == "").sum()) for one in prepared)
    kept = f" ({len(prepared) - made} as before)" if made < len(prepared) else ""
    line = f"{len(prepared)} signals{kept}, {used:,} of {windows:,} windows used"
    if isinstance(folds, Predefined):
        table = files.load_table(files.folder("windows", stage.label) / WINDOWS)
        line += _untrained(folds.untrained(table))
    return line


def _has_pseudonyms(earlier: Mapping[str, Any]) -> bool:
    return bool(earlier["source"].get("pseudonyms", False))


def _stored_name(recording: str) -> str:
    """Give the pseudonym of a recording that a list names, by either."""
    if secret.PSEUDONYM.fullmatch(recording):
        return recording
    return secret.load().pseudonym("R", recording)


def _untrained(recordings: list[str]) -> str:
    """Name recordings that the lists train and that leaving persons apart does not."""
    if not recordings:
        return ""
    return f"; of persons who are tested, so not trained: {', '.join(recordings)}"


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
