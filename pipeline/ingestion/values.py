"""The origin of labels and persons: one concept for all formats.

A *value* is a text that stands somewhere in a recording's files, or in its name:

    annotation   what a file marks in time (WFDB symbols, EDF+ texts, BIDS events)
    note         the notes of WFDB annotations, where rhythm stands
    field        a field of the source's pattern
    column       a column of a table, or of BIDS events
    variable     a variable of a MAT or NPZ file
    header       a line or field of a file's header
    sidecar      a table or JSON object beside the recordings
    constant     the same for all: the key itself
    unknown      nowhere: nobody knows who was recorded (of the person alone)

`match` takes a part of the text, `split` divides it into codes, `modulo` reduces
numbers, and `map` turns codes into classes or persons.
"""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from pipeline.components import Settings
from pipeline.ingestion.codes import Map, plain, written
from pipeline.patterns import normal

Place = Literal[
    "annotation",
    "note",
    "field",
    "column",
    "variable",
    "header",
    "sidecar",
    "constant",
    "unknown",
]
IN_FILES = frozenset({"annotation", "note", "column", "variable", "header"})
"""Places that a reader looks into."""

MISSING = frozenset({"", "n/a", "nan", "none", "null"})
"""The texts of tables for an unknown value, in lower case."""

As = Literal["events", "blocks", "spans", "recording"]
USUAL: Mapping[str, As] = {"annotation": "events", "note": "spans", "column": "blocks"}
"""The duration of a label of each place unless `as` sets it; else a recording."""


class Value(Settings):
    """A text of each recording, and what is made of it."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    place: Annotated[Place, Field(alias="from", description="where the text stands")]
    key: Annotated[
        str,
        BeforeValidator(written),
        Field(description="name of the field, column, variable or header line"),
    ] = ""
    file: Annotated[
        str | None,
        Field(
            description="of a sidecar: its path, in which fields may stand "
            "({subject}_events.csv); a table has a row a recording or a subject, named "
            "in its first column"
        ),
    ] = None
    match: Annotated[
        str | None,
        Field(description="regular expression: its first group is the text"),
    ] = None
    split: Annotated[
        str | None,
        Field(min_length=1, description="what separates several codes in a text"),
    ] = None
    modulo: Annotated[
        int | None, Field(ge=2, description="integers count modulo this")
    ] = None
    map: Annotated[
        Map,
        Field(
            description="code: what it stands for, the most important first; "
            "`aami`: the classes of WFDB's beats by ANSI/AAMI EC57"
        ),
    ] = None

    @field_validator("match")
    @classmethod
    def _is_regular(cls, match: str | None) -> str | None:
        try:
            re.compile(match or "")
        except re.error as error:
            raise ValueError(f"a regular expression: {error}") from None
        return match

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        if (self.file is not None) != (self.place == "sidecar"):
            raise ValueError("`file` is for `from: sidecar`, which needs it")
        if self.place == "unknown" and not isinstance(self, Person):
            raise ValueError("`from: unknown` is for `person`")
        if not self.key and self.place in ("field", "column", "variable", "constant"):
            raise ValueError(f"`from: {self.place}` needs a `key`")
        return self

    @property
    def origin(self) -> tuple[str, str]:
        """The request to a reader."""
        return self.place, self.key

    def codes(self, text: str) -> list[str]:
        """Give the codes in a text, as written but for `match`, `split` and `modulo`.

        Parameters
        ----------
        text : str

        Returns
        -------
        codes : list of str
            None where `match` finds nothing, or the text is blank.
        """
        if self.match is not None:
            found = re.search(self.match, text)
            groups = (*found.groups(), found[0]) if found else ("",)
            text = groups[0] or ""
        parts = text.split(self.split) if self.split else [text]
        stripped = [part.strip() for part in parts if part.strip()]
        return [self._reduced(part) for part in stripped]

    def _reduced(self, code: str) -> str:
        number = plain(code)
        if self.modulo and re.fullmatch(r"-?\d+", number):
            return str(int(number) % self.modulo)
        return code


class Label(Value):
    """The origin of the class of a piece of recording."""

    lasts: Annotated[
        As | None,
        Field(
            alias="as",
            description="events: instants; blocks: as long as stated; spans: until the "
            "next; recording: all of it; null: what the place usually means",
        ),
    ] = None
    several: Annotated[
        Literal["first", "none"],
        Field(
            description="of several classes at one place: the first in `map`, or none"
        ),
    ] = "first"

    @property
    def holds_rhythms(self) -> bool:
        """Whether the codes are rhythms as WFDB writes them: `(AFIB`."""
        codes = self.map or {}
        return self.place == "note" and bool(codes) and all(c[:1] == "(" for c in codes)

    def is_value(self, text: str) -> bool:
        """Whether a text is a value at all, of a class or not.

        What `match` does not find is none. Beside WFDB's rhythms, notes without an open
        parenthesis are remarks, unless `match` is given.
        """
        if self.holds_rhythms and self.match is None and text.strip()[:1] != "(":
            return False
        return bool(self.codes(text))

    def classes(self, text: str) -> list[str]:
        """Give the classes of a text's codes, the most important first, each once.

        A label without a map gives none: see `Values.with_classes`.
        """
        codes = {plain(code) for code in self.codes(text)}
        given = (name for code, name in (self.map or {}).items() if code in codes)
        return list(dict.fromkeys(given))


class Person(Value):
    """The person who was recorded; codes that `map` lacks name themselves."""

    place: Annotated[
        Place,
        Field(
            alias="from",
            description="where the text stands; unknown: nobody knows who was recorded",
        ),
    ] = "field"
    key: Annotated[str, Field(description="name of the field, column or line")] = (
        "subject"
    )

    @property
    def unknown(self) -> bool:
        """Whether nobody knows who was recorded, so that no count is one of persons."""
        return self.place == "unknown"

    def name(self, text: str) -> str:
        """Give the person that a text names; "" for nobody."""
        code = next(iter(self.codes(text)), "")
        name = (self.map or {}).get(plain(code), code)
        return "" if name.lower() in MISSING else normal(name)


class Number(Value):
    """A number of each recording or person, such as an age or an angle."""

    def number(self, text: str) -> float | None:
        """Give the number that a text states; None for none.

        Python also takes `1_2` for 12, where it is a name.
        """
        code = next(iter(self.codes(text)), "")
        stated = (self.map or {}).get(plain(code), code)
        try:
            number = float(stated)
        except ValueError:
            return None
        return number if math.isfinite(number) and "_" not in stated else None


class Values(Settings):
    """The values that are read of each recording beside its samples."""

    label: Label
    person: Person = Person()
    numbers: dict[str, Number] = Field(default_factory=dict)

    @property
    def each(self) -> list[Value]:
        """All values, the label first."""
        return [self.label, self.person, *self.numbers.values()]

    def with_classes(self, labels: Iterable[str]) -> "Values":
        """Let the classes stand for themselves where the label has no map.

        So a text that is no class never becomes one, whatever it contains.
        """
        if self.label.map is not None:
            return self
        own = {plain(name): name for name in labels}
        label = self.label.model_copy(update={"map": own})
        return self.model_copy(update={"label": label})
