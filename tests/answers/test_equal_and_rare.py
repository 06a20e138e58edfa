"""Equal evidence has one number, unequal has not; what is too rare to resolve is never none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import GUARD, column, evidence, fixed, link, simulate

import impact
from impact.measures import reach
from impact.measures.choice import costings, drawing
from impact.measures.loss import drivers, ranges
from impact.measures.suppliers import herfindahl
from impact.simulation import simulate_year

CLIENTS = dict.fromkeys(("b", "c", "d"), "client")


def told(answer: impact.Answer, name: str) -> dict[str, Any]:
    """The columns of an answer's row of that id."""
    (row,) = answer.table.filter(id=name).to_dicts()
    return row


# bands


def test_parties_that_rest_on_one_chance_in_other_ways_have_other_bands(tiny: Any) -> None:
    """Over one, two, or either of two links that each hold in half of the draws."""
    links = {"event > b": "p", "b > c": "p", "event > d": "p", "b > d": "p"}
    each = {"mode": "0.5", "shape": "fixed", "unit": "chance", "drawn": "per_use"}
    run = simulate(tiny(links, {"p": each}, (), CLIENTS))
    found = {one: reach.by_entity(run)[one]["band"] for one in "bcd"}
    assert found == pytest.approx({"b": 0.5, "c": 0.25, "d": 0.625}, abs=0.02)


def test_parties_with_equal_evidence_share_a_band_and_a_cut_link_parts_them(tiny: Any) -> None:
    links = {"event > a": "certain"} | {f"a > {one}": "p" for one in "bcd"}
    each = {"mode": "0.4", "shape": "fixed", "unit": "chance", "drawn": "per_use"}
    case = tiny(links, {"p": each}, (), {"d": "lab", **CLIENTS})
    for changes, same in (("", 1), ("link.a-d=0.1", 2)):
        rows = reach.by_entity(simulate(case, changes=changes))
        bands = {rows[one]["band"] for one in "bcd"}
        assert len(bands) == same
    assert rows["d"]["band"] == pytest.approx(0.04, abs=0.01)


def test_a_party_that_is_added_hides_no_other(tiny: Any) -> None:
    """A lab beside clients, both of one supplier."""
    served = {"relation": "supplies", "chances": "p"}
    links: dict[str, Any] = {"event > a": "certain", "a > b": served}
    for more in ({}, {"a > d": served}):
        kinds = {"b": "client"} | ({"d": "lab"} if more else {})
        run = simulate(tiny(links | more, {"p": 0.4}, (), kinds))
        assert "b" in reach.clients(run)["entity"]


# losses


def test_what_one_client_loses_by_two_rows_is_added_up(tiny: Any) -> None:
    inputs = {"x": (100, "USD"), "y": (300, "USD")}
    rows = {
        name: {"bearer": "b", "needs": "event", "arguments": f"c={one}", "driver": "work"}
        for name, one in (("first", "x"), ("second", "y"))
    }
    run = simulate(tiny({"event > b": "certain"}, inputs, rows, CLIENTS))
    (row,) = ranges(run).filter(part="driver").to_dicts()
    assert (row["low"], row["high"], row["who"]) == (400, 400, "b")
    assert drivers(run.known)["bearer"].to_list() == [["b", "b"]]


def test_clients_of_equal_evidence_have_equal_amounts_and_another_has_not(tiny: Any) -> None:
    """Each drawn for itself; one has cover."""
    each = {"low": "10", "high": "900", "shape": "uniform", "unit": "USD", "drawn": "per_use"}
    inputs = {"p": 0.5, "x": each, "cover": (100, "USD"), "rate": (0.5, "event/year")}
    losses: dict[str, Any] = {
        f"pay-{one}": {"bearer": one, "needs": one, "arguments": "c=x"} for one in "bcd"
    }
    losses["pay-d"] |= {"retention": "cover", "limit": "cover"}
    case = tiny({f"event > {one}": "p" for one in "bcd"}, inputs, losses, CLIENTS)
    run = simulate(case, 5_000)
    for table, key in (
        (impact.losses(run, by="form").table, "bearer"),
        (impact.next_year(run).table, "bearer"),
    ):
        found = {row[key]: row for row in table.to_dicts()}
        if "b" in found:
            values = [name for name in table.columns if name.endswith("_usd") and "err" not in name]
            assert [found["b"][one] for one in values] == [found["c"][one] for one in values]
            assert found["b"]["mean_usd"] > found["d"]["mean_usd"]
    assert {*"bcd"} <= {*impact.losses(run, by="form").table["bearer"]}


