"""A trial: some recordings are read as the proposed entry describes them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.components import find
from pipeline.errors import DataError
from pipeline.ingestion.values import IN_FILES, Values
from pipeline.proposal.files import Recordings, readable
from pipeline.proposal.looking import spread
from pipeline.readers.base import Content, Origin, Reader

TRIED = 3
SECONDS = 10


def read(
    recordings: Recordings, reader: Mapping[str, Any], label: Mapping[str, Any]
) -> list[str]:
    """Read the beginning of a few recordings; give the messages of those refused.

    Parameters
    ----------
    recordings : Recordings
    reader : mapping
        Its settings, with its name.
    label : mapping
        The setting `values.label`.

    Raises
    ------
    DataError
        None of them can be read.
    """
    settings = {key: value for key, value in reader.items() if key != "name"}
    made = find("readers", str(reader["name"])).model_validate(settings)
    assert isinstance(made, Reader)
    values = Values.model_validate({"label": dict(label)})
    origins = [v.origin for v in values.each if v.place in IN_FILES]
    mains = spread(recordings.mains, TRIED)
    problems: list[DataError] = []
    with readable(recordings, mains) as folder:
        for main in mains:
            files = [main, *made.companions(folder, main, recordings.names)]
            try:
                content = made.read(folder, files, origins)
                stop = min(content.n_samples, round(SECONDS * content.sfreq))
                if not np.isfinite(content.read(0, stop)).all():
                    problems.append(_not_finite(main))
                elif _all_outside(content, values.label.origin):
                    problems.append(_outside(main))
            except DataError as error:
                problems.append(error)
    if len(problems) == len(mains):
        raise problems[0]
    return [str(problem) for problem in problems]


def _all_outside(content: Content, origin: Origin) -> bool:
    """Whether there are labels at times, and none lies in the signal."""
    if origin not in content.marks:
        return False
    last = content.segments[-1]
    end_s = last.onset_s + (content.n_samples - last.start) / content.sfreq
    onset_s = content.marks[origin].onset_s
    return bool(len(onset_s)) and not bool(((onset_s >= 0) & (onset_s < end_s)).any())


def _outside(main: str) -> DataError:
    return DataError(
        main,
        "all of its labels lie outside the signal",
        expected="labels on the recording's own clock, in seconds from its start",
        remedy="correct the times, or take the labels from elsewhere: --label",
    )


def _not_finite(main: str) -> DataError:
    return DataError(
        main,
        "holds samples that are no numbers",
        expected="numbers",
        remedy="set the reader's `missing: pause` in the entry",
    )
