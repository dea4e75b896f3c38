"""params.yaml is refused whole, with what was meant."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.grid import Grid

ROOT = Path(__file__).parents[1]
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Change], Path]:
    """Write the project's own params.yaml, changed."""

    def write(change: Change) -> Path:
        sections = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
        change(sections)
        path = tmp_path / "params.yaml"
        YAML(typ="safe").dump(sections, path)
        return path

    return write


@pytest.mark.parametrize("name", ["params.yaml", "tests/params.yaml"])
def test_our_own_files_are_valid(name: str) -> None:
    assert not list(
        config.Params(YAML(typ="safe").load((ROOT / name).read_text())).problems()
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda p: p["encoders"]["delta"].update(treshold=0.5),
            r"encoders.delta.*treshold.*\n.*did you mean 'threshold'",
        ),
        (lambda p: p.update(trainig={}), "trainig.*\n.*did you mean 'training'"),
        (
            lambda p: p["grid"].update(dataset=["ecg_dmo"]),
            "grid.dataset.*ecg_dmo.*\n.*did you mean 'ecg_demo'",
        ),
        (lambda p: p["grid"].update(model=["lif", "lif"]), r"(?s)grid.*lif.*once"),
        (
            lambda p: p["models"]["stdp"]["neuron"].update(name="adaptive"),
            "models.stdp.neuron: Adaptive in a competitive network.*\n.*name: leaky",
        ),
        (
            lambda p: p["models"]["stdp"]["neuron"].update(threshold=2.0),
            "models.stdp.neuron.threshold: 2, and adaptive thresholds rest at 1",
        ),
        (
            lambda p: p["models"]["stdp"]["network"]["rules"][0].update(a_pluss=1),
            "three_variable: a_pluss is not a setting; did you mean 'a_plus'",
        ),
        (
            lambda p: p["datasets"]["ecg_demo"].pop("folds"),
            "datasets.ecg_demo.folds: is missing",
        ),
        (
            lambda p: p["datasets"]["ecg_demo"]["source"].update(name="synthetik_ecg"),
            "synthetik_ecg.*\n.*did you mean 'synthetic_ecg'",
        ),
        (
            lambda p: p["models"]["lif"]["neuron"].pop("name"),
            "models.lif.neuron: does not say which",
        ),
        (
            lambda p: p["training"].update(epochs="many"),
            "training.*epochs is 'many'",
        ),
        (
            lambda p: p["encoders"].update(burst={"name": "burst"}),
            r"encoders\.burst\.name: there is no 'burst'",
        ),
        (
            lambda p: p["datasets"]["emg_demo"]["reader"].update(name="bids"),
            "'bids' is no name(.|\n)*now 'mne'",
        ),
        (
            lambda p: p["datasets"]["ecg_demo"]["source"].update(files=["a"]),
            "files is not a setting",
        ),
        (
            lambda p: p["datasets"]["eegmat"]["source"].update(subjects=["a"]),
            "only",
        ),
        (
            lambda p: p["datasets"]["eegmat"]["values"]["label"].update(key="rum"),
            "values.label: the source's pattern has no field 'rum'.*\n.*'run'",
        ),
        (
            lambda p: p["datasets"]["ecg_demo"]["values"]["label"].update(
                {"from": "column", "key": "a"}
            ),
            "from is 'column', which the reader's files do not have.*\n.*annotation",
        ),
        (
            lambda p: p["datasets"]["eegmat"]["values"]["label"].update(
                map={1: "rest", 2: "aritmetic"}
            ),
            "'aritmetic' is not among the labels.*\n.*'arithmetic'",
        ),
        (
            lambda p: p["datasets"]["eegmat"].update(labels=["rest"]),
            "labels: one class alone",
        ),
        (
            lambda p: p["datasets"]["eegmat"]["reader"].update(unit="mikrovolt"),
            "unit is 'mikrovolt'(.|\n)*V, mV, uV",
        ),
        (
            lambda p: p["encoders"]["rate"].pop("name"),
            r"encoders.rate: does not say which(.|\n)*name: delta \| rate",
        ),
        (
            lambda p: p["encoders"].update(fine={"name": "dleta"}),
            "there is no 'dleta'.*\n.*did you mean 'delta'",
        ),
        (
            lambda p: p["grid"].update(skip=["*-rate-*"]),
            "grid: skip is not a setting",
        ),
        (
            lambda p: p["datasets"]["ecg_demo"]["signal"].update(l_freq=-1),
            "datasets.ecg_demo.signal.*l_freq is -1",
        ),
    ],
)
def test_a_mistake_is_named(
    write: Callable[[Change], Path], change: Change, says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        config.load(write(change))


def rename(kind: str, before: str, now: object) -> Change:
    """Give an entry another name, in its section and in the grid."""

    def change(sections: dict[str, Any]) -> None:
        sections[f"{kind}s"][now] = sections[f"{kind}s"].pop(before)
        grid = sections["grid"][kind]
        sections["grid"][kind] = [now if name == before else name for name in grid]

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            rename("dataset", "ecg_demo", "x; touch y #"),
            r"datasets: the name 'x; touch y #': it holds ';'(.|\n)*write it x_touch_y",
        ),
        (
            rename("dataset", "ecg_demo", 2024),
            "datasets: the name 2024: YAML reads it as a number"
            r"(.|\n)*write it dataset_2024, here and in grid",
        ),
        (
            rename("encoder", "delta", "a-b"),
            r"encoders: the name 'a-b': it holds '-', which parts(.|\n)*write it a_b",
        ),
        (rename("model", "lif", "a.b"), r"models: the name 'a\.b': it holds '\.'"),
        (rename("model", "lif", None), "models: the name None: YAML reads it as noth"),
        (
            lambda p: p["datasets"].update(ECG_demo=p["datasets"]["ecg_demo"]),
            "(?i)datasets: the name 'ecg_demo': only upper and lower case tell it from "
            r"'ecg_demo'(.|\n)*write it ecg_demo_2",
        ),
        (
            lambda p: p["grid"].update(encoder=["../x"]),
            r"grid: encoder(.|\n)*names of a letter, then (.|\n)*it holds '\.', '/'",
        ),
    ],
)
def test_a_name_that_some_tool_does_not_take_is_refused(
    write: Callable[[Change], Path], change: Change, says: str
) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        config.load(write(change))
    assert "is not defined" not in str(caught.value)


