"""How a party, number, input, claim or statement comes about: a walk back to dated sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, frame, worded
from impact.answers.text import ends, in_per_cent, lower_first, said_by, said_chance, units
from impact.base import times, words
from impact.base.errors import bad, did_you_mean
from impact.case import checks, reference
from impact.case.folder import REFERENCE
from impact.case.views import moment_of
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
from impact.measures.totals import net_loss
from impact.numerics import graph, measures
from impact.simulation import Run, require_event_run

Values = dict[str, Any]


def why(run: Run, name: str) -> Answer:
    """How something comes about, a labelled line each: what, path, cost, what it rests on.

    `name` is an entity, a bearer, `total`, a row of losses, an input, a claim, a statement (its
    topic, or what the ids of its claims begin with), or a figure such as `chance.meta` or
    `mean.mercor`. The table holds the claims behind it: `claim`, `says`, `by`, `origins`.
    Raises BadInput for a name that the view does not know.
    """
    require_event_run(run, "why")
    known, asked = run.known, name.removeprefix("chance.").removeprefix("mean.")
    kind, claims = _kind(run, asked), _claims(run, asked)
    more = {"party": _of_party, "input": _of_input, "loss": _of_loss, "claim": _of_claim}
    values = {
        "asked": asked,
        "kind": kind,
        "root": ROOT,
        "by": partial(said_by, known),
        "roots": _origins(run, claims),
        "cost": _cost(run, asked),
        **(more[kind](run, asked) if kind in more else {"stated": _stated(run, asked)}),
        "clearly": CLEARLY,
    }
    rows = [(one["id"], one["says"], said_by(known, one), _origins(run, [one])) for one in claims]
    return worded(run, "why", frame("why", rows), values, there=True)


def record(run: Run, name: str) -> dict[str, Any]:
    """The answer of `impact why --json`: paths, inputs, claims with their sources, label."""
    known, asked = run.known, name.removeprefix("chance.").removeprefix("mean.")
    kind, claims, sources = _kind(run, asked), _claims(run, asked), known.rows("sources")
    wanted = [asked] if kind == "input" else run.lineage[asked]["inputs"]
    inputs = known["inputs"].filter(pl.col("id").is_in(wanted))
    parts = ("id", "claimant", "stance", "stated_on", "credibility")
    of_source = ("id", "reliability", "access", "url")
    told = [
        {
            **{part: claim[part] for part in parts},
            "stated_on": times.as_text(claim["stated_on"]),
            "sources": [{part: sources[s][part] for part in of_source} for s in claim["sources"]],
        }
        for claim in claims
    ]
    return {
        "name": name,
        "kind": known.rows("entities")[asked]["kind"] if kind == "party" else kind,
        "label": known.label,
        "says": why(run, name).sentence,
        "paths": [[edge.name for edge in way] for way in _paths(run, asked)],
        "inputs": inputs.select(
            pl.col("id").alias("name"), "low", "mode", "high", "unit", "basis_kind"
        ).to_dicts(),
        "claims": told,
        "independent_origins": _origins(run, claims),
    }


def _kind(run: Run, name: str) -> str:
    known = run.known
    named: dict[str, Iterable[str]] = {
        "input": known["inputs"]["id"],
        "claim": _every_claim(run),
        "party": known["entities"]["id"],
        TOTAL: [TOTAL],
        "loss": known["losses"]["id"],
    }
    for kind, several in named.items():
        if name in several:
            return kind
    if topic(known, name):
        return "statement"
    every = [one for several in named.values() for one in several]
    raise bad(
        "why",
        f'no "{name}" in this view',
        did_you_mean(name, every, "name a party, an input, a loss or a claim"),
    )


def _paths(run: Run, name: str) -> list[list[graph.Edge]]:
    return graph.simple_paths(edges_used(run), ROOT, name)


def _origins(run: Run, claims: Iterable[Claim]) -> int:
    return len(origins(run.known, [source for claim in claims for source in claim["sources"]]))


def _every_claim(run: Run) -> dict[str, Claim]:
    """The claims of a view by id, those that were taken back among them."""
    back = {claim["id"]: claim for claim in retractions(run.known)}
    return {**back, **run.known.rows("claims")}


def _claims(run: Run, name: str) -> list[Claim]:
    """The claims on the ways to a name, or for and against a statement, the most credible first."""
    own = [name] if _kind(run, name) == "claim" else []
    sides = [side for one in _stated(run, name) for side in (one, *_rivals(run, one))]
    stated = [claim["id"] for one in sides for claim in (*one.claims, *one.against)]
    wanted = {*run.lineage[name]["claims"], *stated, *own}
    return sorted((c for c in _every_claim(run).values() if c["id"] in wanted), key=firmest)


def _stated(run: Run, name: str) -> list[Statement]:
    """The statements of a topic, or those that a claim makes or denies; else none."""
    kind, every = _kind(run, name), statements_of(run.known)
    if kind == "claim":  # one that was replaced or taken back makes none
        return [s for s in every if any(name == one["id"] for one in (*s.claims, *s.denials))]
    return topic(run.known, name) if kind == "statement" else []


def _rivals(run: Run, statement: Statement) -> list[Statement]:
    return [statements_of(run.known)[place] for place in statement.rivals]


def _of_party(run: Run, name: str) -> Values:
    """The chance of an entity, and of the shortest path to it the least certain step."""
    row, paths = by_entity(run)[name], _paths(run, name)
    way = paths[0] if paths else []
    edge, links, inputs = _uncertain(run, way), run.known.rows("links"), run.known.inputs
    near = [claim for one in reversed(way) for claim in links[one.name]["claims"]]
    terms = [*links[edge.name]["chances"], checks.LINK_INPUT + edge.name] if edge else []
    named = {checks.chance_term(term)[0] for term in terms} & inputs.keys()
    weakest = min(named, key=lambda one: (inputs[one]["mode"] or 0.0, one), default="")
    return {
        "chance": said_chance(run, row),
        "rare": row["how"] == "rare",
        "paths": len(paths),
        "path": _path(run, way),
        "step": edge,
        "weakest": weakest and {**inputs[weakest], "range": span(inputs[weakest])},
        "nearest": near[:1],
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


def _uncertain(run: Run, way: Sequence[graph.Edge]) -> graph.Edge | None:
    """The link of a way that is on least often; None where all are always on."""
    every = graph.everything(run.draws)
    drawn = [edge for edge in way if run.on[edge.name] != every]
    return min(drawn, key=lambda edge: run.on[edge.name].bit_count(), default=None)


def span(row: Values) -> str:
    """The estimate of an input in words, with its unit."""
    low, high = ends(row)
    if in_per_cent(row["unit"]):
        first, last = (f"{words.number(100 * end, 3)} %" for end in (low, high))
        return first if first == last else f"{first} to {last}"
    return f"{words.number_range(low, high, 3)} {units(row['unit'])}".strip()


def _cost(run: Run, name: str) -> Values | None:
    """What one bearer loses, or all of them: a range and what explains it; None for no bearer."""
    if name not in (TOTAL, *bearers(run)):
        return None
    lost = net_loss(run, name)
    if not np.any(lost):
        return {"range": None, "unmet": rare_loss_of(run, name)}
    inputs, shares = spread_shares(run, np.array([lost]))
    ranked = sorted(zip(shares[:, 0].tolist(), inputs, strict=True), reverse=True)[:3]
    drivers = [(_meant(run, one), share) for share, one in ranked if share > 0.02]
    return {"range": measures.nine_in_ten(lost, name == TOTAL), "drivers": drivers}


def _of_input(run: Run, name: str) -> Values:
    known, row = run.known, run.known.inputs[name]
    uses = checks.uses_of_inputs(known.tables).filter(name=name)["table"].to_list()
    uses += ["links"] * name.startswith(checks.LINK_INPUT)
    return {
        "row": {**row, "range": span(row)},
        "uses": uses,
        "lasted": words.number(known.lasted[name], 2) if name in known.lasted else "",
        "classes": _classes(run, row) if row["reference"] else (),
    }


def _classes(run: Run, row: Values) -> Iterator[Values]:
    """The reference class of an input, where its range lies in it, and how far that reaches.

    None where it was not published by then.
    """
    classes = reference.load(REFERENCE)[reference.CLASSES]
    for named in classes.filter(id=row["reference"]).iter_rows(named=True):
        if named["known_on"] <= moment_of(run.known):
            place = reference.place(classes, row)
            tail = (1 - reference.PLACES.get(place, 0.98)) / 2
            low, high = reference.quantile(classes, named["id"], np.array([tail, 1 - tail]))
            reaches = span({"unit": row["unit"], "low": float(low), "high": float(high)})
            yield {**named, "place": place, "span": reaches}


def _of_loss(run: Run, name: str) -> Values:
    """A row of losses: from what it is worked out, how large it is, and on what that rests."""
    row, amounts, inputs = run.known.rows("losses")[name], run.losses[name], run.known.inputs
    terms = checks.argument_pairs(row["arguments"]).values()
    return {
        "row": row,
        "terms": [
            (_meant(run, term), span(inputs[term])) if term in inputs else (term, "")
            for term in terms
        ],
        "range": measures.nine_in_ten(amounts),
        "ever": amounts.any(),
        "basis": run.lineage.basis(name),
    }


def _of_claim(run: Run, name: str) -> Values:
    claim, stated = _every_claim(run)[name], list[Any]()
    for one in _stated(run, name):
        sides = (one.against, *(rival.claims for rival in _rivals(run, one)))
        against = [claims[0] for claims in sides if claims and claim not in claims]
        stated.append((one, against[:3]))
    return {
        "row": claim,
        "taken_back": name not in run.known.rows("claims"),
        "own": _origins(run, [claim]),
        "later": successors(run.known).get(name),
        "stated": stated,
    }


_SHORT = 3  # words before a comma that do not yet say what an input is


def _meant(run: Run, name: str) -> str:
    """What an input is, as part of a sentence."""
    meaning = run.known.inputs[name]["meaning"].rstrip(".").partition(":")[0]
    start = meaning.partition(",")[0]
    meaning = start if len(start.split()) > _SHORT else meaning  # else the comma parts a list
    article = "" if meaning.startswith(("What", "How", "A ", "An ", "The ")) else "the "
    return f"{article}{lower_first(run.known, meaning)}"
