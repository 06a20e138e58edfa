"""Which open question would settle most, of a decision and of two outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl

from impact.case import checks
from impact.case.folder import Case
from impact.measures.choice import Costing, costings
from impact.measures.evidence import related
from impact.measures.totals import total_loss
from impact.numerics import Draws, graph, information
from impact.numerics.information import Bins
from impact.simulation import Run, drawn_inputs, model_of, per_run, require_event_run

LEAST = 0.01  # share of the spread below which an answer settles nothing worth telling


@per_run
def ranking(run: Run) -> pl.DataFrame:
    """The questions that would settle most, the first one first.

    One ranking over inputs and states of entities; of several that one question settles the one
    that matters most. By the value of the answer to a decision of the reader's role, then by the
    greater share of the spread of two outcomes that it explains: the total loss, and how many
    parties are reached and client data sets copied (first-order Sobol indices). A state that too
    few draws show, or show the absence of, is not ranked.

    Columns `id` (an input or an entity), `question`, `ask`, `value_usd`, `decision`, `swing_usd`
    (mean total where it is greatest or so, less where it is least or not), `cost_share`,
    `data_share`.
    """
    require_event_run(run, "unknowns")
    own = own_decisions(run)
    outcomes = _outcomes(run, own)
    variances, space = outcomes.var(axis=0), np.empty_like(outcomes)
    asked, every = dict[str, dict[str, Any]](), list(_quantities(run))
    for name, question, ask, bins in every:
        means = bins.means(outcomes, space)
        found = _measured(own, bins, means, variances, len(every))
        row = {"id": name, "question": question, "ask": ask, **found}
        if not row["value_usd"] and max(row["cost_share"], row["data_share"]) < LEAST:
            continue
        old = asked.setdefault(question, row)
        asked[question] = min(old, row, key=_rank)
    rows = sorted(asked.values(), key=_rank)
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _rank(row: dict[str, Any]) -> tuple[float, float, str]:
    """The order of questions: by worth, then by the greater share, then by name."""
    return -row["value_usd"], -max(row["cost_share"], row["data_share"]), row["id"]


_MEASURED = ("value_usd", "swing_usd", "cost_share", "data_share")
_SCHEMA = {
    **dict.fromkeys(("id", "question", "ask", "decision"), pl.String),
    **dict.fromkeys(_MEASURED, pl.Float64),
}


def _quantities(run: Run) -> Iterator[tuple[str, str, str, Bins]]:
    """(input or entity, question, whom to ask, bins of the draws by it), for all that can be asked.

    Once for each stream of an input; states that come and go together are one.
    """
    for name, key, values in drawn_inputs(run):
        question, ask = _question(run, name)
        if question:
            kept = ("bins", *key)
            if kept not in run.drawn:
                run.drawn[kept] = information.bins_of(values)
            if run.drawn[kept] is not None:
                yield name, question, ask, run.drawn[kept]
    told = {0, graph.everything(run.draws)}
    for entity, mask in run.reached.items():
        question, ask = _question(run, entity) if mask not in told else ("", "")
        if question:
            told.add(mask)
            kept = ("bins", mask)
            if kept not in run.drawn:
                run.drawn[kept] = information.two_bins(graph.unpack(mask, run.draws))
            if run.drawn[kept] is not None:
                yield entity, question, ask, run.drawn[kept]


def role_of(known: Case, party: str) -> str:
    """As whom a party would read a page: vendor, contractor, user of the package, or client."""
    users = {user for found in related(known, "used_by").values() for user in found}
    kind = known.rows("entities")[party]["kind"]
    of_kind = {"vendor": "vendor", "workforce": "contractor"}.get(kind)
    return of_kind or ("user" if party in users else "client")


def own_decisions(run: Run) -> tuple[Costing, ...]:
    """The decisions of the reader's role."""
    known = run.known
    return tuple(one for one in costings(run) if role_of(known, one.decision.bearer) == known.role)


def _outcomes(run: Run, own: Sequence[Costing]) -> Draws:
    """`(draws, columns)`: total, parties touched, then the costs of the options of decisions."""
    costs = [cost for one in own for cost in one.costs]
    return np.ascontiguousarray(np.array([total_loss(run), _touched(run), *costs]).T)


def _measured(
    own: Sequence[Costing], bins: Bins, means: Draws, variances: Draws, tried: int
) -> dict[str, Any]:
    """The measures of one quantity of those tried, from `(bins, columns)` means of `_outcomes`."""
    value, decision, column = 0.0, "", 2
    for one in own:
        of_options = means[:, column : column + len(one.costs)]
        column += len(one.costs)
        if information.gain(of_options, bins.sizes) > 0:
            worth = information.worth(bins, one.costs.T, tried * len(own))
            if worth > max(value, LEAST * float(one.costs.mean(axis=1).min())):
                value, decision = worth, one.decision.title
    cost, data = (
        information.first_order(means[:, place], bins.sizes, float(variances[place]))
        for place in (0, 1)
    )
    return {
        "value_usd": value,
        "decision": decision,
        "swing_usd": float(means[-1, 0] - means[0, 0]) if cost else 0.0,
        "cost_share": cost,
        "data_share": data,
    }


def _question(run: Run, name: str) -> tuple[str, str]:
    """(question, whom to ask) of an input, or of a state: its own, or its least likely input's."""
    inputs = run.known.inputs
    if name in inputs:
        return inputs[name]["question"] or "", inputs[name]["ask"] or ""
    row = run.known.rows("entities")[name]
    if row.get("question"):
        return row["question"], row["ask"] or ""
    leading = (edge for edge in run.edges if edge.target == name and edge.source in run.reached)
    terms = (checks.chance_term(term)[0] for e in leading for term in run.model.terms[e.name])
    asked = [inputs[one] for one in terms if one in inputs and inputs[one]["question"]]
    if not asked:
        return "", ""
    least = min(asked, key=lambda row: (row["mode"] or 0.0, row["id"]))
    return least["question"], least["ask"] or ""


def _touched(run: Run) -> Draws:
    """`(draws,)` number of parties reached and of client data sets copied."""
    there = (one for one in _parties(run.known) if run.reached.get(one))
    return graph.counted((run.reached[one] for one in there), run.draws)


def _parties(known: Case) -> tuple[str, ...]:
    """The parties that may be reached, and the client data sets that may be copied."""
    rows = known.rows("entities")
    copies = {copy for found in related(known, "taken_from").values() for copy in found}
    of_lab = {name for name in copies if rows.get(rows[name]["party"], {}).get("kind") == "lab"}
    kinds = ("lab", "client", "vendor")
    return tuple(name for name, row in rows.items() if row["kind"] in kinds or name in of_lab)


def inputs_used(known: Case) -> frozenset[str]:
    """The inputs, and the implicit ones of links, on which any number of a view can rest."""
    model = model_of(known)
    return frozenset(model.used)
