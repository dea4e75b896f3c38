"""The beginning of text files of many layouts, made of known parts."""

import bz2
import gzip
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.readers.parts.tables.head import open_text, read_head, split, texts_after
from pipeline.readers.table import Table

WORD = st.from_regex(r"[A-Za-zä-ü][A-Za-zä-ü0-9]{0,6}", fullmatch=True)
NUMBER = st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,2})?", fullmatch=True)


@settings(max_examples=120)
@given(
    names=st.lists(WORD, min_size=2, max_size=5, unique=True),
    numbers=st.data(),
    delimiter=st.sampled_from(["\t", ";", "|", ",", " "]),
    skipped=st.lists(WORD, max_size=2),
    comments=st.lists(WORD, max_size=2),
    has_header=st.booleans(),
    has_units=st.booleans(),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_names_delimiter_notes_and_the_first_row_are_found(
    names: list[str],
    numbers: st.DataObject,
    delimiter: str,
    skipped: list[str],
    comments: list[str],
    has_header: bool,
    has_units: bool,
    ending: str,
) -> None:
    row = numbers.draw(st.lists(NUMBER, min_size=len(names), max_size=len(names)))
    has_units = has_units and has_header
    lines = [*skipped, *(f"# {word}" for word in comments)]
    lines += [delimiter.join(names)] * has_header
    lines += [delimiter.join("[mV]" for _ in names)] * has_units
    before = ending.join(lines) + ending * bool(lines)
    text = before + delimiter.join(row) + ending + delimiter.join(row) + ending
    asked = Table(comment="#", skip=len(skipped), header=has_header, unit_row=has_units)
    found = read_head("x.csv", BytesIO(text.encode()), asked, None)
    expected = names if has_header else [str(k) for k in range(len(names))]
    assert found.names == tuple(expected)
    assert found.units == (("mV",) if has_units else ("",)) * len(names)
    assert found.delimiter == delimiter
    assert found.notes == (*skipped, *comments)
    assert found.start == len(before.encode())
    assert found.line == len(lines) + 1
    assert text.encode()[found.start :].startswith(row[0].encode())


def test_a_comma_may_be_the_sign_of_decimals() -> None:
    head = read_head("x", BytesIO(b"a;b\n1,5;2,5\n"), Table(decimal=","), None)
    assert head.delimiter == ";"
    head = read_head("x", BytesIO(b"a,b\n1,2\n"), Table(), None)
    assert head.delimiter == ","
    head = read_head("x", BytesIO(b"a\n1\n2\n"), Table(), None)
    assert (head.delimiter, head.names) == ("\t", ("a",))


def test_a_delimiter_at_the_end_of_lines_makes_no_column() -> None:
    head = read_head("x", BytesIO(b"a;b;\n1;2;\n"), Table(), None)
    assert head.names == ("a", "b")
    head = read_head("x", BytesIO(b"a;;c\n1;2;3\n"), Table(), None)
    assert head.names == ("a", "1", "c")  # a column without a name has its place


def test_electrodes_of_a_grid_are_names_and_no_numbers() -> None:
    head = read_head("x", BytesIO(b"1_1,1_2\n3,4\n"), Table(), None)
    assert head.names == ("1_1", "1_2")


@pytest.mark.parametrize(
    ("content", "encoding", "name"),
    [
        ("größe,b\n1,2\n".encode(), "utf-8", "größe"),
        ("größe,b\n1,2\n".encode("utf-8-sig"), "utf-8", "größe"),
        ("größe,b\n1,2\n".encode("cp1252"), "cp1252", "größe"),
        ("größe,b\n1,2\n".encode("utf-16"), "utf-8", "größe"),
    ],
)
def test_encodings_are_marked_or_found(
    tmp_path: Path, content: bytes, encoding: str, name: str
) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    stream, marked = open_text(tmp_path / "x.csv", None)
    with stream:
        head = read_head("x.csv", stream, Table(), marked)
    assert (head.names[0], head.encoding) == (name, encoding)
    stream.close()


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), ("", bytes)]
)
def test_packed_files_are_read_as_plain_ones(
    tmp_path: Path, suffix: str, pack: type
) -> None:
    path = tmp_path / f"x.csv{suffix}"
    path.write_bytes(pack(b"a,b\n1,2\n"))
    stream, encoding = open_text(path, None)
    with stream:
        assert read_head("x.csv", stream, Table(), encoding).names == ("a", "b")


@pytest.mark.parametrize(
    ("text", "settings_", "found"),
    [
        ("", Table(), "holds no row"),
        ("a,b\n", Table(), "holds no row"),
        ("# a\n# b\n", Table(comment="#"), "holds no row"),
        ("a,b\n1,2\n", Table(skip=1), "holds no row"),
        ("1,2\n3,4\n", Table(), "the header is 1, 2"),
        ("1;2,5\n3;4\n", Table(), "the header is 1, 2,5"),
    ],
)
def test_a_file_without_rows_or_names_is_refused(
    text: str, settings_: Table, found: str
) -> None:
    with pytest.raises(DataError) as caught:
        read_head("x.csv", BytesIO(text.encode()), settings_, None)
    assert found in caught.value.found
    assert caught.value.remedy


FIELD = st.text("abc 1.5", max_size=4).map(str.strip)


@given(st.lists(FIELD, min_size=2, max_size=5))
def test_fields_are_those_that_were_joined(fields: list[str]) -> None:
    assert split(";".join(fields) + "\r\n", ";") == fields
    assert split(" ".join(fields), " ") == [part for f in fields for part in f.split()]


NOTES = ("group: control", "arm = left ", "site:ward 3;;", "nothing", "group: 7.0")


@pytest.mark.parametrize(
    ("key", "texts"),
    [("group", ("control", "7")), ("arm", ("left",)), ("site", ("ward 3",))],
)
def test_texts_stand_after_their_key(key: str, texts: tuple[str, ...]) -> None:
    assert texts_after("x", NOTES, key, ";") == texts


def test_all_notes_are_given_for_no_key_and_keys_are_named_for_a_wrong_one() -> None:
    assert len(texts_after("x", NOTES, "", ";")) == len(NOTES)
    with pytest.raises(DataError, match="keys there: group, arm, site"):
        texts_after("x", NOTES, "hand", ";")
    with pytest.raises(DataError, match="keys there: none"):
        texts_after("x", (), "hand", ";")
