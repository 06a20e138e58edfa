"""What it may cost, and who pays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from impact.answers.answer import Answer, Figure, figure, pictures, worded
from impact.answers.text import one_line, parts
from impact.base.errors import bad
from impact.measures import loss
from impact.measures.loss import LED
from impact.measures.totals import total_loss
from impact.numerics import measures
from impact.simulation import Run, require_event_run

_ORDER = pl.Enum(["driver", "total", "net", "own", "pay", "work", "pay_each"])


def losses(run: Run, most: int | None = None, by: str = "bearer") -> Answer:
    """What it may cost whom: the clients first, then all parties, suppliers and workforces.

    All rows, or the first `most`; or `by` "form", in which each is gross, before what a bearer
    receives. Table: see `impact.measures.loss.ranges`, and by form `parts` there.
    """
    require_event_run(run, "losses")
    if by not in ("bearer", "form"):
        raise bad("by", f'there are no losses by "{by}"', "bearer or form")
    if by == "form":
        forms = loss.parts(run)
        happens = forms.filter((pl.col("chance") > 0) | (pl.col("mean_usd") != 0))
        facts = {"enough": measures.ENOUGH, "rare": loss.unmet(run, loss.TOTAL)}
        answer = worded(run, "forms", forms, facts, shown=happens)
        return replace(answer, table=happens)
    found, means = loss.ranges(run), loss.by_bearer(run).to_dicts()
    part = pl.col("part").cast(_ORDER)
    seldom = pl.when(pl.col("part") == "driver").then(-pl.col("chance")).otherwise(0)
    high = pl.col("high").fill_null(0).round_sig_figs(9)  # what is equal but for rounding is equal
    table = found.sort(part, seldom, -high, "id", maintain_order=True).head(most or found.height)
    currency, lost = run.known.currency, total_loss(run)
    figures = [
        figure(f"mean.{row['bearer']}", row["mean_usd"], currency, row["mean_error_usd"])
        for row in means
    ]
    for row in table.iter_rows(named=True):
        unit = currency if row["unit"] == "money" else "person-weeks"
        said = said_range(run, row)
        figures.append(Figure(f"range.{row['id']}", row["mid"], None, unit, said))
    values = {
        **loss.greatest(run),
        "short": most is not None,
        "work": found.filter(part="work").sort("mid", descending=True).to_dicts()[:1],
        "mean": means[-1],
    }
    whole = values["total"]
    drawable = bool(whole) and whole["low"] is not None and not whole["given"]

    def draw(said: Any, wide: bool) -> Any:
        outcomes = np.quantile(lost, (np.arange(20) + 0.5) / 20, method="inverted_cdf")
        band = whole["low"], whole["high"], said.band
        return pictures().dots(outcomes.tolist(), *band, currency, wide)

    return worded(run, "losses", table, values, figures, draw if drawable else None, there=True)


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
    said, found = _words(run), loss.by_bearer(run)
    prints = {"range": said.bearer_range, "when": said.bearer_when, "basis": said.bearer_basis}
    told = {
        name: [one_line(as_printed(row)) for row in found.iter_rows(named=True)]
        for name, as_printed in prints.items()
    }
    return found.hstack(pl.DataFrame(told))
