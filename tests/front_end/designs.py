"""The data sets for which front ends are designed."""

from pathlib import Path

from ruamel.yaml import YAML

from pipeline.preparation.signals import SignalSettings

PARAMS = YAML(typ="safe").load(Path(__file__).parents[2] / "params.yaml")
RATES = {
    "ecg_demo": 250,
    "emg_demo": 1000,
    "eeg_demo": 250,
    "mitdb": 360,
    "emg_gestures": 200,
    "eegmat": 500,
}
"""Samples a second, as recorded."""


def settings_of(dataset: str) -> SignalSettings:
    return SignalSettings.model_validate(PARAMS["datasets"][dataset]["signal"])
