"""Each question on exposure, loss and choice, answered by hand on cases of a few rows.

Most are asked of one story. Vera is breached, as she reports. Of her data a door may be open (.5);
through it Alma (.8) and Bert (.4) are reached. So Alma is reached with .4, Bert with .2, and both
with .5 x .8 x .4 = .16, twice what two coins would give. Vera pays 1,000 to clean up; Alma, where
reached, loses 5,000 and pays Vera 1,000 of rent; Bert loses 10,000. Walt supplies Bert too. Alma
can guard herself for 500. The story is the case in `tests/assets/story/`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tiny import (
    DRAWS,
    SAID,
    column,
    figures,
    fixed,
    is_near,
    joint,
    link,
    simulate,
    write,
)

import impact
from impact.answers import why as explaining
from impact.measures import reach
from impact.measures.loss import by_bearer
from impact.measures.suppliers import steps_saved
from impact.simulation import Run

STORY = Path(__file__).parents[1] / "assets" / "story"
Tiny = Callable[..., impact.Case]


@pytest.fixture(scope="module")
def run() -> Run:
    """The story, 50,000 times."""
    return simulate(impact.load_case(STORY))


def by(answer: impact.Answer, column: str, *keys: str) -> dict[Any, Any]:
    """The cells of a column by those of one or several others."""
    rows = answer.table.iter_rows(named=True)
    return {
        tuple(row[k] for k in keys) if len(keys) > 1 else row[keys[0]]: row[column] for row in rows
    }


def close(found: float | None, expected: float, per_draw: float) -> bool:
    """Whether a mean is within four errors of it; `per_draw` is the spread of one draw."""
    return found is not None and abs(found - expected) <= 4 * per_draw / np.sqrt(DRAWS) + 1e-9


def coin(chance: float, amount: float) -> float:
    """The spread of an amount that falls due with a chance."""
    return float(amount * np.sqrt(chance * (1 - chance)))


def in_order(text: str, parts: Iterable[str]) -> bool:
    """Whether a text names these parts, in this order."""
    places = [text.find(part) for part in parts]
    return min(places) >= 0 and places == sorted(places)


# who is exposed


def test_exposure_is_the_chance_of_the_ways_and_each_party_has_its_way(run: Run) -> None:
    """.5 x .8 = .4 and .5 x .4 = .2; what Vera reports is certain and has no error."""
    answer = impact.exposure(run)
    assert answer.table["id"].to_list() == ["alma", "bert", "vera"]
    found = reach.by_entity(run)
    chance, error = ({n: row[p] for n, row in found.items()} for p in ("chance", "chance_error"))
    assert (chance["vera"], error["vera"]) == (1.0, 0.0)
    for name, expected in (("alma", 0.4), ("bert", 0.2)):
        assert is_near(chance[name], expected)
        half = 1.96 * coin(expected, 1) / np.sqrt(DRAWS)
        assert error[name] == pytest.approx(half, rel=0.05)
    how = by(answer, "reach_how", "id")
    assert how == {"vera": "established", "alma": "drawn", "bert": "drawn"}
    assert reach.chain(run) == [(["vera"], "breached")]
    assert answer.lead[0] == "Vera was affected (Vera, 1 January 2026)."
    assert in_order(answer.sentence, ("Vera", "Alma", "Bert"))
    assert figures(answer)["chance.alma"] == chance["alma"]


def test_two_behind_one_door_are_reached_together_more_often_than_by_two_coins(run: Run) -> None:
    """.16, where .4 x .2 = .08: the sentence says both."""
    (said,) = (line for line in impact.exposure(run).lead if "together" in line)
    together, apart = (float(found) for found in re.findall(r"([\d.]+) %", said))
    assert 15 <= together <= 17
    assert 7 <= apart <= 9
    assert is_near(joint(run, "alma", "bert"), 0.16)
    both = reach.joint_chances(run).row(by_predicate=pl.col("at_least") == 2, named=True)
    assert both["chance"] == joint(run, "alma", "bert")


# on whom it rests


def test_the_link_to_cut_first_spares_most_and_a_second_way_takes_away_from_it(
    tiny: Tiny,
) -> None:
    """Of hub (.5) come a and b; b is reached directly too (.2). Without the link to the hub a is
    spared in .5 of the draws, b in .5 x .8; without the direct one b in .5 x .2."""
    links = {"event > hub": "p", "hub > a": "certain", "hub > b": "certain", "event > b": "q"}
    case = tiny(links, {"p": 0.5, "q": 0.2}, kinds={"a": "client", "b": "client"})
    run = simulate(case)
    answer, steps = impact.suppliers(run), steps_saved(run)
    assert steps["id"].to_list() == ["event-hub", "event-b"]
    saved = steps["saved"]
    assert close(saved[0], 0.9, 1.0)
    assert close(saved[1], 0.1, coin(0.1, 1))
    assert in_order(answer.sentence, ("hub", "two parties"))
    assert figures(answer) == {"saved.event-hub": saved[0], "saved.event-b": saved[1]}


def test_a_supplier_that_alone_falls_takes_its_own_ways_and_no_other(run: Run) -> None:
    """Walt reaches Bert for certain: one party, 10,000. Vera reaches .4 + .2 parties and costs
    1,000 + .4 x 5,000 + .2 x 10,000 = 5,000; the rent changes hands and is no loss of all."""
    answer = impact.suppliers(run)
    assert answer.table["id"].to_list() == ["walt", "vera"]
    first, second = answer.table.iter_rows(named=True)
    assert (first["parties"], first["mean_usd"], first["low"], first["high"]) == (1, *[10_000] * 3)
    assert close(second["parties"], 0.6, 1.0)
    assert close(second["mean_usd"], 5000, coin(0.4, 5000) + coin(0.2, 10_000))
    assert (second["low"], second["high"]) == (1000, 16_000)
    assert [row["reported"] for row in (first, second)] == [False, True]
    assert [row["clients"] for row in (first, second)] == [["bert"], ["alma", "bert"]]
    assert second["others"] == [
        {"client": "alma", "others": []},
        {"client": "bert", "others": ["walt"]},
    ]
    assert first["others"] == [{"client": "bert", "others": ["vera"]}]
    assert [row["known_shares"] for row in (first, second)] == [1, 1]
    assert [row["links"] for row in (first, second)] == [1, 2]
    assert any("Bert" in note and "0.52" in note for note in answer.notes)  # .6 x .6 + .4 x .4
    assert in_order(answer.sentence, ("Walt", "costliest"))


# what it costs


def test_losses_are_net_by_bearer_and_a_transfer_is_none_of_all_together(run: Run) -> None:
    """Vera 1,000 - .4 x 1,000 = 600, Alma .4 x 6,000 = 2,400, Bert .2 x 10,000 = 2,000; together
    5,000, without the rent. With .5 x (1 - .2 x .6) = .44 more is lost than the 1,000 of cleaning;
    where all are hit it is 16,000."""
    answer = impact.losses(run)
    means = {name: value for name, value in figures(answer).items() if name.startswith("mean.")}
    assert means.keys() == {f"mean.{name}" for name in ("vera", "alma", "bert", "total")}
    assert close(means["mean.vera"], 600, coin(0.4, 1000))
    assert close(means["mean.alma"], 2400, coin(0.4, 6000))
    assert close(means["mean.bert"], 2000, coin(0.2, 10_000))
    assert close(means["mean.total"], 5000, coin(0.4, 5000) + coin(0.2, 10_000))
    parts = [value for name, value in means.items() if name != "mean.total"]
    assert sum(value or 0 for value in parts) == pytest.approx(means["mean.total"])
    whole = answer.table.row(by_predicate=pl.col("about") == "total", named=True)
    assert (whole["low"], whole["mid"], whole["high"]) == (1000, 1000, 16_000)
    assert whole["chance"] == 1.0
    assert answer.sentence.startswith(
        "Across all parties the net loss is $1,000 to $16,000 in nine outcomes in ten."
    )


def test_by_form_a_loss_is_gross_and_by_bearer_net(run: Run) -> None:
    """By form: idle Alma .4 x 5,000, idle Bert .2 x 10,000, cleaning 1,000, rent .4 x 1,000."""
    forms = impact.losses(run, by="form")
    mean, given = (by(forms, part, "bearer", "part") for part in ("mean_usd", "given_usd"))
    assert given == {
        ("alma", "productivity"): 5000,
        ("bert", "productivity"): 10_000,
        ("vera", "response"): 1000,
        ("alma", "replacement"): 1000,
    }
    assert mean["vera", "response"] == 1000
    assert close(mean["alma", "productivity"], 2000, coin(0.4, 5000))
    assert close(mean["bert", "productivity"], 2000, coin(0.2, 10_000))
    assert close(mean["alma", "replacement"], 400, coin(0.4, 1000))
    net = dict(by_bearer(run).select("bearer", "mean_usd").iter_rows())
    assert close(net["vera"], 600, coin(0.4, 1000))
    assert "Alma" in forms.sentence


def test_the_chance_to_exceed_an_amount_falls_along_the_line_of_an_even_loss(tiny: Tiny) -> None:
    """With a chance of .5 the loss is even from 100 to 1,000: above x with .5 (1,000 - x) / 900."""
    derived = {"unit": "USD", "basis_kind": "derived", "shape": "uniform"}
    case = tiny(
        {"event > a": "p"},
        {"p": 0.5, "cost": {"low": "100", "high": "1000", **derived}},
        {"l": "a at a: cost=cost"},
    )
    answer = impact.exceedance(simulate(case))
    assert answer.table["amount_usd"].to_list() == [150, 200, 300, 400, 600, 800]
    for amount, chance, error in answer.table.select("amount_usd", "chance", "chance_error").rows():
        expected = 0.5 * (1000 - amount) / 900
        assert is_near(chance, expected), amount
        assert error == pytest.approx(1.96 * coin(expected, 1) / np.sqrt(DRAWS), rel=0.05)
        assert figures(answer)[f"above.{amount:.0f}"] == chance
    assert in_order(answer.sentence, ("$150", "$800"))


def test_a_year_adds_up_as_many_events_as_it_has(tiny: Tiny) -> None:
    """Four events a year, half of them here, of which a quarter costs 100: half of one, Poisson.
    50 on average; any with 1 - exp(-.5) = .393; the variance is .5 x 100^2. At most one with .910,
    at most two with .986: one year in twenty is above 200."""
    inputs = {
        "p": 0.25,
        "cost": (100, "USD"),
        "events": (4, "event/year"),
        "such_events_here_share": (0.5, "share"),
    }
    case = tiny({"event > a": "p"}, inputs, {"l": "a at a: cost=cost"})
    answer = impact.next_year(simulate(case))
    assert sorted(answer.table["bearer"]) == ["a", "total"]
    for row in answer.table.iter_rows(named=True):
        assert is_near(row["chance"], 1 - np.exp(-0.5))
        assert close(row["mean_usd"], 50, 100 * np.sqrt(0.5))
        assert (row["p50_usd"], row["p95_usd"]) == (0, 200)
    assert figures(answer).keys() == {"year.total", "year.a"}
    assert re.search(r"\b(39|40) %", answer.sentence)


# what if


def test_scenarios_are_compared_by_what_they_add_on_the_same_draws(run: Run) -> None:
    """Open, the door doubles what comes through it: 1,000 + .8 x 5,000 + .4 x 10,000 = 9,000, which
    is 4,000 more. Shut, 1,000 are left: 4,000 less."""
    answer = impact.compare(run)
    rows = {row["id"]: row for row in answer.table.iter_rows(named=True)}
    assert rows.keys() == {"wide", "shut"}
    spread = coin(0.8, 5000) + coin(0.4, 10_000)
    assert close(rows["wide"]["mean_usd"], 9000, spread)
    assert close(rows["wide"]["difference_usd"], 4000, 2 * spread)
    assert rows["shut"]["mean_usd"] == 1000
    assert close(rows["shut"]["difference_usd"], -4000, spread)
    assert (rows["shut"]["p95_usd"], rows["shut"]["p95_difference_usd"]) == (1000, -15_000)
    assert (rows["wide"]["p95_usd"], rows["wide"]["p95_difference_usd"]) == (16_000, 0)
    assert in_order(answer.sentence, ("Wide open", "Shut"))
    assert figures(answer)["difference_usd.wide"] == rows["wide"]["difference_usd"]


def test_what_two_changes_did_is_the_mean_of_both_orders(tiny: Tiny) -> None:
    """10 people of 100 become 20 of 150: from 1,000 to 3,000. People first bring 1,000, then the
    price 1,000; the price first brings 500, then people 1,500. Means: people 1,250, price 750."""
    inputs = {"people": (10, "person"), "usd": (100, "USD/person")}
    case = tiny({"event > a": "certain"}, inputs, {"l": "a at a: people=people; usd=usd"})
    before = simulate(case, 100)
    answer = impact.waterfall(before, impact.what_if(before, "people=20; usd=150"))
    assert answer.table.select("id", "effect_usd").rows() == [("people", 1250), ("usd", 750)]
    assert figures(answer) == {
        **{"from.total": 1000, "to.total": 3000, "effect.people": 1250, "effect.usd": 750}
    }
    first = answer.sentence.partition(". ")[2]
    assert "people" in first
    assert "usd" not in first


# what to do and to ask


def test_an_option_is_weighed_by_its_mean_its_regret_and_where_it_flips(guarded: Tiny) -> None:
    """Guarding costs 200; going on 1,000 with .3, so 300. Guarding is cheapest in the .3 in which
    there is harm and regrets .7 x 200 = 140, going on .3 x 800 = 240. They are equal where harm
    costs 200 / .3 = 667."""
    answer = impact.decisions(simulate(guarded()))
    guard, go_on = answer.table.iter_rows(named=True)
    assert (guard["option"].lower(), go_on["option"].lower()) == ("guard", "go-on")
    assert (guard["mean_usd"], guard["low"], guard["high"]) == (200, 200, 200)
    assert close(go_on["mean_usd"], 300, coin(0.3, 1000))
    assert (go_on["low"], go_on["high"]) == (0, 1000)
    assert is_near(guard["best_chance"], 0.3)
    assert is_near(go_on["best_chance"], 0.7)
    assert close(guard["regret_usd"], 140, coin(0.3, 200))
    assert close(go_on["regret_usd"], 240, coin(0.3, 800))
    when = column(answer, "Cheapest on average if that costs you")
    assert "more than" in when[0]
    assert "less than" in when[1]
    for text in when:
        amounts = [float(found.replace(",", "")) for found in re.findall(r"\$([\d,]+)", text)]
        assert amounts, text
        assert all(600 <= amount <= 733 for amount in amounts), text
    assert in_order(answer.sentence, ("less than", ": go-on", "more than", ": guard"))


def test_the_first_question_is_worth_what_its_answer_saves(run: Run) -> None:
    """Guarding costs 500, going on .4 x 6,000 = 2,400: she guards. If she knew the door, she would
    guard only where it is open: .5 x 500 = 250 are saved. Open or shut moves the total by .8 x
    5,000 + .4 x 10,000 = 8,000."""
    answer = impact.unknowns(run)
    (row,) = answer.table.iter_rows(named=True)
    assert (row["id"], row["decision"]) == ("door", "Guard")
    assert (row["question"], row["ask"]) == ("Was it open?", "Vera")
    assert close(row["value_usd"], 250, coin(0.5, 500))
    spread = (coin(0.8, 5000) + coin(0.4, 10_000)) * 2
    assert close(row["swing_usd"], 8000, spread)
    # of the variance 4,000^2 goes with the door, within it .5 x (.16 x 5,000^2 + .24 x 10,000^2)
    between_, within = 4000**2, 0.5 * (0.16 * 5000**2 + 0.24 * 10_000**2)
    assert row["cost_share"] == pytest.approx(between_ / (between_ + within), abs=0.01)
    assert figures(answer)["value_usd.door"] == row["value_usd"]
    assert in_order(answer.sentence, ("Vera", "was it open?"))


def test_what_is_not_known_is_who_is_silent_what_was_asked_and_what_is_assumed(
    tmp_path: Path,
) -> None:
    """Three of the four inputs are assumptions; one of them has a question. Vera is silent, Walt
    was asked and has not answered."""
    said = {"subject": "vera", "predicate": "affected", "stated_on": "2026-01-01", "sources": "s1"}
    mute = {"claimant": "vera", "stance": "is silent", "says": "Vera says nothing."}
    asked = {"claimant": "walt", "stance": "is asked", "says": "Was Walt open?"}
    wondering = {"question": "How wide?", "ask": "the smith", "meaning": "How far it is open"}
    tables = {
        path.stem: list(csv.DictReader(path.read_text("utf-8").splitlines()))
        for path in STORY.glob("*.csv")
    }
    tables["claims"] += [{"id": "mute", **mute, **said}, {"id": "asked", **asked, **said}]
    tables["links"] = [link("event", "vera", claims="breached"), link("vera", "alma", "ajar")]
    tables["inputs"] = [
        *(fixed("ajar", 0.5, **wondering), fixed("clean_usd", 1000, "USD")),
        *(fixed("rent_usd", 1, "USD"), fixed("alma_usd", 5000, "USD", basis_kind="derived")),
    ]
    kept = ("cleaning", "alma-idle", "rent")
    tables["losses"] = [row for row in tables["losses"] if row["id"] in kept]
    case = impact.load_case(write(tmp_path / "case", tables, filled=SAID))
    answer = impact.unknowns(simulate(case, 1000))
    assert "Three of the four inputs" in answer.sentence
    assert "Vera says nothing (as of 1 January 2026)." in answer.notes
    assert "Asked in public, with no answer known: Was Walt open?" in answer.notes


# in short, and why


def test_the_bottom_line_has_what_happened_what_it_costs_and_what_to_do(run: Run) -> None:
    """What Vera reports, the clients by their chances, the sentence of the losses, the cheaper
    option and the first question."""
    answer = impact.bottom_line(run)
    parts = (
        "Vera was affected (Vera, 1 January 2026)",
        "Alma",
        "Bert",
        "TODAY: Ask Vera",
        "was it open?",
        "DECIDE: ",
        "It depends on what an idle Alma would cost you",
        "go on",
        "guard herself",
        "YOU PAY: ",
        "EVERYONE: $1,000 to $16,000 net",
    )
    assert in_order(answer.sentence, parts)


def test_why_walks_from_a_party_to_its_way_its_cost_and_the_claim_behind_it(run: Run) -> None:
    """One way, Vera > the door > Alma; the link on least often is that to the door (.5) or Alma's
    (.8): the door. One claim of one origin stands behind it."""
    answer = impact.why(run, "alma")
    assert answer.table.select("claim", "origins").rows() == [("breached", 1)]
    parts = ("Alma", "Vera > the door > Alma", "LEAST CERTAIN: Vera > the door", "one claim")
    assert in_order(answer.sentence, (*parts, "Vera was breached"))
    record = explaining.record(run, "alma")
    assert record["paths"] == [["event-vera", "vera-door", "door-alma"]]
    assert {row["name"] for row in record["inputs"]} >= {"ajar", "alma_hit", "alma_usd"}
    assert record["independent_origins"] == 1
    assert impact.why(run, "chance.alma").sentence == answer.sentence
    no_way = impact.why(run, "walt")
    assert "Walt is not reached" in no_way.sentence
    assert explaining.record(run, "walt")["paths"] == []
