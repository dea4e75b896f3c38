"""How networks are trained; apart, so that reading params.yaml imports no torch."""

from typing import Annotated

from pydantic import Field, PositiveInt

from pipeline.components import Settings


class TrainingSettings(Settings):
    """How networks are trained."""

    epochs: PositiveInt = 20
    windows_per_class: Annotated[
        int, Field(ge=1, description="windows of every class that make an epoch")
    ] = 600
    validation_windows_per_class: Annotated[
        int, Field(ge=1, description="at most so many of a class judge an epoch")
    ] = 500
    batch: PositiveInt = 128
    learning_rate: Annotated[
        float, Field(gt=0, le=1, description="peak of the one-cycle schedule")
    ] = 0.005
    weight_decay: Annotated[float, Field(ge=0, le=10)] = 0.01
    patience: Annotated[
        int, Field(ge=1, description="epochs without a better one before stopping")
    ] = 10
