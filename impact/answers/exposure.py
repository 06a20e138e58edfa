"""Who is exposed, how likely, and by which way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import takewhile
from operator import or_
from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure
from impact.answers.provenance import names
from impact.answers.statements import said_by
from impact.case import checks, views
from impact.case.folder import Case, once
from impact.case.ways import ROOT
from impact.numerics import graph, measures
from impact.simulation import Run, per_run, rare

if TYPE_CHECKING:
    import altair as alt

_ORDER = {"lab": 0, "vendor": 1, "dataset": 2, "workforce": 3, "project": 4, "competitor": 5}
# Kinds left to the picture, or told with the party or data set they belong to.
_UNTOLD = ("event", "state", "release", "package", "service")


@per_run
def established(run: Run) -> set[str]:
    """Entities that the event reaches over certain links, whatever is drawn or supposed."""
    return _reached_over(run, lambda term: term == checks.CERTAIN)


@per_run
def undrawn(run: Run) -> set[str]:
    """Entities reached in every draw because of fixed inputs alone: established, or supposed."""
    still = {name for name, row in run.known.inputs.items() if row["shape"] == "fixed"}
    still.add(checks.CERTAIN)
    return _reached_over(run, lambda term: checks.chance_term(term)[0] in still)


def _reached_over(run: Run, sure: Callable[[str], bool]) -> set[str]:
    """Entities reached over links that are on in every draw and whose every chance is sure."""
    terms, every = run.model.terms, graph.everything(run.draws)
    edges = [
        edge
        for edge in run.edges
        if all(sure(term) for term in terms[edge.name]) and run.on[edge.name] == every
    ]
    return set(graph.shortest(edges, ROOT)) if run.reached else set()


@per_run
def chances(run: Run) -> pl.DataFrame:
    """Exposure of every entity, ordered by id.

    Columns `entity`, `kind`, `chance`, `chance_error`, `how`, `reported` (by whom), `band`.

    The chance is the share of draws in which the event reaches the entity; the error is the Wilson
    half-width, 0 where nothing was drawn to decide it. `how` is established (by certain links),
    supposed (by an input fixed for the view), drawn, or rare (possible, and in none of the draws).
    `band` is the mean chance of all entities of the kind that rest on the same inputs: firms with
    equal evidence share one printed number.
    """
    sure, supposed, unmet = established(run), undrawn(run), rare(run)
    evidence, reported = _evidence(run), reporters(run)
    rows: list[dict[str, Any]] = []
    for entity, row in run.known.rows("entities").items():
        found = measures.share(run.reached.get(entity, 0).bit_count(), run.draws)
        drawn = bool(run.reached.get(entity)) and entity not in supposed
        how = "drawn" if drawn else "supposed" if entity in supposed - sure else "established"
        how = "rare" if entity in unmet else how
        rows.append(
            {
                "entity": entity,
                "kind": row["kind"],
                "chance": found.value,
                "chance_error": found.error if drawn or how == "rare" else 0.0,
                "how": how,
                "reported": reported.get(entity, ""),
                "unmet": f"not resolved: {words.one_in(run.draws)}" if how == "rare" else "",
            }
        )
    groups: dict[tuple[str, int], list[float]] = {}
    for made in rows:
        equal = made["kind"], evidence.get(made["entity"], 0)
        groups.setdefault(equal, []).append(made["chance"])
    bands = {equal: sum(found) / len(found) for equal, found in groups.items()}
    for made in rows:
        made["band"] = bands[made["kind"], evidence.get(made["entity"], 0)]
    return pl.DataFrame(rows, schema=_CHANCES, orient="row")


def _evidence(run: Run) -> dict[str, int]:
    """Entity -> the chances on which it rests, a bit each: those of all ways to it."""
    bits, brings = dict[str, int](), dict[str, int]()
    for edge in travelled(run):
        terms = (bits.setdefault(term, 1 << len(bits)) for term in run.model.terms[edge.name])
        brings[edge.name] = reduce(or_, terms, 0)
    return graph.gathered(graph.net(travelled(run), ROOT), brings)


@per_run
def by_entity(run: Run) -> dict[str, dict[str, Any]]:
    """Entity -> its row of `chances`."""
    return {row["entity"]: row for row in chances(run).iter_rows(named=True)}


_CHANCES = {
    **dict.fromkeys(("entity", "kind"), pl.String),
    **dict.fromkeys(("chance", "chance_error"), pl.Float64),
    **dict.fromkeys(("how", "reported", "unmet"), pl.String),
    "band": pl.Float64,
}


@per_run
def travelled(run: Run) -> list[graph.Edge]:
    """The edges over which something travels in any draw, in their order."""
    there, on = run.reached, run.on
    return [e for e in run.edges if e.source in there and there[e.source] & on[e.name]]


@per_run
def reporters(run: Run) -> dict[str, str]:
    """Entity -> who reports that it was reached.

    The most credible, then latest, claim of the certain links that lead to it.
    """
    known = run.known
    claims = known.rows("claims")
    named: dict[str, list[dict[str, Any]]] = {}
    on = {edge.name for edge in travelled(run)}
    for link, row in known.rows("links").items():
        if link in on and row["chances"] == [checks.CERTAIN]:
            told = (claims[claim] for claim in row["claims"])
            named.setdefault(row["target"], []).extend(one for one in told if one["sources"])
    best = {
        entity: min(made, key=lambda c: (c["credibility"], -c["known_on"].timestamp(), c["id"]))
        for entity, made in named.items()
        if made
    }
    return {entity: said_by(known, claim) for entity, claim in best.items()}


def said_chance(row: Mapping[str, Any], short: bool = False) -> str:
    """A row of `chances` as a page prints it: reported by whom, supposed, none, or about so much.

    What a workforce, a project or a competitor suffers is not that it is reached, so it is named.
    """
    verb = _SUFFERS.get(row["kind"], "")
    lead = f"{verb}: " if verb and not short else ""
    if row["how"] == "supposed":
        return f"{lead}supposed"
    if row["how"] == "rare":
        return f"{lead}{row['unmet']}"
    if row["how"] == "established":
        said = row["reported"] or ("assumed, not sourced" if row["chance"] else "none")
        return lead + (said.partition(" by ")[0] if short else said)
    return f"{lead}{words.about(row['band'])}, assumed"


_SUFFERS = {"workforce": "idle", "project": "paused", "competitor": "learns something"}


@once
def related(known: Case, relation: str, forward: bool = True) -> dict[str, list[str]]:
    """Source -> targets of the links of a relation; target -> sources where not forward."""
    pairs: dict[str, list[str]] = {}
    ends = ("source", "target") if forward else ("target", "source")
    links = known["links"].filter(pl.col("relation") == relation)
    for one, other in links.select(*ends).iter_rows():
        pairs.setdefault(one, []).append(other)
    return {one: list(dict.fromkeys(others)) for one, others in pairs.items()}


@per_run
def exposure(run: Run) -> Answer:
    """Which parties and data sets the event reaches, how likely, and by which shortest way.

    Table: `entity`, `name`, `kind`, `chance`, `chance_error`, `said`, `copied`, `published`, `way`,
    `feeds`.
    """
    known, said = run.known, names(run.known)
    found = by_entity(run)
    copied, out = related(known, "taken_from"), related(known, "published_from")
    feeds, walked = related(known, "feeds"), travelled(run)
    ways, entering = graph.shortest(walked, ROOT), dict[str, set[str]]()
    for edge in walked:
        entering.setdefault(edge.target, set()).add(edge.source)

    def state(entity: str | None) -> str:
        row = found.get(entity or "")
        return said_chance(row) if row else ""

    rows = []
    for entity, row in found.items():
        if row["kind"] in _UNTOLD or not (run.reached.get(entity) or row["how"] == "rare"):
            continue
        copy = next(iter(copied.get(entity, ())), None)
        way = said_way(known, _shared(entity, ways, entering)[:-1])
        rows.append(
            {
                **row,
                "name": said[entity],
                "said": state(entity),
                "copied": state(copy),
                "published": state(next(iter(out.get(copy or "", ())), None)),
                "way": way,
                "feeds": words.listed([said[product] for product in feeds.get(entity, ())]),
            }
        )
    rows.sort(key=lambda row: (_ORDER.get(row["kind"], 9), -row["chance"], row["entity"]))
    frame = pl.DataFrame(rows, schema=_EXPOSURE, orient="row")
    figures = tuple(
        Figure(f"chance.{entity}", row["chance"], row["chance_error"], "chance",
               said_chance(row))
        for entity, row in found.items() if run.reached.get(entity) or row["how"] == "rare"
    )  # fmt: skip

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.paths(*_picture(run, frame))

    return Answer(
        name="exposure",
        sentence=words.capital(f"{vendors_reached(run)}; {client_data_reached(run)}."),
        table=frame,
        label=known.label,
        heads={
            "name": "Who or what",
            "said": "Reached or affected",
            **{column: head for column, head in _STATES.items() if (frame[column] != "").any()},
            "way": "By way of",
        },
        figures=figures,
        notes=(*_together(run), _meaning(known)) if rows else (),
        notices=tuple(views.notices(run.known)),
        draw=draw if frame.height > 1 else None,
    )


def _together(run: Run) -> tuple[str, ...]:
    """How likely all clients of which it is not reported are reached together, as a sentence."""
    drawn = [row for row in _reached(run) if row["how"] == "drawn" and row["kind"] in PARTIES]
    kind = min((row["kind"] for row in drawn), key=PARTIES.index, default="")
    several = [row["entity"] for row in drawn if row["kind"] == kind]
    if len(several) < 2:
        return ()
    mask = graph.everything(run.draws)
    for entity in several:
        mask &= run.reached[entity]
    who = words.listed(sorted(names(run.known)[entity] for entity in several))
    who = who if len(several) <= _NAMED else f"all {len(several)} {kind}s of which it is not known"
    chance = words.chance(mask.bit_count() / run.draws) if mask else words.one_in(run.draws)
    return (f"The chance that {who} are reached together is {chance}, assumed.",)


_STATES = {"copied": "Copied out", "published": "With third parties", "feeds": "Said to feed"}


def _meaning(known: Case) -> str:
    """What the columns of the exposure mean, in a case with labs or releases or without."""
    labs = "lab" in set(known["entities"]["kind"])
    several = any(len(found) > 1 for found in related(known, "version_of", forward=False).values())
    said = (
        f"Reached means in reach of the intruder{', for a lab that its data was' if labs else ''}."
    )
    said += " In reach, copied and with third parties are three states"
    said += "; none is reported of a named lab." if labs else "."
    if several:
        said += " Where a way names two releases, which of them it was is not public."
    return said


def said_way(known: Case, nodes: Sequence[str]) -> str:
    """The names of the nodes of a way; all bad releases of a package, for which it was is open."""
    said = names(known)
    versions = {
        one: words.listed([said[other] for other in several], "or")
        for several in related(known, "version_of", forward=False).values()
        for one in several
    }
    return " > ".join(versions.get(node, said[node]) for node in nodes)


def _shared(
    entity: str, ways: Mapping[str, list[graph.Edge]], entering: Mapping[str, set[str]]
) -> list[str]:
    """Nodes of the shortest way to an entity.

    Where many ways lead to it, those that all have in common, so that none of several equal
    parties is singled out.
    """
    sources = sorted(entering.get(entity, ()))
    if len(sources) <= _MANY:
        return [edge.target for edge in ways.get(entity, ())]
    several = [[edge.target for edge in ways[source]] for source in sources]
    shared = takewhile(lambda nodes: len(set(nodes)) == 1, zip(*several, strict=False))
    return [*(nodes[0] for nodes in shared), entity]


PARTIES = ("lab", "client")
_NAMED = 6  # clients reported as reached up to which a sentence names them
_MANY = 3  # ways into an entity from which only what they share is told
_EXPOSURE = {
    **dict.fromkeys(("entity", "name", "kind", "how", "reported"), pl.String),
    **dict.fromkeys(("chance", "chance_error", "band"), pl.Float64),
    **dict.fromkeys(("said", "copied", "published", "way", "feeds"), pl.String),
}


def vendors_reached(run: Run) -> str:
    """Which vendors that supply somebody are reached, or supposed to be, as a half-sentence.

    Those reached as clients of another are told with the clients.
    """
    said, supply = names(run.known), related(run.known, "supplies")
    kinds = {name: row["kind"] for name, row in run.known.rows("entities").items()}
    vendors = [row for row in _reached(run) if row["entity"] in supply]
    if not any(row["how"] == "established" for row in vendors):
        vendors += [row for row in _reached(run)
                    if kinds[row["entity"]] == "vendor" and row not in vendors]  # fmt: skip
    hit = [row for row in vendors if row["how"] == "established"]
    served = {client for row in hit for client in supply.get(row["entity"], ())}
    served = served if {row["entity"] for row in hit} - served else set()
    sure = [
        said[row["entity"]] + (f" ({row['reported']})" if row["reported"] else "")
        for row in hit
        if row["entity"] not in served  # those are told as clients
    ]
    supposed = [said[row["entity"]] for row in vendors if row["how"] == "supposed"]
    first = "no vendor is reported as reached"
    if run.known.left_out:
        first = "no vendor is reported as reached at this level"
    if run.known.scenarios[run.known.scenario].contradicts:
        first = "no vendor is reached, against what is reported"
    if sure:
        first = f"{words.listed(sure)} {'is' if len(sure) == 1 else 'are'} reached"
    return f"{first}, {words.listed(supposed)} supposed" if supposed else first


def client_data_reached(run: Run) -> str:
    """For which labs their data was in reach, and how likely, as a half-sentence.

    In a case without labs, which clients are reported as reached, and how likely the others are.
    """
    said = names(run.known)
    groups: dict[str, list[str]] = {}
    kind = "lab" if "lab" in set(run.known["entities"]["kind"]) else "client"
    rows = [row for row in _reached(run) if row["kind"] == kind]
    sure = [said[row["entity"]] for row in rows if row["how"] == "established"]
    for row in (row for row in rows if row["how"] != "established"):
        text = said_chance(row).removesuffix(", assumed")
        groups.setdefault(text, []).append(said[row["entity"]])
    unmet = [said[row["entity"]] for row in by_entity(run).values()
             if row["kind"] == kind and row["how"] == "rare"]  # fmt: skip
    who = words.listed(sorted(unmet)) if len(unmet) <= _NAMED else f"{len(unmet)} others"
    who += " is" if len(unmet) == 1 else " are"
    rest = f"whether {who} reached is not resolved: {words.one_in(run.draws)}" if unmet else ""
    if not rows:
        return rest or f"no way to a {'client lab' if kind == 'lab' else 'client'} is known"
    rest = f"; {rest}" if rest else ""
    reported = (
        f"{words.count(len(sure), kind)} {'is' if len(sure) == 1 else 'are'} reported as reached"
    )
    reported += f", {words.listed(sorted(sure))}" if len(sure) <= _NAMED else ""
    told = [row for row in _reached(run) if row["kind"] == "group" and row["how"] == "established"]
    if not sure and told:  # nobody is named, yet some are reported
        sure = [said[row["entity"]] for row in told]
        reported = f"{words.listed(sorted(sure))} are reported as reached"
    if not groups:
        return f"{reported}{rest}"
    likely = words.listed([f"{text} for {words.listed(labs)}" for text, labs in groups.items()])
    start = "whether client data was in reach is not reported and is"
    if sure:
        start = f"{reported}; of others it is not reported and is"
    assumed = "" if set(groups) == {"supposed"} else " assumed,"
    return f"{start}{assumed} {likely}{rest}"


@per_run
def _reached(run: Run) -> list[dict[str, Any]]:
    """Rows of `chances` with a chance above 0, the greatest first."""
    rows = [row for row in by_entity(run).values() if row["chance"] > 0]
    return sorted(rows, key=lambda row: (-row["band"], row["entity"]))


def _picture(run: Run, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(nodes, edges) of the ways to clients and groups: what the path chart draws, no states."""
    known, said = run.known, names(run.known)
    rows = {row["id"]: row for row in known["links"].iter_rows(named=True)}
    kinds = dict(known["entities"].select("id", "kind").iter_rows())
    reached = {row["entity"]: row for row in frame.iter_rows(named=True)}
    labs = [e for e in reached if kinds[e] in _ENDS]
    ends = [e for e in reached if kinds[e] == "workforce" and run.chance(e) == 1.0] + labs
    walked = travelled(run)
    ways = graph.all_ways(walked)
    kept = set[str]().union(*(ways.get(end, set()) for end in ends))
    edges = [edge for edge in walked if edge.name in kept] if ends else walked
    depth = _layers(edges)
    found = by_entity(run)
    nodes = [
        (node, said[node], said_chance(found[node], short=True), depth[node], run.chance(node))
        for node in sorted(depth, key=lambda n: (depth[n], n))
    ]
    lines = [
        (e.source, e.target, "reported" if _reported(rows[e.name]) else "assumed") for e in edges
    ]
    nodes, lines = _gathered(nodes, lines, kinds)
    schema = {"id": pl.String, "name": pl.String, "said": pl.String, "layer": pl.Int64}
    node_frame = pl.DataFrame(nodes, schema={**schema, "chance": pl.Float64}, orient="row")
    edge_schema = dict.fromkeys(("source", "target", "basis"), pl.String)
    return node_frame, pl.DataFrame(lines, schema=edge_schema, orient="row")


