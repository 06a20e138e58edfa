"""Numbers as spreadsheets of any language write them: which sign is the decimal one."""

from __future__ import annotations

import re
from collections.abc import Collection

HOW = "write 1200.5, without separators or units"
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")  # 1,250: a thousand, or one and a quarter
_PLAIN = re.compile(r"[+-]?\d*([.,])\d+(?:[eE][+-]?\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([\s'’_.,])\d{3})(?:\1\d{3})*(?:([.,])\d+)?")
_PERCENT = re.compile(r"([+-]?\d+(?:[.,]\d+)?)\s*[%％]")


def sure(written: Collection[str], separator: str) -> tuple[dict[str, str], set[str]]:
    """(number -> the same with a decimal point, numbers that could be two) of the cells of a file.

    In a file of commas the decimal sign is the point, and only one that no program would write
    could be a thousand: `20.000`. In one of semicolons or tabs it may be either, and `20.000` or
    `1,250` is read only where another number of the file shows which.

    >>> sure(["0,5", "1,250", "20.000"], ";")
    ({'0,5': '0.5', '1,250': '1.250'}, {'20.000'})
    """
    plain = [text for text in written if _PLAIN.fullmatch(text)]
    groups = [text for text in plain if _ONE_GROUP.fullmatch(text)]
    signs = {"," if "," in text else "." for text in plain if text not in groups}
    if separator == ",":
        open_ = {text for text in groups if (signs or text.endswith("0")) and signs != {"."}}
        return {}, open_ | {text for text in groups if "," in text}
    doubtful = {text for text in groups if signs != {"," if "," in text else "."}}
    pointed = {text for text in plain if "," in text} - doubtful
    return {text: text.replace(",", ".") for text in sorted(pointed)}, doubtful


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
    if _PLAIN.fullmatch(text):
        return f"write {text.replace(',', '.')}"
    found = _GROUPED.fullmatch(text)
    if found and found[1] != found[2]:
        return f"write {text.replace(found[1], '').replace(',', '.')}, without separators"
    return HOW
