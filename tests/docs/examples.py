"""The scripts of docs/examples, as modules and as programs."""

import importlib.util
import runpy
import sys
from pathlib import Path
from types import ModuleType

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "examples"


def load(name: str) -> ModuleType:
    """Import a script."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def explained(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What a script prints when it is started with `--help`."""
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        runpy.run_path(str(FOLDER / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def refused(
    example: ModuleType, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> str:
    """What a script prints about arguments that it refuses."""
    with pytest.raises(SystemExit, match=r"^2$"):
        example.parse(arguments)
    return capsys.readouterr().err