@pytest.mark.parametrize(
    ("label", "says"),
    [
        ("", "class '' is empty"),
        (" a", "begins or ends with a space"),
        ("a\nb", r"holds '\\n', which nobody sees"),
        ("a\u202eb", r"holds '\\u202e', which nobody sees"),
        ("睡眠", "holds '睡', which FIF files cannot write"),
        ("a{COLON}b", "holds {COLON}"),
        ("x" * 61, "has 61 characters, over 60"),
    ],
)
def test_a_class_that_no_file_can_hold_is_refused(
    write: Callable[[Change], Path], label: str, says: str
) -> None:
    for labels in ([label, "right"], {label: "the left hand", "right": "the right"}):
        with pytest.raises(ConfigError, match=says) as caught:
            config.load(
                write(
                    lambda p, labels=labels: p["datasets"]["eeg_demo"].update(
                        labels=labels
                    )
                )
            )
        assert "longer ones beside them" in str(caught.value)


def test_other_classes_may_be_called_as_they_are(
    write: Callable[[Change], Path],
) -> None:
    labels = ["N/", "..", "2024", "a:b", "a;b", "*/", "$x$", "<b>", "é", "=1", "yes"]

    def change(sections: dict[str, Any]) -> None:
        sections["datasets"]["eeg_demo"]["labels"] = labels

    assert list(config.load(write(change)).read("datasets.eeg_demo.labels")) == labels


def test_what_a_model_spends_less_by_may_be_left_out(
    write: Callable[[Change], Path],
) -> None:
    params = config.load(write(lambda p: p["models"]["lif"].pop("sparsity", None)))
    assert params.plain("models.lif.sparsity") == {}
    left_out = params.read("models.lif.sparsity")
    assert not left_out.penalised
    assert left_out.pruning is left_out.cutoff is None

    def change(sections: dict[str, Any]) -> None:
        sections["models"]["lif"]["sparsity"] = {"hoyer_weight": 0.25}

    assert config.load(write(change)).read("models.lif.sparsity").hoyer_weight == 0.25


def test_only_what_may_be_left_out_may(write: Callable[[Change], Path]) -> None:
    params = config.load(write(lambda p: None))
    with pytest.raises(ConfigError, match=r"models\.lfi\.sparsity: is missing"):
        params.read("models.lfi.sparsity")
    for part in ("network", "neuron"):
        with pytest.raises(ConfigError, match=f"models.lif.{part}: is missing"):
            config.load(write(lambda p, part=part: p["models"]["lif"].pop(part)))


