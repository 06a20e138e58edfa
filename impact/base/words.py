"""Numbers, ranges, chances and dates as words. The one place where a value becomes text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

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


NEAR = 0.05  # how far a printed amount may be from its value, as a share of it
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}  # all other currencies stand as their code


def significant(value: float, digits: int = 2) -> float:
    """The value to so many significant digits.

    >>> significant(1234567, 2)
    1200000.0
    """
    return float(f"{value:.{digits - 1}e}")


def digits_of(value: float) -> int:
    """The fewest significant digits that stay within 5 % of a value, so that a range stays true.

    >>> digits_of(9.38e6), digits_of(34.03e6), digits_of(1.02e6), digits_of(14.33e6)
    (1, 2, 1, 2)
    """
    near = (n for n in range(1, 16) if abs(significant(value, n) - value) <= NEAR * abs(value))
    return next(near, 16)


def _decimal(value: float, digits: int) -> str:
    """A value already rounded, with thousands separated and no more decimals than digits."""
    places = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: float | None, digits: int | None = None, currency: str = "USD") -> str:
    """An amount to so many significant digits, without a number to the fewest within 5 % of it.

    >>> money(18_400_000), money(34_030_000), money(-980), money(0), money(5e6, currency="CHF")
    ('$18 million', '$34 million', '-$1,000', '$0', 'CHF 5 million')
    """
    if amount is None or math.isnan(amount):
        return NOT_RESOLVED
    digits = digits or digits_of(amount)
    rounded = significant(abs(amount), digits)
    sign = "-" if amount < 0 and rounded else ""
    sign += SIGNS.get(currency, f"{currency} ")
    for size, name in ((1e9, " billion"), (1e6, " million")):
        if rounded >= size:
            return f"{sign}{_decimal(rounded / size, digits)}{name}"
    return f"{sign}{_decimal(rounded, digits)}"


def money_range(low: float | None, high: float | None, currency: str = "USD") -> str:
    """Two amounts as a range; below 0 is a gain.

    >>> money_range(9.38e6, 34.03e6), money_range(-4e6, -1e6)
    ('$9 million to $34 million', 'a gain of $1 million to $4 million')
    >>> money_range(-1e6, 2e6)
    'a gain of $1 million to a loss of $2 million'
    """
    if low is None or high is None:
        return NOT_RESOLVED
    first, last = money(abs(low), None, currency), money(high, None, currency)
    if low < 0 < high:
        return f"a gain of {first} to a loss of {last}"
    if low < 0:
        return f"a gain of {money_range(-high, -low, currency)}"
    return first if first == last else f"{first} to {last}"


def number(value: float | None, digits: int | None = None) -> str:
    """A plain number to so many significant digits, without a number to the fewest within 5 %.

    >>> number(15_432), number(0.25), number(15_432, 3)
    ('15,000', '0.25', '15,400')
    """
    if value is None or math.isnan(value):
        return NOT_KNOWN
    digits = digits or digits_of(value)
    return _decimal(significant(value, digits), digits)


def number_range(low: float, high: float, digits: int | None = None) -> str:
    """Two numbers as a range.

    >>> number_range(1200, 14_900)
    '1,200 to 15,000'
    """
    first, last = number(low, digits), number(high, digits)
    return first if first == last else f"{first} to {last}"


def chance(p: float | None) -> str:
    """A chance in per cent: the nearest 5 % from 10 % to 90 %, else whole per cents.

    >>> chance(0.248), chance(0.052), chance(0.004), chance(0.997), chance(0.0), chance(1.0)
    ('25 %', '5 %', 'under 1 %', 'over 99 %', 'none', 'always')
    """
    if p is None or math.isnan(p):
        return NOT_RESOLVED
    if p in (0.0, 1.0):
        return "always" if p else "none"
    if p <= 0.005 or p >= 0.995:
        return "under 1 %" if p < 0.5 else "over 99 %"
    return f"{5 * round(20 * p) if 0.1 <= p <= 0.9 else round(100 * p)} %"


def about(p: float) -> str:
    """A chance that draws have found, which so is neither 0 nor 1.

    >>> about(0.38), about(0.004), about(1.0)
    ('about 40 %', 'under 1 %', 'over 99 %')
    """
    said = chance(min(max(p, 1e-9), 1 - 1e-9))
    return said if said.startswith(("under", "over")) else f"about {said}"


def one_in(draws: int) -> str:
    """What is known of a chance that none of so many draws met: the rule of three (Hanley 1983).

    >>> one_in(10_000), one_in(5)
    ('less than about 1 in 3,300', 'not resolved')
    """
    if draws < 6:
        return NOT_RESOLVED
    return f"less than about 1 in {number(draws / 3, 2)}"


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
    """A share, or a judged chance, in whole per cents.

    >>> per_cent(0.337), per_cent(1.0), per_cent(0.0043), per_cent(0.0)
    ('34 %', '100 %', 'under 1 %', '0 %')
    """
    if share is None:
        return NOT_RESOLVED
    return "under 1 %" if 0 < share <= 0.005 else f"{100 * share:.0f} %"


def date(instant: datetime | None) -> str:
    """A time as a reader writes it, no finer than it was given.

    >>> from impact.base.times import parse
    >>> date(parse("2026-04")), date(parse("2026-04-03")), date(parse("2026-03-24T11:48Z"))
    ('April 2026', '3 April 2026', '24 March 2026, 11:48 UTC')
    """
    from impact.base import times  # with polars, which --help does not wait for

    if instant is None:
        return NOT_KNOWN
    day = f"{instant.day} {instant:%B %Y}"
    told = {"year": f"{instant:%Y}", "month": f"{instant:%B %Y}", "day": day}
    return told.get(times.precision(instant), f"{day}, {instant:%H:%M} UTC")


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names as a list in a sentence.

    >>> listed(["Meta", "OpenAI", "Google"])
    'Meta, OpenAI and Google'
    """
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)


def count(many: int, one: str) -> str:
    """A number of things.

    >>> count(1, "claim"), count(3, "claim")
    ('1 claim', '3 claims')
    """
    return f"{many:,} {one if many == 1 else one + 's'}"


def capital(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


def uncapital(text: str) -> str:
    """The text with a small first letter."""
    return text[:1].lower() + text[1:]


def level(tlp: str) -> str:
    """A TLP level as a page prints it.

    >>> level("amber+strict")
    'TLP:AMBER+STRICT'
    """
    return f"TLP:{tlp.upper()}"


def web_address(text: str) -> str:
    """The text where it is an http or https address with a host, else an empty text."""
    try:
        found = urlsplit(text)
    except ValueError:
        return ""
    clean = found.scheme in ("http", "https") and bool(found.netloc) and text.isprintable()
    return text if clean and " " not in text else ""
