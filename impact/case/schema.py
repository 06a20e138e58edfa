"""The case format, declared once: every table, every column, what it may hold and what it means.

The reader, the checks, the data dictionary (`data/README.md`) and `datapackage.json` all come from
the declarations below. This module is the data model on one page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Type = Literal[
    "id",  # lower-case letters, digits and . - _ + ; names one thing in its table
    "text",
    "number",
    "time",  # a year, a month, a day or a UTC minute; see impact.numerics.times
    "flag",  # true or false; empty is false
    "choice",  # one of `allowed`
    "ref",  # an id of the table named in `refers_to`
    "refs",  # several of them, separated by ;
    "chances",  # `certain`, or input names separated by ; each may be `NAME over MINUTES`
    "arguments",  # NAME=INPUT pairs separated by ;
]

SCHEMA_VERSION = 1
TLP = ("clear", "green", "amber", "amber+strict", "red")
BASIS_KINDS = ("reported", "derived", "analogue", "assumption")  # strongest first
FORMS = (
    "productivity",
    "response",
    "replacement",
    "fines_and_judgements",
    "competitive_advantage",
    "reputation",
)
SHAPES = ("fixed", "uniform", "pert", "lognormal", "beta", "quantiles")
ADMIRALTY_LETTERS = ("A", "B", "C", "D", "E", "F")
ADMIRALTY_NUMBERS = ("1", "2", "3", "4", "5", "6")
ENTITY_KINDS = (
    "event",
    "release",
    "package",
    "service",
    "vendor",
    "lab",
    "client",
    "dataset",
    "state",
    "product",
    "project",
    "workforce",
    "competitor",
    "actor",
    "authority",
    "publisher",
    "group",
)
RELATIONS = (
    "poisons",
    "publishes",
    "version_of",
    "dependency_of",
    "used_by",
    "maintains",
    "registry_of",
    "falls",
    "opens",
    "holds",
    "belongs_to",
    "taken_from",
    "published_from",
    "supplies",
    "peer_of",
    "owns_stake_in",
    "feeds",
    "informs",
    "pauses",
    "idles",
    "works_for",
    "responds_for",
    "attributed_to",
    "claimed_by",
)
STAGES = ("access", "theft", "extortion", "response", "aftermath", "context")
TIME_UNITS = ("minute", "hour", "day", "week", "month", "year")  # of how long a state lasts
JUDGED = STAGES[:3]  # the stages for which it is weighed who did it
SAME_AS = "same_as"  # the predicate of an alias: nothing is merged, that two are one is a claim
# Predicates that take one value for one subject and qualifier: two values are a conflict.
SINGLE_VALUED = (
    "malicious_from",
    "available_minutes",
    "registry",
    "disclosed_on",
    "work_status",
    "leak_status",
    "leak_content",
    "who_was_idled",
    "intruder",
    "extortionist",
    "token_stolen_at",
    "people_affected",
    "organisations_affected",
    "theft_began",
    "theft_ended",
    "payload",
    "position",
    "runs_when",
    "affected_version",
    "counts",
)


def highest(levels: Iterable[str]) -> str:
    """The highest of some TLP levels; clear where there are none.

    >>> highest(["green", "clear"])
    'green'
    """
    return max(levels, key=TLP.index, default=TLP[0])


@dataclass(frozen=True)
class Column:
    """One column: its type, its unit, what it may hold, and its meaning in a sentence."""

    name: str
    type: Type
    meaning: str
    required: bool = False
    unit: str = ""
    allowed: tuple[str, ...] = ()
    refers_to: str = ""


@dataclass(frozen=True)
class Table:
    """One file of a case: its name (without .csv), what a row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]
    by_name: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})


def _table(name: str, row: str, *columns: Column) -> Table:
    """A table with the columns that every table has: id first, the rest last."""
    common = (
        Column("sources", "refs", "Where it is said; its own sources only.", refers_to="sources"),
        Column(
            "known_on",
            "time",
            "Earliest publication among the row's own sources; for an assumption, the day from "
            "which an analyst could have made it.",
            required=True,
        ),
        Column(
            "tlp",
            "choice",
            "Traffic Light Protocol 2.0 level; empty is the level of the case in case.toml.",
            allowed=TLP,
        ),
        Column(
            "withdrawn",
            "flag",
            "true ends the row of this id from known_on; a claim only its claimant takes back.",
        ),
    )
    first = Column("id", "id", "Bare name of the row; newer rows of one id replace older.", True)
    return Table(name, row, (first, *columns, *common))


