"""What happened when and when it was reported, when a bad release could be had, and the sources."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure, tally
from impact.answers.provenance import names, origins
from impact.answers.statements import support
from impact.case.folder import Case, once
from impact.case.schema import STAGES
from impact.numerics import times

if TYPE_CHECKING:
    import altair as alt


@once
def accounts(known: Case, release: str) -> pl.DataFrame:
    """Each account of when a release was available, the best supported first.

    Columns `account` (whose), `opens`, `closes` (null while open), `minutes` (null while open). An
    account that states a shorter length than its row ends by that.
    """
    said, claims, rows = names(known), known.rows("claims"), []
    for row in known["windows"].filter(pl.col("entity") == release).iter_rows(named=True):
        told = [claims[name] for name in row["claims"]]
        closes = row["closes"]
        if closes and told and told[0]["unit"] == "minutes" and told[0]["mode"] is not None:
            closes = min(closes, row["opens"] + timedelta(minutes=told[0]["mode"]))
        length = (closes - row["opens"]).total_seconds() / 60 if closes else None
        who = said[told[0]["claimant"]] if told else "not sourced"
        rows.append((-support(known, told[:1]), row["id"], who, row["opens"], closes, length))
    schema = {"account": pl.String(), **_SPAN, "minutes": pl.Float64()}
    return pl.DataFrame([row[2:] for row in sorted(rows)], schema=schema, orient="row")


@once
def window(known: Case, release: str) -> pl.DataFrame:
    """When a release was available: the `core` inside every account, the `hull` around all.

    Columns `part`, `opens`, `closes`; a part still open has no `closes`. No rows where no account
    is known; no core where the accounts share no minute.
    """
    found = accounts(known, release)
    opens, closes = found["opens"].to_list(), found["closes"].drop_nulls().to_list()
    rows = []
    if opens:
        still_open = len(closes) < len(opens)
        rows.append(("hull", min(opens), None if still_open else max(closes)))
        if not closes or max(opens) < min(closes):
            rows.append(("core", max(opens), min(closes, default=None)))
    return pl.DataFrame(rows, schema={"part": pl.String(), **_SPAN}, orient="row")


_SPAN: dict[str, pl.DataType] = {"opens": times.INSTANT, "closes": times.INSTANT}


@once
def timeline(known: Case, most: int = 20, a_day: int = 5, by_stage: bool = False) -> Answer:
    """What happened when, and when it was reported: `most` events, at most `a_day` of one day.

    `by_stage` tells the parts of the incident one after the other.

    Shown are events about what stands in links.csv, the most credible first; context and aftermath
    not confirmed are left to the claims.

    Table: `id`, `happened_on`, `reported_on`, `stage`, `says`, `reported_by`, `delay_days`.
    """
    said, events = names(known), _events(known)
    nth = pl.int_range(pl.len()).over(pl.col("happened_on").dt.date())
    stage = pl.col("stage").replace_strict(STAGES, range(len(STAGES)))
    order = [stage, "happened_on", "id"] if by_stage else ["happened_on", "id"]
    best = events.filter(nth < a_day).head(most).sort(order)
    releases = sorted(set(known["windows"]["entity"]))
    mine = sorted(set(_told(known)["entity"]))
    spans = [accounts(known, name).with_columns(release=pl.lit(said[name])) for name in mine]
    schema = {"account": pl.String(), **_SPAN, "minutes": pl.Float64(), "release": pl.String()}
    windows = pl.concat([pl.DataFrame(schema=schema), *spans])
    late = longest_delay(events)
    if events.height:
        days = sorted(best["happened_on"])
        what = words.count(events.height, "reported event")
        shown = what if best.height == events.height else f"{best.height} of {what}"
        sentence = (
            f"{shown} on what is modelled here, from {words.date(days[0])} to"
            f" {words.date(days[-1])}; of all of them, the longest time to a first report was"
            f" {words.number(late)} days."
        )
    else:
        sentence = "No dated event is recorded in this view."
    drawn = best.select(
        "happened_on",
        "stage",
        "says",
        reported_on=pl.when(pl.col("delay_days").is_not_null()).then("reported_on"),
    )

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.timeline(drawn, windows, by_stage)

    return Answer(
        name="timeline",
        sentence=f"{sentence} {window_sentence(known)}".strip(),
        table=best,
        label=known.label,
        heads={
            **({"stage": "Part"} if by_stage else {}),
            "happened_on": "Happened",
            "reported_on": "First reported",
            "says": "What is reported",
            "reported_by": "By whom",
        },
        figures=(
            Figure("longest_delay", late, None, "day", words.number(late)),
            *_window_figures(known, releases),
        ),
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


def longest_delay(events: pl.DataFrame) -> float:
    """Days from an event to its first report, the most of all events; 0 where none is dated."""
    return max((days for days in events["delay_days"] if days is not None), default=0.0)


def _window_figures(known: Case, releases: list[str]) -> tuple[Figure, ...]:
    figures = []
    for release in releases:
        for part, opens, closes in window(known, release).iter_rows():
            minutes = None if closes is None else (closes - opens).total_seconds() / 60
            name = f"window_{part}.{release}"
            figures.append(Figure(name, minutes, None, "minute", words.number(minutes, 3)))
    return tuple(figures)


def _told(known: Case) -> pl.DataFrame:
    """The windows to tell of: those of versions of a package, else of what is linked, else all."""
    rows, links = known["windows"], known["links"]
    versions = links.filter(pl.col("relation") == "version_of")["source"]
    for named in (set(versions), {*links["source"], *links["target"]}):
        found = rows.filter(pl.col("entity").is_in(sorted(named)))
        if found.height:
            return found
    return rows


@once
def window_sentence(known: Case) -> str:
    """How long the bad release that came first could be had: open, agreed, or each account by whom.

    Where the case holds releases of a package, it is one of these. An account is told in the
    minutes that its claimant states, else in those of its row, which then only may have been.
    Empty where no account is known.
    """
    first = _told(known).sort("opens", "entity", "known_on", "id")
    if not first.height:
        return ""
    release = first["entity"][0]
    name, found = names(known)[release], accounts(known, release)
    kinds = dict(known["entities"].select("id", "kind").iter_rows())
    verb = "had" if kinds[release] in ("release", "package") else "used"
    told: dict[str, list[str]] = {}
    stated = claims_of(known, release)
    could = f"could be {verb}" if stated else f"may have been {verb}"
    for row in found.iter_rows(named=True):
        if row["closes"] is None:
            begun = words.date(row["opens"])
            return f"{name} could be {verb} from {begun}; the end is not known yet."
        length = f"{row['minutes']:.0f} minutes"
        if row["minutes"] >= _DAYS:
            length = words.count(round(row["minutes"] / 1440), "day")
        who = row["account"]
        told.setdefault(length, [])
        told[length] += [who] if who not in told[length] else []
    if len(told) == 1:
        length, whose = next(iter(told.items()))
        return f"{name} {could} for {length}, as reported by {words.listed(whose)}."
    by_whom = [f"{length} by {words.listed(whose)}" for length, whose in told.items()]
    alike = any(len(whose) > 1 for whose in told.values())
    each = "; ".join(by_whom) if alike else words.listed(by_whom)
    return f"How long {name} could be {verb} is disputed: {each}."


def claims_of(known: Case, release: str) -> bool:
    """Whether any account of a release states its length."""
    rows, claims = known["windows"].filter(pl.col("entity") == release), known.rows("claims")
    told = [claims[name] for names_ in rows["claims"] for name in names_[:1]]
    return any(claim["unit"] == "minutes" and claim["mode"] is not None for claim in told)


_DAYS = 2 * 1440  # minutes from which a length is told in days


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
    sentence = "No source stands in this view."
    if cited:
        others = ", the others in excerpts or only through others" if read < frame.height else ""
        sentence = (
            f"{words.count(frame.height, 'source')} with"
            f" {words.count(roots, 'independent origin')}; {read} read in full{others}."
        )
    return Answer(
        name="sources",
        sentence=sentence,
        table=frame,
        label=known.label,
        heads={
            "publisher": "Publisher",
            "title": "Title",
            "published_on": "Published",
            "reliability": "Reliability",
            "access": "Read",
            "address": "Address",
        },
        figures=(
            tally("sources", frame.height),
            tally("origins", roots),
        ),
        notes=(
            "Reliability is the Admiralty letter: A completely reliable to E unreliable, F cannot"
            " be judged.",
        ),
    )
