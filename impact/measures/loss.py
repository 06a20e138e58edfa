"""What is lost: by bearer, by form and by what a reader looks for, and what explains the spread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl
import polars.selectors as cs

from impact.case import checks
from impact.case.folder import Case
from impact.case.tables import Row
from impact.case.ways import READER
from impact.measures.frames import frame
from impact.measures.reach import PARTIES, by_entity, possible
from impact.measures.totals import TOTAL as TOTAL
from impact.measures.totals import net_loss, rare_entities, rare_loss, sign_of
from impact.numerics import Draws, graph, loss_kinds, measures
from impact.simulation import Run, drawn_inputs, estimate, sampler

BAND = "band"  # argument of a product: the share of the people whom a row concerns
LED = 0.5  # share of the spread from which assumptions are said to lead
LIKELY = 0.5  # chance from which the work that a workforce loses is told


def _variables(run: Run) -> tuple[list[str], list[Draws]]:
    """(input of each row, rows of `(draws,)`): all that varied in this run.

    Rows are the draws of each input, and the outcome of each link that is not certain; an outcome
    belongs to the link's least likely input.
    """
    inputs, drawn = run.known.inputs, drawn_inputs(run)
    owners, rows = [name for name, _ in drawn], [values for _, values in drawn]
    for link in (edge.name for edge in run.edges if edge.source in run.reached):
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
    owners, varied = _variables(run)
    known = sorted(set(owners))
    shares = np.zeros((len(known), len(outcomes)))
    if owners:
        squared = measures.squared_correlations(varied, outcomes)
        squared[squared < 4 / run.draws] = 0.0
        np.add.at(shares, [known.index(owner) for owner in owners], squared)
        sums = shares.sum(axis=0)
        shares = np.divide(shares, sums, out=np.zeros_like(shares), where=sums > 0)
    return known, shares


def is_assumed(row: Row) -> bool:
    """Whether an input is the kit's or the reader's own estimate."""
    return bool(row["basis_kind"] == "assumption")


def shares_where(
    run: Run, outcomes: Draws, holds: Callable[[Row], bool] = is_assumed
) -> list[float]:
    """For each outcome `(outcomes, draws)`, the share of its spread of inputs for which it holds.

    That is the share which assumptions carry, unless another condition is given.
    """
    known, shares = spread_shares(run, outcomes)
    chosen = [holds(run.known.inputs[name]) for name in known]
    found: list[float] = shares[np.array(chosen, dtype=bool)].sum(axis=0).tolist()
    return found


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
    rows = []
    forms = run.known["losses"].group_by("bearer", "form").agg("id")
    for bearer, form, names in forms.iter_rows():
        found = measures.loss_measures(np.sum([run.losses[name] for name in names], axis=0))
        part, chance = form.replace("_", " "), found["chance"]
        row = {"id": f"{bearer}.{part}", "bearer": bearer, "part": part}
        row |= {"chance": chance.value, "chance_error": chance.error}
        rows.append(row | _in_usd(found))
    told = of_equals(run, frame("parts", rows), forms["id"])
    given = (pl.col("mean_usd") / pl.col("chance")).round_sig_figs(12)  # 5000, and not 4999.99...
    given = pl.when(pl.col("chance") > 0).then(given).otherwise("given_usd")
    told = told.with_columns(given_usd=given)
    return told.sort(-pl.col("mean_usd").fill_null(0.0), "bearer", "part")


def of_equals(run: Run, table: pl.DataFrame, losses: Iterable[Iterable[str]]) -> pl.DataFrame:
    """The table with one value for those whose `losses` rest on the same: the mean of theirs.

    That is rows of losses.csv with equal estimates behind the same chance; errors are of each.
    """
    inputs, found = run.known.inputs, by_entity(run.memo.get("events", run))

    def grounds(name: str) -> str:
        row, at = run.model.losses[name], found[run.model.losses[name]["needs"]]
        named = {**run.model.pairs[name], "retention": row["retention"], "limit": row["limit"]}
        told = sorted((part, *estimate(inputs[one])) for part, one in named.items() if one)
        return str((at["band"], at["how"], row["kind"], told))

    keys = pl.Series([str(sorted(map(grounds, names))) for names in losses], dtype=pl.String)
    values = cs.float() - cs.contains("error", "share")
    return table.with_columns(values.mean().over(keys))


def _in_usd(found: Mapping[str, measures.Measure]) -> dict[str, Any]:
    """Measures as cells `NAME_usd` and `NAME_error_usd`."""
    cells = dict[str, Any]()
    for name, one in found.items():
        cells |= {f"{name}_usd": one.value, f"{name}_error_usd": one.error}
    return cells


def by_bearer(run: Run) -> pl.DataFrame:
    """One row per bearer and `total` (net of transfers), with the measures of its net loss.

    Columns `bearer`, `chance` (of a loss), then each of mean, p05, p50, p90, p95, p99, tvar95 as
    `NAME_usd` and `NAME_error_usd`; `low`, `high`, `given` and `often` of its nine-in-ten range,
    see `measures.Spread`; `hits` (draws with a loss), `rare` (no draw met it, and it can happen),
    `assumed_share` and `weakest` (the weakest basis that it rests on). Under 500 draws with a loss
    the measures are null; where assumptions lead, p99 is null.
    """
    who = [*bearers(run), TOTAL]
    rows = [_of_bearer(run, *each) for each in zip(who, _assumed(run, who), strict=True)]
    return frame("by_bearer", rows)


def _of_bearer(run: Run, bearer: str, share: float) -> Row:
    """A row of `by_bearer`; `share` is that of assumptions."""
    lost = net_loss(run, bearer)
    found = measures.loss_measures(lost)
    if rare := unmet(run, bearer):  # all other measures are null
        row = _in_usd({"mean": rare_mean(run, bearer)})
    else:
        row = {**_in_usd(found), "chance": found["chance"].value}
    if share > LED:
        row |= {"p99_usd": None, "p99_error_usd": None}
    row |= {"bearer": bearer, **vars(measures.nine_in_ten(lost, whole=bearer == TOTAL))}
    row |= {"hits": int(np.count_nonzero(lost)), "rare": rare, "assumed_share": share}
    return {**row, "weakest": run.lineage.basis(bearer)}


def unmet(run: Run, bearer: str) -> bool:
    """Whether no draw met a loss of a bearer, or of all (TOTAL), and yet it can happen."""
    if run.memo.get("never") or np.any(net_loss(run, bearer)):
        return False
    events = run.memo.get("events", run)  # of a year
    may = rare_entities(events) | run.memo.get("might", frozenset())
    return any(
        row["needs"] in may
        for row in events.model.losses.values()
        if sign_of(row["bearer"], row["received_by"], bearer) > 0
    )


def rare_mean(run: Run, bearer: str) -> measures.Measure:
    """The exact mean of a loss that no draw met, given the event; not resolved of a year."""
    expected = None if run.over == "year" else rare_loss(run, bearer)
    return measures.UNRESOLVED if expected is None else measures.mean(expected)


def _assumed(run: Run, who: list[str]) -> list[float]:
    """Share of the spread that assumptions carry, of each bearer or the total.

    Of a year it is that of one event; all of it where how often events happen is an assumption.
    """
    rates = [row for row in run.known.inputs.values() if row["unit"] == checks.RATE]
    if run.over == "year" and is_assumed(rates[0]):
        return [1.0] * len(who)
    events = run.memo.get("events", run)
    return shares_where(events, np.array([net_loss(events, one) for one in who]))


def ranges(run: Run) -> pl.DataFrame:
    """Nine-in-ten ranges of what a reader looks for: `id`, `who`, `part`, `driver`, `unit`.

    `part` is work, pay, pay_each (of one person of a workforce, by band), net (of a supplier that
    keeps or receives something), own, driver (of clients, pooled by kind) or total; `who` is an
    entity, a kind of client (`KIND.reported` or `KIND.other` where it is reported of some, and not
    of all), or `total`. Then `low`, `mid`, `high` and `given`, see
    `measures.Spread`, `chance`, `rare` (no draw met it, and it can happen) and `about` (the bearer,
    a row of losses or `total`).
    """
    rows = [*_idle(run), *_suppliers(run), *_drivers(run)]
    if _matters(run, TOTAL):
        rows.append(_range(run, TOTAL, "total", net_loss(run, TOTAL), TOTAL))
    return frame("ranges", rows)


def _matters(run: Run, bearer: str) -> bool:
    """Whether there is a loss of a bearer, or can be."""
    return bool(np.any(net_loss(run, bearer))) or unmet(run, bearer)


def _range(
    run: Run, who: str, part: str, amounts: Draws, about: str, driver: str = "", unit: str = "money"
) -> Row:
    """A row of `ranges`."""
    found = measures.nine_in_ten(amounts, whole=part == "total")
    missed = not np.any(amounts) and unmet(run, _bearer(run, about))
    of = {"id": f"{about}.{part}", "who": who, "part": part, "driver": driver, "unit": unit}
    return {**of, **vars(found), "chance": found.often, "rare": missed, "about": about}


def _bearer(run: Run, about: str) -> str:
    """The bearer whom a row of `ranges` is about, or whose row of losses."""
    row = run.known.rows("losses").get(about)
    return row["bearer"] if row else about


def _idle(run: Run) -> list[Row]:
    """For each workforce likely to lose pay: person-weeks, all pay, pay of one person by band."""
    rows = list[Row]()
    for force in run.known["entities"].filter(kind="workforce")["id"]:
        lost = net_loss(run, force)
        if np.count_nonzero(lost) <= LIKELY * run.draws:
            continue
        weeks, each = np.zeros(run.draws), list[Row]()
        for loss in run.known["losses"].filter(bearer=force).iter_rows(named=True):
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


def _natural_units(run: Run, loss: Row) -> tuple[Draws | None, Draws]:
    """(people concerned, person-weeks) of a product over people and weeks, its shares included.

    The argument BAND is the share of the people whom the row concerns; every other share is one of
    their time. People is None where the loss is no such product.
    """
    values, inputs = sampler(run).arguments(loss["id"]), run.known.inputs
    pairs = run.model.pairs[loss["id"]]
    dims = {name: loss_kinds.dimension(inputs[of]["unit"]) for name, of in pairs.items()}
    people = [name for name in pairs if dims[name] == {"person": 1}]
    weeks = [name for name in pairs if dims[name] == {"week": 1}]
    if not loss_kinds.KINDS[loss["kind"]].linear or not people or not weeks:
        return None, np.zeros(run.draws)
    shares = [name for name in pairs if not dims[name]]
    effort = loss_kinds.product({name: values[name] for name in (*people, *weeks, *shares)})
    concerned = values[people[0]] * values.get(BAND, np.ones(1))
    return concerned, np.broadcast_to(effort, run.draws)


def _suppliers(run: Run) -> list[Row]:
    kinds, losses = run.known.rows("entities"), run.known["losses"]
    return [
        _range(run, one, "net" if one in losses["received_by"] else "own", net_loss(run, one), one)
        for one in sorted({*losses["bearer"]})
        if kinds[one]["kind"] in ("vendor", "group") and _matters(run, one)
    ]


def drivers(known: Case) -> pl.DataFrame:
    """Losses of clients by driver and kind: `driver`, `kind`, and lists `id`, `bearer`, `needs`."""
    kinds = known["entities"].select("kind", bearer="id")
    mine = known["losses"].filter(pl.col("received_by").is_null()).drop("kind")
    mine = mine.join(kinds, "bearer", maintain_order="left")
    mine = mine.filter(pl.col("kind").is_in(PARTIES))
    return mine.group_by("driver", "kind", maintain_order=True).agg("id", "bearer", "needs")


def _drivers(run: Run) -> list[Row]:
    """A band of the draws of all clients for each of `drivers`, what one client loses added up.

    What is reported of some, what the reader loses and what others may lose is not pooled; who
    cannot be hit is in no pool.
    """
    found, rows = by_entity(run), list[Row]()
    for driver, kind, *lists in drivers(run.known).iter_rows():
        losses = [one for one in zip(*lists, strict=True) if possible(found[one[2]])]
        told = dict[str, list[tuple[str, ...]]]()
        for one in losses:
            sure = found[one[2]]["how"] == "established"
            which = READER if one[1] == READER else "reported" if sure else "other"
            told.setdefault(which, []).append(one)
        for which, those in sorted(told.items(), reverse=True):
            each, needs = dict[str, Draws](), set[str]()
            for name, bearer, need in those:
                each[bearer] = each.get(bearer, 0.0) + run.losses[name]
                needs.add(need)
            if any(map(np.any, each.values())) or not rare_entities(run).isdisjoint(needs):
                whole = kind if len(those) == len(losses) else f"{kind}.{which}"
                who = whole if len(each) > 1 else those[0][1]
                pooled = np.array([*each.values()])
                rows.append(_range(run, who, "driver", pooled, those[0][0], driver))
    return rows


def greatest(run: Run) -> Row:
    """The total, and the two who lose most on average; rows of `ranges`."""
    rows = ranges(run)
    sole = rows.filter(pl.col("part").is_in(["net", "own", "pay"]), pl.col("high") > 0).to_dicts()
    most = sorted(sole, key=lambda row: -net_loss(run, row["about"]).mean())[:2]
    total = next(rows.filter(part="total").iter_rows(named=True), None)
    return {"total": total, "most": most}


def assumed(run: Run) -> float:
    """The share of the spread of the total that assumptions carry."""
    found = by_bearer(run).row(by_predicate=pl.col("bearer") == TOTAL, named=True)
    return float(found["assumed_share"])


def rare_loss_of(run: Run, about: str) -> Row | None:
    """The exact `mean`, if any, of a loss too rare for the draws; None where it is not."""
    bearer = _bearer(run, about)
    return {"mean": rare_mean(run, bearer).value} if unmet(run, bearer) else None
