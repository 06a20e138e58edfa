"""How a party, number, input, claim or statement comes about: a walk back to dated sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from impact import words
from impact.answers.answer import Answer
from impact.answers.exposure import said_chance
from impact.answers.losses import rare_text, spread_text, when_text
from impact.answers.text import lowered, many, said_by
from impact.case import checks
from impact.case.ways import ROOT
from impact.errors import bad, did_you_mean
from impact.measures.evidence import names, origins, related
from impact.measures.loss import TOTAL, bearers, explained
from impact.measures.reach import by_entity, travelled
from impact.measures.standing import (
    CLEARLY,
    Claim,
    Statement,
    firmest,
    replaced,
    statements_of,
    taken_back,
    topic,
)
from impact.numerics import graph, measures, times
from impact.simulation import Run, net, total

Sentences = list[str]


def why(run: Run, name: str) -> Answer:
    """How something comes about, a labelled line each: what, path, cost, what it rests on.

    `name` is an entity, a bearer, `total`, a row of losses, an input, a claim, a statement (its
    topic, or what the ids of its claims begin with), or a figure such as `chance.meta` or
    `mean.mercor`. The table holds the claims behind it: `claim`, `says`, `by`, `origins`.
    Raises BadInput for a name that the view does not know.
    """
    known, plain = run.known, name.removeprefix("chance.").removeprefix("mean.")
    explain = _explainer(run, plain)
    claims = _claims(run, plain)
    rows = [
        (c["id"], c["says"], said_by(known, c), len(origins(known, c["sources"]))) for c in claims
    ]
    schema = {**dict.fromkeys(("claim", "says", "by"), pl.String), "origins": pl.Int64}
    lead = tuple(words.plain(line) for line in explain(run, plain))
    return Answer(
        name="why",
        sentence=" ".join(lead),
        lead=lead,
        asks=f"Why: {plain}?",
        table=pl.DataFrame(rows, schema=schema, orient="row"),
        label=run.known.label,
        heads={"says": "What is claimed", "by": "By whom", "origins": "Independent sources"},
    )


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


def _explainer(run: Run, name: str) -> Callable[[Run, str], Sentences]:
    of = {"input": _of_input, "claim": _of_claim, "statement": _of_statement, TOTAL: _of_total}
    of["loss"] = _of_loss
    return of.get(_kind(run, name), _of_party)


def _paths(run: Run, name: str) -> list[list[graph.Edge]]:
    return graph.simple_paths(travelled(run), ROOT, name)


def _inputs(run: Run, name: str) -> list[str]:
    return [name] if _kind(run, name) == "input" else run.lineage[name]["inputs"]


def _every_claim(run: Run) -> dict[str, Claim]:
    """The claims of a view by id, those that were taken back among them."""
    back = {claim["id"]: claim for claim in taken_back(run.known)}
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


def _of_party(run: Run, name: str) -> Sentences:
    said = names(run.known)
    row = by_entity(run)[name]
    paths = _paths(run, name)
    if name == ROOT:
        return [f"WHAT: {said[name]}. All that this view tells begins with it."]
    if not paths and row["how"] == "rare":
        told = (
            f"WHAT: {said[name]}: {said_chance(run, row)}. Paths lead to it; no outcome took one."
        )
        return [told, *_cost(run, name)]
    if not paths:
        told = f"WHAT: {said[name]} is not reached: no path leads to it in this view."
        return [told, *_cost(run, name)]
    way = paths[0]
    others = f" (shortest of {len(paths)})" if len(paths) > 1 else ""
    told_ = [
        f"WHAT: {words.capital(said[name])}: {said_chance(run, row)}.",
        f"PATH: {_path(run, way)}{others}.",
        *_weakest(run, way),
        *_cost(run, name),
    ]
    return [*told_, _support(run, name, way), *_settled_by(run, way)]


def _path(run: Run, way: Sequence[graph.Edge]) -> str:
    """The names along a path; all malicious versions of a package, for which it was is open."""
    said = names(run.known)
    versions = {
        one: words.listed([said[other] for other in several], "or")
        for several in related(run.known, "version_of", forward=False).values()
        for one in several
    }
    return " > ".join(versions.get(edge.target, said[edge.target]) for edge in way)


def _support(run: Run, name: str, way: list[graph.Edge]) -> str:
    """How many claims and origins stand behind all ways, and the claim nearest to the end."""
    claims = {claim["id"]: claim for claim in _claims(run, name)}
    links = dict(run.known["links"].select("id", "claims").iter_rows())
    near = [claim for edge in reversed(way) for claim in links[edge.name]]
    if not near:
        return "RESTS ON: no claim."
    roots = origins(run.known, [s for claim in claims.values() for s in claim["sources"]])
    nearest = claims[near[0]]
    return (
        f"RESTS ON: {many(claims, 'claim')} from {many(roots, 'independent source')}; nearest:"
        f" {nearest['says'].rstrip('.')} ({said_by(run.known, nearest)})."
    )


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


def _range(row: dict[str, Any]) -> str:
    """An input's estimate in words, with its unit."""
    ends = [value for value in (row["low"], row["high"]) if value is not None] or [row["mode"]]
    if row["unit"] in ("chance", "share") or checks.reference_minutes(row["unit"]):
        low, high = (f"{words.number(100 * end, 3)} %" for end in (min(ends), max(ends)))
        return low if low == high else f"{low} to {high}"
    unit = {"1": "", "person": "people"}.get(row["unit"], row["unit"])
    unit += "s" if unit in ("week", "minute", "hour") else ""
    return f"{words.number_range(min(ends), max(ends), 3)} {unit}".strip()


