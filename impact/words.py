"""Numbers, ranges, chances and dates as words. The one place where a value becomes text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime

NOT_KNOWN, NOT_RESOLVED = "not known", "not resolved"
_CONTROL = re.compile(
    r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\U000e0000-\U000e01ef]"
)
_ALIKE = re.compile("[\u0400-\u052fΑΒΕΖΗΙΚΜΝΟΡΤΥΧνορι]")  # Cyrillic, and Greek that looks Latin
_LATIN, _WORD = re.compile("[A-Za-z]"), re.compile(r"\w+")


def plain(text: str) -> str:
    """Text without terminal control sequences; what hides or deceives becomes visible.

    Those are invisible signs, signs of direction, and letters in a Latin word that look Latin and
    are not.

    >>> plain("a" + chr(27) + "[31mb" + chr(0x202E) + "c" + chr(0x430))
    'ab[U+202E]c[U+0430]'
    """
    text = _CONTROL.sub("", text)
    if text.isascii():
        return text
    return _INVISIBLE.sub(_named, _WORD.sub(_unmixed, text))


def _unmixed(word: re.Match[str]) -> str:
    """A word; in one with Latin letters those that only look so are named."""
    return _ALIKE.sub(_named, word[0]) if _LATIN.search(word[0]) else word[0]


def _named(sign: re.Match[str]) -> str:
    return f"[U+{ord(sign[0]):04X}]"


def shown(text: str, most: int = 4_000) -> str:
    """Plain text, cut where it is very long, with a count of what it had.

    >>> shown("abcdef", 4)
    'abcd… (cut, 6 characters)'
    """
    if len(text) <= most:
        return plain(text)
    return f"{plain(text[:most])}… (cut, {len(text):,} characters)"


def significant(value: float, digits: int = 2) -> float:
    """The value to so many significant digits.

    >>> significant(1234567, 2)
    1200000.0
    """
    if value == 0 or not math.isfinite(value):
        return value
    return float(round(value, digits - 1 - math.floor(math.log10(abs(value)))))


def _shown(value: float, digits: int) -> str:
    """A value already rounded, with thousands separated and no more decimals than digits."""
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(usd: float | None, digits: int = 2) -> str:
    """US dollars to so many significant digits.

    >>> money(12_345_678), money(-980), money(0)
    ('$12 million', '-$980', '$0')
    """
    if usd is None or math.isnan(usd):
        return NOT_RESOLVED
    rounded = significant(abs(usd), digits)
    sign = "-" if usd < 0 and rounded else ""
    for size, name in ((1e9, " billion"), (1e6, " million")):
        if rounded >= size:
            return f"{sign}${_shown(rounded / size, digits)}{name}"
    return f"{sign}${_shown(rounded, digits)}"


def money_range(low: float | None, high: float | None, digits: int = 1) -> str:
    """Two amounts as a range.

    >>> money_range(2e6, 31e6)
    '$2 million to $30 million'
    """
    first, last = money(low, digits), money(high, digits)
    return first if first == last else f"{first} to {last}"


def number(value: float | None, digits: int = 2) -> str:
    """A plain number to so many significant digits, with thousands separated.

    >>> number(15_432), number(0.25)
    ('15,000', '0.25')
    """
    if value is None or math.isnan(value):
        return NOT_KNOWN
    return _shown(significant(value, digits), digits)


def number_range(low: float, high: float, digits: int = 1) -> str:
    """Two numbers as a range.

    >>> number_range(1200, 14_900)
    '1,000 to 10,000'
    """
    first, last = number(low, digits), number(high, digits)
    return first if first == last else f"{first} to {last}"


def chance(p: float | None) -> str:
    """A chance in per cent; 0 and 1 in words.

    >>> chance(0.0), chance(1.0), chance(0.337), chance(0.004)
    ('none', 'established', '34 %', '0.4 %')
    """
    if p is None or math.isnan(p):
        return NOT_RESOLVED
    if p in (0.0, 1.0):
        return "established" if p else "none"
    percent = 100 * p
    return f"{percent:.1f} %" if percent < 1 or percent > 99 else f"{percent:.0f} %"


EVEN = "roughly even"
BANDS = (  # ICD 203 (2015), "Analytic Standards"; the upper end of each
    (0.05, "almost no chance"),
    (0.20, "very unlikely"),
    (0.45, "unlikely"),
    (0.55, EVEN),
    (0.80, "likely"),
    (0.95, "very likely"),
    (1.0, "almost certain"),
)


def likelihood(p: float) -> str:
    """A chance in the words of ICD 203.

    >>> likelihood(0.5), likelihood(0.7), likelihood(0.99)
    ('roughly even', 'likely', 'almost certain')
    """
    return next(word for end, word in BANDS if p <= end)


def likelihoods(low: float, p: float, high: float) -> str:
    """A chance with its range, in the words of ICD 203.

    >>> likelihoods(0.5, 0.7, 0.85), likelihoods(0.6, 0.7, 0.75)
    ('likely (roughly even to very likely, 50 % to 85 %)', 'likely (60 % to 75 %)')
    """
    first, last = likelihood(low), likelihood(high)
    spread = f"{first} to {last}, " if first != last else ""
    return f"{likelihood(p)} ({spread}{per_cent(low)} to {per_cent(high)})"


def per_cent(share: float | None) -> str:
    """A share of draws in per cent, in whole numbers from one on; not a chance of something.

    >>> per_cent(0.337), per_cent(1.0), per_cent(0.0043)
    ('34 %', '100 %', '0.43 %')
    """
    if share is None:
        return NOT_RESOLVED
    return f"{100 * share:.0f} %" if share >= 0.01 or not share else f"{100 * share:.2g} %"


def date(instant: datetime | None) -> str:
    """A time as a reader writes it, no finer than it was given.

    >>> from impact.numerics.times import parse
    >>> date(parse("2026-04")), date(parse("2026-04-03")), date(parse("2026-03-24T11:48Z"))
    ('April 2026', '3 April 2026', '24 March 2026, 11:48 UTC')
    """
    if instant is None:
        return NOT_KNOWN
    end = (instant.hour, instant.minute, instant.second) == (23, 59, 59)
    wide = {1000: "%Y", 2000: "%B %Y"}.get(instant.microsecond) if end else None
    if wide:
        return instant.strftime(wide)
    day = f"{instant.day} {instant:%B %Y}"
    return day if end and instant.microsecond else f"{day}, {instant:%H:%M} UTC"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names as a list in a sentence.

    >>> listed(["Meta", "OpenAI", "Google"])
    'Meta, OpenAI and Google'
    """
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def count(many: int, one: str, several: str = "") -> str:
    """A number of things.

    >>> count(1, "claim"), count(3, "claim")
    ('1 claim', '3 claims')
    """
    return f"{many:,} {one if many == 1 else several or one + 's'}"


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def uncapital(text: str) -> str:
    """The text with a small first letter."""
    return text[:1].lower() + text[1:]


def cell(column: str, value: object) -> str:
    """A table cell as a reader sees it, by the unit in the column's name.

    >>> cell("mean_usd", 1_200_000.0), cell("chance", 0.25), cell("weeks", None)
    ('$1.2 million', '25 %', 'not known')
    """
    if value is None:
        return NOT_RESOLVED if column.endswith("_usd") else NOT_KNOWN
    if isinstance(value, datetime):
        return date(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if column.endswith("_usd"):
            return money(float(value))
        if "chance" in column or column.endswith("_share"):
            return chance(float(value))
        return number(float(value), 3)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return plain(str(value))


def level(tlp: str) -> str:
    """A TLP level as a page prints it.

    >>> level("amber+strict")
    'TLP:AMBER+STRICT'
    """
    return f"TLP:{tlp.upper()}"
