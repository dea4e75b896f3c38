"""The tags of a FIF file, walked through before MNE reads it.

MNE stops where a tag makes no sense, and takes what came before for all there is.
Layout: Functional Image File Format, Elekta Neuromag, "Tags".
"""

import mmap
import struct
from collections.abc import Collection
from pathlib import Path

from pipeline.errors import DataError
from pipeline.readers.base import LEAVE_OUT, REPLACE, Check, either
from pipeline.readers.parts.lengths import spare

TAG = struct.Struct(">4i")
BEGIN, END = 104, 105
"""Kinds of the tags around a block."""
LAST = -1
TYPES = {*range(12), 13, 14, 16, 20, 21, 23, *range(30, 37)}
"""The types of a tag's content, apart from the storage of a matrix of it."""


def check_fif(path: Path, where: str, unchecked: Collection[Check]) -> tuple[str, ...]:
    """Walk through the tags up to the last.

    Raises
    ------
    DataError
        A tag makes no sense, blocks do not end as they begin, or the file goes on far
        behind its last tag.
    """
    with (
        path.open("rb") as stream,
        mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        at = 0
        blocks: list[bytes] = []
        while True:
            if at + TAG.size > len(content):
                raise _damaged(where, f"ends without a last tag, at byte {at}")
            kind, form, size, following = TAG.unpack_from(content, at)
            end = at + TAG.size + size
            sound = kind > 0 and form & 0xFFFF in TYPES and size >= 0
            if sound and kind in (BEGIN, END):
                block = content[at + TAG.size : end]
                sound = kind == BEGIN or blocks[-1:] == [block]
                blocks = [*blocks, block] if kind == BEGIN else blocks[:-1]
            if not sound or end > len(content):
                raise _damaged(
                    where,
                    f"the tag at byte {at} is of kind {kind}, type {form} and {size} "
                    "bytes",
                )
            if following == LAST:
                break
            if following and following <= at:
                raise _damaged(where, f"the tag at byte {at} leads back")
            at = following or end
        if blocks:
            raise _damaged(where, f"{len(blocks)} blocks are not closed")
        return spare(where, len(content), end, "its last tag", unchecked)


def _damaged(where: str, found: str) -> DataError:
    return DataError(
        where,
        f"is damaged: {found}",
        expected="tags that follow each other to the end",
        remedy=either(REPLACE, LEAVE_OUT),
    )
