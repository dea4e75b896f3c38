"""What the figure of a decision writes above its signal."""

import re

import numpy as np
import pandas as pd
import pytest

from pipeline.plots.decision import Moments, draw

ERROR = "#d55e00"
OURS = re.compile("decided here|this one|.* ✓|.* → .*|[NSV]")


def texts(moments: Moments) -> list[str]:
    """The texts above a signal of ten seconds, and errors with their colour."""
    line = {"row": "a", "unit": "V", "start_s": 20.0, "dt": 0.1, "threshold": np.nan}
    kinds = {"filtered": "lines", "code": "raster", "evidence": "lines"}
    values = np.ones(100, np.float32)
    rows = [line | {"panel": p, "kind": k, "values": values} for p, k in kinds.items()]
    svg = draw(pd.DataFrame(rows), "title", "alt", moments).svg
    found = re.findall(r"<text style=\"([^\"]*)\"[^>]*>([^<]*)</text>", svg)
    ours = [each for each in found if OURS.fullmatch(each[1])]
    return [f"{text} !" if ERROR in style.lower() else text for style, text in ours]


def test_others_have_their_truth_and_what_was_decided_of_them() -> None:
    others = [(22.0, "N", "N"), (24.0, "V", "S"), (28.0, "S", ""), (40.0, "N", "N")]
    assert texts(Moments(26.0, others)) == [
        "decided here", "this one", "N ✓", "V → S !", "S",
    ]  # fmt: skip


def test_what_is_decided_is_named_and_no_text_covers_it() -> None:
    others = [(26.05, "N", "V"), (29.9, "N", "N")]
    assert texts(Moments(26.0, others)) == ["decided here", "this one"]
    assert texts(Moments(19.0)) == ["decided here"]


@pytest.mark.parametrize("label", ["N", "a_long_name_of_a_class"])
def test_many_are_not_all_named(label: str) -> None:
    others = [(20 + 0.01 * k, label, label) for k in range(900)]
    named = texts(Moments(20.0, others)).count(f"{label} ✓")
    assert 0 < named * 0.009 * len(f"{label} ✓") < 1
