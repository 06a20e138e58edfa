"""`view`: the one place where time, marking, scenario and changes are applied, in this order."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TypeVar

import polars as pl

from impact.base import times
from impact.base.errors import BadInput, Fault, Refusal, bad, did_you_mean
from impact.case import checks, folder, scenarios, ways
from impact.case.changes import Change, parse_changes
from impact.case.folder import ADVISORIES, Case
from impact.case.schema import up_to
from impact.case.tables import Row, Tables, by_id, newest
from impact.case.tables import level as read_level
from impact.case.ways import ROOT


def view(
    case: Case,
    scenario: str | None = None,
    as_of: str | None = None,
    tlp: str | None = None,
    changes: str = "",
    now: str = "",
) -> Case:
    """The case as known by a day, at or below a level, under a scenario and further changes.

    `as_of` is a date or a UTC time, empty for all rows; `changes` is
    `NAME=VALUE; NAME=LOW,MODE,HIGH`. Deadlines and durations run to the as-of, else to `now`, else
    to the present hour. Rows known by then and at or below the level stand; of each id
    the newest; what was withdrawn does not. A view without rows is an answer.

    Raises BadInput for an unknown scenario, input, level or a bad date; Refusal where rows above
    the level, or not yet known, are needed.
    """
    name = scenario or scenarios.BASELINE
    level = read_level(tlp) if tlp else case.tlp
    own, above = parse_changes(changes), _above(case, level)
    visible = _at_level(case.scenarios, level, above)
    chosen = _scenario(case, name, visible)
    moment = _moment(as_of or chosen.as_of)
    if name not in visible:
        repair = "raise the level, or take another scenario"
        raise Refusal(Fault(f"scenario {name}", "rests on rows above the level", repair))
    tables, ended, left_out = _standing(case.tables, moment, level)
    tables["links"] = ways.without_defaults(tables, case.defaults)
    known = replace(
        case,
        tables=tables,
        ended=ended,
        files=_files(case, level),
        as_of=moment,
        moment=moment or _moment(now) or moment_of(case),
        tlp=level,
        left_out=case.left_out or left_out,
        scenario=name,
        scenarios=visible,
        decisions=_at_level(case.decisions, level, above),
        unusable=_unusable(case, level),
        loaded=case.loaded or case,
        memo={},
    )
    known = replace(
        known, title=_title(known), label=folder.label_of(known), lasted=_durations(known)
    )
    known = replace(known, before=replace(known, scenario=scenarios.BASELINE))
    return changed(_with_scenario(known, chosen), own, "changes")


def _files(case: Case, level: str) -> dict[str, bytes]:
    """The originals at a level: what a case holds of a stack is of its own level."""
    whole = case.tlp in up_to(level)
    return {name: data for name, data in case.files.items() if whole or name.startswith(ADVISORIES)}


def _scenario(case: Case, name: str, visible: Collection[str]) -> scenarios.Scenario:
    """The scenario of that name; the names of others are told where they are visible."""
    if name not in case.scenarios:
        repair = did_you_mean(name, [*visible], f"one of {', '.join(visible)}")
        raise bad("scenario", f'no scenario "{name}"', repair)
    return case.scenarios[name]


Entry = TypeVar("Entry", scenarios.Scenario, scenarios.Decision)


def _at_level(
    entries: Mapping[str, Entry], level: str, above: Set[tuple[str, str]]
) -> dict[str, Entry]:
    """The scenarios, or decisions, of which words and named rows are at or below a level."""
    return {
        name: entry
        for name, entry in entries.items()
        if entry.tlp in up_to(level) and not above & scenarios.named(entry)
    }


def _unusable(case: Case, level: str) -> dict[str, scenarios.Unusable]:
    """Decisions with faults, for those who may see the whole case: what one names is not known."""
    return dict(case.unusable) if case.label in up_to(level) else {}


def _above(case: Case, level: str) -> set[tuple[str, str]]:
    """(table, id) of what a case has no row of at or below a level."""
    found = set[tuple[str, str]]()
    for table, rows in case.tables.items():
        lower = rows.filter(pl.col("tlp").is_in(up_to(level)))
        if lower.height < rows.height:
            found |= {(table, name) for name in set(rows["id"]) - set(lower["id"])}
    return found


def _title(known: Case) -> str:
    """The title of a case, or the name of the event where the title tells what is not known yet."""
    titled = known.title_known_on
    if not titled or known.as_of is None or times.until(known.as_of) >= times.parse(titled):
        return known.title
    root = known.rows("entities").get(ROOT)
    return str(root["name"]) if root else known.id


def _with_scenario(known: Case, scenario: scenarios.Scenario) -> Case:
    """The view with the changes of a scenario; raises Refusal where they are not yet known."""
    try:
        return changed(known, scenario.changes, f"scenario {scenario.id}")
    except BadInput as error:
        early = [Fault(f.where, f.what, "it is not known in this view") for f in error.faults]
        raise Refusal(early) from None


def under(known: Case, scenario: str) -> Case:
    """The view under another scenario of its case: equal rows, equal changes of its own.

    Raises BadInput for an unknown scenario, or one that looks back to another day, and Refusal for
    one that rests on what is not known in this view.
    """
    other = _scenario(known, scenario, known.scenarios)
    if other.as_of and (known.as_of is None or times.as_text(known.as_of) != other.as_of):
        what = f"is of {other.as_of}, and these rows are not"
        raise bad(f"scenario {scenario}", what, "compare scenarios of one day")
    before = known.before or known
    seen = _with_scenario(replace(before, scenario=scenario, before=before), other)
    return changed(seen, own_changes(known), "changes")


def own_changes(known: Case) -> list[Change]:
    """The changes of a view that are not those of its scenario."""
    said = known.scenarios[known.scenario].changes
    return [change for change in known.changes if change not in said]


def changed(known: Case, changes: Iterable[Change], where: str) -> Case:
    """A view with further changes of its inputs; raises BadInput for an unknown input."""
    more = tuple(changes)
    if not more:
        return known
    rows, faults = scenarios.apply(known.inputs, known["links"], more, where)
    if faults:
        raise BadInput(faults)
    latest = {change.name: change for change in (*known.changes, *more)}
    return with_inputs(known, rows, tuple(sorted(latest.values())))


def fixed(known: Case, name: str, value: float) -> Case:
    """A view with one of its inputs fixed at a value that it can have."""
    change = Change(name, value, value, value)
    rows = {**known.inputs, name: scenarios.changed_row(known.inputs[name], change)}
    return with_inputs(known, rows, (*known.changes, change))


def with_inputs(known: Case, rows: scenarios.Rows, changes: tuple[Change, ...]) -> Case:
    """A view with other rows of inputs.csv, by id, and the changes that they come from."""
    seen = replace(known, tables=_WithInputs(known.tables, rows), changes=changes)
    vars(seen)["inputs"] = rows  # as `cached_property` keeps them: the same rows, none read twice
    return seen


class _WithInputs(Mapping[str, pl.DataFrame]):
    """Tables with other rows of inputs.csv; their frame is made when it is first asked for."""

    def __init__(self, tables: Tables, rows: scenarios.Rows) -> None:
        self.tables, self.rows = tables, rows

    @cached_property
    def inputs(self) -> pl.DataFrame:
        return pl.DataFrame(list(self.rows.values()), schema=self.tables["inputs"].schema)

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.inputs if table == "inputs" else self.tables[table]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)


NOW = "IMPACT_NOW"  # in the environment: a moment that stands for the present


def moment_of(case: Case) -> datetime:
    """The moment that a view is seen from, on which deadlines and durations are counted.

    Of a case that is no view it is the present hour.
    """
    hour = os.environ.get(NOW) or f"{datetime.now(UTC):%Y-%m-%dT%H}:00Z"
    try:
        return case.moment or times.parse(hour)
    except ValueError as error:
        raise bad(NOW, f'"{hour}" is no moment', str(error)) from None


_DAYS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1, "week": 7, "month": 30.4375, "year": 365.25}


def _durations(known: Case) -> dict[str, float]:
    """Input -> how long the state that it measures has lasted by the moment of a view, in its unit.

    Of inputs that name the claim with which the state began (`lasts_since`), while nothing ends it:
    neither that claim's `valid_to` nor a later claim of another value on the same topic.
    """
    since = known["inputs"].drop_nulls("lasts_since")
    named = known["claims"].filter(pl.col("id").is_in(since["lasts_since"].implode()))
    claims, found = by_id(named), dict[str, float]()
    for name, began_by, unit in since.select("id", "lasts_since", "unit").iter_rows():
        claim = claims.get(began_by)
        if claim and not _has_ended(known, claim):
            began = times.start(claim["valid_from"] or claim["stated_on"])
            days = (moment_of(known) - began).total_seconds() / 86_400
            if days > 0:
                found[name] = days / _DAYS[unit]
    return found


def _has_ended(known: Case, claim: Row) -> bool:
    """Whether the state that a claim asserts has ended by the moment of a view."""
    if claim["valid_to"] is not None and claim["valid_to"] <= moment_of(known):
        return True
    topic = [pl.col(part).eq_missing(claim[part]) for part in ("subject", "predicate", "qualifier")]
    later = pl.col("stated_on") > claim["stated_on"]
    other = later & (pl.col("stance") == "asserts") & pl.col("object").ne_missing(claim["object"])
    return known["claims"].filter(*topic, other).height > 0


def _moment(as_of: str) -> datetime | None:
    if not as_of:
        return None
    try:
        return times.parse(as_of)
    except ValueError as error:
        raise bad("as_of", f'"{as_of}" is no date', str(error)) from None


def _standing(
    tables: Tables, moment: datetime | None, level: str
) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame], bool]:
    """(rows by table that stand at that moment and level, those that ended others, left out).

    Whether rows above the level are left out is told, and not which ones.

    Raises Refusal where a row above the level ends one below it, or is needed by one.
    """
    at_level, by_then = pl.col("tlp").is_in(up_to(level)), pl.lit(True)
    if moment is not None:
        by_then = pl.col("known_on") <= times.until(moment)
    standing, ended = dict[str, pl.DataFrame](), dict[str, pl.DataFrame]()
    what = "was withdrawn by a row above the level"
    repair = "raise the level, or withdraw it at this level too"
    hidden, faults = set[str](), list[Fault]()  # tables with rows known by then that do not stand
    left_out = False
    for name, every in tables.items():
        seen = every.filter(by_then & at_level)
        last = newest(seen)
        standing[name], ended[name] = (last.filter(withdrawn=gone) for gone in (False, True))
        hidden |= {name} if ended[name].height else set()
        if seen.height == every.height:
            continue
        higher = every.select("id", "known_on", "tlp", "withdrawn").filter(by_then & ~at_level)
        hidden |= {name} if higher.height else set()
        left_out |= higher.height > 0
        above = newest(higher).filter("withdrawn").select("id", above="known_on")
        over = standing[name].join(above, on="id").filter(pl.col("above") >= pl.col("known_on"))
        faults += [Fault(f"{name}.csv {row}", what, repair) for row in over["id"]]
    if faults := faults or _missing_rows(standing, ended, hidden):
        raise Refusal(faults)
    return standing, ended, left_out


def _missing_rows(standing: Tables, ended: Tables, hidden: set[str]) -> list[Fault]:
    """Rows that are referred to and do not stand: each named once.

    A row that ends another needs no more than its own sources, and a claim may go on contradicting
    or superseding one that was taken back.
    """
    needed = [checks.references(standing, hidden)]
    needed += [checks.references(ended, {"sources"})] if "sources" in hidden else []
    there, gone = (
        pl.concat([rows.select(name="id", to=pl.lit(table)) for table, rows in tables.items()])
        for tables in (standing, ended)
    )
    missing, key = pl.concat(needed).join(there, on=["to", "name"], how="anti"), ["to", "name"]
    lasting = missing.filter(~pl.col("column").is_in(_OF_CLAIMS))
    return [
        Fault(f"{to}.csv {name}", what, repair)
        for rows, (what, repair) in (
            (lasting.join(gone, on=key, how="semi"), _WITHDRAWN),
            (missing.join(gone, on=key, how="anti"), _ABOVE),
        )
        for to, name in rows.select(key).unique().sort(key).iter_rows()
    ]


_OF_CLAIMS = ("contradicts", "supersedes")  # references of claims to claims that may be gone
_WITHDRAWN = "is needed and was withdrawn", "withdraw or replace what refers to it"
_ABOVE = "is needed and stands above the level", "raise the level, or give a row at this level"
