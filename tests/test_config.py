"""params.yaml is refused as one, with what was meant."""

import copy
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline import config
from pipeline.errors import ConfigError
from pipeline.grid import Audited, Grid

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
    ("change", "message"),
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
        (lambda p: p["grid"].pop("audit"), "grid: audit is missing"),
        (
            lambda p: p["grid"]["audit"].update(model=["adaptive"]),
            r"(?s)grid.*adaptive is in grid\.audit\.model and not in grid\.model",
        ),
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
            "models.lif.neuron: does not name its component",
        ),
        (
            lambda p: p["training"].update(epochs="many"),
            "training.*epochs is 'many'",
        ),
        (
            lambda p: p["encoders"].update(other={"name": "other"}),
            r"encoders\.other\.name: there is no 'other'",
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
            r"encoders.rate: does not name its component"
            r"(.|\n)*name: .*delta \| .*rate",
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
    write: Callable[[Change], Path], change: Change, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        config.load(write(change))


def rename(kind: str, before: str, now: object) -> Change:
    """Give an entry another name, in its section and in the grid."""

    def change(sections: dict[str, Any]) -> None:
        sections[f"{kind}s"][now] = sections[f"{kind}s"].pop(before)
        grid = sections["grid"][kind]
        sections["grid"][kind] = [now if name == before else name for name in grid]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
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
            "(?i)datasets: the name 'ecg_demo': only upper and lower case "
            "distinguish it from "
            r"'ecg_demo'(.|\n)*write it ecg_demo_2",
        ),
        (
            lambda p: p["grid"].update(encoder=["../x"]),
            r"grid: encoder(.|\n)*names of a letter, then (.|\n)*it holds '\.', '/'",
        ),
    ],
)
def test_a_name_that_some_tool_does_not_take_is_refused(
    write: Callable[[Change], Path], change: Change, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        config.load(write(change))
    assert "is not defined" not in str(caught.value)


@pytest.mark.parametrize(
    ("label", "message"),
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
    write: Callable[[Change], Path], label: str, message: str
) -> None:
    for labels in ([label, "right"], {label: "the left hand", "right": "the right"}):
        with pytest.raises(ConfigError, match=message) as caught:
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


def test_a_network_with_neurons_of_its_own_takes_none(
    write: Callable[[Change], Path],
) -> None:
    own = {"name": "snntorch", "module": "tests.networks.nets:Hidden"}

    def change(sections: dict[str, Any]) -> None:
        sections["models"]["mine"] = {"network": own}

    params = config.read(write(change))
    assert params.plain("models.mine.neuron") == {"name": "leaky"}
    assert params.read("models.mine.network").module == own["module"]
    own["module"] = "no_such_package.nets:Hidden"
    wrong = config.read(write(change))
    with pytest.raises(ConfigError, match="there is no source of no_such_package"):
        wrong.read("models.mine.network")


@pytest.mark.parametrize(
    ("sparsity", "message"),
    [
        ({"hoyer": 1}, "models.linear.sparsity: hoyer is not a setting"),
        ({"pruning": {"share": 2}}, "models.linear.sparsity: pruning.share is 2"),
        ({"hoyer_weight": 1}, "models.linear.sparsity: a penalty on the activity"),
        (
            {"pruning": {"method": "lamps", "share": 0.5}},
            r"method is 'lamps'(.|\n)*lamp, the new name of 'lamps'",
        ),
        (None, "models.linear.sparsity"),
    ],
)
def test_sparsity_is_refused_by_the_models_name(
    write: Callable[[Change], Path], sparsity: object, message: str
) -> None:
    def change(sections: dict[str, Any]) -> None:
        sections["models"]["linear"]["sparsity"] = sparsity

    with pytest.raises(ConfigError, match=message):
        config.load(write(change))


@pytest.mark.parametrize(
    ("model", "privacy", "message"),
    [
        ("linear", {"epsilon": 0}, "models.linear.privacy: epsilon is 0"),
        ("linear", {"clip": 2}, "either epsilon or noise"),
        ("linear", {"epsilon": 3}, r"training\.patience \d+ stops early"),
        ("lif", {"epsilon": 3}, "models.lif.privacy.*norm over batches"),
    ],
)
def test_protection_is_refused_by_the_models_name(
    write: Callable[[Change], Path], model: str, privacy: object, message: str
) -> None:
    def change(sections: dict[str, Any]) -> None:
        sections["models"][model]["privacy"] = privacy
        sections["training"] |= {"epochs": 10, "patience": 5}

    with pytest.raises(ConfigError, match=message):
        config.load(write(change))


@pytest.mark.parametrize(
    ("read_out", "restart", "refused"),
    [
        ("count", "never", True),
        ("traces", "blocks", True),
        ("count", "windows", False),
        ("rates", "never", False),  # refused in training, or fitted by a regression
    ],
)
def test_a_loss_at_every_step_is_for_windows(
    write: Callable[[Change], Path], read_out: str, restart: str, *, refused: bool
) -> None:
    def change(sections: dict[str, Any]) -> None:
        sections["training"]["loss"] = "tet"
        network = sections["models"]["lif"]["network"]
        sections["models"]["lif"]["network"] = {
            **network,
            "read_out": read_out,
            "restart": restart,
        }

    path = write(change)
    if not refused:
        config.load(path)
        return
    with pytest.raises(ConfigError, match=rf"models\.lif.*restart: {restart}, but"):
        config.load(path)


def test_a_protected_model_is_read(write: Callable[[Change], Path]) -> None:
    def change(sections: dict[str, Any]) -> None:
        sections["models"]["linear"]["privacy"] = {"epsilon": 3}
        sections["training"] |= {"epochs": 10, "patience": 10}

    params = config.load(write(change))
    assert params.read("models.linear.privacy").certified
    assert not params.read("models.lif.privacy").certified


def test_pruning_of_what_learns_by_reward_is_refused(
    write: Callable[[Change], Path],
) -> None:
    def change(sections: dict[str, Any]) -> None:
        pruned = {"pruning": {"share": 0.5}}
        sections["models"]["stdp_reward"]["sparsity"] = pruned

    with pytest.raises(ConfigError, match=r"models\.stdp_reward\.sparsity\.pruning"):
        config.load(write(change))


def test_all_mistakes_are_listed_at_once(write: Callable[[Change], Path]) -> None:
    def two(sections: dict[str, Any]) -> None:
        sections["training"]["epochs"] = 0
        sections["seed"] = "today"

    with pytest.raises(ConfigError, match=r"(?s)2 problems.*seed.*training"):
        config.load(write(two))


def ours() -> dict[str, Any]:
    """The project's own settings, to be changed."""
    return copy.deepcopy(_ours())


@cache
def _ours() -> dict[str, Any]:
    sections: dict[str, Any] = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    return sections


TRICKS = ["should", "match pattern", "discriminat", "union", "literal", "pydantic"]
"""What messages of pydantic contain."""


@pytest.mark.parametrize(
    ("place", "value", "found", "expected"),
    [
        (
            "D.folds.scheme",
            "cros_subject",
            "scheme is 'cros_subject'",
            "did you mean 'cr",
        ),
        (
            "D.folds.scheme",
            3,
            "scheme is 3",
            "one of cross_session, cross_subject, pre",
        ),
        ("D.folds.scheme", ..., "scheme is missing", "one of cross_session, cross_sub"),
        ("D.folds.nfolds", 3, "nfolds is not a setting", "did you mean 'n_folds'?"),
        ("D.folds.n_folds", "many", "n_folds is 'many'", "from 2 to 100, or subjects"),
        ("D.folds", None, "the value is empty", "settings below it, each `key: value`"),
        ("D.windows.kind", "beat", "windows: kind is 'beat'", "did you mean 'beats'?"),
        (
            "D.windows.tmin",
            -1e3,
            "windows: tmin is -1000",
            "at least -600 (window start",
        ),
        ("D.windows.tmin", ..., "windows: tmin is missing", "a number (window start"),
        (
            "D.windows.beats",
            "no",
            "beats is 'no'",
            "one of annotated, detected (placed",
        ),
        ("D.windows.tmax", -3, "windows: tmin < tmax does not hold", None),
        ("D.signal.scale", 3, "scale is 3", "settings below it, each `key: value`"),
        ("D.signal.scale.tau_s", 0, "scale.tau_s is 0", "above 0 (time constant of"),
        (
            "D.signal.scale.shared",
            "x",
            "scale.shared is 'x'",
            "true or false (one scale",
        ),
        (
            "D.signal.channels",
            [],
            "channels is []",
            "at least one entry (channel names",
        ),
        ("D.card.title", 12, "title is 12", 'a text, in quotes: "12"'),
        ("D.card.title", True, "title is true", 'a text, in quotes: "true"'),
        ("D.card.modality", "emgg", "modality is 'emgg'", "did you mean 'emg'?"),
        ("D.card.home", "www.x", "home is 'www.x'", "begins with https:// or http://"),
        ("D.labels", [], "the value is []", "at least one entry"),
        ("D.labels", 3, "the value is 3", "a mapping: {key: value, key: value}"),
        (
            "D.reader.annotations",
            "a/b",
            "annotations is 'a/b'",
            "extension of the annot",
        ),
        ("D.reader.unchecked", ["rnage"], "unchecked.0 is 'rnage'", "mean 'range'?"),
        (
            "D.reader.channels",
            {"a": 3.5},
            "channels.a is 3.5",
            "a list: [first, second]",
        ),
        ("D.reader.channels", [], "channels is []", "at least one entry (channels in"),
        (
            "D.reader.name",
            ["wfdb"],
            "reader.name: there is no '['wfdb']'",
            "did you mean 'wf",
        ),
        (
            "D.values.label.from",
            "anotation",
            "label.from is 'anot",
            "mean 'annotation'?",
        ),
        ("D.values.label.split", "", "label.split is ''", "a text that is not empty"),
        (
            "D.values.numbers",
            {"a": {"from": "x"}},
            "numbers.a.from is 'x'",
            "one of anno",
        ),
        ("D.source.pattern", "", "pattern is ''", "a text that is not empty (path of"),
        ("D.source.subjects", 2.5, "subjects is 2.5", "an integer"),
        ("datasets.mitdb.folds.train", [101], "train.0 is 101", 'in quotes: "101"'),
        ("datasets.mitdb.source.checksums", 3, "checksums is 3", "a path"),
        (
            "datasets.emg_gestures.reader.decimal",
            ";",
            "decimal is ';'",
            "one of '.', ','",
        ),
        (
            "datasets.emg_gestures.reader.delimiter",
            "xx",
            "is 'xx'",
            "at most 1 character ",
        ),
        ("training", None, "training: the value is empty", "settings below it, each"),
        ("training.learning_rate", 5, "learning_rate is 5", "at most 1 (peak of"),
        ("training.loss", "crossentropy", "loss is", "did you mean 'cross_entropy'?"),
        ("on_bad_recording", "skp", "the value is 'skp'", "did you mean 'skip'?"),
        ("seed", 1.5, "the value is 1.5", "an integer"),
        (
            "grid.dataset",
            "ecg_demo",
            "dataset is 'ecg_demo'",
            "a list: [first, second]",
        ),
        ("grid.model", ["Lif"], "'Lif' is not defined", "did you mean 'lif'?"),
        ("encoders", [], "encoders: is []", "entries, each a name with its settings"),
        ("datasets", None, "datasets: is empty", "entries, each a name with its setti"),
        ("models.lif.network.channels", [0], "channels.0 is 0", "above 0"),
        (
            "models.lif.network.channels",
            ["a", 3],
            "channels.0 is 'a'",
            "an integer",
        ),
        (
            "models.lif.network.name",
            "convolution",
            "no 'convolution'",
            "'convolutional'",
        ),
        (
            "models.lif.neuron.learning_rates",
            {"log_tau": "x"},
            "log_tau is",
            "a number",
        ),
        (
            "models.stdp_reward.network.reward",
            {"rules": 3},
            "reward.rules is 3",
            "a list",
        ),
    ],
)
def test_a_wrong_value_is_explained_in_plain_words(
    place: str, value: object, found: str, expected: str | None
) -> None:
    *above, last = place.replace("D.", "datasets.ecg_demo.").split(".")
    sections = ours()
    holder = sections
    for key in above:
        holder = holder[key]
    holder.pop(last, None) if value is ... else holder.update({last: value})
    (problem,) = config.Params(sections).problems()
    assert found in f"{problem.where}: {problem.found}"
    assert ":".join(problem.where.split(".")[:1]) == "params"
    assert (expected or "") in problem.expected
    assert bool(problem.expected) == (expected is not None)
    assert "; " not in problem.found
    assert problem.remedy
    assert not [trick for trick in TRICKS if trick in str(problem)]


def test_two_wrong_values_of_a_section_are_kept_apart() -> None:
    sections = ours()
    sections["training"].update(epochs="many", batch=0)
    (problem,) = config.Params(sections).problems()
    assert problem.found == "epochs is 'many'; batch is 0"
    about = "windows, or training segments of what runs on"
    assert problem.expected == f"epochs: an integer; batch: above 0 ({about})"


@pytest.mark.parametrize(
    ("text", "place", "found", "expected"),
    [
        ("seed: 1\nseed: 2\n", (2, 1), "the key 'seed' stands twice", "each key once"),
        ("a: {b: 1, b: 2}\n", (1, 11), "the key 'b' stands twice", "each key once"),
        ("a:\n\tb: 1\n", (2, 1), "a tab indents the line", "spaces"),
        ("a:\n  b: 1\n c: 2\n", (3, 2), "does not fit those above", "number of spaces"),
        ("  a: 1\nb: 2\n", (2, 1), "does not fit those above", "number of spaces"),
        ("a: 1\n- b\n", (2, 1), "does not fit those above", "number of spaces"),
        ("a: b: c\n", (1, 5), "a second key of this line", "quotes around texts"),
        ("a: 1\n  b: 2\n", (2, 4), "indented more", "same number of spaces"),
        ("a: 1\nb: 'x\nc: 2\n", (2, 4), "quote that begins here is not", "both ends"),
        ('a: "x\nb: 2\n', (1, 4), "quote that begins here is not", "both ends"),
        ('a: "C:\\data"\n', (1, 7), "a backslash", "single quotes"),
        (
            "a: [1\nb: 2\n",
            (1, 4),
            "the list that begins here with [",
            "[first, second]",
        ),
        ("a: {b: 1\nc: 2\n", (1, 4), "the mapping that begins here with {", "{key: "),
        ("a: %x\n", (1, 4), "a sign of YAML's own", "quotes around"),
        ("a: *x\n", (1, 4), "an alias (*) whose anchor", "&name"),
        ("a: !x 1\n", (1, 4), "a tag (!)", "quotes around"),
        ("<<: 3\n", (1, 5), "no mapping to merge", "<<: *name"),
        ("a: 1\n---\nb: 2\n", (2, 1), "a second document", "three dashes"),
        ("a: {{b}}\n", (1, 5), "used as a key", "key: value"),
        ("a: |\n b\nc\n", (3, 1), "a line that is no key", "key: value"),
        ("a: }\n", (1, 4), "cannot be read on from here", "key: value"),
        ("a: 1\nb: 2024-13-45\n", (2, 4), "a date that is none", "quotes around"),
        ("a: 1\nb: \x01\n", (2, 4), "a character that nobody sees", "without such"),
        (b"a: 1\nb: \xe4\n", (2, 4), "byte 8 (0xe4) is not UTF-8", "save it again"),
    ],
)
def test_what_is_no_yaml_is_explained_with_its_line(
    tmp_path: Path,
    text: str | bytes,
    place: tuple[int, int],
    found: str,
    expected: str,
) -> None:
    path = tmp_path / "params.yaml"
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.read(path)
    line, column = place
    assert caught.value.where == f"{path}, line {line}, column {column}"
    assert found in caught.value.found
    assert expected in caught.value.expected
    shown = content.decode("latin-1").splitlines()[line - 1]
    assert caught.value.found.endswith(f"the line: {shown!r}")
    assert not [word for word in ("scanning", "<", "token", "mark") if word in found]


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    with pytest.raises(ConfigError, match="there is no such file"):
        config.read(path)
    for text, message in (("", "is empty"), ("- 1\n", "is not a mapping of sections")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message) as caught:
            config.read(path)
        assert "datasets, encoders, evaluation, grid, models" in caught.value.expected


def test_a_file_that_begins_with_a_mark_of_utf_8_is_read(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + (ROOT / "params.yaml").read_bytes())
    assert config.load(path).read("seed") == 20260101


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


def test_a_file_is_judged_without_torch() -> None:
    code = "import sys; from pipeline import config; config.load(); "
    code += "sys.exit(bool({'torch', 'scipy', 'mne', 'sklearn'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_dataset_with_every_encoder_and_every_model_is_a_cell() -> None:
    none = Audited(dataset=(), encoder=(), model=())
    grid = Grid(
        dataset=("b", "a"), encoder=("rate", "delta"), model=("n", "m"), audit=none
    )
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
