"""A data set's card, as the report and MLflow show it."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.components import Address, Settings


class Card(Settings):
    """What a data set is, whose it is, and how it wants to be cited."""

    title: str
    modality: Literal["ecg", "eeg", "emg"]
    licence: Annotated[str, Field(description="under which it may be used")]
    citation: str
    home: Annotated[Address | None, Field(description="its page on the web")] = None
