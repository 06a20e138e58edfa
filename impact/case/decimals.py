"""Numbers as spreadsheets of any language write them: which sign is the decimal one."""

from __future__ import annotations

import re
from collections.abc import Collection

HOW = "write 1200.5, without separators or units"
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # 1,250: a thousand, or one and a quarter
_PLAIN = re.compile(r"[+-]?\d*([.,])\d+(?:[eE][+-]?\d+)?")
_GROUPS = re.compile(r"[+-]?\d{1,3}(?:([.,])\d{3})(?:\1\d{3})*(?:([.,])\d+)?")
_SPACED = re.compile(r"[+-]?\d{1,3}(?:[\s'’_]\d{3})+(?:[.,]\d+)?")
_PERCENT = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*[%％]")
_OTHER = {",": ".", ".": ","}


def sure(written: Collection[str], separator: str) -> tuple[dict[str, str], set[str]]:
    """(number -> the same with a decimal point, numbers that could be two) of the cells of a file.

    In a file of commas the decimal sign is the point, and only one that no program would write
    could be a thousand: `20.000`. In one of semicolons or tabs it may be either, and `20.000` or
    `1,250` is read only where another number of the file shows which.

    >>> sure(["0,5", "1,250", "20.000"], ";")
    ({'0,5': '0.5', '1,250': '1.250'}, {'20.000'})
    """
    signs = {sign for text in written if (sign := _decimal_sign(text))}
    pointed, doubtful = dict[str, str](), set[str]()
    for text in written:
        if _ONE_GROUP.fullmatch(text):
            sign = "," if "," in text else "."
            if separator == "," and sign == ",":
                doubtful.add(text)
            elif separator == "," and not signs and not text.endswith("0"):
                continue
            elif signs != {sign}:
                doubtful.add(text)
            elif sign == ",":
                pointed[text] = text.replace(",", ".")
        elif separator != "," and "," in text and _PLAIN.fullmatch(text):
            pointed[text] = text.replace(",", ".")
    return dict(sorted(pointed.items())), doubtful


def _decimal_sign(text: str) -> str:
    """The decimal sign that a number shows its file to have; empty where it shows none."""
    if _ONE_GROUP.fullmatch(text):
        return ""
    if found := _PLAIN.fullmatch(text):
        return found[1]
    found = _GROUPS.fullmatch(text)
    return _OTHER[found[1]] if found and found[1] != found[2] else ""


def repair(text: str) -> str:
    """How to write what is no number, or could be two.

    >>> repair("20.000"), repair("1.250,5"), repair("1%")
    ('write 20 or 20000, whichever it is', 'write 1250.5, without separators', 'write 0.01')
    """
    if found := _PERCENT.fullmatch(text):
        share = float(found[1].replace(",", ".")) / 100
        return f"write {share:.12g}"
    if _ONE_GROUP.fullmatch(text):
        one, thousand = re.sub("[.,]", ".", text), re.sub("[.,]", "", text)
        return f"write {float(one):.12g} or {thousand}, whichever it is"
    if _SPACED.fullmatch(text):
        plain = re.sub(r"[^\d.+-]", "", text.replace(",", "."))
        return f"write {plain}, without separators"
    if (sign := _decimal_sign(text)) and not _PLAIN.fullmatch(text):
        plain = text.replace(_OTHER[sign], "").replace(sign, ".")
        return f"write {plain}, without separators"
    return f"write {text.replace(',', '.')}" if _PLAIN.fullmatch(text) else HOW
