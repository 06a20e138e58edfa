"""What is printed is true: ranges hold nine outcomes in ten, one quantity has one text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import polars as pl
import pytest
from tiny import column

import impact
from impact import answers as questions
from impact.answers.losses import said_range, told_bearers
from impact.base import words
from impact.base.errors import ImpactError
from impact.measures import reach
from impact.measures.choice import costings
from impact.measures.loss import TOTAL
from impact.measures.suppliers import only
from impact.measures.totals import net_loss, total_loss
from impact.numerics import graph
from impact.simulation import Run, Sampler, run_from, sampler

DAYS = {
    "mercor": ("2026-03-24T12:00Z", "2026-03-31", "2026-04-04", "2026-04-23", "2026-08-12", ""),
    "drift": ("2025-08-20", "2025-08-26", "2025-09-08", "2025-09-30", "2025-11-21", ""),
}
SIZES = {"": 1.0, " million": 1e6, " billion": 1e9}
AMOUNT = re.compile(r"\$?(\d[\d.,]*)( million| billion)?")


@cache
def case(name: str) -> impact.Case:
    return impact.load_case(name)


def views() -> Iterator[tuple[str, str, str]]:
    for name, days in DAYS.items():
        yield from ((name, scenario, "") for scenario in case(name).scenarios)
        yield from ((name, "baseline", day) for day in days[:-1])


def ends(text: str) -> tuple[float, float]:
    """The two ends of a printed range; gains are below 0."""
    text = text.partition(" if it happens")[0]
    found = [float(n.replace(",", "")) * SIZES[size or ""] for n, size in AMOUNT.findall(text)]
    low, high = found if len(found) == 2 else found * 2
    if "to a loss of" in text:
        return -low, high
    return (-high, -low) if text.startswith("a gain") else (low, high)


def ranges(run: Run) -> Iterator[tuple[str, str, np.ndarray]]:
    """(what, text, draws) of every printed range of an answer to a run."""
    for row in told_bearers(run).iter_rows(named=True):
        draws = total_loss(run) if row["bearer"] == TOTAL else net_loss(run, row["bearer"])
        yield f"all of {row['bearer']}", f"{row['range']} {row['when']}", draws
    kinds = {name: row["kind"] for name, row in run.known.rows("entities").items()}
    how = dict(reach.chances(run).select("entity", "how").iter_rows())
    table = impact.losses(run).table
    for row in table.filter(~pl.col("part").is_in(["work", "pay_each"])).iter_rows(named=True):
        loss = run.known.rows("losses").get(row["about"])
        if loss is None:
            draws = total_loss(run) if row["about"] == TOTAL else net_loss(run, row["about"])
        elif kinds[loss["bearer"]] in ("lab", "client"):
            same = [
                n
                for n, r in run.known.rows("losses").items()
                if r["driver"] == loss["driver"]
                and kinds[r["bearer"]] == kinds[loss["bearer"]]
                and (how[r["needs"]] == "established") == (how[loss["needs"]] == "established")
                and how[r["needs"]] != "none"
                and r["received_by"] is None
            ]
            draws = np.concatenate([run.losses[name] for name in same])
        else:
            continue
        yield row["id"], said_range(run, row).replace(", if", " if"), draws
    for row in table.filter(pl.col("part") == "pay_each").iter_rows(named=True):
        factors = sampler(run).arguments(row["about"])
        of_one = math.prod(v for name, v in factors.items() if name not in ("people", "band"))
        needs = run.known.rows("losses")[row["about"]]["needs"]
        state = graph.unpack(run.reached[needs], run.draws)
        yield row["id"], said_range(run, row).replace(", if", " if"), np.where(state, of_one, 0.0)
    alone = impact.suppliers(run)
    ranges_said = column(alone, "Total loss, nine outcomes in ten")
    for row, said in zip(alone.table.iter_rows(named=True), ranges_said, strict=True):
        source = Sampler(
            run.known, only(run.known, row["id"]), run.draws, run.seed, dict(run.drawn)
        )
        yield row["id"], said.replace(", if", " if"), total_loss(run_from(source))
    costs_said = column(impact.decisions(run), "Cost, nine outcomes in ten")
    costs = [cost for one in costings(run) for cost in one.costs]
    for number, (text, cost) in enumerate(zip(costs_said, costs, strict=True)):
        yield f"option {number}", text, cost


@pytest.mark.parametrize(("name", "scenario", "day"), list(views()))
def test_a_printed_range_holds_nine_outcomes_in_ten(name: str, scenario: str, day: str) -> None:
    try:
        run = impact.simulate(impact.view(case(name), scenario, day))
    except ImpactError:
        pytest.fail("every scenario stands in its own view")
    wrong, seen = [], 0
    for what, text, draws in ranges(run):
        if text.startswith(("none", words.NOT_RESOLVED)):
            continue
        of = draws[draws != 0] if "if it happens" in text else draws
        low, high = ends(text)
        if low == high:
            continue
        share = float(np.mean((of >= low) & (of <= high)))
        seen += 1
        if not 0.88 <= share <= 0.93:
            wrong.append((what, text, round(share, 3)))
    assert wrong == []
    assert seen > 1 or day


@pytest.mark.parametrize("name", list(DAYS))
def test_over_a_whole_report_a_figure_has_one_text(name: str) -> None:
    run = impact.simulate(impact.view(case(name)))
    asked = [*questions.answers(run), impact.timeline(run.known, 40, 40)]
    asked.append(impact.losses(run, by="form"))
    texts: dict[str, set[str]] = {}
    for answer in asked:
        for figure in answer.figures:
            texts.setdefault(figure.name, set()).add(figure.text)
    assert {figure: found for figure, found in texts.items() if len(found) > 1} == {}
    assert len(texts) > 200


def test_the_mean_total_is_printed_alike_wherever_it_stands() -> None:
    run = impact.simulate(impact.view(case("mercor"), "long-pause"))
    baseline = impact.under(run, "baseline")
    mean = words.money(float(total_loss(baseline).mean()))
    rows = impact.compare(run).table
    assert words.money(rows.filter(pl.col("id") == "baseline")["mean_usd"][0]) == mean
    of_losses = {figure.name: figure.text for figure in impact.losses(baseline).figures}
    assert of_losses["mean.total"] == mean


def test_a_chance_reads_as_the_nearest_five_per_cent_or_as_whole_ones() -> None:
    found = {p: words.chance(p) for p in (0.248, 0.102, 0.9, 0.92, 0.03, 0.004, 0.996, 0, 1)}
    assert list(found.values()) == [
        *("25 %", "10 %", "90 %", "92 %", "3 %", "under 1 %", "over 99 %", "none", "always"),
    ]
