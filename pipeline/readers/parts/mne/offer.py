"""The signals of a file that can be channels, by its own types or a BIDS tree's."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pipeline.errors import DataError
from pipeline.readers.base import Reader
from pipeline.readers.parts.mne.bids import Sidecars, datatype_of
from pipeline.readers.parts.mne.opened import Opened
from pipeline.readers.parts.select import TYPES, FileSignal, Selected, select

UNTYPED = "eeg"
"""The type, as in MNE, of a signal whose type its file does not state."""


def offer(
    reader: Reader, where: str, opened: Opened, side: Sidecars | None
) -> tuple[Selected, tuple[str, ...]]:
    """Select the channels of a recording, and report what was left out or assigned.

    Parameters
    ----------
    reader : Reader
    where : str
        The file.
    opened : Opened
    side : Sidecars or None

    Raises
    ------
    DataError
        See `select`; or no signal can be a channel.
    """
    signals = _named(reader, opened)
    if side is not None:
        signals = side.describe(signals, opened.signals)
    kinds = (side.datatype,) if side else (*TYPES, None)
    places = [k for k, s in enumerate(signals) if reader.channels or s.type in kinds]
    if not places:
        raise _none(where, signals, [kind for kind in kinds if kind])
    default = datatype_of(where) or UNTYPED
    offered = [replace(signals[k], type=signals[k].type or default) for k in places]
    selected = select(reader, where, offered)
    selected = replace(selected, places=tuple(places[k] for k in selected.places))
    untyped = [k for k in selected.places if signals[k].type is None]
    remarks = _omitted([s for k, s in enumerate(signals) if k not in places])
    if untyped and reader.channel_type is None:
        remarks += (f"channels of no stated type, taken for {default}: {len(untyped)}",)
    return selected, remarks


def _named(reader: Reader, opened: Opened) -> tuple[FileSignal, ...]:
    """Name the signals as the settings do, else without what the format adds."""
    wanted = {name for names in (reader.channels or {}).values() for name in names}
    plain = [opened.plain(signal.name) for signal in opened.signals]
    count = Counter(plain)
    return tuple(
        signal
        if signal.name in wanted or count[name] > 1
        else replace(signal, name=name)
        for name, signal in zip(plain, opened.signals, strict=True)
    )


def _omitted(signals: Sequence[FileSignal]) -> tuple[str, ...]:
    if not signals:
        return ()
    names = ", ".join(f"{s.name} ({s.type or 'of no type'})" for s in signals[:5])
    more = ", ..." if len(signals) > 5 else ""
    return (f"signals that are no channels by their type, left out: {names}{more}",)


def _none(where: str, signals: Sequence[FileSignal], kinds: Sequence[str]) -> DataError:
    found = sorted({signal.type for signal in signals if signal.type})
    return DataError(
        where,
        f"has no channel of type {' or '.join(kinds)} among {len(signals)} signals"
        + (f" of type {', '.join(found)}" if found else ""),
        expected="a channel at least",
        remedy="name the reader's channels in params.yaml",
    )
