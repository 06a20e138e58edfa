"""What a run comes to for all parties or one, and what it is too rare to show."""

from __future__ import annotations

from collections.abc import Collection
from operator import or_

import numpy as np

from impact.case import ways
from impact.case.folder import once
from impact.numerics import Draws, graph
from impact.simulation import Run, sampler

TOTAL = "total"  # stands for all bearers


@once
def rare_entities(run: Run) -> frozenset[str]:
    """Entities to which links lead that all can be on, and that no draw reaches: not resolved."""
    source = sampler(run)

    def over(_: bool, edge: graph.Edge) -> bool | None:
        chances = (source.chance(term, edge.name) for term in source.terms(edge.name))
        return all(np.max(chance) > 0 for chance in chances) or None

    possible = graph.spread(run.edges, ways.ROOT, True, over, or_).keys()
    return frozenset(possible - run.reached.keys() - {ways.ROOT})


def path_chance(run: Run, entity: str) -> Draws | None:
    """`(draws,)` chance that an entity is reached, given the inputs of each draw.

    The product along its path, exact where one path leads to it; None where several do.
    """
    paths = graph.simple_paths(run.edges, ways.ROOT, entity, 2)
    if len(paths) != 1:
        return None
    source, chance = sampler(run), np.ones(run.draws)
    for edge in paths[0]:
        for term in source.terms(edge.name):
            chance = chance * source.chance(term, edge.name)
    return chance


def rare_loss(run: Run, bearer: str) -> Draws | None:
    """`(draws,)` expected USD of a bearer, or of all (TOTAL), from what is rare; None if unknown.

    Zeros where nothing of it is rare. Its mean is exact but for the draws of the inputs.
    """
    source, expected = sampler(run), np.zeros(run.draws)
    for name, row in run.model.losses.items():
        lost = sign_of(row["bearer"], row["received_by"], bearer) > 0
        if lost and row["needs"] in rare_entities(run):
            chance = path_chance(run, row["needs"])
            if chance is None:
                return None
            expected = expected + chance * source.loss(name, graph.everything(run.draws))
    return expected


def net_loss(run: Run, bearer: str, without: Collection[str] = ()) -> Draws:
    """`(draws,)` USD that a bearer, or all (TOTAL), lose, less what comes in by transfers.

    `without` are rows of losses.csv that are left out.
    """
    balance = np.zeros(run.draws)
    for name, row in run.model.losses.items():
        sign = sign_of(row["bearer"], row["received_by"], bearer)
        if sign and name not in without:
            balance += sign * run.losses[name]
    return balance


def sign_of(bearer: str, receiver: str | None, who: str) -> int:
    """1 for who loses by a row, -1 for who receives; a transfer moves nothing of the total."""
    return (who in (bearer, TOTAL)) - (receiver is not None and who in (receiver, TOTAL))


def total_loss(run: Run) -> Draws:
    """`(draws,)` USD lost by all parties together: transfers only move money and are left out."""
    return net_loss(run, TOTAL)
