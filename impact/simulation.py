"""`simulate`: one view of a case into the draws of what is reached and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from impact.case import checks, views, ways
from impact.case.folder import Case, once
from impact.case.lineage import Lineage
from impact.case.scenarios import Change, parse_changes
from impact.errors import BadInput, bad
from impact.numerics import graph, loss_kinds, sampling

AGAIN = "|again"  # ends the name of a stream that is drawn a second time
MOST_DRAWS = 2**20  # of a run; above, `totals` keeps the total alone
Points = Literal["keyed", "sobol"]
Draws = NDArray[np.float64]
Kept = dict[tuple[Any, ...], Any]


@dataclass(frozen=True)
class Run:
    """The draws of one view, given the event; or of a year, see `simulate_year`.

    `reached` maps an entity to the draws in which the event reaches it, one bit a draw; `on` does
    so for links. `losses` maps a row of losses.csv to `(draws,)` USD, borne by its bearer. `drawn`
    keeps the draws of every input by stream and estimate, so that a further run on changed inputs
    works out only what changed. `lineage` says on which rows each number rests.
    """

    known: Case
    draws: int
    seed: int
    points: Points
    over: Literal["event", "year"]
    reached: Mapping[str, int] = field(repr=False)
    on: Mapping[str, int] = field(repr=False)
    losses: Mapping[str, Draws] = field(repr=False)
    drawn: Kept = field(repr=False)
    model: Model = field(repr=False)
    lineage: Lineage = field(repr=False)
    memo: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def __str__(self) -> str:
        """The run in a line."""
        what = f"{self.known.id}, {self.known.scenario}"
        given = "given the event" if self.over == "event" else "in a year"
        return f"{what}, {given}: {self.draws:,} {self.points} draws, seed {self.seed}"

    def _repr_markdown_(self) -> str:
        return f"{self}  \n`impact.losses(run)`, `impact.exposure(run)`; see `impact?`"

    @property
    def edges(self) -> tuple[graph.Edge, ...]:
        """The links over which something can travel in time, in the order of their ids."""
        return self.model.edges

    @property
    def replicates(self) -> int:
        """How many independent parts of equal length the draws have; 1 where each is its own."""
        return sampling.SCRAMBLINGS if self.points == "sobol" else 1

    def chance(self, entity: str) -> float:
        """Share of draws in which the event reaches the entity."""
        return self.reached.get(entity, 0).bit_count() / self.draws


Found = TypeVar("Found")
Asked = ParamSpec("Asked")


def per_run(function: Callable[Concatenate[Run, Asked], Found]) -> Callable[..., Found]:
    """Work out `function(run, ...)` once for a run."""

    @wraps(function)
    def kept(run: Run, *asked: Asked.args, **named: Asked.kwargs) -> Found:
        key = (function, asked, tuple(named.items()))
        if key not in run.memo:
            run.memo[key] = function(run, *asked, **named)
        found: Found = run.memo[key]
        return found

    return kept


def simulate(
    known: Case,
    draws: int = 10_000,
    seed: int = 1,
    like: Run | None = None,
    points: Points = "keyed",
) -> Run:
    """The run of a view; the same view, draws and seed give the same bits.

    `like` is an earlier run of the same draws, seed and points: what did not change is taken from
    it. With `points="keyed"` adding rows moves no other draw, because each stream is keyed by the
    names of what it decides; with "sobol" errors are smaller for equal draws (SCRAMBLINGS times a
    power of two), and only shuffles and what-ifs move no other draw.

    >>> import impact
    >>> run = impact.simulate(impact.view(impact.load_case("mercor")), draws=1000)
    """
    check_draws(draws, seed, MOST_DRAWS, points)
    if like and (like.draws, like.seed, like.points, like.over) != (draws, seed, points, "event"):
        like = None
    model = model_of(known)
    if like and points == "sobol" and like.model is not model:
        like = None  # its points have a dimension for each name of its own view
    source = Source(known, model, draws, seed, points, kept=dict(like.drawn) if like else {})
    if like is None or like.model is not model:
        return run_of(source)
    return run_of(source, like, _touched(known, like.known, model))


def what_if(run: Run, changes: str | Iterable[Change]) -> Run:
    """The run with some inputs changed, on the same draws.

    `changes` is `NAME=VALUE; NAME=LOW,MODE,HIGH`; `link.ID=0` cuts a link. Raises BadInput for an
    unknown input or a wrong estimate.
    """
    given_event(run, "what_if")
    parsed = parse_changes(changes) if isinstance(changes, str) else changes
    known = views.changed(run.known, parsed, "changes")
    return simulate(known, run.draws, run.seed, run, run.points)


def given_event(run: Run, what: str) -> None:
    """Raises BadInput for a run of a year, where a question is one of a single event."""
    if run.over == "year":
        repair = "take a run given the event: impact.simulate"
        raise bad(what, "the run is of a year", repair)


def remember(run: Run, others: Iterable[Run]) -> None:
    """Let a run, and what-ifs of it, take over what runs on the same draws have drawn besides."""
    for other in others:
        for key, draws in other.drawn.items():
            run.drawn.setdefault(key, draws)


def check_draws(draws: int, seed: int, most: int, points: str = "keyed") -> None:
    """Raises BadInput for a number of draws, a seed or points that cannot be."""
    if not 1 <= draws <= most:
        raise bad("draws", f"{draws} is outside 1 to {most:,}", "10000 is the usual number")
    if seed < 0:
        raise bad("seed", f"{seed} is below 0", "give a whole number from 0")
    if points not in ("keyed", "sobol"):
        raise bad("points", f'"{points}" are no points', "keyed or sobol")
    each, rest = divmod(draws, sampling.SCRAMBLINGS)
    if points == "sobol" and (rest or each < 2 or each & (each - 1)):
        near = sampling.SCRAMBLINGS * 2 ** max(1, round(np.log2(max(each, 2))))
        what = f"{draws} is not {sampling.SCRAMBLINGS} times a power of two"
        raise bad("draws", what, f"Sobol points need that: take {near}")


@dataclass(frozen=True)
class Model:
    """What of a view is not an input: its links and losses, laid out once for many runs."""

    edges: tuple[graph.Edge, ...]
    net: graph.Net
    terms: Mapping[str, tuple[str, ...]]  # link -> its chances
    losses: Mapping[str, Mapping[str, Any]]
    pairs: Mapping[str, Mapping[str, str]]  # loss -> argument -> input
    used_by: Mapping[str, frozenset[str]]  # input -> the links and losses that name it


@once
def model_of(known: Case) -> Model:
    """The model of a view; raises BadInput where a later arrival would miss a link."""
    there = ways.ROOT in known["entities"]["id"]
    edges = ways.modelled(known["links"]) if there else []
    if late := list(ways.late_arrivals(known.tables)):
        raise BadInput(late)
    edges = graph.usable(edges, ways.ROOT)
    chances = dict(known["links"].select("id", "chances").iter_rows())
    terms = {edge.name: tuple(chances[edge.name]) for edge in edges}
    losses = known.rows("losses")
    pairs = {name: checks.argument_pairs(row["arguments"]) for name, row in losses.items()}
    used: dict[str, set[str]] = {}
    for link, items in terms.items():
        for name in (part for term in items for part in checks.chance_term(term) if part):
            used.setdefault(name, set()).add(link)
        used.setdefault(checks.LINK_INPUT + link, set()).add(link)
    for loss, row in losses.items():
        for name in [*pairs[loss].values(), *(row[part] for part in ("retention", "limit"))]:
            used.setdefault(name or "", set()).add(loss)
    used_by = {name: frozenset(rows) for name, rows in used.items()}
    net = graph.net(edges, [ways.ROOT] if there else [])
    return Model(tuple(edges), net, terms, losses, pairs, used_by)


def run_of(source: Source, like: Run | None = None, touched: Collection[str] = ()) -> Run:
    """The run of a source of draws; of `like` all is kept but the links and losses in `touched`."""
    known, model, draws = source.known, source.model, source.draws
    kept = {} if like is None else like.on
    on = {
        name: source.link(name) if name in touched or name not in kept else kept[name]
        for name in model.terms
    }
    if like is not None and like.model is model and all(on[n] is kept[n] for n in on):
        reached = like.reached
    else:
        reached = graph.reach(model.net, on, draws)
    losses = {}
    for name, row in model.losses.items():
        mask = reached.get(row["needs"], 0)
        if like is None or name in touched or mask != like.reached.get(row["needs"], 0):
            losses[name] = source.loss(name, mask)
        else:
            losses[name] = like.losses[name]
    lineage = Lineage(known)
    return Run(
        known, draws, source.seed, source.points, "event", reached, on, losses, source.kept, model,
        lineage,
    )  # fmt: skip


def _touched(known: Case, before: Case, model: Model) -> set[str]:
    """The links and losses that name an input whose estimate differs between two views."""
    old, new = before.inputs, known.inputs
    names = {
        name
        for name in old.keys() | new.keys()
        if old.get(name) is not new.get(name)
        and (name not in old or name not in new or estimate(old[name]) != estimate(new[name]))
    }
    names |= {name for name, row in new.items() if row["moves_with"] in names}
    return set().union(*(model.used_by.get(name, ()) for name in names))


class Source:
    """Draws by name for one view; keeps each."""

    def __init__(
        self,
        known: Case,
        model: Model,
        draws: int,
        seed: int,
        points: Points = "keyed",
        kept: Kept | None = None,
        first: int = 0,
        again: Collection[str] = (),
    ) -> None:
        self.known, self.model, self.inputs = known, model, known.inputs
        self.draws, self.seed, self.points, self.first = draws, seed, points, first
        self.kept: Kept = {} if kept is None else kept
        self.again = again  # streams to be drawn independently of those of other runs
        self.nothing: Draws = np.zeros(draws)
        self.nothing.flags.writeable = False

    def _key(self, stream: str) -> str:
        return f"{stream}{AGAIN}" if stream in self.again else stream

    def uniform(self, stream: str) -> Draws:
        """`(draws,)` uniforms of a stream."""
        if self.points == "sobol" and stream in self.places:
            many, place = len(self.places), self.places[stream]
            return sampling.dimension(self.seed, many, place, self.draws)
        return sampling.uniform(self.seed, stream, self.draws, self.first)

    @cached_property
    def places(self) -> dict[str, int]:
        """The Sobol dimension of each stream of the view: every name has one, drawn or not."""
        if ("sobol",) not in self.kept:
            names = streams(self.known, self.model)
            self.kept["sobol",] = {name: place for place, name in enumerate(names)}
        found: dict[str, int] = self.kept["sobol",]
        return found

    def value(self, name: str, use: str) -> Draws:
        """`(draws,)` of an input where the row `use` uses it; a scalar where it is fixed."""
        row = self.inputs[name]
        if row["shape"] == "fixed":
            return np.asarray(row["mode"])
        stream = self._key(stream_of(row, use))
        key = _input_key(stream, row, self.inputs)
        if key not in self.kept:
            u = self.uniform(stream)
            if row["moves_with"] and not checks.is_chance(row["unit"]):
                u = self.with_factor(u, row["moves_with"])
            shape, *rest = estimate(row)
            self.kept[key] = sampling.QUANTILES[shape](u, *rest)
        found: Draws = self.kept[key]
        return found

    def with_factor(self, u: Draws, factor: str) -> Draws:
        """Uniforms that share the factor of a correlation."""
        key = ("factor", self._key(f"factor|{factor}"))
        if key not in self.kept:
            self.kept[key] = self.uniform(key[1])
        return sampling.together(u, self.kept[key], self.value(factor, factor))

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
        within: Draws = 1 - (1 - chance) ** (self.value(minutes, use) / reference)
        return within

    def link(self, link: str) -> int:
        """Mask of the draws in which a link is on: all its chances happen."""
        mask = graph.everything(self.draws)
        cut = checks.LINK_INPUT + link
        for term in [*self.model.terms[link], *([cut] if cut in self.inputs else [])]:
            if term == checks.CERTAIN:
                continue
            chance = self.chance(term, link)
            if chance.ndim == 0 and chance in (0.0, 1.0):
                mask = mask if chance else 0
                continue
            mask &= graph.pack(self.happens(link, checks.chance_term(term)[0], chance))
        return mask

    def happens(self, link: str, name: str, chance: Draws) -> NDArray[np.bool_]:
        """`(draws,)` truth of whether a chance happens on a link."""
        row, stream = self.inputs[name], self._key(f"outcome|{link}|{name}")
        key = ("outcome", stream, *moved(row, self.inputs))
        if key not in self.kept:
            if row["moves_with"]:  # happens where the factor is high, so it is turned round
                u = self.with_factor(self.uniform(stream), row["moves_with"])
                self.kept[key] = 1 - u
            elif self.points == "sobol":
                self.kept[key] = self.uniform(stream)
            else:  # the words of the uniforms decide alike, and faster
                self.kept[key] = sampling.words(self.seed, stream, self.draws, self.first)
        return sampling.happens(self.kept[key], chance)

    def loss(self, name: str, mask: int) -> Draws:
        """`(draws,)` USD that the bearer keeps of one row of losses.csv."""
        if mask == 0:
            return self.nothing
        row = self.model.losses[name]
        amount = loss_kinds.KINDS[row["kind"]].amount(self.arguments(name))
        if row["limit"] is not None:
            retention = self.value(row["retention"], name) if row["retention"] else 0.0
            limit = self.value(row["limit"], name)
            amount = amount - np.clip(amount - retention, 0.0, limit)
        if mask == graph.everything(self.draws):
            return np.broadcast_to(amount, (self.draws,))
        kept: Draws = np.where(graph.unpack(mask, self.draws), amount, 0.0)
        return kept

    def arguments(self, loss: str) -> dict[str, Draws]:
        """Argument -> draws of the inputs of a loss row."""
        pairs = self.model.pairs[loss]
        return {argument: self.value(name, loss) for argument, name in pairs.items()}


def stream_of(row: Mapping[str, Any], use: str) -> str:
    """The stream of an input's value: one wherever it is used, or one for each row."""
    name = row["id"]
    return f"input|{name}" if row["drawn"] == "once" else f"input|{name}|{use}"


