"""`dvc repro` in a temporary clone: it runs, repeats, resumes and grows by a file."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from numba.core.caching import _CacheLocator
from ruamel.yaml import YAML

from pipeline import digests, entries
from pipeline.kernels import compiling

ROOT = Path(__file__).parents[2]
DVC = Path(sys.executable).with_name("dvc")
CELLS = [f"ecg_demo-delta-{model}" for model in ("lif", "ann")]


def run(clone: Path, *command: str | Path, **environment: str) -> str:
    """Run a command in a clone and give what it printed; it must succeed."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=clone,
        env=surroundings(**environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def surroundings(**environment: str) -> dict[str, str]:
    """This environment with settings of ours for the tests: one worker, no tracking.

    A worker begins with seconds of imports.
    """
    own = {k: v for k, v in os.environ.items() if not k.startswith("BIOSPIKE_")}
    own.pop("MLFLOW_TRACKING_URI", None)
    ours = {"BIOSPIKE_TRACKING": "off", "BIOSPIKE_WORKERS": "1"}
    return {**own, "VIRTUAL_ENV": sys.prefix, **ours, **environment}


def make_clone(folder: Path) -> Path:
    """Copy what git would see of this checkout into a repository of its own."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    shutil.copy(ROOT / "tests" / "params.yaml", folder / "params.yaml")
    (folder / "dvc.lock").unlink(missing_ok=True)
    share_compiled(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / ".stamps").mkdir()
    (folder / ".stamps" / "installed").touch()
    run(folder, "git", "init", "-q")
    (folder / ".git" / "info" / "exclude").write_text(".venv\n")
    commit(folder, "clone")
    return folder


def share_compiled(folder: Path) -> None:
    """Let a copy and this checkout have the same compiled kernels, whoever makes them.

    The files' times are copied, too: numba compares them.
    """
    cache = Path(compiling._folder())
    if cache.parent.parent != ROOT / "pipeline" / "kernels":
        return  # NUMBA_CACHE_DIR, or a checkout that is read-only
    for ours, theirs in compiled_folders(ROOT, folder):
        (cache / ours).mkdir(parents=True, exist_ok=True)
        link = folder / cache.relative_to(ROOT) / theirs
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(cache / ours)


def compiled_folders(before: Path, now: Path) -> Iterator[tuple[str, str]]:
    """Name what numba compiles of each folder, in two checkouts."""
    for folder in {path.parent for path in before.glob("pipeline/kernels/**/*.py")}:
        both = folder, now / folder.relative_to(before)
        named = [
            _CacheLocator.get_suitable_cache_subpath(str(each / "kernel.py"))
            for each in both
        ]
        yield named[0], named[1]


def commit(clone: Path, message: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    run(clone, "git", "add", "-A")
    run(clone, "git", *identity, "commit", "-qm", message)


def stages_run(output: str) -> set[str]:
    """List stages that `dvc repro` ran, but for the inventory, which always runs."""
    lines = (line for line in output.splitlines() if line.startswith("Running stage"))
    return {line.split("'")[1] for line in lines} - {"inventory"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the tiny grid has run, on two workers."""
    clone = make_clone(tmp_path_factory.mktemp("clone"))
    output = run(clone, DVC, "repro", BIOSPIKE_WORKERS="2")
    assert stages_run(output) == {
        "code",
        *(f"{stage}@ecg_demo" for stage in ("fetch", "ingest", "prepare", "clock")),
        "encode@ecg_demo-delta",
        *(f"{s}@{cell}" for s in ("train", "evaluate", "profile") for cell in CELLS),
        "report",
    }
    commit(clone, "run")
    return clone


def lock(clone: Path) -> dict[str, Any]:
    """The digests of everything that every stage read and wrote."""
    stages: dict[str, Any] = YAML(typ="safe").load(clone / "dvc.lock")["stages"]
    return stages


def test_the_report_stands(clone: Path) -> None:
    page = (clone / "data" / "report" / "index.html").read_text()
    assert "ecg_demo" in page


def test_a_second_repro_runs_nothing_and_keeps_the_tree_clean(clone: Path) -> None:
    assert not stages_run(run(clone, DVC, "repro"))
    assert run(clone, "git", "status", "--porcelain") == ""


def in_mlflow(clone: Path, folder: Path) -> list[int]:
    """Count rows, folds, keys, and rows with a param and metrics of later stages.

    Beside the rows of cells there may be one that keeps the report.

    Of a copy of the store: MLflow keeps a file open that has been moved.
    """
    from mlflow import MlflowClient

    shutil.copy(clone / "mlflow.db", folder)
    store = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    place = store.get_experiment_by_name("ecg_demo").experiment_id
    found = [run.data for run in store.search_runs([place])]
    rows = [data for data in found if "run_key" in data.tags]
    later = ("balanced_accuracy", "uj")
    return [
        len(rows),
        sum("mlflow.parentRunId" in data.tags for data in found),
        len({data.tags["run_key"] for data in rows}),
        sum("network.channels" in data.params for data in rows),
        *(sum(name in data.metrics for data in rows) for name in later),
    ]


@pytest.mark.filterwarnings("ignore")  # of MLflow
def test_publish_makes_a_store_with_one_row_a_cell(clone: Path, tmp_path: Path) -> None:
    """Of all three stages; and it leaves the tree as it was."""
    assert not (clone / "mlflow.db").exists()
    publish = "-m", "pipeline", "publish"
    output = run(clone, sys.executable, *publish, BIOSPIKE_TRACKING="on")
    assert "is not logged" not in output
    assert in_mlflow(clone, tmp_path) == ALL_ROWS
    assert run(clone, "git", "status", "--porcelain") == ""


ALL_ROWS = [2, 4, 2, 2, 2, 2]
"""What MLflow has of both cells, as `in_mlflow` counts it."""


def test_a_trace_leads_back_to_raw_files_that_are_the_same(clone: Path) -> None:
    """The lock is DVC's own, and the settings are those that the stages wrote."""
    found = run(clone, sys.executable, "-m", "pipeline", "trace", CELLS[0])
    assert "not compared" not in found
    assert "here: " not in found
    assert len(re.findall(r"data/raw/ecg_demo/s\d\d\.\w+ +\w{12} +same", found)) == 18
    assert "stages/run ingest --dataset ecg_demo" in found


def test_check_lists_what_is_in_the_files(clone: Path) -> None:
    found = run(clone, sys.executable, "-m", "pipeline", "check", "ecg_demo")
    assert "params.yaml is valid, 2 cells" in found
    assert "6 of 6 recordings in use" in found
    page = (clone / "data" / "checks" / "ecg_demo.html").read_text()
    assert all(f"s{subject:02}" in page for subject in range(1, 7))


@pytest.mark.parametrize(
    ("stage", "names", "folder", "part"),
    [
        ("ingest", ["ecg_demo"], "recordings/ecg_demo", "*.fif"),
        ("train", ["ecg_demo", "delta", "lif"], "runs/ecg_demo-delta-lif", "fold-*s"),
    ],
)
def test_a_killed_stage_resumes(
    clone: Path, stage: str, names: list[str], folder: str, part: str
) -> None:
    before = lock(clone)
    process = subprocess.Popen(
        ["stages/run", stage, *arguments(*names)],
        cwd=clone,
        env=surroundings(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    finished = wait_for_first(clone / "data" / ".unfinished" / folder, part)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made = {path.name: path.stat().st_mtime_ns for path in finished}
    run(clone, DVC, "repro", "-f", "-s", f"{stage}@{'-'.join(names)}")
    assert lock(clone) == before
    output = clone / "data" / folder
    assert {name: (output / name).stat().st_mtime_ns for name in made} == made
    assert not list(output.glob(".*"))
    assert not list(clone.glob("data/.unfinished/*/*"))


def arguments(*names: str) -> list[str]:
    """Name a stage's data set, encoder and model as dvc.yaml does."""
    axes = "--dataset", "--encoder", "--model"
    return [word for pair in zip(axes, names, strict=False) for word in pair]


def wait_for_first(folder: Path, part: str) -> list[Path]:
    """Wait until a stage has noted its first file as finished."""
    deadline = time.monotonic() + 120
    while not (noted := [p.name for p in folder.glob(f".inputs/{part}")]):
        assert time.monotonic() < deadline, f"no {part} within two minutes"
        time.sleep(0.005)
    return [folder / name for name in noted if not name.startswith(".")]


@contextmanager
def appended(text: str, *paths: Path) -> Iterator[None]:
    """Append to source files for a while; then they are as before, times and all."""
    before = {path: (path.read_bytes(), path.stat()) for path in paths}
    for path, (content, _) in before.items():
        path.write_bytes(content + text.encode())
    yield
    for path, (content, known) in before.items():
        path.write_bytes(content)
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))


def test_a_comment_makes_nothing_stale(clone: Path) -> None:
    sources = [*clone.glob("pipeline/**/*.py"), *clone.glob("stages/*.py")]
    known = (clone / "dvc.lock").read_bytes()
    with appended("\n# A remark.\n", *sources):
        assert stages_run(run(clone, DVC, "repro")) == {"code"}
    (clone / "dvc.lock").write_bytes(known)


def test_an_equation_makes_the_cells_with_it_stale(clone: Path) -> None:
    before = lock(clone)
    with appended("\nNEW = 1\n", clone / "pipeline" / "neurons" / "leaky.py"):
        refused = subprocess.run(
            ["stages/run", "train", *arguments("ecg_demo", "delta", "lif")],
            cwd=clone,
            env=surroundings(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 2
        assert "changed since: pipeline.neurons.leaky" in refused.stderr
        assert "dvc repro code" in refused.stderr
        run(clone, DVC, "repro", "code")
        stale = json.loads(run(clone, DVC, "status", "--json"))
        own = {f"{stage}@{CELLS[0]}" for stage in ("train", "profile")}
        assert set(stale) == {"inventory", *own}
    run(clone, DVC, "repro", "code")
    assert lock(clone) == before


def trained(clone: Path) -> dict[str, bytes]:
    """The files of all runs."""
    return {
        path.relative_to(clone).as_posix(): path.read_bytes()
        for path in sorted(clone.glob("data/runs/*/*"))
    }


def test_the_way_back_from_an_experiment_trains_nothing(clone: Path) -> None:
    before, runs = lock(clone), trained(clone)
    text = (clone / "dvc.lock").read_text()
    folders = re.findall(r"md5: (\w+)\.dir", text)
    assert folders
    for digest in folders:  # as another type of processor would have made them
        text = text.replace(digest, digest[::-1])
    own = (clone / "dvc.lock").read_bytes()
    (clone / "dvc.lock").write_text(text)
    commit(clone, "a lock of another machine")
    (clone / "dvc.lock").write_bytes(own)
    run(clone, *readme_command("exp run").split(), f"train@{CELLS[1]}")
    assert trained(clone) != runs
    for command in readme_command("git checkout").split(" && "):
        output = run(clone, *command.split())
    assert not {name for name in stages_run(output) if not name.startswith("report")}
    assert trained(clone) == runs
    assert lock(clone) == before


def test_the_commands_of_the_readme_work(clone: Path) -> None:
    output = run(clone, *readme_command("dvc repro train@").split())
    assert not stages_run(output)
    shown = run(clone, *readme_command("biospike experiments").split())
    assert all(cell in shown for cell in CELLS)
    metrics = run(clone, DVC, "metrics", "show").splitlines()
    assert len(metrics) == 1 + len(CELLS)
    assert max(map(len, metrics)) <= 120
    shown = run(clone, "make", "repro")
    assert all(word in shown for word in (*CELLS, "µJ"))
    assert "ruff" in run(clone, "make", "-n", "check")
    assert "pytest" in run(clone, "make", "-n", "test")


def readme_command(words: str) -> str:
    """Find the command of README that has some words in it, without its comment."""
    lines = (ROOT / "README.md").read_text().splitlines()
    found = [line for line in lines if words in line and line.startswith(COMMANDS)]
    assert found, f"README has no command with `{words}`"
    return found[0].partition(" #")[0].strip()


COMMANDS = ("make ", ".venv/bin/", "git ")


class Observer:
    """A process that runs stages in a checkout and observes them, one at a time."""

    def __init__(self, checkout: Path, *packages: str) -> None:
        script = Path(__file__).with_name("observe_stage.py")
        ours = {"PYTHONPATH": str(checkout), "BIOSPIKE_TRACKING": "on"}
        self.printed = checkout.with_name(f"printed-{len(packages)}.txt")
        with self.printed.open("wb") as printed:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", script, *packages],
                cwd=checkout,
                env=surroundings(**ours),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=printed,
                text=True,
            )

    def observe(self, *words: str | Path) -> None:
        """Let a stage run to its end."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{' '.join(map(str, words))}\n")
        self.process.stdin.flush()
        status = self.process.stdout.readline()
        assert status == "0\n", self.printed.read_text()

    def end(self) -> None:
        """Let it end."""
        self.process.communicate()


OTHERS = (
    "h5py", "matplotlib.figure", "mlflow", "mne", "neurokit2", "numba", "pandas",
    "pyarrow.parquet", "pydantic", "rich.console", "ruamel.yaml", "scipy.signal",
    "sklearn.ensemble", "sklearn.linear_model", "wfdb",
)  # fmt: skip
"""Packages that stages import, none of which imports torch."""


@pytest.fixture(scope="module")
def observers(elsewhere: Path) -> Iterator[Callable[[bool], Observer]]:
    """Give the process that observes stages that need torch, or do not."""
    made = {
        needs_torch: Observer(elsewhere, *OTHERS, *packages)
        for needs_torch, packages in ((False, ()), (True, ("torch", "snntorch")))
    }
    yield made.__getitem__
    for observer in made.values():
        observer.end()


@pytest.mark.parametrize(
    ("stage", "names"),
    [
        ("fetch", ["ecg_demo"]),
        ("ingest", ["ecg_demo"]),
        ("prepare", ["ecg_demo"]),
        ("clock", ["ecg_demo"]),
        ("encode", ["ecg_demo", "delta"]),
        *(
            (stage, cell.split("-"))
            for stage in ("train", "evaluate", "profile")
            for cell in CELLS
        ),
        ("report", []),
    ],
)
@pytest.mark.filterwarnings("ignore")  # of MLflow
def test_a_stage_does_what_dvc_yaml_and_its_digest_state(
    clone: Path,
    elsewhere: Path,
    observers: Callable[[bool], Observer],
    tmp_path: Path,
    stage: str,
    names: list[str],
) -> None:
    """No code runs that the digest lacks, nothing is read that is not declared.

    And one worker in another folder makes the same bytes as several did.
    """
    declared = lock(clone)["@".join(filter(None, [stage, "-".join(names)]))]
    deps = [dep["path"] for dep in declared["deps"]]
    outs = [out["path"] for out in declared["outs"]]
    for path in outs:
        remove(elsewhere / path)
    notes, needs_torch = tmp_path / "notes.json", stage in ("train", "profile")
    observers(needs_torch).observe(notes, stage, *names)
    for path in outs:
        assert contents(elsewhere / path) == contents(clone / path)
    if stage == "report":  # it publishes what `biospike publish` has, and no more
        assert in_mlflow(elsewhere, tmp_path) == ALL_ROWS
    seen = json.loads(notes.read_text())
    assert seen["torch"] == needs_torch
    names_by_axis = dict(zip(("dataset", "encoder", "model"), names, strict=False))
    path = elsewhere / entries.code_path(stage, names_by_axis)
    code = json.loads(path.read_text())
    uncounted = set(seen["modules"]) - set(code["modules"]) - set(digests.NO_EFFECT)
    assert not {m for m in uncounted if not m.startswith(TRACKING)}
    beside_code = [p for p in seen["read"] if p.startswith(("pipeline/", "stages/"))]
    assert {p for p in beside_code if not p.endswith(UNREAD)} <= set(code["files"])
    data = [path for path in seen["read"] if path.startswith("data/")]
    beside = ("data/.unfinished", "data/measured", "data/report")
    inside = [path for path in data if not path.startswith((*outs, *beside))]
    undeclared = [p for p in inside if not any(in_folder(p, dep) for dep in deps)]
    assert not undeclared
    sections = {section for _, section in declared_params(declared)}
    chosen = {s.format(**names_by_axis) for s in entries.CHOICES[stage]}
    assert all(
        any(read_by(p, s) for s in sections) for p in set(seen["params"]) - chosen
    )
    assert all(any(read_by(p, s) for p in seen["params"]) for s in sections)


@pytest.fixture(scope="module")
def elsewhere(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the clone in another folder, to be made anew stage by stage."""
    folder = tmp_path_factory.mktemp("elsewhere") / "clone"
    shutil.copytree(clone, folder, symlinks=True)
    keep_compiled(clone, folder)
    return folder


def keep_compiled(before: Path, now: Path) -> None:
    """Let a copied checkout find its compiled kernels, which numba keeps by folder.

    While a stage is observed, compiling them again would take ten times as long.
    """
    for old, new in compiled_folders(before, now):
        for kept in now.glob(f"pipeline/kernels/__pycache__/*/{old}"):
            kept.rename(kept.with_name(new))


def remove(path: Path) -> None:
    """Remove an output, which may be a file."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def contents(path: Path) -> dict[str, bytes]:
    """The bytes of an output's files, by their paths in it."""
    found = path.rglob("*") if path.is_dir() else [path]
    return {
        each.relative_to(path).as_posix(): each.read_bytes()
        for each in found
        if each.is_file()
    }


TRACKING = ("pipeline.tracking", "pipeline.training.cell")
"""What publishes a run, and what it opens the run with: they change no result."""

UNREAD = (".py", ".pyc", ".nbi", ".nbc")
"""Sources and what Python and numba compile of them."""


def in_folder(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def read_by(read: str, declared: str) -> bool:
    return read == declared or read.startswith(f"{declared}.")


def declared_params(declared: dict[str, Any]) -> list[tuple[str, str]]:
    """The sections that a stage's entry in dvc.lock lists, with their files."""
    params = declared.get("params", {})
    return [(file, section) for file in params for section in params[file]]


NEW_ENCODER = '''
"""A delta code of another name, as a user would add one."""

from pipeline.encoders.delta import Delta


class Steps(Delta):
    """Step-forward under another name."""
'''


def test_an_encoder_is_one_file_and_one_entry(clone: Path) -> None:
    """And a variant of one that is there is an entry alone."""
    (clone / "pipeline" / "encoders" / "steps.py").write_text(NEW_ENCODER)
    yaml = YAML()
    params = yaml.load(clone / "params.yaml")
    params["encoders"]["steps"] = {"name": "steps", "threshold": 0.4}
    params["encoders"]["fine"] = {"name": "delta", "threshold": 0.2}
    params["grid"]["encoder"] += ["steps", "fine"]
    params["grid"]["model"] = ["ann"]
    yaml.dump(params, clone / "params.yaml")
    new = {f"{s}@ecg_demo-steps-ann" for s in ("train", "evaluate", "profile")}
    encoded = {f"encode@ecg_demo-{name}" for name in ("steps", "fine")}
    ran = stages_run(run(clone, DVC, "repro", *sorted(encoded | new)))
    assert ran == {"code", *encoded, *new}
    stale = json.loads(run(clone, DVC, "status", "--json"))
    fine = {f"{s}@ecg_demo-fine-ann" for s in ("train", "evaluate", "profile")}
    assert set(stale) == {"inventory", "report", *fine}
