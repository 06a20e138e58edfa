"""What is not known, and which question to ask first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Figure, amount, tally
from impact.answers.decisions import Weighed, weighed
from impact.answers.exposure import related
from impact.answers.provenance import leading_to, names
from impact.answers.statements import said_by
from impact.case import views
from impact.case.folder import Case, once
from impact.numerics import graph, information
from impact.numerics.information import Bins
from impact.simulation import Run, drawn_inputs, given_event, model_of, per_run, total

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]


def unknowns(run: Run, most: int | None = None) -> Answer:
    """The questions that would settle most, the first one first; all of them, or the first `most`.

    One ranking over inputs and states of entities; of several that one question settles the one
    that matters most. By the value of the answer to a decision of the reader's role, then by the
    greater share of the spread of two outcomes that it explains: the total loss, and how many
    parties are reached and client data sets copied (first-order Sobol indices). A state that too
    few draws show, or show the absence of, is not ranked.

    Table: `rank`, `about`, `question`, `ask`, `value_usd`, `decision`, `swing_usd` (mean total
    where it is greatest or so, less where it is least or not), `cost_share`, `data_share`.
    """
    ranked = _ranking(run)
    frame = ranked.head(most) if most else ranked
    worthy = bool((ranked["value_usd"] > 0).any())

    drawn = (
        frame.select(
            label=pl.concat_str("rank", pl.lit(". "), "question"),
            value=pl.max_horizontal("cost_share", "data_share"),
        )
        .filter(pl.col("value") >= _LEAST)
        .head(12)
    )

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        return pictures.bars(drawn, "share of the spread")

    return Answer(
        name="questions",
        sentence=words.capital(first_question(run)),
        table=frame,
        label=run.known.label,
        heads={
            "rank": "No.",
            "question": "Question",
            "ask": "Whom to ask",
            **({"value_said": "Worth to a decision"} if worthy else {}),
            **({} if most else {"swing_said": "Moves the total by"}),
            "cost_said": "Explains of the total cost",
            "data_said": "Explains of whose data is reached or copied",
        },
        figures=tuple(
            figure
            for row in frame.iter_rows(named=True)
            for figure in (
                amount(f"worth.{row['about']}", row["value_usd"], None, run.known.currency),
                amount(f"swing.{row['about']}", row["swing_usd"], None, run.known.currency),
                *(
                    Figure(f"{part}.{row['about']}", row[part], None, "share",
                           words.per_cent(row[part]))
                    for part in ("cost_share", "data_share")
                ),
            )
        ),
        notes=(
            f"Ranked {'by worth, then ' if worthy else ''}by the greater of the two shares, which"
            " are first-order Sobol indices and may overlap."
            + (" Worth: what knowing the answer first would save on average." if worthy else ""),
        )
        if frame.height and not most
        else (),
        notices=tuple(views.notices(run.known)),
        draw=draw if drawn.height > 1 and not most else None,
    )  # fmt: skip


@per_run
def first_question(run: Run) -> str:
    """The first question to ask and whom, as the end of a sentence."""
    ranked = _ranking(run)
    if not ranked.height:
        return "no open question moves an answer in this view."
    first = ranked.row(0, named=True)
    return f"first question, for {first['ask']}: {first['question']}"


@per_run
def _ranking(run: Run) -> pl.DataFrame:
    """The table of `unknowns`."""
    given_event(run, "unknowns")
    outcomes = _outcomes(run)
    variances, space = outcomes.var(axis=0), np.empty_like(outcomes)
    asked, every = dict[str, dict[str, Any]](), list(_quantities(run))
    for name, question, ask, bins in every:
        means = bins.means(outcomes, space)
        found = _measured(run, bins, means, variances, len(every))
        row = {"about": name, "question": question, "ask": ask, **found}
        if not row["value_usd"] and max(row["cost_share"], row["data_share"]) < _LEAST:
            continue
        old = asked.setdefault(question, row)
        asked[question] = min(old, row, key=_rank)
    rows = sorted(asked.values(), key=_rank)
    for rank, row in enumerate(rows, 1):
        row |= {"rank": str(rank), **_said(row)}
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


def _rank(row: dict[str, Any]) -> tuple[float, float, str]:
    """The order of questions: by worth, then by the greater share, then by name."""
    return -row["value_usd"], -max(row["cost_share"], row["data_share"]), row["about"]


_MEASURED = ("value_usd", "swing_usd", "cost_share", "data_share")
_SCHEMA = {
    **dict.fromkeys(("rank", "about", "question", "ask", "decision"), pl.String),
    **dict.fromkeys(_MEASURED, pl.Float64),
    **dict.fromkeys(("value_said", "swing_said", "cost_said", "data_said"), pl.String),
}
_LEAST = 0.01  # share of the spread below which a dash is printed


def _said(row: dict[str, Any]) -> dict[str, str]:
    """The measures of a row as a page prints them; a dash for what is next to nothing."""
    shares = {part: row[f"{part}_share"] for part in ("cost", "data")}
    said = {
        f"{part}_said": words.per_cent(share) if share >= _LEAST else "–"
        for part, share in shares.items()
    }
    said["swing_said"] = words.money(row["swing_usd"]) if shares["cost"] >= _LEAST else "–"
    worth = f"{words.money(row['value_usd'])} ({row['decision']})"
    return said | {"value_said": worth if row["value_usd"] else "–"}


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


@per_run
def own_decisions(run: Run) -> tuple[Weighed, ...]:
    """The decisions of the reader's role."""
    kinds = {name: row["kind"] for name, row in run.known.rows("entities").items()}
    users = {row["target"] for row in run.known.rows("links").values()
             if row["relation"] == "used_by"}  # fmt: skip

    def role(bearer: str) -> str:
        of_kind = {"vendor": "vendor", "workforce": "contractor"}.get(kinds[bearer])
        return of_kind or ("user" if bearer in users else "client")

    return tuple(one for one in weighed(run) if role(one.decision.bearer) == run.known.role)


