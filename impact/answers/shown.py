"""What `impact show` prints: exposure and losses of a run, as text and as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from impact import words
from impact.answers.brief import bottom_line
from impact.answers.evidence import window, window_sentence
from impact.answers.exposure import chances, exposure, undrawn
from impact.answers.losses import LED, TOTAL, by_bearer, by_form, losses, said_basis
from impact.answers.provenance import ILLUSTRATIVE
from impact.answers.tails import years
from impact.case import folder, views
from impact.case.folder import Case
from impact.numerics import measures, times
from impact.simulation import MOST_DRAWS, Run, simulate
from impact.sums import totals

KEPT = "above {most:,} draws only the total is kept"
_MEASURES = ("mean_usd", "p50_usd", "p90_usd", "p95_usd", "p99_usd", "tvar95_usd", "mean_error_usd")


def record(run: Run) -> dict[str, Any]:
    """The answer of `impact show --json`; a measure that is not resolved or not shown is null."""
    known = run.known
    losses_of = by_bearer(run).select("bearer", "chance", *_MEASURES, "basis")
    return {
        "case": known.id,
        "scenario": known.scenario,
        "as_of": None if known.as_of is None else times.as_text(known.as_of),
        "tlp": known.tlp,
        "draws": run.draws,
        "over": run.over,
        "seed": run.seed,
        "view_digest": folder.digest(known),
        "changes": [str(change) for change in known.changes],
        "notices": views.notices(known),
        "windows": [
            {"release": name, "part": part, **_span(opens, closes)}
            for name in sorted(set(known["windows"]["entity"]))
            for part, opens, closes in window(known, name).iter_rows()
        ],
        "exposure": chances(run).select("entity", "kind", "chance", "chance_error").to_dicts(),
        "losses": losses_of.to_dicts(),
        "forms": by_form(run).to_dicts(),
    }


def record_of_totals(known: Case, draws: int, seed: int) -> dict[str, Any]:
    """The answer of `impact show --json` for more draws than a run keeps: only the total is told.

    The keys are those of `record`; what is not kept is null, and `basis` says so.
    """
    few = simulate(known, 10_000, seed)
    found = record(few)
    lost, reached = totals(known, draws, seed)
    of_total = measures.loss_measures(lost)
    sure = undrawn(few)
    assumed = dict(by_bearer(few).select("bearer", "assumed_share").iter_rows())
    for row in found["exposure"]:
        chance = measures.share(reached[row["entity"]], draws)
        drawn = row["entity"] not in sure and reached[row["entity"]]
        row |= {"chance": chance.value, "chance_error": chance.error if drawn else 0.0}
    for row in found["losses"]:
        kept = row["bearer"] == TOTAL
        led = assumed[row["bearer"]] > LED
        row["chance"] = of_total["chance"].value if kept else None
        for name in _MEASURES:
            measure = of_total[name.removesuffix("_usd").removesuffix("_error")]
            value = measure.error if "error" in name else measure.value
            row[name] = value if kept and not (led and name == "p99_usd") else None
        if kept:
            row["basis"] = said_basis(few, TOTAL, lost, assumed[TOTAL])
        else:
            row["basis"] += f"; {KEPT.format(most=MOST_DRAWS)}"
    return found | {"draws": draws, "forms": []}


def text_of_totals(known: Case, draws: int, seed: int) -> str:
    """The total of more draws than a run keeps, for a terminal."""
    lost, _ = totals(known, draws, seed)
    found = measures.loss_measures(lost)
    mean, p95 = found["mean"], found["p95"]
    said = f"In {draws:,} draws all together lose {words.money(mean.value, 3)} on average"
    said += f" (± {words.money(mean.error)}), one time in twenty more than"
    said += f" {words.money(p95.value, 3)} (± {words.money(p95.error)})."
    notes = [KEPT.format(most=MOST_DRAWS).capitalize() + ".", f"It is {ILLUSTRATIVE}."]
    return "\n\n".join([*views.notices(known), said, *notes])


def _span(opens: datetime, closes: datetime | None) -> dict[str, str | None]:
    """A window's part in JSON; one that is still open closes with null."""
    return {
        "opens": times.as_text(opens),
        "closes": None if closes is None else times.as_text(closes),
    }


def text(run: Run) -> str:
    """The bottom line, the windows, exposure and losses for a terminal, notices first."""
    known = run.known
    head = f"{known.title}, {known.scenarios[known.scenario].title.lower()}"
    if run.over == "year":
        parts = [f"{head}: next year", *views.notices(known), str(years(run))]
        return "\n\n".join(words.plain(part) for part in parts)
    told = [f"{about}: {says}" for about, says in bottom_line(run).table.iter_rows()]
    answers = [str(exposure(run)), str(losses(run))]
    parts = [head, *views.notices(known), *told, window_sentence(known), *answers]
    return "\n\n".join(words.plain(part) for part in parts if part)
