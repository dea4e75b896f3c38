"""code: a digest of the code that each stage uses, component by component."""

from pipeline import entries, files
from stages import Stage, run


def main(stage: Stage) -> str:
    """Describe the code of every stage, with the components that the grid needs."""
    described = list(entries.describe_all(stage.params))
    with files.replacing_folder(files.DATA / "code") as folder:
        for path, code in described:
            files.save_json(folder / path.relative_to(files.DATA / "code"), code)
    modules = {name for _, code in described for name in code["modules"]}
    return f"{len(described)} digests of {len(modules)} modules"


if __name__ == "__main__":
    run(main, axes=(), sections=())
