"""Grids of scenarios.toml: one entry, several scenarios."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import impact
from impact.base.errors import BadInput, Refusal
from impact.case import folder, views
from notebooks import case_of


def load(tmp_path: Path, toml: str) -> impact.Case:
    return impact.load_case(case_of(tmp_path / "tiny", toml))


def grid(settings: str) -> str:
    return f'[scenario.g]\ntitle = "Grid"\nsays = "So."\n{settings}\n'


def test_each_value_of_a_grid_is_a_scenario_of_its_own(tmp_path: Path) -> None:
    case = load(tmp_path, grid("each = { weeks = [2, [3, 4, 9], 0.5] }\nset = { p = 0.1 }"))
    assert list(case.scenarios) == ["baseline", "g_2", "g_3-4-9", "g_0.5"]
    assert [s.grid for s in case.scenarios.values()] == ["", "g", "g", "g"]
    middle = case.scenarios["g_3-4-9"]
    assert [str(change) for change in middle.changes] == ["p=0.1", "weeks=3,4,9"]
    assert middle.title == "Grid (weeks: 3 to 4 to 9)"


def test_a_grid_of_several_inputs_and_days_holds_every_combination(tmp_path: Path) -> None:
    settings = 'each = { weeks = [2, 4], p = [0, 1] }\nas_of = ["2026-02-01", "2026-03-01T12:00Z"]'
    names = list(load(tmp_path, grid(settings)).scenarios)[1:]
    assert names == [
        f"g_{weeks}_{p}@{day}"
        for weeks in (2, 4)
        for p in (0, 1)
        for day in ("2026-02-01", "2026-03-01T1200Z")
    ]


def test_a_member_is_what_set_alone_would_give(tmp_path: Path) -> None:
    case = load(tmp_path, grid("each = { weeks = [4] }"))
    member = impact.simulate(impact.view(case, "g_4"), 500)
    alone = impact.simulate(impact.view(case, changes="weeks=4"), 500)
    assert all((member.losses[name] == alone.losses[name]).all() for name in alone.losses)


def test_scenarios_beside_a_view_leave_out_the_members_of_other_grids(tmp_path: Path) -> None:
    toml = grid("each = { weeks = [4, 5] }") + '[scenario.h]\ntitle = "H"\nset = { p = 1 }\n'
    case = load(tmp_path, toml)
    beside = impact.compare(impact.simulate(impact.view(case), 500)).table["id"].to_list()
    assert beside == ["h"]
    member = impact.compare(impact.simulate(impact.view(case, "g_4"), 500)).table["id"]
    assert member.to_list() == ["baseline", "g_5", "h"]


def test_a_day_may_be_written_as_toml_has_it(tmp_path: Path) -> None:
    case = load(tmp_path, grid("as_of = [2026-02-01, 2026-03-01T12:00:00Z]"))
    assert list(case.scenarios)[1:] == ["g@2026-02-01", "g@2026-03-01T1200Z"]
    assert case.scenarios["g@2026-03-01T1200Z"].as_of == "2026-03-01T12:00Z"


def test_the_digest_of_the_inputs_moves_with_what_a_change_hides(tmp_path: Path) -> None:
    """A page that compares views shows the baseline too."""
    one, other = (
        case_of(tmp_path / name, "[scenario.x]\nset = { weeks = 3 }\n") for name in ("one", "other")
    )
    inputs = other / "inputs.csv"
    text = inputs.read_text("utf-8")
    inputs.write_text(re.sub(r"(?m)^(weeks,.*)9", r"\g<1>8", text), "utf-8")
    assert inputs.read_text("utf-8") != text
    views = (impact.view(impact.load_case(home), "x") for home in (one, other))
    first, second = (folder.digests(known)["inputs"] for known in views)
    assert first != second


# levels of scenarios and decisions

SECRET = {"id": "secret_weeks", "mode": "3", "shape": "fixed", "unit": "week", "tlp": "amber"}


def test_a_view_has_the_scenarios_of_its_level_alone(tmp_path: Path) -> None:
    toml = (
        "[scenario.open]\nset = { p = 1 }\n"
        "[scenario.named]\nset = { secret_weeks = 1 }\n"
        '[scenario.marked]\nset = { p = 1 }\ntlp = "red"\n'
    )
    case = impact.load_case(case_of(tmp_path / "tiny", toml, inputs=[SECRET]))
    seen = {
        level: list(impact.view(case, tlp=level).scenarios)
        for level in ("clear", "green", "amber", "red")
    }
    assert seen["clear"] == seen["green"] == ["baseline", "open"]
    assert seen["amber"] == ["baseline", "open", "named"]
    assert seen["red"] == ["baseline", "open", "named", "marked"]
    with pytest.raises(Refusal, match="rests on rows above the level"):
        impact.view(case, "named", tlp="green")
    with pytest.raises(BadInput, match='no scenario "named"'):
        views.under(impact.view(case, tlp="green"), "named")


def test_the_digest_of_a_view_does_not_move_with_what_it_does_not_show(tmp_path: Path) -> None:
    toml, other = "[scenario.named]\nset = { secret_weeks = 1 }\n", SECRET | {"id": "other_weeks"}
    with_it = impact.load_case(case_of(tmp_path / "one", toml, inputs=[other, SECRET]))
    without = impact.load_case(case_of(tmp_path / "two", "# none", inputs=[other]))
    one, two = (impact.view(case, tlp="green") for case in (with_it, without))
    assert folder.digest(one) == folder.digest(two)
    assert folder.digest(impact.view(with_it, tlp="amber")) != folder.digest(one)
