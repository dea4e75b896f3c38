"""Cost tables: each is consistent, and names its source."""

from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.profiling.cost_tables import (
    Memory,
    instruction_energy,
    load_table,
    tables,
    tables_for,
)

SRAM = Memory(access_bits=64, points=((8192, 10e-12), (32768, 20e-12), (2**20, 1e-10)))


def test_the_tables_there_are() -> None:
    assert set(tables()) == {
        "horowitz_45nm_fp32",
        "horowitz_45nm_int8",
        "memory_45nm_fp32",
        "memory_45nm_int8",
        "survey",
        "loihi",
        "cortex_m4",
    }
    assert set(tables_for("float32")) == {"horowitz_45nm_fp32", "memory_45nm_fp32"}


@pytest.mark.parametrize(
    ("name", "addition", "product"),
    [
        ("horowitz_45nm_fp32", 0.9, 3.7),
        ("memory_45nm_fp32", 0.9, 3.7),
        ("horowitz_45nm_int8", 0.03, 0.2),
        ("memory_45nm_int8", 0.1, 0.2),
    ],
)
def test_synaptic_operations_are_horowitzs(
    name: str, addition: float, product: float
) -> None:
    joules = tables()[name].joules
    assert joules["accumulate"] == pytest.approx(addition * 1e-12)
    total = (addition + product) * 1e-12
    assert joules["multiply_accumulate"] == pytest.approx(total)


@pytest.mark.parametrize("name", ["horowitz_45nm_int8", "memory_45nm_int8"])
def test_membranes_and_encoder_have_32_bits(name: str) -> None:
    joules = tables()[name].joules
    assert (joules["addition"], joules["multiplication"]) == (0.1e-12, 3.1e-12)
    # Two additions: one for the shift, of which we know no cost.
    assert joules["shifted_addition"] == pytest.approx(0.2e-12)
    for operation in ("membrane_multiply_accumulate", "rescaling"):
        assert joules[operation] == pytest.approx(3.2e-12)  # type: ignore[index]


@pytest.mark.parametrize("numbers", ["fp32", "int8"])
def test_memory_is_of_64_bits_an_access(numbers: str) -> None:
    assert tables()[f"memory_45nm_{numbers}"].memory == SRAM


@pytest.mark.parametrize(
    ("size", "picojoules"),
    [
        (1, 10),
        (8192, 10),
        (20480, 15),
        (32768, 20),
        (540672, 60),
        (2**20, 100),
        (2**20 + 508_000 * 2, 180),
    ],
)
def test_memory_is_interpolated(size: int, picojoules: float) -> None:
    cost = SRAM.joules_per_bit(size)
    assert cost == pytest.approx(picojoules * 1e-12 / 64, rel=1e-3)


def test_an_instruction_is_a_cycle_at_least() -> None:
    assert instruction_energy("cortex_m4") == pytest.approx(52e-6 / 1e6 * 3.0)


@pytest.mark.parametrize("name", ["loihi", "cortex_m5"])
def test_what_is_no_processor_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="not one of a processor"):
        instruction_energy(name)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("joules: {acumulate: 1.0e-12}", "acumulate"),
        ("joules: {accumulate: 0.9}", "0.9"),
        ("joules: {accumulate: 0}", "accumulate"),
        ("price: 3", "price is not a setting"),
        ("assumptions: []", "assumptions"),
        ("memory: {access_bits: 64, points: [[9, 1.0e-12], [8, 1.0e-12]]}", "memory"),
    ],
)
def test_a_wrong_table_is_refused(tmp_path: Path, wrong: str, message: str) -> None:
    right = {
        "source": "source: a book",
        "doi": "doi: null",
        "technology": "technology: valves",
        "applies_to": "applies_to: int8",
        "joules": "joules: {accumulate: 1.0e-12}",
        "assumptions": "assumptions: [none]",
    }
    path = tmp_path / "valves.yaml"
    path.write_text("\n".join(right.values()))
    assert load_table(path).technology == "valves"
    path.write_text("\n".join({**right, wrong.split(":")[0]: wrong}.values()))
    with pytest.raises(ConfigError, match=message):
        load_table(path)
