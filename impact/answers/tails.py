"""How large it can get: chances to exceed an amount, measures by part, and a year."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Figure, amount
from impact.answers.losses import LED, TOTAL, bearers, by_bearer, rare_text
from impact.answers.provenance import ILLUSTRATIVE, names
from impact.case import checks, views
from impact.errors import BadInput, bad
from impact.numerics import measures
from impact.simulation import Run, net, total
from impact.sums import simulate_year

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]
POINTS = 120  # points of a drawn curve
GIVEN = {
    "event": "Amounts suppose that the event happened.",
    "year": "Amounts are for a year, in which it may happen not at all or more than once.",
}


def exceedance(run: Run, beside: Run | None = None) -> Answer:
    """How likely the loss is above an amount, for all together and for each who loses.

    The curve of all together of a run `beside` it is drawn faint behind.

    Table, for all together: `amount_usd` (round amounts), `chance`, `chance_error`, and `said`. The
    chart has a curve for each bearer with 500 draws of loss or more. A curve ends where fewer than
    ENOUGH / 5 draws are above it; where assumptions lead it ends at 5 %.
    """
    lost, found = total(run), by_bearer(run)
    end = _ends(found)
    at = _round_amounts(lost)
    chances, errors = measures.exceedance(lost, at)
    shown = chances >= max(end["total"], measures.ENOUGH / 5 / run.draws)
    rows = [
        (float(a), float(c), float(e), words.chance(float(c)))
        for a, c, e in zip(at[shown], chances[shown], errors[shown], strict=True)
    ]
    frame = pl.DataFrame(rows, schema=_CURVE, orient="row")

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        behind = None
        if beside is not None and TOTAL in _drawn(beside):
            behind = _curve(beside, TOTAL, _ends(by_bearer(beside))[TOTAL])
        mine = pl.concat([_curve(run, who, end[who]) for who in _drawn(run)])
        return pictures.curves(mine, behind)

    return Answer(
        name="exceedance",
        sentence=_sentence(run, rows),
        table=frame,
        label=run.known.label,
        currency=run.known.currency,
        heads={"amount_usd": "Total above", "said": "How likely, in per cent"},
        figures=tuple(
            Figure(f"above.{amount:.15g}", chance, error, "chance", words.chance(chance))
            for amount, chance, error, _ in rows
        ),
        notes=(f"Curves are {ILLUSTRATIVE}. {GIVEN[run.over]} Bands are simulation error alone.",)
        if rows
        else (),
        notices=tuple(views.notices(run.known)),
        draw=draw if rows and _drawn(run) else None,
    )


_CURVE = {**dict.fromkeys(("amount_usd", "chance", "chance_error"), pl.Float64), "said": pl.String}


def _ends(found: pl.DataFrame) -> dict[str, float]:
    """Bearer -> the chance at which its curve ends: one in twenty where assumptions lead."""
    led = dict(found.select("bearer", "assumed_share").iter_rows())
    return {who: 0.05 if share > LED else 0.0 for who, share in led.items()}


def _drawn(run: Run) -> list[str]:
    """All together first, then up to three others with enough draws, the greatest mean first."""
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
    said = "all together" if who == "total" else names(run.known)[who]
    return pl.DataFrame(
        {
            "who": [said] * POINTS,
            "about": [who] * POINTS,
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


def _sentence(run: Run, rows: list[tuple[float, float, float, str]]) -> str:
    """The chances of two round amounts: that nearest to one half, and the greatest told."""
    if not np.any(total(run)):
        unmet = rare_text(run, TOTAL)
        return f"The loss is {unmet}." if unmet else "Nothing is lost in this view."
    if not rows:
        return "How large the loss of all together can get is not resolved in this view."
    when = "years" if run.over == "year" else "draws"
    middle = min(rows, key=lambda row: (abs(row[1] - 0.5), row[0]))
    told = [
        f"{words.money(row[0], currency=run.known.currency)} in {words.portion(row[1], when)}"
        for row in (middle, rows[-1])
    ]
    return f"All together lose more than {', and more than '.join(dict.fromkeys(told))}."


def itemised(run: Run, by: str = "form") -> Answer:
    """The measures of each part of the loss: `by` bearer (net), form, or item (rows of losses.csv).

    Parts by form and item are gross, as a bearer's own loss before what it receives.
    Table: `bearer`, `part`, `chance`, `chance_error`, then `given_usd` (mean where there is a
    loss), `mean_usd`, `p05_usd` to `p99_usd` and `tvar95_usd`, each with its `_error_usd`.
    """
    groups, rows = _groups(run, by), list[dict[str, Any]]()
    for (bearer, part), of in groups.items():
        parts = [net(run, bearer)] if by == "bearer" else [run.losses[name] for name in of]
        found = measures.loss_measures(np.sum(parts, axis=0))
        row = {"bearer": bearer, "part": part, "chance": found["chance"].value,
               "chance_error": found["chance"].error}  # fmt: skip
        for name in measures.NAMES[1:]:
            row |= {f"{name}_usd": found[name].value, f"{name}_error_usd": found[name].error}
        rows.append(row)
    rows.sort(key=lambda row: (-(row["mean_usd"] or 0.0), row["bearer"], row["part"]))
    said = names(run.known)
    frame = _worded(
        pl.DataFrame(rows, schema=_PARTS, orient="row").with_columns(
            who=pl.col("bearer").replace(said)
        ),
        run.known.currency,
    )
    nonzero = frame.filter((pl.col("chance") > 0) | (pl.col("mean_usd") != 0))
    first = nonzero.row(0, named=True) if nonzero.height else None
    sentence = "No part of the loss occurs in this view."
    if first and first["mean_usd"] is not None:
        what = f": {first['part']}" if by != "bearer" else ""
        sentence = f"The greatest part on average is {first['who']}{what},"
        sentence += f" {words.money(first['mean_usd'], currency=run.known.currency)}."
    return Answer(
        name="parts",
        sentence=sentence,
        table=nonzero,
        label=run.known.label,
        heads={
            "who": "Who",
            **({} if by == "bearer" else {"part": by.capitalize()}),
            "said": "Chance of any",
            **{f"{name}_said": head for name, head in _SAID.items()},
        },
        figures=tuple(
            amount(f"{name}.{row['bearer']}.{row['part']}", row[f"{name}_usd"],
                   row[f"{name}_error_usd"], run.known.currency)
            for row in rows for name in ("given", "mean", "p95", "tvar95")
        ),
        notes=(
            f"{GIVEN[run.over]} They are {ILLUSTRATIVE}. ± is simulation error. Where fewer than"
            f" {measures.ENOUGH} draws hold a loss, nothing but the chance is given.",
        )
        if rows
        else (),
    )  # fmt: skip


_SAID = {
    "mean": "Mean",
    "mean_error": "± of the mean",
    "given": "Mean where there is a loss",
    "p95": "One in twenty is above",
    "tvar95": "Mean of that twentieth",
}


def _worded(frame: pl.DataFrame, currency: str) -> pl.DataFrame:
    """The frame with its chance and its amounts as printed."""
    amounts = [
        pl.Series(
            f"{name}_said",
            [words.money(v, currency=currency) for v in frame[f"{name}_usd"]],
            pl.String,
        )
        for name in _SAID
        if f"{name}_usd" in frame.columns
    ]
    chances = pl.Series("said", [words.chance(chance) for chance in frame["chance"]], pl.String)
    return frame.with_columns(chances, *amounts)


_PARTS = {
    **dict.fromkeys(("bearer", "part"), pl.String),
    **dict.fromkeys(("chance", "chance_error"), pl.Float64),
    **{f"{n}{e}_usd": pl.Float64 for n in measures.NAMES[1:] for e in ("", "_error")},
}


def _groups(run: Run, by: str) -> dict[tuple[str, str], list[str]]:
    """(bearer, part) -> the rows of losses.csv that add up to it, or the bearer whose net it is."""
    if by == "bearer":
        return {(who, "net"): [who] for who in bearers(run)}
    if by not in ("form", "item"):
        raise bad("by", f'there are no parts by "{by}"', "bearer, form or item")
    found: dict[tuple[str, str], list[str]] = {}
    for name, row in run.model.losses.items():
        part = row["form"].replace("_", " ") if by == "form" else row["driver"]
        found.setdefault((row["bearer"], part), []).append(name)
    return found


def _population(run: Run, rate: Mapping[str, Any]) -> list[str]:
    """Of what population a yearly rate is, on what it rests, and which share of it is this case."""
    publishers = dict(run.known["sources"].select("id", "publisher").iter_rows())
    told = []
    for row in (rate, run.known.inputs.get(checks.HERE)):
        if row is None:
            told.append(
                f"Firms are not named: nothing says which share of such events hits them; give"
                f" inputs.csv {checks.HERE}."
            )
            continue
        sources = words.listed([publishers[name] for name in row["sources"]]) or row["basis_kind"]
        told.append(f"{row['meaning'].rstrip('.')}: {row['basis'].rstrip('.')} ({sources}).")
    return told


def next_year(run: Run) -> Answer:
    """`years` of the run's view, on as many draws; without a rate, that it is not known."""
    try:
        return years(simulate_year(run.known, run.draws, run.seed))
    except BadInput as error:
        (fault,) = error.faults
        said = f"A year cannot be told: {fault.what}."
        return Answer("years", said, pl.DataFrame(), label=run.known.label)


