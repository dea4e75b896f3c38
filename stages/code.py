"""code: a digest of the code that each stage uses, component by component."""

from typing import Any

from pipeline import entries, files
from pipeline.listed import files_in
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
    """List what the stage `inventory` looks at on this machine.

    The folders that data sets are taken from; the data sets under pseudonyms; and the
    files that hold a part of a source's lists, or of the lists of folds.
    """
    datasets = stage.params.read("grid").dataset
    plain = {name: stage.params.plain(f"datasets.{name}.source") for name in datasets}
    folders = {n: s["path"] for n, s in plain.items() if s["name"] == "folder"}
    sources = {n: stage.params.read(f"datasets.{n}.source") for n in datasets}
    folds = {n: stage.params.read(f"datasets.{n}.folds") for n in datasets}
    lists = {
        "sources": {n: [*s.only, *s.excluded] for n, s in sources.items()},
        "folds": {n: f.listed_names for n, f in folds.items()},
    }
    found: dict[str, Any] = {
        kind: {name: held for name, own in each.items() if (held := files_in(own))}
        for kind, each in lists.items()
    }
    found["pseudonyms"] = [name for name in datasets if sources[name].has_pseudonyms]
    return {
        "folders": folders,
        "others": sorted(set(datasets) - set(folders)),
        **{kind: each for kind, each in found.items() if each},
    }


if __name__ == "__main__":
    run(main, axes=(), sections=())
