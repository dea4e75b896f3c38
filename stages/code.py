"""code: a digest of the code that each stage uses, component by component."""

from typing import Any

from pipeline import entries, files
from stages import Stage, run


def main(stage: Stage) -> str:
    """Describe the code of every stage, with the components that the grid needs."""
    described = list(entries.describe_all(stage.params))
    with files.replacing_folder(files.DATA / "code") as folder:
        for path, code in described:
            files.save_json(folder / path.relative_to(files.DATA / "code"), code)
        files.save_json(folder / "folders.json", _folders(stage))
    modules = {name for _, code in described for name in code["modules"]}
    return f"{len(described)} digests of {len(modules)} modules"


def _folders(stage: Stage) -> dict[str, Any]:
    """List the folders of this machine that data sets are taken from."""
    datasets = stage.params.read("grid").dataset
    sources = {name: stage.params.plain(f"datasets.{name}.source") for name in datasets}
    folders = {n: s["path"] for n, s in sources.items() if s["name"] == "folder"}
    return {"folders": folders, "others": sorted(set(datasets) - set(folders))}


if __name__ == "__main__":
    run(main, axes=(), sections=())
