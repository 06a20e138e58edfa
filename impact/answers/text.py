"""The templates beside the answers: words as text, and one way to print a figure of a unit."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import jinja2
from jinja2.ext import Extension
from jinja2.runtime import Context

from impact.base import words
from impact.case import checks, heads, views
from impact.case.folder import Case
from impact.case.scenarios import BASELINE
from impact.measures.evidence import addresses, names
from impact.numerics import loss_kinds
from impact.simulation import Run

_COUNTED = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def lower_first(known: Case, text: str) -> str:
    """The text as part of a sentence: with a small first letter, unless a name begins it."""
    first, named = text.partition(" ")[0], text.startswith(tuple(names(known).values()))
    return text if named or (not first[1:].islower() and len(first) > 1) else words.uncapital(text)


def said_by(known: Case, claim: Mapping[str, Any]) -> str:
    """Who said a claim and when, as a reader is told; a claim without a source is not sourced."""
    by, when = known.rows("entities")[claim["claimant"]], words.date(claim["stated_on"])
    return _attributed(claim, by["short"] or by["name"], when, "reported by ")


def _attributed(claim: Mapping[str, Any], who: str, when: str, reported: str = "") -> str:
    if claim["stance"] == "is asked" and not claim["sources"]:
        return f"open; a question for {who}"
    if not claim["sources"]:
        return f"{who}, {when}; no source named"
    if claim["stance"] == "is silent":
        return f"as of {when}"
    verb = {"denies": "denied by ", "is asked": "asked of "}.get(claim["stance"], reported)
    return f"{verb}{who}, {when}"


def in_words(number: float) -> str:
    """A number, in words up to nine.

    >>> in_words(3), in_words(1200)
    ('three', '1,200')
    """
    whole = int(number)
    return _COUNTED[whole] if 0 <= whole < len(_COUNTED) else f"{whole:,}"


def many(number: float | Collection[Any], one: str, several: str = "") -> str:
    """A number of things, in words up to nine; of a list, of as many as it has.

    >>> many(1, "client"), many([1, 2], "client"), many(0, "reply", "replies")
    ('one client', 'two clients', 'no replies')
    """
    found = number if isinstance(number, int | float) else len(number)
    return f"{in_words(found)} {one if found == 1 else several or one + 's'}"


def show(value: Any, unit: str = "money", currency: str = "USD") -> str:
    """A value of a unit as every reader sees it, but for the name of the unit.

    >>> show(0.24, "chance"), show(0.24, "assumed"), show(0.017, "share"), show(4.2e6, "money")
    ('25 %', 'about 25 %', '2 %', '$4 million')
    """
    if unit in _PRINTS:
        return _PRINTS[unit](value)
    code = _currency(unit, currency)
    return words.money(value, None, code) if code else words.number(value)


_PRINTS: dict[str, Callable[[Any], str]] = {
    "chance": words.chance,
    "assumed": lambda p: words.NOT_RESOLVED if p is None else words.about(p),
    "share": words.per_cent,
    "count": lambda n: words.NOT_KNOWN if n is None else f"{n:,.0f}",
    "": lambda value: "" if value is None else str(value),
    "date": words.date,
}


def _currency(unit: str, own: str = "") -> str:
    """The currency of a unit of money, `own` where it is just money; empty for another unit."""
    code = own if unit == "money" else unit.partition("/")[0]
    return code if loss_kinds.money(code) else ""


def in_per_cent(unit: str) -> bool:
    """Whether values of a unit are printed in per cent: chances and shares."""
    return unit == "share" or checks.is_chance(unit)


def ranged(
    low: float | None, high: float | None, unit: str = "money", currency: str = "USD"
) -> str:
    """Two values of a unit as a range.

    >>> ranged(9.4e6, 34e6, "money"), ranged(7100, 66_000, "weeks")
    ('$9 million to $34 million', '7,000 to 66,000 weeks')
    """
    if code := _currency(unit, currency):
        return words.money_range(low, high, code)
    if low is None or high is None:
        return words.NOT_RESOLVED
    if in_per_cent(unit):
        return " to ".join(map(words.per_cent, (low, high)))
    return f"{words.number_range(low, high)} {unit}".strip()


def ends(row: Mapping[str, Any]) -> tuple[float, float]:
    """The range of an input: its low and high, where it has them."""
    found = [row[end] for end in ("low", "high") if row[end] is not None] or checks.ends_of(row)
    return min(found), max(found)


def units(unit: str) -> str:
    """A unit as it follows a number.

    >>> units("USD/hour"), units("person"), units("1")
    ('USD an hour', 'people', '')
    """
    first, *per = unit.split("/")
    plural = {"1": "", "person": "people", "person*week": "weeks of work"}
    each = (f" {'an' if one[0] in 'aeioh' else 'a'} {one}" for one in per)
    return plural.get(first, first + "s" * first.islower()) + "".join(each)


def rounded(value: float, unit: str, digits: int = 1) -> str:
    """A value of so many digits, in its unit; a chance of at least 10 % has one more.

    >>> (
    ...     rounded(31e6, "USD"),
    ...     rounded(0.24, "chance"),
    ...     rounded(0.003, "share"),
    ...     rounded(940, "person", 2),
    ... )
    ('$30 million', '24 %', '0.3 %', '940 people')
    """
    if in_per_cent(unit):
        return f"{words.number(100 * value, digits + (value >= 0.1))} %"
    if code := _currency(unit):
        return words.money(value, digits, code)
    told = words.number(value, digits)
    return f"{told} {unit if told == '1' else units(unit)}".strip()


def apart(before: float, after: float, currency: str) -> tuple[str, str]:
    """Two amounts, with as many digits as show what lies between them; four at most.

    >>> apart(30.9e6, 31.6e6, "USD"), apart(2e6, 5e6, "USD")
    (('$30.9 million', '$31.6 million'), ('$2 million', '$5 million'))
    """
    least = max(map(words.digits_of, (before, after)))
    moved = abs(after - before)
    for digits in range(least, 5):
        ends = [words.significant(end, digits) for end in (before, after)]
        if abs(abs(ends[1] - ends[0]) - moved) <= moved / 10:
            least = digits
            break
    return words.money(before, least, currency), words.money(after, least, currency)


def threshold(value: float, error: float | None, unit: str, digits: int = 1) -> str:
    """A value of so many digits, with its range by simulation where that is wide.

    The range is widened to hold the value as printed.
    """
    told = f"about {rounded(value, unit, digits)}"
    if error is None or error <= words.NEAR * value:
        return told
    printed = value if checks.is_chance(unit) else words.significant(value, digits)
    low, high = max(0.0, min(value - error, printed)), max(value + error, printed)
    of = unit if checks.is_chance(unit) or _currency(unit) else ""
    return f"{told} (simulation error: {ranged(low, high, of)})"


def _of_facts(say: Callable[..., Any]) -> Callable[..., Any]:
    """A print of values for templates: of money in the currency of their facts."""

    @jinja2.pass_context
    def said(context: Context, *values: Any) -> Any:
        return say(*values, currency=context["currency"])

    return said


def day(instant: datetime) -> str:
    """A date without its hour, as a citation has it."""
    return words.date(instant).partition(",")[0]


_BREAK = f"¶{secrets.token_hex(8)}"  # of this process alone: no text of a case can hold it


class _Breaks(Extension):
    """A ¶ of a template begins a paragraph; one in a value is a sign like any other."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """The source with its own marks."""
        return source.replace("¶", _BREAK)


def said_chance(run: Run, row: Mapping[str, Any]) -> str:
    """A row of `chances` as a figure: reported by whom, assumed here, none, or about so much."""
    claim = run.known.rows("claims").get(row["claim"])
    baseline = run.known.scenario == BASELINE
    facts = {"draws": run.draws, "currency": run.known.currency, "baseline": baseline}
    by = claim and said_by(run.known, claim)
    return one_line(parts("chances", facts).said(row, by))


@cache
def templates() -> jinja2.Environment:
    """The templates: plain text, in which a name that is missing is an error."""
    found = jinja2.Environment(  # noqa: S701 (plain text; what shows it escapes it)
        loader=jinja2.PackageLoader("impact.answers", ""),
        undefined=jinja2.StrictUndefined,
        extensions=[_Breaks],
    )
    found.filters |= {
        "show": _of_facts(show),
        "rounded": rounded,
        "apart": _of_facts(apart),
        "threshold": threshold,
        "exact": lambda number: f"{number:,g}",
        "date": words.date,
        "day": day,
        "listed": words.listed,
        "many": many,
        "words": in_words,
        "flat": one_line,
        "cap": lambda text: words.capital(one_line(text)),
        "uncap": jinja2.pass_context(
            lambda facts, text: lower_first(facts["known"], one_line(text))
        ),
        "stop": lambda text: one_line(text).rstrip("."),
    }
    found.globals |= {"ranged": _of_facts(ranged), "one_in": words.one_in}
    return found


def parts(name: str, facts: Mapping[str, Any]) -> Any:
    """The template of an answer with its facts: what it sets, and its macros, as attributes."""
    return templates().get_template(f"{name}.j2").make_module(dict(facts))


def paragraphs(text: Any) -> tuple[str, ...]:
    """Paragraphs of a rendered part: they begin at a ¶ of its template.

    White space says nothing, so that the tags of a template may stand on lines of their own.
    """
    return tuple(one_line(part) for part in str(text).split(_BREAK) if part.strip())


def one_line(text: Any) -> str:
    """A text on one line, without a space before a stop.

    >>> one_line(" a range   of two .")
    'a range of two.'
    """
    return re.sub(r" (?=[.,;:?)](?:\s|$))", "", " ".join(words.plain(str(text)).split()))


def columns(declared: Any) -> Iterator[list[str]]:
    """The cells of each line `column | Heading | unit | figure` of a declared table.

    A column without a heading is not shown; one that names a figure is one, of each row.
    """
    for line in filter(str.strip, str(declared).splitlines()):
        yield [cell.strip() for cell in f"{line}|||".split("|")[:4]]


def shared(known: Case) -> dict[str, Any]:
    """What every template may use: names of entities, claims with who said them, the view.

    `links` fills up with the address of each citation that a template makes.
    """
    entities, claims, falls = known.rows("entities"), known.rows("claims"), heads.falling(known)
    links, linked = dict[str, str](), addresses(known)

    def name(one: str) -> str:
        told = entities[one]["short"] or entities[one]["name"] if one in entities else one
        return f"{told} ({heads.NO_COMPROMISE})" if one in falls else told

    def cite(one: str) -> str:
        row = claims[one]
        told = f"({_attributed(row, name(row['claimant']), day(row['stated_on']))})"
        if one in linked:
            links.setdefault(told, linked[one])
        return told

    return {
        "name": name,
        "names": lambda several, last="and": words.listed([name(one) for one in several], last),
        "cite": cite,
        "claim": claims.__getitem__,
        "entity": entities.__getitem__,
        "source": known.rows("sources").__getitem__,
        "deniers": lambda ids: sorted({name(claims[one]["claimant"]) for one in ids}),
        "what": lambda one: (
            entities[one]["is"] or lower_first(known, (entities[one]["role"] or "").rstrip("."))
        ),
        "falls": falls,
        "now": views.moment_of(known),
        "currency": known.currency,
        "known": known,
        "links": links,
    }
