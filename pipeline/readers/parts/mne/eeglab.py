"""Checks of an EEGLAB set's consistency, which MNE does not make."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, Check, either, unchecked_if
from pipeline.readers.parts.mat5 import check_mat

STRUCT = "EEG"
"""The variable that holds all others, in sets that are not saved one by one."""
FACTS = ("srate", "xmin", "xmax", "pnts", "nbchan", "chanlocs")
SAME_RATE = 0.01
"""Relative difference below which two statements of the rate are one."""


def check_set(path: Path, where: str, unchecked: Collection[Check]) -> None:
    """Hold the rate and the channels of a set against its other statements of them.

    Sets of MATLAB 7.3 are let through.

    Raises
    ------
    DataError
        It is damaged, its times show another rate, or its channels are more or fewer
        than their names.
    """
    import h5py
    import scipy.io

    if h5py.is_hdf5(path):
        return
    check_mat(path, where)
    there = {name: shape for name, shape, _ in scipy.io.whosmat(path)}
    names = [STRUCT] if STRUCT in there else [name for name in FACTS if name in there]
    found = scipy.io.loadmat(path, variable_names=names, simplify_cells=True)
    facts = found.get(STRUCT, found)
    if "rate" not in unchecked:
        _check_rate(where, facts)
    if "checksum" not in unchecked:
        _check_channels(where, facts)
        inside: Any = found[STRUCT].get("data") if STRUCT in found else ()
        _check_size(where, facts, there.get("data") or np.shape(inside))


def _check_rate(where: str, facts: Mapping[str, Any]) -> None:
    rate, first_s, last_s, points = (_number(facts.get(name)) for name in FACTS[:4])
    lasts_s = last_s - first_s
    if not (lasts_s > 0 and points > 1):
        return
    shown = (points - 1) / lasts_s
    if not math.isclose(rate, shown, rel_tol=SAME_RATE):
        raise DataError(
            where,
            f"srate is {rate:g} Hz, {points:g} points from {first_s:g} s to "
            f"{last_s:g} s are {shown:.6g} Hz",
            expected="the same rate",
            remedy=either(
                "correct the set", LEAVE_OUT, unchecked_if("srate is right", "rate")
            ),
        )


def _check_channels(where: str, facts: Mapping[str, Any]) -> None:
    places = facts.get("chanlocs")
    count = 1 if isinstance(places, dict) else len(places) if places is not None else 0
    stated = _number(facts.get("nbchan"))
    if count and stated != count:
        raise DataError(
            where,
            f"nbchan is {stated:g}, for {count} chanlocs",
            expected="the same number of channels",
            remedy=either(
                "correct the set",
                LEAVE_OUT,
                unchecked_if("nbchan is right", "checksum"),
            ),
        )


def _check_size(where: str, facts: Mapping[str, Any], shape: tuple[int, ...]) -> None:
    """Compare the samples in a set, if they are no file of their own."""
    stated = tuple(_number(facts.get(name)) for name in ("nbchan", "pnts"))
    if len(shape) > 1 and min(shape) > 1 and shape != stated:
        raise DataError(
            where,
            f"its samples have the shape {shape}, by nbchan and pnts "
            f"({stated[0]:g}, {stated[1]:g})",
            expected="the same",
            remedy=either(
                "correct the set",
                LEAVE_OUT,
                unchecked_if("its samples are right", "checksum"),
            ),
        )


def _number(value: Any) -> float:
    """Give a stated number, NaN for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan
