"""Settings that a text file may need."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipeline.readers.base import Reader


def _name(value: object) -> object:
    """Let a number be a column's name, as where there is no header."""
    return str(value) if isinstance(value, int) else value


def _names(value: object) -> object:
    """Let one name stand for a list of it."""
    each = value if isinstance(value, list | tuple) else [value]
    return None if value is None else tuple(_name(name) for name in each)


Name = Annotated[str, BeforeValidator(_name)]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
TimeUnit = Literal["s", "ms", "us", "ns", "min", "iso"]


class TableSettings(Reader):
    """The layout of a text file, and its clock."""

    renamed: ClassVar[Mapping[str, str]] = {
        "pattern": "source.pattern",
        "label": "values: {label: {from: column, key: NAME}}, beside the reader",
        "labels": "values: {label: {map: {CODE: CLASS}}}, beside the reader",
        "time_unit_s": "time_unit: s | ms | us | ns | min | iso",
        "unit_v": "unit: V | mV | uV",
    }

    delimiter: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1,
            description="between fields; ' ': runs of blanks; null: found out",
        ),
    ] = None
    decimal: Annotated[Literal[".", ","], Field(description="decimal sign")] = "."
    encoding: Annotated[
        str | None, Field(description="null: UTF-8, else Windows-1252")
    ] = None
    comment: Annotated[
        str | None,
        Field(min_length=1, max_length=1, description="starts lines that are no rows"),
    ] = None
    skip: Annotated[
        int, Field(ge=0, description="lines before the header or the first row")
    ] = 0
    header: Annotated[bool, Field(description="a line of names comes first")] = True
    columns: Annotated[
        Names | None,
        BeforeValidator(_names),
        Field(description="names where there is no header; null: 0, 1, ..."),
    ] = None
    unit_row: Annotated[
        bool, Field(description="the row below the header gives units")
    ] = False
    layout: Annotated[
        Literal["wide", "long"],
        Field(description="a column a channel, or a row a channel's value"),
    ] = "wide"
    channel_column: Annotated[
        Name | None, Field(description="layout long: column of channels' names")
    ] = None
    value_column: Annotated[
        Name | None, Field(description="layout long: column of values")
    ] = None
    time: Annotated[
        Names | None,
        BeforeValidator(_names),
        Field(description="column of the clock, or alternatives; null: by sfreq"),
    ] = None
    time_unit: Annotated[
        TimeUnit | None,
        Field(description="null: as the unit row gives it, else s; iso: date-times"),
    ] = None
    held: Annotated[
        bool, Field(description="rows repeat the last sample until the next one comes")
    ] = False
    tolerance_ppm: Annotated[
        float,
        Field(ge=0, le=1e5, description="by which the clock may differ from sfreq"),
    ] = 1000.0
    bad_rows: Annotated[
        float,
        Field(ge=0, lt=1, description="largest share of rows that may lack a number"),
    ] = 0.0

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        columns = self.channel_column, self.value_column
        if (self.layout == "long") != all(columns) or any(columns) != all(columns):
            raise ValueError("layout: long goes with channel_column and value_column")
        if self.columns and self.header:
            raise ValueError("columns goes with header: false")
        if self.unit_row and not self.header:
            raise ValueError("unit_row goes with header: true")
        if self.held and not (self.sfreq and self.time):
            raise ValueError("held goes with time and the device's sfreq")
        if self.decimal == self.delimiter:
            raise ValueError("delimiter and decimal are different signs")
        return self

    @property
    def largest_bad_share(self) -> float:
        """Share of rows that may lack a number: any, if what is missing is a pause."""
        return 1.0 if self.missing == "pause" else self.bad_rows
