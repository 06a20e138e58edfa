"""Bytes of a local file as text, or the fault that says why not."""

from __future__ import annotations

from impact.errors import bad

UTF8 = "save the file as UTF-8 text"


def decoded(data: bytes, where: str) -> str:
    """UTF-8 text, with or without a byte order mark; raises BadInput for anything else.

    >>> decoded(b"litellm==1.82.6", "requirements.txt")
    'litellm==1.82.6'
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:200]:
        raise bad(where, "is not UTF-8 (it looks like UTF-16)", UTF8)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise bad(f"{where}:{line}", "is not UTF-8", UTF8) from None
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise bad(f"{where}:{line}", "holds a NUL byte", UTF8)
    return text
