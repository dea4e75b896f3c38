"""The meaning of the columns of a meter's log, by the unit that ends their names."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from pipeline.errors import DataError

SCALES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
BASES = {"s": "time", "a": "current", "v": "voltage", "w": "power"}
UNITS = {
    scale + base: (quantity, factor)
    for base, quantity in BASES.items()
    for scale, factor in SCALES.items()
}
"""The quantity of a unit, and its size in SI units; the case of letters is ignored."""

UNIT = re.compile(r"(?:^|[\s_\-.:(\[])([a-z]+)[)\]]?$")
MARKERS = ("marker", "gpio", "gpi", "trigger", "sync")
EXAMPLES = {
    "time": "time_s, 'time (ms)'",
    "current": "current_mA, 'current (A)'",
    "voltage": "voltage_V, bus_mV",
    "power": "power_mW",
    "marker": "marker, gpio0, trigger",
}

Columns = Mapping[str, tuple[int, float]]
"""For each quantity, the index of its column and the size of its unit."""


def find_columns(where: str, header: Sequence[str]) -> Columns:
    """Find time, the marker, and power or else current and voltage.

    A voltage over a shunt is not the supply's: a column with `shunt` in its name is
    left out, unless it gives a current.

    Parameters
    ----------
    where : str
        File and row, for messages.
    header : sequence of str

    Raises
    ------
    DataError
        A column is missing, gives no unit, or is there twice.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    unitless: dict[str, str] = {}
    for place, name in enumerate(header):
        quantity, factor = _quantity(where, name)
        if factor:
            found.setdefault(quantity, []).append((place, factor))
        elif quantity:
            unitless.setdefault(quantity, name)
    wanted = ["power"] if "power" in found else ["current", "voltage"]
    for quantity in ("time", *wanted, "marker"):
        _expect_one(where, quantity, header, found, unitless)
    return {quantity: found[quantity][0] for quantity in ("time", *wanted, "marker")}


def _quantity(where: str, name: str) -> tuple[str, float]:
    """Give the quantity of a column and the size of its unit; 0 if it has no unit."""
    plain = unicodedata.normalize("NFKC", name).lower().replace("μ", "u").strip()
    if any(word in plain for word in MARKERS):
        return "marker", 1.0
    stated = [quantity for quantity in BASES.values() if quantity in plain]
    match = UNIT.search(plain)
    quantity, factor = UNITS.get(match[1] if match else "", ("", 0.0))
    if "shunt" in plain and quantity != "current":
        return "", 0.0
    if stated and quantity and quantity not in stated:
        raise DataError(
            where,
            f"column '{name}' names a {stated[0]}, but its unit is of a {quantity}",
            expected=f"the unit of a {stated[0]}",
            remedy="correct the column's name",
        )
    return quantity or "".join(stated[:1]), factor


def _expect_one(
    where: str,
    quantity: str,
    header: Sequence[str],
    found: Mapping[str, list[tuple[int, float]]],
    unitless: Mapping[str, str],
) -> None:
    places = [place for place, _ in found.get(quantity, [])]
    if len(places) == 1:
        return
    problem = f"no column of the {quantity}"
    if places:
        names = ", ".join(f"'{header[place]}'" for place in places)
        problem = f"{len(places)} columns of the {quantity}: {names}"
    elif quantity in unitless:
        problem = f"column '{unitless[quantity]}' gives no unit"
    raise DataError(
        where,
        problem,
        expected=f"one column with its unit, such as {EXAMPLES[quantity]}",
        remedy="name the columns in the first row, the unit last",
    )
