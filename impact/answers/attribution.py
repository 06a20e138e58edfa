"""Who did it: for each part of the incident how likely each actor is, and what would change that.

Bayes' rule over hypotheses, with judged ranges for the priors and for how likely each statement
would be under each hypothesis. A statement counts once, tempered towards neutral by how firm its
origins are; silence counts nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from impact import words
from impact.answers.answer import Answer, Facts, Figure, worded
from impact.case.folder import Case, once
from impact.case.schema import JUDGED, SAME_AS
from impact.measures.evidence import names
from impact.measures.standing import PROBABLE, Claim, combined, firmest, statements_of, weighed
from impact.numerics import measures, sampling

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]
DRAWS, SEED = 4096, 1
TINY, NEVER = 1e-300, -1e9
DID = {
    "access": "got in",
    "theft": "took the claimed data",
    "extortion": "offers or threatens with the data",
}


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

    def chances(self) -> Draws:
        """`(hypotheses, draws)` chances after the evidence."""
        weights = [one.firmness() for one in self.evidence]
        return shares(weighted(self.priors, [one.likelihood for one in self.evidence], weights))

    def leader(self) -> str:
        """The hypothesis that is likeliest on average."""
        return self.hypotheses[int(self.chances().mean(axis=1).argmax())]


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


@once
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
        rows = known["judgements"].filter(pl.col("stage") == stage)
        judged = {(row["claim"], row["hypothesis"]): row for row in rows.iter_rows(named=True)}
        hypotheses = sorted(who for claim, who in judged if claim is None)
        whole = sorted(
            claim
            for claim in {claim for claim, _ in judged} & sides.keys()
            if all((claim, who) in judged for who in hypotheses)
        )
        told = {id(sides[claim]): sides[claim] for claim in whole}  # copies are one statement
        evidence = []
        for side in told.values():
            claim = min((c for c in side if c["id"] in whole), key=lambda c: _nearest(known, c))
            likelihood = _drawn([judged[claim["id"], who] for who in hypotheses])
            evidence.append(Evidence(claim, weighed(known, side), likelihood))
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
        drawn.append(sampling.pert(u, row["low"], row["mode"], row["high"], 1.0))
    return np.array(drawn)


def flips(stage: Stage) -> list[tuple[str, str, str]]:
    """(`claim` or `origin`, its id, who would lead without it) wherever that is somebody else."""
    weights = [one.firmness() for one in stage.evidence]
    logs = [np.log(np.maximum(one.likelihood, TINY)) for one in stage.evidence]
    whole = weighted(stage.priors, [one.likelihood for one in stage.evidence], weights)
    less: dict[tuple[str, str], Draws] = {}
    for one, log, weight in zip(stage.evidence, logs, weights, strict=True):
        less["claim", one.claim["id"]] = weight * log
        for origin in one.origins:
            lost = (weight - one.firmness(origin)) * log
            less["origin", origin] = less.get(("origin", origin), np.zeros_like(whole)) + lost
    leader, found = stage.leader(), list[tuple[str, str, str]]()
    for (kind, name), lost in sorted(less.items()):
        other = stage.hypotheses[int(shares(whole - lost).mean(axis=1).argmax())]
        found += [(kind, name, other)] if other != leader else []
    return found


def attribution(known: Case) -> Answer:
    """How likely each actor is for each part of the incident, and what would change who leads.

    In the words of ICD 203 (2015), of the mean and of the 5 % and 95 % points over the judged
    ranges. Table: `id` (STAGE.ACTOR), `stage`, `did`, `actor`, `low_chance`, `mean_chance`,
    `high_chance`, `band`.
    """
    said = names(known)
    rows: list[dict[str, Any]] = []
    figures, told = [], []
    for stage in stages(known):
        chances, flipped = stage.chances(), flips(stage)
        mine: list[dict[str, Any]] = []
        for who, drawn in zip(stage.hypotheses, chances, strict=True):
            mean, error = float(drawn.mean()), measures.mean(drawn).error
            low, high = np.quantile(drawn, (0.05, 0.95), method="inverted_cdf")
            ends = {"low_chance": float(low), "mean_chance": mean, "high_chance": float(high)}
            band = words.likelihoods(float(low), mean, float(high))
            row = {
                "id": f"{stage.name}.{who}",
                "stage": stage.name,
                "did": f"Who {DID[stage.name]}",
            }
            mine.append({**row, "actor": said[who], **ends, "band": band})
            name = f"likelihood.{stage.name}.{who}"
            figures.append(Figure(name, mean, error, "chance", words.chance(mean)))
        mine.sort(key=lambda row: -row["mean_chance"])
        rows += mine
        told.append(
            {
                "did": DID[stage.name],
                "first": mine[0],
                "word": words.likelihood(mine[0]["mean_chance"]),
                "heard": list(dict.fromkeys(one.claim["claimant"] for one in stage.evidence)),
                "flips": [{"kind": kind, "id": name, "to": to} for kind, name, to in flipped],
                **_confidence(stage, bool(flipped)),
            }
        )
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def draw(_: Any, wide: bool) -> alt.TopLevelMixin:
        from impact.charts import pictures

        drawn = frame.select("did", "actor", "low_chance", "mean_chance", "high_chance")
        return pictures.likelihoods(drawn, wide)

    publisher = dict(known["sources"].select("id", "publisher").iter_rows())
    values = {"told": told, "aliases": _aliases(known), "publisher": publisher}
    facts = Facts(frame, values, figures, draw if rows else None, there=bool(rows))
    return worded(known, "attribution", facts)


_SCHEMA: dict[str, Any] = {
    **dict.fromkeys(("id", "stage", "did", "actor", "band"), pl.String),
    **dict.fromkeys(("low_chance", "mean_chance", "high_chance"), pl.Float64),
}


def _confidence(stage: Stage, one_decides: bool) -> dict[str, Any]:
    """How firm the basis of a stage is, as ICD 203 asks, apart from how likely anything is.

    High from four origins that make something probable, moderate from three, low otherwise; low
    wherever one claim or origin decides who leads.
    """
    firm = {o for one in stage.evidence for o, weight in one.origins.items() if weight >= PROBABLE}
    level = "low" if one_decides or len(firm) < 3 else "moderate" if len(firm) < 4 else "high"
    return {"confidence": level, "firm": len(firm), "one_decides": one_decides}


def _aliases(known: Case) -> list[dict[str, Any]]:
    """What is claimed of actors being the same: they are kept apart all the same."""
    kinds, found = dict(known["entities"].select("id", "kind").iter_rows()), []
    for one in statements_of(known):
        claim = one.first
        if claim["predicate"] == SAME_AS and kinds[claim["subject"]] == "actor":
            ends = [claim[part] for part in ("low", "high", "mode") if claim[part] is not None]
            said = [each["id"] for each in (*one.claims, *one.denials)]
            found.append({"subject": claim["subject"], "value": one.value, "claims": said,
                          "standing": one.standing, "low": min(ends, default=None),
                          "high": max(ends, default=None)})  # fmt: skip
    return found
