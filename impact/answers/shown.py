"""What `impact show` prints: exposure and losses of a run, as text and as JSON."""

from __future__ import annotations

from typing import Any

from impact import words
from impact.answers.exposure import chances, exposure
from impact.answers.losses import by_bearer, by_form, losses
from impact.case import folder, views
from impact.numerics import times
from impact.simulation import Run

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
        "seed": run.seed,
        "view_digest": folder.digest(known),
        "changes": [str(change) for change in known.changes],
        "notices": views.notices(known),
        "exposure": chances(run).select("entity", "kind", "chance", "chance_error").to_dicts(),
        "losses": losses_of.to_dicts(),
        "forms": by_form(run).to_dicts(),
    }


def text(run: Run) -> str:
    """Exposure and losses for a terminal, notices first."""
    head = f"{run.known.title}, {run.known.scenarios[run.known.scenario].title.lower()}"
    parts = [head, *views.notices(run.known), str(exposure(run)), str(losses(run))]
    return "\n\n".join(words.plain(part) for part in parts)