def _weakest(run: Run, way: list[graph.Edge]) -> Sentences:
    edge = _uncertain(run, way)
    if edge is None:
        return ["LEAST CERTAIN: every step of it is certain."]
    said, row = names(run.known), _named_input(run, edge.name)
    return [
        f"LEAST CERTAIN: {said[edge.source]} > {said[edge.target]}: {_range(row)}"
        f" ({row['id']}, {row['basis_kind']}). {row['basis'].rstrip('.')}."
    ]


def _settled_by(run: Run, way: list[graph.Edge]) -> Sentences:
    edge = _uncertain(run, way)
    row = _named_input(run, edge.name) if edge else None
    if row is None or not row["question"]:
        return []
    return [f"ASK: {row['ask']}: {row['question']}"]


def _cost(run: Run, name: str) -> Sentences:
    if name not in bearers(run):
        return []
    lost = net(run, name)
    if not np.any(lost):
        unmet = rare_text(run, name)
        chance = words.one_in(run.draws)
        return [f"COST: {unmet}, {chance}." if unmet else "COST: none in this view."]
    return [f"COST: {_nine_in_ten(run, lost)}. {_drivers(run, lost)}"]


def _of_total(run: Run, name: str) -> Sentences:
    lost = total(run)
    if not np.any(lost):
        unmet = rare_text(run, TOTAL)
        chance = words.one_in(run.draws)
        return [f"COST: {unmet}, {chance}." if unmet else "COST: nothing is lost in this view."]
    rows = run.known["losses"].filter(pl.col("received_by").is_null())
    return [
        f"COST: all parties together, net: {_nine_in_ten(run, lost, True)}. {_drivers(run, lost)}",
        f"MADE OF: {many(rows.height, 'loss', 'losses')}. Money that only moves is left out.",
    ]


def _nine_in_ten(run: Run, lost: Any, whole: bool = False) -> str:
    """The range of a loss in words, with the outcomes that it is of."""
    found = measures.nine_in_ten(lost, whole)
    when = f", {when_text(found.given, found.chance)}" if found.given else ""
    return f"{spread_text(found, run.known.currency)} (nine outcomes in ten{when})"


def _drivers(run: Run, lost: Any) -> str:
    """The inputs that explain most of the variation, up to three."""
    inputs, shares = explained(run, np.array([lost]))
    ranked = sorted(zip(shares[:, 0], inputs, strict=True), reverse=True)[:3]
    told = [f"{_meant(run, name)} ({words.per_cent(float(share))})" for share, name in ranked
            if share > 0.02]  # fmt: skip
    return (
        f"Most of the variation comes from {words.listed(told)}." if told else "It does not vary."
    )


def _of_input(run: Run, name: str) -> Sentences:
    known = run.known
    row = known["inputs"].row(by_predicate=pl.col("id") == name, named=True)
    uses = checks.uses_of_inputs(known.tables).filter(pl.col("name") == name)
    found = {table: uses.filter(pl.col("table") == table).height for table in ("links", "losses")}
    places = [words.count(found["links"], "link")] if found["links"] else []
    places += [words.count(found["losses"], "loss", "losses")] if found["losses"] else []
    told = [
        f"WHAT: {row['meaning'].rstrip('.')}: {_range(row)}.",
        f"RESTS ON: {row['basis_kind']}. {row['basis'].rstrip('.')}.",
        f"USED BY: {words.listed(places)} of this view, drawn {row['drawn'].replace('_', ' ')}."
        if places
        else "USED BY: nothing in this view.",
    ]
    if name in known.lasted:
        lasted = f"{words.number(known.lasted[name], 2)} {row['unit']}s"
        told.append(
            f"SO FAR: {lasted} by {words.date(known.moment)}, so only longer outcomes count."
        )
    if row["sources"]:
        published = dict(known["sources"].select("id", "publisher").iter_rows())
        told.append(f"SOURCES: {words.listed([published[s] for s in row['sources']])}.")
    if row["question"]:
        told.append(f"ASK: {row['ask']}: {row['question']}")
    return told


