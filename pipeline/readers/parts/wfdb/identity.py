"""Fields of WFDB headers that may identify the person: their kinds."""

import re
from pathlib import Path

from pipeline.readers.parts.identity import beginning, kinds_of


def identifying(path: Path) -> list[str]:
    """Read the comments of a WFDB header, and whether it states a date."""
    if path.suffix != ".hea":
        return []
    lines = [line.strip() for line in beginning(path).splitlines()]
    kinds = ["comments"] * any(line.strip("# ") for line in lines if line[:1] == "#")
    comments = [line for line in lines if line[:1] == "#"]
    titles = [part for line in comments for part in re.findall(r"(\w+)\s*:", line)]
    kinds += kinds_of(titles)
    record = next((line for line in lines if line and line[0] != "#"), "")
    if re.search(r"\s\d{1,2}/\d{1,2}/\d{4}$", record):
        kinds.append("date")
    return kinds
