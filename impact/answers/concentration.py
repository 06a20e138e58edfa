"""What depends on one supplier: each vendor, package or other supplier as the only one to fall."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from impact import words
from impact.answers.answer import Answer, Facts, Figure, amount, worded
from impact.case import checks
from impact.case.folder import Case, once
from impact.case.ways import ROOT
from impact.measures.evidence import names, related
from impact.measures.reach import PARTIES, established
from impact.numerics import graph, measures
from impact.simulation import Model, Run, Source, model_of, run_of, total

if TYPE_CHECKING:
    import altair as alt

_FALL = ("vendor", "package")


def concentration(run: Run) -> Answer:
    """Who and how much each vendor, package or other supplier would take with it, fallen alone.

    Nothing else is supposed: every other link from the event is left out, on the same draws. Table:
    `id`, `clients` and `left` (reported), `others` (other suppliers of each client that stays),
    `parties`, `parties_error`, `low`, `mid`, `high`, `given` and `often` of the loss of all,
    `mean_usd`, `mean_error_usd`, `known_shares`, `reported` (it is reported as affected); the one
    with the greatest mean loss first.
    """
    known = run.known
    modelled_from = known["links"].filter(pl.col("chances").list.len() > 0)["source"]
    linked = {*related(known, "supplies"), *related(known, "peer_of"), *modelled_from}
    falls = pl.col("kind").is_in(list(_FALL)) | pl.col("id").is_in(list(related(known, "supplies")))
    rows = [
        _fallen(run, entity) for entity in known["entities"].filter(falls)["id"] if entity in linked
    ]
    rows.sort(key=lambda row: (-row["mean_usd"], -row["parties"], row["id"]))
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    figures = [
        figure
        for row in rows
        for figure in (
            amount(f"mean_alone.{row['id']}", row["mean_usd"], row["mean_error_usd"],
                   known.currency),
            Figure(f"parties_alone.{row['id']}", row["parties"], row["parties_error"], "count",
                   words.number(row["parties"])),
        )
    ]  # fmt: skip
    costly = frame.filter(pl.col("mean_usd") > 0)
    values = {
        "widest": max(rows, key=lambda row: (row["parties"], row["mean_usd"]), default=None),
        "hit": costly.filter("reported")["id"].to_list(),
        "unhit": frame.filter(~pl.col("reported"))["id"].to_list(),
        "others_cost": costly.filter(~pl.col("reported")).height,
        "quiet": frame.filter((pl.col("mean_usd") == 0) & (pl.col("clients").list.len() == 0)
                              & (pl.col("left").list.len() == 0))["id"].to_list(),
        "indices": _indices(known),
    }  # fmt: skip
    drawn = frame.filter(pl.col("high").is_not_null() & (pl.col("mean_usd") > 0))

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        said = names(known)
        shown = drawn.select("low", "high", label=pl.col("id").replace(said), mean="mean_usd",
                             hollow=~pl.col("reported"))  # fmt: skip
        return pictures.spans(shown, known.currency, wide)

    facts = Facts(frame, values, figures, draw if drawn.height else None, there=bool(rows))
    return worded(run, "concentration", facts)


_SCHEMA: dict[str, Any] = {
    "id": pl.String,
    **dict.fromkeys(("clients", "left"), pl.List(pl.String)),
    "others": pl.List(pl.Struct({"client": pl.String, "others": pl.List(pl.String)})),
    **dict.fromkeys(("parties", "parties_error", "mean_usd", "mean_error_usd"), pl.Float64),
    **dict.fromkeys(("low", "mid", "high", "often"), pl.Float64),
    "given": pl.Boolean,
    **dict.fromkeys(("known_shares", "links"), pl.Int64),
    "reported": pl.Boolean,
}


@once
def only(known: Case, entity: str) -> Model:
    """The model in which the event reaches one entity for certain, and no other but through it."""
    links = known["links"]
    first = {**dict.fromkeys(links.columns), "id": f"only-{entity}", "source": ROOT}
    first |= {"target": entity, "relation": "falls", "chances": [checks.CERTAIN], "claims": []}
    first |= {"sources": [], "tlp": "clear", "withdrawn": False}
    added = pl.DataFrame([first], schema=links.schema)
    tables = {**known.tables, "links": pl.concat([links.filter(pl.col("source") != ROOT), added])}
    found: Model = model_of(replace(known, tables=tables, memo={}))
    return found


def _fallen(run: Run, entity: str) -> dict[str, Any]:
    """One row: what follows if the entity alone falls, on the draws of the run."""
    model = only(run.known, entity)
    fallen = run_of(Source(run.known, model, run.draws, run.seed, run.drawn), run)
    rows = run.known.rows("entities")
    reached = np.zeros(run.draws)
    for party, mask in fallen.reached.items():
        if rows[party]["kind"] in PARTIES:
            reached += graph.unpack(mask, run.draws)
    lost, parties = total(fallen), measures.mean(reached)
    found = measures.loss_measures(lost)
    supply = _supply(run.known, entity)
    spread = measures.nine_in_ten(lost, whole=True)
    return {
        "id": entity,
        "clients": sorted({link["target"] for link in supply if link["valid_to"] is None}),
        "left": sorted({link["target"] for link in supply if link["valid_to"] is not None}),
        "others": _alternatives(run.known, entity),
        "parties": parties.value,
        "parties_error": parties.error,
        "mean_usd": found["mean"].value or 0.0,
        "mean_error_usd": found["mean"].error or 0.0,
        "low": spread.low,
        "mid": spread.mid,
        "high": spread.high,
        "often": spread.chance,
        "given": spread.given,
        "known_shares": sum(link["share"] is not None for link in supply),
        "links": len(supply),
        "reported": entity in established(run),
    }


def _supply(known: Case, entity: str) -> list[dict[str, Any]]:
    """The links along which an entity supplies others."""
    links = known.rows("links").values()
    return [row for row in links if (row["source"], row["relation"]) == (entity, "supplies")]


def _alternatives(known: Case, entity: str) -> list[dict[str, Any]]:
    """For each client that stays, the other suppliers that are reported and stay."""
    told = []
    for link in _supply(known, entity):
        others = sorted(
            row["source"]
            for row in known.rows("links").values()
            if (row["target"], row["relation"], row["valid_to"])
            == (link["target"], "supplies", None)
            and row["source"] != entity
        )
        if link["valid_to"] is None:
            told.append({"client": link["target"], "others": others})
    return sorted(told, key=lambda row: str(row["client"]))


def _indices(known: Case) -> list[tuple[str, float, float]]:
    """(client, Herfindahl index of its supply (Hirschman 1945), share of it that is known).

    Only of known shares; what is not known is left out and said.
    """
    shares: dict[str, list[float]] = {}
    for row in known.rows("links").values():
        if row["relation"] == "supplies" and row["share"] is not None:
            shares.setdefault(row["target"], []).append(row["share"])
    return [(client, sum(s * s for s in s_), sum(s_)) for client, s_ in sorted(shares.items())]
