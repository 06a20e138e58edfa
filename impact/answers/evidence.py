"""What is known: what happened when, who says what, what is disputed, which clocks may run."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import combinations
from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.provenance import names, origins
from impact.case.folder import Case, once
from impact.case.schema import ADMIRALTY_LETTERS, ADMIRALTY_NUMBERS, SINGLE_VALUED
from impact.numerics import times

if TYPE_CHECKING:
    import altair as alt

Claim = dict[str, Any]
_TOPICS = {
    "available_minutes": "how long it could be had",
    "disclosed_on": "when it was disclosed",
    "extortionist": "who extorts",
    "intruder": "who got in",
    "leak_content": "what it holds",
    "leak_status": "what became of it",
    "malicious_from": "since when it is bad",
    "payload": "which file carries the code",
    "registry": "on which registry",
    "token_stolen_at": "where the token was stolen",
    "who_paused": "who paused",
    "who_was_idled": "who was idled",
}
CLEARLY = 1.25  # weight of one side over the other from which it is called better supported
_WEIGHTS = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)
_RELIABILITY = dict(zip(ADMIRALTY_LETTERS, _WEIGHTS, strict=True))
_CREDIBILITY = dict(zip(ADMIRALTY_NUMBERS, _WEIGHTS, strict=True))


@once
def now(known: Case) -> datetime | None:
    """The moment that a view speaks of: its as-of, else the last day on which a claim was known.

    No clock is read, so a page stays the same whenever it is made.
    """
    if known.as_of is not None:
        return known.as_of
    days = (day for day in known["claims"]["known_on"] if times.precision(day) in ("day", "minute"))
    return max(days, default=None)


@once
def window(known: Case, release: str) -> pl.DataFrame:
    """When a release could be had: the `core` inside every account, the `hull` around all.

    Columns `part`, `opens`, `closes`; a part still open has no `closes`. No rows where no account
    is known; no core where the accounts share no minute.
    """
    accounts = known["windows"].filter(pl.col("entity") == release)
    opens, closes = accounts["opens"].to_list(), accounts["closes"].drop_nulls().to_list()
    rows = []
    if opens:
        still_open = len(closes) < len(opens)
        rows.append(("hull", min(opens), None if still_open else max(closes)))
        if not closes or max(opens) < min(closes):
            rows.append(("core", max(opens), min(closes, default=None)))
    return pl.DataFrame(rows, schema=_WINDOW, orient="row")


_WINDOW: dict[str, pl.DataType] = {
    "part": pl.String(),
    "opens": times.INSTANT,
    "closes": times.INSTANT,
}


@once
def timeline(known: Case, most: int = 20, a_day: int = 5) -> Answer:
    """What happened when, and when it was reported: `most` events, at most `a_day` of one day.

    Shown are events about what stands in links.csv, the most credible first; context and aftermath
    not confirmed are left to the claims.

    Table: `id`, `happened_on`, `reported_on`, `stage`, `says`, `reported_by`, `delay_days`.
    """
    said, events = names(known), _events(known)
    nth = pl.int_range(pl.len()).over(pl.col("happened_on").dt.date())
    best = events.filter(nth < a_day).head(most).sort("happened_on", "id")
    releases = sorted(set(known["windows"]["entity"]))
    spans = [window(known, name).with_columns(release=pl.lit(said[name])) for name in releases]
    schema = {**_WINDOW, "release": pl.String()}
    windows = pl.concat([pl.DataFrame(schema=schema), *spans])
    if events.height:
        late = max((days for days in best["delay_days"] if days is not None), default=0.0)
        sentence = (
            f"{best.height} of {words.count(events.height, 'reported event')} are shown, from"
            f" {words.date(best['happened_on'][0])} to {words.date(best['happened_on'][-1])}; the"
            f" longest unreported became known {words.number(late)} days later."
        )
    else:
        sentence = "Nothing is reported to have happened by that day."
    drawn = best.select(
        "happened_on",
        "stage",
        "says",
        reported_on=pl.when(pl.col("delay_days").is_not_null()).then("reported_on"),
    )

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.timeline(drawn, windows)

    return Answer(
        name="timeline",
        sentence=f"{sentence} {window_sentence(known)}".strip(),
        table=best,
        heads={
            "happened_on": "Happened",
            "reported_on": "First reported",
            "says": "What is reported",
            "reported_by": "By whom",
        },
        figures=_window_figures(known, releases),
        notes=(
            "A day counts to its end. First reported is the earliest publication that is cited.",
        ),
        draw=draw if best.height else None,
    )


def _events(known: Case) -> pl.DataFrame:
    """The reported events about what stands in links.csv, the most credible first.

    `delay_days` is null where the first report is dated by a month or a year only.
    """
    minutes = (pl.col("known_on") - pl.col("valid_from")).dt.total_minutes().clip(lower_bound=0)
    linked = {*known["links"]["source"], *known["links"]["target"]} - {"event"}
    happened = (pl.col("predicate") == "happened") & pl.col("valid_from").is_not_null()
    told = happened & (pl.col("stage") != "context") & pl.col("subject").is_in(sorted(linked))
    who = pl.col("claimant").replace_strict(names(known), default=None, return_dtype=pl.String)
    return known["claims"].filter(told).sort("credibility", "valid_from", "id").select(
        "id", "stage", "says", "credibility",
        happened_on="valid_from",
        reported_on="known_on",
        reported_by=who,
        delay_days=pl.when(times.is_dated("known_on")).then(minutes / 1440),
    )  # fmt: skip


def _window_figures(known: Case, releases: list[str]) -> tuple[Figure, ...]:
    figures = []
    for release in releases:
        for part, opens, closes in window(known, release).iter_rows():
            minutes = None if closes is None else (closes - opens).total_seconds() / 60
            name = f"window_{part}.{release}"
            figures.append(Figure(name, minutes, None, "minute", words.number(minutes, 3)))
    return tuple(figures)


@once
def window_sentence(known: Case) -> str:
    """How long the bad release that came first could be had: open, agreed, or each account by whom.

    An account is told in the minutes that its claimant states, else in those of its row. Empty
    where no account is known.
    """
    accounts = known["windows"].sort("opens", "entity", "known_on", "id")
    if not accounts.height:
        return ""
    said, claims = names(known), {row["id"]: row for row in known["claims"].iter_rows(named=True)}
    release = accounts["entity"][0]
    name = said[release]
    told: dict[str, str] = {}
    for row in accounts.filter(pl.col("entity") == release).iter_rows(named=True):
        if row["closes"] is None:
            return f"{name} could be had from {words.date(row['opens'])}; the end is not known yet."
        minutes = (row["closes"] - row["opens"]).total_seconds() / 60
        claim = claims[row["claims"][0]] if row["claims"] else None
        if claim and claim["unit"] == "minutes" and claim["mode"] is not None:
            minutes = claim["mode"]
        told[f"{minutes:.0f} minutes"] = said[claim["claimant"]] if claim else "no claimant"
    if len(told) == 1:
        minutes_said, who = next(iter(told.items()))
        return f"{name} could be had for {minutes_said}, as reported by {who}."
    each = words.listed([f"{length} by {who}" for length, who in told.items()])
    return f"How long {name} could be had is disputed: {each}."


def said_by(known: Case, claim: Claim) -> str:
    """Who said a claim and when, as a reader is told."""
    who, day = names(known)[claim["claimant"]], words.date(claim["stated_on"])
    if claim["stance"] == "is silent":
        return f"as of {day}"
    verb = {"denies": "denied by", "is asked": "asked of"}.get(claim["stance"], "reported by")
    return f"{verb} {who}, {day}"


def _value(known: Case, claim: Claim) -> str:
    """What a claim says of its subject: names for ids, a range with its unit, or its sentence."""
    ends = [claim[part] for part in ("low", "mode", "high") if claim[part] is not None]
    if claim["object"]:
        said = names(known)
        text = ", ".join(said.get(part, part.replace("-", " ") if part[:1].isalpha() else part)
                         for part in claim["object"].split(", "))  # fmt: skip
    elif ends:
        text = f"{words.number_range(min(ends), max(ends), 3)} {claim['unit'] or ''}".strip()
    else:
        text = claim["says"].rstrip(".")
    return f"not {text}" if claim["stance"] == "denies" else text


def support(known: Case, claims: list[Claim]) -> float:
    """Weight behind claims that say the same.

    Of each independent origin the greatest reliability times credibility (A and 1 are 1.0, then
    0.8 to 0.2; F and 6 are 0), added up.
    """
    letters = dict(known["sources"].select("id", "reliability").iter_rows())
    best: dict[str, float] = {}
    for claim in claims:
        for origin in origins(known, claim["sources"]):
            weight = _RELIABILITY[letters[origin]] * _CREDIBILITY[claim["credibility"]]
            best[origin] = max(best.get(origin, 0.0), weight)
    return sum(best.values())


@once
def disputes(known: Case) -> list[tuple[str, list[Claim], list[Claim]]]:
    """(topic, better supported side, other side) of statements that cannot all be true.

    Found from equal subject, predicate and qualifier where a predicate takes one value, and from
    `contradicts`; a claim that its claimant replaced takes no part.
    """
    said = names(known)
    claims = known["claims"].filter(pl.col("stance").is_in(["asserts", "denies"]))
    replaced = set(claims.explode("supersedes")["supersedes"].drop_nulls())
    standing = {c["id"]: c for c in claims.iter_rows(named=True) if c["id"] not in replaced}
    groups: dict[tuple[str, str, str], dict[str, list[Claim]]] = {}
    for claim in standing.values():
        if claim["predicate"] in SINGLE_VALUED:
            key = (said[claim["subject"]], claim["predicate"], claim["qualifier"] or "")
            groups.setdefault(key, {}).setdefault(_value(known, claim), []).append(claim)
    found: list[tuple[str, list[Claim], list[Claim]]] = []
    paired: set[frozenset[str]] = set()
    for (subject, predicate, qualifier), sides in sorted(groups.items()):
        ranked = sorted(sides.values(), key=lambda side: (-support(known, side), side[0]["id"]))
        topic = f"{subject}: {_TOPICS.get(predicate, predicate)}".replace("_", " ")
        topic += f" ({qualifier})" if qualifier and qualifier not in subject.lower() else ""
        found += [(topic, ranked[0], other) for other in ranked[1:]]
        for one, two in combinations(ranked, 2):
            paired |= {frozenset((a["id"], b["id"])) for a in one for b in two}
    for claim in standing.values():
        for other in claim["contradicts"]:
            if other in standing and frozenset((claim["id"], other)) not in paired:
                pair = sorted(([claim], [standing[other]]), key=lambda side: -support(known, side))
                topic = f"{said[claim['subject']]}: {claim['predicate']}".replace("_", " ")
                found.append((topic, pair[0], pair[1]))
    return found


@once
def conflicts(known: Case) -> Answer:
    """Statements that cannot all be true: each side, who says it, which is better supported.

    Table: `topic`, `side`, `against`, `better` (first or open), `why`.
    """
    rows = []
    ordered = sorted(disputes(known), key=lambda d: -support(known, d[2]))
    for topic, one, two in ordered:  # the best supported contradictions first
        open_ = support(known, one) <= CLEARLY * support(known, two)
        sides = (_side(known, one), _side(known, two))
        rows.append((topic, *sides, "open" if open_ else "first", _why(known, one, two, open_)))
    schema = dict.fromkeys(("topic", "side", "against", "better", "why"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    still_open = frame.filter(pl.col("better") == "open").height
    sentence = "No two statements known by that day contradict each other."
    if rows:
        sentence = f"{words.count(frame.height, 'point is', 'points are')} disputed;"
        sentence += f" {frame.height - still_open} with one side clearly better supported"
        sentence += f", {still_open} open." if still_open else "."
    return Answer(
        name="conflicts",
        sentence=sentence,
        table=frame,
        heads={
            "topic": "About",
            "side": "Better supported, or first",
            "against": "Against it",
            "why": "Why",
        },
        figures=(
            Figure("disputed", float(frame.height), None, "count", str(frame.height)),
            Figure("disputed_open", float(still_open), None, "count", str(still_open)),
        ),
        notes=("Both sides are kept. Copies of one origin count once.",) if rows else (),
    )


def _why(known: Case, one: list[Claim], two: list[Claim], open_: bool) -> str:
    if open_:
        return "open: support is about equal"
    first, second = (
        len(origins(known, [s for c in side for s in c["sources"]])) for side in (one, two)
    )
    if first > second:
        return f"{words.count(first, 'independent origin')} against {second}"
    best = [min(claim["credibility"] for claim in side) for side in (one, two)]
    if best[0] < best[1]:
        return f"credibility {best[0]} against {best[1]}"
    return "more reliable sources"


def _side(known: Case, claims: list[Claim]) -> str:
    first = min(claims, key=lambda claim: (claim["known_on"], claim["id"]))
    more = len({claim["claimant"] for claim in claims}) - 1
    roots = len(origins(known, [source for claim in claims for source in claim["sources"]]))
    also = f" and {more} more, {words.count(roots, 'origin')} in all" if more else ""
    return f"{_value(known, first)} ({said_by(known, first)}{also})"


@once
def duties(known: Case) -> Answer:
    """The clocks that may run, as of the view's moment; that a duty was broken is never said.

    Table: `bearer`, `duty`, `kind`, `due`, `status`, `basis`.
    """
    said, moment = names(known), now(known)
    rows = []
    for duty in known["duties"].iter_rows(named=True):
        begun, hours = duty["starts_from"], duty["clock_hours"]
        due = times.start(begun) + timedelta(hours=hours) if begun and hours is not None else None
        by = "see basis" if hours is None else f"{hours:.0f} hours from a start not known"
        if due is not None:
            by = words.date(times.parse(f"{due:%Y-%m-%d}")) if hours >= 48 else words.date(due)
        status = _status(duty, begun, due, moment)
        rows.append((said[duty["bearer"]], duty["duty"], duty["kind"], by, status, duty["basis"]))
    schema = dict.fromkeys(("bearer", "duty", "kind", "due", "status", "basis"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("status", "bearer", "duty")
    unclear = frame.filter(pl.col("status").str.starts_with("unknown")).height
    sentence = "No clock is known to run by that day."
    if rows:
        sentence = (
            f"{words.count(frame.height, 'clock')} may run as of {words.date(moment)}; for"
            f" {unclear} of them it is not established that they apply."
        )
    return Answer(
        name="duties",
        sentence=sentence,
        table=frame,
        heads={"bearer": "Who", "duty": "Owes", "due": "By", "status": "Status", "basis": "Basis"},
        figures=(Figure("clocks", float(frame.height), None, "count", str(frame.height)),),
        notes=("The kit counts hours; whether a duty applies or was met is for counsel.",)
        if rows
        else (),
    )


def _status(
    duty: dict[str, Any], begun: datetime | None, due: datetime | None, moment: datetime | None
) -> str:
    if duty["met_on"] is not None:
        return f"reported as met on {words.date(duty['met_on'])}"
    if duty["applies"] == "no":
        return "does not apply"
    if duty["applies"] == "not established":
        over = due is not None and moment is not None and due < moment
        ended = "; would have ended by then if it applies" if over else ""
        return f"unknown whether it applies{ended}"
    if due is None or moment is None:
        return "running" if begun else "not started"
    return "running" if moment < due else "due; not known to be met"


@once
def sources(known: Case) -> Answer:
    """The sources that the view rests on, with date, reliability and how they were read.

    Table: `id`, `publisher`, `title`, `published_on`, `reliability`, `access`, `restates`,
    `address`.
    """
    cited = {
        name
        for table, rows in known.tables.items()
        if table != "sources"
        for name in rows.explode("sources")["sources"].drop_nulls()
    }
    parents = dict(known["sources"].select("id", "derived_from").iter_rows())
    queue = sorted(cited)
    while queue:  # what a cited source restates is shown too
        new = [name for name in parents[queue.pop()] if name not in cited]
        cited |= set(new)
        queue += new
    frame = known["sources"].filter(pl.col("id").is_in(sorted(cited))).select(
        "id", "publisher", "title", "published_on", "reliability", "access",
        restates=pl.col("derived_from").list.join(", "),
        address=pl.coalesce("url", "note", pl.lit("no address")),
    ).sort("published_on", "id")  # fmt: skip
    read = frame.filter(pl.col("access") == "full").height
    roots = len(origins(known, cited))
    sentence = "No source is known by that day."
    if cited:
        sentence = (
            f"{words.count(frame.height, 'source')} with"
            f" {words.count(roots, 'independent origin')}; {read} were read in full, the others in"
            " excerpts or only through others."
        )
    return Answer(
        name="sources",
        sentence=sentence,
        table=frame,
        heads={
            "publisher": "Publisher",
            "title": "Title",
            "published_on": "Published",
            "reliability": "Reliability",
            "access": "Read",
            "address": "Address",
        },
        figures=(
            Figure("sources", float(frame.height), None, "count", str(frame.height)),
            Figure("origins", float(roots), None, "count", str(roots)),
        ),
        notes=(
            "Reliability is the Admiralty letter: A completely reliable to E unreliable, F cannot"
            " be judged.",
        ),
    )