def _of_loss(run: Run, name: str) -> Sentences:
    """A row of losses: whose, of what, from what it is worked out, and how large it is."""
    row, said = run.known.rows("losses")[name], names(run.known)
    amounts = run.losses[name]
    form = row["form"].replace("_", " ")
    told = [f"WHAT: {words.capital(said[row['bearer']])}, {row['driver']}: {form}."]
    told.append(f"WHEN: {said[row['needs']]} is reached. It is {_worked_out(run, row)}.")
    if np.count_nonzero(amounts) < measures.ENOUGH:
        return [*told, f"COST: {words.NOT_RESOLVED} in this view."]
    told.append(f"COST: {_nine_in_ten(run, amounts)}.")
    return [*told, f"RESTS ON: {run.lineage.basis(name)}, at its weakest."]


def _worked_out(run: Run, row: Mapping[str, Any]) -> str:
    """How a loss is worked out from its inputs, in words."""
    inputs = run.known.inputs
    parts = [
        f"{_meant(run, term)} ({_range(inputs[term])})" if term in inputs else term
        for term in checks.argument_pairs(row["arguments"]).values()
    ]
    how = "the product of" if row["kind"] == "product" else f"{row['kind'].replace('_', ' ')} of"
    return f"{how} {words.listed(parts)}"


def _of_claim(run: Run, name: str) -> Sentences:
    known, claim = run.known, _every_claim(run)[name]
    said = [f"WHAT: {claim['says'].rstrip('.')} ({said_by(known, claim)})."]
    if name not in known.rows("claims"):
        return [*said, f"TAKEN BACK: {words.date(claim['known_on'])}."]
    roots = len(origins(known, claim["sources"]))
    said.append(
        f"RESTS ON: {_read(run, [claim])}; {many(roots, 'independent source')}."
        f" Credibility {claim['credibility']}."
    )
    if name in replaced(known):
        later = known.rows("claims")[replaced(known)[name]]
        said.append(f"REPLACED BY: {later['says'].rstrip('.')} ({said_by(known, later)}).")
    for one in _of_one(run, name):
        if one.value:
            what = "" if claim in one.claims else "what it denies is "
            said.append(f"RATING: {what}{one.standing}.")
        against = [claims for claims in (one.against, *(r.claims for r in _rivals(run, one)))
                   if claims and claim not in claims]  # fmt: skip
        for claims in against[:3]:
            first = claims[0]
            said.append(f"CONTRADICTED BY: {first['says'].rstrip('.')} ({said_by(known, first)}).")
    return said


def _of_statement(run: Run, name: str) -> Sentences:
    """A topic: each of its values with its standing, by whom, and on what was read."""
    stated = topic(run.known, name)
    best, said = stated[0], []
    if len(stated) > 1:
        clearly = best.support > CLEARLY * stated[1].support
        leads = f"the best supported is {best.value}" if clearly else "none is clearly better"
        said.append(f"WHAT: {best.topic}: {len(stated)} values are claimed; {leads}.")
    for one in stated[:5]:
        claims = one.claims or one.denials
        value = one.value if len(stated) > 1 else one.first["says"].rstrip(".?")
        who = _whose(run, claims)
        contrary = f"; {_whose(run, one.against)}" if one.claims and one.against else ""
        told = f"{value} ({who}{contrary}): {one.standing}, on {_read(run, claims)}."
        said.append(told if said else f"WHAT: {told}")
    return said


def _whose(run: Run, claims: Sequence[Claim]) -> str:
    """Who said it most credibly and when, and how many more."""
    more = len({claim["claimant"] for claim in claims}) - 1
    also = f", and {many(more, 'other')}" if more else ""
    return f"{said_by(run.known, sorted(claims, key=firmest)[0])}{also}"


def _read(run: Run, claims: Sequence[Claim]) -> str:
    """The sources of claims, each with its reliability and how it was read."""
    sources = run.known.rows("sources")
    cited = dict.fromkeys(source for claim in claims for source in claim["sources"])
    texts = [
        f"{sources[s]['publisher']} ({sources[s]['reliability']}, {sources[s]['access']})"
        for s in cited
    ]
    return words.listed(texts) or "no source"


_SHORT = 3  # words before a comma that do not yet say what an input is


def _meant(run: Run, name: str) -> str:
    """What an input is, as part of a sentence."""
    meaning = run.known.inputs[name]["meaning"].rstrip(".").partition(":")[0]
    start = meaning.partition(",")[0]
    meaning = start if len(start.split()) > _SHORT else meaning  # else the comma parts a list
    article = "" if meaning.startswith(("What", "How")) else "the "
    return f"{article}{lowered(run.known, meaning)}"
