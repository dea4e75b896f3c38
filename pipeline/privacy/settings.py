"""Settings of an audit, apart, so that reading params.yaml imports no torch."""

from typing import Annotated

from pydantic import AfterValidator, Field

from pipeline.components import Settings


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("an even number: networks come in pairs of opposite persons")
    return number


class AuditSettings(Settings):
    """The settings of an audit."""

    models: Annotated[
        int,
        Field(ge=6, le=256, description="networks that are trained; even, for each has "
              "a twin trained on the other half of the persons"),
        AfterValidator(_even),
    ] = 8  # fmt: skip
    draws: Annotated[
        int,
        Field(ge=1, le=100, description="queries whose answers the attacker averages, "
              "as many as the user of a random code"),
    ] = 5  # fmt: skip
    dropout: Annotated[
        float, Field(gt=0, lt=1, description="share of spikes that a query is without")
    ] = 0.01
