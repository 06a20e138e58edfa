"""`simulate`: one view of a case into the draws of what is reached and what it costs.

`simulate_year` makes a year of them, a compound sum of events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from impact.base.errors import BadInput, bad
from impact.case import checks, views, ways
from impact.case.changes import Change, parse_changes
from impact.case.folder import Case, once
from impact.case.lineage import Lineage
from impact.numerics import Draws, graph, loss_kinds, sampling

MOST_DRAWS = 2**20  # of a run
Key = tuple[Any, ...]
Kept = dict[Key, Any]


@dataclass(frozen=True)
class Run:
    """The draws of one view, given the event; or of a year, see `simulate_year`.

    `reached` maps an entity to the draws in which the event reaches it, one bit a draw; `on` does
    so for links. `losses` maps a row of losses.csv to `(draws,)` money, borne by its bearer.
    `drawn` keeps the draws of every input, link and loss under all that decides them, so that a
    further run on changed inputs works out only what changed; `streams` maps what an input is kept
    under there to its name. `lineage` says on which rows each number rests.
    """

    known: Case
    draws: int
    seed: int
    over: Literal["event", "year"]
    reached: Mapping[str, int] = field(repr=False)
    on: Mapping[str, int] = field(repr=False)
    losses: Mapping[str, Draws] = field(repr=False)
    drawn: Kept = field(repr=False)
    streams: Mapping[Key, str] = field(repr=False)
    model: Model = field(repr=False)
    lineage: Lineage = field(repr=False)
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        """The run in a line."""
        what = f"{self.known.id}, {self.known.scenario}"
        given = "given the event" if self.over == "event" else "in a year"
        return f"{what}, {given}: {self.draws:,} draws, seed {self.seed}"

    def _repr_markdown_(self) -> str:
        return f"{self}  \n`impact.losses(run)`, `impact.exposure(run)`; see `impact?`"

    @property
    def edges(self) -> tuple[graph.Edge, ...]:
        """The links over which something can travel in time, in the order of their ids."""
        return self.model.edges

    def chance(self, entity: str) -> float:
        """Share of draws in which the event reaches the entity."""
        return self.reached.get(entity, 0).bit_count() / self.draws


Found = TypeVar("Found")


def simulate(
    known: Case,
    draws: int = 10_000,
    seed: int = 1,
    like: Run | None = None,
) -> Run:
    """The run of a view; the same view, draws and seed give the same bits.

    `like` is an earlier run of the same draws and seed: what did not change is taken from it.
    Adding rows moves no other draw, because each stream is keyed by the names of what it decides.
    Raises BadInput for draws or a seed that cannot be.

    >>> import impact
    >>> run = impact.simulate(impact.view(impact.load_case("mercor")), draws=1000)
    """
    check_draws(draws, seed)
    kept = like.drawn if like and (like.draws, like.seed) == (draws, seed) else {}
    return run_from(Sampler(known, model_of(known), draws, seed, dict(kept)))


def what_if(run: Run, changes: str | Iterable[Change]) -> Run:
    """The run with some inputs changed, on the same draws.

    `changes` is `NAME=VALUE; NAME=LOW,MODE,HIGH`; `link.ID=0` cuts a link. Raises BadInput for an
    unknown input or a wrong estimate.
    """
    require_event_run(run, "what_if")
    parsed = parse_changes(changes) if isinstance(changes, str) else changes
    return again(run, views.changed(run.known, parsed, "changes"))


def again(run: Run, known: Case) -> Run:
    """The run of another view on the same draws."""
    return simulate(known, run.draws, run.seed, run)


def require_event_run(run: Run, what: str) -> None:
    """Raises BadInput for a run of a year, where a question is one of a single event."""
    if run.over == "year":
        repair = "take a run given the event: impact.simulate"
        raise bad(what, "the run is of a year", repair)


def check_draws(draws: int, seed: int) -> None:
    """Raises BadInput for a number of draws or a seed that cannot be."""
    if not 1 <= draws <= MOST_DRAWS:
        raise bad("draws", f"{draws} is outside 1 to {MOST_DRAWS:,}", "10000 is the usual number")
    if seed < 0:
        raise bad("seed", f"{seed} is below 0", "give a whole number from 0")


@dataclass(frozen=True)
class Model:
    """What of a view is not an input: its links and losses, laid out once for many runs."""

    edges: tuple[graph.Edge, ...]
    terms: Mapping[str, tuple[str, ...]]  # link -> its chances
    losses: Mapping[str, Mapping[str, Any]]
    pairs: Mapping[str, Mapping[str, str]]  # loss -> argument -> input
    used: tuple[str, ...]  # the inputs that links and losses name, and those that links are


@once
def model_of(known: Case) -> Model:
    """The model of a view; raises BadInput where a later arrival would miss a link."""
    there = ways.ROOT in known["entities"]["id"]
    edges = ways.modelled(known["links"], known.moment) if there else []
    if late := list(ways.late_arrivals(known.tables)):
        raise BadInput(late)
    edges = graph.usable(edges, ways.ROOT)
    chances = dict(known["links"].select("id", "chances").iter_rows())
    terms = {edge.name: tuple(chances[edge.name]) for edge in edges}
    losses = known.rows("losses")
    pairs = {name: checks.argument_pairs(row["arguments"]) for name, row in losses.items()}
    used = [
        name
        for link, items in terms.items()
        for term in (*items, checks.LINK_INPUT + link)
        for name in checks.chance_term(term)
    ]
    for loss, row in losses.items():
        used += [*pairs[loss].values(), row["retention"], row["limit"]]
    return Model(tuple(edges), terms, losses, pairs, tuple(dict.fromkeys(filter(None, used))))


def run_from(source: Sampler) -> Run:
    """The run of a source of draws."""
    known, model, draws = source.known, source.model, source.draws
    on, there = Links(source), ways.ROOT in known.rows("entities")
    reached = graph.reach(model.edges, ways.ROOT, on, draws) if there else {}
    losses = {
        name: source.loss(name, reached.get(row["needs"], 0)) for name, row in model.losses.items()
    }
    made = reached, on, losses, source.kept, source.streams, model
    return Run(known, draws, source.seed, "event", *made, Lineage(known))


class Links(dict[str, int]):
    """Mask of each link of a model, drawn when it is first asked for: many are never reached."""

    def __init__(self, source: Sampler) -> None:
        self.source = source

    def __missing__(self, link: str) -> int:
        self[link] = self.source.link(link)
        return self[link]


class Sampler:
    """Draws by name for one view; keeps each in `kept`, under all that decides it.

    The key of an input has its stream, estimate and unit; that of a link its terms and the keys of
    their inputs; that of a loss its row and the draws in which it falls: what changed has another.
    `streams` maps what each input was kept under to its name.
    """

    def __init__(self, known: Case, model: Model, draws: int, seed: int, kept: Kept) -> None:
        self.known, self.model, self.inputs = known, model, known.inputs
        self.draws, self.seed, self.kept = draws, seed, kept
        self.streams = dict[Key, str]()
        self.nothing = np.broadcast_to(0.0, draws)

    def value(self, name: str, use: str) -> Draws:
        """`(draws,)` of an input where the row `use` uses it; a scalar where it is fixed."""
        row, key = self.inputs[name], self._key(name, use)
        if row["shape"] == "fixed":
            return np.asarray(row["mode"])

        def drawn() -> Draws:
            u = sampling.uniform(self.seed, stream_of(row, use), self.draws)
            return sampling.beyond(u, self.known.lasted.get(name), *estimate(row))

        return self._once(key, drawn)

    def _once(self, key: Key, draw: Callable[[], Found]) -> Found:
        """What is kept under a key, drawn where nothing is."""
        if key not in self.kept:
            self.kept[key] = draw()
        found: Found = self.kept[key]
        return found

    def _key(self, name: str, use: str) -> Key:
        """What the draws of an input are kept under."""
        row = self.inputs[name]
        lasted = self.known.lasted.get(name)
        key = ("input", stream_of(row, use), *estimate(row), lasted, row["unit"])
        if row["shape"] != "fixed":
            self.streams[key] = name
        return key

    def terms(self, link: str) -> list[str]:
        """The chances of a link that are not certain, and what cuts it."""
        cut = checks.LINK_INPUT + link
        every = [*self.model.terms[link], *([cut] if cut in self.inputs else [])]
        return [term for term in every if term != checks.CERTAIN]

    def chance(self, term: str, use: str) -> Draws:
        """Chance of one item of a link's `chances`.

        `NAME over MINUTES` is 1 - (1 - p)^(minutes / N) for a chance p per N minutes: a constant
        hazard over the window.
        """
        name, minutes = checks.chance_term(term)
        chance = self.value(name, use)
        if minutes is None:
            return chance
        reference = checks.reference_minutes(self.inputs[name]["unit"]) or 1.0
        return 1 - (1 - chance) ** (self.value(minutes, use) / reference)

    def link(self, link: str) -> int:
        """Mask of the draws in which a link is on: all its chances happen."""
        terms = self.terms(link)
        named = [name for term in terms for name in checks.chance_term(term) if name]
        key = ("link", link, *terms, *(self._key(name, link) for name in named))
        return self._once(key, lambda: self._link(link, terms))

    def _link(self, link: str, terms: Iterable[str]) -> int:
        mask = graph.everything(self.draws)
        for term in terms:
            stream = f"outcome|{link}|{checks.chance_term(term)[0]}"
            words = sampling.words(self.seed, stream, self.draws)
            mask &= graph.pack(sampling.happens(words, self.chance(term, link)))
        return mask

    def loss(self, name: str, mask: int) -> Draws:
        """`(draws,)` money that the bearer keeps of one row of losses.csv."""
        if mask == 0:
            return self.nothing
        row, pairs = self.model.losses[name], self.model.pairs[name]
        named = [*pairs.values(), *(row[part] for part in ("retention", "limit") if row[part])]
        keys = (self._key(each, name) for each in named)
        key = ("loss", name, mask, row["kind"], *pairs, row["retention"], row["limit"], *keys)
        return self._once(key, lambda: self._loss(name, mask))

    def _loss(self, name: str, mask: int) -> Draws:
        row = self.model.losses[name]
        amount = loss_kinds.KINDS[row["kind"]].amount(self.arguments(name))
        if row["limit"] is not None:
            retention = self.value(row["retention"], name) if row["retention"] else 0.0
            limit = self.value(row["limit"], name)
            amount = amount - np.clip(amount - retention, 0.0, limit)
        return np.where(graph.unpack(mask, self.draws), amount, 0.0)

    def arguments(self, loss: str) -> dict[str, Draws]:
        """Argument -> draws of the inputs of a loss row."""
        pairs = self.model.pairs[loss]
        return {argument: self.value(name, loss) for argument, name in pairs.items()}


def stream_of(row: Mapping[str, Any], use: str) -> str:
    """The stream of an input's value: one wherever it is used, or one for each row."""
    name = row["id"]
    return f"input|{name}" if row["drawn"] == "once" else f"input|{name}|{use}"