_ENDS = ("lab", "client", "group")
_APART = 6  # parties at the end of one way up to which the picture draws each
_Node = tuple[str, str, str, int, float]
_Line = tuple[str, str, str]


def _gathered(
    nodes: list[_Node], lines: list[_Line], kinds: Mapping[str, str]
) -> tuple[list[_Node], list[_Line]]:
    """Nodes and lines of the picture, with many parties that stand alike as one, by their number.

    Alike are those of a kind that lead nowhere further, are reached over the same lines, and of
    which the same is said.
    """
    leading = {source for source, _, _ in lines}
    into: dict[str, set[tuple[str, str]]] = {}
    for source, target, basis in lines:
        into.setdefault(target, set()).add((source, basis))
    alike: dict[tuple[Any, ...], list[_Node]] = {}
    for node in nodes:
        name, _, told, *_ = node
        if kinds[name] in _ENDS and name not in leading:
            key = (kinds[name], told, frozenset(into.get(name, ())))
            alike.setdefault(key, []).append(node)
    renamed, gone = dict[str, str](), set[str]()
    for (kind, *_), several in alike.items():
        if len(several) > _APART:
            renamed[several[0][0]] = words.count(len(several), kind)
            gone |= {node[0] for node in several[1:]}
    kept = [
        (name, renamed.get(name, title), told, layer, chance)
        for name, title, told, layer, chance in nodes
        if name not in gone
    ]
    return kept, [line for line in lines if line[1] not in gone]


