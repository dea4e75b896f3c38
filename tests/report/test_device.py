"""What the report shows of networks in integers."""

from typing import Any

from pipeline.report import device


def cell(
    model: str,
    neuron: str = "leaky",
    *,
    encoder: str = "delta",
    matched: str | None = None,
    units: list[int] | None = None,
    absent: str = "",
) -> dict[str, Any]:
    rate = None if neuron == "relu" else 0.5
    counted = {
        "spikes_per_neuron_and_step": rate,
        "synapses": 10,
        "per_window": {
            "effective_acs": 20.0,
            "effective_macs": 0.0,
            "dense_operations": 40.0,
        },
    }
    table = {
        "energy_uj_per_window": 4.0 if rate else 2.0,
        "energy_j_per_window": 4e-6 if rate else 2e-6,
        "without_hidden_spikes_j_per_window": 1e-6,
    }
    tables = dict.fromkeys(device.TABLES, table) | {"loihi": {"absent": "graded"}}
    bill = {"counted": counted, "estimated": tables}
    network = {} if units is None else {"units": units}
    return {
        "cell": f"set-{encoder}-{model}",
        "encoder": encoder,
        "model": model,
        "spiking": rate is not None,
        "matched_ann": matched,
        "run": {"settings": {"neuron": {"name": neuron}, "network": network}},
        "metrics": {"int8": {"balanced_accuracy": 0.5}},
        "energy": {
            "estimated": {"horowitz_45nm_fp32": {"energy_uj_per_window": 9.0}},
            "int8": {"absent": absent} if absent else bill,
        },
    }


def test_estimates_are_those_of_all_tables_that_bill_a_cell() -> None:
    expected = dict.fromkeys(device.TABLES, 4.0) | {"horowitz_45nm_fp32": 9.0}
    assert device.estimates(cell("lif")) == expected
    plain = device.estimates(cell("lif", absent="exponentials"))
    assert plain == {"horowitz_45nm_fp32": 9.0}


def test_a_spiking_cell_is_compared_with_its_own_ann_first() -> None:
    lif = cell("lif", matched="set-delta-ann")
    other, twin = cell("a", "relu", units=[4]), cell("ann", "relu")
    assert device.beside(lif, [other, lif, twin]) == (twin, "its matched int8 ANN")
    sentence = device.compared(lif, [other, lif, twin])
    assert sentence == (
        "delta · lif: at its 0.5 spikes a neuron and step it takes 2 times the energy "
        "of its matched int8 ANN; below 0.17 it would take less."
    )


def test_a_spiking_cell_is_compared_with_another_ann_of_its_encoder() -> None:
    lif = cell("lif")
    linear = cell("linear", "relu", units=[])
    apart = cell("far", "relu", encoder="rate")
    assert device.beside(lif, [lif, linear, apart]) == (None, "")
    other = cell("wide", "relu", units=[9])
    name = "the int8 wide, another network"
    assert device.beside(lif, [linear, apart, other]) == (other, name)
    assert name in str(device.compared(lif, [other]))
    assert device.compared(other, [lif, other]) is None


def test_nothing_is_compared_without_integers() -> None:
    twin = cell("ann", "relu")
    lif = cell("lif", matched="set-delta-ann", absent="exponentials")
    assert device.compared(lif, [lif, twin]) is None
    lif = cell("lif", matched="set-delta-ann")
    twin = cell("ann", "relu", absent="why ever")
    assert device.compared(lif, [lif, twin]) is None


def test_a_row_states_what_is_absent() -> None:
    assert device.row(cell("lif", absent="exponentials"), {}) == {
        "title": "delta · lif",
        "absent": "exponentials",
    }
    row = device.row(cell("lif"), {})
    assert list(row["estimated"]) == list(device.TABLES)
    assert "biospike measure" in row["emulated"]["absent"]
    refused = {"emulated": {"absent": "recordings of set: two rates"}}
    assert device.row(cell("lif"), refused)["emulated"] == refused["emulated"]
    here = {"emulated": {"fold": 0, "cortex_m4": {"agreement": 1.0}}}
    assert device.row(cell("lif"), here)["emulated"] == {"agreement": 1.0}


def test_powers_are_of_the_estimate_and_of_the_machine() -> None:
    lif = cell("lif")
    assert device.duties(lif, {}) == []
    power, there = {"average_w": 1.0}, {"average_w": 2.0}
    lif["energy"]["duty"] = power
    here = {"emulated": {device.MACHINE: {"agreement": 1.0, "duty": there}}}
    estimated, emulated = device.duties(lif, here)
    assert (estimated["average_w"], emulated["average_w"]) == (1.0, 2.0)
    assert "estimated" in estimated["of"]
    assert "emulated" in emulated["of"]
    (alone,) = device.duties(lif, {"emulated": {device.MACHINE: {"absent": "qemu"}}})
    assert alone["average_w"] == 1.0
