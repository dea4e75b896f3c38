"""The audit stage and `biospike audit` do the same work, with their own settings."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from pipeline import __main__, config, tracking
from pipeline.errors import ConfigError
from pipeline.privacy import audit as auditing
from pipeline.privacy import identity
from pipeline.privacy.settings import AuditSettings
from pipeline.report import page
from stages import Stage, audit
from tests.privacy.made import FOUND

PARAMS = Path(__file__).parents[1] / "params.yaml"
NAMES = {"dataset": "ecg_demo", "encoder": "delta", "model": "lif"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace the audits, which take minutes; lists what they were asked for."""
    calls: list[Any] = []

    def of_cell(*given: Any) -> Any:
        calls.append(given)
        return FOUND

    def of_codes(params: Any, dataset: str) -> Any:
        calls.append(dataset)
        return {"persons": 4, "between": "b", "chance": 0.25, "codes": {}}

    monkeypatch.setattr(auditing, "audit", of_cell)
    monkeypatch.setattr(identity, "audit_codes", of_codes)
    return calls


def test_the_stage_reports_the_strongest_attack_on_persons(asked: list[Any]) -> None:
    params = config.load(PARAMS)
    line = audit.main(Stage("audit", NAMES, audit.SECTIONS, params))
    ((cell, settings, evaluation),) = asked
    assert cell == "ecg_demo-delta-lif"
    assert settings == AuditSettings(models=8, draws=5, dropout=0.01)
    assert evaluation.resamples == 200
    assert line.startswith("AUC 0.750 (0.625 to 0.875) of 4 persons")
    assert "RMIA" in line


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Lists what is published in MLflow, and refreshed on the page."""
    calls: list[Any] = []
    monkeypatch.setattr(tracking, "publish", lambda *given: calls.append(given))
    monkeypatch.setattr(page, "refresh", lambda: calls.append(()))
    return calls


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS.read_text())
    monkeypatch.setenv("COLUMNS", "160")


@pytest.mark.usefixtures("here")
def test_the_command_prints_what_was_found_and_what_was_not(
    asked: list[Any], capsys: pytest.CaptureFixture[str], published: list[Any]
) -> None:
    __main__.audit(argparse.Namespace(name="ecg_demo-delta-lif"))
    shown = capsys.readouterr().out
    assert asked[0][0] == "ecg_demo-delta-lif"
    assert published == [("ecg_demo-delta-lif", "runs", "audits"), ()]
    for text in (
        "2 networks, each trained on half of 4 persons",
        "0.625 (0.500 to 0.750)",
        "RMIA with population",
        "another session: absent, everyone has one session",
        "needs 100 persons",
        "AUC 0.750",
    ):
        assert text in shown


@pytest.mark.usefixtures("here")
def test_a_data_set_is_audited_by_its_codes(
    asked: list[Any], published: list[Any]
) -> None:
    __main__.audit(argparse.Namespace(name="ecg_demo"))
    assert asked == ["ecg_demo"]
    assert published == [()]
    with pytest.raises(ConfigError, match="no data set 'ecg_dmo'") as caught:
        __main__.audit(argparse.Namespace(name="ecg_dmo"))
    assert "ecg_demo" in caught.value.expected


@pytest.mark.parametrize("models", [7, 4])
def test_networks_come_in_pairs_and_there_are_six(models: int) -> None:
    params = config.Params({"audit": {"models": models}})
    with pytest.raises(ConfigError, match="models"):
        params.read("audit")
