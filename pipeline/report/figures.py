"""The report's figures of recordings and results, embedded in the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.plots.raster import raster
from pipeline.plots.style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    Picture,
    legend_above,
    new_figure,
    picture,
    plain,
)
from pipeline.preparation.segments import segments_of
from pipeline.signals import Signal
from pipeline.spikes import Spikes, unpack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CHANNELS = 6
MOST_WINDOWS = 4
MOST_NAMED = 80
"""Subjects whose names have room below a figure."""


def subjects(
    tables: Mapping[str, pd.DataFrame], clock: pd.Series, chance: float
) -> Picture:
    """Show every subject's balanced accuracy under each model.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        `subjects.csv` by the name of the encoder and model.
    clock : Series
        By subject, what needs no signal; its name is its title.
    chance : float
        What guessing would reach.
    """
    columns = {
        name: table.set_index("subject")["balanced_accuracy"]
        for name, table in tables.items()
    }
    merged = 100 * pd.DataFrame(columns)
    merged = merged.loc[merged.mean(axis=1).sort_values(kind="stable").index]
    with new_figure(3.0) as (figure, (axes,)):
        at = np.arange(len(merged))
        for k, name in enumerate(merged):
            shift = 0.5 * ((k + 0.5) / len(columns) - 0.5)
            look: dict[str, Any] = {
                "marker": MARKERS[k % 6],
                "color": COLOURS[k % 6],
                "ms": 4.5,
            }
            axes.plot(at + shift, merged[name], ls="", label=name, **look)
        its = 100 * clock.reindex(merged.index)
        axes.plot(at, its, ls="", marker="_", color=INK, ms=14, label=clock.name)
        names = [plain(str(subject)) for subject in merged.index]
        if len(at) > MOST_NAMED:
            axes.set_xticks([])
            axes.set_xlabel(f"{len(at)} subjects, by their mean")
        else:
            axes.set_xticks(at, names, rotation=90 if len(at) > 12 else 0)
        axes.tick_params(axis="x", labelsize=7, length=0)
        axes.set(ylabel="balanced accuracy, %", xlim=(-0.7, len(at) - 0.3))
        percent_axis(axes, chance)
        legend_above(axes, len(columns) + 1)
        means = merged.mean(axis=1)
        alt = (
            f"Balanced accuracy of {len(at)} subjects under {', '.join(columns)}; "
            f"means of a subject from {means.min():.0f} to {means.max():.0f} percent; "
            f"{clock.name}, from {its.min():.0f} to {its.max():.0f} percent."
        )
        table = merged.assign(**{str(clock.name): its}).rename_axis("subject")
        return picture(figure, alt, table.reset_index())


def percent_axis(axes: "Axes", chance: float) -> None:
    """Show all of 0 to 100 %, so that pages compare, and where guessing stands."""
    axes.set_ylim(-3, 103)
    axes.axhline(100 * chance, color=INK, lw=0.8, ls=":")
    axes.grid(axis="y", color=FAINT, lw=0.5)


@dataclass(frozen=True)
class Piece:
    """A window of the prepared signal with its spikes; times in seconds of onset.

    Parameters
    ----------
    label : str
    time : array, shape (time,)
    samples : array, shape (channel, time)
    channels : tuple of str
    spikes : dict of str to dict of str to array
        Spike times by encoder and feature.
    """

    label: str
    time: np.ndarray
    samples: np.ndarray
    channels: tuple[str, ...]
    spikes: dict[str, dict[str, np.ndarray]]


def piece(dataset: str, encoders: Sequence[str], window: Mapping[str, Any]) -> Piece:
    """Cut a window out of its segment's prepared signal, and of the spikes of it."""
    name = f"{window['recording']}.h5"
    start = int(max(window["start"], window["segment_start"]))
    stop = int(min(window["stop"], window["segment_stop"]))
    with files.open_signal(files.folder("signals", dataset) / name) as signal:
        samples = signal.samples[:MOST_CHANNELS, start:stop]
    zero = window["onset_s"] + signal.delay_s + _pauses_s(dataset, signal, window)
    span = (start / signal.sfreq, stop / signal.sfreq)
    trains = {
        encoder: files.load_spikes(
            files.folder("spikes", f"{dataset}-{encoder}") / name
        )
        for encoder in encoders
    }
    return Piece(
        str(window["label"]),
        np.arange(start, stop) / signal.sfreq - zero,
        samples,
        signal.channels[:MOST_CHANNELS],
        {encoder: _spike_times(train, span, zero) for encoder, train in trains.items()},
    )


