"""Six days, six pictures: positions, the state of Mercor, the window, who leads, by the facts."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import polars as pl
import pytest

import impact
from impact.case.folder import Case
from impact.measures.attribution import stages
from impact.measures.standing import statements_of
from impact.measures.windows import window

Stand = tuple[str, str]  # (value, standing)


class Picture(NamedTuple):
    """What the facts say of a day: `(value, standing)` of each, None where nothing is claimed."""

    meta: Stand | None
    openai: Stand | None
    anthropic: Stand | None
    google: Stand | None
    mercor: Stand | None
    via: Stand | None  # what Mercor says it came through
    window: dict[str, int | None]  # part -> minutes of 1.82.8; None is still open
    best: str | None  # the best supported length of the window
    leak: Stand | None  # what became of the data that is claimed
    holds: Stand | None  # what it is said to hold
    people: Stand | None  # how many are said to be affected
    intruder: Stand | None  # the best supported answer to who got in, as claimed
    leaders: dict[str, str]
    reached: bool


SILENT = ("Anthropic did not answer a request for comment on its work with Mercor", "unknown")
ASKED = ("What does Google do about its work with Mercor", "unknown")
AFFECTED, VIA = ("yes", "established"), ("litellm", "likely")
VIA_AGAIN = ("litellm", "established")  # to the Wall Street Journal too
OPENAI = ("continuing", "established")
OFFERED, HOLDS = ("offered", "claimed only"), ("database, source code, files", "disputed")
PEOPLE, INTRUDER = ("more than 40,000 people", "disputed"), ("TeamPCP", "likely")
SAID_AGAIN = ("TeamPCP", "disputed")  # a blog repeats the claim of the other group
LEADERS = {"access": "teampcp-or-linked", "theft": "lapsus-name", "extortion": "lapsus-name"}
DISPUTED, LONGER = {"hull": 139, "core": 33}, {"hull": 166, "core": 33}

DAYS = {
    # the release is known to be bad and can still be had; nobody is linked to it
    "2026-03-24T12:00Z": Picture(
        *(None, None, None, None, None, None),
        *({"hull": None, "core": None}, None, None, None, None, None, {}, False),
    ),
    # the briefs: Meta by unnamed people, OpenAI by its own word, Anthropic silent
    "2026-04-04": Picture(
        *(("paused", "likely"), OPENAI, SILENT, ASKED, AFFECTED, VIA),
        *(DISPUTED, "152 minutes", OFFERED, None, None, INTRUDER, LEADERS, True),
    ),
    # Meta is on record: another standing, the same state
    "2026-04-23": Picture(
        *(("paused", "established"), OPENAI, SILENT, ASKED, AFFECTED, VIA_AGAIN),
        *(DISPUTED, "152 minutes", OFFERED, None, PEOPLE, INTRUDER, LEADERS, True),
    ),
    "2026-05-14": Picture(
        *(("paused", "established"), OPENAI, SILENT, ASKED, AFFECTED, VIA_AGAIN),
        *(DISPUTED, "152 minutes", OFFERED, HOLDS, PEOPLE, SAID_AGAIN, LEADERS, True),
    ),
    "2026-08-12": Picture(
        *(("paused", "established"), OPENAI, SILENT, ASKED, AFFECTED, VIA_AGAIN),
        *(DISPUTED, "152 minutes", OFFERED, HOLDS, PEOPLE, SAID_AGAIN, LEADERS, True),
    ),
    # a later report has the window longer; two people are charged, nothing is decided
    "2026-08-28": Picture(
        *(("paused", "established"), OPENAI, SILENT, ASKED, AFFECTED, VIA_AGAIN),
        *(LONGER, "152 minutes", OFFERED, HOLDS, PEOPLE, SAID_AGAIN, LEADERS, True),
    ),
}


def stand(known: Case, topic: str) -> Stand | None:
    """The best supported value of a topic and its standing."""
    found = [one for one in statements_of(known) if one.name == topic]
    if not found:
        return None
    best = max(found, key=lambda one: one.support)
    return best.value or best.first["says"].rstrip(".?"), best.standing


@pytest.mark.parametrize("day", DAYS)
def test_the_picture_of_the_day_is_that_of_the_facts(mercor: impact.Case, day: str) -> None:
    known = impact.view(mercor, as_of=day)
    parts = {
        part: None if closes is None else round((closes - opens).total_seconds() / 60)
        for part, opens, closes in window(known, "litellm-1.82.8")
    }
    length = stand(known, "litellm.available_minutes.first upload to quarantine")
    found = Picture(
        *(stand(known, f"{lab}.work_status.mercor") for lab in Picture._fields[:4]),
        *(stand(known, "mercor.affected"), stand(known, "mercor.came_through")),
        window=parts,
        best=length and length[0],
        leak=stand(known, "claimed-leak.leak_status"),
        holds=stand(known, "claimed-leak.leak_content"),
        people=stand(known, "mercor.people_affected"),
        intruder=stand(known, "event.intruder.mercor"),
        leaders={stage.name: stage.leader() for stage in stages(known)},
        reached=impact.simulate(known, 1000).chance("mercor") == 1.0,
    )
    assert found == DAYS[day]


def test_the_page_of_each_day_says_so(mercor: impact.Case) -> None:
    for day, picture in DAYS.items():
        run = impact.simulate(impact.view(mercor, as_of=day), 1000)
        rows = {row[0]: row[1] for row in impact.exposure(run).rows()[1:]}
        said = rows.get("Meta", "")
        assert ("(Meta, 23 April" in said) == (picture.meta == ("paused", "established"))
        assert ("people who spoke to WIRED" in said) == (picture.meta == ("paused", "likely"))
        assert ("id not comment" in rows.get("Anthropic", "")) == (picture.anthropic is not None)


def test_a_confirmation_moves_standing_and_sources_and_no_chance(mercor: impact.Case) -> None:
    early, late = (impact.view(mercor, as_of=day) for day in ("2026-04-22", "2026-04-23"))
    one, other = (impact.simulate(known) for known in (early, late))
    topic = "meta.work_status.mercor"
    assert stand(early, topic) == ("paused", "likely")
    assert stand(late, topic) == ("paused", "established")
    origins = [next(s for s in statements_of(k) if s.name == topic).origins for k in (early, late)]
    assert set(origins[0]) < set(origins[1])
    assert one.reached == other.reached
    assert one.on == other.on


def test_a_page_that_dates_the_attack_to_2024_is_kept_and_moves_no_number(
    mercor: impact.Case,
) -> None:
    known = impact.view(mercor)
    claim = known["claims"].filter(id="malicious-from-veln")
    assert claim.height == 1
    others = mercor["claims"].filter(pl.col("id") != "malicious-from-veln")
    without = {**mercor.tables, "claims": others}
    rest = impact.view(replace(mercor, tables=without, memo={}))
    one, other = impact.simulate(known), impact.simulate(rest)
    assert one.reached == other.reached
    assert all((one.losses[name] == other.losses[name]).all() for name in one.losses)
    assert stand(known, "litellm.malicious_from") == ("24 March 2026", "established")
    assert {s.standing for s in statements_of(known) if s.value == "2024"} == {"denied"}
    assert impact.attribution(known).sentence == impact.attribution(rest).sentence
