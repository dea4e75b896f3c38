"""A small task of several persons that are to be protected."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import files
from pipeline.networks.parts.settings import LayeredNetwork
from pipeline.neurons.leaky import Leaky
from pipeline.spikes import pack
from pipeline.training.privacy_settings import PrivacySettings
from pipeline.training.settings import TrainingSettings
from pipeline.training.task import Task

LABELS = ("calm", "busy")
N_PERSONS, N_WINDOWS, N_STEPS = 7, 12, 20


def private_task(folder: Path, network: LayeredNetwork) -> Task:
    """Seven persons: the first is tested, the second validates, the others train."""
    rng, tables = np.random.default_rng(5), []
    for person in range(N_PERSONS):
        labels = rng.permutation(np.arange(N_WINDOWS) % 2)
        rate = np.repeat(np.where(labels, 0.5, 0.05), N_STEPS)
        bits = rng.random((3, rate.size)) < rate
        spikes = pack(bits, dt=0.02, delay_s=0.0, features=("a", "b", "c"))
        files.save_spikes(folder / f"r{person}.h5", spikes)
        start = np.arange(N_WINDOWS) * N_STEPS
        known = {
            "window": person * N_WINDOWS + np.arange(N_WINDOWS),
            "recording": f"r{person}",
            "subject": f"s{person}",
            "session": "1",
            "segment": 0,
            "block": np.arange(N_WINDOWS),
            "start": start,
            "stop": start + N_STEPS,
            "segment_start": 0,
            "segment_stop": N_WINDOWS * N_STEPS,
            "label": np.array(LABELS)[labels],
        }
        tables.append(pd.DataFrame(known))
    windows = pd.concat(tables, ignore_index=True)
    roles = {"s0": "test", "s1": "validation"}
    role = windows["subject"].map(lambda person: roles.get(person, "train"))
    return Task(
        name="toy-delta-private",
        spikes=folder,
        windows=windows,
        folds=pd.DataFrame({"window": windows["window"], "fold": 0, "role": role}),
        labels=LABELS,
        network=network,
        neuron=Leaky(),
        settings=TrainingSettings(
            epochs=3, patience=3, batch=24, learning_rate=0.02, segment_s=0.8
        ),
        seed=5,
        inputs={"spikes": "1234"},
        privacy=PrivacySettings(noise=1.5, persons_per_step=3, steps=10),
    )
