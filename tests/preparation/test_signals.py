"""The settings of a signal, and what is refused."""

import pytest
from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.preparation import signals
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
