"""What hangs on one supplier: each vendor, package or other supplier as the only one to fall."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from impact import words
from impact.answers.answer import Answer, Figure, amount
from impact.answers.exposure import PARTIES, established, related
from impact.answers.losses import in_all
from impact.answers.provenance import ILLUSTRATIVE, names
from impact.case import checks, views
from impact.case.folder import Case, once
from impact.case.ways import ROOT
from impact.numerics import graph, measures
from impact.simulation import Model, Run, Source, model_of, per_run, run_of, total

if TYPE_CHECKING:
    import altair as alt

_FALL = ("vendor", "package")


@per_run
def concentration(run: Run) -> Answer:
    """Who and how much each vendor, package or other supplier would take with it, fallen alone.

    Nothing else is supposed: every other link from the event is left out, on the same draws. Table:
    `entity`, `name`, `clients`, `alternatives` (other reported suppliers of each), `parties`,
    `parties_error`, `parties_said`, `p05`, `p50`, `p95`, `mean_usd`, `mean_error_usd`, `range`,
    `shares`; the one with the greatest mean loss first.
    """
    known = run.known
    modelled_from = known["links"].filter(pl.col("chances").list.len() > 0)["source"]
    linked = {*related(known, "supplies"), *related(known, "peer_of"), *modelled_from}
    falls = pl.col("kind").is_in(list(_FALL)) | pl.col("id").is_in(list(related(known, "supplies")))
    rows = [
        _fallen(run, entity) for entity in known["entities"].filter(falls)["id"] if entity in linked
    ]
    rows.sort(key=lambda row: (-row["mean_usd"], -row["parties"], row["entity"]))
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    drawn = frame.filter(pl.col("p05") > 0)
    unhit = words.listed(frame.filter(~pl.col("reported"))["name"].to_list())
    supposed = [f"Hypothetical, each falls alone; {views.NO_COMPROMISE} of {unhit}."][: bool(unhit)]

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        basis = pl.lit("assumption")
        return pictures.ranges(drawn.select("p05", "p50", "p95", label="name", basis=basis))

    return Answer(
        name="concentration",
        sentence=_sentence(frame),
        table=frame,
        label=known.label,
        heads={
            "name": "If it alone fell",
            "clients": "Reported clients",
            "alternatives": "Their other reported suppliers",
            "parties_said": "Parties reached, mean",
            "range": "Loss of all, nine in ten",
            "shares": "Shares of supply known",
        },
        figures=tuple(
            figure
            for row in rows
            for figure in (
                amount(f"mean_alone.{row['entity']}", row["mean_usd"], row["mean_error_usd"],
                       known.currency),
                Figure(f"parties_alone.{row['entity']}", row["parties"], row["parties_error"],
                       "count", row["parties_said"]),
            )
        ),
        notes=(
            *supposed,
            *_unlike(frame),
            f"Losses are {ILLUSTRATIVE}.",
            *_indices(known),
        )
        if rows
        else (),
        notices=(*supposed, *views.notices(known)),
        draw=draw if drawn.height else None,
    )  # fmt: skip


_SCHEMA = {
    **dict.fromkeys(("entity", "name", "clients", "alternatives"), pl.String),
    **dict.fromkeys(("parties_said", "range", "shares"), pl.String),
    **dict.fromkeys(("parties", "parties_error", "mean_usd", "mean_error_usd"), pl.Float64),
    **dict.fromkeys(("p05", "p50", "p95"), pl.Float64),
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
    shares = [link["share"] for link in _supply(run.known, entity)]
    known_shares = sum(share is not None for share in shares)
    spread = measures.nine_in_ten(lost, whole=True)
    return {
        "entity": entity,
        "name": names(run.known)[entity],
        "clients": _clients(run.known, entity),
        "alternatives": _alternatives(run.known, entity),
        "reported": entity in established(run),
        "parties": parties.value,
        "parties_error": parties.error,
        "parties_said": words.number(parties.value) if reached.any() else "none",
        "p05": spread.low,
        "p50": spread.mid,
        "p95": spread.high,
        "mean_usd": found["mean"].value or 0.0,
        "mean_error_usd": found["mean"].error or 0.0,
        "range": in_all(spread, run.known.currency) if lost.any() else "none",
        "shares": f"{known_shares} of {len(shares)}" if shares else "–",
    }


def _supply(known: Case, entity: str) -> list[dict[str, Any]]:
    """The links along which an entity supplies others."""
    links = known.rows("links").values()
    return [row for row in links if (row["source"], row["relation"]) == (entity, "supplies")]


@once
def _clients(known: Case, entity: str) -> str:
    """The reported clients of a vendor, those reported as leaving apart."""
    said = names(known)
    links = _supply(known, entity)
    stay, left = (
        words.listed(
            sorted(said[link["target"]] for link in links if (link["valid_to"] is None) is stays)
        )
        for stays in (True, False)
    )
    left = f"leaving or left: {left}" if left else ""
    return "; ".join(part for part in (stay, left) if part) or "none reported"


@once
def _alternatives(known: Case, entity: str) -> str:
    """For each client that stays, the other suppliers that are reported and stay."""
    said, told = names(known), []
    for link in _supply(known, entity):
        others = sorted(
            row["source"]
            for row in known.rows("links").values()
            if (row["target"], row["relation"], row["valid_to"])
            == (link["target"], "supplies", None)
            and row["source"] != entity
        )
        if link["valid_to"] is None:
            found = words.listed([said[other] for other in others]) or "none"
            told.append(f"{said[link['target']]}: {found}")
    return "; ".join(sorted(told)) or "–"


@once
def _indices(known: Case) -> tuple[str, ...]:
    """The Herfindahl index of each client's supply (Hirschman 1945), with the share it covers.

    Only of known shares; what is not known is left out and said.
    """
    shares: dict[str, list[float]] = {}
    for row in known.rows("links").values():
        if row["relation"] == "supplies" and row["share"] is not None:
            shares.setdefault(row["target"], []).append(row["share"])
    said = names(known)
    told = tuple(
        f"Concentration of the supply of {said[client]}: {sum(s * s for s in known_shares):.2f}"
        f" (Herfindahl), from {100 * sum(known_shares):.0f} % of it that is known."
        for client, known_shares in sorted(shares.items())
    )
    return told or ("No concentration index is given where shares of supply are not known.",)


def _unlike(frame: pl.DataFrame) -> tuple[str, ...]:
    """What differs between suppliers that are reported as hit and those that are not."""
    hit = frame.filter(pl.col("reported") & (pl.col("mean_usd") > 0))["name"].to_list()
    others = frame.filter(~pl.col("reported") & (pl.col("mean_usd") > 0)).height
    if not hit or not others:
        return ()
    return (
        f"Amounts are not alike: for {words.listed(hit)} clients do what is reported or assumed of"
        " each; for every other supplier all its clients are assumed to review and replace it.",
    )


def _sentence(frame: pl.DataFrame) -> str:
    if not frame.height or not frame["mean_usd"].max():
        return "No loss would follow from the fall of one supplier alone, as far as is known."

    def named(row: dict[str, Any]) -> str:
        return str(row["name"]) + ("" if row["reported"] else f" ({views.NO_COMPROMISE})")

    first = frame.row(0, named=True)
    widest = frame.sort("parties", "entity", descending=[True, False]).row(0, named=True)
    said = f"Were one to fall alone, {named(first)} would cost most, {first['range']}"
    reach = f"reach most parties, {widest['parties_said']} on average"
    said += f", and {reach}." if first == widest else f"; {named(widest)} would {reach}."
    quiet = frame.filter((pl.col("mean_usd") == 0) & (pl.col("clients") == "none reported"))
    if quiet.height:
        said += f" No client of {words.listed(quiet['name'].to_list(), 'or')} is reported."
    return said
