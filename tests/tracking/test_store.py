"""Where the runs are kept."""

from pathlib import Path

import pytest

from pipeline.tracking import store


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


def test_a_checkout_is_its_own_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    assert store.home() == tmp_path.resolve()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://somewhere")
    assert store.artifacts("ecg_demo") is None
