"""Annotation files cut at every place: what is complete is kept, or all is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.readers.parts.wfdb.pairs import NOTE, SKIP, read_pairs
from tests.fuzz.writing import mit_annotations

MARKS = [(10, "N", ""), (900, "V", ""), (5000, "+", "(AFIB"), (5001, "N", "x")]
WHOLE = mit_annotations(MARKS)


def entries(content: np.ndarray) -> int:
    """Count annotations by a plain walk over the pairs."""
    at, count = 0, 0
    while at < len(content) and content[at].any():
        code = int(content[at, 1]) >> 2
        if code == SKIP:
            at += 3
        elif code == NOTE:
            at += 1 + (int(content[at, 0]) + 1) // 2
        else:
            count += code < 60
            at += 1
    return count


def write(folder: Path, content: bytes) -> Path:
    path = folder / "a.atr"
    path.write_bytes(content)
    return path


def test_a_complete_file_is_read_as_it_is(tmp_path: Path) -> None:
    found = read_pairs(write(tmp_path, WHOLE), "a.atr", check_end=True)
    assert found.content.tobytes() == WHOLE
    assert found.remarks == ()
    assert entries(found.content) == len(MARKS)


@pytest.mark.parametrize("length", range(1, len(WHOLE)))
def test_a_file_that_is_cut_keeps_complete_annotations(
    tmp_path: Path, length: int
) -> None:
    path = write(tmp_path, WHOLE[:length])
    with pytest.raises(DataError, match=f"cut short after {length} bytes") as caught:
        read_pairs(path, "a.atr", check_end=True)
    assert "[end]" in caught.value.remedy
    found = read_pairs(path, "a.atr", check_end=False)
    there, complete = length // 2 * 2, 0
    for n, (at, symbol, _) in enumerate(MARKS):
        end = len(mit_annotations(MARKS[: n + 1])) - 2
        without_note = len(mit_annotations([*MARKS[:n], (at, symbol, "")])) - 2
        # Of a text that is gone altogether nothing shows that it was there.
        complete += end <= there or without_note == there
    assert entries(found.content) == complete
    assert found.content[-1].tolist() == [0, 0]
    (remark,) = found.remarks
    assert remark == f"annotations: is cut short after {length} bytes: no end mark"


@given(st.binary(min_size=1, max_size=9))
@settings(max_examples=30)
def test_bytes_behind_the_end_are_counted(
    tmp_path_factory: pytest.TempPathFactory, more: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("a"), WHOLE + more)
    with pytest.raises(DataError, match=f"{len(more)} bytes stand behind the end mark"):
        read_pairs(path, "a.atr", check_end=True)
    found = read_pairs(path, "a.atr", check_end=False)
    assert found.content.tobytes() == WHOLE
    assert found.remarks[0].startswith(f"annotations: {len(more)} bytes")


@pytest.mark.parametrize("code", [60, 61, 62, 63])
@pytest.mark.parametrize("check_end", [True, False])
def test_what_belongs_to_no_annotation_is_refused(
    tmp_path: Path, code: int, check_end: bool
) -> None:
    stray = bytes([0, code << 2])
    first = mit_annotations(MARKS[:1])[:-2]
    # Right at the start nothing is complete; twice after one is once too often.
    for content, at in ((first + stray * 2 + bytes(2), 4), (first + stray, 0)):
        path = write(tmp_path, content)
        if at:
            with pytest.raises(DataError, match=f"annotation, at byte {at}"):
                read_pairs(path, "a.atr", check_end=check_end)
        elif not check_end:
            found = read_pairs(path, "a.atr", check_end=False)
            assert entries(found.content) == 1


NOTES = st.text("abc(", max_size=5)
STEPS = st.tuples(st.integers(1, 5000), st.sampled_from("NVA+"), NOTES)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=12))
def test_any_annotations_are_counted(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, str]]
) -> None:
    samples = np.cumsum([step for step, _, _ in steps]).tolist()
    marks = [(at, s, note) for at, (_, s, note) in zip(samples, steps, strict=True)]
    content = mit_annotations(marks)
    path = write(tmp_path_factory.mktemp("a"), content)
    found = read_pairs(path, "a.atr", check_end=True)
    assert entries(found.content) == len(marks)
    assert found.content.tobytes() == content
