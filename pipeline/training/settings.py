"""How networks are trained; apart, so that reading params.yaml imports no torch."""

from typing import Annotated, Literal

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
    loss: Annotated[
        Literal["cross_entropy", "tet"],
        Field(description="of the window's logits, or of those at every step (TET)"),
    ] = "cross_entropy"
    rate_target_hz: Annotated[
        float, Field(gt=0, le=1000, description="mean spike rate asked of every layer")
    ] = 10.0
    rate_weight: Annotated[
        float, Field(ge=0, le=1000, description="what missing the target costs; 0: off")
    ] = 0.0
    learning_rate: Annotated[
        float, Field(gt=0, le=1, description="peak of the one-cycle schedule")
    ] = 0.005
    weight_decay: Annotated[
        float, Field(ge=0, le=10, description="of weights; dynamics have none")
    ] = 0.01
    patience: Annotated[
        int, Field(ge=1, description="epochs without a better one before stopping")
    ] = 10
