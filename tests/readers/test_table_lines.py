"""Lines of text files counted by bytes, against a plain look at each line."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.readers.parts.tables import lines
from pipeline.readers.parts.tables.head import Head, split
from pipeline.readers.parts.tables.lines import Lines, all_even, survey
from pipeline.readers.table import Table

HASH = Table(comment="#")
FIELD = st.from_regex(r"[0-9]{1,3}(\.[0-9])?", fullmatch=True)


def head(n_fields: int, delimiter: str, start: int = 0, line: int = 1) -> Head:
    names = tuple("abcdefgh"[:n_fields])
    return Head(names, ("",) * n_fields, (), delimiter, "utf-8", start, line)


def plainly(text: bytes, given: Head, settings_: Table) -> Lines:
    """Look at every line, one after the other."""
    rows, odd, apart, notes = [], {}, [], []
    n, number, zero = len(given.names), given.line - 1, None
    content = text[given.start :]
    pieces = content.split(b"\n")
    for raw in pieces[:-1] if pieces[-1] == b"" else pieces:
        number += 1
        if zero is None and b"\0" in raw:
            zero = number
        line = raw.decode()
        if settings_.comment and line.startswith(settings_.comment):
            apart.append(number)
            notes.append(line[1:].strip())
            continue
        if not line.strip(given.delimiter + " \t\r\n"):
            apart.append(number)
            continue
        rows.append(number)
        fields = split(line, given.delimiter)
        if len(fields) != n and not (len(fields) == n + 1 and fields[-1] == ""):
            odd[number] = line
    last = rows[-1] if rows else given.line
    cut = last in odd and len(split(odd[last], given.delimiter)) < n
    if cut:
        del odd[last]

    zero = None if cut and zero == last else zero
    return Lines(
        np.array(rows, int),
        odd,
        last if cut else None,
        tuple(apart),
        tuple(notes),
        zero,
    )


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, Head]:
    """A file with rows, some odd, comments and empty lines."""
    delimiter = draw(st.sampled_from(["\t", ";", ",", " "]))
    n = draw(st.integers(2, 4))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    row = st.lists(FIELD, min_size=n, max_size=n)
    odd = st.lists(FIELD, min_size=1, max_size=n + 2)
    kinds = st.one_of(
        row.map(delimiter.join),
        row.map(delimiter.join),
        row.map(lambda fields: delimiter.join(fields) + delimiter),
        odd.map(delimiter.join),
        st.just(""),
        st.just(delimiter * n),
        FIELD.map(lambda text: f"# note {text}"),
    )
    made = draw(st.lists(kinds, min_size=1, max_size=12))
    text = ending.join(["skipped", *made]) + draw(st.sampled_from([ending, ""]))
    start = len(f"skipped{ending}")
    return text.encode(), head(n, delimiter, start, 2)


@settings(max_examples=120)
@given(files(), st.sampled_from([1, 7, 1 << 18]))
def test_every_line_is_counted_once_in_pieces_of_any_size(
    made: tuple[bytes, Head], size: int
) -> None:
    text, given_head = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PIECE", size)
        found = survey(BytesIO(text), given_head, HASH)
        expected = plainly(text, given_head, HASH)
        even = all_even(BytesIO(text), given_head, HASH, len(expected.rows))
    assert found.rows.tolist() == expected.rows.tolist()
    assert {k: v.strip("\r\n") for k, v in found.odd.items()} == {
        k: v.strip("\r") for k, v in expected.odd.items()
    }
    assert (found.short, found.apart) == (expected.short, expected.apart)
    assert (found.notes, found.zero) == (expected.notes, expected.zero)
    cut = expected.short is not None
    fewest = [len(split(text, given_head.delimiter)) for text in expected.odd.values()]
    if even and not cut and min(fewest, default=9) >= len(given_head.names):
        assert not expected.odd  # all rows have their last field, and no other


def test_even_rows_are_seen_without_counting_lines() -> None:
    text = b"1,2\n3,4\n5,6\n"
    assert all_even(BytesIO(text), head(2, ","), HASH, 3)
    assert not all_even(BytesIO(text), head(2, ","), HASH, 2)
    assert not all_even(BytesIO(b"1,2\n#3,4\n5,6\n"), head(2, ","), HASH, 3)
    assert not all_even(BytesIO(b"#1,2\n3,4\n"), head(2, ","), HASH, 2)
    assert not all_even(BytesIO(b"1,2\n3,\x004\n"), head(2, ","), HASH, 2)
    assert all_even(BytesIO(b" 1  2\n3 4 \n"), head(2, " "), HASH, 2)


def test_a_row_of_delimiters_alone_is_empty_however_lines_end() -> None:
    for ending in (b"\n", b"\r\n"):
        text = ending.join([b"1;2;", b";;", b"3;4;", b";", b"", b"5;6;", b""])
        found = survey(BytesIO(text), head(2, ";"), HASH)
        assert found.rows.tolist() == [1, 3, 6]
        assert found.apart == (2, 4, 5)
        assert not found.odd


def test_delimiters_within_quotes_part_nothing() -> None:
    text = b'1,"a, b"\n2,c,d\n"x,y",3\n'
    found = survey(BytesIO(text), head(2, ","), Table())
    assert list(found.odd) == [2]
    assert found.rows.tolist() == [1, 2, 3]


def test_a_byte_of_zero_is_named_by_its_line() -> None:
    text = b"1,2\n3,4\n5,\x006\n7,8\n"
    assert survey(BytesIO(text), head(2, ","), HASH).zero == 3
    cut = b"1,2\n3,4\n5\x00"
    found = survey(BytesIO(cut), head(2, ","), HASH)
    assert (found.short, found.zero) == (3, None)  # the last row is left out anyway


def test_a_last_row_that_is_cut_is_no_odd_one() -> None:
    for last, short in ((b"5", 3), (b"5,6", None), (b"5,6,7", None)):
        found = survey(BytesIO(b"1,2\n3,4\n" + last), head(2, ","), HASH)
        assert found.short == short
        assert list(found.odd) == ([3] if last == b"5,6,7" else [])
