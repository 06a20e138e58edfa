"""Attribution: Bayes' rule by hand, copies, silence, what would flip it, the words of ICD 203."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import Row, evidence

import impact
from impact.answers.claims import attribution
from impact.base import times, words
from impact.case.folder import Case
from impact.case.tables import ordered
from impact.measures.attribution import Stage, changes_of_lead, shares, stages, weighted

chance = st.floats(0.01, 1.0)
HYPOTHESES = ("lapsus-name", "teampcp-or-linked", "unknown-actor")


def judged(stage: str, claim: str, x: float | str, y: float | str) -> list[Row]:
    """How likely a claim is under x and under y; a prior without one. A text is `low,mode,high`."""
    rows = []
    for who, given_ in (("x", x), ("y", y)):
        ends = str(given_).split(",")
        low, mode, high = ends if len(ends) == 3 else ends * 3
        rows.append(
            {"id": f"{stage}-{claim}-{who}", "stage": stage, "hypothesis": who}
            | {"claim": claim, "low": low, "mode": mode, "high": high}
        )
    return rows


PRIORS = judged("access", "", 0.5, 0.5)


def case(
    folder: Path,
    claims: Sequence[Row],
    judgements: Sequence[Row],
    sources: Sequence[Row] = ({"id": "s", "reliability": "A"},),
) -> Case:
    """A view with these claims and judgements; a claim is on `s` and confirmed, if not told."""
    told = [{"sources": "s", "credibility": "1", **row} for row in claims]
    return impact.view(
        evidence(folder, claims=told, judgements=[*PRIORS, *judgements], sources=sources)
    )


def likelihood(known: Case, who: str = "x", stage: str = "access") -> float:
    """How likely a hypothesis is, on average over the judged ranges."""
    found = next(one for one in stages(known) if one.name == stage)
    return float(found.chances()[found.hypotheses.index(who)].mean())


def access(known: Case) -> Stage:
    return next(one for one in stages(known) if one.name == "access")


# Bayes' rule

WEIGHTS = (1, 0.8, 0.6, 0.4, 0.2, 0)


@pytest.mark.parametrize(("grade", "weight"), list(zip("ABCDEF123456", WEIGHTS * 2, strict=True)))
def test_a_statement_is_bayes_rule_tempered_by_its_source_and_by_itself(
    tmp_path: Path, grade: str, weight: float
) -> None:
    """A confirmed statement of a reliable source counts in full, one that nobody can judge not."""
    letter, number = (grade, "1") if grade.isalpha() else ("A", grade)
    rows, source = judged("access", "c", 0.8, 0.2), {"id": "s", "reliability": letter}
    known = case(tmp_path / "c", [{"id": "c", "credibility": number}], rows, [source])
    assert likelihood(known) == pytest.approx(4**weight / (4**weight + 1))


def test_two_statements_multiply(tmp_path: Path) -> None:
    rows = [*judged("access", "c", 0.8, 0.2), *judged("access", "d", 0.3, 0.6)]
    known = case(tmp_path / "c", [{"id": "c"}, {"id": "d", "object": "other"}], rows)
    assert likelihood(known) == pytest.approx(0.8 * 0.3 / (0.8 * 0.3 + 0.2 * 0.6))


def test_ranges_are_drawn_and_the_mean_is_that_of_the_draws(tmp_path: Path) -> None:
    rows = judged("access", "c", "0.6,0.8,1.0", "0.1,0.2,0.4")
    drawn = access(case(tmp_path / "c", [{"id": "c"}], rows)).chances()[0]
    assert drawn.std() > 0.02
    rng = np.random.default_rng(5)  # PERT is Beta(1 + 4 (m - l)/(h - l), 1 + 4 (h - m)/(h - l))
    first = 0.6 + 0.4 * rng.beta(3, 3, 200_000)
    second = 0.1 + 0.3 * rng.beta(1 + 4 / 3, 1 + 8 / 3, 200_000)
    assert drawn.mean() == pytest.approx((first / (first + second)).mean(), abs=0.003)


@given(st.lists(st.tuples(chance, chance, st.floats(0, 1)), max_size=6), chance, chance)
def test_chances_add_up_to_one_and_weight_0_changes_nothing(
    rows: list[tuple[float, float, float]], x: float, y: float
) -> None:
    priors = np.array([[x], [y]])
    evidence_ = [np.array([[a], [b]]) for a, b, _ in rows]
    weights = [w for *_, w in rows]
    found = shares(weighted(priors, evidence_, weights))
    assert found.sum() == pytest.approx(1)
    more = weighted(priors, [*evidence_, np.array([[0.9], [0.1]])], [*weights, 0])
    assert shares(more).tolist() == found.tolist()


@given(st.lists(st.tuples(chance, chance, st.floats(0, 1)), min_size=2, max_size=5), st.randoms())
def test_the_order_of_evidence_does_not_matter(rows: list, order: object) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found = [
        shares(
            weighted(
                np.full((2, 1), 0.5),
                [np.array([[a], [b]]) for a, b, _ in some],
                [w for *_, w in some],
            )
        )
        for some in (rows, shuffled)
    ]
    assert found[0] == pytest.approx(found[1])


# copies, origins, silence


def test_ten_copies_of_one_story_move_it_by_less_than_a_point(mercor: impact.Case) -> None:
    """Each copy is a source that restates WIRED, a claim of its own, and judged like the first."""
    copies = copied(mercor, "researchers-on-teampcp", "wired-2026-04-03", 10)
    for stage in ("access", "theft", "extortion"):
        for who in ("teampcp-or-linked", "lapsus-name", "unknown-actor"):
            before = likelihood(impact.view(mercor), who, stage)
            assert abs(likelihood(copies, who, stage) - before) < 0.01
    assert attribution(copies).sentence == attribution(impact.view(mercor)).sentence


def copied(mercor: impact.Case, name: str, root: str, many: int) -> Case:
    """A view of the case in which a claim was copied so often, from copies of its source."""
    tables = dict(mercor.tables)
    day = pl.lit(mercor["claims"].filter(id=name)["known_on"].item(), times.INSTANT)
    for table, rows in (
        ("sources", mercor["sources"].filter(id=root)),
        ("claims", mercor["claims"].filter(id=name)),
        ("judgements", mercor["judgements"].filter(claim=name)),
    ):
        parts = [mercor[table]]
        for n in range(many):
            more = {
                "sources": {"derived_from": pl.lit([root])},
                "claims": {"sources": pl.lit([f"{root}-{n}"])},
                "judgements": {"claim": pl.lit(f"{name}-{n}")},
            }[table]
            parts.append(rows.with_columns(id=pl.col("id") + f"-{n}", known_on=day, **more))
        tables[table] = ordered(pl.concat(parts))
    return impact.view(replace(mercor, tables=tables, memo={}))


def test_a_second_independent_origin_makes_a_statement_firmer(tmp_path: Path) -> None:
    rows = judged("access", "c", 0.8, 0.2)
    two = [{"id": "s"}, {"id": "t"}]  # both B, and each claim is confirmed: .8
    alone = case(tmp_path / "one", [{"id": "c"}], rows, two)
    both = case(tmp_path / "two", [{"id": "c"}, {"id": "d", "sources": "t"}], rows, two)
    assert [e.firmness() for e in access(both).evidence] == [pytest.approx(1 - 0.2**2)]
    assert likelihood(both) > likelihood(alone)


@pytest.mark.parametrize("stance", ["is silent", "is asked"])
def test_silence_moves_nothing_however_it_is_judged(tmp_path: Path, stance: str) -> None:
    rows = judged("access", "c", 0.99, 0.01)
    known = case(tmp_path / "c", [{"id": "c", "stance": stance}], rows)
    assert likelihood(known) == 0.5
    assert access(known).evidence == ()


def test_what_was_replaced_or_taken_back_moves_nothing(tmp_path: Path) -> None:
    rows = judged("access", "c", 0.9, 0.1)
    later = {"id": "d", "object": "other", "supersedes": "c"}
    assert likelihood(case(tmp_path / "r", [{"id": "c"}, later], rows)) == 0.5


def test_a_denial_that_is_judged_counts_on_its_own_origins(tmp_path: Path) -> None:
    rows = judged("access", "d", 0.2, 0.8)
    claims = [{"id": "c", "credibility": "6"}, {"id": "d", "stance": "denies", "by": "x"}]
    assert likelihood(case(tmp_path / "c", claims, rows), "y") == pytest.approx(0.8)


def test_a_statement_judged_for_some_hypotheses_only_waits(mercor: impact.Case) -> None:
    for day in ("2026-03-25", "2026-03-30"):
        found = access(impact.view(mercor, as_of=day))
        assert found.hypotheses == ("teampcp-or-linked", "unknown-actor")
    assert access(impact.view(mercor)).hypotheses == HYPOTHESES


# what would change it


def test_what_would_flip_it_is_named_and_nothing_else_is(tmp_path: Path) -> None:
    sources = [{"id": "s", "reliability": "A"}, {"id": "t", "reliability": "A"}]
    rows = [*judged("access", "c", 0.9, 0.1), *judged("access", "d", 0.3, 0.7)]
    claims = [{"id": "c"}, {"id": "d", "object": "other", "sources": "t"}]
    known = case(tmp_path / "c", claims, rows, sources)
    assert changes_of_lead(access(known)) == [("claim", "c", "y"), ("origin", "s", "y")]
    notes = " ".join(attribution(known).notes)
    assert 'Without "It is so" (a, 1 January 2026), y would lead' in notes
    assert "Without A paper as a source, y would lead" in notes
    assert "Low confidence: two firm independent sources" in attribution(known).sentence


def test_leaving_a_claim_or_an_origin_out_is_the_case_without_it(mercor: impact.Case) -> None:
    """Each single removal is worked out again from the start, and the flips are just those."""
    every = stages(impact.view(mercor))
    assert len(every) == 3
    assert len(every[0].evidence) > 1
    for stage in every:
        expected = []
        for one in stage.evidence:
            rest = tuple(e for e in stage.evidence if e is not one)
            expected.append(("claim", one.claim["id"], replace(stage, evidence=rest).leader()))
        for origin in {name for one in stage.evidence for name in one.origins}:
            rest = tuple(
                replace(e, origins={n: w for n, w in e.origins.items() if n != origin})
                for e in stage.evidence
            )
            expected.append(("origin", origin, replace(stage, evidence=rest).leader()))
        others = sorted(row for row in expected if row[2] != stage.leader())
        assert changes_of_lead(stage) == others


def test_very_much_evidence_does_not_wash_out(tmp_path: Path) -> None:
    """As products, 400 likelihoods of .03 and .01 are nothing; their ratio is all."""
    priors, likelihood = np.full((2, 1), 0.5), np.array([[0.03], [0.01]])
    found = shares(weighted(priors, [likelihood] * 400, [0.8] * 400))
    assert found.ravel().tolist() == pytest.approx([1.0, 0.0])
    ruled_out = shares(weighted(np.array([[0.0], [1.0]]), [np.array([[0.9], [0.0]])], [1.0]))
    assert ruled_out.ravel().tolist() == [0.0, 1.0]


def test_a_copy_that_is_judged_otherwise_does_not_replace_the_original(tmp_path: Path) -> None:
    sources = [{"id": "s"}, {"id": "copy", "derived_from": "s"}]
    claims = [{"id": "d"}, {"id": "a-copy", "sources": "copy", "by": "c"}]
    rows = [*judged("access", "d", 0.8, 0.2), *judged("access", "a-copy", 0.99, 0.01)]
    both = case(tmp_path / "both", claims, rows, sources)
    alone = case(tmp_path / "alone", claims[:1], rows[:2], sources)
    assert likelihood(both) == likelihood(alone)


# words


@pytest.mark.parametrize(
    ("p", "word"),
    [
        *((0.0, "almost no chance"), (0.05, "almost no chance"), (0.06, "very unlikely")),
        *((0.3, "unlikely"), (0.45, "unlikely"), (0.5, "roughly even"), (0.56, "likely")),
        *((0.8, "likely"), (0.81, "very likely"), (0.96, "almost certain"), (1, "almost certain")),
    ],
)
def test_a_likelihood_is_told_in_the_bands_of_icd_203(p: float, word: str) -> None:
    assert words.likelihood(p) == word
