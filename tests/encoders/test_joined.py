"""Joined codes: each part as if it were alone, on its own channels."""

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.components import find
from pipeline.encoders.delta import Delta
from pipeline.encoders.joined import Joined
from pipeline.encoders.rate import Rate
from pipeline.encoders.rhythm import Rhythm
from pipeline.errors import ConfigError, DataError
from pipeline.testing import check_encoder

SFREQ = 120.0
CHANNELS = ("I", "II", "V1")
SIGNAL = np.random.default_rng(0).normal(size=(3, 500)).astype(np.float32)
PARTS = [
    {"name": "delta", "threshold": 0.25},
    {"name": "rate", "channels": ["V1", "I"]},
    {"name": "rhythm", "channels": ["II"]},
]


def joined(*parts: dict[str, object]) -> Joined:
    return Joined.model_validate({"parts": parts})


def encode(encoder: Joined, rng: np.random.Generator) -> np.ndarray:
    encoder = encoder.on(CHANNELS)
    return encoder.encode(SIGNAL, encoder.initial_state(3, SFREQ, rng))[0]


def test_rows_are_the_parts_rows_with_a_seed_each() -> None:
    encoder = joined(*PARTS)
    spikes = encode(encoder, np.random.default_rng(5))
    seeds = np.random.default_rng(5).spawn(3)
    alone = []
    for part, rows, seed in zip(
        (Delta(threshold=0.25), Rate(), Rhythm()),
        ([0, 1, 2], [2, 0], [1]),
        seeds,
        strict=True,
    ):
        state = part.initial_state(len(rows), SFREQ, seed)
        alone.append(part.encode(SIGNAL[rows], state)[0])
    np.testing.assert_array_equal(spikes, np.concatenate(alone))
    names = encoder.features(CHANNELS)
    assert len(names) == len(spikes)
    assert len(set(names)) == len(names)


def test_it_lists_its_parts_with_their_features() -> None:
    width = len(Rhythm().features(("II",)))
    expected = (("delta", 6), ("rate", 4), ("rhythm", width))
    for encoder in (joined(*PARTS), joined(*PARTS).on(CHANNELS)):
        assert encoder.named_parts(10 + width) == expected
    assert Delta().named_parts(6) == (("delta", 6),)


def test_names_that_would_repeat_have_their_parts_number() -> None:
    parts = {"name": "delta"}, {"name": "delta", "threshold": 2.0, "channels": ["I"]}
    names = joined(*parts).features(("I", "II"))
    assert names == ("1 I+", "1 I-", "1 II+", "1 II-", "2 I+", "2 I-")
    names = joined(PARTS[0], PARTS[2]).features(("I", "II"))
    assert names[:5] == ("I+", "I-", "II+", "II-", "II 1/0")


def test_the_contract_holds_with_parts_of_memory_and_chance() -> None:
    check_encoder(joined({"name": "rhythm"}, {"name": "rate"}, {"name": "template"}))


def test_a_part_knows_its_own_channels_alone() -> None:
    below = {"name": "joined", "parts": [{"name": "delta", "channels": ["V1"]}]}
    of_one = joined({"name": "poisson_burst", "of": below, "channels": ["I", "V1"]})
    assert encode(of_one, np.random.default_rng(5)).shape == (2, 500)
    of_none = joined({"name": "poisson_burst", "of": below, "channels": ["I"]})
    with pytest.raises(ConfigError, match="no channel 'V1'"):
        of_none.on(CHANNELS)


def test_the_delay_is_the_slowest_parts() -> None:
    delays = Delta().delay_s(SFREQ), Rhythm().delay_s(SFREQ)
    assert joined(*PARTS).delay_s(SFREQ) == max(delays) > min(delays)


def test_each_channel_is_decoded_by_the_first_part_that_has_it() -> None:
    encoder = joined({"name": "rhythm", "channels": ["I"]}, {"name": "delta"}).on(
        CHANNELS
    )
    spikes = encode(encoder, np.random.default_rng(0))
    alone = Delta().encode(SIGNAL, Delta().initial_state(3, SFREQ, None))[0]
    decoded, expected = encoder.decode(spikes, SFREQ), Delta().decode(alone, SFREQ)
    assert not decoded[0].any()
    np.testing.assert_array_equal(decoded[1:], expected[1:])
    assert encoder.decode_bound() is None
    assert joined({"name": "delta"}).decode_bound() == 0.5


def test_operations_are_counted_on_each_parts_channels() -> None:
    encoder = joined(PARTS[0], PARTS[1])
    n_features = len(encoder.features(CHANNELS))
    delta, rate = Delta().operations(), Rate().operations()
    counted = encoder.operations_per_step(n_features)
    assert counted["addition"] == 3 * delta["addition"] + 2 * rate["addition"]
    assert counted["random number"] == 2
    assert Delta().operations_per_step(6) == {"addition": 9}


def test_a_channel_that_is_not_there_is_named() -> None:
    encoder = joined({"name": "delta", "channels": ["MLI"]})
    for use in (encoder.on, encoder.features):
        with pytest.raises(ConfigError, match=r"no channel 'MLI'.*\n.*'MLII'"):
            use(("MLII", "chest"))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "at least 1 item"),
        ([{"name": "dleta"}], "did you mean 'delta'"),
        ([{"name": "delta", "treshold": 1}], "did you mean 'threshold'"),
        ([{"name": "delta", "threshold": 0}], "above 0"),
        ([{"name": "delta", "channels": []}], "at least 1 item"),
        ([{"threshold": 1}], "name: .*delta"),
        ([{"name": "joined"}], "joined in joined"),
    ],
)
def test_what_is_no_part_is_refused(parts: list[object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Joined.model_validate({"parts": parts})


def test_settings_are_written_as_they_are_read() -> None:
    encoder = joined(*PARTS)
    written = encoder.model_dump(mode="json")
    assert find("encoders", "joined").model_validate(written) == encoder
    assert written["parts"][1] == {
        "name": "rate",
        "full_scale": 5.0,
        "kind": "poisson",
        "channels": ["V1", "I"],
    }


def test_a_part_that_cannot_work_says_why() -> None:
    with pytest.raises(DataError, match="30 samples per second"):
        joined(*PARTS).on(CHANNELS).initial_state(3, 30.0, np.random.default_rng(0))
    oracle = joined({"name": "rhythm", "beats": "annotated"})
    assert oracle.is_oracle
    with pytest.raises(ConfigError, match="no annotated beats"):
        oracle.on(CHANNELS).initial_state(3, SFREQ, np.random.default_rng(0))
    assert not joined(*PARTS).is_oracle