def test_no_outcome_without_a_loss_is_in_a_range_that_one_client_seldom_has(tiny: Any) -> None:
    """Nineteen clients always lose 100, one in half of the outcomes."""
    names = [f"c{number}" for number in range(20)]
    links = {f"event > {one}": "certain" for one in names[1:]} | {"event > c0": "p"}
    rows = {
        f"at-{one}": {"bearer": one, "needs": one, "arguments": "c=x", "driver": "work"}
        for one in names
    }
    kinds = dict.fromkeys(names, "client")
    run = simulate(tiny(links, {"p": 0.5, "x": (100, "USD")}, rows, kinds), 2_000)
    (row,) = ranges(run).filter(part="driver").to_dicts()
    assert row["chance"] > 0.95
    assert (row["given"], row["low"]) == (True, 100)


def test_the_largest_bearers_are_those_who_lose_most_on_average(tiny: Any) -> None:
    """A vendor that loses 1,000 in half of the outcomes, before one that always loses 10."""
    inputs = {"p": 0.5, "x": (1000, "USD"), "y": (10, "USD")}
    losses = {"big": "a at hit: c=x", "small": "z at event: c=y"}
    kinds = {"a": "vendor", "z": "vendor"}
    run = simulate(tiny({"event > hit": "p"}, inputs, losses, kinds))
    assert "The largest: a ($1,000 in 50 % of outcomes) and z ($10)." in (
        impact.bottom_line(run).sentence
    )


def test_the_only_client_pays_what_it_loses(tiny: Any) -> None:
    case = tiny({"event > b": "certain"}, {"x": (100, "USD")}, {"pay": "b at b: c=x"}, CLIENTS)
    assert "YOU PAY: $100 for pay." in impact.bottom_line(simulate(case)).sentence


def test_what_is_reported_of_one_client_is_not_pooled_with_what_others_may_lose(
    mercor: impact.Case,
) -> None:
    """Meta's pause is reported; those of other labs have a chance of their own, about a fifth."""
    run = impact.simulate(impact.view(mercor))
    rows = ranges(run).filter(part="driver", driver="paused work bought elsewhere")
    found = {row["who"]: row for row in rows.iter_rows(named=True)}
    assert found.keys() == {"meta", "lab.other"}
    assert (found["meta"]["chance"], found["meta"]["given"]) == (1.0, False)
    ends = np.quantile(run.losses["meta-replacement"], [0.05, 0.95])
    assert [found["meta"][end] for end in ("low", "high")] == pytest.approx(ends, rel=0.01)
    others = [
        run.losses[name] > 0
        for name in run.losses
        if name.endswith("-replacement") and name != "meta-replacement"
    ]
    assert len(others) > 2
    assert found["lab.other"]["chance"] == pytest.approx(np.mean(others))


def test_who_cannot_be_hit_is_in_no_pool(tiny: Any) -> None:
    """Two clients that each lose in half of the outcomes, and one that no way leads to."""
    links = {"event > b": "p", "event > c": "p", "event > d": "never"}
    driver = {"arguments": "c=x", "driver": "work"}
    rows = {f"at-{one}": {"bearer": one, "needs": one, **driver} for one in "bcd"}
    run = simulate(tiny(links, {"p": 0.5, "never": 0, "x": (100, "USD")}, rows, CLIENTS))
    (row,) = ranges(run).filter(part="driver").to_dicts()
    assert row["who"] == "client"
    assert row["chance"] == pytest.approx(0.5, abs=0.02)


