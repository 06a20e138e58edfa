"""A run as data for the board: streams as states, estimates, links, losses, and texts.

`engine.js` beside it makes of them what `impact.exposure` and `impact.losses` say of the same run
with any inputs fixed, to the letter. Nothing is in it that a page of the same view does not show,
but for the estimates of the inputs on which its numbers rest.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from importlib import resources
from typing import Any

import numpy as np
import scipy

from impact.answers import text
from impact.answers.text import one_line, parts, units
from impact.answers.why import span
from impact.base import words
from impact.base.errors import BadInput, Refusal, bad
from impact.case import checks, heads, views
from impact.case.folder import Case
from impact.case.ways import READER, ROOT
from impact.measures import evidence
from impact.measures.loss import drivers, spread_shares
from impact.measures.questions import ranking
from impact.measures.reach import PARTIES, reporters
from impact.measures.totals import total_loss
from impact.numerics import graph, loss_kinds, measures, sampling
from impact.simulation import Run, drawn_inputs, estimate, stream_of

Json = dict[str, Any]  # the data, or an object in them
MOST_SLIDERS = 12
MOST = 350_000  # characters of the data
SHAPES = ("fixed", "uniform", "pert", "lognormal", "quantiles")
KINDS = ("product", "records")
NAMED = (
    *PARTIES,
    "group",
    "dataset",
    "vendor",
)  # entities that the board names where they are on a way


def describe(run: Run) -> Json:
    """The data of a board; raises Refusal with the reason where the board cannot do a run."""
    _require(run)
    known, model, sliders = run.known, run.model, _matter(run)
    streams = list(dict.fromkeys(_streams(run)))
    inputs = {name: _estimated(known, name) for name in _named(run)}
    seeds = (blake2b(f"{run.seed}|{name}|0".encode(), digest_size=32) for name in streams)
    data = {
        "case": known.id,
        "currency": known.currency,
        "sign": words.SIGNS.get(known.currency, f"{known.currency} "),
        "draws": run.draws,
        "seed": run.seed,
        "enough": measures.ENOUGH,
        "oneIn": words.one_in(run.draws),
        "root": ROOT,
        "reader": READER,
        "streams": streams,
        "seeds": base64.b64encode(b"".join(one.digest() for one in seeds)).decode(),
        "inputs": inputs,
        "units": {name: _unit(known.inputs[name]) for name in inputs},
        "edges": [_edge(run, edge) for edge in run.edges],
        "order": [list(graph.shortest(run.edges, ROOT))],
        "losses": [_loss(run, name) for name in model.losses],
        **_exposed(run),
        **_bearing(known),
        "sliders": [slider(run, name) for name in sliders],
        "scenario": known.scenario,
        "scenarios": {
            name: _scenario(run, other, sliders, inputs) for name, other in _views(known)
        },
    }
    if (size := len(packed(data))) > MOST:
        raise _declined(f"its data would have {size:,} characters, more than {MOST:,}")
    return data


def packed(data: Json) -> str:
    """The data as JSON that may stand in a page: no sign that ends a script or begins a tag."""
    made = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return words.plain(made).replace("<", "\\u003c").replace("&", "\\u0026")


def script() -> str:
    """The engine and the board as one module without indents, the same for every page."""
    return re.sub("(?m)^ +", "", _read("engine.js") + _read("board.js"))


def style() -> str:
    """The look of the board."""
    return _read("board.css")


def _read(name: str) -> str:
    return resources.files("impact.board").joinpath(name).read_text("utf-8")


def _declined(why: str) -> Refusal:
    return Refusal(bad("board", why, "the page stays as it is").faults)


def _require(run: Run) -> None:
    """Raises Refusal for a run that the board cannot do."""
    if run.over == "year":
        raise _declined("it shows one event, not a year")
    if run.draws > sampling.BLOCK:
        raise _declined(f"it takes {sampling.BLOCK:,} draws at most")
    if not run.model.losses:
        raise _declined("the case has no losses")
    inputs = [("shape", run.known.inputs[name], SHAPES) for name in _named(run)]
    losses = [("kind", row, KINDS) for row in run.model.losses.values()]
    for of, row, can in (*inputs, *losses):
        if row[of] not in can:
            raise _declined(f"it does not know the {of} {row[of]} of {row['id']}")


def _named(run: Run) -> list[str]:
    """The inputs that links and losses name, and links that are cut."""
    return [name for name in run.model.used if name in run.known.inputs]


def _streams(run: Run) -> Iterator[str]:
    """The streams that any setting can need."""
    known, model = run.known, run.model
    for link, terms in model.terms.items():
        for term in (*terms, checks.LINK_INPUT + link):
            if term != checks.CERTAIN:
                name, minutes = checks.chance_term(term)
                yield f"outcome|{link}|{name}"
                for part in filter(None, (name, minutes)):
                    if part in known.inputs:
                        yield stream_of(known.inputs[part], link)
    for loss, row in model.losses.items():
        for part in filter(None, (*model.pairs[loss].values(), row["retention"], row["limit"])):
            yield stream_of(known.inputs[part], loss)


def _estimated(known: Case, name: str) -> Json:
    """The estimate of an input: shape, ends, and what its inverse needs."""
    shape, low, mode, high, cap, pairs = estimate(known.inputs[name])
    found: Json = {"s": shape, "l": low, "m": mode, "h": high}
    if shape == "lognormal":
        mu, sigma = sampling.lognormal_parameters(low, high)
        found["p"] = [mu, sigma, float(scipy.special.ndtr((np.log(cap) - mu) / sigma))]
    if shape == "quantiles":
        found["p"] = [*zip(*sorted((float(q), v) for q, v in pairs), strict=True)]
    if shape != "fixed" and name in known.lasted:
        found["least"] = known.lasted[name]
    return {key: value for key, value in found.items() if value is not None}


def _unit(row: dict[str, Any]) -> Json:
    """How often an input is drawn, its minutes, and which of people, weeks and shares it counts."""
    unit = row["unit"] or "1"
    minutes = checks.reference_minutes(unit)
    powers = {} if checks.is_chance(unit) else loss_kinds.dimension(unit)
    counts = {"1": {}, "person": {"person": 1}, "week": {"week": 1}}
    of = "" if minutes else next((name for name, each in counts.items() if each == powers), "")
    return {"once": row["drawn"] == "once", "of": of, "minutes": minutes or 1.0}


def _edge(run: Run, edge: Any) -> list[Any]:
    terms = run.model.terms[edge.name]
    named = [checks.chance_term(term) for term in terms if term != checks.CERTAIN]
    return [edge.name, edge.source, edge.target, named, not named]


def _loss(run: Run, name: str) -> list[Any]:
    row = run.model.losses[name]
    of = [row[part] for part in ("kind", "needs", "bearer", "received_by", "retention", "limit")]
    return [name, *of, sorted(run.model.pairs[name].items()), row["driver"]]


def _exposed(run: Run) -> Json:
    """What the exposure answer needs: names of whom the board can print, and how they belong."""
    known = run.known
    rows, said = known.rows("entities"), evidence.names(known)
    losses, supplies = known["losses"], evidence.related(known, "supplies")
    named = {*losses["bearer"], *losses["received_by"].drop_nulls(), *supplies}
    nodes = named.union(*((edge.source, edge.target) for edge in run.edges))
    named |= {one for one in nodes & rows.keys() if rows[one]["kind"] in NAMED}
    copied, out = (
        {one: several[0] for one, several in evidence.related(known, kind).items()}
        for kind in ("taken_from", "published_from")
    )
    falls = known["links"].filter(relation="falls").select("target", "chances")
    return {
        "entities": [
            [one, (row["short"] or said[one]) if one in named else "", row["kind"]]
            for one, row in rows.items()
            if one in nodes
        ],
        **_told(run, named),
        "sets": list(evidence.data_sets(known).items()),
        "copied": copied,
        "out": out,
        "supplies": supplies,
        "peers": list(evidence.related(known, "peer_of")),
        "falls": [
            [target, [checks.chance_term(term)[0] for term in chances]]
            for target, chances in falls.iter_rows()
        ],
    }


def _told(run: Run, named: set[str]) -> Json:
    """What parties did or said, what is said of a data set, and who reports that one was hit."""
    known = run.known
    shared, positions = text.shared(known), evidence.positions(known)
    words_ = parts("exposure", {**shared, **_NOBODY})
    sets = [one for several in evidence.data_sets(known).values() for one in several]
    did = {one: claims[:2] for one, claims in positions.items() if one in named}
    did |= {one: evidence.theft_reports(known, one)[:2] for one in sets}
    known_by = reporters(run)
    hit = {one: [claim] for one, claim in known_by.items() if one in named and not did.get(one)}

    def cells(of: dict[str, list[str]]) -> dict[str, str]:
        return {
            one: one_line(words_.cell_did({"id": one, "ids": [one], "claims": claims}))
            for one, claims in of.items()
        }

    return {
        "did": {**cells(did), "": "Nothing reported"},
        "hit": cells(hit),
        "reported": [*known_by],
        "cited": {
            one: shared["cite"](claims[0]) for one, claims in positions.items() if one in named
        },
    }


_NOBODY = {  # what an exposure answer that has nothing to tell asks of its facts
    "rows": (),
    "hit": (),
    "supposed": (),
    "joint": None,
    "chain": (),
    "short": True,
    "clients": dict.fromkeys(
        ("lab", "reported", "supposed", "drawn", "spared", "unmodelled", "excluded", "unlinked"), ()
    ),
}


def _bearing(known: Case) -> Json:
    """What the losses answer needs: workforces, suppliers, and clients by driver."""
    rows, bearers = known.rows("entities"), sorted(set(known["losses"]["bearer"]))
    return {
        "forces": known["entities"].filter(kind="workforce")["id"].to_list(),
        "suppliers": [
            one for kind in ("vendor", "group") for one in bearers if rows[one]["kind"] == kind
        ],
        "drivers": drivers(known).select("kind", "driver", "id").rows(),
    }


def _views(known: Case) -> Iterator[tuple[str, Case]]:
    """The view under each scenario that these rows allow, its own first."""
    yield known.scenario, known
    for name in known.scenarios:
        if name != known.scenario:
            with suppress(BadInput, Refusal):  # it is of another day, or rests on what is not known
                yield name, views.under(known, name)


def _scenario(run: Run, other: Case, sliders: list[str], inputs: Json) -> Json:
    """A scenario: the inputs that it changes, and what its answers say otherwise."""
    lead = text.paragraphs(parts("exposure", {**text.shared(other), **_NOBODY}).lead)
    theirs = {one: _estimated(other, one) for one in run.model.used if one in other.inputs}
    changed = {one: each for one, each in theirs.items() if inputs.get(one) != each}
    return {
        "title": heads.scenario_title(other),
        "notices": heads.notices(other),
        "inputs": changed,
        "ranges": {one: span(other.inputs[one]) for one in sliders if one in changed},
        "supposed": [change.name for change in other.changes if change.high > 0],
        "noHit": lead[0],
        "noPath": lead[-1],
    }


def _matter(run: Run) -> list[str]:
    """The inputs that matter most, filled up by their share of the spread of the total."""
    drawn = {one for one, _ in drawn_inputs(run)}
    first = [name for name in ranking(run)["id"] if name in drawn]
    inputs, shares = spread_shares(run, total_loss(run)[None])
    rest = sorted(zip(-shares[:, 0], inputs, strict=True))
    found = dict.fromkeys([*first, *(name for _, name in rest if name in drawn)])
    return list(found)[:MOST_SLIDERS]


WIDE = 50  # times between the ends of a range from which its slider goes by powers


def slider(run: Run, name: str) -> Json:
    """A slider: from where to where, by which steps, by powers or not, and what it is called."""
    row = run.known.inputs[name]
    values = next(values for one, values in drawn_inputs(run) if one == name)
    low, high = float(values.min()), float(values.max())
    chance, log = checks.is_chance(row["unit"]), low > 0 and high > WIDE * low
    so_far = run.known.lasted.get(name)
    lasted = f", {words.number(so_far, 2)} by now" if so_far else ""
    if chance:
        ends = (0.0, 1.0, 0.01)
    elif log:
        ends = (math.log10(low), math.log10(high), 0.02)
    else:
        ends = (min(low, 0.0), 1.5 * high, words.significant((high - low) / 100, 1) or 1.0)
    return {
        "name": name,
        "says": row["meaning"].rstrip("."),
        "unit": units(row["unit"]),
        "basis": row["basis_kind"],
        "beside": f"class {row['reference']}" if row["reference"] else "",
        "range": span(row) + lasted,
        "log": log and not chance,
        **dict(zip(("min", "max", "step"), ends, strict=True)),
    }
