"""What is lost: by bearer, by form and by what a reader looks for, and what explains the spread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from impact.case import checks
from impact.case.ways import ROOT
from impact.measures.reach import PARTIES
from impact.measures.totals import net_loss, rare_entities, rare_loss, total_loss
from impact.numerics import Draws, graph, loss_kinds, measures
from impact.simulation import Run, drawn_inputs, per_run, sampler


def variables(run: Run) -> tuple[list[str], list[Draws]]:
    """(input of each row, rows of `(draws,)`): all that varied in this run.

    Rows are the draws of each input, and the outcome of each link that is not certain; an outcome
    belongs to the link's least likely input.
    """
    inputs, drawn = run.known.inputs, drawn_inputs(run)
    owners, rows = [name for name, _, _ in drawn], [values for _, _, values in drawn]
    for link in (edge.name for edge in run.edges if run.reached.get(edge.source)):
        if (mask := run.on[link]) not in (0, graph.everything(run.draws)):
            terms = [term for term in run.model.terms[link] if term != checks.CERTAIN]
            named = [checks.chance_term(term)[0] for term in terms] or [checks.LINK_INPUT + link]
            owners.append(min(named, key=lambda name: inputs[name]["mode"] or 0.0))
            rows.append(graph.unpack(mask, run.draws).astype(np.float64))
    return owners, rows


def spread_shares(run: Run, outcomes: Draws) -> tuple[list[str], Draws]:
    """(inputs, `(inputs, outcomes)`): share of an outcome's spread that goes with each input.

    `outcomes` are `(outcomes, draws)`. Squared linear correlations with the draws and link outcomes
    of an input, added up and scaled to sum to 1 over all inputs; a correlation within two standard
    errors of 0 counts as 0, and an outcome that does not vary has 0 everywhere.
    """
    owners, varied = variables(run)
    known = sorted(set(owners))
    shares = np.zeros((len(known), outcomes.shape[0]))
    if owners:
        squared = measures.squared_correlations(varied, np.ascontiguousarray(outcomes.T))
        squared[squared < 4 / run.draws] = 0.0
        np.add.at(shares, [known.index(owner) for owner in owners], squared)
        sums = shares.sum(axis=0)
        shares = np.divide(shares, sums, out=np.zeros_like(shares), where=sums > 0)
    return known, shares


def is_assumed(row: Mapping[str, Any]) -> bool:
    """Whether an input is the kit's or the reader's own estimate."""
    return bool(row["basis_kind"] == "assumption")


def shares_where(
    run: Run, outcomes: Draws, holds: Callable[[Mapping[str, Any]], bool] = is_assumed
) -> list[float]:
    """For each outcome `(outcomes, draws)`, the share of its spread of inputs for which it holds.

    That is the share which assumptions carry, unless another condition is given.
    """
    known, shares = spread_shares(run, outcomes)
    chosen = np.array([holds(run.known.inputs[name]) for name in known], dtype=bool)
    return [float(column[chosen].sum()) for column in shares.T]


def leading_to(run: Run, entity: str) -> tuple[str, ...]:
    """The inputs of the chances of the links that lead to an entity from what is reached."""
    return tuple(
        checks.chance_term(term)[0]
        for edge in run.edges
        if edge.target == entity and (edge.source == ROOT or edge.source in run.reached)
        for term in run.model.terms[edge.name]
        if term != checks.CERTAIN
    )


TOTAL = "total"


BAND = "band"  # argument of a product: the share of the people whom a row concerns


LED = 0.5  # share of the spread from which assumptions are said to lead


LIKELY = 0.5  # chance from which the work that a workforce loses is told


def bearers(run: Run) -> list[str]:
    """Ids of all who lose or receive by a row of losses.csv, in order."""
    rows = run.known["losses"]
    return sorted({*rows["bearer"], *rows["received_by"].drop_nulls()})


def by_form(run: Run) -> pl.DataFrame:
    """Mean gross loss by `bearer` and FAIR `form`: `mean_usd`. Transfers are counted here."""
    rows = run.known["losses"].select("id", "bearer", "form")
    means = [float(run.losses[name].mean() or 0.0) for name in rows["id"]]
    summed = rows.with_columns(mean_usd=pl.Series(means, dtype=pl.Float64))
    return summed.group_by("bearer", "form").agg(pl.col("mean_usd").sum()).sort("bearer", "form")


def parts(run: Run) -> pl.DataFrame:
    """The measures of each form of each bearer's loss, gross: the greatest mean first.

    Columns `id`, `bearer`, `part`, `chance`, `chance_error`, then `given_usd` (mean where there is
    a loss), `mean_usd`, `p05_usd` to `p99_usd` and `tvar95_usd`, each with its `_error_usd`.
    """
    groups: dict[tuple[str, str], list[Draws]] = {}
    for name, row in run.model.losses.items():
        of = row["bearer"], row["form"].replace("_", " ")
        groups.setdefault(of, []).append(run.losses[name])
    rows = []
    for (bearer, part), amounts in groups.items():
        found = measures.loss_measures(np.sum(amounts, axis=0))
        row = {"id": f"{bearer}.{part}", "bearer": bearer, "part": part}
        row |= {"chance": found["chance"].value, "chance_error": found["chance"].error}
        for name in measures.NAMES[1:]:
            row |= {f"{name}_usd": found[name].value, f"{name}_error_usd": found[name].error}
        rows.append(row)
    frame = pl.DataFrame(rows, schema=_PARTS, orient="row")
    order = [-pl.col("mean_usd").fill_null(0.0), "bearer", "part"]
    return frame.sort(order)


_PARTS = {
    **dict.fromkeys(("id", "bearer", "part"), pl.String),
    **dict.fromkeys(("chance", "chance_error"), pl.Float64),
    **{f"{n}{e}_usd": pl.Float64 for n in measures.NAMES[1:] for e in ("", "_error")},
}


def _natural_units(run: Run, loss: Mapping[str, Any]) -> tuple[Draws | None, Draws]:
    """(people concerned, person-weeks) of a product over people and weeks, its shares included.

    The argument BAND is the share of the people whom the row concerns; every other share is one of
    their time. People is None where the loss is no such product.
    """
    units = dict(run.known["inputs"].select("id", "unit").iter_rows())
    pairs, values = checks.argument_pairs(loss["arguments"]), sampler(run).arguments(loss["id"])
    dims = {name: loss_kinds.dimension(units[pairs[name]]) for name in pairs}
    people = [name for name in pairs if dims[name] == {"person": 1}]
    weeks = [name for name in pairs if dims[name] == {"week": 1}]
    if not loss_kinds.KINDS[loss["kind"]].linear or not people or not weeks:
        return None, np.zeros(run.draws)
    shares = [name for name in pairs if not dims[name]]
    effort = loss_kinds.product({name: values[name] for name in (*people, *weeks, *shares)})
    concerned = values[people[0]] * values.get(BAND, np.ones(1))
    return concerned, np.broadcast_to(effort, run.draws)


_NAMES = ("mean", *measures.QUANTILES, "tvar95")
USD = [f"{name}{part}" for name in _NAMES for part in ("_usd", "_error_usd")]


@per_run
def by_bearer(run: Run) -> pl.DataFrame:
    """One row per bearer and `total` (net of transfers), with the measures of its net loss.

    Columns `bearer`, `chance` (of a loss), then each of mean, p05, p50, p90, p95, p99, tvar95 as
    `NAME_usd` and `NAME_error_usd`; `low`, `high`, `given` and `often` of its nine-in-ten range,
    see `measures.Spread`; `hits` (draws with a loss), `rare` (no draw met it, and it can happen),
    `assumed_share` and `weakest` (the weakest basis that it rests on). Under 500 draws with a loss
    the measures are null; where assumptions lead, p99 is null.
    """
    who = [*bearers(run), TOTAL]
    amounts = np.array([*(net_loss(run, bearer) for bearer in who[:-1]), total_loss(run)])
    rows: list[dict[str, Any]] = []
    for bearer, lost, share in zip(who, amounts, _assumed(run, who[:-1], amounts), strict=True):
        found = measures.loss_measures(lost)
        row: dict[str, Any] = {"bearer": bearer, "chance": found["chance"].value}
        for name in _NAMES:
            row |= {f"{name}_usd": found[name].value, f"{name}_error_usd": found[name].error}
        if share > LED:
            row |= {"p99_usd": None, "p99_error_usd": None}
        spread, hits = measures.nine_in_ten(lost, whole=bearer == TOTAL), np.count_nonzero(lost)
        row |= {"low": spread.low, "high": spread.high, "given": spread.given}
        row |= {"often": spread.chance, "hits": int(hits), "rare": unmet(run, bearer)}
        if row["rare"]:
            mean = rare_mean(run, bearer)
            row |= dict.fromkeys(USD) | {"chance": None, "low": None, "high": None}
            row |= {"mean_usd": mean.value, "mean_error_usd": mean.error}
        rows.append(row | {"assumed_share": share, "weakest": run.lineage.basis(bearer)})
    floats = dict.fromkeys((*USD, "chance", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=floats)


def unmet(run: Run, bearer: str) -> bool:
    """Whether no draw met a loss of a bearer, or of all (`total`), and yet it can happen."""
    events = run.memo["events"] if run.over == "year" else run
    lost = total_loss(run) if bearer == TOTAL else net_loss(run, bearer)
    return not np.any(lost) and any(
        row["needs"] in rare_entities(events)
        for row in events.model.losses.values()
        if bearer in (row["bearer"], TOTAL)
    )


def rare_mean(run: Run, bearer: str) -> measures.Measure:
    """The exact mean of a loss that no draw met, given the event; not resolved of a year."""
    expected = None if run.over == "year" else rare_loss(run, bearer)
    return measures.UNRESOLVED if expected is None else measures.mean(expected)


def _assumed(run: Run, who: list[str], amounts: Draws) -> list[float]:
    """Share of the spread that assumptions carry, of each bearer and the total.

    Of a year it is that of one event; all of it where how often events happen is an assumption.
    """
    if run.over == "event":
        return shares_where(run, amounts)
    rates = [row for row in run.known.inputs.values() if row["unit"] == checks.RATE]
    if rates[0]["basis_kind"] == "assumption":
        return [1.0] * len(amounts)
    events: Run = run.memo["events"]
    each = np.array([*(net_loss(events, bearer) for bearer in who), total_loss(events)])
    return shares_where(events, each)


def ranges(run: Run) -> pl.DataFrame:
    """Nine-in-ten ranges of what a reader looks for: `id`, `who`, `part`, `driver`, `unit`.

    `part` is work, pay, pay_each (of one person of a workforce, by band), net (of a supplier that
    keeps or receives something), own, driver (of clients, pooled by kind) or total; `who` is an
    entity, a kind of client, or `total`. Then `low`, `mid`, `high` and `given`, see
    `measures.Spread`, `chance`, `rare` (no draw met it, and it can happen) and `about` (the bearer,
    a row of losses or `total`).
    """
    rows = [*_idle(run), *_suppliers(run), *_drivers(run)]
    if np.any(total_loss(run)) or unmet(run, TOTAL):
        rows.append(_range(run, TOTAL, "total", total_loss(run), TOTAL))
    return pl.DataFrame(rows, schema=_RANGES, orient="row")


_RANGES = {
    **dict.fromkeys(("id", "who", "part", "driver", "unit", "about"), pl.String),
    **dict.fromkeys(("low", "mid", "high", "chance"), pl.Float64),
    **dict.fromkeys(("given", "rare"), pl.Boolean),
}


def _range(
    run: Run, who: str, part: str, amounts: Draws, about: str, driver: str = "", unit: str = "money"
) -> dict[str, Any]:
    """A row of `ranges`."""
    found = measures.nine_in_ten(amounts, whole=part == "total")
    row = run.known.rows("losses").get(about)
    missed = unmet(run, row["bearer"] if row else about) and not np.any(amounts)
    of = {"id": f"{about}.{part}", "who": who, "part": part, "driver": driver, "unit": unit}
    ends = {"low": found.low, "mid": found.mid, "high": found.high, "given": found.given}
    return {**of, **ends, "chance": found.chance, "rare": missed, "about": about}


def _idle(run: Run) -> list[dict[str, Any]]:
    """For each workforce likely to lose pay: person-weeks, all pay, pay of one person by band."""
    rows = list[dict[str, Any]]()
    for force in run.known["entities"].filter(pl.col("kind") == "workforce")["id"]:
        lost = net_loss(run, force)
        if np.count_nonzero(lost) <= LIKELY * run.draws:
            continue
        weeks, each = np.zeros(run.draws), list[dict[str, Any]]()
        for loss in run.known["losses"].filter(pl.col("bearer") == force).iter_rows(named=True):
            people, effort = _natural_units(run, loss)
            if people is not None:
                amount = run.losses[loss["id"]]
                weeks = weeks + effort * (amount > 0)
                one = np.divide(amount, people, out=np.zeros(run.draws), where=people > 0)
                each.append(_range(run, force, "pay_each", one, loss["id"], loss["driver"]))
        rows.append(_range(run, force, "pay", lost, force))
        if each:
            rows += [*each, _range(run, force, "work", weeks, force, unit="weeks")]
    return rows


def _suppliers(run: Run) -> list[dict[str, Any]]:
    kinds = run.known.rows("entities")
    keep = set(run.known["losses"]["received_by"].drop_nulls())
    return [
        _range(run, one, "net" if one in keep else "own", net_loss(run, one), one)
        for kind in ("vendor", "group")
        for one in sorted(set(run.known["losses"]["bearer"]))
        if kinds[one]["kind"] == kind and (np.any(net_loss(run, one)) or unmet(run, one))
    ]


def _drivers(run: Run) -> list[dict[str, Any]]:
    """Clients of a kind as one band by driver: the draws of all of them.

    What one client alone may lose is that client's own.
    """
    kinds = run.known.rows("entities")
    mine = run.known["losses"].filter(pl.col("received_by").is_null())
    of_driver: dict[str, set[str]] = {}
    groups: dict[tuple[str, str], list[str]] = {}
    clients = [
        (name, bearer, driver)
        for name, bearer, driver in mine.select("id", "bearer", "driver").iter_rows()
        if kinds[bearer]["kind"] in PARTIES
    ]
    for _, bearer, driver in clients:
        of_driver.setdefault(driver, set()).add(bearer)
    for name, bearer, driver in clients:
        alone = len(of_driver[driver]) == 1
        groups.setdefault((bearer if alone else kinds[bearer]["kind"], driver), []).append(name)
    needs = dict(mine.select("id", "needs").iter_rows())
    rows = []
    for (who, driver), ids in groups.items():
        pooled = np.concatenate([run.losses[name] for name in ids])
        if np.any(pooled) or any(needs[name] in rare_entities(run) for name in ids):
            rows.append(_range(run, who, "driver", pooled, ids[0], driver))
    return rows


def greatest(run: Run, many: int = 2) -> dict[str, Any]:
    """The total, and who loses most for sure; rows of `ranges`."""
    rows = ranges(run).to_dicts()
    sole = [row for row in rows if row["part"] in ("net", "own", "pay") and row["high"] is not None]
    sole = [row for row in sole if row["chance"] == 1 and row["high"] > 0]
    return {
        "total": next((row for row in rows if row["part"] == "total"), None),
        "most": sorted(sole, key=lambda row: -row["high"])[:many],
    }


def assumed(run: Run) -> float:
    """The share of the spread of the total that assumptions carry."""
    found = by_bearer(run).row(by_predicate=pl.col("bearer") == TOTAL, named=True)
    return float(found["assumed_share"])


def rare_loss_of(run: Run, about: str) -> dict[str, Any] | None:
    """The exact `mean`, if any, of a loss too rare for the draws; None where it is not."""
    row = run.known.rows("losses").get(about)
    bearer = row["bearer"] if row else about
    return {"mean": rare_mean(run, bearer).value} if unmet(run, bearer) else None
