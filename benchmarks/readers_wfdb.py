"""Time the WFDB reader beside wfdb: `python benchmarks/readers_wfdb.py [MIRROR]`.

The mirror is a folder with `mitdb` and `formats/wfdb`, by default that of
`BIOSPIKE_MIRROR`. Both read each record from its files to float64 in memory, wfdb as
one call of `rdrecord` (and of `rdann`), the reader with all its checks and in volts.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import wfdb
from rich.console import Console
from rich.table import Table

from pipeline.readers.wfdb import Wfdb

REPEATS = 15
RECORDS = (
    ("mitdb/101", None, True),
    ("mitdb/101", None, False),
    ("formats/wfdb/s0010_re", None, False),
    ("formats/wfdb/a103l", ["II", "V"], False),
    ("formats/wfdb/flac_3_constant", None, False),
    ("formats/wfdb/multi-segment/fixed1/v102s", ["II", "V"], False),
)
"""Records, their channels, and whether annotations are read too."""


def ours(
    mirror: Path, record: str, channels: list[str] | None, annotated: bool
) -> None:
    """Read a record through the reader."""
    origins = [("annotation", "")] if annotated else []
    reader = Wfdb.model_validate({"channels": channels})
    content = reader.read(mirror, [f"{record}.hea"], origins)
    content.read(0, content.n_samples)


def theirs(
    mirror: Path, record: str, channels: list[str] | None, annotated: bool
) -> None:
    """Read a record through wfdb."""
    path = str(mirror / record)
    wfdb.rdrecord(path, channel_names=channels)
    if annotated:
        wfdb.rdann(path, "atr")


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def main() -> None:
    """Time both in turn, several rounds a record; print medians."""
    default = os.environ.get("BIOSPIKE_MIRROR", "../shared/data")
    mirror = Path(sys.argv[1] if len(sys.argv) > 1 else default)
    table = Table("record", "annotations", "reader ms", "wfdb ms", "ratio")
    for record, channels, annotated in RECORDS:
        case = (mirror, record, channels, annotated)
        rounds = [
            (seconds(lambda c=case: ours(*c)), seconds(lambda c=case: theirs(*c)))
            for _ in range(REPEATS)
        ]
        reader, peer = (statistics.median(each) for each in zip(*rounds, strict=True))
        table.add_row(
            record,
            "yes" if annotated else "no",
            f"{reader * 1e3:.1f}",
            f"{peer * 1e3:.1f}",
            f"{reader / peer:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
