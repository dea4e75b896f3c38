"""Tables of text beside pandas and csv: layouts, clocks, labels, what is refused."""

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from pipeline.axes import Segment
from pipeline.errors import DataError
from pipeline.readers.base import Content, Marks, Origin
from pipeline.readers.table import Table

SETTINGS = {
    "time": "ms",
    "time_unit": "ms",
    "channels": ["a", "b"],
    "channel_type": "emg",
    "unit": "uV",
    "sfreq": 100,
}
CODES = np.repeat([0, 1, 0, 2], [10, 30, 20, 40])
RNG = np.random.default_rng(4)
SIGNAL = {name: RNG.standard_normal(100).round(4) for name in "ba"}


def table(**changes: object) -> pd.DataFrame:
    columns = {"ms": 500 + 10 * np.arange(100), "class": CODES}
    return pd.DataFrame(columns | SIGNAL | changes)


def write(folder: Path, frame: pd.DataFrame, tail: str = "", **how: object) -> Path:
    path = folder / "log.txt"
    path.write_text(frame.to_csv(index=False, **{"sep": "\t"} | how) + tail)
    return path


def read(path: Path, *keys: str, **changes: object) -> Content:
    """Read with blocks of the columns that the keys name."""
    origins: list[Origin] = [("column", key) for key in keys]
    reader = Table.model_validate(SETTINGS | changes)
    return reader.read(path.parent, [path.name], origins)


def volts(content: Content) -> np.ndarray:
    return content.read(0, content.n_samples)


def expected(frame: pd.DataFrame, names: Sequence[str] = "ab") -> np.ndarray:
    return frame[list(names)].to_numpy().T * 1e-6


def blocks(marks: Marks) -> list[tuple[float, float, str]]:
    numbers = zip(marks.onset_s.round(6), marks.duration_s.round(6), strict=True)
    return [(*each, text) for each, text in zip(numbers, marks.texts, strict=True)]


def test_columns_become_volts_and_runs_become_blocks(tmp_path: Path) -> None:
    frame = table()
    content = read(write(tmp_path, frame), "class")
    np.testing.assert_allclose(volts(content), expected(frame), rtol=1e-12)
    np.testing.assert_array_equal(content.read(5, 9), volts(content)[:, 5:9])
    assert (content.channels, content.types) == (("a", "b"), ("emg", "emg"))
    assert content.segments == (Segment(0, 0.0),)
    assert blocks(content.marks["column", "class"]) == [
        (0, 0.1, "0"),
        (0.1, 0.3, "1"),
        (0.4, 0.2, "0"),
        (0.6, 0.4, "2"),
    ]


def test_all_columns_but_clock_and_labels_are_channels(tmp_path: Path) -> None:
    content = read(write(tmp_path, table()), "class", channels=None)
    assert content.channels == ("b", "a")


def test_codes_are_texts_that_nothing_rounds(tmp_path: Path) -> None:
    codes = ["1"] * 10 + ["1.0"] * 10 + ["1.7"] * 20 + ["1.9999999"] * 20
    codes += ["1e0"] * 10 + [""] * 10 + ["NA"] * 10 + ["007"] * 10
    frame = table(**{"class": codes})
    marks = read(write(tmp_path, frame), "class").marks["column", "class"]
    assert marks.texts == ("1", "1.7", "1.9999999", "1", "", "NA", "007")
    np.testing.assert_allclose(marks.onset_s, [0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9])


def test_names_with_commas_between_semicolons(tmp_path: Path) -> None:
    frame = table(ms=500.5 + 10 * np.arange(100)).rename(
        columns={"ms": "ms, host", "a": "a, uV"}
    )[["ms, host", "a, uV"]]
    path = write(tmp_path, frame, sep=";", decimal=",")
    content = read(path, time="ms, host", channels=["a, uV"], decimal=",")
    np.testing.assert_allclose(volts(content), expected(table(), "a"), rtol=1e-12)


