"""Compare integer codes with floating point: `python benchmarks/integer_codes.py`.

Every encoder that has an integer form encodes real recordings twice: as the chain does,
and as a device does, from the samples of a 24-bit converter on. Printed are the share
of the spikes that differ, and, but of beats, how far the running sums of ON − OFF of a
channel ever lie apart. Data are found in `BIOSPIKE_MIRROR`, or `../shared/data`.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

from pipeline.components import find
from pipeline.encoders.parts.beats import BeatCode
from pipeline.front_end.chain import design_front_end, digitise
from pipeline.front_end.coding import available
from pipeline.preparation.causal import process
from pipeline.preparation.signals import SignalSettings, design

DATA = Path(os.environ.get("BIOSPIKE_MIRROR", "../shared/data"))
DATASETS = YAML(typ="safe").load(Path("params.yaml"))["datasets"]


def hearts() -> Iterator[np.ndarray]:
    """Read electrocardiograms, volts."""
    import wfdb

    for path in sorted((DATA / "mitdb").glob("*.dat")):
        yield wfdb.rdrecord(str(path.with_suffix(""))).p_signal.T * 1e-3


def brains() -> Iterator[np.ndarray]:
    """Read electroencephalograms, volts."""
    import mne

    wanted = DATASETS["eegmat"]["reader"]["channels"]
    for path in sorted((DATA / "eegmat").glob("*.edf")):
        raw = mne.io.read_raw_edf(path, verbose="error")
        yield raw.get_data(
            [n for n in raw.ch_names if n.removeprefix("EEG ") in wanted]
        )


def compare(encoder: Any, dataset: str, recordings: list[np.ndarray]) -> str:
    """Encode recordings both ways, and describe how they differ."""
    settings = SignalSettings.model_validate(DATASETS[dataset]["signal"])
    sfreq = {"mitdb": 360, "eegmat": 500}[dataset]
    plan = design(settings, sfreq)
    differ = total = apart = 0
    for volts in recordings:
        signal, _ = process(volts, None, plan)
        rng = np.random.default_rng(0)
        state = encoder.initial_state(len(signal), plan.sfreq, rng)
        floating, _ = encoder.encode(signal, state)
        front_end = design_front_end(settings, encoder, sfreq, len(volts))
        integer, _ = front_end.encode(digitise(volts))
        differ += int((floating ^ integer).sum())
        total += int((floating | integer).sum())
        if not isinstance(encoder, BeatCode):
            change = encoder.counts(floating).astype(int) - encoder.counts(integer)
            apart = max(apart, int(np.abs(change.cumsum(axis=1)).max()))
    share = f"{differ / total:.3%} of {total} spikes"
    if isinstance(encoder, BeatCode):
        return share
    return f"{share}, sums up to {apart} apart"


def main() -> None:
    """Print a line for each encoder and data set."""
    for dataset, read in (("mitdb", hearts), ("eegmat", brains)):
        recordings = list(read())
        for name in available():
            kind: Any = find("encoders", name)
            if dataset == "mitdb" or not issubclass(kind, BeatCode):
                line = compare(kind(), dataset, recordings)
                print(f"{dataset:8}{name:20}{line}", flush=True)


if __name__ == "__main__":
    main()
