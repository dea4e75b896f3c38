"""Logs of external meters: closed-form energies, and every way a log can be bad."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError, DataError
from pipeline.measurement.meter_log import import_log

DT = 0.01
IDLE = 0.010
"""Amperes while idle."""


def levels(*, idle: int = 100, work: int = 50, repeats: int = 4) -> list[int]:
    """Idle, work, idle, work, …, and idle again."""
    return ([0] * idle + [1] * work) * repeats + [0] * idle


def joulescope(path: Path, marks: list[int], amperes: Callable[[int], float]) -> Path:
    """Seconds, amperes and volts (2 V), as Joulescope has them."""
    rows = [f"{k * DT:.6f},{amperes(k):.9f},2.0,{mark}" for k, mark in enumerate(marks)]
    header = "#time (s),current (A),voltage (V),gpio0"
    return written(path, [header, *rows])


def written(path: Path, lines: list[str], end: str = "\n") -> Path:
    path.write_text("\n".join(lines) + end)
    return path


def test_closed_form(tmp_path: Path) -> None:
    """20 mA more at 2 V for 0.5 s, 10 windows: 2 mJ each."""
    marks = levels()
    log = joulescope(tmp_path / "a.csv", marks, lambda k: IDLE + 0.02 * marks[k])
    energy = import_log(log, windows=10)
    for name in ("energy_j_per_window", "low", "high"):
        assert energy[name] == pytest.approx(2e-3, rel=1e-9)
    assert energy["idle_w"] == pytest.approx(0.02)
    assert energy["seconds"] == pytest.approx(0.5)
    assert (energy["repeats"], energy["windows"]) == (4, 10)
    assert (energy["meter"], energy["source"]) == ("csv", "a.csv")
    assert "notes" not in energy


def test_each_repeat_subtracts_the_idling_before_it(tmp_path: Path) -> None:
    """The idle current climbs from repeat to repeat; the work's own does not."""
    marks = levels()
    log = joulescope(
        tmp_path / "a.csv", marks, lambda k: 0.01 * (k // 150) + 0.02 * marks[k]
    )
    energy = import_log(log, windows=10)
    assert (energy["low"], energy["high"]) == pytest.approx((2e-3, 2e-3), rel=1e-9)


def test_the_interval_is_students(tmp_path: Path) -> None:
    """Net 1, 2 and 3 times 10 mA · 2 V · 0.5 s."""
    marks = levels(repeats=3)
    log = joulescope(
        tmp_path / "a.csv", marks, lambda k: 0.01 * (k // 150 + 1) * marks[k]
    )
    energy = import_log(log, windows=1)
    assert energy["energy_j_per_window"] == pytest.approx(0.02)
    half = 4.302653 * 0.01 / 3**0.5
    assert energy["high"] - energy["low"] == pytest.approx(2 * half, rel=1e-6)


def test_trapezoids_where_samples_are_uneven(tmp_path: Path) -> None:
    """P = 3 t while at work, from t = 10 to 14 by 1 and 3: ends at 9.5 and 15."""
    rows = ["time_s,power_W,marker"]
    rows += [f"{t},0,0" for t in range(10)]
    rows += ["10,30,1", "11,33,1", "14,42,1", "16,0,0", "17,0,0", "18,0,0"]
    rows += ["20,1,1", "21,1,1", "22,0,0"]
    first = 30 * 0.5 + 31.5 + 37.5 * 3 + 42 * 1.0
    second = 1.0 * 1 + 1 * 1 + 1 * 0.5
    energy = import_log(written(tmp_path / "a.csv", rows), windows=1)
    assert energy["energy_j_per_window"] == pytest.approx((first + second) / 2)
    assert energy["seconds"] == pytest.approx((5.5 + 2.5) / 2)
    assert "2 samples" in energy["notes"][0]


def ina219(marks: list[str]) -> list[str]:
    """Milliseconds, milliamperes, millivolts and milliwatts."""
    header = "timestamp_ms;shunt_mV;current_mA;bus_mV;event"
    rows = [
        f"{k * 10};1;{30 if working else 10};2000;{mark}"
        for k, (mark, working) in enumerate(zip(marks, worked(marks), strict=True))
    ]
    return [header.replace("event", "trigger"), *rows]


def worked(marks: list[str]) -> list[bool]:
    on = False
    marked = []
    for mark in marks:
        on = {"start": True, "stop": False}.get(mark.strip().lower(), on)
        marked.append(on)
    return marked


def test_text_markers_and_thousandths(tmp_path: Path) -> None:
    marks = ([""] * 100 + ["START"] + [""] * 49 + [" stop"]) * 2 + [""] * 99
    energy = import_log(written(tmp_path / "a.csv", ina219(marks)), windows=10)
    assert energy["energy_j_per_window"] == pytest.approx(2e-3)
    assert energy["seconds"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("names", "row"),
    [
        ("time_s,power_W,marker", "{s},{w},{m}"),
        ("Time [ms],Power (mW),GPIO 3", "{ms},{mw},{m}"),
        ("power_uW\tmarker\tt_us", "{uw}\t{m}\t{us}"),
        ("s,W,sync", "{s},{w},{m}.0"),
        ("time (µs),current (A),voltage (V),power (W),gpi", "{us},9,9,{w},{m}"),
        ("time_s,I_mA,shunt_mV,load_V,temperature,marker", "{s},{ma},5,2,x,{m}"),
        ("time_s,supply power voltage (V),I_A,marker", "{s},2,{a},{m}"),
    ],
)
def test_units_at_the_end_of_names(tmp_path: Path, names: str, row: str) -> None:
    rows = [names]
    for k, m in enumerate(levels()):
        w = 0.02 + 0.04 * m
        values = {"s": k * DT, "ms": k * 10, "us": k * 10_000, "m": m, "w": w}
        values |= {"mw": w * 1e3, "uw": w * 1e6, "a": w / 2, "ma": w / 2 * 1e3}
        rows.append(row.format(**values))
    energy = import_log(written(tmp_path / "a.csv", rows), windows=10)
    assert energy["energy_j_per_window"] == pytest.approx(2e-3)


@given(
    powers=st.lists(st.floats(0, 10), min_size=30, max_size=60),
    offset=st.floats(0, 5),
)
def test_a_constant_draw_of_others_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, powers: list[float], offset: float
) -> None:
    """Property: idle-subtracted energy does not see what is always there."""
    folder = tmp_path_factory.mktemp("logs")
    marks = levels(idle=4, work=3, repeats=3)
    draws = np.resize(powers, len(marks))
    energies = []
    for extra in (0.0, offset):
        rows = [f"{k},{draws[k] + extra},{m}" for k, m in enumerate(marks)]
        path = written(folder / "a.csv", ["time_s,power_W,marker", *rows])
        energies.append(import_log(path, windows=1)["energy_j_per_window"])
    assert energies[0] == pytest.approx(energies[1], abs=1e-9)


def test_a_last_row_cut_off_is_dropped_with_a_note(tmp_path: Path) -> None:
    rows = ["time_s,power_W,marker"]
    rows += [f"{k},{1 + m},{m}" for k, m in enumerate(levels())]
    full = import_log(written(tmp_path / "a.csv", rows), windows=1)
    cut = import_log(written(tmp_path / "a.csv", [*rows, "700,1"], end=""), windows=1)
    note = f"row {len(rows) + 1} has no end of line and may be cut off: dropped"
    assert cut.pop("notes") == [note]
    assert cut == full


def test_gaps_and_little_idling_are_noted(tmp_path: Path) -> None:
    marks = levels(idle=10, work=30)
    times = [k + (500 if k > 200 // 10 else 0) for k in range(len(marks))]
    rows = [f"{t},{1 + m},{m}" for t, m in zip(times, marks, strict=True)]
    path = written(tmp_path / "a.csv", ["time_s,power_W,marker", *rows])
    notes = import_log(path, windows=1)["notes"]
    assert notes[0] == "a gap of 501 s before row 23, bridged"
    assert notes[1] == "less than half as long idle as at work"


def test_work_that_takes_nothing(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    log = joulescope(tmp_path / "a.csv", levels(), lambda k: rng.normal(IDLE, 1e-3))
    energy = import_log(log, windows=10)
    assert energy["low"] < 0 < energy["high"]
    assert energy["notes"] == ["the interval includes 0: it may be idling alone"]


GOOD = [f"{k},{1 + m},{m}" for k, m in enumerate(levels(idle=3, work=2, repeats=2))]
"""Rows 2 … 14 of a file."""


@pytest.mark.parametrize(
    ("header", "change", "message"),
    [
        ("time_s,power_W", None, "row 1: no column of the marker"),
        ("seconds,power_W,marker", None, "row 1: no column of the time"),
        ("time,power_W,marker", None, "row 1: column 'time' gives no unit"),
        ("time_s,power,marker", None, "row 1: no column of the current"),
        ("time_s,current_A,marker", None, "row 1: no column of the voltage"),
        ("time_s,time_ms,marker", None, "row 1: 2 columns of the time: 'time_s', "),
        (
            "time_s,voltage (A),marker",
            None,
            "'voltage \\(A\\)' names a voltage, but i",
        ),
        ("time_s,power_W,gpio0,gpio1", None, "2 columns of the marker: 'gpio0', 'gpi"),
        ("time_s,power_W,marker", (3, "1.5,1,0"), None),
        ("time_s,power_W,marker", (3, "0.5,1,0"), "row 4, column 'time_s': time runs"),
        ("time_s,power_W,marker", (3, "2,nan,0"), "row 4, column 'power_W': 'nan' is"),
        ("time_s,power_W,marker", (3, "2,-inf,0"), "row 4, column 'power_W': '-inf'"),
        ("time_s,power_W,marker", (3, "2,,0"), "row 4, column 'power_W': '' is no"),
        ("time_s,power_W,marker", (3, "2,abc,0"), "row 4, column 'power_W': 'abc'"),
        (
            "time_s,power_W,marker",
            (3, "2,1"),
            "row 4: it has 2 cells, and the",
        ),
        (
            "time_s,power_W,marker",
            (3, ""),
            "row 4: it has 0 cells, and the",
        ),
        (
            "time_s,power_W,marker",
            (3, "2,1,0,5"),
            "row 4: it has 4 cells, and the",
        ),
        ("time_s,power_W,marker", (3, "2,1,2"), "row 4, column 'marker': '2' is no m"),
        ("time_s,power_W,marker", (3, "2,1,stop"), "row 2, column 'marker': '0' is no"),
        ("time_s,power_W,marker", (1, "0,1,1"), "row 2, column 'marker': work has beg"),
        ("time_s,power_W,marker", (13, "12,1,1"), "row 14, column 'marker': work begi"),
        ("time_s,power_W,marker", (5, "4,2,0"), "row 5, column 'marker': work of a s"),
        ("time_s,power_W,marker", (6, "5,2,1"), None),
        ("time_s,power_W,marker", (5, "3,2,1"), "column 'marker': work in which no ti"),
    ],
)
def test_bad_logs(
    tmp_path: Path, header: str, change: tuple[int, str] | None, message: str | None
) -> None:
    """Each is refused with its row and column, or (no message) is good after all."""
    lines = [header, *GOOD]
    if header.count(",") == 3:
        lines[1:] = [f"{line},0" for line in GOOD]
    if header.count(",") == 1:
        lines[1:] = [line.rpartition(",")[0] for line in GOOD]
    if change:
        lines[change[0]] = change[1]
    path = written(tmp_path / "bad.csv", lines)
    if message is None:
        assert import_log(path, windows=1)["repeats"] == 2
        return
    with pytest.raises(DataError, match=f"^bad.csv.*{message}"):
        import_log(path, windows=1)


@pytest.mark.parametrize(
    ("marks", "message"),
    [
        ([0] * 20, "column 'marker': marks no work"),
        ([0] * 5 + [1] * 5 + [0] * 5, "row 7, column 'marker': the only work marked"),
        (levels() + [1] * 5, "row 702, column 'marker': work begins here and never en"),
        ([0, 1, 1, 0, 0, 1, 1, 0], "row 2, column 'marker': idling of a single sample"),
    ],
)
def test_marks_without_an_interval(
    tmp_path: Path, marks: list[int], message: str
) -> None:
    rows = [f"{k},1,{m}" for k, m in enumerate(marks)]
    path = written(tmp_path / "bad.csv", ["time_s,power_W,marker", *rows])
    with pytest.raises(DataError, match=message):
        import_log(path, windows=1)


@pytest.mark.parametrize(
    ("row", "mark", "message"),
    [
        (4, "stop", "row 6, column 'trigger': 'stop' comes twice, or before any start"),
        (110, "start", "row 112, column 'trigger': 'start' comes twice"),
        (110, "go", "row 112, column 'trigger': 'go' is no marker: start, stop or not"),
    ],
)
def test_text_markers_out_of_turn(
    tmp_path: Path, row: int, mark: str, message: str
) -> None:
    marks = ([""] * 100 + ["start"] + [""] * 49 + ["stop"]) * 2 + [""] * 99
    marks[row] = mark
    path = written(tmp_path / "bad.csv", ina219(marks))
    with pytest.raises(DataError, match=message):
        import_log(path, windows=1)


@pytest.mark.parametrize("text", ["", "time_s,power_W,marker\n", "# nothing\n"])
def test_files_without_rows(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"bad.csv: has no rows of numbers"):
        import_log(path, windows=1)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(b"\xff\xfe\x00")
    for bad in (path, tmp_path / "none.csv"):
        with pytest.raises(DataError, match=r"\.csv: cannot be read as text"):
            import_log(bad, windows=1)


def test_no_windows(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="windows: is 0"):
        import_log(tmp_path / "a.csv", windows=0)
