"""What is stale follows from what was changed: a digest of code for every entry."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from ruamel.yaml import YAML

from pipeline import digests, entries, files, syntax
from pipeline.components import available, find
from pipeline.config import Params, load
from pipeline.errors import ConfigError, DataError, PipelineError
from pipeline.networks.parts import modules
from pipeline.networks.snntorch import Snntorch
from pipeline.neurons.base import Neuron
from pipeline.quantization.neurons.base import available as integer_forms

ROOT = Path(__file__).parents[1]
SOURCES = ("pipeline", "stages", "requirements.lock", "params.yaml")
CACHED = (
    digests._file_of,
    digests._files_named,
    digests._is_chosen_by_name,
    digests._locked_versions,
    syntax.read,
    syntax.file_meaning,
)

ENCODERS = ["delta", "fine", "rate"]
MODELS = ["lif", "polynomial", "stdp", "linear", "ann", "izhikevich", "triplet"]
GRID = {
    "dataset": ["ecg_demo", "emg_demo", "mitdb_ds1", "emg_gestures"],
    "encoder": ENCODERS,
    "model": MODELS,
    "audit": {"dataset": [], "encoder": [], "model": []},
}


def forget() -> None:
    """Forget what lies in files; what was read of certain bytes stays true."""
    for function in CACHED:
        function.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the sources, whose code is described instead of that of the tests."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(source, tmp_path / name)
    (tmp_path / "pipeline" / "__pycache__").mkdir()
    monkeypatch.setattr(syntax, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    forget()
    yield tmp_path
    forget()


@pytest.fixture(scope="module")
def params() -> Params:
    """A grid with entries of the same component, and of neurons of all sorts."""
    sections: dict[str, Any] = YAML(typ="safe").load(ROOT / "params.yaml")
    sections["grid"] = GRID
    sections["encoders"]["fine"] = {"name": "delta", "threshold": 0.1}
    models = sections["models"]
    models["izhikevich"] = {
        "network": {"name": "recurrent"},
        "neuron": {"name": "izhikevich"},
    }
    rules = [{"name": "triplet"}, *models["stdp"]["network"]["rules"][1:]]
    models["triplet"] = {
        "network": {**models["stdp"]["network"], "rules": rules},
        "neuron": models["stdp"]["neuron"],
    }
    made = Params(sections)
    assert not list(made.problems())
    return made


@pytest.fixture
def changed(checkout: Path, params: Params) -> Callable[..., set[str]]:
    """Rewrite a file by a function, and list the entries whose description changes."""

    def described() -> dict[str, Any]:
        forget()
        return {
            path.relative_to("data/code").with_suffix("").as_posix(): code
            for path, code in entries.describe_all(params)
        }

    before = described()

    def change(name: str, rewrite: Callable[[str], str]) -> set[str]:
        path = checkout / name
        text = path.read_text()
        assert rewrite(text) != text
        path.write_text(rewrite(text))
        now = described()
        path.write_text(text)
        return {entry for entry, code in now.items() if code != before[entry]}

    return change


def of(stage: str, *names: str) -> set[str]:
    return {f"{stage}/{name}" for name in names}


def with_model(*models: str) -> set[str]:
    """The entries of stages that run a model: train, and profile with each encoder."""
    pairs = [f"{encoder}-{model}" for encoder in ENCODERS for model in models]
    return of("train", *models) | of("profile", *pairs)


def commented(text: str) -> str:
    """Add comments and a docstring, and break lines otherwise."""
    lines = text.replace('"""', '"""Changed. ', 1).splitlines()
    return "# Licence\n\n" + "\n".join(f"{line}  " if line else line for line in lines)


def python_files() -> list[str]:
    every = [*ROOT.glob("pipeline/**/*.py"), *ROOT.glob("stages/*.py")]
    return [path.relative_to(ROOT).as_posix() for path in sorted(every)]


def test_comments_docstrings_and_formatting_change_nothing(
    checkout: Path, params: Params
) -> None:
    before = list(entries.describe_all(params))
    for name in python_files():
        path = checkout / name
        path.write_text(commented(path.read_text()))
    for path in checkout.glob("pipeline/**/*.yaml"):
        path.write_text(f"# Source: see the paper\n{path.read_text()}")
    for path in checkout.glob("pipeline/**/*.j2"):
        path.write_text(f"{{# a remark #}}{path.read_text()}")
    forget()
    assert list(entries.describe_all(params)) == before


NEURONS = {
    "pipeline/neurons/leaky.py": with_model("lif", "stdp", "triplet"),
    "pipeline/kernels/neurons/leaky.py": with_model("lif", "stdp", "triplet"),
    "pipeline/neurons/polynomial.py": with_model("polynomial"),
    "pipeline/kernels/neurons/polynomial.py": with_model("polynomial"),
    "pipeline/neurons/izhikevich.py": with_model("izhikevich"),
    "pipeline/kernels/neurons/izhikevich.py": with_model("izhikevich"),
    "pipeline/neurons/relu.py": with_model("linear", "ann"),
    "pipeline/quantization/neurons/leaky.py": with_model("lif", "stdp", "triplet"),
    "pipeline/quantization/neurons/polynomial.py": with_model("polynomial"),
    "pipeline/quantization/neurons/relu.py": with_model("linear", "ann"),
    "pipeline/quantization/neurons/competing.py": with_model("stdp", "triplet"),
    "pipeline/plasticity/triplet.py": with_model("triplet"),
    "pipeline/kernels/rules/triplet.py": with_model("triplet"),
    "pipeline/networks/recurrent.py": with_model("izhikevich"),
    "pipeline/networks/convolutional.py": with_model("lif", "polynomial", "ann"),
}
CELLS = [f"{encoder}-{model}" for encoder in ENCODERS for model in MODELS]
OTHERS = {
    "pipeline/readers/wfdb.py": of("ingest", "ecg_demo", "mitdb_ds1"),
    "pipeline/readers/mne.py": of("ingest", "emg_demo"),
    "pipeline/ingestion/labelling.py": of(
        "ingest", "ecg_demo", "emg_demo", "mitdb_ds1", "emg_gestures"
    ),
    "pipeline/readers/table.py": of("ingest", "emg_gestures"),
    "pipeline/readers/parts/wfdb/beats.py": of("ingest", "ecg_demo", "mitdb_ds1"),
    "pipeline/sources/synthetic_ecg.py": of("fetch", "ecg_demo"),
    "pipeline/sources/download.py": of("fetch", "mitdb_ds1", "emg_gestures"),
    "pipeline/preparation/causal.py": {"prepare", *of("profile", *CELLS)},
    "pipeline/evaluation/metrics.py": {"clock", "evaluate", "report"},
    "pipeline/evaluation/lead.py": {"evaluate", "report"},
    "pipeline/report/clock.py": {"report"},
    "pipeline/tracking/cells.py": set(),
    "pipeline/errors.py": set(),
    "pipeline/measurement/metering.py": set(),
    "pipeline/neurons/quadratic.py": set(),
}


@pytest.mark.parametrize(("name", "stale"), [*NEURONS.items(), *OTHERS.items()])
def test_a_statement_makes_exactly_its_entries_stale(
    changed: Callable[..., set[str]], name: str, stale: set[str]
) -> None:
    assert changed(name, lambda text: f"{text}\nNEW = 1\n") == stale


def test_one_number_of_an_equation_counts(changed: Callable[..., set[str]]) -> None:
    name = "pipeline/kernels/neurons/izhikevich.py"
    rewritten = changed(name, lambda text: text.replace("140", "141"))
    assert rewritten == with_model("izhikevich")


def test_two_entries_of_one_component_share_its_code(
    changed: Callable[..., set[str]],
) -> None:
    stale = changed("pipeline/encoders/delta.py", lambda text: f"{text}\nNEW = 1\n")
    pairs = [f"{e}-{m}" for e in ("delta", "fine") for m in MODELS]
    assert stale == of("encode", "delta", "fine") | of("profile", *pairs)


def test_a_cost_table_concerns_what_it_bills(changed: Callable[..., set[str]]) -> None:
    name = "pipeline/profiling/costs/loihi.yaml"
    stale = changed(name, lambda text: text.replace("e-12", "e-11"))
    assert {entry.partition("/")[0] for entry in stale} == {"profile"}
    assert len(stale) == len(ENCODERS) * len(MODELS)


def test_a_template_concerns_the_report(changed: Callable[..., set[str]]) -> None:
    name = "pipeline/report/page.html.j2"
    assert changed(name, lambda text: text + "<p>") == {"report"}


def test_a_package_concerns_who_imports_it(changed: Callable[..., set[str]]) -> None:
    stale = changed("requirements.lock", lambda text: text.replace("wfdb==", "wfdb==9"))
    reading = of("ingest", "ecg_demo", "mitdb_ds1")
    assert stale == reading | of("fetch", "ecg_demo")


def test_what_only_annotations_import_does_not_count() -> None:
    code = digests.describe("train")
    assert "pipeline.report" not in str(code)
    source = "if TYPE_CHECKING:\n    import a\nelse:\n    import b\n"
    assert syntax._parse(source.encode(), Path("x.py")).imports == ("b",)


def test_a_deleted_module_is_refused(checkout: Path, params: Params) -> None:
    (checkout / "pipeline" / "preparation" / "causal.py").unlink()
    forget()
    with pytest.raises(PipelineError, match="no such module") as caught:
        digests.describe("prepare")
    assert "pipeline.preparation.causal" in str(caught.value)
    assert digests.describe("evaluate")


def test_an_unreadable_module_is_refused_where_it_is_used(
    checkout: Path, params: Params
) -> None:
    (checkout / "pipeline" / "preparation" / "causal.py").write_text("def f(:\n")
    forget()
    with pytest.raises(PipelineError, match=r"causal\.py, line 1") as caught:
        digests.describe("prepare")
    assert "is not valid Python" in caught.value.found
    assert digests.describe("evaluate")


def test_the_memory_on_disk_changes_nothing(checkout: Path, params: Params) -> None:
    syntax._memory.cache_clear()
    first = list(entries.describe_all(params))
    (memory,) = (checkout / "pipeline" / "__pycache__").glob("meanings-*.json")
    forget()
    syntax._memory.cache_clear()
    assert list(entries.describe_all(params)) == first
    memory.write_text("{")
    forget()
    syntax._memory.cache_clear()
    assert list(entries.describe_all(params)) == first


def test_a_component_of_another_package_counts_with_its_package(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "elsewhere" / "clinic_codes"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "steps.py").write_text(
        "from clinic_codes import tables\nfrom pipeline.encoders.delta import Delta\n"
        "class Steps(Delta):\n    '''Steps.'''\n"
    )
    (package / "tables.py").write_text("TABLE = (1, 2)\n")
    monkeypatch.syspath_prepend(str(package.parent))
    from clinic_codes.steps import Steps  # type: ignore[import-not-found]

    before = digests.describe("encode", [Steps()])
    assert {"clinic_codes.tables", "pipeline.encoders.delta"} <= set(before["modules"])
    (package / "tables.py").write_text("TABLE = (1, 3)\n")
    forget()
    assert digests.changes(before, digests.describe("encode", [Steps()])) == [
        "clinic_codes.tables"
    ]


def test_a_stage_refuses_code_that_its_file_does_not_describe(
    checkout: Path, params: Params
) -> None:
    names = {"dataset": "ecg_demo", "encoder": "delta", "model": "lif"}
    path = entries.code_path("train", names)
    assert path == Path("data/code/train/lif.json")
    with pytest.raises(DataError, match="no such file"):
        entries.check_code(params, "train", names)
    with pytest.raises(ConfigError, match="the model 'adaptive' is not in the grid"):
        entries.check_code(params, "train", names | {"model": "adaptive"})
    files.save_json(path, entries.describe(params, "train", names))
    assert entries.check_code(params, "train", names) == files.file_digest(path)
    source = checkout / "pipeline" / "neurons" / "leaky.py"
    source.write_text(source.read_text() + "\nNEW = 1\n")
    forget()
    with pytest.raises(
        DataError, match=r"changed since: pipeline\.neurons\.leaky"
    ) as caught:
        entries.check_code(params, "train", names)
    assert "dvc repro code" in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("fetch", "data/code/fetch/D.json"),
        ("prepare", "data/code/prepare.json"),
        ("encode", "data/code/encode/E.json"),
        ("profile", "data/code/profile/E-M.json"),
    ],
)
def test_an_entry_is_named_by_what_chooses_its_components(
    stage: str, expected: str
) -> None:
    names = {"dataset": "D", "encoder": "E", "model": "M"}
    assert entries.code_path(stage, names) == Path(expected)


@pytest.mark.parametrize("name", available("neurons"))
def test_every_neuron_reaches_its_kernel_and_its_integer_form(name: str) -> None:
    component = cast("Neuron", find("neurons", name)())
    modules = digests.describe("train", [component])["modules"]
    kernel, form = getattr(component, "kernel", None), component.equations()
    assert f"pipeline.neurons.{name}" in modules
    assert kernel is None or f"pipeline.kernels.neurons.{kernel}" in modules
    in_integers = f"pipeline.quantization.neurons.{form}" in modules
    assert in_integers == (form in integer_forms())


def test_params_yaml_of_this_checkout_is_described() -> None:
    loaded = load(ROOT / "params.yaml")
    stages = {
        path.parts[2].removesuffix(".json") for path, _ in entries.describe_all(loaded)
    }
    assert stages == set(entries.CHOICES) - {"audit"}


def test_audits_are_described_for_what_is_audited_alone(
    params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert not [p for p, _ in entries.describe_all(params) if "audit" in p.parts]
    grid = {**GRID, "audit": {"dataset": ["ecg_demo"], **AUDITED}}
    some = Params({**params._sections, "grid": grid})
    paths = {p.as_posix() for p, _ in entries.describe_all(some) if "audit" in p.parts}
    assert paths == {"data/code/audit/fine-ann.json", "data/code/audit/rate-ann.json"}
    names = {"dataset": "ecg_demo", "encoder": "delta", "model": "ann"}
    with pytest.raises(ConfigError, match=r"grid\.audit\.encoder") as caught:
        entries.check_code(some, "audit", names)
    assert "add delta to grid.audit.encoder" in caught.value.remedy


AUDITED = {"encoder": ["fine", "rate"], "model": ["ann"]}


def test_a_component_that_is_no_python_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All of params.yaml is refused, for no stage can know what the entry means."""
    find.cache_clear()
    monkeypatch.delitem(sys.modules, "pipeline.neurons.izhikevich", raising=False)
    original = importlib.import_module

    def broken(name: str) -> Any:
        if name == "pipeline.neurons.izhikevich":
            raise SyntaxError("invalid syntax")
        return original(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(ConfigError, match=r"neurons/izhikevich\.py") as caught:
        find("neurons", "izhikevich")
    assert "cannot be imported (SyntaxError: invalid syntax)" in caught.value.found
    find.cache_clear()


def test_only_type_checking_itself_hides_imports() -> None:
    source = b"if not TYPE_CHECKING:\n    import a\n"
    assert syntax._parse(source, Path("x.py")).imports == ("a",)


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(PipelineError, match="a relative import"):
        syntax._parse(b"from .x import y\n", ROOT / "pipeline" / "x.py")


def test_names_that_are_shown_lazily_lead_to_where_they_are_defined() -> None:
    source = b"if TYPE_CHECKING:\n    from a import b\n\ndef __getattr__(name): ...\n"
    assert syntax._parse(source, Path("x.py")).imports == ("a", "a.b")
    closure = digests._closure({"pipeline.testing"}, {"pipeline"}, digests._counts)
    assert {"pipeline.testing.neurons", "pipeline.testing.rules"} <= set(closure)


def test_what_modules_need_is_all_that_they_import() -> None:
    """With the packages they lie in; of other components nothing."""
    found = digests.needs({"pipeline.neurons.leaky", "pipeline.encoders.delta"})
    assert {"pipeline/__init__.py", "pipeline/neurons/leaky.py"} <= set(found.files)
    assert "pipeline/kernels/neurons/leaky.py" in found.files  # named by a string
    assert "pipeline/components.py" in found.files  # of no effect, and yet needed
    assert "pipeline/neurons/parts/__init__.py" in found.files
    assert "pipeline/neurons/adaptive.py" not in found.files
    assert all(path.is_file() for path in found.files.values())
    assert found.packages["torch"]
    assert not {"mlflow", "dvc"} & set(found.packages)


def test_a_module_that_a_network_names_counts_with_what_it_imports(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = checkout / "own"
    monkeypatch.setattr(modules, "OWN", own)
    monkeypatch.setattr(sys, "path", [*sys.path])
    package = own / "package_of_mine"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "layers.py").write_text("BETA = 0.9\n")
    (package / "nets.py").write_text("from package_of_mine.layers import BETA\n")
    network = Snntorch(module="package_of_mine.nets:Net")

    def described() -> Any:
        forget()
        return digests.describe("train", [network])

    before = described()
    assert {"package_of_mine.nets", "package_of_mine.layers"} <= set(before["modules"])
    for text, changes in (("BETA = 0.9  # decay\n", []),
                          ("BETA = 0.8\n", ["package_of_mine.layers"])):  # fmt: skip
        (package / "layers.py").write_text(text)
        assert digests.changes(before, described()) == changes