def _reported(link: Mapping[str, Any]) -> bool:
    """Whether it is reported that harm came this way: claimed by a source, and certain."""
    sourced = bool(link["claims"]) and bool(link["sources"])
    return sourced and link["chances"] == [checks.CERTAIN]


def _layers(edges: list[graph.Edge]) -> dict[str, int]:
    """Node -> column of the picture: the longest way from the root, cycles cut after all nodes."""
    depth = {ROOT: 0}
    nodes = {edge.target for edge in edges}
    for _ in nodes:
        moved = False
        for edge in edges:
            if edge.source in depth and depth.get(edge.target, 0) <= depth[edge.source]:
                deeper = depth[edge.source] + 1
                if deeper <= len(nodes) and edge.target != ROOT:
                    depth[edge.target], moved = deeper, True
        if not moved:
            break
    used = {level: i for i, level in enumerate(sorted(set(depth.values())))}
    return {node: used[level] for node, level in depth.items()}


def any_client(run: Run, relation: str) -> measures.Measure:
    """Chance that data of any client was copied (`taken_from`) or is out (`published_from`)."""
    reached = 0
    for target in _client_data(run, relation):
        reached |= run.reached.get(target, 0)
    return measures.share(reached.bit_count(), run.draws)


def any_reported(run: Run, relation: str) -> bool:
    """Whether it is reported of any client that its data was copied, or is out."""
    return not established(run).isdisjoint(_client_data(run, relation))


def _client_data(run: Run, relation: str) -> list[str]:
    """What a relation leads to of labs and clients."""
    rows = run.known.rows("entities")
    parties = {name for name, row in rows.items() if row["kind"] in ("lab", "client")}
    every = related(run.known, relation).values()
    return [name for targets in every for name in targets if rows[name]["party"] in parties]
