"""The codes of an encoder as C: constants, memory, and the order of the parts."""

import shutil
import textwrap
from pathlib import Path

import numpy as np

from pipeline.exporting.parts.c_arrays import WIDTH, constants, structure
from pipeline.front_end.chain import FrontEnd
from pipeline.front_end.coding import Part

FOLDER = "encoders"
"""Where the codes' own files lie in an exported folder."""

SOURCE = """\
/* The parts of the encoder; {folder}/ explains their constants. Generated. */
#include "encoder.h"

{prototypes}

static int32_t memory[{words}];

{parts}

void biospike_encoder_reset(void)
{{
    for (uint32_t k = 0; k < sizeof memory / sizeof *memory; k++)
        memory[k] = 0;
}}

void biospike_encode(const int32_t *levels, const int32_t *scales, uint8_t *spikes)
{{
{calls}
}}
"""


def write_encoder(front_end: FrontEnd, folder: Path) -> None:
    """Write `encoder.c`, `encoder.mk` and the codes that the encoder's parts are of."""
    used = sorted({part.source for part in front_end.parts})
    (folder / FOLDER).mkdir()
    for path in used:
        shutil.copyfile(path, folder / FOLDER / path.name)
    listed = " ".join(f"{FOLDER}/{path.name}" for path in used)
    (folder / "encoder.mk").write_text(f"CODES := {listed}\n", encoding="utf-8")
    (folder / "encoder.c").write_text(encoder_source(front_end), encoding="utf-8")


def encoder_source(front_end: FrontEnd) -> str:
    """Write `encoder.c`.

    Parameters
    ----------
    front_end : FrontEnd

    Returns
    -------
    source : str
    """
    written, first, word = [], 0, 0
    for number, part in enumerate(front_end.parts):
        written.append(_part(number, part, first, word))
        first, word = first + part.code.n_features, word + part.code.memory_words
    names = sorted({part.name for part in front_end.parts})
    calls = (
        f"    biospike_{part.name}(&part_{number}, levels, scales, spikes);"
        for number, part in enumerate(front_end.parts)
    )
    return SOURCE.format(
        folder=FOLDER,
        prototypes="\n".join(f"biospike_code biospike_{name};" for name in names),
        words=word,
        parts="\n".join(written),
        calls="\n".join(calls),
    )


def _part(number: int, part: Part, first: int, word: int) -> str:
    """Write a part's constants, and where its channels, memory and features are."""
    code = part.code
    named = code.numbers()
    numbers = np.concatenate(list(named.values()))
    listed = ", ".join(f"{k} {' '.join(map(str, v))}" for k, v in named.items())
    n_channels = len(part.rows)
    fields = {
        "constants": f"constants_{number}",
        "memory": f"memory + {word}",
        "channels": f"channels_{number}",
        "n_channels": n_channels,
        "words": code.n_words,
        "features": code.n_features // n_channels,
        "first": first,
    }
    return (
        textwrap.fill(f"/* {part.name}: {listed} */", WIDTH)
        + "\n"
        + constants("int32_t", f"constants_{number}", numbers)
        + constants("uint16_t", f"channels_{number}", np.array(part.rows))
        + f"static const struct biospike_part part_{number} = "
        + structure(list(fields.items()), "")
        + ";\n"
    )
