"""A year as a compound sum of events."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from impact.case import checks
from impact.case.folder import Case
from impact.case.lineage import Lineage
from impact.errors import bad
from impact.numerics import graph, sampling
from impact.simulation import MOST_DRAWS, Draws, Run, Source, check_draws, model_of, simulate


def simulate_year(known: Case, draws: int = 10_000, seed: int = 1) -> Run:
    """The run of a year: a compound sum over as many such events as the year has.

    A draw is a year with a Poisson number of events, its rate the input in `event/year`, times the
    share of such events that hit this case where an input HERE says it. Each event
    is drawn afresh, what it reaches and what it costs; a year's loss is the sum (Klugman, Panjer
    and Willmot 2012, section 9.1), and an entity is reached where any event reaches it. Raises
    BadInput where no rate is known in the view.
    """
    check_draws(draws, seed)
    known = replace(known, lasted={})  # what goes on now says nothing of the next event
    rates = [name for name, row in known.inputs.items() if row["unit"] == checks.RATE]
    if not rates:
        repair = f"give inputs.csv one in {checks.RATE}, or leave out --year"
        raise bad("year", "no input of this view says how often such an event happens", repair)
    source = Source(known, model_of(known), draws, seed)
    rate = source.value(rates[0], "year")
    if checks.HERE in known.inputs:  # the rate is of a population, and this case one of it
        rate, rates = rate * source.value(checks.HERE, "year"), [*rates, checks.HERE]
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
        known,
        draws,
        seed,
        "year",
        reached,
        on,
        losses,
        {},
        events.model,
        Lineage(known, also=tuple(rates)),
        {"events": events},
    )
