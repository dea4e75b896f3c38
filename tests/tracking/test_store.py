"""Where the runs are kept."""

from pathlib import Path

import pytest

from pipeline.tracking import store
from pipeline.tracking.entries import label_keys, log_numbers


@pytest.mark.parametrize("place", ["exps", "exps/tmpab12", "exps/temp/tmpab12/below"])
def test_queued_experiments_share_the_store_of_their_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    copy = tmp_path / "checkout" / ".dvc" / "tmp" / place
    copy.mkdir(parents=True)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(copy)
    assert store.home() == (tmp_path / "checkout").resolve()
    assert store.uri() == f"sqlite:///{tmp_path.resolve()}/checkout/mlflow.db"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(copy))
    assert store.home() == (tmp_path / "checkout").resolve()
    kept = store.artifacts("ecg_demo")
    assert kept == (tmp_path.resolve() / "checkout/mlartifacts/ecg_demo").as_uri()


def test_usual_classes_keep_their_names_in_metrics() -> None:
    labels = ["N", "S", "V", "left hand", "radial_1", "2024"]
    assert label_keys(labels) == dict(zip(labels, labels, strict=True))
    assert label_keys(["a+", "a-", "a.", "/"]) == {
        **{"a+": "a_", "a-": "a-", "a.": "a_.3", "/": "_.4"}
    }


@pytest.mark.filterwarnings("ignore")  # of MLflow's own code
def test_the_checkout_may_have_any_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    checkout = tmp_path / "50% a%20b?x=1#ü;'"
    (checkout / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(checkout)
    store.quieten()
    client = MlflowClient(store.uri())
    place = store.artifacts("ecg_demo")
    experiment = client.create_experiment("ecg_demo", artifact_location=place)
    run = client.create_run(experiment).info.run_id
    client.log_text(run, "text", "a.txt")
    labels = [
        "N/",
        "N\\",
        "..",
        ".",
        "/",
        "a+",
        "a-",
        "A-",
        "a:b",
        "2024",
        "ü" * 60,
        "<b>",
    ]
    keys = [f"f1.{key}" for key in label_keys(labels).values()]
    log_numbers(client, run, dict.fromkeys(keys, 0.5))
    assert client.get_run(run).data.metrics == dict.fromkeys(keys, 0.5)
    assert len(set(keys)) == len(labels)
    found = {path.name for path in checkout.iterdir()}
    assert found == {".dvc", "mlartifacts", "mlflow.db"}
    assert list(tmp_path.iterdir()) == [checkout]
    (kept,) = checkout.rglob("a.txt")
    assert kept.read_text() == "text"


@pytest.mark.parametrize("name", ["plain", "a b", "a#b", "mäuse", "a&b;c'd"])
def test_other_paths_are_written_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / name))
    assert store.uri() == f"sqlite:///{tmp_path.resolve() / name / 'mlflow.db'}"


def test_a_checkout_is_its_own_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    assert store.home() == tmp_path.resolve()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somewhere")
    assert store.artifacts("ecg_demo") is None
