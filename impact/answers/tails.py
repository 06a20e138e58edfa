"""How large it can get: chances to exceed an amount, and a year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Facts, Figure, amount, worded
from impact.answers.text import flat
from impact.case import checks
from impact.errors import BadInput, bad
from impact.measures.evidence import names
from impact.measures.loss import LED, TOTAL, bearers, by_bearer, rare_loss_of
from impact.numerics import measures
from impact.simulation import Run, net, total
from impact.sums import simulate_year

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]
POINTS = 120  # points of a drawn curve


def exceedance(run: Run, beside: Run | None = None) -> Answer:
    """How likely the loss is above an amount, for all parties together and for each who loses.

    The curve of all parties of a run `beside` it is drawn faint behind.

    Table, for all parties: `id`, `amount_usd` (round amounts), `chance`, `chance_error`. The
    chart has a curve for each bearer with 500 draws of loss or more. A curve ends where fewer than
    ENOUGH / 5 draws are above it; where assumptions lead it ends at 5 %.
    """
    lost, found = total(run), by_bearer(run)
    end = _ends(found)
    at = _round_amounts(lost)
    chances, errors = measures.exceedance(lost, at)
    shown = chances >= max(end["total"], measures.ENOUGH / 5 / run.draws)
    rows = [
        (f"{a:.15g}", float(a), float(c), float(e))
        for a, c, e in zip(at[shown], chances[shown], errors[shown], strict=True)
    ]
    frame = pl.DataFrame(rows, schema=_CURVE, orient="row")
    middle = min(rows, key=lambda row: (abs(row[2] - 0.5), row[1]), default=None)
    told = [] if middle is None else list(dict.fromkeys([middle, rows[-1]]))
    marks = [{"amount": amount, "chance": chance} for _, amount, chance, _ in told]

    def draw(said: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        behind = None
        if beside is not None and TOTAL in _drawn(beside):
            behind = _curve(beside, TOTAL, _ends(by_bearer(beside))[TOTAL])
        mine = pl.concat([_curve(run, who, end[who]) for who in _drawn(run)])
        texts = [{**mark, "text": flat(said.read_out(mark))} for mark in marks]
        return pictures.curves(mine, behind, texts, run.known.currency, wide)

    figures = tuple(
        Figure(f"above.{name}", chance, error, "chance", words.chance(chance))
        for name, _, chance, error in rows
    )
    values = {
        "marks": marks,
        "lost": bool(np.any(lost)),
        "unmet": rare_loss_of(run, TOTAL),
        "year": run.over == "year",
        "ends": end["total"] > 0,
    }
    picture = draw if rows and _drawn(run) else None
    return worded(run, "exceedance", Facts(frame, values, figures, picture, there=bool(rows)))


_CURVE: dict[str, Any] = {
    "id": pl.String,
    **dict.fromkeys(("amount_usd", "chance", "chance_error"), pl.Float64),
}


def _ends(found: pl.DataFrame) -> dict[str, float]:
    """Bearer -> the chance at which its curve ends: one in twenty where assumptions lead."""
    led = dict(found.select("bearer", "assumed_share").iter_rows())
    return {who: 0.05 if share > LED else 0.0 for who, share in led.items()}


def _drawn(run: Run) -> list[str]:
    """All parties first, then up to three others with enough draws, the greatest mean first."""
    kinds = {who: row["kind"] for who, row in run.known.rows("entities").items()}
    told = [who for who in bearers(run) if kinds[who] != "lab"]  # labs of equal evidence are a kind
    means = {who: float(net(run, who).mean()) for who in told}
    end = _ends(by_bearer(run))
    enough = [
        who
        for who in means
        if (hits := np.count_nonzero(net(run, who) > 0)) >= measures.ENOUGH
        and hits > 2 * end[who] * run.draws  # else its curve would end before it begins
    ]
    enough.sort(key=lambda who: (-means[who], who))
    whole = ["total"] if np.count_nonzero(total(run) > 0) >= measures.ENOUGH else []
    return [*whole, *enough[:3]]


def _curve(run: Run, who: str, end: float) -> pl.DataFrame:
    """Points of one curve, evenly spaced in the logarithm of the amount."""
    lost = total(run) if who == "total" else net(run, who)
    ordered = np.sort(lost[lost > 0])
    last = max(end, measures.ENOUGH / 5 / run.draws)
    top = ordered[max(0, ordered.size - int(np.ceil(last * lost.size)))]
    at = np.geomspace(ordered[ordered.size // 100], top, POINTS)
    chances, errors = measures.exceedance(lost, at)
    said = "all parties together" if who == "total" else names(run.known)[who]
    return pl.DataFrame(
        {
            "who": [said] * POINTS,
            "amount_usd": at,
            "chance": chances,
            "low": np.maximum(chances - errors, 0.0),
            "high": np.minimum(chances + errors, 1.0),
        }
    )


def _round_amounts(lost: Draws) -> Draws:
    """Round amounts from the least loss to the greatest."""
    positive = lost[lost > 0]
    if not positive.size:
        return np.zeros(0)
    low, high = np.log10(positive.min()), np.log10(positive.max())
    powers = np.arange(np.floor(low), np.ceil(high) + 1)
    amounts = np.sort(np.concatenate([digit * 10.0**powers for digit in _DIGITS]))
    kept: Draws = amounts[(amounts >= 10**low) & (amounts <= 10**high)]
    return kept


_DIGITS = (1, 1.5, 2, 3, 4, 6, 8)


def _population(run: Run, rate: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    """Of what population a yearly rate is, on what it rests, and which share of it is this case."""
    publishers = dict(run.known["sources"].select("id", "publisher").iter_rows())
    rows = (rate, run.known.inputs.get(checks.HERE))
    return [
        {**row, "of": [publishers[name] for name in row["sources"]]} if row else None
        for row in rows
    ]


def next_year(run: Run) -> Answer:
    """`years` of the run's view, on as many draws; without a rate, that it is not known."""
    try:
        return years(simulate_year(run.known, run.draws, run.seed))
    except BadInput as error:
        (fault,) = error.faults
        return worded(run, "years", Facts(_NO_YEAR, {"why": fault.what}, there=False))


_NO_YEAR = pl.DataFrame(schema={"id": pl.String})


def years(run: Run) -> Answer:
    """The loss of a year by bearer: a compound sum over as many such events as the year has.

    `run` is from `simulate_year`. Table: `bearer`, `who`, `chance` (of any loss in the year), and
    the measures of `by_bearer`.
    """
    if run.over != "year":
        raise bad("years", "the run is given the event", "take impact.simulate_year(known)")
    found = by_bearer(run)
    if checks.HERE not in run.known.inputs:  # a rate of any such firm is none of a named one
        found = found.filter(pl.col("bearer") == TOTAL)
    lost = found.filter((pl.col("chance") > 0) | pl.col("rare")).sort(
        "mean_usd", "bearer", descending=[True, False], nulls_last=True
    )
    whole = found.row(by_predicate=pl.col("bearer") == TOTAL, named=True)
    rate = next(row for row in run.known.inputs.values() if row["unit"] == checks.RATE)
    figures = tuple(
        amount(f"year.{row['bearer']}", row["mean_usd"], row["mean_error_usd"], run.known.currency)
        for row in lost.iter_rows(named=True)
    )
    values = {"why": "", "whole": whole, "population": _population(run, rate),
              "input": checks.HERE}  # fmt: skip
    return worded(run, "years", Facts(lost.with_columns(id="bearer"), values, figures))
