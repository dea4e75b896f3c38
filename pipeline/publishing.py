"""All cells of the grid logged to MLflow: `biospike publish`."""

from collections.abc import Sequence

from pipeline import files, tracking
from pipeline.cells import trained
from pipeline.errors import ConfigError, DataError, MachineError
from pipeline.parallel import console


def publish_cells(asked: Sequence[str]) -> None:
    """Log the cells that have been trained here.

    Raises
    ------
    ConfigError
        Tracking is off.
    DataError
        None of the cells has been trained.
    MachineError
        The store takes no runs.
    """
    if tracking.store.is_off():
        raise ConfigError(
            "BIOSPIKE_TRACKING",
            "it is off",
            expected="that it is not set, to log runs",
            remedy="unset it, and run `biospike publish` again",
        )
    here = trained()
    cells = [cell for cell in asked if cell in here]
    if not cells:
        raise DataError(
            str(files.DATA / "runs"),
            "holds no run of the grid",
            expected="a trained cell: `biospike cells` lists them",
            remedy="run `dvc repro` or `dvc pull` first",
        )
    for n_done, cell in enumerate(cells):
        if not tracking.publish(cell):
            raise MachineError(
                f"MLflow, {tracking.store.shown()}",
                f"{n_done} of {len(cells)} cells are logged",
                expected="a store that takes runs",
                remedy="correct what stands above, and run `biospike publish` again: "
                "what is logged stays, and nothing is logged twice",
            )
        console.print(f"published {cell}")
