"""Headers of WFDB records: each field as it is written, or a refusal that names it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import DataError
from pipeline.readers.parts.wfdb.header import read_header, values

NAME = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
DESCRIPTION = st.from_regex(r"[A-Za-z][A-Za-z0-9 +-]{0,10}[A-Za-z0-9]", fullmatch=True)


def write(folder: Path, text: str | bytes) -> Path:
    raw = text if isinstance(text, bytes) else text.encode()
    (folder / "a.hea").write_bytes(raw)
    return folder


@st.composite
def signals(draw: st.DrawFn) -> dict[str, Any]:
    """A signal's line, as fields."""
    return {
        "file": f"{draw(NAME)}.dat",
        "fmt": str(draw(st.sampled_from([16, 212, 80, 32, 310]))),
        "per_frame": draw(st.integers(1, 9)),
        "skew": draw(st.integers(0, 9)),
        "offset": draw(st.integers(0, 999)),
        "gain": draw(st.sampled_from([200.0, 1.5, 1000.0, 0.25])),
        "unit": draw(st.sampled_from(["mV", "uV", "V", "mmHg"])),
        "first": draw(st.integers(-2000, 2000)),
        "checksum": draw(st.integers(-32768, 32767)),
        "name": draw(DESCRIPTION),
    }


def line_of(s: dict[str, Any]) -> str:
    fmt = f"{s['fmt']}x{s['per_frame']}:{s['skew']}+{s['offset']}"
    counts = f"16 0 {s['first']} {s['checksum']} 0"
    return f"{s['file']} {fmt} {s['gain']:g}(0)/{s['unit']} {counts} {s['name']}"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=st.lists(signals(), min_size=1, max_size=4),
    rate=st.sampled_from(["360", "250.5", "100/100", "128/128.5(0)"]),
    length=st.integers(0, 10**7),
    ending=st.sampled_from(["\n", "\r\n"]),
    comments=st.lists(DESCRIPTION, max_size=3),
)
def test_every_field_is_read_as_it_is_written(
    tmp_path: Path,
    made: list[dict[str, Any]],
    rate: str,
    length: int,
    ending: str,
    comments: list[str],
) -> None:
    first = f"a {len(made)} {rate} {length}"
    lines = ["# first", first, *map(line_of, made), *(f"# {c}" for c in comments), ""]
    found = read_header(write(tmp_path, ending.join(lines)), "a.hea")
    assert found.rate == float(rate.partition("/")[0])
    assert (found.rate_text, found.length) == (rate, length)
    assert found.comments == ("first", *comments)
    assert found.segments == ()
    assert len(found.signals) == len(made)
    for signal, expected in zip(found.signals, made, strict=True):
        assert {name: getattr(signal, name) for name in expected} == expected
        assert signal.unclear == ""


def test_what_is_not_stated_is_not_made_up(tmp_path: Path) -> None:
    found = read_header(write(tmp_path, "a 2\nx.dat 16\ny.dat 16 0/mV\n"), "a.hea")
    assert (found.rate, found.rate_text, found.length) == (None, "", None)
    first, second = found.signals
    assert (first.gain, first.unit, first.first, first.checksum) == (
        None,
        "",
        None,
        None,
    )
    assert (first.name, second.name) == ("signal 0", "signal 1")
    assert (second.gain, second.unit) == (None, "mV")
    assert (first.per_frame, first.skew, first.offset) == (1, 0, 0)


@pytest.mark.parametrize(
    ("rate", "value"),
    [("360", 360.0), (".5", 0.5), ("0", None), ("1e3", None), ("abc", None),
     ("250/", None), ("250/250(", None), ("-250", None)],
)  # fmt: skip
def test_a_rate_that_is_no_number_is_none(
    tmp_path: Path, rate: str, value: float | None
) -> None:
    found = read_header(write(tmp_path, f"a 1 {rate} 100\nx.dat 16\n"), "a.hea")
    assert (found.rate, found.rate_text) == (value, rate)


def test_segments_are_names_and_frames(tmp_path: Path) -> None:
    text = "a/3 2 250 600\na_layout 0\n~ 100\na_1 500\n"
    found = read_header(write(tmp_path, text), "a.hea")
    assert found.segments == (("a_layout", 0), ("~", 100), ("a_1", 500))
    assert (found.signals, found.length) == ((), 600)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "is empty"),
        ("# nothing\n", "names no record"),
        ("a\n", "names no record"),
        ("a b 250\n", "names no record"),
        ("a 2 250 100\nx.dat 16\n", "1 lines of signals; its first: 2"),
        ("a 1 250 100\nx.dat 16\ny.dat 16\n", "2 lines of signals; its first: 1"),
        ("a/2 1 250 100\nb 50\n", "1 lines of segments; its first: 2"),
        ("a 1 250 ten\nx.dat 16\n", "the length 'ten'"),
        ("a 1 250 100\nx.dat\n", "line of signal 0 cannot be read"),
        (
            "a 1 250 100\nx.dat 16 200 12 zero 5 6 0 I\n",
            "field 5 of signal 0 is 'zero'",
        ),
        ("a 1 250 ١٠٠\nx.dat 16\n", "which is no ASCII"),
        ("a 1 250 100\nx.dat 16 200 12 ١ 5 6 0 I\n", "which is no ASCII"),
    ],
)
def test_a_damaged_header_is_refused_by_name(
    tmp_path: Path, text: str, found: str
) -> None:
    with pytest.raises(DataError) as caught:
        read_header(write(tmp_path, text), "a.hea")
    assert caught.value.where == "a.hea"
    assert found in caught.value.found
    assert caught.value.remedy


def test_signs_of_units_and_names_are_kept(tmp_path: Path) -> None:
    text = "a 1 250 100\nx.dat 16 200(0)/µV 16 0 0 0 0 Ableitung Ä\n"
    found = read_header(write(tmp_path, text), "a.hea").signals[0]
    assert (found.unit, found.name) == ("µV", "Ableitung Ä")
    latin = read_header(write(tmp_path, text.encode("latin-1")), "a.hea").signals[0]
    assert (latin.unit, latin.name) == ("µV", "Ableitung Ä")


def test_a_gain_that_wfdb_reads_wrongly_is_unclear(tmp_path: Path) -> None:
    text = "a 1 250 100\nx.dat 16 1E3/mV 16 0 0 0 0 II\n"
    found = read_header(write(tmp_path, text), "a.hea").signals[0]
    assert found.unclear == "16 1E3/mV"
    assert (found.unit, found.name) == ("mV", "II")


COMMENTS = ("Age: 56", "Sex=F", "<dx>: a  <group>: b, c", "no key", "Age: 57")


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("Age", ("56", "57")),
        ("#age ", ("56", "57")),
        ("SEX", ("F",)),
        ("dx", ("a",)),
        ("<Group>", ("b, c",)),
        ("", COMMENTS),
    ],
)
def test_texts_of_a_key_are_all_that_comments_have(
    key: str, texts: tuple[str, ...]
) -> None:
    assert values("a.hea", COMMENTS, key) == texts


def test_a_key_that_no_comment_has_names_those_that_there_are() -> None:
    with pytest.raises(DataError, match="no comment has the key 'Rhythm'") as caught:
        values("a.hea", COMMENTS, "Rhythm")
    assert caught.value.expected == "one of its keys: Age, Sex, dx, group"
    with pytest.raises(DataError, match="has no comments") as caught:
        values("a.hea", (), "")
    assert "# Age: 56" in caught.value.expected
