"""One table of the units that a signal's amplitude may have."""

import unicodedata

VOLTS = {
    "v": 1.0,
    "volt": 1.0,
    "volts": 1.0,
    "mv": 1e-3,
    "millivolt": 1e-3,
    "millivolts": 1e-3,
    "uv": 1e-6,
    "microv": 1e-6,
    "μv": 1e-6,
    "microvolt": 1e-6,
    "microvolts": 1e-6,
    "nv": 1e-9,
    "nanovolt": 1e-9,
    "nanovolts": 1e-9,
}
"""Volts of a unit, written in lower case and with a Greek mu."""

ACCEPTED = "V, mV, uV, µV or nV"


def volts(unit: str) -> float | None:
    """Give a unit's size in volts; None for what is no unit of voltage.

    Upper and lower case do not count (nobody records megavolts), nor which of Unicode's
    two mus was taken, nor UTF-8 that was read as Latin-1.
    """
    return VOLTS.get(_plain(unit)) or VOLTS.get(_plain(_read_again(unit)))


def _plain(unit: str) -> str:
    return unicodedata.normalize("NFKC", unit).strip().lower()


def _read_again(unit: str) -> str:
    """Read the bytes of Latin-1 text as UTF-8, where they are that."""
    try:
        return unit.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return unit
