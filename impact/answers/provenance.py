"""Where a number comes from: the origins of its sources, and the inputs that drive its spread."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from impact import words
from impact.case import checks
from impact.case.folder import Case, once
from impact.case.ways import ROOT
from impact.numerics import graph, measures
from impact.simulation import Run, drawn_inputs, per_run

ILLUSTRATIVE = "illustrative: assumptions of this case, not reported by or about the firm"
_NO_WEIGHT = "F"
Draws = NDArray[np.float64]


@once
def names(known: Case) -> dict[str, str]:
    """Entity id -> its name."""
    return dict(known["entities"].select("id", "name").iter_rows())


def lowered(known: Case, text: str) -> str:
    """The text as part of a sentence: with a small first letter, unless a name begins it."""
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    named = any(text.startswith(name) for name in names(known).values())
    return text if named or (not first[1:].islower() and len(first) > 1) else words.uncapital(text)


def origins(known: Case, sources: Iterable[str]) -> set[str]:
    """The independent origins of sources: copies lead back to what they restate.

    A source of reliability F has no weight and is no origin.
    """
    rows = known.rows("sources")
    roots: set[str] = set()
    seen: set[str] = set()
    queue = list(sources)
    while queue:
        name = queue.pop()
        parents = rows[name]["derived_from"]
        if name not in seen and rows[name]["reliability"] != _NO_WEIGHT:
            seen.add(name)
            queue += parents
            if not parents:
                roots.add(name)
    return roots


@per_run
def variables(run: Run) -> tuple[list[str], list[Draws]]:
    """(input of each row, rows of `(draws,)`): all that varied in this run.

    Rows are the draws of each input, and the outcome of each link that is not certain; an outcome
    belongs to the link's least likely input.
    """
    inputs, drawn = run.known.inputs, drawn_inputs(run)
    owners, rows = [name for name, _, _ in drawn], [values for _, _, values in drawn]
    for link in (edge.name for edge in run.edges if run.reached.get(edge.source)):
        if (mask := run.on[link]) not in (0, graph.everything(run.draws)):
            terms = [term for term in run.model.terms[link] if term != checks.CERTAIN]
            named = [checks.chance_term(term)[0] for term in terms] or [checks.LINK_INPUT + link]
            owners.append(min(named, key=lambda name: inputs[name]["mode"] or 0.0))
            rows.append(graph.unpack(mask, run.draws).astype(np.float64))
    return owners, rows


def explained(run: Run, outcomes: Draws) -> tuple[list[str], Draws]:
    """(inputs, `(inputs, outcomes)`): share of an outcome's spread that goes with each input.

    `outcomes` are `(outcomes, draws)`. Squared linear correlations with the draws and link outcomes
    of an input, added up and scaled to sum to 1 over all inputs; a correlation within two standard
    errors of 0 counts as 0, and an outcome that does not vary has 0 everywhere.
    """
    owners, varied = variables(run)
    known = sorted(set(owners))
    shares = np.zeros((len(known), outcomes.shape[0]))
    if owners:
        squared = measures.squared_correlations(varied, np.ascontiguousarray(outcomes.T))
        squared[squared < 4 / run.draws] = 0.0
        np.add.at(shares, [known.index(owner) for owner in owners], squared)
        sums = shares.sum(axis=0)
        shares = np.divide(shares, sums, out=np.zeros_like(shares), where=sums > 0)
    return known, shares


def assumed_shares(run: Run, outcomes: Draws) -> list[float]:
    """For each outcome `(outcomes, draws)`, the share of its spread that assumptions carry."""
    known, shares = explained(run, outcomes)
    inputs = run.known.inputs
    assumed = np.array([inputs[name]["basis_kind"] == "assumption" for name in known], dtype=bool)
    return [float(column[assumed].sum()) for column in shares.T]


@per_run
def leading_to(run: Run, entity: str) -> tuple[str, ...]:
    """The inputs of the chances of the links that lead to an entity from what is reached."""
    return tuple(
        checks.chance_term(term)[0]
        for edge in run.edges
        if edge.target == entity and (edge.source == ROOT or edge.source in run.reached)
        for term in run.model.terms[edge.name]
        if term != checks.CERTAIN
    )
