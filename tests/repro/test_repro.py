"""`dvc repro` in a temporary clone: it runs, repeats, resumes and grows by a file."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
DVC = Path(sys.executable).with_name("dvc")


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
    """This environment without the settings of ours that it may hold."""
    own = {k: v for k, v in os.environ.items() if not k.startswith("BIOSPIKE_")}
    own.pop("MLFLOW_TRACKING_URI", None)
    return {**own, "VIRTUAL_ENV": sys.prefix, "BIOSPIKE_TRACKING": "off", **environment}


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
    run(folder, "git", "init", "-q")
    commit(folder, "clone")
    return folder


def commit(clone: Path, message: str) -> None:
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    run(clone, "git", "add", "-A")
    run(clone, "git", *identity, "commit", "-qm", message)


def stages_run(output: str) -> set[str]:
    """Which stages `dvc repro` says it ran."""
    lines = (line for line in output.splitlines() if line.startswith("Running stage"))
    return {line.split("'")[1] for line in lines}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the tiny grid has run, with MLflow."""
    clone = make_clone(tmp_path_factory.mktemp("clone"))
    output = run(clone, DVC, "repro", BIOSPIKE_TRACKING="on")
    assert "is not logged" not in output
    cells = [f"@ecg_demo-delta-{model}" for model in ("lif", "ann")]
    assert stages_run(output) == {
        *(f"{stage}@ecg_demo" for stage in ("fetch", "ingest", "prepare")),
        "encode@ecg_demo-delta",
        *(f"{s}{cell}" for s in ("train", "evaluate", "profile") for cell in cells),
        "report",
    }
    commit(clone, "run")
    return clone


def lock(clone: Path) -> dict[str, object]:
    """The digests of everything that every stage read and wrote."""
    stages: dict[str, object] = YAML(typ="safe").load(clone / "dvc.lock")["stages"]
    return stages


def test_the_report_and_the_summary_stand(clone: Path) -> None:
    page = (clone / "data" / "report" / "index.html").read_text()
    assert "ecg_demo" in page
    table = run(clone, sys.executable, "-m", "pipeline", "summary")
    assert "ecg_demo-delta-lif" in table
    assert "µJ" in table


def test_a_second_repro_runs_nothing_and_keeps_the_tree_clean(clone: Path) -> None:
    assert not stages_run(run(clone, DVC, "repro"))
    assert run(clone, "git", "status", "--porcelain") == ""


def in_mlflow(clone: Path) -> str:
    """Count rows, folds, keys, and rows with a param and metrics of later stages."""
    code = (
        "import mlflow; mlflow.set_tracking_uri('sqlite:///mlflow.db');"
        "runs = mlflow.search_runs(experiment_names=['ecg_demo']);"
        "folds = runs['tags.mlflow.parentRunId'].notna().sum();"
        "rows = runs[runs['tags.mlflow.parentRunId'].isna()];"
        "print(len(rows), folds, rows['tags.run_key'].nunique(),"
        "  rows['params.reader.labels'].notna().sum(),"
        "  rows['metrics.test/balanced_accuracy'].notna().sum(),"
        "  rows['metrics.energy/uj_per_window'].notna().sum())"
    )
    output = run(clone, sys.executable, "-W", "ignore", "-c", code)
    return output.splitlines()[-1]


def test_mlflow_has_one_row_a_cell_with_all_three_stages(clone: Path) -> None:
    assert in_mlflow(clone) == "2 4 2 2 2 2"


def test_publish_rebuilds_the_store(clone: Path) -> None:
    shutil.move(clone / "mlflow.db", clone / "mlflow.db.old")
    run(clone, sys.executable, "-m", "pipeline", "publish", BIOSPIKE_TRACKING="on")
    assert in_mlflow(clone) == "2 4 2 2 2 2"


def test_check_tells_what_is_in_the_files(clone: Path) -> None:
    told = run(clone, sys.executable, "-m", "pipeline", "check", "ecg_demo")
    assert "params.yaml is valid, 2 cells" in told
    assert all(f"s{subject:02}" in told for subject in range(1, 7))


def test_one_worker_gives_the_same_bytes(
    clone: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_clone(tmp_path_factory.mktemp("other"))
    run(other, DVC, "repro", BIOSPIKE_WORKERS="1")
    assert lock(other) == lock(clone)


@pytest.mark.parametrize(
    ("stage", "names", "part"),
    [
        ("ingest", ["ecg_demo"], "data/recordings/ecg_demo/*.fif"),
        ("train", ["ecg_demo", "delta", "lif"], "data/runs/ecg_demo-delta-lif/fold-*"),
    ],
)
def test_a_killed_stage_resumes(
    clone: Path, stage: str, names: list[str], part: str
) -> None:
    before = lock(clone)
    for path in clone.glob(part):
        path.unlink()
    process = subprocess.Popen(
        ["stages/run", stage, *names],
        cwd=clone,
        env=surroundings(BIOSPIKE_WORKERS="1"),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    finished = wait_for_first(clone, part)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    made = {path: path.stat().st_mtime_ns for path in finished}
    item = "-".join(names)
    run(clone, DVC, "repro", "-f", "-s", f"{stage}@{item}")
    assert lock(clone) == before
    assert {path: path.stat().st_mtime_ns for path in finished} == made
    assert not list(clone.glob("data/**/.partial-*"))


def wait_for_first(clone: Path, pattern: str) -> list[Path]:
    """Wait until a stage has finished its first file, and before it has them all."""
    deadline = time.monotonic() + 120
    while not (found := [p for p in clone.glob(pattern) if p.name[0] != "."]):
        assert time.monotonic() < deadline, f"no {pattern} within two minutes"
        time.sleep(0.005)
    return found


NEW_ENCODER = '''
"""A delta code of another name, as a user would add one."""

from pipeline.encoders.delta import Delta


class Steps(Delta):
    """Step-forward under another name."""
'''


def test_an_encoder_is_one_file_and_one_entry(clone: Path) -> None:
    (clone / "pipeline" / "encoders" / "steps.py").write_text(NEW_ENCODER)
    yaml = YAML()
    params = yaml.load(clone / "params.yaml")
    params["encoders"]["steps"] = {"threshold": 0.4}
    params["grid"]["encoder"].append("steps")
    yaml.dump(params, clone / "params.yaml")
    ran = stages_run(run(clone, DVC, "repro"))
    cells = {f"@ecg_demo-steps-{model}" for model in ("lif", "ann")}
    assert ran == {
        "encode@ecg_demo-steps",
        *(f"{s}{cell}" for s in ("train", "evaluate", "profile") for cell in cells),
        "report",
    }
