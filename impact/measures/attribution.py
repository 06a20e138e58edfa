"""How likely each actor is for each part of an incident, and what would change who leads.

Bayes' rule over hypotheses, with judged ranges for the priors and for how likely each statement
would be under each hypothesis. A statement counts once, tempered towards neutral by how firm its
origins are; silence counts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from impact.case.folder import Case
from impact.case.schema import JUDGED
from impact.measures.standing import (
    PROBABLE,
    Claim,
    combined,
    firmest,
    origin_weights,
    statements_of,
)
from impact.numerics import Draws, sampling

DRAWS, SEED = 4096, 1
TINY, NEVER = 1e-300, -1e9


@dataclass(frozen=True)
class Evidence:
    """A judged statement: the claim that stands for it, what each independent origin lends it.

    `likelihood` is `(hypotheses, draws)`: how likely the statement would be under each.
    """

    claim: Claim
    origins: Mapping[str, float]
    likelihood: Draws = field(repr=False)

    def firmness(self, without: str = "") -> float:
        """How fully it counts, 0 to 1: the support of its origins but one."""
        return combined(lent for origin, lent in self.origins.items() if origin != without)


@dataclass(frozen=True)
class Stage:
    """A part of the incident: its hypotheses, `(hypotheses, draws)` priors, and the evidence."""

    name: str
    hypotheses: tuple[str, ...]
    priors: Draws = field(repr=False)
    evidence: tuple[Evidence, ...] = field(repr=False)

    def chances(self, without: tuple[str, str] = ("", "")) -> Draws:
        """`(hypotheses, draws)` chances after the evidence, but for a claim or an origin of it."""
        kind, name = without
        found = self.evidence
        weights = [
            0.0
            if kind == "claim" and one.claim["id"] == name
            else one.firmness(name if kind == "origin" else "")
            for one in found
        ]
        return shares(weighted(self.priors, [one.likelihood for one in found], weights))

    def leader(self, without: tuple[str, str] = ("", "")) -> str:
        """The hypothesis that is likeliest on average."""
        return self.hypotheses[int(self.chances(without).mean(axis=1).argmax())]


def weighted(priors: Draws, likelihoods: Sequence[Draws], weights: Sequence[float]) -> Draws:
    """`(hypotheses, draws)` log of prior times each likelihood to the power of its weight.

    A weight of 1 is Bayes' rule, one of 0 leaves the likelihood out (tempered likelihood: Bissiri,
    Holmes and Walker 2016). A likelihood of 0 counts as 1e-300, so that all stays comparable; no
    evidence makes up for a prior of 0.
    """
    found: Draws = np.where(priors > 0, np.log(np.maximum(priors, TINY)), NEVER)
    for likelihood, weight in zip(likelihoods, weights, strict=True):
        found = found + weight * np.log(np.maximum(likelihood, TINY))
    return found


def shares(logs: Draws) -> Draws:
    """`(hypotheses, draws)` chances that add up to 1, from their logs up to a constant.

    >>> half, evidence = np.full((2, 1), 0.5), np.array([[0.8], [0.2]])
    >>> shares(weighted(half, [evidence], [1.0])).round(3).tolist()
    [[0.8], [0.2]]
    """
    parts: Draws = np.exp(logs - logs.max(axis=0))
    whole: Draws = parts / parts.sum(axis=0)
    return whole


def stages(known: Case) -> tuple[Stage, ...]:
    """The stages with priors, each with the statements that are judged for all its hypotheses."""
    sides = {
        claim["id"]: side
        for statement in statements_of(known)
        for side in (statement.claims if statement.value else (), statement.denials)
        for claim in side
    }
    found = []
    for stage in JUDGED:
        rows = known["judgements"].filter(stage=stage).iter_rows(named=True)
        judged = {(row["claim"], row["hypothesis"]): row for row in rows}
        hypotheses = sorted(who for claim, who in judged if claim is None)
        whole = [
            claim
            for claim in sorted({claim for claim, _ in judged} & sides.keys())
            if all((claim, who) in judged for who in hypotheses)
        ]
        told = {id(sides[claim]): sides[claim] for claim in whole}  # copies are one statement
        evidence = []
        for side in told.values():
            claim = min((c for c in side if c["id"] in whole), key=lambda c: _nearest(known, c))
            likelihood = _drawn([judged[claim["id"], who] for who in hypotheses])
            evidence.append(Evidence(claim, origin_weights(known, side), likelihood))
        if hypotheses:
            priors = _drawn([judged[None, who] for who in hypotheses])
            found.append(Stage(stage, tuple(hypotheses), priors, tuple(evidence)))
    return tuple(found)


def _nearest(known: Case, claim: Claim) -> tuple[Any, ...]:
    """The order of claims that say the same: as `firmest`, but copies after what they restate."""
    sources = known.rows("sources")
    copied = all(sources[source]["derived_from"] for source in claim["sources"])
    credibility, *rest = firmest(claim)
    return credibility, copied, *rest


def _drawn(rows: Sequence[Mapping[str, Any]]) -> Draws:
    """`(rows, draws)` of judged ranges, each a stream of its own."""
    drawn = []
    for row in rows:
        u = sampling.uniform(SEED, f"judgement|{row['id']}", DRAWS)
        drawn.append(sampling.quantile(u, "pert", row["low"], row["mode"], row["high"]))
    return np.array(drawn)


def changes_of_lead(stage: Stage) -> list[tuple[str, str, str]]:
    """(`claim` or `origin`, its id, who would lead without it) wherever that is somebody else."""
    parts = {("claim", one.claim["id"]) for one in stage.evidence}
    parts |= {("origin", origin) for one in stage.evidence for origin in one.origins}
    others = [(*part, stage.leader(part)) for part in sorted(parts)]
    return [found for found in others if found[2] != stage.leader()]


def confidence(stage: Stage, one_decides: bool) -> dict[str, Any]:
    """How firm the basis of a stage is, as ICD 203 asks, apart from how likely anything is.

    High from four origins that make something probable, moderate from three, low otherwise; low
    wherever one claim or origin decides who leads.
    """
    firm = {o for one in stage.evidence for o, weight in one.origins.items() if weight >= PROBABLE}
    level = "low" if one_decides or len(firm) < 3 else "moderate" if len(firm) < 4 else "high"
    return {"confidence": level, "firm": len(firm), "one_decides": one_decides}
