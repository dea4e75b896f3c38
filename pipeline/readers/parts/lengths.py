"""Files that hold more than their headers state."""

from collections.abc import Collection

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, either, unchecked_if

LARGEST_SPARE = 0.05
"""Share of a recording that may stand behind its end: padding, not samples."""


def spare(
    where: str,
    found: int,
    stated: int,
    header: str,
    unchecked: Collection[Check],
    what: str = "bytes",
    padding: int = 0,
) -> tuple[str, ...]:
    """Refuse a file that is much longer than its header states; else remark on it.

    Parameters
    ----------
    where : str
        The file.
    found, stated : int
    header : str
        What states the length.
    unchecked : collection of str
        The reader's setting.
    what : str
        What was counted.
    padding : int
        So many more are always let in.

    Raises
    ------
    DataError
        The samples would end in the middle of the file.
    """
    more = found - stated
    if more <= 0:
        return ()
    most = max(LARGEST_SPARE * stated, padding)
    if more > most and "checksum" not in unchecked:
        raise DataError(
            where,
            f"holds {found} {what}, and {header} states {stated}",
            expected="the length that is stated: samples may stand behind the end",
            remedy=either(
                REPLACE,
                "correct the header",
                LEAVE_OUT,
                unchecked_if("the header is right", "checksum"),
            ),
        )
    return (f"{what} behind the last sample, left out: {more}",)
