"""What it may cost whom: ranges by bearer, form and driver, with errors and what they rest on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Figure, amount
from impact.answers.provenance import ILLUSTRATIVE, assumed_shares, names
from impact.case import checks, views
from impact.numerics import loss_kinds, measures
from impact.simulation import (
    Run,
    arguments,
    given_event,
    net,
    per_run,
    rare,
    rare_loss,
    total,
)

if TYPE_CHECKING:
    import altair as alt

TOTAL = "total"
PERSON_WEEKS = "person-weeks"
BAND = "band"  # argument of a product: the share of the people whom a row concerns
LED = 0.5  # share of the spread from which assumptions are said to lead
LIKELY = 0.5  # chance from which the work that a workforce loses is told
Draws = NDArray[np.float64]


def bearers(run: Run) -> list[str]:
    """Ids of all who lose or receive by a row of losses.csv, in order."""
    rows = run.known["losses"]
    return sorted({*rows["bearer"], *rows["received_by"].drop_nulls()})


@per_run
def by_bearer(run: Run) -> pl.DataFrame:
    """One row per bearer and `total` (net of transfers), with the measures of its net loss.

    Columns `bearer`, `chance` (of a loss), then each of mean, p05, p50, p90, p95, p99, tvar95 as
    `NAME_usd` and `NAME_error_usd`, `range` and `when` as printed, `assumed_share` and `basis`.
    Under 500 draws with a loss the measures are
    null; where assumptions lead, p99 is null.
    """
    who = [*bearers(run), TOTAL]
    amounts = np.array([*(net(run, bearer) for bearer in who[:-1]), total(run)])
    assumed = _assumed(run, who[:-1], amounts)
    rows: list[dict[str, Any]] = []
    for bearer, lost, share in zip(who, amounts, assumed, strict=True):
        found = measures.loss_measures(lost)
        del found["given"]
        row: dict[str, Any] = {"bearer": bearer, "chance": found.pop("chance").value}
        for name, measure in found.items():
            row |= {f"{name}_usd": measure.value, f"{name}_error_usd": measure.error}
        if share > LED:
            row |= {"p99_usd": None, "p99_error_usd": None}
        spread = measures.nine_in_ten(lost, whole=bearer == TOTAL)
        row |= {"range": "none", "when": ""}
        if unmet := "" if np.any(lost) else rare_text(run, bearer):
            row |= dict.fromkeys((name for name in row if name.endswith("_usd")), None)
            row |= _rare_mean(run, bearer) | {"range": unmet, "chance": None}
            row["when"] = f"({words.one_in(run.draws)})"
        elif row["mean_usd"]:
            row["range"] = spread_text(spread, "", run.known.currency)
            row["when"] = when_text(spread)
        basis = said_basis(run, bearer, lost, share)
        if row["range"].startswith(words.NOT_RESOLVED):
            unmet = f"{run.lineage.basis(bearer)}; {row['range']} {row['when']}"
            basis = basis if np.any(lost) else unmet
        rows.append(row | {"assumed_share": share, "basis": basis})
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(_USD, pl.Float64))


def _rare_mean(run: Run, bearer: str) -> dict[str, float | None]:
    """The exact mean of a loss that no draw met, with its error, given the event."""
    expected = None if run.over == "year" else rare_loss(run, bearer)
    found = measures.UNRESOLVED if expected is None else measures.mean(expected)
    return {"mean_usd": found.value, "mean_error_usd": found.error}


def _assumed(run: Run, who: list[str], amounts: Draws) -> list[float]:
    """Share of the spread that assumptions carry, of each bearer and the total.

    Of a year it is that of one event; all of it where how often events happen is an assumption.
    """
    if run.over == "event":
        return assumed_shares(run, amounts)
    rates = [row for row in run.known.inputs.values() if row["unit"] == checks.RATE]
    if rates[0]["basis_kind"] == "assumption":
        return [1.0] * len(amounts)
    events: Run = run.memo["events"]
    each = np.array([*(net(events, bearer) for bearer in who), total(events)])
    return assumed_shares(events, each)


_NAMES = ("mean", *measures.QUANTILES, "tvar95")
_USD = [f"{name}{part}" for name in _NAMES for part in ("_usd", "_error_usd")]


def said_basis(run: Run, bearer: str, lost: Draws, share: float) -> str:
    """On what a loss rests: the weakest basis, what assumptions carry, what is not shown."""
    hits = int(np.count_nonzero(lost))
    if not hits:
        return "no loss in this view"
    weakest = run.lineage.basis(bearer)
    said = f"{weakest}; assumptions carry {100 * share:.0f} % of the spread"
    if share > LED:
        said += f"; {ILLUSTRATIVE}; p99 not shown"
    if hits < measures.ENOUGH:
        said += f"; not resolved: {hits} draws with a loss, {measures.ENOUGH} needed"
    return said


@per_run
def by_form(run: Run) -> pl.DataFrame:
    """Mean gross loss by `bearer` and FAIR `form`: `mean_usd`. Transfers are counted here."""
    rows = run.known["losses"].select("id", "bearer", "form")
    means = [float(run.losses[name].mean() or 0.0) for name in rows["id"]]
    summed = rows.with_columns(mean_usd=pl.Series(means, dtype=pl.Float64))
    return summed.group_by("bearer", "form").agg(pl.col("mean_usd").sum()).sort("bearer", "form")


@per_run
def losses(run: Run) -> Answer:
    """What it may cost whom: workforces first, then vendors net and groups, then clients by driver.

    Table: `who`, `what`, `unit`, `p05`, `p50`, `p95` (raw), `range`, `chance`, `basis`, `about`
    (the bearer, a row of losses or `total`: what `why` tells more of).
    """
    given_event(run, "losses")
    rows = [*_idle(run), *_vendors(run), *_drivers(run), *_whole(run)]
    frame = pl.DataFrame(rows, schema=_LOSSES, orient="row")
    measured = by_bearer(run)
    figures = [
        amount(f"mean.{row['bearer']}", row["mean_usd"], row["mean_error_usd"], run.known.currency)
        for row in measured.iter_rows(named=True)
    ] + [
        Figure(f"range.{row['about']}: {row['what']}", row["p50"], None, row["unit"],
               f"{row['range']}, {row['said']}")
        for row in rows
    ]  # fmt: skip
    drawn = frame.filter((pl.col("unit") == "USD") & (pl.col("p95") > 0))

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        label = pl.concat_str("who", pl.lit(": "), "what")
        return pictures.ranges(drawn.select("p05", "p50", "p95", "basis", "about", label=label))

    return Answer(
        name="losses",
        sentence=_sentence(run, rows),
        table=frame,
        label=run.known.label,
        heads={
            "who": "Who",
            "what": "What",
            "range": "Nine in ten",
            "said": "When",
            "basis": "Rests on",
        },
        figures=tuple(figures),
        notes=_notes(run) if rows else (),
        notices=tuple(views.notices(run.known)),
        draw=draw if drawn.height else None,
    )


def _notes(run: Run) -> tuple[str, str]:
    """What the ranges cover, and what they leave out."""
    pauses = "pauses" in set(run.known["links"]["relation"])
    moved = "What one party loses and another receives is not in the total. "
    basis = f"Ranges are {ILLUSTRATIVE}. " if _led(run) else ""
    return (
        f"{basis}Ranges suppose that the event happened and cover one"
        f" {'pause' if pauses else 'event'}, not a year.",
        f"{moved if _receivers(run) else ''}Firms with equal evidence share one band. Loss of"
        " competitive advantage is not estimated.",
    )


def _receivers(run: Run) -> set[str]:
    """Who receives what another party loses."""
    return set(run.known["losses"]["received_by"].drop_nulls())


_LOSSES = {
    **dict.fromkeys(("who", "what", "unit"), pl.String),
    **dict.fromkeys(("p05", "p50", "p95", "chance"), pl.Float64),
    **dict.fromkeys(("range", "said", "basis", "about"), pl.String),
}


def _row(run: Run, who: str, what: str, unit: str, amounts: Draws, about: str) -> dict[str, Any]:
    """A row of the table: the range of an amount, and of which draws it is."""
    found = measures.nine_in_ten(amounts, whole=about == TOTAL)
    return {
        **{"who": who, "what": what, "unit": unit},
        **{"p05": found.low, "p50": found.mid, "p95": found.high},
        "range": _rare_text(run, about)
        or spread_text(found, "" if unit.startswith("USD") else unit, run.known.currency),
        "chance": found.chance,
        "said": words.one_in(run.draws) if _rare_text(run, about) else when_text(found),
        "basis": run.lineage.basis(about),
        "about": about,
    }


def _rare_text(run: Run, about: str) -> str:
    """What is known of a loss that no draw met: its chance is below what they resolve."""
    row = run.known.rows("losses").get(about)
    lost = run.losses[about] if row else total(run) if about == TOTAL else net(run, about)
    if np.any(lost):
        return ""
    whose = row["bearer"] if row else about
    return rare_text(run, whose)


def rare_text(run: Run, bearer: str) -> str:
    """That a bearer's loss is too rare for the draws, with its mean where that is exact."""
    events = run.memo["events"] if run.over == "year" else run
    if not any(
        row["needs"] in rare(events)
        for row in events.model.losses.values()
        if bearer in (row["bearer"], TOTAL)
    ):
        return ""
    expected = rare_loss(events, bearer)
    if expected is None:
        return words.NOT_RESOLVED
    mean = words.money(float(expected.mean()), None, run.known.currency)
    return f"{words.NOT_RESOLVED}; {mean} on average"