def streams(known: Case, model: Model) -> list[str]:
    """The names of all streams that a view can draw, whatever its inputs are set to.

    Shared factors and what happens on links first, then what most rows use, for the first Sobol
    dimensions are the evenest; the cuts of links last.
    """
    inputs = known.inputs
    factors = {row["moves_with"] for row in inputs.values() if row["moves_with"]}
    shared = {f"factor|{name}" for name in factors}
    shared |= {stream_of(inputs[name], name) for name in factors}
    happens = {
        f"outcome|{link}|{checks.chance_term(term)[0]}"
        for link, terms in model.terms.items()
        for term in terms
        if term != checks.CERTAIN
    }
    values = Counter(
        stream_of(inputs[name], use)
        for name, uses in model.used_by.items()
        if name in inputs and not name.startswith(checks.LINK_INPUT)
        for use in uses
    )
    cuts = {f"outcome|{link}|{checks.LINK_INPUT}{link}" for link in model.terms}
    cuts |= {f"input|{checks.LINK_INPUT}{link}" for link in model.terms}
    most_used = sorted(values.keys() - shared, key=lambda name: (-values[name], name))
    return [*sorted(shared), *sorted(happens), *most_used, *sorted(cuts)]


def estimate(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """(shape, low, mode, high, cap, parameters) of an input; a beta without ends is on 0 to 1."""
    pairs = tuple(sorted(checks.parameters(row["parameters"])[0].items()))
    low, high = row["low"], row["high"]
    if row["shape"] == "beta":
        low, high = 0.0 if low is None else low, 1.0 if high is None else high
    return row["shape"], low, row["mode"], high, row["cap"], pairs


def moved(row: Mapping[str, Any], inputs: Mapping[str, Mapping[str, Any]]) -> tuple[Any, ...]:
    """The correlation with which an input moves and its estimate, for the key of its draws."""
    factor = row["moves_with"]
    return (factor, *estimate(inputs[factor])) if factor else ()


@per_run
def drawn_inputs(run: Run) -> list[tuple[str, tuple[Any, ...], Draws]]:
    """(input, its key in `drawn`, `(draws,)` values) of each stream that this run hangs on.

    Of a year there are none: its draws are those of its events.
    """
    if run.over == "year":
        return []
    inputs, model = run.known.inputs, run.model
    uses = [
        (part, link)
        for link, terms in model.terms.items()
        for term in (*terms, checks.LINK_INPUT + link)
        for part in checks.chance_term(term)
    ]
    for loss, row in model.losses.items():
        if run.reached.get(row["needs"]):
            named = (*model.pairs[loss].values(), row["retention"], row["limit"])
            uses += [(name, loss) for name in named]
    moving = {inputs[name]["moves_with"] for name, _ in uses if name in inputs} - {None}
    uses += [(name, name) for name in sorted(moving)]
    found = dict[tuple[Any, ...], str]()
    for name, use in uses:
        if name in inputs and inputs[name]["shape"] != "fixed":
            found[_input_key(stream_of(inputs[name], use), inputs[name], inputs)] = name
    return [(name, key, run.drawn[key]) for key, name in found.items()]


def _input_key(
    stream: str, row: Mapping[str, Any], inputs: Mapping[str, Mapping[str, Any]]
) -> tuple[Any, ...]:
    """What the draws of an input are kept under."""
    return ("input", stream, *estimate(row), *moved(row, inputs))


def arguments(run: Run, loss: str) -> dict[str, Draws]:
    """Argument -> `(draws,)` or scalar draws of the inputs of one row of losses.csv."""
    return Source(run.known, run.model, run.draws, run.seed, run.points, run.drawn).arguments(loss)


@per_run
def net(run: Run, bearer: str) -> Draws:
    """`(draws,)` USD that a bearer loses, less what it receives by transfers."""
    balance = np.zeros(run.draws)
    for name, row in run.model.losses.items():
        if bearer == row["bearer"]:
            balance += run.losses[name]
        elif bearer == row["received_by"]:
            balance -= run.losses[name]
    return balance


@per_run
def total(run: Run) -> Draws:
    """`(draws,)` USD lost by all together: transfers only move money and are left out."""
    lost = np.zeros(run.draws)
    for name, row in run.model.losses.items():
        if row["received_by"] is None:
            lost += run.losses[name]
    return lost
