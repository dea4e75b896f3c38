"""A cell's audit in MLflow: what an attacker gains, as numbers beside the accuracy."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.privacy.results import PERSON, RESULT, TRAINING, load
from pipeline.tracking.entries import log_files, log_numbers

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ENDS = {"": "value", ".ci_low": "low", ".ci_high": "high"}


def log_audit(client: "MlflowClient", parent: "Run", folder: Path) -> None:
    """Log an audit, if it is of this run; its answers stay in the folder."""
    found = load(folder)
    if found and found["run_key"] == parent.data.tags["run_key"]:
        log_numbers(client, parent.info.run_id, numbers(found))
        log_files(client, parent, folder, RESULT)


def numbers(found: Mapping[str, Any]) -> dict[str, Any]:
    """Name what was found of persons: AUC and rates by attack and query, the rest."""
    estimates: dict[str, Mapping[str, Any]] = {}
    for row in found["attacks"]:
        if row.get("level") == PERSON and "auc" in row:
            found_by = {"auc": row["auc"]}
            found_by |= {f"tpr_at_{rate}": each for rate, each in row["tpr"].items()}
            of = "" if row["queries"] == TRAINING else "_another_session"
            for name, each in found_by.items():
                estimates[f"{name}{of}.{row['attack']}.{row['way']}"] = each
    for control, attacks in found["controls"].items():
        for attack, each in attacks.items():
            estimates[f"control_{control}.{attack}"] = each
    for way, by_group in found["accuracy"].items():
        for group, each in by_group.items():
            estimates[f"accuracy_{group}.{way}"] = each
    return {
        f"privacy/{name}{suffix}": each.get(key)
        for name, each in estimates.items()
        for suffix, key in ENDS.items()
    }