def test_a_point_is_no_sign_of_a_number_with_decimal_commas(tmp_path: Path) -> None:
    """`1.234` may be one and a bit, or over a thousand."""
    path = tmp_path / "a.csv"
    settings = {"time": None, "channels": ["a"], "delimiter": ";", "decimal": ","}
    path.write_text("a;b\n" + "1,5;0\n" * 9 + "1.234;0\n" + "2;0\n")
    with pytest.raises(DataError, match=r"no number in column 'a'(.|\n)*1\.234"):
        read(path, **settings)
    path.write_text("a;b\n" + "1,5;0\n" * 9 + "1,234;0\n" + "2;0\n")
    assert read(path, **settings).n_samples == 11


@pytest.mark.parametrize("sep", ["\t", ",", ";", "|", " "])
def test_the_delimiter_is_found(tmp_path: Path, sep: str) -> None:
    content = read(write(tmp_path, table(), sep=sep), "class")
    np.testing.assert_allclose(volts(content), expected(table()), rtol=1e-12)


def test_aligned_columns_without_a_header(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text(table()[["ms", "a", "b"]].to_string(index=False, header=False))
    content = read(path, header=False, time=0, channels=[2, 1])
    np.testing.assert_allclose(volts(content), expected(table(), "ba"), rtol=1e-12)
    content = read(path, header=False, columns=["ms", "a", "b"])
    assert content.channels == ("a", "b")


@pytest.mark.parametrize("ending", ["", ","])
def test_rows_that_end_in_a_delimiter_keep_their_columns(
    tmp_path: Path, ending: str
) -> None:
    """Python's csv goes by position; pandas would move each value one name left."""
    path = tmp_path / "log.txt"
    lines = table().to_csv(index=False).splitlines()
    path.write_text("\n".join([lines[0] + ending, *(line + "," for line in lines[1:])]))
    content = read(path, "class")
    header, *rows = csv.reader(path.read_text().splitlines())
    own = np.array([[float(row[header.index(c)]) for c in "ab"] for row in rows]).T
    np.testing.assert_allclose(volts(content), own * 1e-6, rtol=1e-12)
    assert content.marks["column", "class"].texts == ("0", "1", "0", "2")
    all_columns = read(path, channels=None, time=None)
    assert all_columns.channels == ("ms", "class", "b", "a")


def test_a_european_export(tmp_path: Path) -> None:
    frame = table(**{"class": CODES + 0.0})
    header, *rows = frame.to_csv(index=False, sep=";", decimal=",").splitlines()
    path = tmp_path / "log.txt"
    text = "\r\n".join([header, "ms;;µV;µV", *rows])
    path.write_bytes(text.encode("latin-1"))
    changes = {"decimal": ",", "unit_row": True, "unit": None, "time_unit": None}
    content = read(path, "class", **changes)
    own = pd.read_csv(path, sep=";", decimal=",", skiprows=[1], encoding="latin-1")
    np.testing.assert_allclose(volts(content), expected(own), rtol=1e-12)
    assert content.marks["column", "class"].texts == ("0", "1", "0", "2")
    assert content.remarks == ("read as Windows-1252 text, for it is no UTF-8",)
    with pytest.raises(DataError, match="time in ms by the unit row, in s by"):
        read(path, **changes | {"time_unit": "s"})
    with pytest.raises(DataError, match=r"row 2 of the file(.|\n)*unit_row: true"):
        read(path, decimal=",")
    with pytest.raises(DataError, match=r"row 3 of the file(.|\n)*decimal to ','"):
        read(path, unit_row=True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marked_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(table().to_csv(index=False).encode(encoding))
    np.testing.assert_allclose(volts(read(path)), expected(table()), rtol=1e-12)


def test_a_sign_of_another_encoding_far_into_the_file(tmp_path: Path) -> None:
    codes = ["ruhe"] * 50 + ["böse"] * 50
    path = tmp_path / "log.txt"
    path.write_bytes(table(**{"class": codes}).to_csv(index=False).encode("cp1252"))
    content = read(path, "class")
    assert content.marks["column", "class"].texts == ("ruhe", "böse")
    assert len(content.remarks) == 1


def test_notes_before_and_among_the_rows(tmp_path: Path) -> None:
    header, *rows = table().to_csv(index=False).splitlines()
    rows.insert(40, "# lead off")
    top = ["Export of 2024", "", "# gesture: 3.0", '# hand = "left"', header]
    path = tmp_path / "log.txt"
    path.write_text("\n".join([*top, *rows]) + "\n")
    reader = Table.model_validate(SETTINGS | {"skip": 1, "comment": "#"})
    origins = [("header", key) for key in ("gesture", "hand", "")]
    content = reader.read(tmp_path, [path.name], origins)
    np.testing.assert_allclose(volts(content), expected(table()), rtol=1e-12)
    assert content.texts["header", "gesture"] == ("3",)
    assert content.texts["header", "hand"] == ("left",)
    assert content.texts["header", ""][0] == "Export of 2024"
    assert content.texts["header", ""][-1] == "lead off"
    with pytest.raises(
        DataError, match=r"no comment .* 'angle:'; keys .* gesture, hand"
    ):
        reader.read(tmp_path, [path.name], [("header", "angle")])


@pytest.mark.parametrize("place", [0, 40, 99])
def test_a_row_that_is_a_comment(tmp_path: Path, place: int) -> None:
    """It has as many fields as a row, and its sign stands in a column not read."""
    frame = table()[["class", "ms", "a", "b"]].astype({"class": str})
    frame.loc[place, "class"] = "#1"
    content = read(write(tmp_path, frame), comment="#", time=None)
    assert content.n_samples == 99
    kept = expected(frame.drop(index=place))
    np.testing.assert_allclose(volts(content), kept, rtol=1e-12)


def test_text_of_no_known_encoding(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"ms,\x81\n0,1\n")
    with pytest.raises(DataError, match=r"0x81(.|\n)*set the reader's encoding"):
        read(path)


def test_a_workbook_under_the_name_of_a_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)
    with pytest.raises(DataError, match=r"(?s)is no text: it holds.*export it as CSV"):
        read(path)


def test_packed_text(tmp_path: Path) -> None:
    path = tmp_path / "log.csv.gz"
    path.write_bytes(gzip.compress(table().to_csv(index=False).encode()))
    np.testing.assert_allclose(volts(read(path)), expected(table()), rtol=1e-12)


@pytest.mark.parametrize("grouped", [False, True])
def test_long_tables(tmp_path: Path, grouped: bool) -> None:
    frame = table()
    long = frame.melt(["ms", "class"], ["a", "b"], "lead", "value")
    if not grouped:
        long = long.sort_values("ms", kind="stable")
    changes = {"layout": "long", "channel_column": "lead", "value_column": "value"}
    content = read(write(tmp_path, long), "class", **changes, channels=["b", "a"])
    np.testing.assert_allclose(volts(content), expected(frame, "ba"), rtol=1e-12)
    assert content.marks["column", "class"].texts == ("0", "1", "0", "2")
    with pytest.raises(DataError, match="a has 100 values, b has 98"):
        read(
            write(tmp_path, long.drop(long.index[long.lead == "b"][[7, 9]])), **changes
        )
    long.iloc[20, 0] += 1
    with pytest.raises(DataError, match="differ in time"):
        read(write(tmp_path, long), **changes)


@pytest.mark.parametrize(
    ("unit", "clock"),
    [
        ("s", 1.7e9 + np.arange(100) / 100),
        ("us", np.arange(100) * 10_000),
        ("ns", 1_700_000_000_000_000_000 + np.arange(100) * 10_000_000),
        ("min", np.arange(100) / 6000),
        (
            "iso",
            pd.date_range("2024-03-31 00:59:59.5", periods=100, freq="10ms").strftime(
                "%Y-%m-%dT%H:%M:%S.%fZ"
            ),
        ),
    ],
)
def test_clocks_in_any_unit(tmp_path: Path, unit: str, clock: object) -> None:
    path = write(tmp_path, table(ms=clock), float_format="%.10f")
    content = read(path, time_unit=unit, sfreq=None)
    assert content.sfreq == 100
    assert content.segments == (Segment(0, 0.0),)
    assert content.n_samples == 100


def test_no_clock_but_a_rate(tmp_path: Path) -> None:
    content = read(write(tmp_path, table()), "class", time=None, sfreq=50)
    assert content.sfreq == 50
    np.testing.assert_allclose(
        content.marks["column", "class"].onset_s, [0, 0.2, 0.8, 1.2]
    )
    with pytest.raises(DataError, match="no sampling rate"):
        read(write(tmp_path, table()), time=None, sfreq=None)


@pytest.mark.parametrize("sfreq", [250, 256, 360, 512, 800, 62.5])
def test_the_rate_of_a_rounded_clock(tmp_path: Path, sfreq: float) -> None:
    """Full milliseconds at 256 Hz are steps of 3 and 4; the median step is wrong."""
    n = 3001
    frame = pd.DataFrame({"ms": (np.arange(n) * 1000 / sfreq).round().astype(int)})
    frame[["a", "b"]] = RNG.standard_normal((n, 2))
    path = write(tmp_path, frame)
    for content in (read(path, sfreq=None), read(path, sfreq=sfreq)):
        assert content.sfreq == sfreq
        assert content.segments == (Segment(0, 0.0),)


def test_rows_that_come_late_and_catch_up_are_no_pause(tmp_path: Path) -> None:
    times = 10.0 * np.arange(100)
    times[[30, 31, 70]] += [18, 9, 6]
    assert read(write(tmp_path, table(ms=times))).segments == (Segment(0, 0.0),)


def test_a_pause_makes_a_segment(tmp_path: Path) -> None:
    times = 10 * np.arange(100)
    frame = table(ms=times + 600_000 * (times >= 400) + 10 * (times >= 700))
    content = read(write(tmp_path, frame), "class", sfreq=None)
    assert content.sfreq == 100
    assert content.segments == (
        Segment(0, 0.0),
        Segment(40, pytest.approx(600.4)),
        Segment(70, pytest.approx(600.71)),
    )
    onset_s = content.marks["column", "class"].onset_s
    np.testing.assert_allclose(onset_s, [0, 0.1, 600.4, 600.6])
    duration_s = content.marks["column", "class"].duration_s
    np.testing.assert_allclose(duration_s, [0.1, 600.3, 0.2, 0.41])


def test_a_long_log_may_drift(tmp_path: Path) -> None:
    """0.05 % is 5 samples in 10,000: no reason to condemn the log; 1 % is."""
    n = 10_000
    frame = pd.DataFrame({"ms": np.arange(n) * 10.005, "a": 0.0, "b": 1.0})
    path = write(tmp_path, frame)
    assert read(path).segments == (Segment(0, 0.0),)
    with pytest.raises(DataError, match=r"99\.95 rows a second, 100 Hz"):
        read(path, tolerance_ppm=100)
    with pytest.raises(DataError, match=r"99\.95 rows a second"):
        read(path, sfreq=101)


def test_a_clock_in_another_unit(tmp_path: Path) -> None:
    path = write(tmp_path, table())
    for unit, found in (("min", "0.00166667 Hz"), ("ns", "1e[+]08 Hz")):
        with pytest.raises(DataError, match=f"the sampling rate is {found}"):
            read(path, sfreq=None, time_unit=unit)


@pytest.mark.parametrize("n_rows", [5, 20, 200, 20_000])
@pytest.mark.parametrize("off", [0.0, 0.0005, 0.005, -0.005])
def test_a_drift_counts_by_the_length_of_the_log(
    tmp_path: Path, n_rows: int, off: float
) -> None:
    """Five thousandths are too much for any log, whatever they amount to in samples."""
    times = np.arange(n_rows) * 10 * (1 + off)
    path = write(tmp_path, pd.DataFrame({"ms": times, "a": 0.0, "b": 1.0}))
    if abs(off) < 1e-3:
        assert read(path, sfreq=100).sfreq == 100
        return
    with pytest.raises(DataError, match="rows a second, 100 Hz") as caught:
        read(path, sfreq=100)
    assert "5e+03 ppm apart" in caught.value.found
    assert caught.value.expected == "within tolerance_ppm, 1000"


@pytest.mark.parametrize("sfreq", [128, 333.3, 1000 / 3])
def test_a_short_log_with_a_rounded_clock(tmp_path: Path, sfreq: float) -> None:
    times = np.round(np.arange(30) * 1000 / sfreq)
    path = write(tmp_path, pd.DataFrame({"ms": times, "a": 0.0, "b": 1.0}))
    assert read(path, sfreq=sfreq).sfreq == sfreq
    with pytest.raises(DataError, match="rows a second"):
        read(path, sfreq=sfreq * 1.05)


def test_a_rate_that_changes(tmp_path: Path) -> None:
    steps = np.repeat([8, 12], 2000)
    frame = pd.DataFrame({"ms": np.cumsum(steps), "a": 0.0, "b": 1.0})
    with pytest.raises(DataError, match="the rate changes"):
        read(write(tmp_path, frame))


def test_a_clock_that_jumps_back(tmp_path: Path) -> None:
    times = 10 * np.arange(100)
    path = write(tmp_path, table(ms=times - 300 * (times >= 500)))
    for held in (False, True):
        with pytest.raises(DataError, match=r"row 52 of the file: .* back by 0\.29 s"):
            read(path, held=held)


def test_a_clock_that_stands_still(tmp_path: Path) -> None:
    times = 10 * np.arange(100)
    times[50] = times[49]
    with pytest.raises(DataError, match=r"row 52 of the file: .* repeats the time"):
        read(write(tmp_path, table(ms=times)))


@pytest.mark.parametrize(
    "tail", ["1500\t2\n", "1500\t2\t0.1\t\n", "1500\t2", "\n\n", "\0\0\0\0"]
)
def test_a_short_last_row_is_dropped(tmp_path: Path, tail: str) -> None:
    content = read(write(tmp_path, table(), tail), "class")
    assert content.n_samples == 100
    assert content.remarks == (
        ("the last row was cut short and is left out",) * bool(tail.strip())
    )


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("900\t0\t1", "row 42 of the file has 3 fields: 900\t0\t1"),
        ("900\t0\t1\t2\t3", "row 42 of the file has 5 fields"),
        (
            "900\t0\tNA\t2",
            r"row 42 .* no number in column 'b': 900\t0\tNA\t2; 1 of 100",
        ),
        ("900\t0\tinf\t2", "no number in column 'b'"),
        ("900\t0\tx\t2", "no number in column 'b'"),
        ("?\t0\t1\t2", r"no number in column 'ms': \?"),
    ],
)
def test_bad_rows_are_refused_or_make_a_pause(
    tmp_path: Path, row: str, found: str
) -> None:
    """Among the rows stands an empty line, which is no row but has a number."""
    lines = table().to_csv(index=False, sep="\t").splitlines()
    lines[39:39] = [""]
    lines[41:42] = [row]
    path = tmp_path / "log.txt"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=found):
        read(path, channels=["b", "a"])
    for changes in ({}, {"time": None})[: 1 if row.startswith("?") else 2]:
        content = read(path, "class", bad_rows=0.01, **changes)
        assert content.n_samples == 99
        assert content.remarks == ("1 of 100 rows lack a number and are left out",)
        assert [s.start for s in content.segments] == [0, 39]
        assert content.segments[1].onset_s == pytest.approx(0.4)
    with pytest.raises(DataError, match=r"1 of 100 rows"):
        read(path, bad_rows=0.009)


