"""Annotation files by annot(5)."""

import re
import struct

from tests.fuzz.items import FileError, utf8

SYMBOLS = dict(
    enumerate([" ", *"NLRaVFJASEj/Q~", "", "|", "", *'sT*D"=pB^t+u?![]en@xf()r'])
)
"""Symbols of the codes 0 to 41."""
SKIP, NUM, SUB, CHN, AUX, NOTE = 59, 60, 61, 62, 63, 22
Found = tuple[int, str, str]
"""Sample, symbol and note."""


def read_annotations(content: bytes) -> tuple[float | None, list[Found]]:
    """Give the file's own rate, if it states one, and its annotations."""
    if len(content) % 2:
        raise FileError("annotations of an odd number of bytes")
    words = struct.unpack(f"<{len(content) // 2}H", content)
    found: list[list[object]] = []
    time, place, ended, noted = 0, 0, False, False
    while place < len(words):
        code, value = words[place] >> 10, words[place] & 1023
        place += 1
        if code == 0 and value == 0:
            ended = True
            break
        if code == SKIP:
            if place + 2 > len(words):
                raise FileError("annotations end within a skip")
            step = words[place] << 16 | words[place + 1]
            time += step - (1 << 32 if step >= 1 << 31 else 0)
            place += 2
            if place < len(words) and words[place] >> 10 >= SKIP:
                raise FileError("a skip that no annotation follows")
        elif code == AUX:
            value &= 255  # a note's length is a byte
            size = (value + 1) // 2
            if place + size > len(words) or not found or noted:
                raise FileError("a note that ends the file or has no annotation")
            noted = True
            text = struct.pack(f"<{size}H", *words[place : place + size])[:value]
            found[-1][2] = utf8(text).strip(" \t\r\n\0")
            place += size
        elif code not in (NUM, SUB, CHN):
            time += value
            if time < (int(str(found[-1][0])) if found else 0):
                raise FileError("annotations that go back in time")
            noted = False
            found.append([time, SYMBOLS.get(code) or f"code {code}", ""])
    if not ended:
        raise FileError("annotations without an end mark")
    if any(words[place:]):
        raise FileError("annotations after the end mark")
    rate, kept = None, []
    for sample, symbol, note in found:
        if sample == 0 and symbol == '"' and str(note).startswith("## "):
            if stated := re.match(r"## time resolution: ([\d.]+)", str(note)):
                rate = float(stated[1])
            continue
        kept.append((int(str(sample)), str(symbol), str(note)))
    return rate, sorted(kept, key=lambda each: each[0])
