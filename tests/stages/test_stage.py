"""What all stages share: declared reads, plain settings, errors as one block."""

import errno
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import stages
from pipeline import config, entries, locks, stopping
from pipeline.errors import ConfigError
from stages import Stage

ROOT = Path(__file__).parents[2]


def stage(*sections: str, name: str = "train", model: str = "lif") -> Stage:
    names = {"dataset": "ecg_demo", "encoder": "delta", "model": model}
    return Stage(name, names, sections, config.load(ROOT / "params.yaml"))


def test_only_declared_sections_can_be_read() -> None:
    one = stage("seed")
    assert one.read("seed") == 20260101
    with pytest.raises(LookupError, match="training is not declared"):
        one.read("training")


def test_settings_are_plain_with_their_name_and_their_defaults() -> None:
    sections = ("models.{model}", "datasets.{dataset}.source", "encoders.{encoder}")
    one = stage("seed", *sections)
    settings = one.settings("models.{model}.neuron", *sections[1:], "seed")
    assert list(settings) == ["neuron", "source", "encoder", "seed"]
    assert settings["seed"] == 20260101
    assert settings["encoder"] == {
        "name": "delta",
        "threshold": 0.5,
        "events_per_s": None,
        "adapt_s": 10.0,
    }
    assert settings["source"] == {
        "name": "synthetic_ecg",
        "subjects": 12,
        "minutes": 5.0,
        "sfreq": 250,
        "pattern": ["{subject}.hea"],
        "only": [],
        "except": [],
    }
    assert settings["neuron"]["name"] == "leaky"
    assert settings["neuron"]["tau_mem_s"] == [0.01, 0.5]
    assert json.loads(json.dumps(settings)) == settings


def test_settings_of_what_is_not_declared_are_refused() -> None:
    with pytest.raises(LookupError, match="training is not declared"):
        stage("seed").settings("seed", "training")


@pytest.mark.parametrize("declared", ["models.{model}", "models.{model}.sparsity"])
def test_a_part_of_a_declared_section_can_be_read(declared: str) -> None:
    one = stage(declared, model="lif_sparse")
    assert one.read("models.{model}.sparsity").pruning.share == 0.75
    settings = one.settings("models.{model}.sparsity")["sparsity"]
    assert settings["pruning"]["method"] == "lamp"
    plain = stage(declared).settings("models.{model}.sparsity")["sparsity"]
    assert plain == {**settings, "hoyer_weight": 0.0, "pruning": None}


def test_a_part_does_not_open_the_rest() -> None:
    one = stage("models.{model}.sparsity", "datasets.{dataset}.labels")
    for section in ("models.{model}.neuron", "grid", "models.{model}"):
        with pytest.raises(LookupError, match="is not declared"):
            one.read(section)


@pytest.mark.parametrize("debug", [False, True])
def test_an_expected_error_is_one_block_and_status_2(debug: bool) -> None:
    flags = ["--debug"] if debug else []
    names = "--dataset", "ecg_demo", "--encoder", "detla"
    done = subprocess.run(
        [sys.executable, "-m", "stages.encode", *names, *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == (1 if debug else 2)
    assert ("Traceback" in done.stderr) == debug
    assert "there is no encoder 'detla'" in done.stderr
    assert "did you mean 'delta'?" in done.stderr


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dataset": "ecgdemo"}, "no data set 'ecgdemo'.*\n.*did you mean 'ecg_demo'"),
        ({"encoder": "rte"}, "no encoder 'rte'.*\n.*did you mean 'rate'"),
        ({"model": "LIF"}, "no model 'LIF'.*\n.*did you mean 'lif'"),
        ({"model": "zzzz"}, "no model 'zzzz'.*\n.*one of lif, polynomial"),
    ],
)
def test_a_name_that_nothing_defines_is_named_with_its_neighbour(
    wrong: dict[str, str], message: str
) -> None:
    params = config.read(ROOT / "params.yaml")
    names = {"dataset": "ecg_demo", "encoder": "delta", "model": "lif"}
    entries.check_names(params, names)
    with pytest.raises(ConfigError, match=message):
        entries.check_names(params, names | wrong)


@pytest.mark.parametrize(
    "words",
    [
        ("x", "y"),
        ("--dataset", "x", "--encoder", "y"),
        ("--encoder", "y", "--dataset", "x"),
    ],
)
def test_names_are_given_with_or_without_their_axes(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["encode", *words])
    found, _ = stages._arguments("encode", "", ("dataset", "encoder"))
    assert list(found.items()) == [("dataset", "x"), ("encoder", "y")]


def test_a_name_that_is_not_given_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["train", "--dataset", "x"])
    with pytest.raises(SystemExit):
        stages._arguments("train", "", ("dataset", "encoder", "model"))
    assert "no encoder and no model is given" in capsys.readouterr().err


Run = Callable[[Callable[[Stage], str]], None]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a function as the stage `ingest` of a data set, in an empty checkout."""
    monkeypatch.chdir(tmp_path)
    for name in ("params.yaml", "dvc.yaml"):
        Path(name).touch()
    monkeypatch.setattr(sys, "argv", ["stages/ingest.py", "ecg"])
    monkeypatch.setattr(stages, "_stage", lambda *_: stage())
    monkeypatch.setattr(locks, "PATIENCE_S", 0)
    before = {each: signal.getsignal(each) for each in stopping.SIGNALS}
    yield lambda main: stages.run(main, axes=("dataset",), sections=())
    for each, handler in before.items():
        signal.signal(each, handler)


def raising(error: BaseException) -> Callable[[Stage], str]:
    def main(_: Stage) -> str:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (OSError(errno.EMFILE, "Too many open files"), "too many files are open"),
        (MemoryError("Unable to allocate 2 GiB"), "not enough memory"),
    ],
)
def test_what_the_machine_refuses_is_one_block_and_status_2(
    run: Run, capsys: pytest.CaptureFixture[str], error: Exception, words: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(raising(error))
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("ingest ecg this machine: ")
    assert words in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("error", [KeyError("a"), FileNotFoundError(2, "no", "a")])
def test_a_bug_keeps_its_traceback(run: Run, error: Exception) -> None:
    with pytest.raises(type(error)):
        run(raising(error))


def test_a_second_stage_on_one_output_is_refused(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    def first(_: Stage) -> str:
        with pytest.raises(SystemExit) as caught:
            run(raising(AssertionError("two at once")))
        assert caught.value.code == 2
        return "done"

    run(first)
    printed = capsys.readouterr().err
    assert "ingest@ecg: process" in printed
    assert "ingest ecg: done" in printed


def test_a_stage_in_another_folder_reports_it(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = Path.cwd()
    Path("docs").mkdir()
    monkeypatch.chdir("docs")
    with pytest.raises(SystemExit) as caught:
        run(raising(AssertionError("it ran")))
    assert caught.value.code == 2
    printed = "".join(capsys.readouterr().err.split())
    assert "thereisnoparams.yamlandnodvc.yaml" in printed
    assert f"`cd{checkout}`" in printed
    assert not Path("data").exists()


def test_the_help_of_a_stage_shows_how_it_is_started(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["encode", "--help"])
    with pytest.raises(SystemExit):
        stages._arguments("encode", "Encode.", ("dataset", "encoder"))
    printed = capsys.readouterr().out
    assert "stages/run encode ecg_demo delta" in printed
    assert "`dvc repro encode@ecg_demo-delta`" in printed
    assert "one of the data sets in params.yaml" in printed