def spread_text(found: measures.Spread, unit: str = "", currency: str = "USD") -> str:
    """The range of an amount; of money where no unit is given."""
    if found.low is None or found.high is None:
        return words.NOT_RESOLVED
    if unit:
        return f"{words.number_range(found.low, found.high)} {unit}"
    return words.money_range(found.low, found.high, currency)


def when_text(found: measures.Spread) -> str:
    """Of which outcomes a range is: of all, or of those in which it happens, and how likely."""
    if found.given:
        return f"if it happens ({words.chance(found.chance)})"
    return "always" if found.chance == 1.0 else "all outcomes"


def in_all(found: measures.Spread, currency: str) -> str:
    """The range of an amount that is compared with others, with its chance where it is rare."""
    ranged = spread_text(found, "", currency)
    return f"{ranged} {when_text(found)}" if found.given else ranged


def _idle(run: Run) -> list[dict[str, Any]]:
    """For each workforce likely to lose pay: person-weeks, pay of one person by band, all pay."""
    said, rows = names(run.known), list[dict[str, Any]]()
    for force in run.known["entities"].filter(pl.col("kind") == "workforce")["id"]:
        lost = net(run, force)
        if np.count_nonzero(lost) <= LIKELY * run.draws:
            continue
        weeks, each = np.zeros(run.draws), list[dict[str, Any]]()
        for loss in run.known["losses"].filter(pl.col("bearer") == force).iter_rows(named=True):
            people, effort = _natural_units(run, loss)
            if people is None:
                continue
            amount = run.losses[loss["id"]]
            weeks = weeks + effort * (amount > 0)
            one = f"one of the {said[force]}"
            each.append(_row(run, one, loss["driver"], "USD/person", amount / people, loss["id"]))
        work = _row(run, said[force], "part-time work lost", PERSON_WEEKS, weeks, force)
        pay = _row(run, said[force], "pay not earned", "USD", lost, force)
        rows += [work, *each, pay] if each else [pay]
    return rows


