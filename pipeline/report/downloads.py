"""Tables that the page holds, so that a reader can have the numbers of a figure."""

import base64
import gzip

PLAIN = 16_000
"""Bytes; a longer table is compressed."""


def download(table: str) -> dict[str, str]:
    """Write a table of CSV as the address of a link, which needs no network.

    Returns
    -------
    link : dict
        `suffix` of the file's name, `.csv` or `.csv.gz`, and the `address`. The same
        table gives the same text.
    """
    content, kind, suffix = table.encode(), "text/csv", ".csv"
    if len(content) > PLAIN:
        content = gzip.compress(content, mtime=0)
        kind, suffix = "application/gzip", ".csv.gz"
    text = base64.b64encode(content).decode()
    return {"suffix": suffix, "address": f"data:{kind};base64,{text}"}