@pytest.mark.parametrize("last", ["class", "a"])
def test_a_short_and_a_long_row_are_not_one_right_sum(
    tmp_path: Path, last: str
) -> None:
    order = [name for name in ("ms", "class", "b", "a") if name != last]
    lines = table()[[*order, last]].to_csv(index=False, sep="\t").splitlines()
    lines[20], lines[30] = lines[20].rpartition("\t")[0], lines[30] + "\t7"
    path = tmp_path / "log.txt"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"row 21 .* 3 fields: .*; 2 of 100 rows"):
        read(path, channels=["b"])


@pytest.mark.parametrize("old", [b"a", b"\t", b"0", b"."])
def test_bytes_of_zero(tmp_path: Path, old: bytes) -> None:
    """Parsers take -5.<0>8807 for -5."""
    path = write(tmp_path, table())
    content = path.read_bytes()
    at = content.index(old, content.index(b"\n") + 40) if old != b"a" else 200
    path.write_bytes(content[:at] + b"\0" + content[at + 1 :])
    row = content[:at].count(b"\n") + 1
    for more in ({}, {"bad_rows": 0.5}, {"missing": "pause"}):
        with pytest.raises(DataError, match=f"row {row} of the file has a byte of 0"):
            read(path, "class", **more)


def test_rows_of_delimiters_are_empty_lines(tmp_path: Path) -> None:
    content = read(write(tmp_path, table(), ";;;\n;;;\n", sep=";"))
    assert (content.n_samples, content.remarks) == (100, ())


