"""What neurons learned is reported as it is, the same for every model."""

import json
import math
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from pipeline import files
from pipeline.components import available, find
from pipeline.kernels.neurons.sequence import UnstableError
from pipeline.training import dynamics

DT = 0.04


def build(name: str, **settings: Any) -> nn.Module:
    """Two layers of neurons, below something else."""
    neuron = find("neurons", name).model_validate(settings)
    layers = [neuron.build((n,), dt=DT) for n in (4, 6)]
    return nn.ModuleDict({"inner": nn.Sequential(*layers), "readout": nn.Linear(6, 3)})


def layer(network: nn.Module, number: int) -> Any:
    return network.get_submodule(f"inner.{number - 1}")


def folds_of(network: nn.Module, n_folds: int = 1) -> list[dict[str, Any]]:
    """Two epochs after the start, of which the first is kept."""
    learned = dynamics.learned(network)
    summary = {"best_epoch": 1}
    plain = {"summary": summary, "learned": [learned, learned, learned]}
    return [{"fold": k, **json.loads(files.dump_json(plain))} for k in range(n_folds)]


def test_quantities_are_reported_by_layer() -> None:
    network = build("leaky", tau_mem_s=0.02)
    with torch.no_grad():
        layer(network, 2).learned["log_tau"][3] = math.log(0.07)
    learned = dynamics.learned(network)
    found = {(row["layer"], row["quantity"]): row for row in learned}
    assert list(found) == [(k, q) for k in (1, 2) for q in ("tau_mem_s", "threshold")]
    assert found[1, "tau_mem_s"]["values"] == pytest.approx([0.02] * 4)
    assert found[2, "tau_mem_s"]["values"][3] == pytest.approx(0.07)
    assert found[2, "tau_mem_s"]["shape"] == [6]
    assert found[2, "threshold"]["module"] == "inner.1"


def test_notes_are_taken_before_and_after_each_epoch() -> None:
    network = build("parametric", tau_mem_s=0.02, learned_per="layer")

    def epochs():
        for number in (1, 2):
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(number)
            yield number

    before = dynamics.learned(network)
    notes: list[list[dict[str, Any]]] = []
    assert list(dynamics.noted(epochs(), network, notes)) == [1, 2]
    assert notes[0] == before
    assert notes[-1] == dynamics.learned(network)
    assert len({str(note) for note in notes}) == 3


def test_numbers_survive_the_weights_file_exactly() -> None:
    network = build("leaky")
    with torch.no_grad():
        layer(network, 1).learned["log_tau"].normal_()
    expected = layer(network, 1).quantities()["tau_mem_s"].detach().numpy()
    table = dynamics.learned_table(folds_of(network))
    here = (table["layer"] == 1) & (table["quantity"] == "tau_mem_s")
    for _, epoch in table[here].groupby("epoch"):
        np.testing.assert_array_equal(epoch["value"].to_numpy(), expected)
    assert table["value"].dtype == np.float32


def test_the_table_names_folds_epochs_and_what_is_kept() -> None:
    table = dynamics.learned_table(folds_of(build("leaky"), n_folds=2))
    assert len(table) == 2 * 3 * 2 * (4 + 6)
    assert set(table.loc[table["kept"], "epoch"]) == {1}
    assert list(table["fold"].unique()) == [0, 1]
    assert list(table.query("epoch == 0 and layer == 1")["place"][:4]) == list("0123")


def test_several_values_a_neuron_have_a_place_each() -> None:
    rows = dynamics._rows(
        {
            "layer": 1,
            "module": "0",
            "quantity": "tau_branch_s",
            "shape": [2, 3],
            "values": [0.0, 1.0, 2.0, 3.0, 4.0, None],
        }
    )
    assert list(rows["place"]) == ["0,0", "0,1", "0,2", "1,0", "1,1", "1,2"]
    assert list(rows["value"][:5]) == [0, 1, 2, 3, 4]
    assert np.isnan(rows["value"][5])


def test_what_is_not_finite_is_absent() -> None:
    network = build("leaky")
    with torch.no_grad():
        layer(network, 1).learned["log_tau"][0] = 1e9
    (fold,) = folds_of(network)
    assert fold["learned"][0][0]["values"][0] is None


