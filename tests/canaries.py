"""A case in which every row carries a word of its own, and random markings of its rows.

The ids are those words, so that a reference tells of a row as much as its text does.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl
from tiny import write

import impact
from impact.case import tables as reading
from impact.case.schema import TABLES, TLP, highest

LEVELS = {table.name: table for table in TABLES}
KEPT = ("unit", "kind", "arguments", "qualifier", "object")  # texts that mean something to the kit


def word(table: str, name: str) -> str:
    """The word of a row: its id."""
    return f"qz{table[:4]}{name}"


def _source(name: str, letter: str = "B", derived: str = "") -> dict[str, str]:
    said = {"published_on": "2026-02-01", "reliability": letter, "access": "full"}
    origin = word("sources", derived) if derived else ""
    return {"id": name, "derived_from": origin, "url": f"https://news.example/{name}", **said}


def _claim(name: str, by: str, on: str, sources: str, **more: str) -> dict[str, str]:
    said = {"stance": "asserts", "predicate": "position", "stage": "access", "credibility": "2"}
    ends = {"claimant": word("entities", by), "subject": word("entities", on)}
    told = "; ".join(word("sources", source) for source in sources.split())
    return {"id": name, **said, **ends, "stated_on": "2026-01-02", "sources": told, **more}


def _link(name: str, ends: str, chances: str, relation: str, **more: str) -> dict[str, str]:
    source, target = (end if end == "event" else word("entities", end) for end in ends.split())
    terms = "certain" if chances == "certain" else word("inputs", chances)
    found = {"source": source, "target": target, "chances": terms, "relation": relation}
    return {"id": name, **found, **more}


def _input(name: str, low: float, high: float, unit: str = "chance") -> dict[str, str]:
    ends = {"low": str(low), "high": str(high), "shape": "uniform", "unit": unit}
    more = {"drawn": "once", "authored_on": "2026-01-01", "basis_kind": "assumption"}
    return {"id": name, **ends, **more}


def _loss(name: str, bearer: str, needs: str, form: str, received: str = "") -> dict[str, str]:
    arguments = f"weeks={word('inputs', 'weeks')}; usd={word('inputs', 'usd')}"
    ends = {"bearer": word("entities", bearer), "needs": word("entities", needs)}
    ends |= {"received_by": word("entities", received)} if received else {}
    return {"id": name, **ends, "form": form, "kind": "product", "arguments": arguments}


def rows() -> dict[str, list[dict[str, str]]]:
    """The rows of the case by table; `id` is still the short name."""
    kinds = {
        **{"release": "release", "package": "package", "vendor": "vendor", "peer": "vendor"},
        **{"laba": "lab", "labb": "lab", "crew": "actor", "gang": "actor", "staff": "workforce"},
        **{"paper": "publisher", "watch": "authority", "data": "dataset"},
        **{"taken": "state", "out": "state"},
    }
    entities = [{"id": name, "kind": kind} for name, kind in kinds.items()]
    for row in entities:
        if row["kind"] in ("dataset", "state"):
            row |= {"party": word("entities", "laba")}
    judged = [
        ("prior1", "crew", "", "0.3", "0.5", "0.7"),
        ("prior2", "gang", "", "0.3", "0.5", "0.7"),
        ("seen1", "crew", "did", "0.6", "0.7", "0.9"),
        ("seen2", "gang", "did", "0.1", "0.2", "0.4"),
    ]
    return {
        "sources": [_source("one"), _source("copy", derived="one"), _source("two", "C")],
        "entities": entities,
        "claims": [
            _claim("bad", "paper", "release", "one copy", valid_from="2026-01-02T10:00Z"),
            _claim("did", "vendor", "vendor", "two", stage="theft", object="yes"),
            _claim("not", "labb", "vendor", "one", stage="theft", stance="denies", object="yes"),
            _claim("mute", "laba", "vendor", "two", stance="is silent", stage="response"),
            _claim("pause", "laba", "vendor", "two", stage="response", object="paused"),
        ],
        "links": [
            _link("opens", "event release", "hit", "opens", claims=word("claims", "bad")),
            _link("version", "release package", "certain", "version_of"),
            _link("uses", "package vendor", "use", "used_by"),
            _link("holds", "vendor data", "reach", "holds"),
            _link("taken", "data taken", "take", "taken_from"),
            _link("out", "taken out", "publish", "published_from"),
            _link("stops", "vendor laba", "stop", "pauses", claims=word("claims", "pause")),
            _link("stands", "laba staff", "certain", "idles"),
            _link("falls", "event peer", "fall", "falls"),
            _link("sells", "peer labb", "stop", "supplies", share="0.5"),
        ],
        "windows": [
            {"id": "open", "entity": word("entities", "release"), "opens": "2026-01-02T10:00Z",
             "closes": "2026-01-02T11:00Z", "claims": word("claims", "bad")},
        ],
        "inputs": [
            *(_input(name, 0.8, 1) for name in ("hit", "use", "reach", "take", "publish")),
            _input("stop", 0.3, 0.8),
            _input("fall", 0, 0.1),
            _input("weeks", 1, 9, "week"),
            _input("usd", 100, 900, "USD/week"),
            _input("rate", 0.2, 0.4, "event/year"),
        ],
        "losses": [
            _loss("pay", "staff", "staff", "productivity", "laba"),
            _loss("review", "laba", "laba", "response"),
            _loss("leak", "laba", "taken", "competitive_advantage"),
            _loss("work", "labb", "peer", "replacement"),
        ],
        "duties": [
            {"id": "tell", "bearer": word("entities", "vendor"), "clock_hours": "72",
             "recipient": word("entities", "watch"), "trigger": word("entities", "taken"),
             "starts_from": "2026-01-03", "kind": "legal", "applies": "yes"},
        ],
        "judgements": [
            {"id": name, "stage": "theft", "hypothesis": word("entities", who),
             "claim": word("claims", claim) if claim else "",
             "low": low, "mode": mode, "high": high}
            for name, who, claim, low, mode, high in judged
        ],
        "indicators": [
            {"id": "hash", "entity": word("entities", "release"), "kind": "sha256",
             "value": "ab" * 32, "action": "hunt", "credibility": "2"},
        ],
    }  # fmt: skip


TOML = f"""
[scenario.qzscenworse]
title = "Worse qzscenworse"
says = "It is qzscenworse."
contradicts = ["{word("claims", "not")}"]
set = {{ {word("inputs", "take")} = 0.95, "link.{word("links", "uses")}" = 1 }}
[scenario.qzscenfalls]
title = "Falls qzscenfalls"
says = "It qzscenfalls."
set = {{ {word("inputs", "fall")} = 1 }}
[decision.qzdeciguard]
title = "Guard qzdeciguard"
question = "What of qzdeciguard?"
bearer = "{word("entities", "laba")}"
flips_on = "{word("inputs", "usd")}"
flips_says = "a qzdeciguard costs it"
note = "Note qzdeciguard."
[decision.qzdeciguard.option.qzdecistop]
title = "Stop qzdecistop"
says = "Stop qzdecistop."
costs = ["{word("losses", "review")}"]
saves = ["{word("losses", "leak")}"]
set = {{ {word("inputs", "take")} = 0, {word("inputs", "stop")} = 1 }}
[decision.qzdeciguard.option.qzdecigo]
title = "Go qzdecigo"
says = "Go qzdecigo."
costs = ["{word("losses", "leak")}"]
saves = ["{word("losses", "review")}"]
set = {{ {word("inputs", "take")} = 0.5, {word("inputs", "stop")} = 0 }}
"""


def case_of_words(home: Path) -> impact.Case:
    """The case, every row of it with its word in each of its texts."""
    found = {
        "entities": [
            {"id": "event", "kind": "event", "name": "The event", "known_on": "2026-02-01"}
        ]
    }
    for table, short in rows().items():
        texts = [c.name for c in LEVELS[table].columns if c.type == "text" and c.name not in KEPT]
        for row in short:
            said = word(table, row["id"])
            row = {name: f"{name.title()} {said}" for name in texts} | row | {"id": said}
            row["known_on"] = "2026-02-01"
            if table == "entities":
                row["name"] = f"Name {said}"
            found.setdefault(table, []).append(row)
    return impact.load_case(write(home, found, TOML, {}))


def references(table: str, row: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """(table, id) of what a row names."""
    for column in LEVELS[table].columns:
        value = row[column.name]
        found: list[str] = []
        if column.refers_to and value:
            found = value if isinstance(value, list) else [value]
        elif column.type == "chances":
            found = [part for term in value for part in term.split(" over ") if part != "certain"]
        elif column.type == "arguments":
            found = [pair.partition("=")[2].strip() for pair in value]
        yield from ((column.refers_to or "inputs", name) for name in found)


def marked(case: impact.Case, dice: random.Random, ordered: bool) -> impact.Case:
    """The case with random markings of its rows, scenarios and decisions.

    Where they are `ordered`, a row is marked at least as high as all that it names, so that a view
    of a low level lacks nothing that it needs.
    """
    levels = {
        (table, row): dice.choices(TLP, (6, 2, 2, 1, 1))[0]
        for table, frame in case.tables.items()
        for row in frame["id"]
    }
    levels["entities", "event"] = TLP[0]
    named = {
        (table, row["id"]): list(references(table, row))
        for table, frame in case.tables.items()
        for row in frame.iter_rows(named=True)
    }
    moved = ordered
    while moved:
        risen = {
            key: highest([level, *(levels[other] for other in named[key])])
            for key, level in levels.items()
        }
        moved, levels = risen != levels, risen
    tables = {}
    for table, frame in case.tables.items():
        own = pl.Series([levels[table, row] for row in frame["id"]], dtype=pl.String)
        tables[table] = reading.ordered(frame.with_columns(tlp=own))
    mine = dice.choices(TLP, (6, 2, 2, 1, 1), k=8)
    scenarios = {
        name: replace(scenario, tlp=level if name != "baseline" else TLP[0])
        for (name, scenario), level in zip(case.scenarios.items(), mine, strict=False)
    }
    decisions = {
        name: replace(decision, tlp=level)
        for (name, decision), level in zip(case.decisions.items(), mine[4:], strict=False)
    }
    return replace(case, tables=tables, scenarios=scenarios, decisions=decisions, memo={})
