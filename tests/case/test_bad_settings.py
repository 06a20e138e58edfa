"""Settings, scenarios and decisions that are wrong, and cases that are none."""

from collections.abc import Callable
from typing import Any

import pytest

import impact
from impact.errors import BadInput, Fault

SAVES = 'saves = ["anthropic-further-loss"]'
Damage = Callable[[Any], object]
FaultsOf = Callable[[Any], tuple[Fault, ...]]

DAMAGES: dict[str, tuple[Damage, str, str]] = {
    "an unknown setting of a scenario": (
        lambda case: case.settings("scenarios.toml", '[scenario.odd]\ntitel = "Odd"'),
        "scenarios.toml scenario.odd titel: no such setting",
        'did you mean "title"?',
    ),
    "an unknown block": (
        lambda case: case.settings("scenarios.toml", '[scenaro.odd]\ntitle = "Odd"'),
        "scenarios.toml scenaro: no such setting",
        'did you mean "scenario"?',
    ),
    "an unknown input": (
        lambda case: case.settings("scenarios.toml", "[scenario.odd]\nset = { pause_week = 3 }"),
        'scenarios.toml scenario.odd: no input "pause_week"',
        'did you mean "pause_weeks"?',
    ),
    "a link that there is not": (
        lambda case: case.settings(
            "scenarios.toml", '[scenario.odd]\nset = { "link.surge-fals" = 0 }'
        ),
        'scenarios.toml scenario.odd: no input "link.surge-fals"',
        'did you mean "link.surge-falls"?',
    ),
    "a chance above 1": (
        lambda case: case.settings(
            "scenarios.toml", "[scenario.odd]\nset = { taken_if_in_reach = 1.5 }"
        ),
        "scenarios.toml scenario.odd taken_if_in_reach mode: a chance or share is outside 0 to 1",
        "write a fraction of one",
    ),
    "a link that stands with more than certainty": (
        lambda case: case.settings(
            "scenarios.toml", '[scenario.odd]\nset = { "link.surge-falls" = 2 }'
        ),
        "scenarios.toml scenario.odd link.surge-falls mode: a chance or share is outside 0 to 1",
        "write a fraction of one",
    ),
    "words for an estimate": (
        lambda case: case.settings("scenarios.toml", '[scenario.odd]\nset = { pause_weeks = "3" }'),
        'scenarios.toml scenario.odd pause_weeks: "3" is no estimate',
        "write one number, or low,mode,high",
    ),
    "an estimate out of order": (
        lambda case: case.settings(
            "scenarios.toml", "[scenario.odd]\nset = { pause_weeks = [3, 2, 4] }"
        ),
        "scenarios.toml scenario.odd pause_weeks: low, mode and high are not in order",
        "write low <= mode <= high",
    ),
    "an unknown claim": (
        lambda case: case.settings(
            "scenarios.toml", '[scenario.odd]\ncontradicts = ["mercor-afected"]'
        ),
        'scenarios.toml scenario.odd contradicts: no claim "mercor-afected"',
        'did you mean "mercor-affected"?',
    ),
    "a claim with no near name": (
        lambda case: case.settings("scenarios.toml", '[scenario.odd]\ncontradicts = ["qqqqqq"]'),
        'scenarios.toml scenario.odd contradicts: no claim "qqqqqq"',
        "name a claim",
    ),
    "a claim outside of a list": (
        lambda case: case.settings(
            "scenarios.toml", '[scenario.odd]\ncontradicts = "mercor-affected"'
        ),
        "scenarios.toml scenario.odd contradicts: ",
        "[",
    ),
    "a number for a list of claims": (
        lambda case: case.settings("scenarios.toml", "[scenario.odd]\ncontradicts = 5"),
        "scenarios.toml scenario.odd contradicts: ",
        "[",
    ),
    "a day that is none": (
        lambda case: case.settings("scenarios.toml", '[scenario.odd]\nas_of = "2026-02-30"'),
        "scenarios.toml scenario.odd as_of: ",
        "",
    ),
    "a scenario that is no table": (
        lambda case: case.settings(
            "scenarios.toml",
            'scenario.odd = "long-pause"\n[scenario.near-miss]',
            "[scenario.near-miss]",
        ),
        "scenarios.toml scenario.odd: is not a bare name with its settings",
        "use a-z",
    ),
    "scenarios that are no table": (
        lambda case: (case.folder / "scenarios.toml").write_text('scenario = "long-pause"\n'),
        "scenarios.toml scenario",
        "",
    ),
    "a decision with one option": (
        lambda case: case.settings(
            "scenarios.toml",
            '[decision.odd]\nbearer = "meta"\nflips_on = "further_loss_usd"\n'
            '[decision.odd.option.only]\ncosts = ["meta-review"]\nsaves = ["meta-replacement"]\n'
            "[decision.odd.option.only.set]\npause_weeks = 3",
        ),
        "scenarios.toml decision.odd: has fewer than two options",
        "add [decision.NAME.option.NAME]",
    ),
    "a decision without options": (
        lambda case: case.settings(
            "scenarios.toml", '[decision.odd]\nbearer = "meta"\nflips_on = "further_loss_usd"'
        ),
        "scenarios.toml decision.odd: has fewer than two options",
        "add [decision.NAME.option.NAME]",
    ),
    "an option of a link that there is not": (
        lambda case: case.settings(
            "scenarios.toml", '"link.meta-goes-off" = 1', '"link.meta-goes-on" = 0'
        ),
        'scenarios.toml decision.client-month-2 option.return: no input "link.meta-goes-off"',
        'did you mean "link.meta-goes-on"?',
    ),
    "an unknown setting of an option": (
        lambda case: case.settings(
            "scenarios.toml",
            'tilte = "Go"\n[decision.client-month-2.option.leave.set]',
            "[decision.client-month-2.option.leave.set]",
        ),
        "scenarios.toml decision.client-month-2 option.leave tilte: no such setting",
        'did you mean "title"?',
    ),
    "an option without a benefit": (
        lambda case: case.settings("scenarios.toml", "saves = []", SAVES),
        "scenarios.toml decision.client-lab option.pause saves: the option has no benefit",
        "every way to decide brings one thing and saves another",
    ),
    "an option without a loss": (
        lambda case: case.settings("scenarios.toml", "", 'costs = ["anthropic-replacement"]'),
        "scenarios.toml decision.client-lab option.pause costs: the option has no loss",
        'write costs = ["LOSS"]',
    ),
    "an option that names the loss of another": (
        lambda case: case.settings("scenarios.toml", 'saves = ["meta-review"]', SAVES),
        'scenarios.toml decision.client-lab option.pause saves: no loss of anthropic "meta-review"',
        "",
    ),
    "a benefit that no option moves": (
        lambda case: case.settings(
            "scenarios.toml", 'saves = ["mercor-defence"]', 'saves = ["mercor-second-notice"]'
        ),
        'scenarios.toml decision.mercor-notice option.forensics saves: no option moves "mercor-def',
        "change an input on which it rests",
    ),
    "a decision that flips on what bends its cost": (
        lambda case: case.settings(
            "scenarios.toml", 'flips_on = "affected_people"', 'flips_on = "late_usd_a_person"'
        ),
        'scenarios.toml decision.mercor-notice flips_on: the cost of "mercor-response" is no',
        "name an input that is a factor of products",
    ),
    "an unknown bearer": (
        lambda case: case.settings("scenarios.toml", 'bearer = "antropic"', 'bearer = "anthropic"'),
        'scenarios.toml decision.client-lab bearer: no entity "antropic"',
        'did you mean "anthropic"?',
    ),
    "a decision that flips on no input": (
        lambda case: case.settings("scenarios.toml", '"further_los_usd"', '"further_loss_usd"'),
        'scenarios.toml decision.client-lab flips_on: no input "further_los_usd"',
        'did you mean "further_loss_usd"?',
    ),
    "an unknown input of an option": (
        lambda case: case.settings(
            "scenarios.toml", "review_person_week = [", "review_person_weeks = ["
        ),
        'scenarios.toml decision.client-lab option.fence: no input "review_person_week"',
        'did you mean "review_person_weeks"?',
    ),
    "broken TOML": (
        lambda case: case.settings("scenarios.toml", "[scenario.odd\n"),
        "scenarios.toml: is not TOML: ",
        "mend that line",
    ),
    "no scenarios": (
        lambda case: (case.folder / "scenarios.toml").unlink(),
        "scenarios.toml: cannot be read",
        "check path",
    ),
    "an unknown setting of the case": (
        lambda case: case.settings("case.toml", 'titel = "Mercor"'),
        "case.toml titel: no such setting",
        'did you mean "title"?',
    ),
    "a case without a title": (
        lambda case: case.settings("case.toml", "", 'title = "Mercor breach"'),
        "case.toml title: is missing or not text",
        "fill it in",
    ),
    "a title known on no day": (
        lambda case: case.settings(
            "case.toml", 'title_known_on = "spring"', 'title_known_on = "2026-03-31"'
        ),
        "case.toml title_known_on: is no date",
        "write 2026, 2026-04",
    ),
    "a case in no currency": (
        lambda case: case.settings("case.toml", 'currency = "usd"', 'currency = "USD"'),
        'case.toml currency: "usd" is no currency',
        'did you mean "USD"?',
    ),
    "a case in a code that stands for none": (
        lambda case: case.settings("case.toml", 'currency = "XXX"', 'currency = "USD"'),
        'case.toml currency: "XXX" is no currency',
        "",
    ),
    "a case in the sign of a currency": (
        lambda case: case.settings("case.toml", 'currency = "£"', 'currency = "USD"'),
        'case.toml currency: "£" is no currency',
        "write a code of ISO 4217, such as EUR",
    ),
    "a case of nobody's": (
        lambda case: case.settings("case.toml", 'role = "clients"'),
        'case.toml role: "clients" is no role',
        'did you mean "client"?',
    ),
    "a role that is no text": (
        lambda case: case.settings("case.toml", "role = 1"),
        'case.toml role: "1" is no role',
        "one of client, user, vendor, contractor",
    ),
    "a case at no level": (
        lambda case: case.settings("case.toml", 'tlp = "orange"', 'tlp = "clear"'),
        'case.toml tlp: "orange" is no TLP level',
        "one of clear, green, amber, amber+strict, red",
    ),
    "a case of another format": (
        lambda case: case.settings("case.toml", "schema_version = 2", "schema_version = 1"),
        "case.toml schema_version: is 2, this kit reads 1",
        "write 1",
    ),
    "settings that are not TOML": (
        lambda case: case.settings("case.toml", 'tlp "clear"', 'tlp = "clear"'),
        "case.toml: is not TOML: ",
        "mend that line",
    ),
}


