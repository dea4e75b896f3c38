"""What a code costs and keeps, against sums written out one by one."""

from math import ceil, log2, log10

import numpy as np
import pytest

from pipeline.axes import Samples, SpikeBits
from pipeline.encoders.base import Encoder
from pipeline.encoders.delta import Delta
from pipeline.encoders.events import Events
from pipeline.encoders.joined import Joined
from pipeline.encoders.poisson_burst import PoissonBurst
from pipeline.encoders.rhythm import Rhythm
from pipeline.encoders.sigma_delta import SigmaDelta
from pipeline.encoding import measure as module
from pipeline.encoding.encode import encode
from pipeline.encoding.measure import measure, operations_per_s
from pipeline.encoding.summary import excerpt, summarise
from pipeline.signals import Signal
from pipeline.spikes import Spikes, pack, unpack

SFREQ = 100.0


def waves(*hertz: float, n: int = 800, segments: tuple[int, ...] = (0,)) -> Signal:
    time = np.arange(n) / SFREQ
    rows = [2 * np.sin(2 * np.pi * f * time + f) for f in hertz]
    names = tuple(f"c{k}" for k in range(len(rows)))
    samples = np.array(rows, dtype=np.float32)
    return Signal(samples, SFREQ, names, ("1",) * len(rows), 0.0, segments)


def coded(encoder: Encoder[object], signal: Signal) -> Spikes:
    return encode(encoder, signal, np.random.default_rng(0))


class Late(Events):
    """A code that loses nothing, and whose decoder is late."""

    late: float = 2.0

    def decode(self, spikes: SpikeBits, sfreq: float) -> Samples:
        at = np.arange(spikes.shape[1]) - self.late
        rows = super().decode(spikes, sfreq)
        late = [np.interp(at, np.arange(len(row)), row) for row in rows]
        return np.asarray(late, dtype=np.float32)

    def decode_delays_s(self, n_channels: int, sfreq: float) -> tuple[float, ...]:
        return (self.late / sfreq,) * n_channels


def test_the_numbers_are_those_of_sums_written_out() -> None:
    signal, encoder = waves(1.0, 3.0, segments=(0, 301)), Delta(threshold=0.3)
    spikes = coded(encoder, signal)
    bits, table = unpack(spikes), measure(encoder, signal, spikes)
    assert table["channel"].tolist() == ["c0", "c1"]
    for channel, row in enumerate(table.itertuples()):
        power = error = 0.0
        for start, stop in ((0, 301), (301, 800)):
            x = signal.samples[channel, start:stop].astype(float).tolist()
            ons, offs = bits[2 * channel : 2 * channel + 2, start:stop].tolist()
            level, back = 0.0, []
            for on, off in zip(ons, offs, strict=True):
                level += 0.3 * (on - off)
                back.append(level)
            e = [b - a for a, b in zip(x, back, strict=True)]
            power += sum((each - sum(x) / len(x)) ** 2 for each in x)
            error += sum((each - sum(e) / len(e)) ** 2 for each in e)
        n = int(bits[2 * channel : 2 * channel + 2].sum())
        assert row.snr_db == pytest.approx(10 * log10(power / error), abs=1e-4)
        assert row.snr_db > 10
        assert (row.events, row.features) == (n, 2)
        assert row.events_per_s == pytest.approx(n / 8)
        assert row.sparsity == pytest.approx(1 - n / 1600)
        assert (row.raw_bits_per_s, row.packed_bits_per_s) == (1600, 200)
        address, time = ceil(log2(4)), ceil(log2(100))
        assert row.aer_bits_per_s == pytest.approx(n / 8 * (address + time))
        assert (row.decoded_s, row.snr_absent) == (8.0, "")


@pytest.mark.parametrize("late", [0.0, 2.0, 3.5])
def test_the_delay_of_the_decoder_is_taken_off(late: float) -> None:
    """Half a sample too, which interpolation gives back where the signal is slow."""
    steps = np.sign(np.sin(2 * np.pi * 0.4 * np.arange(800) / SFREQ))
    signal = Signal(steps[None].astype(np.float32), SFREQ, ("c0",), ("1",), 0.0)
    encoder = Late(late=late)
    (row,) = measure(encoder, signal, coded(encoder, signal)).itertuples()
    assert row.decoded_s == (800 - ceil(late)) / SFREQ
    if late == 3.5:
        assert row.snr_db > 20
    else:
        assert row.snr_absent == module.EXACT
        assert np.isnan(row.snr_db)


def test_sigma_delta_states_a_delay_that_fits() -> None:
    encoder, signal = SigmaDelta(average=8), waves(1.0)
    spikes = coded(encoder, signal)
    (found,) = measure(encoder, signal, spikes)["snr_db"]
    x, back = signal.samples[0], encoder.decode(unpack(spikes), SFREQ)[0]
    others = [
        10 * np.log10(np.var(x[: 800 - lag]) / np.var(back[lag:] - x[: 800 - lag]))
        for lag in range(8)
    ]
    assert found > max(others) - 0.5
    assert found > others[0] + 5


def test_a_burst_is_a_frame_later_than_the_decoder_below() -> None:
    encoder = PoissonBurst(of=SigmaDelta(average=9), frame_s=0.1)
    assert encoder.decode_delays_s(2, SFREQ) == pytest.approx((0.14, 0.14))


