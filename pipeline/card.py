"""A data set's card, as the report and MLflow show it."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.components import Address, Settings


class Card(Settings):
    """The description of a data set, with its owner and citation."""

    title: str
    modality: Literal["ecg", "eeg", "emg"]
    licence: Annotated[str, Field(description="under which it may be used")]
    citation: str
    home: Annotated[Address | None, Field(description="its page on the web")] = None
