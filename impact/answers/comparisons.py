"""What a change does: scenarios side by side, and a difference told change by change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from impact import words
from impact.answers.answer import Answer, amount
from impact.answers.provenance import ILLUSTRATIVE
from impact.case import views
from impact.case.folder import Case
from impact.case.scenarios import BASELINE
from impact.case.schema import highest
from impact.errors import ImpactError
from impact.numerics import measures
from impact.simulation import Run, given_event, remember, simulate, total

if TYPE_CHECKING:
    import altair as alt


NO_WORTH = "What data is worth to a client or a rival is estimated nowhere and is in no amount."


def under(run: Run, scenario: str) -> Run:
    """The run under another scenario of its case, on the same draws."""
    given_event(run, "under")
    known = views.under(run.known, scenario)
    return simulate(known, run.draws, run.seed, run)


def paired(one: Run, other: Run) -> tuple[measures.Measure, float]:
    """(mean of the other's total less the one's, variance unpaired over paired), on shared draws.

    On the same draws what does not change cancels, so that the error is that of the change alone
    (common random numbers: Law 2014, section 11.2).
    """
    first, second = total(one), total(other)
    moved = second - first
    apart = float(first.var() + second.var())
    found = measures.mean(moved)
    variance = float(moved.var())
    return found, apart / variance if variance > 0 else float("inf")


def compare(run: Run, scenarios: Sequence[str] | None = None) -> Answer:
    """What each scenario of the case does to the total, on the draws of the run.

    All scenarios but that of the run and the members of other grids, or those named. Table:
    `scenario`, `title`, `says`, `mean_usd`, `difference_usd`, `difference_error_usd`, `p95_usd`,
    `p95_difference_usd`, `times_sharper` (variance of the difference on separate draws over that
    on these).
    """
    given_event(run, "compare")
    base, notices = measures.order_statistic(total(run), 0.95), views.notices(run.known)
    names = [name for name in run.known.scenarios if name != run.known.scenario]
    if scenarios is None:
        names = [name for name in names if _beside(run.known, name)]
    rows, label = list[dict[str, Any]](), run.known.label
    for name in names if scenarios is None else scenarios:
        try:
            other = under(run, name)
        except ImpactError:
            if scenarios is not None:
                raise
            continue  # it rests on something that is not known in this view
        remember(run, [other])
        title = run.known.scenarios[name].title
        own = views.notices(run.known)
        notices += [f"{title}: {said}" for said in views.notices(other.known) if said not in own]
        lost, label = total(other), highest((label, other.known.label))
        moved, sharper = paired(run, other)
        p95 = measures.order_statistic(lost, 0.95)
        rows.append(
            {
                "scenario": name,
                "title": run.known.scenarios[name].title,
                "says": run.known.scenarios[name].says,
                "mean_usd": float(lost.mean()),
                "difference_usd": moved.value,
                "difference_error_usd": moved.error,
                "p95_usd": p95,
                "p95_difference_usd": p95 - base,
                "times_sharper": sharper,
                "said": difference_text(run, other, moved),
            }
        )
    frame = pl.DataFrame(rows, schema=_SCENARIOS, orient="row")
    here = titled(run)

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        value, half = pl.col("difference_usd"), pl.col("difference_error_usd")
        rows = frame.select(label="title", value=value, low=value - half, high=value + half)
        return pictures.differences(rows)

    return Answer(
        name="scenarios",
        sentence=_widest(frame, here),
        table=frame,
        label=label,
        currency=run.known.currency,
        heads={
            "title": "Scenario",
            "says": "What it supposes",
            "mean_usd": "Mean total",
            "said": f"Beside {here}",
            "p95_usd": "One in twenty is above",
        },
        figures=tuple(
            amount(f"{part}.{row['scenario']}", row[part], row.get(error), run.known.currency)
            for row in rows
            for part, error in (
                ("mean_usd", ""), ("difference_usd", "difference_error_usd"), ("p95_usd", ""),
            )
        ),
        notes=(
            "Differences are on the same draws; ± is simulation error, half of a 95 % interval.",
            f"Totals are {ILLUSTRATIVE}.",
            *([NO_WORTH] if any(row["said"].endswith("priced") for row in rows) else []),
        )
        if rows
        else (),
        notices=tuple(notices),
        draw=draw if rows else None,
    )  # fmt: skip


_SCENARIOS = {
    **dict.fromkeys(("scenario", "title", "says"), pl.String),
    **dict.fromkeys(("mean_usd", "difference_usd", "difference_error_usd"), pl.Float64),
    **dict.fromkeys(("p95_usd", "p95_difference_usd", "times_sharper"), pl.Float64),
    "said": pl.String,
}


def _beside(known: Case, name: str) -> bool:
    """Whether a scenario is shown beside that of a view: alone, or a member of the same grid."""
    return known.scenarios[name].grid in ("", known.scenarios[known.scenario].grid)


def difference_text(one: Run, other: Run, moved: measures.Measure) -> str:
    """A difference of two totals with its error; none where nothing moves that has a price."""
    value, error, currency = moved.value or 0.0, moved.error or 0.0, one.known.currency
    if not value and not error:
        same = one.reached == other.reached
        return "no difference" if same else "no difference that is priced"
    if abs(value) < error:
        most = words.money(abs(value) + error, None, currency)
        return f"less than {most} either way"
    way = "more" if value > 0 else "less"
    sizes = [words.money(size, None, currency) for size in (abs(value), error) if size]
    return f"{' ± '.join(sizes)} {way}"


def _widest(frame: pl.DataFrame, here: str) -> str:
    if not frame.height:
        return "No other scenario can be worked out from what is known in this view."
    ordered = frame.sort("difference_usd", "scenario")
    most, least = ordered.row(-1, named=True), ordered.row(0, named=True)
    told = [
        f'"{row["title"]}" would cost {row["said"]}'
        for row, away in ((most, most["difference_usd"] > 0), (least, least["difference_usd"] < 0))
        if away
    ]
    if not told:
        return f"No scenario moves the mean total beside {here}."
    return f"Beside {here}, {words.listed(told)} on average."


def titled(run: Run) -> str:
    """The scenario of a run and how many changes of its own it has, as part of a sentence."""
    title = run.known.scenarios[run.known.scenario].title
    own = [c for c in run.known.changes if c not in run.known.scenarios[run.known.scenario].changes]
    title = title.lower() if run.known.scenario == BASELINE else f'"{title}"'
    return f"{title} with {words.count(len(own), 'changed input')}" if own else title
