"""Modules of snnTorch's layers: equal to snnTorch's own loop, or refused."""

import copy
import gc
import sys
import weakref
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import snntorch
import torch
from pydantic import ValidationError
from torch import nn

from pipeline import testing
from pipeline.errors import ConfigError
from pipeline.exporting.nir import to_graph
from pipeline.networks.base import Shape
from pipeline.networks.parts import modules
from pipeline.networks.parts.heads import At
from pipeline.networks.snntorch import Snntorch
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.parts.circuit import InexpressibleError
from pipeline.quantization.bounds import QuantizationError
from pipeline.quantization.quantize import quantize
from pipeline.training.batches import Batch
from pipeline.training.fitting import parameter_groups
from pipeline.training.losses import differentiate, watched
from pipeline.training.settings import SparsitySettings, TrainingSettings
from tests.networks.nets import LAYERS, Hidden

SHAPE = Shape(n_steps=20, n_features=5, n_classes=3, dt=0.01)
NETS = "tests.networks.nets"


def network(name: str, **settings: Any) -> Snntorch:
    return Snntorch.model_validate({"module": f"{NETS}:{name}", **settings})


def spikes(n_steps: int = 20, batch: int = 4) -> torch.Tensor:
    torch.manual_seed(3)
    return (torch.rand(n_steps, batch, 5) < 0.4).float()


@pytest.mark.parametrize("layer", ["synaptic", "alpha", "rsynaptic"])
def test_layers_with_hidden_states_keep_the_contract(layer: str) -> None:
    made = network("Hidden", options={"layer": layer}, read_out="membrane")
    testing.check_network(made, Leaky(), shape=SHAPE)


@pytest.mark.parametrize("name", ["Looping", "Passing", "Resetting", "Fixed"])
def test_every_form_of_a_module_keeps_it(name: str) -> None:
    testing.check_network(network(name), Leaky(), shape=SHAPE)


@pytest.mark.parametrize("layer", LAYERS)
def test_states_that_travel_give_what_one_pass_gives(layer: str) -> None:
    """By the probe, which every build runs; then over pieces of one step."""
    for name in ("Hidden", "Looping"):
        built = network(name, options={"layer": layer}).build(SHAPE, Leaky())
        (one,) = built.layers
        outputs, *_ = one(spikes(), None)
        state: tuple[torch.Tensor, ...] = ()
        for step, expected in zip(spikes().split(1), outputs, strict=True):
            found, *state = one(step, None, *state)
            assert torch.equal(found[0], expected)


@pytest.mark.parametrize("layer", LAYERS)
def test_logits_and_gradients_are_those_of_snntorchs_own_loop(layer: str) -> None:
    torch.manual_seed(1)
    built = network("Hidden", options={"layer": layer}).build(SHAPE, Leaky())
    torch.manual_seed(1)
    own = Hidden(5, 3, layer)
    fired = torch.stack([own(step)[0] for step in spikes()])
    mine = built(spikes())
    assert torch.equal(mine, fired.sum(0))
    mine.square().sum().backward()
    fired.sum(0).square().sum().backward()
    for one, other in zip(built.parameters(), own.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_nothing_of_a_window_is_left_and_a_trained_module_can_be_copied() -> None:
    built = network("Looping").build(SHAPE, Leaky())
    first = built(spikes())
    first.sum().backward()
    copied = copy.deepcopy(built)
    built(1 - spikes(batch=7))
    for one in (built, copied):
        assert all(not s.numel() for n, s in one.named_buffers() if n.endswith("mem"))
        assert torch.equal(one(spikes()), first)
        assert not any(name.endswith(("mem", ".reset")) for name in one.state_dict())


def test_gradients_end_where_states_are_detached() -> None:
    built = network("Looping", read_out="membrane").build(SHAPE, Leaky())
    pieces = [piece.requires_grad_() for piece in spikes().split(10)]
    at = At(torch.arange(4), torch.full((4,), 20))
    for detach in (False, True):
        logits = built.decide(pieces, at, detach=detach)
        before, after = torch.autograd.grad(logits.sum(), pieces, allow_unused=True)
        assert after.any()
        assert (before is None or not before.any()) == detach


def test_snntorch_does_not_keep_our_modules_alive() -> None:
    foreign = snntorch.Leaky(0.9)
    built = network("Hidden").build(SHAPE, Leaky())
    kept = weakref.ref(built.layers[0])
    del built
    gc.collect()
    assert kept() is None
    assert any(each is foreign for each in snntorch.SpikingNeuron.instances)
    snntorch.SpikingNeuron.instances.remove(foreign)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Forgetting", "its neurons start anew at every call"),
        ("Keeping", "it keeps seen from one call to the next"),
        ("Averaging", "it keeps trace from one call to the next"),
        ("Mixing", "a window's outputs depend on the windows beside it"),
        ("Silent", "Silent has none of snnTorch's layers"),
        ("Long", "(?s)Long has layers of SLSTM.*Leaky, Synaptic, Alpha"),
        ("Lost", r"its first value has the shape \(2, 4\) a step, not \(2, 3\)"),
        ("Broken", "(?s)cannot be made .RuntimeError: no such file.*5 inputs and 3"),
    ],
)
def test_a_module_that_does_not_keep_it_is_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        network(name).build(SHAPE, Leaky())


