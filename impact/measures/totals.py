"""What a run comes to for all parties or one, and what it is too rare to show."""

from __future__ import annotations

from operator import or_

import numpy as np

from impact.case import ways
from impact.numerics import Draws, graph
from impact.simulation import Run, per_run, sampler


@per_run
def rare_entities(run: Run) -> frozenset[str]:
    """Entities to which links lead that all can be on, and that no draw reaches: not resolved."""
    source = sampler(run)

    def over(_: bool, edge: graph.Edge) -> bool | None:
        chances = (source.chance(term, edge.name) for term in source.terms(edge.name))
        return all(np.max(chance) > 0 for chance in chances) or None

    return frozenset(graph.spread(run.edges, ways.ROOT, True, over, or_)) - run.reached.keys()


def path_chance(run: Run, entity: str) -> Draws | None:
    """`(draws,)` chance that an entity is reached, given the inputs of each draw.

    The product along its path, exact where one path leads to it; None where several do.
    """
    paths = graph.simple_paths(run.edges, ways.ROOT, entity, 2)
    if len(paths) != 1:
        return None
    source = sampler(run)
    chance = np.ones(run.draws)
    for edge in paths[0]:
        for term in source.terms(edge.name):
            chance = chance * source.chance(term, edge.name)
    return chance


def rare_loss(run: Run, bearer: str) -> Draws | None:
    """`(draws,)` expected USD of a bearer, or of all (`total`), from what is rare; None if unknown.

    Zeros where nothing of it is rare. Its mean is exact but for the draws of the inputs.
    """
    source = sampler(run)
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
