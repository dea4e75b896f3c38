"""A cell's model in MLflow's registry, with its card: `biospike promote`."""

from pipeline import config, tracking
from pipeline.cells import check_trained, status
from pipeline.errors import DataError, MachineError
from pipeline.grid import Cell
from pipeline.model_card import card
from pipeline.training.cell import TrainedCell


def promote_cell(name: str) -> tuple[str, int]:
    """Publish a cell, try its model, and register it with its card.

    Returns
    -------
    name : str
        Under which it is registered: the cell's.
    version : int
        The one that has this run's model; nothing is registered twice.

    Raises
    ------
    ConfigError
        There is no such cell.
    DataError
        A stage of it has not run here, it has no model, or the model does not answer
        its example as it did when it was logged.
    MachineError
        MLflow takes no runs now.
    """
    check_trained(name)
    if command := status(name).command:
        raise DataError(
            name,
            "it has not been evaluated and profiled here",
            expected="metrics and energy: a card states them",
            remedy=f"run `{command}`",
        )
    if not tracking.publish(name):
        raise MachineError(
            f"MLflow, {tracking.store.shown()}",
            f"{name} is not logged",
            expected="a store that takes runs",
            remedy="see the message above, or unset BIOSPIKE_TRACKING=off",
        )
    from pipeline.tracking import registry

    logged = registry.find(TrainedCell.open(name))
    registry.check_answer(logged)
    params, cell = config.read(), Cell(*name.split("-"))
    settings, seed = params.read("evaluation"), params.read("seed")
    text = card(cell, logged.about, settings, seed=seed)
    return name, registry.register(logged, name, text)
