"""Which open question would settle most, of a decision and of two outcomes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from impact.case import checks
from impact.case.folder import Case, once
from impact.case.ways import READER
from impact.measures.choice import Costing, costings
from impact.measures.evidence import related
from impact.measures.frames import frame
from impact.measures.reach import client_data
from impact.measures.totals import total_loss
from impact.numerics import Draws, graph, information
from impact.numerics.information import Bins
from impact.simulation import Run, drawn_inputs, require_event_run

LEAST = 0.01  # share of the spread below which an answer settles nothing worth telling


@once
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
    own, outcomes = own_decisions(run), (total_loss(run), _touched(run))
    asked, every = dict[str, dict[str, Any]](), list(_quantities(run))
    for name, (question, ask), bins in every:
        found = _measured(own, bins, outcomes, len(every) * len(own))
        row = {"id": name, "question": question, "ask": ask or "whoever knows", **found}
        if row["value_usd"] or max(row["cost_share"], row["data_share"]) >= LEAST:
            asked[question] = min(asked.get(question, row), row, key=_rank)
    rows = sorted(asked.values(), key=_rank)
    return frame("ranking", rows)


def _rank(row: dict[str, Any]) -> tuple[float, float, str]:
    """The order of questions: by worth, then by the greater share, then by name."""
    return -row["value_usd"], -max(row["cost_share"], row["data_share"]), row["id"]


def _quantities(run: Run) -> Iterator[tuple[str, tuple[str, str], Bins]]:
    """(input or entity, its question, bins of the draws by it), for all that can be asked.

    Once for each stream of an input; states that come and go together are one.
    """
    for name, values in drawn_inputs(run):
        question = _question(run, name)
        if question[0] and (bins := information.bins_of(values)):
            yield name, question, bins
    told = {0, graph.everything(run.draws)}
    for entity, mask in run.reached.items():
        if mask not in told and (question := _question(run, entity))[0]:
            told.add(mask)
            if bins := information.two_bins(graph.unpack(mask, run.draws)):
                yield entity, question, bins


def role_of(known: Case, party: str) -> str:
    """As whom a party would read a page: vendor, contractor, user of the package, or client."""
    if party == READER:
        return known.role
    users = {user for found in related(known, "used_by").values() for user in found}
    kind = known.rows("entities")[party]["kind"]
    of_kind = {"vendor": "vendor", "workforce": "contractor"}.get(kind)
    return of_kind or ("user" if party in users else "client")


def own_decisions(run: Run) -> tuple[Costing, ...]:
    """The decisions of the reader's role."""
    known = run.known
    return tuple(one for one in costings(run) if role_of(known, one.decision.bearer) == known.role)


def _measured(
    own: Sequence[Costing], bins: Bins, outcomes: tuple[Draws, Draws], tried: int
) -> dict[str, Any]:
    """The measures of one quantity, of so many tried, by decisions and the two outcomes."""
    value, decision = 0.0, ""
    for one in own:
        worth = information.worth(bins, one.costs.T, tried)
        if worth > max(value, LEAST * float(one.costs.mean(axis=1).min())):
            value, decision = worth, one.decision.title
    cost, data = (information.first_order(bins, each) for each in outcomes)
    means = bins.means(outcomes[0])
    return {
        "value_usd": value,
        "decision": decision,
        "swing_usd": float(means[-1] - means[0]) if cost else 0.0,
        "cost_share": cost,
        "data_share": data,
    }


def _question(run: Run, name: str) -> tuple[str, str]:
    """(question, whom to ask) of an input, or of a state: its own, or its least likely input's."""
    inputs = run.known.inputs
    row = inputs[name] if name in inputs else run.known.rows("entities")[name]
    if name not in inputs and not row["question"]:
        leading = (e.name for e in run.edges if e.target == name and e.source in run.reached)
        terms = (checks.chance_term(term)[0] for link in leading for term in run.model.terms[link])
        asked = (inputs[one] for one in terms if one in inputs and inputs[one]["question"])
        row = min(asked, key=lambda of: (of["mode"] or 0.0, of["id"]), default=row)
    return row["question"] or "", row["ask"] or ""


def _touched(run: Run) -> Draws:
    """`(draws,)` number of parties reached and of client data sets copied."""
    rows, of_lab = run.known.rows("entities"), client_data(run, "taken_from", ["lab"])
    there = (
        mask
        for name, mask in run.reached.items()
        if rows[name]["kind"] in ("lab", "client", "vendor") or name in of_lab
    )
    return graph.counted(there, run.draws)