def test_a_leaky_portrait_is_its_equation() -> None:
    """Without input u becomes β·u, less θ once it has fired."""
    network = build("leaky", tau_mem_s=0.05, threshold=0.5)
    with torch.no_grad():
        layer(network, 1).learned["log_tau"].fill_(math.log(0.1))
        layer(network, 1).learned["log_threshold"].fill_(math.log(2.0))
    table = dynamics.portraits(network).query("layer == 1 and quantile == 0.5")
    for when, tau in (("start", 0.05), ("learned", 0.1)):
        one = table[table["when"] == when]
        expected = np.exp(-DT / tau) * one["u"] - (one["u"] > 1)
        np.testing.assert_allclose(one["next_u"], expected, atol=1e-6)
    assert table["w"].isna().all()
    assert table["next_w"].isna().all()


def test_a_polynomial_portrait_bends() -> None:
    network = build("polynomial", tau_mem_s=0.05)
    with torch.no_grad():
        layer(network, 1).learned["a2"].fill_(0.3)
    table = dynamics.portraits(network).query("layer == 1 and quantile == 0.5")
    wide = table.pivot(index="u", columns="when", values="next_u")
    np.testing.assert_allclose(
        wide["learned"] - wide["start"], 0.3 * wide.index.to_numpy() ** 2, atol=1e-5
    )


def test_quartiles_are_over_the_neurons_of_a_layer() -> None:
    network = build("leaky")
    taus = torch.tensor([0.02, 0.04, 0.08, 0.16])
    with torch.no_grad():
        layer(network, 1).learned["log_tau"].copy_(taus.log())
    table = dynamics.portraits(network).query("layer == 1 and when == 'learned'")
    at_half = table[np.isclose(table["u"], 0.5)].set_index("quantile")["next_u"]
    decays = 0.5 * np.exp(-0.04 / taus.numpy())
    np.testing.assert_allclose(
        at_half.to_numpy(), np.quantile(decays, at_half.index), atol=1e-6
    )


def test_two_variables_have_a_plane() -> None:
    network = build("adaptive", tau_mem_s=0.05)
    table = dynamics.portraits(network).query("layer == 1")
    assert len(table) == 2 * dynamics.SIDE**2
    assert np.isfinite(table[["u", "w", "next_u", "next_w"]]).all(axis=None)
    for name in ("u", "w"):
        assert table[name].nunique() == dynamics.SIDE
        assert table[name].min() < 0 < table[name].max()
    model, rows = layer(network, 1), table[table["when"] == "learned"]
    state = [torch.tensor(rows[name].to_numpy())[:, None] for name in ("u", "w")]
    state = [values.expand(-1, 4) for values in state]
    with torch.no_grad():
        _, *after = model(torch.zeros(len(rows), 4), *state)
    for name, values in zip(("next_u", "next_w"), after, strict=True):
        np.testing.assert_allclose(rows[name], values[:, 0], atol=1e-5)


def test_neurons_that_run_away_have_no_portrait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = build("leaky")

    def run_away(*_: object) -> None:
        raise UnstableError(0)

    monkeypatch.setattr(layer(network, 1), "forward", run_away)
    table = dynamics.portraits(network)
    left = set(zip(table["layer"], table["when"], strict=True))
    assert left == {(1, "start"), (2, "start"), (2, "learned")}


@pytest.mark.parametrize("name", available("neurons"))
def test_every_neuron_reports_what_it_can(name: str) -> None:
    layers = nn.Sequential(find("neurons", name)().build((3,), dt=0.01))
    before = deepcopy(layers.state_dict())
    learned, table = dynamics.learned(layers), dynamics.portraits(layers)
    files.dump_json(learned)
    model = find("neurons", name)()
    assert bool(learned) == model.spiking
    drawn = model.spiking and len(model.rest()) <= 2 and name != "sigma_delta"
    assert bool(len(table)) == drawn
    for key, value in layers.state_dict().items():
        assert torch.equal(value, before[key])


def test_files_have_the_same_bytes_twice(tmp_path: Path) -> None:
    digests = []
    for name in ("one", "two"):
        network = build("polynomial")
        folder = tmp_path / name
        written = dynamics.save(folder, [network, network], folds_of(network, 2))
        assert written == {"learned.parquet", "portraits.parquet"}
        digests.append([files.file_digest(folder / each) for each in sorted(written)])
    assert digests[0] == digests[1]
    table = files.load_table(tmp_path / "one/portraits.parquet")
    assert set(table["fold"]) == {0, 1}


def test_without_learned_dynamics_nothing_is_written(tmp_path: Path) -> None:
    network = build("relu")
    assert dynamics.learned(network) == []
    assert dynamics.save(tmp_path, [network], folds_of(network)) == set()
    assert list(tmp_path.iterdir()) == []
    assert isinstance(dynamics.portraits(network), pd.DataFrame)