def test_what_you_pay_is_what_you_lose_and_no_other(tiny: Any) -> None:
    inputs, kinds = {"x": (1000, "USD"), "y": (20, "USD")}, {"us": "client", "b": "client"}
    rows = {
        one: {"bearer": one, "needs": one, "arguments": f"c={cost}", "driver": "work"}
        for one, cost in (("us", "x"), ("b", "y"))
    }
    case = tiny({"event > us": "certain", "event > b": "certain"}, inputs, rows, kinds)
    assert "YOU PAY: $1,000 for work." in impact.bottom_line(simulate(case)).sentence


def test_a_step_of_containment_of_your_own_stands_under_today_though_nobody_advises_it(
    tmp_path: Path,
) -> None:
    """Also where it is certain that you were reached."""
    duty = {"id": "d", "bearer": "us", "duty": "Rotate the keys.", "kind": "containment"}
    duty |= {"trigger": "us", "basis": "Our own rule."}
    case = evidence(
        tmp_path / "case",
        entities=[{"id": "us", "kind": "client"}],
        links=[link("event", "us")],
        duties=[duty],
    )
    answer = impact.bottom_line(simulate(case, 100))
    assert "TODAY: Rotate the keys (our own rule)." in answer.sentence


def test_no_other_stands_in_for_the_clients_of_a_supplier_that_spares_them(tiny: Any) -> None:
    served = {"relation": "supplies", "chances": "never"}
    links: dict[str, Any] = {"event > a": "certain", "a > b": served, "event > g": "certain"}
    kinds = {"a": "vendor", "b": "client", "g": "group"}
    run = simulate(tiny(links, {"never": 0}, (), kinds))
    assert reach.clients(run).is_empty()
    assert "No chance is assumed for b." in impact.exposure(run).notes


def test_a_supplier_that_a_claim_reports_and_no_link_leads_to_is_told(tmp_path: Path) -> None:
    case = evidence(
        tmp_path / "case",
        sources=[{"id": "s"}],
        claims=[{"id": "c", "on": "b", "predicate": "affected", "sources": "s"}],
        links=[link("b", "us", "p", relation="supplies")],
        inputs=[fixed("p", 0.5)],
        entities=[{"id": "us", "kind": "client"}],
    )
    run = simulate(case, 100)
    for answer in (impact.exposure(run), impact.bottom_line(run)):
        assert "b is reported as affected, but no link" in re.sub("^B", "b", answer.sentence)
        assert "No supplier" not in answer.sentence


# rare


@pytest.mark.parametrize("p", [0.005, 1e-7])
def test_what_too_few_outcomes_hold_is_not_none(tiny: Any, p: float) -> None:
    links = {"event > a": "certain", "a > b": {"chances": "p", "relation": "supplies"}}
    kinds = {"a": "vendor", "b": "client"}
    case = tiny(links, {"p": p, "x": (1e6, "USD")}, {"pay": "b at b: c=x"}, kinds)
    run = simulate(case, 20_000)
    failures, forms = impact.suppliers(run), impact.losses(run, by="form")
    assert "not resolved" in failures.title
    assert told(failures, "a")["mean_usd"] is None
    assert failures.rows()[1][-1] == "not resolved"
    assert forms.title == "No part of the loss is resolved"
    assert "none" not in impact.losses(run).rows()[-1]


def test_a_transfer_that_no_draw_met_leaves_no_total_open(tiny: Any) -> None:
    row = {"bearer": "a", "received_by": "b", "needs": "b", "arguments": "c=x", "kind": "product"}
    case = tiny({"event > b": "p"}, {"p": 1e-7, "x": (1, "USD")}, {"fee": row}, CLIENTS)
    assert impact.losses(simulate(case, 5_000)).sentence == "No loss follows from what is known."


@pytest.mark.parametrize(("low", "high"), [(5, 5), (110, 140)])
def test_a_total_between_two_round_amounts_is_above_the_lower(
    tiny: Any, low: float, high: float
) -> None:
    case = tiny({}, {"x": (low, high, "USD")}, {"pay": "a at event: c=x"})
    title = impact.exceedance(simulate(case)).title
    assert title.startswith(f"The total exceeds ${4 if low == 5 else 100} in nearly every")