def test_events_in_rows_without_samples(tmp_path: Path) -> None:
    """Headbands write a row for a blink: it is an instant, and no sample is lost."""
    frame = table(**{"class": ""}).astype({"class": object})
    event = pd.DataFrame({"ms": [500 + 402], "class": ["blink"]})
    frame = pd.concat([frame[:41], event, frame[41:]])
    content = read(write(tmp_path, frame), "class", bad_rows=0.01)
    assert content.n_samples == 100
    assert content.segments == (Segment(0, 0.0),)
    assert blocks(content.marks["column", "class"]) == [
        (0, 0.41, ""),
        (0.41, 0, "blink"),
        (0.41, 0.59, ""),
    ]


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"sfreq": 200}, "100 rows a second, 200 Hz by the settings"),
        ({"sfreq": 90}, "100 rows a second"),
        ({"channels": ["a", "c"]}, "no signal can be channel 'c'"),
        ({"time": ["t", "klass"]}, "no column 't or klass'"),
        ({"delimiter": ";"}, "no column 'ms'"),
        ({"unit": None}, "unit of channel 'a' is not stated"),
        ({"channel_type": None}, "channel 'a' measures is not stated"),
        ({"skip": 1}, "the header is 500, 0"),
        ({"skip": 200}, "holds no row"),
    ],
)
def test_settings_that_contradict_the_table(
    tmp_path: Path, changes: dict[str, object], found: str
) -> None:
    with pytest.raises(DataError, match=found):
        read(write(tmp_path, table()), **changes)


