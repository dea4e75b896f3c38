"""Tables inside the page."""

import base64
import gzip

import pytest

from pipeline.report.downloads import PLAIN, download


@pytest.mark.parametrize("rows", [1, PLAIN])
def test_a_table_comes_back_from_its_address(rows: int) -> None:
    table = "person,value\n" + "é,1.5\n" * rows
    file = download(table)
    kind, _, text = file["address"].partition(";base64,")
    content = base64.b64decode(text)
    if rows == 1:
        assert (kind, file["suffix"]) == ("data:text/csv", ".csv")
    else:
        assert (kind, file["suffix"]) == ("data:application/gzip", ".csv.gz")
        assert content[4:8] == bytes(4)  # no time of its making
        content = gzip.decompress(content)
    assert content.decode() == table
    assert download(table) == file
