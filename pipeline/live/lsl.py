"""Streams of the Lab Streaming Layer, which senders announce in the local network.

References
----------
.. [1] C. Kothe et al., "The lab streaming layer for synchronized multimodal recording",
   Imaging Neuroscience 3, 2025.
"""

import math
from typing import Any

import numpy as np

from pipeline.errors import ConfigError, DataError
from pipeline.live.session import LOST_S
from pipeline.live.streams import About, Chunk, GoneError

VOLTS = {
    "v": 1.0, "volt": 1.0, "volts": 1.0, "mv": 1e-3, "millivolt": 1e-3,
    "millivolts": 1e-3, "uv": 1e-6, "µv": 1e-6, "μv": 1e-6, "microvolt": 1e-6,
    "microvolts": 1e-6, "nv": 1e-9, "nanovolt": 1e-9, "nanovolts": 1e-9,
}  # fmt: skip
"""Volts in the units that streams state."""

WAIT_S = 0.25
"""How long a call waits for samples."""
LOOK_S, ANSWER_S = 2.0, 5.0
"""How long streams have to announce themselves, and a sender to describe its own."""


class LslSource:
    """A stream of the local network.

    Parameters
    ----------
    name : str, optional
        Of the stream; default: the only one there is.
    unit : str, optional
        Of its samples, where it states none.

    Once a stream was opened, that of its name is opened again.
    """

    def __init__(self, name: str | None, unit: str | None) -> None:
        self.name, self.unit = name, unit
        self.lsl = library()

    def open(self) -> "LslInlet":
        """Look for the stream, for half a minute.

        Raises
        ------
        DataError
            There is none, there are several, one does not answer, or its rate or unit
            is not known.
        """
        found = self._found()
        if len(found) != 1:
            names = ", ".join(sorted(each.name() for each in found)) or "none"
            raise DataError(
                f"stream {self.name or ''}".strip(),
                f"{len(found)} streams in the local network ({names})",
                expected="one",
                remedy="start its sender; name one of several by --name",
            )
        inlet = LslInlet(self.lsl, found[0], self.unit)
        self.name = inlet.about.name or None
        return inlet

    def _found(self) -> list[Any]:
        """List the streams of the name, or all, as soon as there is one."""
        for _ in range(math.ceil(LOST_S / LOOK_S)):
            seen = self.lsl.resolve_streams(wait_time=LOOK_S)
            if found := [one for one in seen if self.name in (None, one.name())]:
                return found
        return []


class LslInlet:
    """An open stream of the Lab Streaming Layer."""

    def __init__(self, lsl: Any, found: Any, unit: str | None) -> None:
        self.lsl = lsl
        # Not `proc_dejitter`: it spreads a gap over minutes, and no gap would be seen.
        flags = lsl.proc_clocksync
        self.inlet = lsl.StreamInlet(found, recover=False, processing_flags=flags)
        info = self._answer(found.name())
        names = [name for name in info.get_channel_labels() or [] if name]
        n_channels, sfreq = info.channel_count(), info.nominal_srate()
        complete = tuple(names) if len(names) == n_channels else ()
        self.about = About(info.name(), complete, n_channels, sfreq)
        self.scale = scales(info.name(), info.get_channel_units(), n_channels, unit)
        if not sfreq > 0:
            raise DataError(
                info.name(),
                "an irregular rate",
                expected="a stream with a fixed number of samples per second",
                remedy="let the sender state its nominal rate",
            )

    def _answer(self, name: str) -> Any:
        """Ask the sender for what it states."""
        try:
            return self.inlet.info(timeout=ANSWER_S)
        except (self.lsl.util.TimeoutError, self.lsl.util.LostError) as error:
            raise DataError(
                name,
                f"its sender does not answer ({error})",
                expected=f"an answer within {ANSWER_S:g} s",
                remedy="look at its sender, and start again",
            ) from error

    def pull(self) -> Chunk:
        """Give the samples that have come, or wait a moment for the next.

        Raises
        ------
        GoneError
            The sender has vanished.
        """
        try:
            values, stamps = self.inlet.pull_chunk(
                timeout=WAIT_S, max_samples=4096, min_samples=1
            )
        except self.lsl.util.LostError:
            raise GoneError from None
        samples = np.asarray(values, np.float64).reshape(-1, self.about.n_channels)
        return Chunk(samples.T * self.scale[:, None], np.asarray(stamps, np.float64))


def scales(
    where: str, stated: list[str | None] | None, n_channels: int, unit: str | None
) -> np.ndarray:
    """Give the volts of each channel's unit: what is stated, or else `unit`.

    Raises
    ------
    DataError
        A unit is not known.
    """
    units = [each or unit or "" for each in stated or [None] * n_channels]
    strange = sorted({each for each in units if each.strip().lower() not in VOLTS})
    if strange:
        raise DataError(
            where,
            f"channels in {', '.join(strange)}" if any(strange) else "no unit stated",
            expected="V, mV, uV or nV",
            remedy="state it by --unit, or let the sender state it",
        )
    return np.array([VOLTS[each.strip().lower()] for each in units])


def library() -> Any:
    """Import pylsl.

    Raises
    ------
    ConfigError
        It is not installed, or does not find its library.
    """
    try:
        import pylsl
    except (ImportError, RuntimeError, OSError) as error:
        text = str(error).strip().partition("\n")[0]
        raise ConfigError(
            "biospike stream",
            f"the Lab Streaming Layer is not there ({text})",
            expected="pylsl and liblsl",
            remedy="pip install 'biospike[live]', or replay a recording by --replay",
        ) from error
    return pylsl
