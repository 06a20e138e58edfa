"""Labels: each figure reads the highest level of the rows on which it rests, and no other."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny import FILLED, SAID, between, evidence, fixed, link, loss, raised, write

import impact
from impact.answers.answer import Answer, Figure, tally
from impact.case.schema import TLP, highest

ASKED = (
    *("exposure", "co_exposure", "weak_points", "concentration", "losses", "itemised"),
    *("exceedance", "common_cause", "decisions", "unknowns", "not_known", "compare", "next_year"),
)
# v falls and supplies left and right, other supplies right; each costs itself what it is reached,
# and left may put up a fence
KINDS = {"event": "event", "v": "vendor", "other": "vendor", "left": "lab", "right": "lab"}
ROWS: dict[str, list[dict[str, str]]] = {
    "sources": [{"id": name, "published_on": "2026-01-01"} for name in ("s1", "s2", "s3", "s4")],
    "claims": [
        {"id": "v-reached", "claimant": "v", "subject": "v", "sources": "s1"},
        {"id": "right-served", "claimant": "right", "subject": "v", "sources": "s2"},
        {"id": "said", "claimant": "reader", "subject": "v", "sources": "s4"},
    ],
    "inputs": [
        between("p_left", 0.3, 0.9, question="Is left in reach?", ask="v"),
        between("p_right", 0.3, 0.9, question="Is right in reach?", ask="v", sources="s3"),
        fixed("p_other", 0.5),
        between("left_usd", 10, 90, "USD", question="What does it cost?", ask="left"),
        between("right_usd", 10, 90, "USD"),
        fixed("fence_usd", 5, "USD"),
        fixed("fenced", 0, "1"),
        fixed("rate", 2, "event/year"),
        fixed("unused", 1),
    ],
    "links": [
        link("event", "v", relation="falls", claims="v-reached"),
        link("v", "left", "p_left", relation="supplies"),
        link("v", "right", "p_right", relation="supplies", claims="right-served"),
        link("other", "right", "p_other", relation="supplies"),
    ],
    "losses": [
        loss("left-cost", "left", "usd=left_usd", "left", driver="cost of left"),
        loss("right-cost", "right", "usd=right_usd", "right", driver="cost of right"),
        loss("fence", "event", "usd=fence_usd; count=fenced", "left", driver="a fence"),
    ],
    "entities": [{"id": name, "name": name, "kind": kind} for name, kind in KINDS.items()]
    + [{"id": "reader", "name": "reader", "kind": "group"}],
}
TOML = """
[scenario.surely]
set = { p_right = 1 }
[scenario.unused]
set = { unused = 0 }
[decision.d]
title = "Fence"
bearer = "left"
flips_on = "left_usd"
flips_says = "it costs"
[decision.d.option.fence]
costs = ["fence"]
saves = ["left-cost"]
set = { fenced = 1, "link.v-left" = 0 }
[decision.d.option.go-on]
costs = ["left-cost"]
saves = ["fence"]
set = { fenced = 0, unused = 1 }
"""
STATED = {**SAID["claims"], "stated_on": "2026-01-01"}
Marked = Callable[..., impact.Case]


@pytest.fixture
def marked(tmp_path: Path) -> Marked:
    """`marked(table, row)`: the case above, with that row at amber."""

    def make(table: str = "", row: str = "") -> impact.Case:
        rows = {
            name: [
                {**r, "tlp": "amber" if (name, r["id"]) == (table, row) else "clear"} for r in of
            ]
            for name, of in ROWS.items()
        }
        filled = {**SAID, **FILLED, "claims": STATED}
        case = impact.load_case(write(tmp_path / f"{table}-{row}", rows, TOML, filled))
        return impact.view(case, tlp="amber")

    return make


def names(figures: Iterable[Figure], level: str = "") -> set[str]:
    return {figure.name for figure in figures if not level or figure.label == level}


LEFT = {  # what rests on what is left's alone; ALL is every figure of an answer
    "exposure": {"chance.left"},
    "co_exposure": {"ALL"},
    "weak_points": {"saved.event-v", "saved.v-left"},
    "concentration": {"mean_usd.v", "parties.v"},
    "losses": {"mean.left", "mean.total"}
    | {f"{part}.{what}" for part in ("p05", "p95")
       for what in ("a client lab: cost of left", "all together: net of transfers")},
    "itemised": {f"{part}.left.response" for part in ("given", "mean", "p95", "tvar95")},
    "exceedance": {"ALL"},
    "common_cause": {"ALL"},
    "decisions": {"ALL"},
    "unknowns": {"ALL"},
    "not_known": {"ALL"},
    "compare": {"ALL"},
    "next_year": {"year.left", "year.total"},
}  # fmt: skip
ASKED_OF_RIGHT = {
    *("cost_share.left_usd", "cost_share.p_left", "cost_share.p_right", "swing_usd.left_usd"),
    *("data_share.left_usd", "data_share.p_left", "data_share.p_right", "swing_usd.p_left"),
    *("swing_usd.p_right", "value_usd.p_right"),
}
RIGHT = LEFT | {
    "exposure": {"chance.right"},
    "weak_points": {"saved.event-v", "saved.v-right"},
    "losses": {name.replace("left", "right") for name in LEFT["losses"]},
    "itemised": {name.replace("left", "right") for name in LEFT["itemised"]},
    "decisions": set(),
    "unknowns": ASKED_OF_RIGHT,
    "next_year": {"year.right", "year.total"},
}
OF_EVIDENCE = {"not_known": set[str]()}
OF_ALL = LEFT | OF_EVIDENCE | {
    "exposure": {"chance.v", "chance.left", "chance.right"},
    "weak_points": {"ALL"},
    "concentration": set(),  # what follows were one to fall hangs on no report of a fall
    "losses": {"ALL"},
    "itemised": {"ALL"},
    "next_year": {"ALL"},
}  # fmt: skip
NONE = {name: set[str]() for name in ASKED}
UNUSED = {f"{part}.unused" for part in ("mean_usd", "difference_usd", "p95_usd")}
UNUSED_OPTION = {"mean_usd.Fence: go-on", "regret_usd.Fence: go-on", "best_chance.Fence: go-on"}
UNUSED_OPTION |= {"regret_usd.Fence: fence", "best_chance.Fence: fence"}
WORTH = {f"value_usd.{name}" for name in ("p_left", "p_right", "left_usd")}
FENCE = LEFT | {
    "concentration": {"mean_usd.v", "mean_usd.other", "parties.v"},
    "losses": LEFT["losses"] - {f"{part}.a client lab: cost of left" for part in ("p05", "p95")},
}
AMBER: dict[tuple[str, str], Mapping[str, set[str]]] = {
    ("inputs", "p_left"): LEFT,
    ("inputs", "p_right"): RIGHT,
    ("inputs", "p_other"): RIGHT | {"concentration": {"mean_usd.other", "parties.other"}},
    ("inputs", "fence_usd"): FENCE,
    ("inputs", "rate"): NONE | {"not_known": {"ALL"}, "next_year": {"ALL"}},
    ("inputs", "unused"): NONE
    | {"not_known": {"ALL"}, "compare": UNUSED, "decisions": UNUSED_OPTION, "unknowns": WORTH},
    ("sources", "s1"): OF_ALL,
    ("sources", "s2"): RIGHT | OF_EVIDENCE,
    ("sources", "s3"): RIGHT | OF_EVIDENCE,
    ("sources", "s4"): NONE,
    ("claims", "v-reached"): OF_ALL,
    ("claims", "right-served"): RIGHT | OF_EVIDENCE,
    ("claims", "said"): NONE,
    ("losses", "right-cost"): RIGHT | {"concentration": {"ALL"}},
    ("links", "v-right"): RIGHT,
    ("links", "v-left"): LEFT,
    ("entities", "left"): LEFT | OF_EVIDENCE | {"concentration": FENCE["concentration"]},
    ("entities", "reader"): NONE,
}


@pytest.mark.parametrize("row", AMBER, ids=" ".join)
def test_those_figures_that_rest_on_a_row_read_its_level_and_no_other(
    marked: Marked, row: tuple[str, str]
) -> None:
    run = impact.simulate(marked(*row), draws=4000)
    assert set(AMBER[row]) == set(ASKED)
    for name in ASKED:
        answer, expected = getattr(impact, name)(run), AMBER[row][name]
        every = names(answer.figures)
        assert every, name
        assert names(answer.figures, "amber") == (every if expected == {"ALL"} else expected), name
        assert names(answer.figures, "clear") == every - names(answer.figures, "amber"), name
        if expected:
            assert answer.label == "amber", name


def test_a_case_whose_rows_are_clear_has_clear_answers(marked: Marked) -> None:
    run = impact.simulate(marked(), draws=4000)
    answers = [getattr(impact, name)(run) for name in (*ASKED, "positions", "bottom_line")]
    assert {answer.label for answer in answers} == {"clear"}
    assert all(answer.record()["label"] == "clear" for answer in answers)


@pytest.mark.parametrize(
    ("row", "amber"),
    {
        ("claims", "said"): {"exposure", "positions", "bottom_line", "not_known"},
        ("entities", "reader"): {"exposure", "positions", "bottom_line", "not_known", "losses"},
        ("losses", "right-cost"): {"bottom_line", "losses", "decisions", "exposure"},
        ("links", "other-right"): {"positions", "concentration", "bottom_line", "exposure"},
    }.items(),
    ids=str,
)
def test_an_answer_reads_no_lower_than_the_rows_that_its_texts_quote(
    marked: Marked, row: tuple[str, str], amber: set[str]
) -> None:
    run = impact.simulate(marked(*row), draws=4000)
    for name in amber:
        assert getattr(impact, name)(run).label == "amber", name
        assert getattr(impact, name)(run).record()["label"] == "amber", name


@pytest.mark.parametrize("asked", ["v", "right", "total", "p_other", "right-served"])
def test_why_reads_the_level_of_what_it_tells(marked: Marked, asked: str) -> None:
    amber = {"right", "total", "p_other"}
    run = impact.simulate(marked("links", "other-right"), draws=4000)
    assert impact.why(run, asked).label == ("amber" if asked in amber else "clear")


def test_what_a_notice_tells_counts_as_quoted(marked: Marked) -> None:
    run = impact.simulate(marked("inputs", "unused"), draws=4000)
    told = impact.what_if(run, "unused=0")
    assert impact.losses(run).label == "clear"
    assert impact.losses(told).label == "amber"
    assert names(impact.losses(told).figures, "amber") == set()


@pytest.mark.parametrize(("row", "amber"), [("s3", True), ("s4", False)])
def test_a_changed_input_rests_on_the_sources_of_what_it_was(
    marked: Marked, row: str, amber: bool
) -> None:
    run = impact.simulate(marked("sources", row), draws=4000)
    told = impact.what_if(run, "p_right=0.5")
    assert told.known.inputs["p_right"]["sources"] == []
    for each in (run, told, impact.under(run, "surely")):
        assert (each.lineage.label("right") == "amber") is amber
        assert each.lineage.label("left") == "clear"


def test_every_number_of_a_year_rests_on_the_rate(marked: Marked) -> None:
    run = impact.simulate_year(marked("inputs", "rate"), draws=4000)
    for name in ("exposure", "co_exposure", "itemised", "exceedance"):
        assert {figure.label for figure in getattr(impact, name)(run).figures} == {"amber"}, name


def test_a_cut_link_is_at_the_level_of_the_link_and_of_its_claims(marked: Marked) -> None:
    for row in (("links", "v-right"), ("claims", "right-served"), ("sources", "s2")):
        lineage = impact.simulate(marked(*row), draws=10).lineage
        assert lineage.label_of_inputs("link.v-right") == "amber"
        assert lineage.label_of_inputs("link.v-left", "p_left") == "clear"
        assert lineage.label_of_inputs() == "clear"


def test_an_input_is_at_the_level_of_what_it_moves_with(tmp_path: Path) -> None:
    factor = fixed("together", 0.5, "correlation", tlp="amber")
    inputs = [between("p", 0.1, 0.9, moves_with="together"), between("q", 0.1, 0.9), factor]
    rows = {"links": [link("event", "a", "p"), link("event", "b", "q")], "inputs": inputs}
    ends = [{"id": name, "name": name} for name in ("a", "b")]
    rows["entities"] = [{"id": "event", "name": "event", "kind": "event"}, *ends]
    case = impact.load_case(write(tmp_path / "case", rows))
    lineage = impact.simulate(impact.view(case, tlp="amber"), 10).lineage
    assert (lineage.label("a"), lineage.label("b")) == ("amber", "clear")
    assert (lineage.label_of_inputs("p"), lineage.label_of_inputs("q")) == ("amber", "clear")


@pytest.mark.parametrize("row", ["one", "two", "three"])
def test_news_reads_the_level_of_both_days(tmp_path: Path, row: str) -> None:
    claims = [
        {"id": "one", "known_on": "2026-01-01", "says": "It was so."},
        {"id": "one", "known_on": "2026-01-03", "says": "It is so."},
        {"id": "two", "known_on": "2026-01-02", "says": "It is not so."},
    ]
    claims[0]["tlp"] = "amber" if row == "one" else "clear"
    claims[2]["tlp"] = "amber" if row == "two" else "clear"
    case = evidence(tmp_path / "case", sources=[{"id": "s"}], claims=claims)
    early, late = (
        impact.view(case, as_of=day, tlp="amber") for day in ("2026-01-01", "2026-01-04")
    )
    found = impact.news(early, late)
    assert {figure.label for figure in found.figures} == {"clear" if row == "three" else "amber"}
    assert impact.news(late, early).label == found.label


def test_each_end_and_each_effect_of_a_difference_has_its_own_label(marked: Marked) -> None:
    run = impact.simulate(marked("inputs", "unused"), draws=4000)
    found = impact.waterfall(run, impact.what_if(run, "unused=0.5; p_left=0.5"))
    assert names(found.figures, "amber") == {"effect.unused"}
    assert names(found.figures, "clear") == {"from.total", "to.total", "effect.p_left"}


@pytest.mark.parametrize("table", ["inputs", "links", "losses", ""])
def test_a_row_that_became_known_marks_its_effect_and_the_later_total(
    tmp_path: Path, table: str
) -> None:
    day = {"known_on": "2026-01-05"}
    rows = {
        "inputs": [fixed("p", 0.5, **day), fixed("usd", 10, "USD")],
        "links": [link("event", "a"), link("event", "b", "p", **day)],
        "losses": [
            loss("first", "a", "usd=usd", driver="first"),
            loss("second", "b", "usd=usd", driver="second", **day),
        ],
        "entities": [
            {"id": "event", "name": "event", "kind": "event"},
            *({"id": name, "name": name} for name in ("a", "b")),
        ],
    }
    if table:
        rows[table][{"inputs": 0}.get(table, 1)]["tlp"] = "amber"
    case = impact.load_case(write(tmp_path / "case", rows))
    one, other = (
        impact.simulate(impact.view(case, as_of=day, tlp="amber"), 1000)
        for day in ("2026-01-02", "2026-01-06")
    )
    found = impact.waterfall(one, other)
    later = names(found.figures) - {"from.total"}
    assert "effect.losses.second" in later
    assert names(found.figures, "amber") == (later if table else set())


@pytest.mark.parametrize("marked_row", ["second", "s", "third", ""])
def test_what_came_and_went_between_two_days_marks_every_effect(
    tmp_path: Path, marked_row: str
) -> None:
    def row(name: str, day: str, **cells: str) -> dict[str, str]:
        tlp = "amber" if name == marked_row else "clear"
        return {"id": name, "known_on": f"2026-01-{day}", "tlp": tlp, **cells}

    second = loss("second", "a", "usd=usd", driver="second")
    rows = {
        "sources": [row("s", "05", published_on="2026-01-05", **SAID["sources"])],
        "inputs": [fixed("usd", 10, "USD"), {**fixed("usd", 20, "USD"), "known_on": "2026-01-06"}],
        "links": [link("event", "a")],
        "losses": [
            loss("first", "a", "usd=usd", driver="first"),
            second | row("second", "05", sources="s"),
            second | {"known_on": "2026-01-07", "withdrawn": "true"},
            loss("third", "event", "usd=usd", driver="third") | row("third", "08"),
        ],
        "entities": [{"id": "event", "name": "event", "kind": "event"}, {"id": "a", "name": "a"}],
    }
    case = impact.load_case(write(tmp_path / "case", rows))
    one, other = (
        impact.simulate(impact.view(case, as_of=day, tlp="amber"), 100)
        for day in ("2026-01-02", "2026-01-09")
    )
    effects = {"effect.inputs.usd", "effect.losses.second", "effect.losses.third"}
    for found in (impact.waterfall(one, other), impact.waterfall(other, one)):
        assert names(found.figures) == {"from.total", "to.total"} | effects
        late = "to.total" if found.figures[1].value == 40 else "from.total"
        assert names(found.figures, "amber") == {
            "": set(), "third": effects | {late}
        }.get(marked_row, effects)  # fmt: skip


@pytest.mark.parametrize("row", ["left-cost", "right-cost"])
def test_a_band_of_several_is_at_the_highest_of_their_levels(tmp_path: Path, row: str) -> None:
    rows = {
        "inputs": [between("usd", 10, 90, "USD")],
        "links": [link("event", "left"), link("event", "right")],
        "losses": [
            loss(f"{lab}-cost", lab, "usd=usd", lab, driver="a review") for lab in ("left", "right")
        ],
        "entities": [{"id": name, "name": name, "kind": KINDS[name]} for name in KINDS],
    }
    next(each for each in rows["losses"] if each["id"] == row)["tlp"] = "amber"
    case = impact.load_case(write(tmp_path / "case", rows))
    found = impact.losses(impact.simulate(impact.view(case, tlp="amber"), 1000))
    band = {f"{part}.a client lab: a review" for part in ("p05", "p95")}
    assert band <= names(found.figures, "amber")
    assert len(names(found.figures, "clear") & {"mean.left", "mean.right"}) == 1


def figures_of_parties(run: impact.Run) -> list[tuple[str, Figure]]:
    """(entity, bearer or `total`, figure) of every figure about one of them."""
    parties = {*run.known["entities"]["id"], "total"}
    asked = (impact.exposure(run), impact.losses(run), impact.itemised(run, "bearer"))
    found = [(figure.name.split("."), figure) for answer in asked for figure in answer.figures]
    return [(parts[1], figure) for parts, figure in found if parts[1] in parties]


@pytest.fixture(scope="module")
def rows_of_mercor(mercor: impact.Case) -> list[tuple[str, str]]:
    tables = ("sources", "claims", "entities", "links", "inputs", "losses")
    return [(table, name) for table in tables for name in mercor[table]["id"].unique().sort()]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_figure_of_a_party_is_at_the_highest_level_of_the_rows_it_rests_on(
    mercor: impact.Case, rows_of_mercor: list[tuple[str, str]], data: st.DataObject
) -> None:
    levels, before = dict[tuple[str, str], str](), dict[str, str]()
    for level in data.draw(st.sampled_from([TLP[1:4], TLP[2:], TLP[4:]])):  # raised step by step
        more = data.draw(st.lists(st.sampled_from(rows_of_mercor), max_size=12))
        levels |= dict.fromkeys(more, level)
        run = impact.simulate(impact.view(raised(mercor, levels), "long-pause"), draws=500)
        found = figures_of_parties(run)
        assert len(found) > 50
        for party, figure in found:
            rests = [
                run.known.rows(table)[row]["tlp"]
                for table, ids in run.lineage[party].items()
                for row in ids
            ]
            assert figure.label == max(rests, key=TLP.index, default="clear"), figure.name
            assert TLP.index(figure.label) >= TLP.index(before.get(figure.name, "clear"))
            before[figure.name] = figure.label


@pytest.mark.parametrize(
    ("table", "row", "amber", "clear"),
    [
        ("inputs", "pause_weeks", {"mean.total", "mean.mercor"}, {"chance.litellm"}),
        ("links", "litellm-mercor", {"chance.mercor", "chance.meta"}, {"chance.litellm"}),
        ("claims", "mercor-via-litellm", {"chance.mercor", "mean.total"}, {"chance.litellm"}),
        (
            "losses",
            "anthropic-pay-low",
            {"mean.anthropic-contractors", "mean.mercor"},
            {"mean.total"},
        ),
    ],
)
def test_a_raised_row_of_the_bundled_case_marks_what_rests_on_it(
    root: Path, tmp_path: Path, table: str, row: str, amber: set[str], clear: set[str]
) -> None:
    folder = tmp_path / "mercor"
    shutil.copytree(root / "data" / "cases" / "mercor", folder)
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.DictReader(file))
    changed = [{**line, "tlp": "amber" if line["id"] == row else line["tlp"]} for line in cells]
    assert changed != cells
    with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(cells[0]))
        writer.writeheader()
        writer.writerows(changed)
    run = impact.simulate(impact.view(impact.load_case(folder), tlp="amber"), draws=1000)
    figures = [*impact.exposure(run).figures, *impact.losses(run).figures]
    assert amber <= names(figures, "amber")
    assert clear <= names(figures, "clear")


def test_a_label_cannot_be_forgotten() -> None:
    with pytest.raises(TypeError):
        Figure("chance.a", 0.5, None, "chance", "50 %")  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        tally("rows", 1)  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Answer("a", "It is so.", pl.DataFrame())  # type: ignore[call-arg]


def test_an_answer_is_at_the_highest_level_of_its_figures_and_of_what_it_quotes() -> None:
    def label(quotes: str, *levels: str) -> str:
        figures = tuple(tally(f"n{n}", 1, level) for n, level in enumerate(levels))
        return Answer("a", "So.", pl.DataFrame(), quotes=quotes, figures=figures).label

    assert label("clear") == "clear"
    assert label("amber") == "amber"
    assert label("clear", "green", "red", "amber") == "red"
    assert label("amber+strict", "amber") == "amber+strict"
    assert highest([]) == "clear"
    with pytest.raises(ValueError, match="not in tuple"):
        label("clear", "purple")