def _entity(name: str, meaning: str, required: bool = True) -> Column:
    return Column(name, "ref", meaning, required, refers_to="entities")


def _input(name: str, meaning: str) -> Column:
    return Column(name, "ref", meaning, unit="currency", refers_to="inputs")


def _claims(name: str, meaning: str) -> Column:
    return Column(name, "refs", meaning, refers_to="claims")


def _choice(name: str, meaning: str, *allowed: str) -> Column:
    return Column(name, "choice", meaning, True, allowed=allowed)


TABLES: tuple[Table, ...] = (
    _table(
        "sources",
        "A publication.",
        Column("publisher", "text", "Who published it.", True),
        Column("title", "text", "Its title.", True),
        Column("url", "text", "Where it can be read; empty where it has no address."),
        Column("published_on", "time", "When; a month or a year counts to its end.", True),
        _choice(
            "reliability",
            "Admiralty letter of the publisher; F cannot be judged and has no weight.",
            *ADMIRALTY_LETTERS,
        ),
        _choice(
            "access",
            "How the text was seen: whole, in excerpts, or only through others.",
            "full",
            "excerpt",
            "secondhand",
        ),
        Column(
            "derived_from",
            "refs",
            "Sources that it restates; copies of one source count once.",
            refers_to="sources",
        ),
        Column("note", "text", "What a reader should know of it."),
    ),
    _table(
        "claims",
        "Somebody's dated statement, or an event as reported.",
        _entity("claimant", "Who says it."),
        _choice(
            "stance",
            "What the claimant does with the statement.",
            "asserts",
            "denies",
            "is silent",
            "is asked",
        ),
        _entity("subject", "Whom or what it is about."),
        Column(
            "predicate",
            "text",
            "What is said of the subject; `happened` for an event, `same_as` for an alias.",
            True,
        ),
        Column("qualifier", "text", "Narrows the predicate: a place, a part, a date."),
        Column("object", "text", "The value said; empty where low, mode and high hold it."),
        Column("low", "number", "Least value said."),
        Column("mode", "number", "Value said."),
        Column("high", "number", "Greatest value said."),
        Column("unit", "text", "Unit of low, mode and high."),
        Column("says", "text", "The statement as one sentence in our words.", True),
        Column("short", "text", "The same in a few words for a picture or a table; or empty."),
        Column("lane", "text", "Lane of a timeline, such as Clients; or empty: by its stage."),
        Column(
            "stage",
            "choice",
            "Part of the incident.",
            allowed=STAGES,
        ),
        Column("stated_on", "time", "When it was said.", True),
        Column("valid_from", "time", "When it happened or began."),
        Column("valid_to", "time", "When it ended."),
        _choice(
            "credibility",
            "Admiralty number; 1 confirmed, 5 improbable, 6 cannot be judged (no weight).",
            *ADMIRALTY_NUMBERS,
        ),
        _claims("supersedes", "Earlier claims of the same claimant that it replaces."),
        _claims("contradicts", "Claims, on whatever topic, that it cannot be true together with."),
    ),
    _table(
        "entities",
        "A party, a thing or a state of affairs; one row is the root `event`.",
        Column("name", "text", "Its name as a reader knows it.", True),
        _choice("kind", "What it is.", *ENTITY_KINDS),
        Column("role", "text", "Its part in the incident, in a sentence."),
        Column("short", "text", "A shorter name for pictures and tables; or empty."),
        Column("is", "text", "What it is, as a clause after its name; or empty."),
        Column("contact", "text", "How to reach it; or empty."),
        _entity("party", "The party whose state or holding it is.", required=False),
        Column("question", "text", "The question whose answer is whether it was reached."),
        Column("ask", "text", "Whom to ask."),
    ),
    _table(
        "links",
        "A step from source to target, along which harm may travel.",
        _entity("source", "Where harm comes from."),
        _entity("target", "Where it arrives."),
        _choice("relation", "What source does to, or is for, target.", *RELATIONS),
        Column(
            "chances",
            "chances",
            "Named inputs that must all happen; `certain` where it is established; empty where the "
            "relation is known and nothing is modelled to travel along it.",
        ),
        Column("valid_from", "time", "From when it exists; empty is always."),
        Column("valid_to", "time", "Until when it exists; empty is still."),
        Column("share", "number", "Share of the target's supply from source.", unit="share"),
        _claims("claims", "Claims on which it rests; empty where it is assumed."),
    ),
    _table(
        "windows",
        "One account of when a release was available, or a stolen thing used; several: a dispute.",
        _entity("entity", "The release, or what was stolen."),
        Column("opens", "time", "First minute at which it was available or used.", True),
        Column("closes", "time", "Last minute; empty while it is still open."),
        _claims("claims", "Claims on which the account rests."),
        Column("note", "text", "How it was measured."),
    ),
    _table(
        "inputs",
        "A number that a reader may doubt.",
        Column("low", "number", "Least value; for a lognormal the 5 % quantile."),
        Column("mode", "number", "Most likely value; the value itself where fixed."),
        Column("high", "number", "Greatest value; for a lognormal the 95 % quantile."),
        _choice(
            "shape",
            "Distribution that low, mode, high or parameters describe.",
            *SHAPES,
        ),
        Column("cap", "number", "Upper end at which a lognormal is truncated."),
        Column(
            "parameters",
            "arguments",
            "For a beta `a=2; b=8`, on low to high (empty: 0 to 1); for quantiles the value at "
            "each, `0=40; 0.5=152; 1=179`.",
        ),
        Column(
            "unit",
            "text",
            "The currency of the case, person, week, hour, share, chance, 1, or products and "
            "quotients such as USD/hour; `chance per N minutes` for a chance that grows with a "
            "window; `event/year` for how often such an event happens.",
            True,
        ),
        _choice(
            "drawn",
            "`once`: one draw wherever the name is used; `per_use`: one for each row that uses it.",
            "once",
            "per_use",
        ),
        Column("meaning", "text", "What the number is, in a sentence.", True),
        _choice("basis_kind", "Where it comes from.", *BASIS_KINDS),
        Column("basis", "text", "How it was arrived at.", True),
        _claims("claims", "Claims on which it rests; `impact check` names outdated ones."),
        Column(
            "lasts_since",
            "ref",
            "The claim that starts the state whose length this is; empty where it is no such "
            "length.",
            refers_to="claims",
        ),
        Column("authored_on", "time", "When it was typed.", True),
        Column("question", "text", "The question that would settle it."),
        Column("ask", "text", "Whom to ask."),
    ),
    _table(
        "losses",
        "One loss of one bearer if one entity is reached.",
        _entity("bearer", "Who loses."),
        _entity("received_by", "Who gains the same amount; the row is then a transfer.", False),
        _entity("needs", "The entity whose being reached brings the loss."),
        _choice("form", "FAIR form of loss.", *FORMS),
        Column("kind", "text", "How the amount is worked out: impact.numerics.loss_kinds.", True),
        Column("arguments", "arguments", "The inputs that the kind takes, by name.", True),
        _input("retention", "Amount kept before cover begins."),
        _input("limit", "Greatest amount that cover pays."),
        Column("driver", "text", "What drives it, in a few words for a chart.", True),
    ),
    _table(
        "duties",
        "A duty whose deadline may run.",
        _entity("bearer", "Who owes it."),
        _entity("recipient", "To whom.", required=False),
        Column("duty", "text", "What is owed.", True),
        _entity("trigger", "The entity or state that sets it off."),
        Column("starts_from", "time", "When it began to run; empty where not known."),
        Column("clock_hours", "number", "How long it runs; empty: no fixed time.", unit="hour"),
        _choice("kind", "What it rests on.", "legal", "contract", "containment"),
        _choice("applies", "Whether it applies to the bearer.", "yes", "not established", "no"),
        Column("basis", "text", "Statute, clause or guidance with its article.", True),
        Column("met_on", "time", "When it was reported as met."),
    ),
    _table(
        "judgements",
        "How likely one piece of evidence is under a hypothesis; without a claim, the prior.",
        _choice("stage", "Part of the incident.", *JUDGED),
        _entity("hypothesis", "The actor who is said to have done it."),
        Column("claim", "ref", "The evidence; empty for the prior.", refers_to="claims"),
        Column("low", "number", "Least chance.", True, unit="chance"),
        Column("mode", "number", "Most likely chance.", True, unit="chance"),
        Column("high", "number", "Greatest chance.", True, unit="chance"),
        Column("why", "text", "The reason, in a sentence.", True),
    ),
    _table(
        "indicators",
        "Something to hunt for or to rotate.",
        _entity("entity", "What it belongs to."),
        _choice(
            "kind",
            "What it is.",
            "sha256",
            "domain",
            "ip",
            "url",
            "path",
            "repository",
            "credential",
        ),
        Column("value", "text", "The value, defanged.", True),
        _choice("action", "What to do with it.", "hunt", "rotate"),
        Column("what", "text", "What it is, in words.", True),
        _choice("credibility", "Admiralty number.", *ADMIRALTY_NUMBERS),
    ),
)
