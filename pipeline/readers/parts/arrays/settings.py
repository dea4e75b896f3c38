"""Settings that a file of arrays may need."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from pipeline.readers.base import Reader
from pipeline.readers.parts.arrays.files import NUMERIC

Axis = Literal["time", "channel", "segment"]


def _of_numbers(dtype: str) -> str:
    """Refuse a type that NumPy does not know or that is none of numbers."""
    try:
        kind: str = np.dtype(dtype).kind
    except TypeError:
        kind = ""
    if kind not in tuple(NUMERIC):
        raise ValueError("a type of numbers such as int16, <i2, >f4 or float32")
    return dtype


def _are_axes(axes: tuple[Axis, ...]) -> bool:
    """Whether these are time and channel, and perhaps segment, each once."""
    return {"time", "channel"} <= set(axes) and len(set(axes)) == len(axes)


class ArraySettings(Reader):
    """The variable of the samples, and the variables beside it."""

    variable: Annotated[
        str | None,
        Field(description="that of the samples; data.eeg in a struct; null: the only"),
    ] = None
    axes: Annotated[
        tuple[Axis, ...] | None,
        Field(
            min_length=2,
            max_length=3,
            description="[time, channel] or [channel, time], with segment where the "
            "file holds several of one length; null: the longer is time",
        ),
    ] = None
    names: Annotated[
        tuple[str, ...] | None,
        Field(min_length=1, description="of the channels; null: 0, 1, ..."),
    ] = None
    names_variable: Annotated[
        str | None, Field(description="variable with the channels' names")
    ] = None
    sfreq_variable: Annotated[
        str | None, Field(description="variable with the samples per second")
    ] = None
    scale: Annotated[
        float, Field(description="units of the signal that a count is")
    ] = 1.0
    dtype: Annotated[
        str | None,
        AfterValidator(_of_numbers),
        Field(description="raw files: type of a sample, such as <i2"),
    ] = None
    n_channels: Annotated[int | None, Field(ge=1, description="raw files")] = None
    offset: Annotated[
        int, Field(ge=0, description="raw files: bytes before the samples")
    ] = 0

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.axes and not _are_axes(self.axes):
            raise ValueError(
                "axes is [time, channel] or [channel, time], and with segment has three"
            )
        if self.dtype and self.segmented:
            raise ValueError("raw files (dtype) hold no segments")
        if self.names and self.names_variable:
            raise ValueError("either names or names_variable")
        if self.dtype is None and (self.n_channels or self.offset):
            raise ValueError("n_channels and offset go with dtype, for raw files")
        if self.dtype and not (self.n_channels or self.names):
            raise ValueError("dtype goes with n_channels or names, for raw files")
        return self

    @property
    def segmented(self) -> bool:
        """Whether one of the axes counts segments."""
        return "segment" in (self.axes or ())
