"""Rows that are well formed and do not fit one another, and what is told of them."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from impact.errors import Fault

Damage = Callable[[Any], str]
FaultsOf = Callable[[Any], tuple[Fault, ...]]


def new_link(column: str, **cells: str) -> Damage:
    """A link that is added to the case."""
    own = {"id": "odd", "claims": "", "sources": "", **cells}
    return lambda case: case.add("links", "surge-falls", column, **own)


def new_input(column: str, **cells: str) -> Damage:
    """An input that is added to the case."""
    own = {"id": "odd_input", "sources": "", **cells}
    return lambda case: case.add("inputs", "pause_weeks", column, **own)


def shaped(column: str, **cells: str) -> Damage:
    """An input with parameters: a column that a case may leave out."""

    def damage(case: Any) -> str:
        head, *rows = case.lines("inputs")
        case.write("inputs", [f"{head},parameters", *(f"{row}," for row in rows)])
        return new_input(column, **cells)(case)

    return damage


def new_loss(column: str, **cells: str) -> Damage:
    """A loss that is added to the case."""
    return lambda case: case.add("losses", "mercor-defence", column, **{"id": "odd", **cells})


def circle(table: str, column: str, *rows: str) -> Damage:
    """Rows each of which names the next one, and the last the first; told at the first by name."""

    def damage(case: Any) -> str:
        told = {
            row: case.set(table, row, column, after)
            for row, after in zip(rows, [*rows[1:], rows[0]], strict=True)
        }
        return told[min(told)]

    return damage


REFERENCES: dict[str, tuple[Damage, str, str]] = {
    "a link to no entity": (
        lambda case: case.set("links", "surge-anthropic", "target", "anthropc"),
        'no entity "anthropc"',
        'did you mean "anthropic"?',
    ),
    "a link to an entity with no near name": (
        lambda case: case.set("links", "surge-anthropic", "target", "qqqqqq"),
        'no entity "qqqqqq"',
        "add it to entities.csv",
    ),
    "a link on no claim": (
        lambda case: case.set("links", "litellm-mercor", "claims", "mercor-via-litelm"),
        'no claim "mercor-via-litelm"',
        'did you mean "mercor-via-litellm"?',
    ),
    "a second claim that there is not": (
        lambda case: case.set(
            "links", "litellm-mercor", "claims", "mercor-via-litellm; mercor-afected"
        ),
        'no claim "mercor-afected"',
        'did you mean "mercor-affected"?',
    ),
    "a row with no such source": (
        lambda case: case.set(
            "indicators", "sysmon-digest", "sources", "actioner-report-2026-08-31"
        ),
        'no source "actioner-report-2026-08-31"',
        'did you mean "actioner-report-2026-08-13"?',
    ),
    "a link on no input": (
        lambda case: case.set("links", "surge-falls", "chances", "surge_fals"),
        'no input "surge_fals"',
        'did you mean "surge_falls"?',
    ),
    "a window of no input": (
        lambda case: case.set(
            "links",
            "litellm-other-users",
            "chances",
            "installed_in_window over window_minute; malware_runs; secrets_in_reach",
        ),
        'no input "window_minute"',
        'did you mean "window_minutes"?',
    ),
    "a loss of no input": (
        lambda case: case.set("losses", "mercor-defence", "arguments", "cost=defense_usd"),
        'no input "defense_usd"',
        'did you mean "defence_usd"?',
    ),
    "a limit of no input": (
        lambda case: case.set("losses", "mercor-defence", "limit", "cover_usd"),
        'no input "cover_usd"',
        "",
    ),
    "a judgement on no claim": (
        lambda case: case.set("judgements", "theft-samples-shown-teampcp", "claim", "sample-shown"),
        'no claim "sample-shown"',
        'did you mean "samples-shown"?',
    ),
    "a reference to what becomes known later": (
        new_link("target", source="surge", target="mercor", chances="", known_on="2025-07-01"),
        '"mercor" becomes known later (2025-11-23) than this row (2025-07-01)',
        "to 2025-11-23 or later, or cite earlier sources in entities.csv:13",
    ),
    "an input that becomes known later": (
        new_link("chances", source="surge", target="scale", known_on="2025-07-01"),
        '"surge_falls" becomes known later (2026-03-31) than this row (2025-07-01)',
        "to 2025-07-01 or earlier",
    ),
    "known later than its earliest source": (
        lambda case: case.add("entities", "reuters", "known_on", id="odd", known_on="2025-07-01"),
        "is not the earliest publication among the row's own sources",
        "write 2025-06-13;",
    ),
    "a source known on another day than it was published": (
        lambda case: case.set("sources", "zubnet-2026-04", "published_on", "2026-05").replace(
            "published_on", "known_on"
        ),
        "differs from published_on",
        "write the same date",
    ),
    "sources that restate each other": (
        circle("sources", "derived_from", "reuters-2025-06-13", "daily8-2025-06-13"),
        "leads back to itself",
        "cut the circle",
    ),
    "a source that restates itself": (
        circle("sources", "derived_from", "veln-2026"),
        '"veln-2026" leads back to itself',
        "cut the circle",
    ),
    "claims that replace each other": (
        circle("claims", "supersedes", "scale-revenue", "surge-revenue"),
        "leads back to itself",
        "cut the circle",
    ),
    "a claim that replaces another's": (
        lambda case: case.set("claims", "scale-revenue-careerflow", "supersedes", "scale-revenue"),
        '"scale-revenue" was made by reuters, not by careerflow',
        "use contradicts",
    ),
    "a claim about nobody": (
        lambda case: case.set("claims", "mercor-affected", "subject", "mercr"),
        'no entity "mercr"',
        'did you mean "mercor"?',
    ),
    "a claim by nobody": (
        lambda case: case.set("claims", "mercor-affected", "claimant", "nobody-at-all"),
        'no entity "nobody-at-all"',
        "add it to entities.csv",
    ),
    "a claim that somebody else takes back": (
        lambda case: case.add(
            *("claims", "mercor-contained", "claimant"),
            **{"claimant": "techcrunch", "sources": "", "known_on": "2026-05-01"},
            withdrawn="true",
        ),
        '"mercor-contained" was made by mercor, not by techcrunch',
        "only who made a claim can take it back; use contradicts",
    ),
    "a claim that somebody else writes anew": (
        lambda case: case.add(
            *("claims", "mercor-contained", "claimant"),
            **{"claimant": "techcrunch", "sources": "", "known_on": "2026-05-01"},
        ),
        '"mercor-contained" was made by mercor, not by techcrunch',
        "only who made a claim can write it anew; use contradicts",
    ),
    "a judgement without a prior": (
        lambda case: case.add(
            *("judgements", "theft-samples-shown-teampcp", "hypothesis"),
            id="odd",
            hypothesis="shinyhunters",
            known_on="2026-04-02",
        ),
        '"shinyhunters" has no prior for theft',
        "add a row for it without a claim",
    ),
    "a judgement that leaves a hypothesis out": (
        lambda case: case.add(
            *("judgements", "theft-samples-shown-teampcp", "claim"),
            id="odd",
            claim="mercor-contained",
        ),
        '"mercor-contained" is not judged for lapsus-name, unknown-actor',
        "judge it for every hypothesis of the stage",
    ),
    "a stage with one hypothesis": (
        lambda case: [
            case.write(
                "judgements",
                [
                    line
                    for line in case.lines("judgements")
                    if (",unknown-actor," not in line and ",lapsus-name," not in line)
                    or ",theft," not in line
                ],
            ),
            f"judgements.csv:{case.line_of('judgements', 'theft-prior-teampcp')} hypothesis",
        ][1],
        "there is one hypothesis for theft",
        "add another, such as somebody else",
    ),
    "a duty met later than the row is known": (
        lambda case: case.set("duties", "rotate-publishing", "met_on", "2026-03-25"),
        "is later than known_on",
        "write it in a row that is known by then",
    ),
    "a duty met before it begins": (
        lambda case: case.set("duties", "rotate-publishing", "met_on", "2026-03-23T10:00Z"),
        "is before starts_from",
        "check both dates",
    ),
}

GRAPH: dict[str, tuple[Damage, str, str]] = {
    "no root event": (
        lambda case: case.set("entities", "event", "kind", "group") and "entities.csv kind",
        "there must be one root of kind event, named event",
        "add it",
    ),
    "a second root event": (
        lambda case: case.add("entities", "event", "kind", id="second"),
        "there must be one root of kind event, named event",
        "",
    ),
    "a link to the root": (
        new_link("target", source="surge", target="event"),
        "nothing may lead to the root event",
        "turn the link round",
    ),
    "a link to itself": (
        new_link("target", source="surge", target="surge"),
        "leads to itself",
        "name another",
    ),
    "certain beside a chance": (
        new_link("chances", chances="certain; surge_falls"),
        "certain cannot stand beside other chances",
        "keep one of them",
    ),
    "one chance twice in a link": (
        new_link("chances", chances="surge_falls; surge_falls"),
        "surge_falls",
        "",
    ),
    "a chance in USD": (
        new_link("chances", chances="further_loss_usd", known_on="2026-04-03"),
        '"further_loss_usd" is in USD, not a chance',
        "name an input in chance",
    ),
    "a window over a plain chance": (
        new_link("chances", chances="surge_falls over window_minutes"),
        '"surge_falls" is no chance per minutes',
        'give it a unit such as "chance per 152 minutes"',
    ),
    "a chance per minutes without its window": (
        new_link("chances", chances="installed_in_window"),
        '"installed_in_window" is in chance per 60 minutes, not a chance',
        "write NAME over MINUTES",
    ),
    "a window that is not in minutes": (
        new_link("chances", chances="installed_in_window over pause_weeks", known_on="2026-04-03"),
        '"pause_weeks" is not in minute',
        "name an input in minutes",
    ),
    "a link that ends before it begins": (
        new_link("valid_to", valid_from="2026-03-02", valid_to="2026-03-01"),
        "is before valid_from",
        "swap them",
    ),
    "a share above 1": (
        new_link("share", share="40"),
        "is outside 0 to 1",
        "write a fraction of one",
    ),
    "a window that closes before it opens": (
        lambda case: case.set("windows", "window-1.82.7-report", "closes", "2026-03-24T10:38Z"),
        "is before opens",
        "swap them",
    ),
}

AMOUNTS: dict[str, tuple[Damage, str, str]] = {
    "low above high": (
        new_input("low", low="60"),
        "low, mode and high are not in order",
        "write low <= mode <= high",
    ),
    "a mode outside its range": (
        new_input("low", mode="53"),
        "low, mode and high are not in order",
        "write low <= mode <= high",
    ),
    "a chance above 1": (
        new_input("mode", low="0.2", mode="0.5", high="1.5", unit="chance"),
        "a chance or share is outside 0 to 1",
        "write a fraction of one",
    ),
    "a chance below 0": (
        new_input("mode", low="-0.1", mode="0.5", high="0.9", unit="chance per 10 minutes"),
        "a chance or share is outside 0 to 1",
        "write a fraction of one",
    ),
    "a pert without a mode": (
        new_input("mode", mode=""),
        "a pert needs low, mode, high",
        "fill them in",
    ),
    "a fixed value without a value": (
        new_input("mode", shape="fixed", mode=""),
        "a fixed needs mode",
        "fill them in",
    ),
    "a lognormal without a cap": (
        new_input("cap", shape="lognormal"),
        "a lognormal has no upper end",
        "give it a cap",
    ),
    "a lognormal capped below its 95 % point": (
        new_input("cap", shape="lognormal", cap="40"),
        "is not above high",
        "give the greatest possible value",
    ),
    "a lognormal from 0": (
        new_input("low", shape="lognormal", low="0", cap="400"),
        "a lognormal needs 0 < low < high",
        "write its 5 % and 95 % quantiles",
    ),
    "a lognormal chance capped above 1": (
        new_input("cap", shape="lognormal", low="0.1", mode="", high="0.9", cap="3", unit="chance"),
        "outside 0 to 1",
        "write a fraction of one",
    ),
    "a beta without parameters": (
        shaped("parameters", shape="beta", low="", mode="", high=""),
        "a beta needs a and b above 0",
        "after k of n cases a=k+1; b=n-k+1",
    ),
    "a beta without b": (
        shaped("parameters", shape="beta", parameters="a=2"),
        "a beta needs a and b above 0",
        "after k of n cases",
    ),
    "a beta of nothing": (
        shaped("parameters", shape="beta", parameters="a=0; b=3"),
        "a beta needs a and b above 0",
        "after k of n cases",
    ),
    "a beta of words": (
        shaped("parameters", shape="beta", parameters="a=two; b=3"),
        '"a=two" is not NAME=NUMBER',
        "write a=2; b=8",
    ),
    "a beta chance up to 3": (
        shaped(
            "mode", shape="beta", parameters="a=2; b=3", low="0", mode="", high="3", unit="chance"
        ),
        "a chance or share is outside 0 to 1",
        "write a fraction of one",
    ),
    "quantiles without parameters": (
        shaped("parameters", shape="quantiles"),
        "quantiles do not run from 0 to 1",
        "0=40; 0.5=152; 1=179",
    ),
    "quantiles that do not begin at 0": (
        shaped("parameters", shape="quantiles", parameters="0.1=40; 1=179"),
        "quantiles do not run from 0 to 1",
        "0=40; 0.5=152; 1=179",
    ),
    "quantiles that go beyond 1": (
        shaped("parameters", shape="quantiles", parameters="0=40; 1=179; 1.5=200"),
        "quantiles do not run from 0 to 1",
        "0=40; 0.5=152; 1=179",
    ),
    "quantiles that fall": (
        shaped("parameters", shape="quantiles", parameters="0=40; 0.5=30; 1=179"),
        "values fall as quantiles rise",
        "0=40; 0.5=152; 1=179",
    ),
    "quantiles by name": (
        shaped("parameters", shape="quantiles", parameters="least=40; most=179"),
        "names something that is no quantile",
        "0=40; 0.5=152; 1=179",
    ),
    "quantiles of a chance above 1": (
        shaped(
            "mode",
            shape="quantiles",
            parameters="0=0; 1=2",
            unit="chance",
            low="",
            mode="",
            high="",
        ),
        "a chance or share is outside 0 to 1",
        "write a fraction of one",
    ),
    "parameters of a shape that has none": (
        shaped("parameters", parameters="a=2; b=3"),
        "a pert takes none",
        "write a=2; b=8, or 0=40; 1=179",
    ),
    "a second rate": (
        new_input("unit", id="such_more", unit="event/year"),
        "says already how often such an event happens",
        "keep one input in event/year",
    ),
    "a length of a state in hours a week": (
        lambda case: case.set("inputs", "hours_a_week", "lasts_since", "meta-paused-anonymous"),
        "hour/week/person is no unit of time",
        "week, month, year, or leave lasts_since empty",
    ),
    "a length since a claim that is none": (
        lambda case: case.set("inputs", "stop_weeks", "lasts_since", "meta-paused-anonymus"),
        'no claim "meta-paused-anonymus"',
        'did you mean "meta-paused-anonymous"?',
    ),
    "an input on a claim that becomes known later": (
        lambda case: case.set("inputs", "hours_a_week", "claims", "meta-paused-on-record"),
        '"meta-paused-on-record" becomes known later (2026-04-23) than this row',
        "to 2026-04-23 or later",
    ),
    "a lognormal of one value": (
        new_input("low", shape="lognormal", low="5", mode="", high="5", cap="9"),
        "a lognormal needs 0 < low < high",
        "write its 5 % and 95 % quantiles",
    ),
    "a uniform without an end": (
        new_input("high", shape="uniform", high=""),
        "a uniform needs low, high",
        "fill them in",
    ),
    "a shape that there is not": (
        new_input("shape", shape="normal"),
        '"normal" is not allowed',
        'did you mean "lognormal"?',
    ),
    "a unit that is none": (
        new_input("unit", unit="US$ per week"),
        '"US$ per week" is not a unit',
        "write products and quotients: USD/hour",
    ),
    "an input named as a link": (
        new_input("id", id="link.surge-falls"),
        "link. is kept for links",
        "choose another name",
    ),
    "an unknown kind of loss": (
        new_loss("kind", kind="prodct"),
        'no kind of loss "prodct"',
        'did you mean "product"?',
    ),
    "arguments that do not multiply to USD": (
        new_loss("arguments", arguments="cost=defence_usd; weeks=pause_weeks"),
        "the arguments multiply to USD^1 week^1, not to USD",
        "check the inputs and their units",
    ),
    "arguments that are no pairs": (
        new_loss("arguments", arguments="defence_usd"),
        "is not NAME=INPUT pairs separated by ;",
        "write people=idle_people; weeks=pause_weeks",
    ),
    "no arguments": (
        new_loss("arguments", arguments=""),
        "is empty",
        "fill it in: The inputs that the kind takes, by name.",
    ),
    "one argument twice": (
        new_loss("arguments", arguments="cost=defence_usd; cost=further_loss_usd"),
        "cost",
        "",
    ),
    "missing arguments of records": (
        new_loss(
            "arguments", kind="records", arguments="people=affected_people", known_on="2026-04-11"
        ),
        "the arguments intercept, residual, share, slope are missing",
        "check the inputs and their units",
    ),
    "a limit that is not in USD": (
        new_loss("limit", limit="pause_weeks"),
        "is not in USD",
        "name an input in USD",
    ),
    "a retention without a limit": (
        new_loss("limit", retention="defence_usd"),
        "a retention needs a limit",
        "name an input in USD",
    ),
    "a chance of a judgement above 1": (
        lambda case: case.set("judgements", "theft-samples-shown-teampcp", "high", "1.6"),
        "is outside 0 to 1",
        "write a fraction of one",
    ),
    "a judgement out of order": (
        lambda case: case.set("judgements", "theft-samples-shown-teampcp", "low", "0.5"),
        "low, mode and high are not in order",
        "write low <= mode <= high",
    ),
    "a clock that runs backwards": (
        lambda case: case.set("duties", "notify-texas", "clock_hours", "-72"),
        "is below 0",
        "write hours",
    ),
}

DAMAGES = {**REFERENCES, **GRAPH, **AMOUNTS}


@pytest.mark.parametrize(("damage", "what", "repair"), DAMAGES.values(), ids=DAMAGES)
def test_a_damage_is_told_once_with_its_place_and_repair(
    case_copy: Any, told_once: Any, damage: Damage, what: str, repair: str
) -> None:
    told_once(case_copy, damage(case_copy), what, repair)


def test_the_second_of_two_equal_rows_is_told_with_the_first(
    case_copy: Any, faults_of: FaultsOf
) -> None:
    first = f"entities.csv:{case_copy.line_of('entities', 'surge')} id"
    second = case_copy.add("entities", "surge", "id", name="Surge again")
    faults = faults_of(case_copy)
    assert [fault.where for fault in faults] == [first, second]
    assert {fault.what for fault in faults} == {'"surge" stands twice with one known_on and tlp'}
    lines = " and ".join(fault.where.partition(":")[2].split()[0] for fault in faults)
    for fault in faults:
        assert fault.repair.startswith(f"remove one of the lines {lines}, or give the newer row")


def test_a_row_known_before_its_source_is_told_at_both(case_copy: Any, faults_of: FaultsOf) -> None:
    where = case_copy.add("entities", "reuters", "known_on", id="odd", known_on="2025-06-12")
    told = {fault.where: str(fault) for fault in faults_of(case_copy)}
    assert set(told) == {where, where.replace("known_on", "sources")}
    assert "write 2025-06-13;" in told[where]


def test_all_faults_between_tables_are_told_at_once(case_copy: Any, faults_of: FaultsOf) -> None:
    expected = [
        case_copy.set("links", "surge-anthropic", "target", "anthropc"),
        case_copy.set("losses", "mercor-defence", "arguments", "cost=defense_usd"),
        new_input("low", low="60")(case_copy),
        new_link("target", source="surge", target="event")(case_copy),
    ]
    assert sorted(fault.where for fault in faults_of(case_copy)) == sorted(expected)


def test_the_command_tells_all_faults_of_a_case_and_ends_with_2(case_copy: Any) -> None:
    expected = [
        case_copy.set("links", "surge-anthropic", "target", "anthropc"),
        new_input("low", id="odd_one", low="60")(case_copy),
        new_input("mode", id="odd_two", low="0.2", mode="0.5", high="1.5", unit="chance")(
            case_copy
        ),
        new_input("cap", id="odd_three", shape="lognormal")(case_copy),
        new_input("unit", id="such_more", unit="event/year")(case_copy),
    ]
    for verb in ("check", "show"):
        command = [sys.executable, "-m", "impact", verb, str(case_copy.folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stdout == ""
        told = done.stderr.splitlines()
        assert sorted(line.partition(": ")[0] for line in told) == sorted(expected)
        assert all(re.fullmatch(r".+: .+; .+", line) for line in told)


ACCEPTED: dict[str, Damage] = {
    "one parameter twice": shaped("parameters", shape="beta", parameters="a=2; a=5; b=8"),
    "one quantile twice": shaped("parameters", shape="quantiles", parameters="0=1; 0=2; 1=179"),
    "a cap of a pert, below its high": new_input("cap", cap="20"),
    "a range of a fixed value": new_input("low", shape="fixed", low="3", mode="5", high="9"),
    "a mode of a uniform": new_input("mode", shape="uniform", low="3", mode="5", high="9"),
    "weeks below 0": new_input("low", low="-3"),
}


@pytest.mark.parametrize("damage", ACCEPTED.values(), ids=ACCEPTED)
def test_what_would_be_dropped_or_makes_no_sense_is_told(
    case_copy: Any, faults_of: FaultsOf, damage: Damage
) -> None:
    where = damage(case_copy)
    assert where in [fault.where for fault in faults_of(case_copy)]
