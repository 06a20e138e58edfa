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
from impact.answers.answer import Answer, Figure
from impact.answers.provenance import names
from impact.answers.statements import (
    PROBABLE,
    Claim,
    combined,
    firmest,
    said_by,
    statements_of,
    weighed,
)
from impact.case.folder import Case, once
from impact.case.schema import JUDGED, SAME_AS
from impact.case.views import now
from impact.numerics import measures, sampling

if TYPE_CHECKING:
    import altair as alt

Draws = NDArray[np.float64]
DRAWS, SEED = 4096, 1
TINY, NEVER = 1e-300, -1e9
DID = {
    "access": "got in",
    "theft": "took the data that is claimed",
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


@once
def attribution(known: Case) -> Answer:
    """How likely each actor is for each part of the incident, and what would change who leads.

    In the words of ICD 203 (2015), of the mean and of the 5 % and 95 % points over the judged
    ranges. Table: `stage`, `actor`, `low_chance`, `mean_chance`, `high_chance`, `band`, `flips`.
    """
    said, moment = names(known), words.date(now(known))
    rows: list[dict[str, Any]] = []
    sentences, notes, figures = [], [], []
    for stage in stages(known):
        chances, leader, flipped = stage.chances(), stage.leader(), flips(stage)
        for who, drawn in sorted(
            zip(stage.hypotheses, chances, strict=True), key=lambda pair: -pair[1].mean()
        ):
            mean, error = float(drawn.mean()), measures.mean(drawn).error
            low, high = np.quantile(drawn, (0.05, 0.95), method="inverted_cdf")
            rows.append(
                {
                    "stage": stage.name,
                    "id": who,
                    "actor": said[who],
                    "low_chance": float(low),
                    "mean_chance": mean,
                    "high_chance": float(high),
                    "band": words.likelihoods(float(low), mean, float(high)),
                    "did": f"Who {DID[stage.name]}",
                    "flips": _flips_said(known, flipped) if who == leader else "",
                }
            )
            name = f"likelihood.{stage.name}.{who}"
            figures.append(Figure(name, mean, error, "chance", words.chance(mean)))
        sentences.append(_told(known, stage, next(r for r in rows if r["stage"] == stage.name)))
        notes.append(_confidence(known, stage, bool(flipped)))
    schema: dict[str, Any] = {
        **dict.fromkeys(("stage", "id", "actor", "band", "did", "flips"), pl.String),
        **dict.fromkeys(("low_chance", "mean_chance", "high_chance"), pl.Float64),
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")

    def draw() -> alt.TopLevelMixin:
        from impact.charts import pictures

        drawn = frame.select("did", "actor", "low_chance", "mean_chance", "high_chance")
        return pictures.likelihoods(drawn)

    return Answer(
        name="attribution",
        sentence=" ".join(sentences) or f"Nobody is weighed as the actor by {moment}.",
        table=frame,
        label=known.label,
        heads={
            "did": "What",
            "actor": "Actor",
            "band": "How likely",
            "flips": "What would change who leads",
        },
        figures=tuple(figures),
        notes=(*notes, *_aliases(known)),
        draw=draw if rows else None,
    )


def _told(known: Case, stage: Stage, first: Mapping[str, Any]) -> str:
    """Who leads in a stage, in a sentence with its day and on whose word it rests."""
    said, moment = names(known), words.date(now(known))
    heard = list(dict.fromkeys(said[one.claim["claimant"]] for one in stage.evidence))
    basis = f"from what is reported by {words.listed(heard)}" if heard else "on priors alone"
    did, band = DID[stage.name], words.likelihood(first["mean_chance"])
    found = f"it is {band} that {first['actor']} {did}"
    if band == words.EVEN:
        found = f"there is a roughly even chance that {first['actor']} {did}"
    elif first["mean_chance"] < 0.5:
        found = f"no actor is likelier than not to be the one who {did}; {first['actor']} leads"
    return f"As of {moment}, judged {basis}, {found}."


def _flips_said(known: Case, flipped: Sequence[tuple[str, str, str]]) -> str:
    said, claims, sources = names(known), known.rows("claims"), known.rows("sources")
    told = []
    for kind, name, other in flipped:
        what = f"{sources[name]['publisher']} as a source" if kind == "origin" else ""
        if kind == "claim":
            what = f'"{claims[name]["says"].rstrip(".")}" ({said_by(known, claims[name])})'
        told.append(f"without {what}, {said[other]} would lead")
    return "; ".join(told) or "no single claim or origin"


def _confidence(known: Case, stage: Stage, one_decides: bool) -> str:
    """How firm the basis of a stage is, as ICD 203 asks, apart from how likely anything is.

    High from four origins that make something probable, moderate from three, low otherwise; low
    wherever one claim or origin decides who leads.
    """
    firm = {o for one in stage.evidence for o, weight in one.origins.items() if weight >= PROBABLE}
    level = "low" if one_decides or len(firm) < 3 else "moderate" if len(firm) < 4 else "high"
    basis = f"{words.count(len(firm), 'independent origin')} of weight"
    basis += ", and one alone decides who leads" if one_decides else ""
    return (
        f"Confidence in who {DID[stage.name]} is {level} as of {words.date(now(known))}: {basis}."
    )


def _aliases(known: Case) -> list[str]:
    """What is claimed of actors being the same: they are kept apart all the same."""
    said, told = names(known), []
    kinds = dict(known["entities"].select("id", "kind").iter_rows())
    for one in statements_of(known):
        claim = one.first
        if claim["predicate"] == SAME_AS and kinds[claim["subject"]] == "actor":
            ends = [claim[part] for part in ("low", "high", "mode") if claim[part] is not None]
            chance = f", {words.per_cent(min(ends))} to {words.per_cent(max(ends))}" if ends else ""
            who = "; ".join(said_by(known, each) for each in (*one.claims, *one.denials))
            told.append(
                f"That {said[claim['subject']]} is {one.value} is {one.standing} ({who}{chance});"
                " the two are kept apart."
            )
    return told
