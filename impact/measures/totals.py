"""What a run comes to for all parties or one, and what it is too rare to show."""

from __future__ import annotations

import numpy as np

from impact.case import checks, ways
from impact.numerics import Draws, graph
from impact.simulation import Run, Sampler, per_run


@per_run
def rare_entities(run: Run) -> frozenset[str]:
    """Entities to which links lead that all can be on, and that no draw reaches: not resolved."""
    source = Sampler(run.known, run.model, run.draws, run.seed, run.drawn)
    leaving, found, queue = graph.by_source(run.edges), {ways.ROOT}, [ways.ROOT]
    while queue:
        for edge in leaving.get(queue.pop(), ()):
            if edge.target not in found and _can_be_on(source, edge.name):
                found.add(edge.target)
                queue.append(edge.target)
    return frozenset(found) - run.reached.keys()


def _can_be_on(source: Sampler, link: str) -> bool:
    cut = checks.LINK_INPUT + link
    terms = [*source.model.terms[link], *([cut] if cut in source.inputs else [])]
    return all(
        term == checks.CERTAIN or float(np.max(source.chance(term, link))) > 0 for term in terms
    )


def path_chance(run: Run, entity: str) -> Draws | None:
    """`(draws,)` chance that an entity is reached, given the inputs of each draw.

    The product along its path, exact where one path leads to it; None where several do.
    """
    paths = graph.simple_paths(run.edges, ways.ROOT, entity, 2)
    if len(paths) != 1:
        return None
    source = Sampler(run.known, run.model, run.draws, run.seed, run.drawn)
    chance = np.ones(run.draws)
    for edge in paths[0]:
        cut = checks.LINK_INPUT + edge.name
        for term in [*run.model.terms[edge.name], *([cut] if cut in source.inputs else [])]:
            chance = chance if term == checks.CERTAIN else chance * source.chance(term, edge.name)
    return chance


def rare_loss(run: Run, bearer: str) -> Draws | None:
    """`(draws,)` expected USD of a bearer, or of all (`total`), from what is rare; None if unknown.

    Zeros where nothing of it is rare. Its mean is exact but for the draws of the inputs.
    """
    source = Sampler(run.known, run.model, run.draws, run.seed, run.drawn)
    expected, unmet = np.zeros(run.draws), rare_entities(run)
    for name, row in run.model.losses.items():
        mine = row["bearer"] == bearer or (bearer == "total" and row["received_by"] is None)
        if mine and row["needs"] in unmet:
            chance = path_chance(run, row["needs"])
            if chance is None:
                return None
            expected = expected + chance * source.loss(name, graph.everything(run.draws))
    return expected


def net_loss(run: Run, bearer: str) -> Draws:
    """`(draws,)` USD that a bearer loses, less what it receives by transfers."""
    balance = np.zeros(run.draws)
    for name, row in run.model.losses.items():
        if bearer == row["bearer"]:
            balance += run.losses[name]
        elif bearer == row["received_by"]:
            balance -= run.losses[name]
    return balance


def total_loss(run: Run) -> Draws:
    """`(draws,)` USD lost by all parties together: transfers only move money and are left out."""
    lost = np.zeros(run.draws)
    for name, row in run.model.losses.items():
        if row["received_by"] is None:
            lost += run.losses[name]
    return lost