def test_where_there_is_no_reconstruction_a_reason_stands() -> None:
    encoder = Joined.model_validate(
        {
            "parts": [
                {"name": "rhythm", "channels": ["c1"]},
                {"name": "delta", "channels": ["c0", "c3"]},
            ]
        }
    )
    signal = waves(1.0, 1.0, 1.0, 1.0)
    signal.samples[3] = 1.0
    table = measure(encoder, signal, coded(encoder, signal))
    reasons = ["", module.SILENT, module.SILENT, module.CONSTANT]
    assert table["snr_absent"].tolist() == reasons
    assert table["snr_db"].isna().tolist() == [False, True, True, True]
    n_cells = len(Rhythm().features(("c1",)))
    assert table["features"].tolist() == [2, n_cells, 0, 2]
    assert table["sparsity"].isna().tolist() == [False, False, True, False]
    short = waves(1.0, n=5)
    (why,) = measure(Late(late=6), short, _silence(5))["snr_absent"]
    assert why == module.SHORT
    short.samples[0, 1] = np.nan
    (why,) = measure(Delta(), short, _silence(5))["snr_absent"]
    assert why == module.NOT_FINITE


def _silence(n: int) -> Spikes:
    return pack(np.zeros((2, n), bool), dt=0.01, delay_s=0, features=("c0+", "c0-"))


def test_a_joined_channel_has_the_delay_of_its_own_part() -> None:
    """Beside a code that is later, the reconstruction of delta is as it was."""
    parts = [{"name": "delta"}, {"name": "rhythm", "channels": ["c0"]}]
    encoder, signal = Joined.model_validate({"parts": parts}), waves(2.0, 3.0)
    joined = measure(encoder, signal, coded(encoder, signal))["snr_db"]
    alone = measure(Delta(), signal, coded(Delta(), signal))["snr_db"]
    np.testing.assert_array_equal(joined, alone)


@pytest.mark.parametrize("second", [301, 400])
def test_no_more_is_decoded_than_fits(
    monkeypatch: pytest.MonkeyPatch, second: int
) -> None:
    """What comes after it counts as events alone, in the segment where it ends too."""
    signal = waves(1.0, 3.0, segments=(0, second))
    spikes = coded(Delta(), signal)
    full = measure(Delta(), signal, spikes)
    monkeypatch.setattr(module, "DECODED_VALUES", 2 * 350)
    signal.samples[:, 350:] = np.nan
    table = measure(Delta(), signal, spikes)
    assert table["decoded_s"].tolist() == [3.5, 3.5]
    assert (table["events"] == full["events"]).all()
    assert table["snr_db"].notna().all()


def test_a_silent_last_segment_does_not_make_a_channel_silent() -> None:
    signal = waves(1.0, segments=(0, 400))
    signal.samples[:, 400:] = 0
    (row,) = measure(Delta(), signal, coded(Delta(), signal)).itertuples()
    assert (row.snr_absent, row.decoded_s) == ("", 8.0)
    assert row.snr_db > 5


def test_a_summary_pools_channels_by_their_length() -> None:
    signal = waves(1.0, 3.0)
    table = measure(Delta(), signal, coded(Delta(), signal))
    found = summarise(table)
    assert found["events_per_s"] == pytest.approx(table["events"].sum() / 16)
    assert found["sparsity"] == pytest.approx(1 - table["events"].sum() / 3200)
    assert found["snr_db"] == pytest.approx(table["snr_db"].mean())  # of two
    assert found["snr_db_lowest"] == table["snr_db"].min()
    assert (found["snr_channels"], found["snr_absent"]) == (2, {})
    assert found["packed_ratio"] == pytest.approx(2 / 16)
    assert found["aer_ratio"] == pytest.approx(table["aer_bits_per_s"].sum() / 3200)
    none = table.assign(snr_db=np.nan, snr_absent=module.SILENT)
    found = summarise(none)
    assert (found["snr_db"], found["snr_channels"]) == (None, 0)
    assert found["snr_absent"] == {module.SILENT: 2}


def test_operations_of_a_joined_code_are_those_of_its_channels() -> None:
    parts = [{"name": "delta", "channels": ["c1"]}]
    encoder = Joined.model_validate({"parts": parts})
    assert operations_per_s(encoder, ("c0", "c1"), SFREQ) == {"addition": 300}
    assert operations_per_s(Delta(), ("c0", "c1"), SFREQ) == {"addition": 600}


def test_an_excerpt_shows_one_channel_in_the_middle_of_what_is_decoded() -> None:
    signal = waves(1.0, 3.0)
    spikes = coded(Delta(), signal)
    channel, table = excerpt(Delta(), signal, spikes)
    assert channel == "c0"
    assert table.columns.tolist() == ["time_s", "signal", "decoded", "c0+", "c0-"]
    np.testing.assert_allclose(table["time_s"], np.arange(200, 600) / SFREQ)
    np.testing.assert_array_equal(table["signal"], signal.samples[0, 200:600])
    decoded = Delta().decode(unpack(spikes), SFREQ)[0].astype(float)
    decoded -= np.mean(decoded - signal.samples[0])
    np.testing.assert_allclose(table["decoded"], decoded[200:600])
    np.testing.assert_array_equal(table["c0-"], unpack(spikes, 200, 600)[1])
    rhythm = Rhythm()
    _, table = excerpt(rhythm, signal, coded(rhythm, signal))
    assert table["decoded"].isna().all()
    assert len(table) == 400
