"""Codes, classes and their names: their form in `params.yaml`, and comparison."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from pipeline.names import text_fault
from pipeline.patterns import normal

AAMI = (
    dict.fromkeys("NLRej", "N")
    | dict.fromkeys("AaJS", "S")
    | dict.fromkeys("VE", "V")
    | {"F": "F"}
    | dict.fromkeys("/fQ", "Q")
)
"""ANSI/AAMI EC57 classes, as de Chazal 2004 maps MIT-BIH's symbols
(doi 10.1109/TBME.2004.827359)."""

UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Zs")
"""Unicode's categories of blanks and of characters that nobody sees."""
LONGEST_LABEL = 60
NUMBER = re.compile(r"([+-]?)0*(\d+)(?:\.0*)?")


def plain(value: object) -> str:
    """Write a code as it is compared: `1`, `01`, `1.0` and 1 are one code, 1.7 is not.

    YAML's true and false are the words.
    """
    text = str(value).lower() if isinstance(value, bool) else normal(str(value)).strip()
    number = NUMBER.fullmatch(text)
    return f"{number[1].strip('+')}{number[2]}" if number else text


def person_key(name: str) -> str:
    """Write a person's name as it is compared.

    Names that differ in case, blanks, invisible characters, leading zeros or the form
    of Unicode are one.
    """
    seen = unicodedata.normalize("NFKC", name)
    kept = (each for each in seen if unicodedata.category(each) not in UNSEEN)
    return plain("".join(kept)).casefold()


def _mapping(value: object) -> object:
    if value == "aami":
        return AAMI
    if not isinstance(value, Mapping):
        return value
    _refuse_mixed(value)
    codes = [plain(code) for code in value]
    if repeated := sorted({code for code in codes if codes.count(code) > 1}):
        raise ValueError(f"{', '.join(repeated)} stands there more than once")
    return dict(zip(codes, map(written, value.values()), strict=True))


def _refuse_mixed(keys: Mapping[Any, object]) -> None:
    """Refuse numbers beside words as keys: DVC sorts keys, and cannot sort these."""
    words = [key for key in keys if isinstance(key, str)]
    if words and len(words) < len(keys):
        (number, *_) = (key for key in keys if not isinstance(key, str))
        raise ValueError(
            f"all keys are words or all are numbers, for DVC sorts them: '{number}' in "
            f"quotes beside {words[0]}"
        )


def written(value: object) -> str:
    """Write a word, a number or YAML's true as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _in_order(mapping: Mapping[str, str] | None) -> list[list[str]] | None:
    """Write a map as pairs: sorted JSON would lose the order of priority."""
    return None if mapping is None else [list(pair) for pair in mapping.items()]


Map = Annotated[
    dict[str, str] | None, BeforeValidator(_mapping), PlainSerializer(_in_order)
]


def _fit(label: object) -> str:
    """Write the name of a class, or explain how to write it."""
    text = written(label)
    fault = text_fault(text)
    if not fault and not text.strip():
        fault = "is empty"
    if not fault and text != text.strip():
        fault = "begins or ends with a space"
    if not fault and len(text) > LONGEST_LABEL:
        fault = f"has {len(text)} characters, over {LONGEST_LABEL}"
    if fault:
        raise ValueError(
            f"short names in Latin letters, with longer ones beside them "
            f"(w: awake, eyes open); the class {text[:LONGEST_LABEL]!r} {fault}"
        )
    return text


def names(labels: Any) -> Any:
    """Let a list of classes stand for classes without longer names."""
    if isinstance(labels, list | tuple):
        texts = [_fit(label) for label in labels]
        if repeated := sorted({text for text in texts if texts.count(text) > 1}):
            raise ValueError(f"{', '.join(repeated)} stands there more than once")
        return {text: text for text in texts}
    if isinstance(labels, Mapping):
        _refuse_mixed(labels)
        if nameless := [
            str(label) for label, longer in labels.items() if longer is None
        ]:
            raise ValueError(f"{nameless[0]} has no name")
        return {_fit(label): str(longer) for label, longer in labels.items()}
    return labels