@per_run
def _outcomes(run: Run) -> Draws:
    """`(draws, columns)`: total, parties touched, then the costs of options of `own_decisions`."""
    costs = [cost for one in own_decisions(run) for cost in one.costs]
    return np.ascontiguousarray(np.array([total(run), _touched(run), *costs]).T)


def _measured(run: Run, bins: Bins, means: Draws, variances: Draws, tried: int) -> dict[str, Any]:
    """The measures of one quantity of those tried, from `(bins, columns)` means of `_outcomes`."""
    value, decision, column = 0.0, "", 2
    for one in own_decisions(run):
        of_options = means[:, column : column + len(one.costs)]
        column += len(one.costs)
        if information.gain(of_options, bins.sizes) > 0:
            worth = information.worth(bins, one.costs.T, tried * len(own_decisions(run)))
            if worth > max(value, _LEAST * float(one.costs.mean(axis=1).min())):
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
    asked = [inputs[term] for term in leading_to(run, name) if inputs[term]["question"]]
    if not asked:
        return "", ""
    least = min(asked, key=lambda row: (row["mode"] or 0.0, row["id"]))
    return least["question"], least["ask"] or ""


@per_run
def _touched(run: Run) -> Draws:
    """`(draws,)` number of parties reached and of client data sets copied."""
    count = np.zeros(run.draws)
    for entity in _parties(run.known):
        if run.reached.get(entity):
            count += graph.unpack(run.reached[entity], run.draws)
    return count


@once
def _parties(known: Case) -> tuple[str, ...]:
    """The parties that may be reached, and the client data sets that may be copied."""
    rows = known.rows("entities")
    copies = {copy for found in related(known, "taken_from").values() for copy in found}
    of_lab = {name for name in copies if rows.get(rows[name]["party"], {}).get("kind") == "lab"}
    kinds = ("lab", "client", "vendor")
    return tuple(name for name, row in rows.items() if row["kind"] in kinds or name in of_lab)


def not_known(run: Run) -> Answer:
    """What nobody has said: who is silent, and which numbers of the view are assumptions.

    Table: `what`, `why`, `who` (who could say).
    """
    known, said = run.known, names(run.known)
    rows: list[tuple[str, str, str]] = []
    silent = (
        known["claims"]
        .filter(pl.col("stance") == "is silent")
        .unique("claimant", maintain_order=True)
    )
    for claim in silent.sort("known_on", "id").iter_rows(named=True):
        who = said[claim["claimant"]]
        rows.append(
            (f"What {who} does", f"{claim['says'].rstrip('.')} ({said_by(known, claim)})", who)
        )
    asked = known["claims"].filter(pl.col("stance") == "is asked").sort("known_on", "id")
    for claim in asked.iter_rows(named=True):
        rows.append((claim["says"], "not reported", said[claim["claimant"]]))
    inputs = [row for name, row in known.inputs.items() if name in _used(known)]
    rank = {name: place for place, name in enumerate(_ranking(run)["about"])}
    assumed = [row for row in inputs if row["basis_kind"] == "assumption"]
    open_ = [row for row in assumed if row["question"]]
    open_.sort(key=lambda row: (rank.get(row["id"], len(rank)), row["id"]))
    for row in open_:
        rows.append((row["meaning"], row["basis"], words.capital(row["ask"] or "")))
    schema = dict.fromkeys(("what", "why", "who"), pl.String)
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    many, day = len(assumed), timedelta(days=1)
    later = sum((row["authored_on"] or row["known_on"]) > row["known_on"] + day for row in assumed)
    sentence = "Nothing is modelled yet from what is known in this view."
    if inputs:
        told = f"{later} of them" if later < many or not many else "all of them"
        sentence = (
            f"{many} of the {len(inputs)} inputs behind these numbers are assumptions,"
            f" {told} made in retrospect, after the day for which they stand."
        )
    return Answer(
        name="not_known",
        sentence=sentence,
        table=frame,
        label=known.label,
        heads={"what": "Not known", "why": "What it rests on instead", "who": "Who could say"},
        figures=(tally("assumptions", many),),
    )


@once
def _used(known: Case) -> frozenset[str]:
    """The inputs, and the implicit ones of links, on which any number of a view can rest."""
    model = model_of(known)
    return frozenset(model.used_by)
