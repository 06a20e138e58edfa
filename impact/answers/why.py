"""How a party, number, input, claim or statement comes about: a walk back to dated sources."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, frame, worded
from impact.answers.text import lower_first, said_by, said_chance
from impact.base import times, words
from impact.base.errors import bad, did_you_mean
from impact.case import checks, reference
from impact.case.folder import REFERENCE
from impact.case.views import now
from impact.case.ways import ROOT
from impact.measures.evidence import names, origins, related
from impact.measures.loss import TOTAL, bearers, rare_loss_of, spread_shares
from impact.measures.reach import by_entity, edges_used
from impact.measures.standing import (
    CLEARLY,
    Claim,
    Statement,
    firmest,
    retractions,
    statements_of,
    successors,
    topic,
)
from impact.measures.totals import net_loss, total_loss
from impact.numerics import graph, measures
from impact.simulation import Run

Values = dict[str, Any]


def why(run: Run, name: str) -> Answer:
    """How something comes about, a labelled line each: what, path, cost, what it rests on.

    `name` is an entity, a bearer, `total`, a row of losses, an input, a claim, a statement (its
    topic, or what the ids of its claims begin with), or a figure such as `chance.meta` or
    `mean.mercor`. The table holds the claims behind it: `claim`, `says`, `by`, `origins`.
    Raises BadInput for a name that the view does not know.
    """
    known, plain = run.known, name.removeprefix("chance.").removeprefix("mean.")
    explain = _explainer(run, plain)
    rows = [
        (c["id"], c["says"], said_by(known, c), len(origins(known, c["sources"])))
        for c in _claims(run, plain)
    ]
    values = {"asked": plain, "by": partial(said_by, known), **explain(run, plain)}
    return worded(run, "why", frame("why", rows), values, there=True)


def record(run: Run, name: str) -> dict[str, Any]:
    """The answer of `impact why --json`: paths, inputs, claims with their sources, label."""
    known, plain = run.known, name.removeprefix("chance.").removeprefix("mean.")
    answer = why(run, name)
    sources = {row["id"]: row for row in known["sources"].iter_rows(named=True)}
    inputs = known["inputs"].filter(pl.col("id").is_in(_inputs(run, plain)))
    claims = _claims(run, plain)
    return {
        "name": name,
        "kind": _kind(run, plain),
        "label": answer.label,
        "says": answer.sentence,
        "paths": [[edge.name for edge in way] for way in _paths(run, plain)],
        "inputs": inputs.select("id", "low", "mode", "high", "unit", "basis_kind")
        .rename({"id": "name"})
        .to_dicts(),
        "claims": [
            {
                "id": claim["id"],
                "claimant": claim["claimant"],
                "stance": claim["stance"],
                "stated_on": times.as_text(claim["stated_on"]),
                "credibility": claim["credibility"],
                "sources": [
                    {part: sources[s][part] for part in ("id", "reliability", "access", "url")}
                    for s in claim["sources"]
                ],
            }
            for claim in claims
        ],
        "independent_origins": len(origins(known, [s for c in claims for s in c["sources"]])),
    }


def _kind(run: Run, name: str) -> str:
    known = run.known
    if name in known["inputs"]["id"]:
        return "input"
    if name in _every_claim(run):
        return "claim"
    kinds = dict(known["entities"].select("id", "kind").iter_rows())
    if name in kinds:
        return str(kinds[name])
    if name == TOTAL:
        return TOTAL
    if name in known.rows("losses"):
        return "loss"
    if topic(known, name):
        return "statement"
    every = [*kinds, TOTAL, *known["inputs"]["id"], *known["losses"]["id"], *_every_claim(run)]
    raise bad("why", f'no "{name}" in this view', did_you_mean(name, every, "name an entity"))


def _explainer(run: Run, name: str) -> Callable[[Run, str], Values]:
    of = {"input": _of_input, "claim": _of_claim, "statement": _of_statement, TOTAL: _of_total}
    of["loss"] = _of_loss
    return of.get(_kind(run, name), _of_party)


def _paths(run: Run, name: str) -> list[list[graph.Edge]]:
    return graph.simple_paths(edges_used(run), ROOT, name)


def _inputs(run: Run, name: str) -> list[str]:
    return [name] if _kind(run, name) == "input" else run.lineage[name]["inputs"]


def _every_claim(run: Run) -> dict[str, Claim]:
    """The claims of a view by id, those that were taken back among them."""
    back = {claim["id"]: claim for claim in retractions(run.known)}
    return {**back, **run.known.rows("claims")}


def _claims(run: Run, name: str) -> list[Claim]:
    """The claims on the ways to a name, or for and against a statement, the most credible first."""
    known, kind = run.known, _kind(run, name)
    wanted = set(run.lineage[name]["claims"])
    if kind in ("claim", "statement"):
        stated = _of_one(run, name) if kind == "claim" else topic(known, name)
        sides = [one for each in stated for one in (each, *_rivals(run, each))]
        wanted = {claim["id"] for one in sides for claim in (*one.claims, *one.against)}
        wanted |= {name} & _every_claim(run).keys()
    rows = [claim for claim in _every_claim(run).values() if claim["id"] in wanted]
    return sorted(rows, key=firmest)


def _of_one(run: Run, claim: str) -> list[Statement]:
    """The statement that a claim makes or denies; none where it was replaced or taken back."""
    return [
        one
        for one in statements_of(run.known)
        if any(claim == each["id"] for each in (*one.claims, *one.denials))
    ]


def _rivals(run: Run, statement: Statement) -> list[Statement]:
    return [statements_of(run.known)[place] for place in statement.rivals]


def _of_party(run: Run, name: str) -> Values:
    known, row, paths = run.known, by_entity(run)[name], _paths(run, name)
    found: Values = {"kind": "root" if name == ROOT else "party", "who": names(known)[name]}
    found |= {"chance": said_chance(run, row), "rare": row["how"] == "rare", "path": ""}
    found |= {"cost": _cost(run, name), "paths": len(paths)}
    if not paths or name == ROOT:
        return found
    way = paths[0]
    edge, claims = _uncertain(run, way), {claim["id"]: claim for claim in _claims(run, name)}
    links = dict(known["links"].select("id", "claims").iter_rows())
    near = [claim for one in reversed(way) for claim in links[one.name]]
    weakest = _named_input(run, edge.name) if edge else None
    return {
        **found,
        "path": _path(run, way),
        "step": " > ".join(names(known)[end] for end in (edge.source, edge.target)) if edge else "",
        "weakest": weakest and {**weakest, "range": span(weakest)},
        "claims": len(claims),
        "roots": len(origins(known, [s for claim in claims.values() for s in claim["sources"]])),
        "nearest": claims[near[0]] if near else None,
    }


def _path(run: Run, way: Sequence[graph.Edge]) -> str:
    """The names along a path; all malicious versions of a package, for which it was is open."""
    said = names(run.known)
    versions = {
        one: words.listed([said[other] for other in several], "or")
        for several in related(run.known, "version_of", forward=False).values()
        for one in several
    }
    return " > ".join(versions.get(edge.target, said[edge.target]) for edge in way)


def _uncertain(run: Run, way: list[graph.Edge]) -> graph.Edge | None:
    """The link of a way that is on least often; None where all are always on."""
    every = graph.everything(run.draws)
    drawn = [edge for edge in way if run.on[edge.name] != every]
    return min(drawn, key=lambda edge: run.on[edge.name].bit_count(), default=None)


def _named_input(run: Run, link: str) -> dict[str, Any]:
    """The least likely input of a link."""
    terms = run.known["links"].row(by_predicate=pl.col("id") == link, named=True)["chances"]
    wanted = [checks.chance_term(term)[0] for term in terms] + [checks.LINK_INPUT + link]
    rows = run.known["inputs"].filter(pl.col("id").is_in(wanted)).sort("mode", "id")
    return rows.row(0, named=True)


def span(row: dict[str, Any]) -> str:
    """The estimate of an input in words, with its unit."""
    ends = [value for value in (row["low"], row["high"]) if value is not None] or [row["mode"]]
    if row["unit"] in ("chance", "share") or checks.reference_minutes(row["unit"]):
        low, high = (f"{words.number(100 * end, 3)} %" for end in (min(ends), max(ends)))
        return low if low == high else f"{low} to {high}"
    return f"{words.number_range(min(ends), max(ends), 3)} {units(row['unit'])}".strip()


def units(unit: str) -> str:
    """A unit as it follows a number.

    >>> units("USD/hour"), units("person"), units("1")
    ('USD an hour', 'people', '')
    """
    first, *per = unit.split("/")
    plural = {"1": "", "person": "people", "person*week": "weeks of work"}
    each = (f" {'an' if one[0] in 'aeioh' else 'a'} {one}" for one in per)
    return plural.get(first, first + "s" * first.islower()) + "".join(each)


def _cost(run: Run, name: str) -> Values | None:
    """What one bearer loses, or all of them: a range and what explains it; None for no bearer."""
    if name not in (TOTAL, *bearers(run)):
        return None
    lost = total_loss(run) if name == TOTAL else net_loss(run, name)
    if not np.any(lost):
        return {"range": None, "unmet": rare_loss_of(run, name)}
    return {"range": _nine_in_ten(lost, name == TOTAL), "drivers": _drivers(run, lost)}


def _of_total(run: Run, name: str) -> Values:
    losses = run.known["losses"].filter(pl.col("received_by").is_null())
    return {"kind": TOTAL, "cost": _cost(run, name), "losses": losses.height}


def _nine_in_ten(lost: Any, whole: bool = False) -> Values:
    """The range of a loss, and the outcomes that it is of."""
    found = measures.nine_in_ten(lost, whole)
    return {"low": found.low, "high": found.high, "given": found.given, "often": found.chance}


def _drivers(run: Run, lost: Any) -> list[tuple[str, float]]:
    """The inputs that explain most of the variation, up to three, each with its share."""
    inputs, shares = spread_shares(run, np.array([lost]))
    ranked = sorted(zip(shares[:, 0], inputs, strict=True), reverse=True)[:3]
    return [(_meant(run, name), float(share)) for share, name in ranked if share > 0.02]


def _of_input(run: Run, name: str) -> Values:
    known = run.known
    row = known["inputs"].row(by_predicate=pl.col("id") == name, named=True)
    uses = checks.uses_of_inputs(known.tables).filter(pl.col("name") == name)["table"].to_list()
    published = dict(known["sources"].select("id", "publisher").iter_rows())
    return {
        "kind": "input",
        "row": {**row, "range": span(row)},
        "links": uses.count("links"),
        "losses": uses.count("losses"),
        "lasted": words.number(known.lasted[name], 2) if name in known.lasted else "",
        "publishers": [published[source] for source in row["sources"]],
        "of": _class_of(row, now(known)) if row["reference"] else None,
    }


def _class_of(row: dict[str, Any], moment: datetime) -> Values | None:
    """The reference class of an input, where its range lies in it, and how far that reaches.

    None where it was not published by then.
    """
    classes = reference.load(REFERENCE)[reference.CLASSES]
    named = classes.row(by_predicate=pl.col("id") == row["reference"], named=True)
    if named["known_on"] > moment:
        return None
    place = reference.place(classes, row)
    tail = (1 - reference.PLACES.get(place, 0.98)) / 2
    low, high = reference.quantile(classes, row["reference"], np.array([tail, 1 - tail]))
    empty = dict.fromkeys(("low", "mode", "high"))
    reaches = span({**empty, "unit": row["unit"], "low": float(low), "high": float(high)})
    return {**named, "place": place, "span": reaches}


def _of_loss(run: Run, name: str) -> Values:
    """A row of losses: whose, of what, from what it is worked out, and how large it is."""
    row, said = run.known.rows("losses")[name], names(run.known)
    amounts, inputs = run.losses[name], run.known.inputs
    resolved = np.count_nonzero(amounts) >= measures.ENOUGH
    return {
        "kind": "loss",
        "row": row,
        "who": said[row["bearer"]],
        "needs": said[row["needs"]],
        "terms": [
            (_meant(run, term), span(inputs[term])) if term in inputs else (term, "")
            for term in checks.argument_pairs(row["arguments"]).values()
        ],
        "range": _nine_in_ten(amounts) if resolved else None,
        "ever": amounts.any(),
        "basis": run.lineage.basis(name),
    }


def _of_claim(run: Run, name: str) -> Values:
    known, claim = run.known, _every_claim(run)[name]
    later, stated = successors(known).get(name), list[Values]()
    for one in _of_one(run, name):
        sides = (one.against, *(rival.claims for rival in _rivals(run, one)))
        against = [claims[0] for claims in sides if claims and claim not in claims][:3]
        denied = claim not in one.claims
        standing = one.standing if one.value else ""
        stated.append({"standing": standing, "denied": denied, "against": against})
    return {
        "kind": "claim",
        "row": claim,
        "taken_back": name not in known.rows("claims"),
        "sources": _read(run, [claim]),
        "roots": len(origins(known, claim["sources"])),
        "later": known.rows("claims")[later] if later else None,
        "stated": stated,
    }


def _of_statement(run: Run, name: str) -> Values:
    """A topic: each of its values with its standing, by whom, and on what was read."""
    stated = topic(run.known, name)
    alone, values = len(stated) == 1, list[Values]()
    for one in stated:
        claims = one.claims or one.denials
        against = one.against if one.claims else ()
        value = one.first["says"].rstrip(".?") if alone else one.value
        told = {"value": value, "standing": one.standing, "sources": _read(run, claims)}
        told |= {"by": sorted(claims, key=firmest), "others": _others(claims)}
        told |= {"against": sorted(against, key=firmest), "against_others": _others(against)}
        values.append(told)
    clearly = not alone and stated[0].support > CLEARLY * stated[1].support
    return {"kind": "statement", "topic": stated[0].topic, "values": values, "clearly": clearly}


def _others(claims: Sequence[Claim]) -> int:
    """How many more than one make claims."""
    return len({claim["claimant"] for claim in claims}) - 1 if claims else 0


def _read(run: Run, claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """The sources of claims."""
    sources = run.known.rows("sources")
    return [sources[s] for s in dict.fromkeys(s for claim in claims for s in claim["sources"])]


_SHORT = 3  # words before a comma that do not yet say what an input is


def _meant(run: Run, name: str) -> str:
    """What an input is, as part of a sentence."""
    meaning = run.known.inputs[name]["meaning"].rstrip(".").partition(":")[0]
    start = meaning.partition(",")[0]
    meaning = start if len(start.split()) > _SHORT else meaning  # else the comma parts a list
    article = "" if meaning.startswith(("What", "How")) else "the "
    return f"{article}{lower_first(run.known, meaning)}"
