"""The settings of a signal, and what is refused."""

import numpy as np
import pytest
from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.preparation import causal, signals
from pipeline.preparation.signals import Scale, SignalSettings

WIDE = Scale(tau_s=1.0, floor=1e-6)


def settings(**changes: object) -> SignalSettings:
    return SignalSettings.model_validate({"scale": WIDE, **changes})


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"h_freq": 60}, "h_freq"), ({"notch": 50}, "notch"), ({"sfreq": 99.99}, "sfreq")],
)
def test_settings_that_do_not_fit_the_rate_name_their_key(changes, key):
    with pytest.raises(ConfigError, match=f"signal.{key}"):
        signals.design(settings(**changes), 100)


@pytest.mark.parametrize(
    "changes",
    [{"l_freq": 40, "h_freq": 5}, {"h_freq": 70, "sfreq": 120}, {"l_freq": 0}],
)
def test_a_band_in_disorder_is_refused(changes):
    with pytest.raises(ValidationError):
        settings(**changes)


def test_without_a_scale_values_pass_as_they_are() -> None:
    plan = signals.design(SignalSettings(scale=None), 250)
    samples = np.random.default_rng(0).integers(-1, 2, (3, 400)).astype(float)
    first, state = causal.process(samples[:, :150], None, plan)
    second, _ = causal.process(samples[:, 150:], state, plan)
    np.testing.assert_array_equal(np.hstack([first, second]), samples)
    assert plan.delay_s == 0
