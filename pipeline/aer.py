"""Spikes as address events in Tonic's layout of sensors in one dimension, and back.

An event is (t, x, p): its time in microseconds, its address, and its polarity. The
address is the feature. The polarity is 1 throughout, as in the Heidelberg data sets,
for ON and OFF are features of their own; `sensor_size` in Tonic is (features, 1, 1).
"""

from typing import Any

import numpy as np

from pipeline.axes import SpikeBits
from pipeline.errors import DataError

EVENT = np.dtype([("t", "<i8"), ("x", "<i8"), ("p", "<i8")])
"""Tonic's dtype of SHD and SSC."""

Events = np.ndarray[Any, np.dtype[np.void]]
"""A structured array, shape (event,), in order of time."""

MICROSECONDS = 1e6
"""Microseconds in a second."""
FASTEST = 5e5
"""Steps a second, at most: faster ones would share microseconds."""


def to_events(spikes: SpikeBits, sfreq: float) -> Events:
    r"""List the spikes of a train as events.

    .. math:: t = \mathrm{round}(10^6 k / f), \quad x = \text{feature}, \quad p = 1

    Events of a step come in the order of their features.

    Parameters
    ----------
    spikes : array, shape (feature, time), bool
    sfreq : float
        Steps a second, f.

    Returns
    -------
    events : structured array, shape (event,)
        Of the dtype `EVENT`.

    Raises
    ------
    DataError
        There are too many steps a second for times in microseconds.

    References
    ----------
    Lenz et al. (2021), Tonic: event-based datasets and transformations, Zenodo
    (doi 10.5281/zenodo.5079802).
    """
    _refuse_fast(sfreq)
    steps, features = np.nonzero(spikes.T)
    events = np.ones(len(steps), EVENT)
    events["t"] = np.rint(steps * (MICROSECONDS / sfreq))
    events["x"] = features
    return events


def from_events(events: Events, shape: tuple[int, int], sfreq: float) -> SpikeBits:
    r"""Make the spike train of events: of those of `to_events`, the same one.

    .. math:: k = \mathrm{round}(t f / 10^6)

    Parameters
    ----------
    events : structured array, shape (event,)
        With the fields t and x; p must be 1 and y 0, where they are there.
    shape : (int, int)
        Features and steps of the train.
    sfreq : float
        Steps a second, f.

    Returns
    -------
    spikes : array, shape (feature, time), bool

    Raises
    ------
    DataError
        A field is missing, times are not in order, an address or a time is outside of
        the train, a polarity or row is one that no feature has, or two events fall on
        one step of a feature.
    """
    _refuse_fast(sfreq)
    _refuse_other_fields(events)
    n_features, n_steps = shape
    features, time = events["x"].astype(np.int64), events["t"].astype(np.int64)
    steps = np.rint(time * (sfreq / MICROSECONDS)).astype(np.int64)
    fallen = np.diff(time, prepend=time[:1]) < 0
    _refuse(fallen, events, "a time before that of the event before", "rising times")
    strange = (features < 0) | (features >= n_features)
    _refuse(strange, events, "an unknown address", f"x from 0 to {n_features - 1}")
    outside = (steps < 0) | (steps >= n_steps)
    last = (n_steps - 1) / sfreq * MICROSECONDS
    _refuse(outside, events, "a time outside of the train", f"t from 0 to {last:.0f}")
    places = features * n_steps + steps
    again = np.ones(len(places), np.bool_)
    again[np.unique(places, return_index=True)[1]] = False
    _refuse(again, events, "a spike that an earlier one is already", "one a step")
    spikes = np.zeros(shape, np.bool_)
    spikes[features, steps] = True
    return spikes


def _refuse_fast(sfreq: float) -> None:
    if not 0 < sfreq <= FASTEST:
        raise DataError(
            "address events",
            f"{sfreq:g} steps a second",
            expected=f"at most {FASTEST:g}: times are in microseconds",
            remedy="resample the signal before it is encoded",
        )


def _refuse_other_fields(events: Events) -> None:
    """Refuse what is no list of events, or one of a sensor in two dimensions."""
    names = events.dtype.names or ()
    if not {"t", "x"} <= set(names) or events.ndim != 1:
        raise DataError(
            "address events",
            f"an array of shape {events.shape} with the fields "
            f"{', '.join(names) or 'none'}",
            expected="a structured array, shape (event,), with the fields t, x and p",
            remedy="convert it to Tonic's layout: (t in microseconds, x, p)",
        )
    for name, value in (("p", 1), ("y", 0)):
        if name in names:
            other = events[name] != value
            _refuse(other, events, f"another {name}", f"{name} = {value} throughout")


def _refuse(bad: np.ndarray, events: Events, found: str, expected: str) -> None:
    """Name the first event that cannot be placed."""
    if bad.any():
        number = int(bad.argmax())
        raise DataError(
            f"address events, event {number}",
            f"{found}: {events[number]} as {events.dtype.names}",
            expected=expected,
            remedy="correct the events, or give the shape and rate that they are of",
        )