def _pauses_s(dataset: str, signal: Signal, window: Mapping[str, Any]) -> float:
    """Give the time in the signal, less that on the clock, of a window's segment."""
    if len(signal.segments) == 1:
        return 0.0
    number = int(window["segment"])
    table = files.load_table(files.folder("recordings", dataset) / "recordings.parquet")
    segment = segments_of(table)[window["recording"]][number]
    return signal.segments[number] / signal.sfreq - segment.onset_s


def _spike_times(
    train: Spikes, span: tuple[float, float], zero: float
) -> dict[str, np.ndarray]:
    """Find the spikes that encode a span of the signal, seconds from `zero`."""
    lag = round(train.delay_s / train.dt)
    first, last = (round(edge / train.dt) + lag for edge in span)
    bits = unpack(train, first, min(last, train.n_steps))
    shown = zip(train.features, bits[: 2 * MOST_CHANNELS], strict=False)
    start = (first - lag) * train.dt - zero
    return {feature: np.flatnonzero(row) * train.dt + start for feature, row in shown}


def example(
    dataset: str, encoders: Sequence[str], windows: Sequence[Mapping[str, Any]]
) -> Picture:
    """Show windows of different classes: the prepared signal, its spikes below."""
    pieces = [piece(dataset, encoders, window) for window in windows]
    gap = 1.1 * max(float(np.ptp(each.samples, axis=1).max()) for each in pieces)
    rows, columns = 1 + len(encoders), len(pieces)
    height = rows * (1 + 0.26 * len(pieces[0].channels))
    with new_figure(height, rows=rows, columns=columns) as (figure, panels):
        for k, each in enumerate(pieces):
            _draw_signal(panels[k], each, gap)
            for row, encoder in enumerate(encoders, start=1):
                axes = panels[row * columns + k]
                _draw_spikes(axes, each.spikes[encoder])
                axes.sharex(panels[k])
            panels[k].set_title(plain(each.label))
            axes.set_xlabel("seconds")
        for axes in panels:
            axes.tick_params(axis="y", length=0, labelsize=7)
            axes.spines["left"].set_visible(False)
            axes.label_outer(remove_inner_ticks=True)
        for axes, title in zip(panels[::columns], ("signal", *encoders), strict=True):
            axes.set_ylabel(title, fontweight="bold")
        return picture(figure, _example_alt(pieces), _example_table(pieces))


def _draw_signal(axes: "Axes", each: Piece, gap: float) -> None:
    offsets = -gap * np.arange(len(each.samples))
    rows = each.samples + offsets[:, None]
    axes.plot(each.time, rows.T, color=INK, lw=0.7)
    axes.set_yticks(offsets, list(map(plain, each.channels)))
    axes.set_xlim(each.time[0], each.time[-1])


def _draw_spikes(axes: "Axes", times: Mapping[str, np.ndarray]) -> None:
    offsets = raster(axes, list(times.values()))
    axes.set_yticks(offsets, list(map(plain, times)))


def _example_table(pieces: Sequence[Piece]) -> pd.DataFrame:
    """List the samples of the pieces, a row a time, then the spikes, a row each."""
    samples = [
        pd.DataFrame(each.samples.T, columns=list(each.channels)).assign(
            label=each.label, time_s=each.time
        )
        for each in pieces
    ]
    spikes = [
        pd.DataFrame({"label": each.label, "spike_of": feature, "time_s": times})
        for each in pieces
        for trains in each.spikes.values()
        for feature, times in trains.items()
    ]
    table = pd.concat([*samples, *spikes])
    first = ["label", "time_s", "spike_of"]
    return table[[*first, *table.columns.drop(first)]]


def _example_alt(pieces: Sequence[Piece]) -> str:
    counts = [
        f"{each.label} {sum(map(len, times.values()))} {encoder} spikes"
        for each in pieces
        for encoder, times in each.spikes.items()
    ]
    return (
        "One window of each class, the prepared signal above and its spikes below. "
        f"Shown are {', '.join(counts)}."
    )
