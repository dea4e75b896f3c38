"""Pages of HTML, filled in from templates."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def fill(
    template: Path,
    filters: Mapping[str, Callable[..., Any]],
    content: Mapping[str, Any],
) -> str:
    """Fill in a template; all text is escaped, and a name that is missing is an error.

    Parameters
    ----------
    template : Path
        In Jinja's language.
    filters : mapping of str to callable
        What the template does to values, by name.
    content : mapping of str to object
        What it shows.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(template.name).render(**content)
