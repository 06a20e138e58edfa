"""Sums over more than a run: totals of very many draws, a year, what hangs together."""

from __future__ import annotations

import numpy as np

from impact.case import checks
from impact.case.folder import Case
from impact.case.lineage import Lineage
from impact.errors import bad
from impact.numerics import graph, information, measures, sampling
from impact.simulation import (
    MOST_DRAWS,
    Draws,
    Run,
    Source,
    check_draws,
    model_of,
    per_run,
    run_of,
    simulate,
    stream_of,
    total,
)

MOST_TOTALS = 2**27


def totals(known: Case, draws: int, seed: int = 1) -> tuple[Draws, dict[str, int]]:
    """((draws,) USD of the total, entity -> draws in which it is reached), and nothing else.

    For more draws than a run keeps: block after block, so that memory does not grow with rows.
    The first draws are those of `simulate`.
    """
    check_draws(draws, seed, MOST_TOTALS)
    model = model_of(known)
    lost, reached = np.empty(draws), dict.fromkeys(known["entities"]["id"], 0)
    for first in range(0, draws, sampling.BLOCK):
        count = min(sampling.BLOCK, draws - first)
        run = run_of(Source(known, model, count, seed, first=first))
        lost[first : first + count] = total(run)
        for entity, mask in run.reached.items():
            reached[entity] += mask.bit_count()
    return lost, reached


def simulate_year(known: Case, draws: int = 10_000, seed: int = 1) -> Run:
    """The run of a year: a compound sum over as many such events as the year has.

    A draw is a year with a Poisson number of events, its rate the input in `event/year`. Each event
    is drawn afresh, what it reaches and what it costs; a year's loss is the sum (Klugman, Panjer
    and Willmot 2012, section 9.1), and an entity is reached where any event reaches it. Raises
    BadInput where no rate is known in the view.
    """
    check_draws(draws, seed, MOST_DRAWS)
    rates = [name for name, row in known.inputs.items() if row["unit"] == checks.RATE]
    if not rates:
        repair = f"give inputs.csv one in {checks.RATE}, or leave out --year"
        raise bad("year", "no input of this view says how often such an event happens", repair)
    rate = Source(known, model_of(known), draws, seed).value(rates[0], "year")
    if float(rate.max()) > sampling.MOST_RATE:
        what = f"{rates[0]} goes above {sampling.MOST_RATE:,.0f} events a year"
        raise bad("year", what, "give the rate of this kind of event")
    many = sampling.counts(sampling.uniform(seed, "year|events", draws), rate)
    if many.sum() > MOST_DRAWS:
        what = f"{draws:,} years hold {many.sum():,} events, more than {MOST_DRAWS:,}"
        raise bad("draws", what, f"take {int(draws * MOST_DRAWS / many.sum() / 2):,} or fewer")
    events = simulate(known, max(1, int(many.sum())), seed)
    year = np.repeat(np.arange(draws), many)

    def summed(amounts: Draws) -> Draws:
        return np.bincount(year, amounts[: year.size], minlength=draws).astype(np.float64)

    def any_of(mask: int) -> int:
        happened = np.zeros(draws, dtype=bool)
        happened[year[graph.unpack(mask, events.draws)[: year.size]]] = True
        return graph.pack(happened)

    reached = {name: any_of(mask) for name, mask in events.reached.items()}
    on = {name: any_of(mask) for name, mask in events.on.items()}
    losses = {name: summed(amounts) for name, amounts in events.losses.items()}
    return Run(
        known, draws, seed, "keyed", "year", reached, on, losses, {}, events.model,
        Lineage(known, also=(rates[0],)), {"events": events},
    )  # fmt: skip


@per_run
def common_share(run: Run) -> measures.Measure:
    """Share of the variance of the total that goes with what more than one bearer hangs on.

    The closed Sobol index of all shared streams (Sobol 1993), by drawing what one bearer alone
    hangs on a second time and correlating the two totals (Janon et al. 2014); the rest is the
    bearers' own. The error is from blocks of draws.
    """
    if run.over == "year" or run.draws < 16 * measures.ENOUGH:
        return measures.UNRESOLVED
    own = _own_streams(run)
    source = Source(run.known, run.model, run.draws, run.seed, "keyed", run.drawn, again=own)
    rows = set().union(*(uses for uses in own.values()))
    first, second = total(run), total(run_of(source, run, rows))
    parts = zip(np.array_split(first, 16), np.array_split(second, 16), strict=True)
    share = min(1.0, max(0.0, information.closed_order(first, second)))
    return measures.over_replicates([information.closed_order(*part) for part in parts], share)


def _own_streams(run: Run) -> dict[str, set[str]]:
    """Stream -> the links and losses that use it, where one bearer alone hangs on it."""
    hang: dict[str, set[str]] = {}
    users: dict[str, set[str]] = {}
    inputs = run.known.inputs

    def note(stream: str, use: str, bearer: str) -> None:
        hang.setdefault(stream, set()).add(bearer)
        users.setdefault(stream, set()).add(use)

    for name, row in run.model.losses.items():
        if row["received_by"] is not None:
            continue  # a transfer is not in the total
        named = [*run.model.pairs[name].values(), row["retention"], row["limit"]]
        uses = [(input_, name) for input_ in named]
        for link in run.lineage.ways.get(row["needs"], set()) & run.model.terms.keys():
            terms = [t for t in run.model.terms[link] if t != checks.CERTAIN]
            uses += [(part, link) for t in terms for part in checks.chance_term(t)]
            for term in [*terms, checks.LINK_INPUT + link]:
                note(f"outcome|{link}|{checks.chance_term(term)[0]}", link, row["bearer"])
        for used, use in uses:
            if used in inputs:
                note(stream_of(inputs[used], use), use, row["bearer"])
                if factor := inputs[used]["moves_with"]:
                    note(f"factor|{factor}", use, row["bearer"])
                    note(stream_of(inputs[factor], factor), use, row["bearer"])
    return {stream: users[stream] for stream, bearers in hang.items() if len(bearers) == 1}