def test_a_module_of_other_inputs_is_refused_before_it_is_built() -> None:
    wide = Shape(n_steps=24, n_features=7, n_classes=3, dt=0.01)
    with pytest.raises(ConfigError, match=r"given a step, \(batch, 7\): it fails"):
        network("Fixed").check_shape(wide)
    network("Fixed").check_shape(SHAPE)
    with pytest.raises(ConfigError, match="does not take its sizes and options"):
        network("Fixed", options={"width": 3}).check_shape(SHAPE)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("no_such_package.nets:Net", "(?s)there is no source of no_such_package.nets"),
        (f"{NETS}s:Hidden", f"there is no source of {NETS}s"),
        ("nets.Net", "a place such as my_package.nets:Net"),
        ("os; import x:Net", "a place such as"),
    ],
)
def test_a_place_without_a_source_is_no_setting(place: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Snntorch(module=place)


class Hook(MetaPathFinder):
    """The finder of an editable install, as setuptools writes it for `src` layouts."""

    def __init__(self, package: str, folder: Path) -> None:
        self.package, self.folder = package, folder

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        if fullname != self.package:
            return None
        place = [str(self.folder)]
        source = self.folder / "__init__.py"
        return spec_from_file_location(
            fullname, source, submodule_search_locations=place
        )


def test_a_package_that_is_installed_by_a_hook_is_found_and_not_imported(
    tmp_path: Path, monkeypatch: Any
) -> None:
    folder = tmp_path / "elsewhere"
    (folder / "deep").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemError\n")
    (folder / "deep" / "nets.py").write_text("")
    hooks = [*sys.meta_path, Hook("hooked_package", folder)]
    monkeypatch.setattr(sys, "meta_path", hooks)
    found = modules.source_of("hooked_package.deep.nets")
    assert found == folder / "deep" / "nets.py"
    assert modules.source_of("hooked_package.deep.other") is None
    assert modules.source_of("sys") is None


def test_what_is_no_class_of_modules_is_refused(monkeypatch: Any) -> None:
    with pytest.raises(ConfigError, match="lies where DVC does not see"):
        network("Hidden").check(Leaky())
    monkeypatch.setattr(modules, "WATCHED", ("tests",))
    network("Hidden").check(Leaky())
    with pytest.raises(ConfigError, match="function is no class of"):
        network("function").check(Leaky())
    with pytest.raises(ConfigError, match="nets has no Nobody"):
        network("Nobody").check(Leaky())
    with pytest.raises(ConfigError, match="neurons beside a module"):
        network("Hidden").check(Leaky(threshold=0.5))


def test_a_module_that_cannot_be_imported_says_why(
    tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "failing_nets.py").write_text("import not_there_at_all\n")
    with pytest.raises(ConfigError, match="failing_nets cannot be imported"):
        Snntorch(module="failing_nets:Net").check(Leaky())


def test_memory_is_estimated_by_the_slowest_decay_for_ten_windows_at_most() -> None:
    slow = Shape(n_steps=1000, n_features=5, n_classes=3, dt=0.01)
    tau_s = -0.01 / torch.tensor(0.9).log()
    hidden = network("Hidden", read_out="membrane")
    assert hidden.remembers_s(slow, Leaky()) == pytest.approx(float(3 * tau_s))
    counted = network("Hidden").remembers_s(slow, Leaky())
    assert counted == pytest.approx(float(10 + 3 * tau_s))
    learned = network("Hidden", options={"layer": "leaky learned"})
    assert learned.remembers_s(slow, Leaky()) < counted
    short = Shape(n_steps=1, n_features=5, n_classes=3, dt=0.01)
    assert network("Hidden").remembers_s(short, Leaky()) == pytest.approx(0.1)


def test_it_has_no_integers_and_no_graph() -> None:
    built = network("Hidden").build(SHAPE, Leaky()).eval()
    with pytest.raises(QuantizationError, match="it has no integers, nor C"):
        quantize(built, spikes())
    with pytest.raises(InexpressibleError, match="it has no graph"):
        to_graph(built, SHAPE, about={})


def test_weights_are_tensors_alone() -> None:
    built = network("Hidden", options={"layer": "rleaky one to one"})
    state = built.build(SHAPE, Leaky()).state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert isinstance(built.build(SHAPE, Leaky()), nn.Module)


def test_every_inner_layer_is_seen_and_its_activity_can_be_penalised() -> None:
    built = network("Looping").build(SHAPE, Leaky())
    seen: dict[Any, list[torch.Tensor]] = {}

    def see(layer: Any, outputs: torch.Tensor) -> None:
        seen.setdefault(layer, []).append(outputs.detach())

    with watched(built, see):
        counts = built(spikes())
    hidden, last = (torch.cat(outputs) for outputs in seen.values())
    assert hidden.shape == (20, 4, 11)
    assert torch.equal(last.sum(0), counts)
    assert [layer.dt for layer in seen] == [0.01, 0.01]
    batch = Batch(spikes(), torch.tensor([0, 1, 2, 0]))
    settings = TrainingSettings()
    plain = differentiate(built, batch, settings)
    costly = SparsitySettings(rate_weight=1.0, rate_target_hz=5.0)
    rates = torch.stack([hidden.mean(), last.mean()]) / 0.01
    expected = plain + float((rates / 5 - 1).square().mean())
    assert differentiate(built, batch, settings, costly) == pytest.approx(expected)


def test_decays_and_thresholds_have_no_weight_decay() -> None:
    built = network("Hidden", options={"layer": "leaky learned"}).build(SHAPE, Leaky())
    weights, own = parameter_groups(built, TrainingSettings())
    assert weights["weight_decay"] > 0 == own["weight_decay"]
    assert len(own["params"]) == 4
    recurrent = network("Hidden", options={"layer": "rleaky one to one"})
    (every,) = parameter_groups(recurrent.build(SHAPE, Leaky()), TrainingSettings())
    assert len(every["params"]) == 6
