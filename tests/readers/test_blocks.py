"""Values beside the samples: how they are written, and their runs."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.readers.parts.blocks import blocks, canonical, written
from pipeline.readers.parts.units import VOLTS, volts


@given(st.integers(-(10**15), 10**15), st.sampled_from(["", ".", ".0", ".000"]))
def test_an_integer_is_written_one_way(number: int, tail: str) -> None:
    assert canonical(f"{number}{tail}") == str(number)
    assert canonical(f" {number}{tail.replace('.', ',')} ", ",") == str(number)


@given(st.integers(-999, 999), st.integers(0, 9))
def test_powers_of_ten_are_written_out(number: int, power: int) -> None:
    assert canonical(f"{number}e{power}") == str(number * 10**power)
    assert canonical(f"{number}.0E+0{power}") == str(number * 10**power)


@given(st.decimals(-1000, 1000, places=7))
def test_nothing_is_rounded(number: Decimal) -> None:
    text = f"{number:f}"
    whole = number == number.to_integral_value()
    assert canonical(text) == (str(int(number)) if whole else text)


@given(st.text(max_size=12))
def test_writing_again_changes_nothing(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("007", "007"), ("01.0", "1"), ("1.9999999", "1.9999999"), ("1e400", "1e400"),
        ("1e19", "1e19"), ("1e18", "1" + "0" * 18), ("-0", "0"), ("+3", "3"),
        (".5", ".5"), ("5.", "5"), ("1_0", "1_0"), ("0x1", "0x1"), ("nan", "nan"),
        ("left", "left"), ("1,0", "1,0"), ("", ""), ("1 2", "1 2"), ("--1", "--1"),
    ],
)  # fmt: skip
def test_what_is_no_integer_stays_as_it_is_written(text: str, expected: str) -> None:
    assert canonical(text) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"), (1.0, "1"), (1.5, "1.5"), (True, "1"), (np.bool(False), "0"),
        (np.float32(0.1), "0.1"), (np.float64(2.0), "2"), (np.uint8(7), "7"),
        (np.nan, ""), (np.float32("nan"), ""), ("nan", ""), (" x ", "x"),
        (np.float32(16777216), "16777216"), (np.float64(1e-5), "0.00001"),
    ],
)  # fmt: skip
def test_values_of_files_are_texts(value: object, text: str) -> None:
    assert written(value) == text


@settings(max_examples=60)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=30), st.floats(0.001, 10))
def test_each_run_of_one_text_is_a_block(codes: list[int], step_s: float) -> None:
    texts = ("a", "b", "a", "")  # the first and the third are one text
    found = blocks(
        np.array(codes), texts, lambda row: row * step_s, len(codes) * step_s
    )
    expected: list[tuple[int, str]] = []
    for row, code in enumerate(codes):
        if not expected or expected[-1][1] != texts[code]:
            expected.append((row, texts[code]))
    assert found.texts == tuple(text for _, text in expected)
    np.testing.assert_allclose(found.onset_s, [row * step_s for row, _ in expected])
    assert found.duration_s.sum() == pytest.approx(len(codes) * step_s)
    assert (found.duration_s > 0).all()


def test_what_begins_before_the_signal_begins_with_it() -> None:
    found = blocks(np.array([0, 1]), ("a", "b"), lambda row: row - 0.5, 3.0)
    assert found.onset_s.tolist() == [0.0, 0.5]
    assert found.duration_s.tolist() == [0.5, 2.5]


@pytest.mark.parametrize("unit", [u for u in VOLTS if u.isascii()])
def test_case_and_blanks_of_a_unit_do_not_count(unit: str) -> None:
    assert volts(unit) == volts(unit.upper()) == volts(f" {unit.title()} ")


@pytest.mark.parametrize("unit", ["µV", "μV", "µV".encode().decode("latin-1"), "uV"])
def test_both_mus_are_micro_also_where_they_were_misread(unit: str) -> None:
    assert volts(unit) == 1e-6


@pytest.mark.parametrize("unit", ["", "mmHg", "MVx", "V/s", "microvolts²", "1"])
def test_what_is_no_voltage_is_none(unit: str) -> None:
    assert volts(unit) is None
