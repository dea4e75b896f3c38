r"""Whether spikes alone name the person: no network takes part.

Of each decision's window, spikes are counted in bins. A person's template is the mean
of these counts in one session; in another session, the mean of a person's counts is
assigned to the person of the nearest template, and so is each single window:

.. math:: \hat p = \arg\min_p \lVert (x - t_p) / s \rVert_2

s is the spread of the templates t over persons. Where nobody has two sessions, the
halves of a recording take their place, which is easier, and is named. Beside the codes
stands the signal that they encode, by mean and RMS in the same bins, and what a
decoder makes of the spikes: the SNR of `encoding.measure`. A code that names the
person as well as the signal does is no anonymisation.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from pipeline import files, seeds
from pipeline.config import Params
from pipeline.encoders.base import Encoder
from pipeline.encoding.encode import encode
from pipeline.encoding.measure import measure
from pipeline.encoding.summary import summarise
from pipeline.errors import ConfigError, DataError, PipelineError
from pipeline.evaluation.evaluate import EvaluationSettings
from pipeline.evaluation.statistics import estimate
from pipeline.parallel import parallel_map
from pipeline.privacy.results import save_codes
from pipeline.roles import UNKNOWN
from pipeline.signals import Signal
from pipeline.spikes import unpack

BINS = 10
"""Pieces of a window."""

SESSIONS, HALVES = "another session", "the other half of the recording"
SIGNAL = "signal"
"""The row of the signal itself."""

Plain = dict[str, Any]
Series = Float[np.ndarray, "row time"]


@dataclass(frozen=True)
class Asked:
    """What codes are asked of a data set.

    Parameters
    ----------
    dataset : str
    windows : DataFrame
        Columns recording, subject, start, stop and template: whether a window makes
        its person's template, or is to be recognised.
    seed : int
    evaluation : EvaluationSettings
        Resamples and confidence of intervals.
    """

    dataset: str
    windows: pd.DataFrame
    seed: int
    evaluation: EvaluationSettings


def audit_codes(params: Params, dataset: str) -> Plain:
    """Measure what each encoder of `params.yaml` gives away; write `identity.json`.

    Raises
    ------
    DataError
        The data set is not prepared, or fewer than two persons are known.
    """
    folder = files.folder("windows", dataset)
    table = files.load_table(folder / "windows.parquet")
    folds = files.load_table(folder / "folds.parquet")
    windows, between = halved(table[table["window"].isin(folds["window"])])
    evaluation: EvaluationSettings = params.read("evaluation")
    asked = Asked(dataset, windows, params.read("seed"), evaluation)
    encoders = {
        name: params.read(f"encoders.{name}") for name in params.names("encoders")
    }
    work: list[tuple[str, Encoder[Any] | None]] = [(SIGNAL, None), *encoders.items()]
    rows = parallel_map(partial(_row, asked), work, what=f"audit {dataset}")
    n_persons = int(windows["subject"].nunique())
    found = {
        "dataset": dataset,
        "between": between,
        "persons": n_persons,
        "chance": 1 / n_persons,
        "codes": {name: row for (name, _), row in zip(work, rows, strict=True)},
    }
    save_codes(dataset, found)
    return found


def halved(windows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Decide which windows make templates, and which are to be recognised.

    Returns
    -------
    windows : DataFrame
        Those of persons with two sessions; if fewer than two have, those of persons
        with windows in both halves of a recording.
    between : str
        What lies between them: `SESSIONS` or `HALVES`.
    """
    known = windows[windows["subject"] != UNKNOWN]
    sessions = known.groupby("subject")["session"]
    if (several := sessions.nunique() > 1).sum() > 1:
        chosen = known[known["subject"].map(several)]
        last = chosen.groupby("subject")["session"].transform("max")
        return chosen.assign(template=chosen["session"] != last), SESSIONS
    middle = known.groupby("recording")["stop"].transform("median")
    # A window that reaches into both halves is in neither.
    apart = known[(known["stop"] <= middle) | (known["start"] >= middle)]
    apart = apart.assign(template=apart["stop"] <= middle[apart.index])
    both = apart.groupby("subject")["template"].transform("nunique") == 2
    if (n_persons := apart.loc[both, "subject"].nunique()) < 2:
        raise DataError(
            "windows.parquet",
            f"{n_persons} known persons with two sessions, or windows in both halves "
            "of a recording",
            expected="at least two, to be mistaken for each other",
            remedy="audit a data set with more persons, or with more windows of each",
        )
    return apart[both], HALVES


def _row(asked: Asked, work: tuple[str, Encoder[Any] | None]) -> Plain:
    """Measure one code, or the signal itself; a code that does not fit has a reason."""
    name, encoder = work
    if encoder is not None and encoder.is_oracle:
        return {"absent": "an oracle, which no device could be"}
    try:
        return _measured(asked, name, encoder)
    except PipelineError as error:
        return {"absent": f"{error.where}: {error.found}"}


