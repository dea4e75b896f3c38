"""A traced decision as a table and in words, made by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.axes import Segment
from pipeline.decisions.activation import GAMMA_PER_S, spike_activation
from pipeline.decisions.lines import MOST_MEMBRANES, alt, lines, title
from pipeline.decisions.series import Series
from pipeline.decisions.signals import Clock
from pipeline.decisions.tested import Decision
from pipeline.decisions.trace import DecisionTrace, LayerTrace

DECISION = Decision(
    "mitdb-delta-lif", 7, 2, "r100", "100", "", 12.345, "N", "V", {"N": 0.25, "V": 0.75}
)


def series(values: list[list[float]], *rows: str, unit: str = "") -> Series:
    return Series(np.array(values, float), rows, 1.5, 0.01, unit)


def layer(
    outputs: list[list[float]],
    membranes: list[list[float]] | None = None,
    spiking: bool = True,
    absent: str = "",
) -> LayerTrace:
    rows = tuple(str(k) for k in range(len(outputs)))
    return LayerTrace(
        series(outputs, *rows),
        spiking,
        None if membranes is None else series(membranes, *rows),
        None if membranes is None else np.arange(1.0, 1 + len(outputs)),
        absent,
    )


def traced(*layers: LayerTrace, decision: Decision = DECISION) -> DecisionTrace:
    return DecisionTrace(
        decision,
        series([[1, 2, 3], [3, 2, 1]], "MLII", "V1", unit="V"),
        series([[0.1, 0.2]], "MLII"),
        series([[0, 1, 1], [1, 0, 0]], "MLII+", "MLII-"),
        layers,
        (series([[0.5, 0.25]], "code"),),
        series([[0.0, 1.25], [0.5, -1.5]], "N", "V"),
    )


def test_every_row_of_every_panel_is_a_line_in_the_order_of_the_figure() -> None:
    table = lines(traced(layer([[0, 1], [1, 1]], [[0.1, 0.2], [0.3, 0.4]])))
    assert list(dict.fromkeys(table["panel"])) == [
        "recorded", "filtered", "code", "layer 1", "membranes, layer 1", "activation",
        "evidence",
    ]  # fmt: skip
    first = table.iloc[1]
    assert (first["panel"], first["row"], first["unit"]) == ("recorded", "V1", "V")
    assert (first["start_s"], first["dt"]) == (1.5, 0.01)
    assert np.isnan(first["threshold"])
    assert first["values"].dtype == np.float32
    assert first["values"].tolist() == [3, 2, 1]
    kinds = dict(zip(table["panel"], table["kind"], strict=True))
    assert kinds["code"] == kinds["layer 1"] == "raster"
    assert kinds["recorded"] == kinds["evidence"] == "lines"


def test_the_membranes_shown_are_of_the_neurons_that_fire_most() -> None:
    outputs = [[0, 0, 0], [1, 1, 1], [1, 0, 0], [1, 0, 0], [0, 1, 1]]
    membranes = [[0, 9, 0], [0, 0, 0], [0, 1, 0], [0, 5, 0], [0, 0, 0]]
    table = lines(traced(layer(outputs, membranes)))
    shown = table[table["kind"] == "membranes"]
    # Of those that fire as often, the one whose membrane moves more.
    assert list(shown["row"]) == ["neuron 1", "neuron 4", "neuron 3"]
    assert len(shown) == MOST_MEMBRANES
    assert list(shown["threshold"]) == [2.0, 5.0, 4.0]
    assert shown.iloc[2]["values"].tolist() == [0, 5, 0]


def test_why_there_are_no_membranes_stands_in_their_place() -> None:
    graded = layer([[0.5, 0.25]], None, spiking=False, absent="no spikes, no membrane")
    table = lines(traced(layer([[1, 0]], [[0.1, 0.2]]), graded))
    (note,) = table[table["kind"] == "note"].to_dict("records")
    assert (note["panel"], note["row"]) == (
        "membranes, layer 2",
        "no spikes, no membrane",
    )
    assert note["values"].size == 0
    assert set(table.loc[table["panel"] == "layer 2", "kind"]) == {"graded"}


def test_a_read_out_without_layers_has_no_membranes() -> None:
    table = lines(traced())
    assert not table["panel"].str.contains("layer|membranes").any()


def test_the_title_tells_the_truth_and_what_was_decided() -> None:
    assert title(DECISION) == (
        "mitdb-delta-lif, decision 7\n"
        "truth N, decided V (wrong), probability 0.750\n"
        "person 100, recording r100, 12.35 s"
    )
    right = Decision("c", 7, 2, "r", "p", "2", 0.0, "N", "N", {"N": 0.6, "V": 0.4})
    assert "decided N (right), probability 0.600" in title(right)
    assert "person p, session 2, recording r, 0.00 s" in title(right)


def test_the_text_counts_spikes_and_gives_the_last_logits() -> None:
    trace = traced(layer([[0, 1], [1, 1]], [[0.1, 0.2], [0.3, 0.4]]))
    text = alt(DECISION, lines(trace))
    assert "\n" not in text
    assert "3 spikes of code, 3 spikes of layer 1" in text
    assert text.endswith("Logits at the end: N 1.25, V -1.50.")
    assert text.startswith("mitdb-delta-lif, decision 7; truth N")


@settings(max_examples=40)
@given(
    st.lists(
        st.lists(st.integers(0, 1), min_size=6, max_size=6), min_size=1, max_size=4
    )
)
def test_a_spike_counts_by_those_before_it(spikes: list[list[int]]) -> None:
    dt = 0.01
    found = spike_activation(np.array(spikes), dt)
    for t in range(6):
        expected = 0.0
        for neuron in spikes:
            past = sum(
                neuron[s] * np.exp(-GAMMA_PER_S * (t - s) * dt) for s in range(t)
            )
            expected += past * neuron[t] / len(spikes)
        assert found[t] == pytest.approx(expected)


def test_a_sample_describes_a_time_that_lies_back_by_the_delay() -> None:
    clock = Clock(500, Segment(900, 12.0), 100.0, 0.25)
    assert clock.at(500) == pytest.approx(11.75)
    assert clock.at(525) == pytest.approx(12.0)
    column = Series(np.zeros((1, 4)), ("a",), 2.0, 0.5)
    assert column.time_s.tolist() == [2.0, 2.5, 3.0, 3.5]
    assert isinstance(lines(traced()), pd.DataFrame)
