"""The command `biospike audit`: of any trained cell, or of the codes of a data set."""

from rich.console import Console

from pipeline import config, entries
from pipeline.locks import only_one
from pipeline.parallel import start_importing


def audit(name: str, out: Console) -> bool:
    """Audit what a name stands for, and print what was found; True for a cell."""
    params, of_cell = config.load(), "-" in name  # parts the names of a cell
    if not of_cell:
        entries.check_names(params, {"dataset": name})
    with only_one(f"audit@{name}"):
        (audit_cell if of_cell else audit_dataset)(params, name, out)
    return of_cell


def audit_cell(params: config.Params, cell: str, out: Console) -> None:
    """Audit a trained cell, in the grid or not."""
    start_importing("pipeline.privacy.answers")
    from pipeline.privacy import audit, words

    found = audit.audit(cell, params.read("audit"), params.read("evaluation"))
    words.show(found, out)
    out.print(words.headline(found))


def audit_dataset(params: config.Params, dataset: str, out: Console) -> None:
    """Audit the codes of a data set, all encoders of params.yaml."""
    from pipeline.privacy import identity, words

    words.show_codes(identity.audit_codes(params, dataset), out)