def estimate(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """(shape, low, mode, high, cap, parameters) of an input; a beta without ends is on 0 to 1."""
    pairs = tuple(sorted(checks.parameters(row["parameters"]).items())) if row["parameters"] else ()
    low, high = row["low"], row["high"]
    if row["shape"] == "beta":
        low, high = 0.0 if low is None else low, 1.0 if high is None else high
    return row["shape"], low, row["mode"], high, row["cap"], pairs


def drawn_inputs(run: Run) -> list[tuple[str, Draws]]:
    """(input, `(draws,)` values) of each stream that this run depends on.

    Of a year there are none: its draws are those of its events.
    """
    return [(name, run.drawn[key]) for key, name in run.streams.items()]


def sampler(run: Run) -> Sampler:
    """What draws more for a run, as it was drawn."""
    return Sampler(run.known, run.model, run.draws, run.seed, run.drawn)


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
    rates, rate, many = _events_a_year(known, draws, seed)
    events = simulate(known, max(1, int(many.sum())), seed)
    year = np.repeat(np.arange(draws), many)

    def summed(amounts: Draws | NDArray[np.bool_]) -> Draws:
        return np.bincount(year, amounts[: year.size], minlength=draws).astype(np.float64)

    def any_of(mask: int) -> int:
        return graph.pack(summed(graph.unpack(mask, events.draws)) > 0)

    reached = {name: any_of(mask) for name, mask in events.reached.items()}
    on = {name: any_of(events.on[name]) for name in events.model.terms}
    losses = {name: summed(amounts) for name, amounts in events.losses.items()}
    # Without any event one is drawn that no year has, and says only what might be reached.
    might = frozenset(events.reached) if rate.max() > 0 and not year.size else frozenset[str]()
    memo = {"events": events, "never": not rate.max(), "might": might}
    lineage = Lineage(known, also=rates)
    return Run(known, draws, seed, "year", reached, on, losses, {}, {}, events.model, lineage, memo)


def _events_a_year(
    known: Case, draws: int, seed: int
) -> tuple[tuple[str, ...], Draws, NDArray[np.int64]]:
    """(the inputs that say how often such an event happens here, that rate, `(draws,)` events)."""
    rates = [name for name, row in known.inputs.items() if row["unit"] == checks.RATE]
    if not rates:
        repair = f"give inputs.csv one in {checks.RATE}, or leave out --year"
        raise bad("year", "no input of this view says how often such an event happens", repair)
    source = Sampler(known, model_of(known), draws, seed, {})
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
    return tuple(rates), rate, many
