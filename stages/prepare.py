"""prepare: filtered, resampled, scaled signals; labelled windows; leak-free folds."""

from pipeline.preparation.prepare import prepare
from stages import Stage, run

SECTIONS = (
    "seed",
    "datasets.{dataset}.labels",
    "datasets.{dataset}.signal",
    "datasets.{dataset}.windows",
    "datasets.{dataset}.folds",
)


def main(stage: Stage) -> str:
    """Prepare the signals, windows and folds of a data set."""
    prepared = prepare(
        stage.label,
        signal=stage.read("datasets.{dataset}.signal"),
        windows=stage.read("datasets.{dataset}.windows"),
        folds=stage.read("datasets.{dataset}.folds"),
        labels=stage.read("datasets.{dataset}.labels"),
        seed=stage.read("seed"),
    )
    made = sum(one.made for one in prepared)
    windows = sum(len(one.windows) for one in prepared)
    used = sum(int((one.windows["reason"] == "").sum()) for one in prepared)
    return f"{made} of {len(prepared)} signals, {used:,} of {windows:,} windows used"


if __name__ == "__main__":
    run(main, axes=("dataset",), sections=SECTIONS)
