"""The competitive network: delays, weights of events, neurons that inhibit."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.networks.base import Shape
from pipeline.networks.competitive import Competitive
from pipeline.networks.parts.competing import Delays, EventLinear
from pipeline.neurons.leaky import Leaky
from pipeline.neurons.polynomial import Polynomial
from pipeline.plasticity.adaptive_threshold import AdaptiveThreshold
from pipeline.plasticity.normalisation import Normalisation
from pipeline.plasticity.reward import Reward
from pipeline.plasticity.three_variable import ThreeVariable
from pipeline.profiling.operations import count
from pipeline.training.local import parts

SHAPE = Shape(n_steps=40, n_features=3, n_classes=2, dt=0.01)
NETWORK = Competitive(
    units=8,
    delays=4,
    delay_s=0.02,
    inhibition=0.3,
    winners=2,
    bins=4,
    rules=(ThreeVariable(),),
)


def spikes(batch: int, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random((40, batch, 3)) < 0.3).float()


def made() -> torch.nn.Module:
    torch.manual_seed(3)
    network = NETWORK.build(SHAPE, Leaky(tau_mem_s=0.03)).eval()
    layer, neurons = parts(network)
    layer.linear.weight.data.uniform_(0, 0.6)
    neurons.thresholds.uniform_(0.4, 1.2)
    return network


def test_copies_are_as_late_as_stated() -> None:
    given = spikes(2)
    copies = Delays(count=4, every=3)(given)
    for feature in range(3):
        for k in range(4):
            late = copies[:, :, 4 * feature + k]
            assert torch.equal(late[3 * k :], given[: 40 - 3 * k, :, feature])
            assert not late[: 3 * k].any()


def test_delays_longer_than_the_window_are_silent() -> None:
    assert not Delays(count=2, every=50)(spikes(1))[:, :, 1::2].any()


def test_weights_of_events_are_a_linear_map() -> None:
    linear = EventLinear(3, 5)
    given = spikes(4)
    torch.testing.assert_close(
        linear(given), torch.nn.functional.linear(given, linear.weight)
    )


def test_the_layer_is_the_population_that_learned() -> None:
    network = made()
    layer, neurons = parts(network)
    population = neurons.population
    weights = layer.linear.weight.detach().t().contiguous().numpy()
    state = population.start(weights, neurons.thresholds.numpy())
    given = spikes(5)
    copies = layer.delays(given)
    fired, _ = neurons(layer.linear(copies))
    assert fired.any()
    for b in range(5):
        population.rest(state)
        train = (copies[:, b] != 0).contiguous().numpy()
        alone = population.run(state, train, learning=False)
        assert np.array_equal(alone, fired[:, b].numpy() != 0)


def test_a_layer_of_codes_is_the_population_that_learned() -> None:
    """Codes and the numbers they stand for add up alike, but for rounding."""
    rules = (ThreeVariable(precision="int8"),)
    network = NETWORK.model_copy(update={"rules": rules}).build(SHAPE, Leaky())
    layer, neurons = parts(network)
    population = neurons.population
    rng = np.random.default_rng(0)
    state = population.start(rng.uniform(0, 1, (12, 8)).astype(np.float32))
    layer.linear.weight.data = torch.from_numpy(population.values(state)).t()
    copies = layer.delays(spikes(40))
    fired = neurons(layer.linear(copies))[0].numpy() != 0
    alone = []
    for b in range(40):
        population.rest(state)
        train = (copies[:, b] != 0).contiguous().numpy()
        alone.append(population.run(state, train, learning=False))
    assert fired.mean() > 0.02
    assert (np.stack(alone, axis=1) == fired).mean() > 0.999


def test_no_more_than_the_winners_fire() -> None:
    network = made()
    layer, neurons = parts(network)
    fired = neurons(layer(spikes(20)))[0].sum(2)
    assert fired.max() == 2


def test_a_layer_may_be_run_in_pieces() -> None:
    network = made()
    layer, neurons = parts(network)
    currents = layer(spikes(3))
    uncut, last = neurons(currents)
    first, state = neurons(currents[:17])
    rest, again = neurons(currents[17:], state)
    assert torch.equal(torch.cat([first, rest]), uncut)
    assert torch.equal(again, last)


def test_it_learns_no_weights_by_gradients_but_the_read_outs() -> None:
    network = made()
    learning = [name for name, p in network.named_parameters() if p.requires_grad]
    assert learning == ["head.linear.weight", "head.linear.bias"]


def test_another_neuron_is_refused() -> None:
    with pytest.raises(ConfigError, match="Polynomial in a competitive network"):
        NETWORK.build(SHAPE, Polynomial())


def test_the_neurons_threshold_is_the_first() -> None:
    _, neurons = parts(NETWORK.build(SHAPE, Leaky(threshold=2.5)))
    assert (neurons.thresholds == 2.5).all()


def test_thresholds_that_rest_elsewhere_are_refused() -> None:
    network = Competitive(rules=(ThreeVariable(), AdaptiveThreshold(rest=1.0)))
    with pytest.raises(ConfigError, match="rest at 1"):
        network.build(SHAPE, Leaky(threshold=2.0))


def test_time_constants_shorter_than_a_step_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"steps of 0\.05 s"):
        NETWORK.build(Shape(40, 3, 2, 0.05), Leaky())


def test_rules_are_chosen_by_name() -> None:
    plain = {
        "rules": [
            {"name": "three_variable", "a_plus": 0.5},
            {"name": "adaptive_threshold"},
        ]
    }
    network = Competitive(**plain)
    assert network.rules == (ThreeVariable(a_plus=0.5), AdaptiveThreshold())
    rules = network.model_dump(mode="json")["rules"]
    assert [rule["name"] for rule in rules] == [
        "three_variable",
        "adaptive_threshold",
    ]
    assert Competitive.model_validate(network.model_dump(mode="json")) == network


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"name": "three_variables"}, "did you mean 'three_variable'"),
        ({"a_plus": 0.1}, "name: adaptive_threshold | normalisation"),
        ({"name": "pair", "a_plusses": 1}, "did you mean 'a_plus'"),
        ({"name": "pair", "a_plus": -1}, "a_plus"),
    ],
)
def test_a_rule_that_is_none_is_refused(rule: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Competitive(rules=[rule])
    assert message in str(error.value)


def test_the_bill_counts_weights_inhibition_and_membranes() -> None:
    network = made()
    layer, neurons = parts(network)
    layer.linear.weight.data[:, ::2] = 0
    given = spikes(6)
    copies = layer.delays(given)
    fired = neurons(layer.linear(copies))[0]
    counted = count(network, given, dt=0.01)
    bill = {each.name: each for each in counted.synapses}
    met = int((copies[..., 1::2] != 0).sum()) * 8
    assert bill["layers.0.weights.linear"].effective == met
    n_spikes = int(fired.sum())
    assert n_spikes > 0
    assert bill["layers.0.unrolled.inhibition"].effective == n_spikes * 7
    assert bill["head.linear"].effective == n_spikes * 2
    (entry,) = counted.neurons
    assert (entry.updates, entry.multiplications) == (40 * 6 * 8, 2 * 40 * 6 * 8)
    assert counted.effective_macs == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rules": (ThreeVariable(w_max=2.0), Normalisation())}, "w_max differs"),
        ({"rules": (ThreeVariable(precision="int8"), Normalisation())}, "uint8"),
        ({"rules": ()}, "no rule that changes weights"),
        ({"rules": (AdaptiveThreshold(),)}, "no rule that changes weights"),
        ({"rules": (ThreeVariable(), Reward())}, "the layer gets none"),
        ({"reward": {}, "read_out": "count"}, "one of them"),
        ({"first_weights": (0.6, 0.2)}, "the lower end first"),
        ({"first_weights": (0.2, 1.6)}, "less than or equal to 1"),
        ({"reward": {"rules": ()}}, "exactly one rule `reward`"),
        ({"reward": {"rules": (Reward(w_max=2.0), Normalisation())}}, "w_max differs"),
        (
            {"reward": {"rules": (Reward(), AdaptiveThreshold()), "threshold": 2.0}},
            "rest elsewhere",
        ),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Competitive(**settings)
    assert message in str(error.value)


def test_delays_beyond_the_window_are_refused() -> None:
    with pytest.raises(ConfigError, match="delay"):
        Competitive(delays=8, delay_s=0.06).build(SHAPE, Leaky())


def test_competing_neurons_on_a_device_are_the_twin() -> None:
    network = made()
    layer, neurons = parts(network)
    currents = layer(spikes(7))
    from pipeline.kernels.rules.competitive import plain_compete

    twin, last = plain_compete(
        neurons.population.neurons, currents, neurons.thresholds, torch.zeros(2, 7, 8)
    )
    fired, state = neurons(currents)
    assert torch.equal(twin, fired)
    torch.testing.assert_close(last, state)