def years(run: Run) -> Answer:
    """The loss of a year by bearer: a compound sum over as many such events as the year has.

    `run` is from `simulate_year`. Table: `bearer`, `who`, `chance` (of any loss in the year), and
    the measures of `by_bearer`.
    """
    if run.over != "year":
        raise bad("years", "the run is given the event", "take impact.simulate_year(known)")
    said = names(run.known) | {"total": "all together"}
    measured = by_bearer(run).with_columns(who=pl.col("bearer").replace(said))
    found = _worded(measured, run.known.currency)
    if checks.HERE not in run.known.inputs:  # a rate of any such firm is none of a named one
        found = found.filter(pl.col("bearer") == TOTAL)
    lost = found.filter((pl.col("chance") > 0) | pl.col("range").str.starts_with("not res")).sort(
        "mean_usd", "bearer", descending=[True, False], nulls_last=True
    )
    whole = found.row(by_predicate=pl.col("bearer") == "total", named=True)
    rate = next(row for row in run.known.inputs.values() if row["unit"] == checks.RATE)
    sentence = f"All together lose something in {words.portion(whole['chance'], 'years')}"
    if whole["mean_usd"] is not None:
        sentence += f", {words.money(whole['mean_usd'], currency=run.known.currency)} on average"
    return Answer(
        name="years",
        sentence=f"{sentence}.",
        table=lost,
        label=run.known.label,
        heads={
            "who": "Who",
            "said": "Chance of any",
            "mean_said": "Mean of a year",
            "p95_said": "One year in twenty is above",
            "tvar95_said": "Mean of that twentieth",
        },
        figures=tuple(
            amount(f"year.{row['bearer']}", row["mean_usd"], row["mean_error_usd"],
                   run.known.currency)
            for row in lost.iter_rows(named=True)
        ),
        notes=(GIVEN["year"], *_population(run, rate)),
    )  # fmt: skip
