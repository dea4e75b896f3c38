"""The demo data sets, shortened: nothing in them is to be mended."""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.config import Params
from pipeline.inspection.check import check
from stages import Stage, fetch

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("dataset", "shorter"),
    [
        ("ecg_demo", {"subjects": 6, "minutes": 1}),
        ("emg_demo", {"subjects": 3, "repetitions": 2}),
        ("eeg_demo", {"subjects": 6, "trials": 8}),
    ],
)
def test_a_demo_set_has_no_error_and_no_warning(
    dataset: str,
    shorter: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sections = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    sections["datasets"][dataset]["source"] |= shorter
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIOSPIKE_WORKERS", "1")
    params = Params(sections)
    fetch.main(Stage("fetch", {"dataset": dataset}, fetch.SECTIONS, params))
    checked = check(params, dataset)
    assert [f for f in checked.findings if f.severity != "note"] == []
    assert checked.verdict == "yes"
