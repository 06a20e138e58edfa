"""What it may cost, and who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, Facts, Figure, amount, worded
from impact.answers.text import one_line, parts
from impact.base.errors import bad
from impact.measures import loss
from impact.measures.loss import LED
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run, require_event_run

if TYPE_CHECKING:
    import altair as alt

_DOTS = 20
_ORDER = ("driver", "total", "net", "own", "pay", "work", "pay_each")


def losses(run: Run, most: int | None = None, by: str = "bearer") -> Answer:
    """What it may cost whom: the clients first, then all parties, suppliers and workforces.

    All rows, or the first `most`; or `by` "form", in which each is gross, before what a bearer
    receives. Table: see `impact.measures.loss.ranges`, and by form `parts` there.
    """
    require_event_run(run, "losses")
    if by != "bearer":
        return _by_form(run, by)
    found = loss.ranges(run)
    order = pl.col("part").replace_strict(_ORDER, range(len(_ORDER)), return_dtype=pl.Int64)
    seldom = pl.when(pl.col("part") == "driver").then(-pl.col("chance")).otherwise(0)
    high = pl.col("high").fill_null(0).round_sig_figs(9)  # what is equal but for rounding is equal
    table = found.sort(order, seldom, -high, "id", maintain_order=True)
    table = table.head(most) if most else table
    values = {**loss.greatest(run), "moved": bool(run.known["losses"]["received_by"].count())}
    work = (row for row in found.to_dicts() if row["part"] == "work")
    means = loss.by_bearer(run).to_dicts()
    values |= {"short": most is not None, "work": next(work, None), "mean": means[-1]}
    figures = [
        amount(f"mean.{row['bearer']}", row["mean_usd"], row["mean_error_usd"], run.known.currency)
        for row in means
    ] + [
        Figure(f"range.{row['id']}", row["mid"], None, _unit(run, row), said_range(run, row))
        for row in table.iter_rows(named=True)
    ]
    lost, whole = total_loss(run), values["total"]
    drawable = bool(whole) and whole["low"] is not None and not whole["given"]

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        outcomes = np.quantile(lost, (np.arange(_DOTS) + 0.5) / _DOTS, method="inverted_cdf")
        band = (whole["low"], whole["high"], said.band)
        return pictures.dots(outcomes.tolist(), *band, run.known.currency, wide)

    facts = Facts(table, values, figures, draw if drawable else None, there=bool(table.height))
    return worded(run, "losses", facts)


def _by_form(run: Run, by: str) -> Answer:
    if by != "form":
        raise bad("by", f'there are no losses by "{by}"', "bearer or form")
    found = loss.parts(run)
    figures = [
        amount(
            f"{name}.{row['id']}", row[f"{name}_usd"], row[f"{name}_error_usd"], run.known.currency
        )
        for row in found.to_dicts()
        for name in ("given", "mean", "p95", "tvar95")
    ]
    happens = found.filter((pl.col("chance") > 0) | (pl.col("mean_usd") != 0))
    facts = Facts(happens, {"enough": measures.ENOUGH}, figures, there=bool(happens.height))
    return worded(run, "forms", facts)


def _unit(run: Run, row: dict[str, Any]) -> str:
    return run.known.currency if row["unit"] == "money" else "person-weeks"


def _words(run: Run) -> Any:
    """The words for what bearers lose."""
    facts = {"currency": run.known.currency, "draws": run.draws, "led": LED}
    return parts("bearers", {**facts, "enough": measures.ENOUGH})


def said_range(run: Run, row: dict[str, Any]) -> str:
    """The range of a row of `ranges`, and of which outcomes it is."""
    told = {**row, "often": row["chance"], "unmet": loss.rare_loss_of(run, row["about"])}
    return one_line(_words(run).row_range(told))


def told_bearers(run: Run) -> pl.DataFrame:
    """`loss.by_bearer` with `range`, `when` and `basis` as printed."""
    said = _words(run)
    prints = {"range": said.bearer_range, "when": said.bearer_when, "basis": said.bearer_basis}
    rows = [
        {**row, **{name: one_line(as_printed(row)) for name, as_printed in prints.items()}}
        for row in loss.by_bearer(run).iter_rows(named=True)
    ]
    floats = dict.fromkeys((*loss.USD, "chance", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema_overrides=floats)