def _natural_units(run: Run, loss: Mapping[str, Any]) -> tuple[Draws | None, Draws]:
    """(people concerned, person-weeks) of a product over people and weeks, its shares included.

    The argument BAND is the share of the people whom the row concerns; every other share is one of
    their time. People is None where the loss is no such product.
    """
    units = dict(run.known["inputs"].select("id", "unit").iter_rows())
    pairs, values = checks.argument_pairs(loss["arguments"]), arguments(run, loss["id"])
    dims = {name: loss_kinds.dimension(units[pairs[name]]) for name in pairs}
    people = [name for name in pairs if dims[name] == {"person": 1}]
    weeks = [name for name in pairs if dims[name] == {"week": 1}]
    if loss["kind"] != "product" or not people or not weeks:
        return None, np.zeros(run.draws)
    shares = [name for name in pairs if not dims[name]]
    effort = loss_kinds.product({name: values[name] for name in (*people, *weeks, *shares)})
    concerned = values[people[0]] * values.get(BAND, np.ones(1))
    return concerned, np.broadcast_to(effort, run.draws)


def _vendors(run: Run) -> list[dict[str, Any]]:
    said = names(run.known)
    kinds = dict(run.known["entities"].select("id", "kind").iter_rows())
    receive = _receivers(run)

    def what(bearer: str) -> str:
        alone = _TOGETHER if kinds[bearer] == "group" else _ALONE
        return _NET if bearer in receive else alone

    return [
        _row(run, said[bearer], what(bearer), "USD", net(run, bearer), bearer)
        for kind in ("vendor", "group")
        for bearer in sorted(set(run.known["losses"]["bearer"]))
        if kinds[bearer] == kind and (np.any(net(run, bearer)) or rare_text(run, bearer))
    ]


