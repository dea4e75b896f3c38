"""What all tests share."""

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings
from joblib import cpu_count

settings.register_profile("untimed", deadline=None)  # machines may be busy
settings.load_profile("untimed")

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""How many threads libraries use, read when they are imported."""

TESTS = Path(__file__).parent
SLOW = (
    "adding",
    "decisions",
    "docs",
    "exporting",
    "front_end",
    "fuzz",
    "ingestion/test_real_counts.py",
    "inspection/test_demos.py",
    "meters",
    "mutation",
    "networks",
    "neurons",
    "plasticity",
    "plots",
    "privacy",
    "origins",
    "profiling",
    "proposal/test_strangers.py",
    "quantization",
    "report",
    "repro",
    "sources",
    "test_cluster.py",
    "test_measurement.py",
    "test_mitdb_protocol.py",
    "test_tracking.py",
    "tracking",
    "training",
)
"""Folders and files that `make check` leaves out."""


LONG = (
    "repro/test_repro.py",
    "repro/test_pseudonyms.py",
    "ingestion/test_real_counts.py",
    "networks/test_gradients.py",
    "test_tracking.py",
    "training/test_train.py",
    "exporting/test_c.py",
    "report/test_page.py",
    "fuzz/test_fuzz.py",
    "docs/test_exact_spike_times.py",
    "encoders/test_bad_input.py",
    "exporting/test_nir.py",
    "training/test_local.py",
    "networks/test_layers.py",
    "plasticity/test_learner.py",
)
"""Files that run first, the longest before the others: none is left for the end, when
other workers have nothing to do."""


@pytest.hookimpl(optionalhook=True)  # without xdist there is no such hook
def pytest_xdist_auto_num_workers() -> int:
    """Give xdist one worker more than there are cores: some tests only wait."""
    return int(cpu_count(only_physical_cores=True)) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist hand out files in our order, not by how many tests they have.

    Its workers are the processes: a test that wants processes or threads of its own
    sets it. Processes begin with seconds of imports, and threads that are
    more than the cores wait for each other, at four times the work.
    """
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False
    os.environ["BIOSPIKE_WORKERS"] = "1"
    # No test reads or makes the secret of who runs it.
    os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="biospike-tests-")
    os.environ |= dict.fromkeys(THREADS, "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests, and begin with the longest files."""
    slow = tuple(TESTS / name for name in SLOW)
    for item in items:
        if any(item.path.is_relative_to(place) for place in slow):
            item.add_marker("slow")
    places = {TESTS / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


def pytest_sessionfinish() -> None:
    """Save what coverage has seen: a worker that takes long to end is killed."""
    measuring = sys.modules.get("coverage")
    if measuring and (current := measuring.Coverage.current()):
        current.save()


@pytest.fixture
def three_threads() -> Iterator[None]:
    """Let torch use three threads, as where nothing limits it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Find the real recordings, laid out as a mirror; skip where there are none."""
    asked = os.environ.get("BIOSPIKE_MIRROR")
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(asked) if asked else beside
    if not (folder / "mitdb").is_dir():
        pytest.skip(f"no real recordings: {folder} is not a mirror")
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow store without runs; making one takes seconds, copying it none.

    The workers of a run share it.
    """
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    path = folder / "mlflow.db"
    with FileLock(folder / "mlflow.db.lock"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow and what it imports warn of each other
        if not path.exists():
            from mlflow import MlflowClient

            making = path.with_suffix(".making")
            MlflowClient(f"sqlite:///{making}").search_experiments()
            making.rename(path)
    return path