@pytest.mark.parametrize(("rate", "said"), [(0.001, "not resolved"), (0, "no loss in a year")])
def test_a_year_without_events_says_nothing_of_one_that_was_drawn(
    tiny: Any, rate: float, said: str
) -> None:
    inputs = {"p": 0.5, "x": (100, "USD"), "rate": (rate, "event/year")}
    case = tiny({"event > b": "p"}, inputs, {"pay": "b at b: c=x"}, CLIENTS)
    for seed in range(1, 7):
        assert said in impact.next_year(simulate_year(impact.view(case), 10, seed)).sentence


def test_an_option_that_costs_nothing_costs_0(guarded: Any) -> None:
    answer = impact.decisions(simulate(guarded(inputs={"harm_usd": (0, "USD")})))
    assert column(answer, "Cost, nine outcomes in ten") == ["$200", "$0"]
    for row in impact.decisions(simulate(guarded(inputs={"p": 0}))).table.iter_rows(named=True):
        assert row["low"] is not None


# thresholds


def test_thresholds_have_as_many_digits_as_part_them(guarded: Any) -> None:
    toml = (
        GUARD
        + """
[decision.d.option.half]
costs = ["guarding"]
saves = ["harm"]
set = { guard_count = 0.48, "link.hit-harmed" = 0.5 }
"""
    )
    answer = impact.decisions(simulate(guarded(inputs={"harm_usd": (0, "USD"), "p": 1}, toml=toml)))
    assert "less than about $190: go-on" in answer.sentence
    assert "$190 to $210: half" in answer.sentence
    assert "more than about $210: guard" in answer.sentence


def test_what_options_share_is_what_none_of_them_moves(guarded: Any) -> None:
    """Not what no option names: here `dues` are named by none and fall with the guard."""
    inputs = {"more_usd": (500, "USD"), "dues_usd": (90, "USD"), "harm_usd": (0, "USD")}
    losses = {"more": "a at always: c=more_usd", "dues": "a at harmed: c=dues_usd"}
    run = simulate(guarded(inputs={**inputs, "p": 1}, losses=losses))
    (one,) = costings(run)
    assert one.shared == 500
    told = drawing(run, one)
    assert told is not None
    assert min(y for _, y in told["lines"]["guard"]) == pytest.approx(200)
    assert "less what all share" in impact.decisions(run).subtitle


def test_names_of_lines_that_meet_stand_one_below_the_other(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor), 2_000)
    picture = impact.decisions(run, only="mercor-notice").svg() or ""
    places = re.findall(r"translate\([^,]*,([\d.]+)\)[^>]*>[^<]*with bridge pay<", picture)
    tall = sorted(map(float, places))
    assert len(tall) == 3
    assert min(np.diff(tall)) >= 13
    lines = re.findall(r'<path d="M([^"]+)" stroke="var\(--soft[^>]*stroke-width="1.6"', picture)
    points = [tuple(map(float, at.split(","))) for line in lines for at in line.split("L")]
    assert tall[0] - 10 > max(y for x, y in points if x < 740)  # letters stand on these places


def test_thresholds_with_room_beside_each_other_stand_at_one_height(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor), 2_000)
    picture = impact.decisions(run, only="mercor-notice").svg() or ""
    told = re.findall(r"translate\([^,]*,([\d.]+)\)[^>]*>about \$\d<", picture)
    assert len(told) == 2
    assert len({*told}) == 1


@pytest.mark.parametrize("look", ["wide", "narrow"])
@pytest.mark.parametrize("case", ["mercor", "drift"])
def test_a_dot_is_drawn_on_its_side_of_the_band(case: str, look: str) -> None:
    """Of twenty outcomes one is below nine in ten and one above."""
    picture = impact.losses(impact.simulate(impact.load_case(case))).svg(look) or ""
    low, wide = map(
        float, re.findall(r'd="M([\d.]+),0h([\d.]+)v[^"]*" fill="var\(--pale', picture)[0]
    )
    dots = map(float, re.findall(r'<path transform="translate\(([-\d.]+),', picture))
    sides = [np.sign(at - low) + np.sign(at - low - wide) for at in dots]
    assert [sides.count(side) for side in (-2, 0, 2)] == [1, 18, 1]


# what is reported


def test_a_view_that_cuts_a_report_does_not_deny_it(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor, "near-miss"), 500)
    denied = next(note for note in impact.suppliers(run).notes if "No compromise" in note)
    assert "Mercor" not in denied


