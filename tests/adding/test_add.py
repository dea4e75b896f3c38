"""`biospike add` and the example package of the documentation."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import components
from pipeline.adding import add_component
from pipeline.errors import ConfigError
from pipeline.testing import check_encoder

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example_package"
TARGET = "our_codes.ternary:Ternary"


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A checkout with an empty folder of encoders, and the package installed."""
    (tmp_path / "pipeline" / "encoders").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLE))
    yield tmp_path
    for name in [each for each in sys.modules if each.startswith("our_codes")]:
        del sys.modules[name]


def test_it_writes_two_lines_that_make_a_component(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = add_component("encoders", TARGET)
    assert path == Path("pipeline/encoders/ternary.py")
    lines = [line for line in path.read_text().splitlines() if line]
    assert lines == [
        '"""ternary, from our_codes."""',
        "from our_codes.ternary import Ternary as Ternary",
    ]
    import pipeline.encoders

    monkeypatch.setattr(
        pipeline.encoders,
        "__path__",
        [*pipeline.encoders.__path__, str(checkout / "pipeline" / "encoders")],
    )
    try:
        found = components.find("encoders", "ternary")
        assert found().own_name == "ternary"
        check_encoder(found(threshold=0.5))
    finally:
        components.find.cache_clear()
        sys.modules.pop("pipeline.encoders.ternary", None)


@pytest.mark.parametrize(
    ("kind", "target", "found"),
    [
        ("encoder", TARGET, "no kind 'encoder'"),
        ("readers", TARGET, "Ternary is no Reader"),
        ("encoders", "our_codes.ternary", "names no class of another package"),
        ("encoders", "pipeline.encoders.delta:Delta", "names no class of another"),
        ("encoders", "our_codes.binary:Binary", "No module named 'our_codes.binary'"),
        ("encoders", "our_codes.ternary:Binary", "cannot be imported"),
        ("encoders", "our_codes.ternary:np", "is no class"),
        ("encoders", "our_codes.ternary:Encoder", "lacks decode, encode, features"),
    ],
)
def test_what_is_no_component_is_refused_and_nothing_written(
    checkout: Path, kind: str, target: str, found: str
) -> None:
    with pytest.raises(ConfigError, match=found):
        add_component(kind, target)
    assert not list((checkout / "pipeline" / "encoders").iterdir())


def test_a_file_that_is_there_stays(checkout: Path) -> None:
    path = checkout / "pipeline" / "encoders" / "ternary.py"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="already"):
        add_component("encoders", TARGET)
    assert path.read_text() == "mine"


def test_the_command_adds(checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "add", "encoders", TARGET],
        cwd=checkout,
        env={"PYTHONPATH": f"{ROOT}:{EXAMPLE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "wrote pipeline/encoders/ternary.py" in done.stderr
