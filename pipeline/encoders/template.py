"""Template: what of an event differs from the person's usual one, by phase."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from jaxtyping import Int64
from pydantic import Field

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders._beats import Lagging, pass_beats
from pipeline.encoders._octaves import MEAN_FRACTION, gain_shift
from pipeline.encoders.base import Encoder
from pipeline.qrs import Detector

UNIT = 256
"""Integers a unit of the signal's RMS."""

LIMIT = 1 << 20
"""Largest integer of a sample."""

Codes = Int64[np.ndarray, "channel time"]
Phases = Int64[np.ndarray, "channel phase"]


@dataclass(frozen=True)
class TemplateState:
    detector: Detector
    beats: Lagging
    newest: Codes
    usual: Phases
    spread: Phases
    n_events: int = 0


class Template(Encoder[TemplateState]):
    threshold: Annotated[float, Field(gt=0, le=100)] = 0.5
    deviations: float = 2.0
    levels: int = 1
    before_s: float = 0.25
    after_s: float = 0.45
    phase_s: float = 0.05
    shift: int = 5
    warm_up: int = 8
    clip: float = 0.0

    def features(self, channels):
        n = round((self.before_s + self.after_s) / self.phase_s)
        return tuple(
            f"{channel} {sign}{level} {p}"
            for channel in channels
            for sign in "+-"
            for level in range(self.levels)
            for p in range(n)
        )

    def _grid(self, sfreq):
        width = max(1, round(self.phase_s * sfreq))
        n = round((self.before_s + self.after_s) / self.phase_s)
        before = round(self.before_s * sfreq)
        lag = max(Detector(sfreq).delay, n * width - before)
        return width, n, before, lag

    def initial_state(self, n_channels, sfreq, rng):
        detector = Detector(sfreq)
        width, n, before, lag = self._grid(sfreq)
        z = np.zeros((n_channels, n), np.int64)
        return TemplateState(detector, Lagging(detector.start()), np.zeros((n_channels, lag + before), np.int64), z, z)

    def delay_s(self, sfreq):
        return self._grid(sfreq)[3] / sfreq

    def decode(self, spikes, sfreq):
        return np.zeros((len(spikes) // len(self.features(("",))), spikes.shape[1]), np.float32)

    def encode(self, chunk, state):
        width, n, before, lag = self._grid(state.detector.sfreq)
        n0 = state.beats.detector.n_samples
        beats, lagging = pass_beats(state.detector, chunk[0], state.beats, lag)
        x = np.nan_to_num(chunk.astype(np.float64) * UNIT, nan=0, posinf=LIMIT, neginf=-LIMIT)
        x = np.clip(np.rint(x), -LIMIT, LIMIT).astype(np.int64)
        x = np.concatenate([state.newest, x], 1)
        C = len(chunk)
        spikes = np.zeros((C, 2, self.levels, n, chunk.shape[1]), bool)
        usual, spread, ne = state.usual, state.spread, state.n_events
        thr = round(self.threshold * UNIT * width)
        for b in beats:
            if b < before:
                continue
            i = b - n0 + lag
            s = x[:, i : i + n * width].reshape(C, n, width).sum(2)
            d = s - (usual + 128 >> 8)
            if ne >= self.warm_up:
                for l in range(self.levels):
                    t = (thr << l) + (round(self.deviations * 256) * spread >> 16)
                    spikes[:, 0, l, :, i] = d > t
                    spikes[:, 1, l, :, i] = d < -t
            sh = gain_shift(ne, self.shift)
            dd = d
            if self.clip and ne >= self.warm_up:
                t=round(self.clip * thr)
                dd = np.clip(d, -t, t)
            a = np.abs(dd)
            spread = spread + (((a << 8) - spread) >> gain_shift(max(ne - 1, 0), self.shift)) if ne else spread
            usual = usual + ((dd << 8) >> sh)
            ne += 1
        after = TemplateState(state.detector, lagging, x[:, chunk.shape[1] :].copy(), usual, spread, ne)
        return spikes.reshape(-1, chunk.shape[1]), after
