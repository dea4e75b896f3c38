"""The command `biospike audit`: of any trained cell, or of the codes of a data set."""

import argparse

from rich.console import Console

from pipeline import config, entries
from pipeline.locks import only_one
from pipeline.parallel import start_importing


def audit(arguments: argparse.Namespace) -> None:
    """Find out what a trained cell, or the codes of a data set, give away."""
    name, out, params = arguments.name, Console(highlight=False), config.load()
    of_cell = "-" in name  # parts the names of a cell
    if not of_cell:
        entries.check_names(params, {"dataset": name})
    with only_one(f"audit@{name}"):
        audit_cell(params, name, out) if of_cell else audit_dataset(params, name, out)


def audit_cell(params: config.Params, cell: str, out: Console) -> None:
    """Audit a trained cell, in the grid or not, and print what was found."""
    start_importing("pipeline.privacy.teaching")
    from pipeline.privacy import words
    from pipeline.privacy.audit import audit

    found = audit(cell, params.read("audit"), params.read("evaluation"))
    words.show(found, out)
    out.print(words.headline(found))


def audit_dataset(params: config.Params, dataset: str, out: Console) -> None:
    """Audit the codes of a data set, all encoders of params.yaml, and print them."""
    from pipeline.privacy import identity, words

    words.show_codes(identity.audit_codes(params, dataset), out)