def test_a_data_set_that_a_scenario_supposes_is_shown(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor, "contractor-data-only"), 500)
    rows = {row["id"]: row["reach_how"] for row in impact.exposure(run).table.to_dicts()}
    assert rows["contractor-data"] == "supposed"


def test_a_chance_that_is_nearly_1_is_not_assumed_to_be(tiny: Any) -> None:
    run = simulate(tiny({"event > b": "p"}, {"p": 0.99999}, (), CLIENTS), 100)
    assert reach.by_entity(run)["b"]["how"] == "drawn"
    assert "over 99 %" in impact.exposure(run).sentence


def test_shares_of_suppliers_that_left_are_in_no_index(tiny: Any) -> None:
    links = {
        "a > b": {"relation": "supplies", "share": "0.6"},
        "c > b": {"relation": "supplies", "share": "0.9", "valid_to": "2025-01-01"},
    }
    known = impact.view(tiny(links, kinds={"a": "vendor", "c": "vendor", "b": "client"}))
    assert herfindahl(known) == [("b", pytest.approx(0.36), 0.6)]


def test_that_no_client_of_a_supplier_is_reached_is_said(mercor: impact.Case) -> None:
    said = "This scenario assumes that no client of Mercor was reached."
    day = {"as_of": "2026-03-31"}  # on which no path to a client was known
    for scenario, view, there in (
        ("contractor-data-only", {}, True),
        ("baseline", {}, False),
        ("baseline", day, False),
    ):
        run = impact.simulate(impact.view(mercor, scenario, **view), 500)
        assert (said in impact.exposure(run).sentence) == there
        assert (said in impact.bottom_line(run).sentence) == there


def test_a_heading_is_whole(mercor: impact.Case) -> None:
    for scenario, heading in (("baseline", "baseline"), ("near-miss", "Near miss")):
        run = impact.simulate(impact.view(mercor, scenario), 500)
        assert f"Compared with {heading}" in impact.compare(run).rows()[0]


def test_chances_of_equal_evidence_are_equal_where_the_amounts_are_too(run: impact.Run) -> None:
    """Anthropic and Google pause by one chance; their people are two inputs of one estimate."""
    rows = impact.losses(run, by="form").table.filter(part="replacement")
    found = {row["bearer"]: row for row in rows.to_dicts()}
    for cell in ("chance", "mean_usd", "p95_usd"):
        assert found["anthropic"][cell] == found["google"][cell]
    assert found["openai"]["chance"] < found["google"]["chance"]


def test_no_picture_is_drawn_of_nothing() -> None:
    """No chain and no chance: a title and a legend would say nothing."""
    run = impact.simulate(impact.view(impact.load_case("drift"), "found-in-the-repository"), 500)
    assert impact.exposure(run).svg() is None


def test_a_client_to_which_no_path_is_modelled_is_not_evaluated(mercor: impact.Case) -> None:
    run = impact.simulate(impact.view(mercor), 500)
    told = impact.exposure(run)
    said = "Not evaluated, as no path from there is modelled: Amazon and Microsoft."
    assert said in told.notes[0]
    assert "amazon" not in told.table["id"]


def test_who_was_hit_by_a_way_that_nobody_reports_was_hit_somehow() -> None:
    drift = impact.load_case("drift")
    for day, title in (("2025-08-26", "not reported"), ("2025-09-10", "is reported")):
        run = impact.simulate(impact.view(drift, as_of=day), 500)
        assert title in impact.exposure(run).title


def test_amounts_are_illustrative_where_assumptions_lead(tiny: Any) -> None:
    known = {"low": "10", "high": "90", "shape": "uniform", "unit": "USD", "basis_kind": "reported"}
    for kind, said in (("reported", False), ("assumption", True)):
        inputs = {"x": {**known, "basis_kind": kind, "basis": "said"}}
        case = tiny({"event > b": "certain"}, inputs, {"pay": "b at b: c=x"}, CLIENTS)
        (note,) = impact.bottom_line(simulate(case)).notes
        assert ("illustrative" in note) == said
        assert ("0 % comes from assumptions" in note) != said