def test_alternatives_for_names(tmp_path: Path) -> None:
    path = write(tmp_path, table())
    content = read(path, time=["Zeit", "ms"], channels={"flexor": ["EMG1", "b"]})
    assert content.channels == ("flexor",)
    np.testing.assert_allclose(volts(content), expected(table(), "b"), rtol=1e-12)


def test_a_column_of_text_among_all_columns(tmp_path: Path) -> None:
    path = write(tmp_path, table(note="x"))
    with pytest.raises(DataError, match=r"column 'note'.* none at all(.|\n)*channels"):
        read(path, "class", channels=None)


def test_a_label_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"no column 'klass'(.|\n)*did you mean 'class'"
    ):
        read(write(tmp_path, table()), "klass")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"pattern": "{subject}.csv"}, "source.pattern"),
        ({"label": "class"}, "values: {label: {from: column"),
        ({"labels": {1: "rest"}}, "map: "),
        ({"time_unit_s": 1e-3}, "time_unit: s | ms"),
        ({"unit_v": 1e-6}, "unit: V | mV | uV"),
    ],
)
def test_an_old_key_names_the_new_one(old: dict[str, object], new: str) -> None:
    with pytest.raises(ValueError, match="instead of") as caught:
        Table.model_validate(SETTINGS | old)
    assert new in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"layout": "long"}, "layout: long goes with"),
        ({"channel_column": "lead"}, "layout: long goes with"),
        ({"columns": ["a"]}, "header: false"),
        ({"header": False, "unit_row": True}, "header: true"),
        ({"held": True, "sfreq": None}, "held goes with"),
        ({"delimiter": ",", "decimal": ","}, "different signs"),
    ],
)
def test_settings_that_contradict(changes: dict[str, object], found: str) -> None:
    with pytest.raises(ValueError, match=found):
        Table.model_validate(SETTINGS | changes)