@pytest.mark.parametrize(
    ("sparsity", "says"),
    [
        ({"hoyer": 1}, "models.linear.sparsity: hoyer is not a setting"),
        ({"pruning": {"share": 2}}, "models.linear.sparsity: pruning.share is 2"),
        ({"hoyer_weight": 1}, "models.linear.sparsity: a penalty on the activity"),
        (None, "models.linear.sparsity"),
    ],
)
def test_sparsity_is_refused_by_the_models_name(
    write: Callable[[Change], Path], sparsity: object, says: str
) -> None:
    def change(sections: dict[str, Any]) -> None:
        sections["models"]["linear"]["sparsity"] = sparsity

    with pytest.raises(ConfigError, match=says):
        config.load(write(change))


def test_pruning_of_what_learns_by_reward_is_refused(
    write: Callable[[Change], Path],
) -> None:
    def change(sections: dict[str, Any]) -> None:
        pruned = {"pruning": {"share": 0.5}}
        sections["models"]["stdp_reward"]["sparsity"] = pruned

    with pytest.raises(ConfigError, match=r"models\.stdp_reward\.sparsity\.pruning"):
        config.load(write(change))


def test_all_mistakes_are_told_at_once(write: Callable[[Change], Path]) -> None:
    def two(sections: dict[str, Any]) -> None:
        sections["training"]["epochs"] = 0
        sections["seed"] = "today"

    with pytest.raises(ConfigError, match=r"(?s)2 problems.*seed.*training"):
        config.load(write(two))


def test_a_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: [1\n")
    with pytest.raises(ConfigError, match="cannot be read"):
        config.load(tmp_path / "params.yaml")


def test_reading_validates_only_what_is_asked_for(
    write: Callable[[Change], Path],
) -> None:
    path = write(lambda p: p["training"].update(epochs=0))
    params = config.read(path)
    assert params.read("evaluation").resamples > 0
    with pytest.raises(ConfigError, match=r"training.*epochs is 0"):
        params.read("training")
    with pytest.raises(ConfigError, match="epochs is 0"):
        config.load(path)


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("seed: 1\nseed: 2\n")
    with pytest.raises(ConfigError, match="duplicate"):
        config.load(tmp_path / "params.yaml")


def test_a_file_is_judged_without_torch() -> None:
    code = "import sys; from pipeline import config; config.load(); "
    code += "sys.exit(bool({'torch', 'scipy', 'mne', 'sklearn'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_dataset_with_every_encoder_and_every_model_is_a_cell() -> None:
    grid = Grid(dataset=("b", "a"), encoder=("rate", "delta"), model=("n", "m"))
    assert [str(cell) for cell in grid.cells()] == [
        "b-rate-n",
        "b-rate-m",
        "b-delta-n",
        "b-delta-m",
        "a-rate-n",
        "a-rate-m",
        "a-delta-n",
        "a-delta-m",
    ]


def test_two_encoders_may_be_one_component(write: Callable[[Change], Path]) -> None:
    def change(sections: dict[str, Any]) -> None:
        sections["encoders"]["fine"] = {"name": "delta", "threshold": 0.125}
        sections["grid"]["encoder"] = ["delta", "fine"]

    params = config.load(write(change))
    coarse, fine = (params.read(f"encoders.{name}") for name in ("delta", "fine"))
    assert type(coarse) is type(fine)
    assert (coarse.threshold, fine.threshold) == (0.5, 0.125)
    encoders = {cell.encoder for cell in params.read("grid").cells()}
    assert encoders == {"delta", "fine"}


@pytest.mark.parametrize(
    "override",
    [
        "models.lif.network.dropout=0.5",
        "models.lif.neuron.tau_mem_s=0.03",
        "models.stdp.network.units=32",
        "models.stdp.neuron.tau_mem_s=0.03",
        "models.lif_sparse.sparsity.pruning.share=0.5",
    ],
)
def test_an_override_of_one_model_reaches_it_and_no_other(
    override: str, tmp_path: Path
) -> None:
    """DVC writes aliases of one anchor one after the other: the last would win."""
    from dvc.utils.hydra import apply_overrides

    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text())
    before = YAML(typ="safe").load(path)["models"]
    apply_overrides(path, [override])
    after = YAML(typ="safe").load(path)["models"]
    key, _, value = override.partition("=")
    _, model, *rest = key.split(".")
    found = after[model]
    for part in rest:
        found = found[part]
    assert str(found) == value
    assert {m for m in after if after[m] != before[m]} == {model}