@pytest.mark.parametrize(("damage", "message", "repair"), DAMAGES.values(), ids=DAMAGES)
def test_a_damage_of_the_settings_is_told_once(
    case_copy: Any, faults_of: FaultsOf, damage: Damage, message: str, repair: str
) -> None:
    damage(case_copy)
    faults = faults_of(case_copy)
    assert len(faults) == 1, "\n".join(map(str, faults))
    assert f"{faults[0].where}: {faults[0].what}".startswith(message)
    assert repair in faults[0].repair


def test_broken_toml_is_told_with_its_line(case_copy: Any, faults_of: FaultsOf) -> None:
    case_copy.settings("scenarios.toml", "[scenario.odd\n")
    last = len((case_copy.folder / "scenarios.toml").read_text("utf-8").splitlines())
    assert f"line {last - 1}" in faults_of(case_copy)[0].what


@pytest.mark.parametrize(
    ("name", "what", "repair"),
    [
        ("https://cases.example/mercor", "is an address", "give a path"),
        ("file:///cases/mercor", "is an address", "give a path"),
        ("data/cases/*", "is a pattern", "name one folder"),
        ("mercor-202?", "is a pattern", "name one folder"),
        ("mercr", "no such case", 'did you mean "mercor"?'),
        ("qqqqqq", "no such case", "see `impact cases`"),
        ("", "no such case", ""),
    ],
)
def test_what_is_no_case_is_refused_by_name(name: str, what: str, repair: str) -> None:
    with pytest.raises(BadInput) as refused:
        impact.load_case(name)
    (fault,) = refused.value.faults
    assert (fault.where, fault.what) == (name, what)
    assert repair in fault.repair


def test_a_folder_without_settings_is_no_case(case_copy: Any) -> None:
    (case_copy.folder / "case.toml").unlink()
    with pytest.raises(BadInput, match=r"mercor: holds no case.toml; name a case folder"):
        impact.load_case(case_copy.folder)