def test_a_log_of_held_samples(tmp_path: Path) -> None:
    """Each sample of 100 Hz stands in ten rows; blocks keep their times."""
    frame = table().loc[np.repeat(np.arange(100), 10)]
    frame["ms"] = 500 + np.arange(1000)
    content = read(write(tmp_path, frame), "class", held=True)
    np.testing.assert_allclose(volts(content), expected(table()), rtol=1e-12)
    marks = content.marks["column", "class"]
    np.testing.assert_allclose(marks.onset_s, [0, 0.1, 0.4, 0.6])


def test_held_samples_are_older_than_their_rows(tmp_path: Path) -> None:
    """Three samples of 100 Hz arrive within 2 ms: the first was taken 20 ms before."""
    frame = pd.DataFrame(
        {"ms": [0, 1, 2, 12], "a": [1, 2, 3, 4], "class": [1, 1, 1, 2]}
    )
    content = read(write(tmp_path, frame), "class", channels=["a"], held=True)
    np.testing.assert_allclose(volts(content)[0], [1e-6, 2e-6, 3e-6, 4e-6])
    np.testing.assert_allclose(
        content.marks["column", "class"].onset_s, [0.02, 0.032], atol=1e-9
    )


@pytest.fixture(scope="module")
def armband(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack one log of the armband."""
    folder = tmp_path_factory.mktemp("armband")
    (archive,) = (real_data / "emg_gestures").glob("*.zip")
    with ZipFile(archive) as members:
        name = min(n for n in members.namelist() if n.endswith(".txt") and "/01/" in n)
        (folder / "log.txt").write_bytes(members.read(name))
    return folder / "log.txt"


def test_gestures_of_the_armband(armband: Path) -> None:
    """The armband makes 200 samples a second, of which the log holds about half."""
    names = [f"channel{k}" for k in range(1, 9)]
    changes = {"time": "time", "channels": names, "sfreq": 200, "held": True}
    content = read(armband, "class", **changes, unit="V")
    samples = volts(content)
    fresh = np.count_nonzero(np.diff(samples, axis=1).any(axis=0))
    assert 90 < fresh / (content.n_samples / content.sfreq) < 115
    assert np.abs(samples).max() == pytest.approx(1.28e-3)
    marks = content.marks["column", "class"]
    assert sorted(t for t in marks.texts if t != "0") == sorted("123456" * 2)
    assert np.all(marks.duration_s[np.array(marks.texts) != "0"] > 1)
    rows = pd.read_csv(armband, sep="\t")[names].to_numpy()
    logged = rows[np.append(True, np.diff(rows, axis=0).any(axis=1))]
    kept = samples.T[np.append(True, np.diff(samples.T, axis=0).any(axis=1))]
    np.testing.assert_array_equal(kept, logged)