def _measured(asked: Asked, name: str, encoder: Encoder[Any] | None) -> Plain:
    folder = files.folder("signals", asked.dataset)
    vectors, tables = [], []
    for recording, own in asked.windows.groupby("recording", sort=True):
        signal = files.load_signal(Path(folder) / f"{recording}.h5")
        if encoder is None:
            series, delay = _of_signal(signal), 0
        else:
            _check_values(encoder, signal, str(recording))
            drawn = signal.order or str(recording)  # as the stage `encode` draws
            rng = seeds.generator(asked.seed, name, asked.dataset, drawn)
            spikes = encode(encoder, signal, rng)
            tables.append(measure(encoder, signal, spikes))
            series, delay = unpack(spikes), round(spikes.delay_s / spikes.dt)
        vectors.append(pd.DataFrame(binned(series, own, delay), index=own.index))
    features = pd.concat(vectors).loc[asked.windows.index].to_numpy()
    found: Plain = {}
    if encoder is not None:
        summary = summarise(pd.concat(tables, ignore_index=True))
        found = {key: summary[key] for key in ("snr_db", "snr_absent", "events_per_s")}
        settings = encoder.model_dump(mode="json")
        found["settings"] = {"name": encoder.own_name, **settings}
    return found | recognised(asked, features, name)


def _of_signal(signal: Signal) -> Series:
    """Give what is averaged of a signal: its samples and their squares."""
    return np.concatenate([signal.samples, np.square(signal.samples)]).astype(float)


def _check_values(encoder: Encoder[Any], signal: Signal, recording: str) -> None:
    if encoder.values is not None and not np.isin(signal.samples, encoder.values).all():
        raise ConfigError(
            recording, f"the code is of signals of {encoder.values} alone"
        )


def binned(
    series: Series, windows: pd.DataFrame, delay: int
) -> Float[np.ndarray, "window feature"]:
    """Average each row of a series in the bins of windows, which come `delay` later."""
    sums = np.cumsum(np.pad(series.astype(float), ((0, 0), (1, 0))), axis=1)
    start, stop = (windows[end].to_numpy()[:, None] for end in ("start", "stop"))
    edges = start + (stop - start) * np.arange(BINS + 1) // BINS + delay
    edges = edges.clip(0, series.shape[1])
    width = np.maximum(np.diff(edges, axis=1), 1)
    means = np.diff(sums[:, edges], axis=2) / width
    vectors: Float[np.ndarray, "window feature"] = np.concatenate(list(means), axis=1)
    return vectors


def recognised(
    asked: Asked, features: Float[np.ndarray, "window feature"], name: str
) -> Plain:
    """Count the persons, and the windows, that the nearest template names right."""
    place, persons = pd.factorize(asked.windows["subject"])
    template = asked.windows["template"].to_numpy()
    gallery = _means(features[template], place[template], len(persons))
    probes = _means(features[~template], place[~template], len(persons))
    spread = gallery.std(axis=0)
    spread[spread == 0] = 1
    whose = nearest(probes / spread, gallery / spread)
    each = nearest(features[~template] / spread, gallery / spread)
    right = np.bincount(place[~template], each == place[~template], len(persons))
    shares = right / np.bincount(place[~template], minlength=len(persons))
    values = {
        "persons": (whose == np.arange(len(persons))).astype(float),
        "decisions": shares,
    }
    return {key: _mean(asked, each, f"{name} {key}") for key, each in values.items()}


def nearest(
    vectors: Float[np.ndarray, "row feature"],
    templates: Float[np.ndarray, "person feature"],
) -> Int[np.ndarray, " row"]:
    """Find the nearest template of each vector."""
    squares = (templates**2).sum(axis=1) - 2 * vectors @ templates.T
    found: Int[np.ndarray, " row"] = squares.argmin(axis=1)
    return found


def _means(features: np.ndarray, place: np.ndarray, n_persons: int) -> np.ndarray:
    sums = np.zeros((n_persons, features.shape[1]))
    np.add.at(sums, place, features)
    return sums / np.bincount(place, minlength=n_persons)[:, None]


def _mean(asked: Asked, values: Float[np.ndarray, " person"], name: str) -> Plain:
    """Average over persons, with an interval over them."""
    n_persons = len(values)

    def mean(counts: np.ndarray) -> np.ndarray:
        """Average persons that count so often."""
        return np.asarray(counts @ values / counts.sum(axis=-1))

    rng = seeds.generator(asked.seed, "identity", asked.dataset, name)
    bootstrap = asked.evaluation.bootstrap
    found = estimate(mean, [np.arange(n_persons)], n_persons, bootstrap, rng)
    return {key: each for key, each in vars(found).items() if key != "reason" or each}