_NET, _ALONE, _TOGETHER = "net of what it does not pay out", "all its losses", "all their losses"


_BANDS = {"lab": "a client lab", "client": "a client"}


def _drivers(run: Run) -> list[dict[str, Any]]:
    """Clients of a kind as one band by driver: the draws of all of them.

    What one client alone may lose is that client's own, which is named.
    """
    known, said = run.known, names(run.known)
    kinds = dict(known["entities"].select("id", "kind").iter_rows())
    mine = known["losses"].filter(pl.col("received_by").is_null())
    clients = {name for name, kind in kinds.items() if kind in ("lab", "client")}
    mine_of = dict(mine.select("id", "needs").iter_rows())
    of_driver: dict[str, set[str]] = {}
    for bearer, driver in mine.select("bearer", "driver").iter_rows():
        of_driver.setdefault(driver, set()).update({bearer} & clients)
    groups: dict[tuple[str, str], list[str]] = {}
    for name, bearer, driver in mine.select("id", "bearer", "driver").iter_rows():
        if bearer in clients:
            alone = len(of_driver[driver]) == 1
            band = said[bearer] if alone else _BANDS[kinds[bearer]]
            groups.setdefault((band, driver), []).append(name)
    rows = []
    for (band, driver), ids in groups.items():
        pooled = np.concatenate([run.losses[name] for name in ids])
        if np.any(pooled) or any(mine_of[name] in rare(run) for name in ids):
            rows.append(_row(run, band, driver, "USD", pooled, ids[0]))
    return rows


def _whole(run: Run) -> list[dict[str, Any]]:
    lost = total(run)
    if not np.any(lost) and not rare_text(run, TOTAL):
        return []
    return [_row(run, "all together", "net of transfers", "USD", lost, TOTAL)]


def _sentence(run: Run, rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "No loss follows from what is known in this view."
    if all(row["range"].startswith(words.NOT_RESOLVED) for row in rows):
        last = rows[-1]
        return f"The loss of {last['who']} is {last['range']}; its chance is {last['said']}."
    told = []
    for row in rows:
        ranged = row["range"]
        if row["said"] not in ("always", "all outcomes"):
            ranged += f", {row['said']}"
        gains = row["p95"] is not None and row["p95"] < 0
        if row["unit"] == PERSON_WEEKS or row["what"] == _TOGETHER:
            told.append(f"{row['who']} {'have' if gains else 'lose'} {ranged}")
        elif row["what"] in (_NET, _ALONE):
            told.append(f"{row['who']} {'has' if gains else 'loses'} {ranged}")
        elif row["who"] == "all together":
            told.append(f"all together {ranged} net")
    basis = ", mostly on assumptions" if _led(run) else ""
    return words.capital(f"{'; '.join(told)}; nine outcomes in ten{basis}.")


def _led(run: Run) -> bool:
    """Whether assumptions carry most of the spread of the total."""
    found = by_bearer(run).row(by_predicate=pl.col("bearer") == TOTAL, named=True)
    return bool(found["assumed_share"] > LED)
