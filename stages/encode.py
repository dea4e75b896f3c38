"""encode: the continuous signal of every recording as a spike train."""

from itertools import chain

import numpy as np

from pipeline import files, unfinished
from pipeline.encoders.base import Encoder
from pipeline.encoding.encode import annotated_beats, encode_dataset
from pipeline.encoding.summary import save_summary
from stages import Stage, run

SECTIONS = ("seed", "encoders.{encoder}")


def main(stage: Stage) -> str:
    """Encode the prepared signals of a data set as spike trains."""
    encoder: Encoder[object] = stage.read("encoders.{encoder}")
    dataset = stage.names["dataset"]
    with (
        unfinished.finishing(files.folder("spikes", stage.label)) as target,
        unfinished.finishing(files.folder("encoding", stage.label)) as tables,
    ):
        encoded = encode_dataset(
            encoder,
            target,
            name=stage.names["encoder"],
            dataset=dataset,
            seed=stage.read("seed"),
            code=stage.code,
            annotated=annotated_beats(dataset) if encoder.is_oracle else None,
        )
        # Recordings of different features are refused when they are to train together.
        parts = [encoder.named_parts(one.n_features) for one in encoded[:1]]
        settings = stage.settings("encoders.{encoder}") | {"parts": [*chain(*parts)]}
        files.save_json(target / "settings.json", settings)
        found = save_summary(tables, encoded, encoder, dataset, target)
    made = sum(one.made for one in encoded)
    rate = np.mean([one.spikes_per_s for one in encoded])
    kept = f" ({len(encoded) - made} as before)" if made < len(encoded) else ""
    snr = "" if found["snr_db"] is None else f", SNR {found['snr_db']:.1f} dB"
    return f"{len(encoded)} recordings{kept}, {rate:.1f} spikes/s a feature{snr}"


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder"), sections=SECTIONS)
